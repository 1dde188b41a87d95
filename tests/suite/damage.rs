//! No file of results that is damaged leads to a wrong number: it is named, left out, set aside and made again.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::common::{Place, json, stderr};

/// Two arms a training, which keep different weights.
const SEVERAL_ARMS: &str = r#"
    name = "small"
    data.source = "digits"
    model.hidden = [8]
    training.epochs = 4
    [matrix]
    early_stopping = [
        { kind = "none" },
        { kind = "patience", patience = 1, monitor = "train_accuracy", min_delta = 1.0 },
    ]
    seed = "0..3"
"#;

const ONE_ARM: &str = r#"
    name = "small"
    data.source = "digits"
    model.hidden = [8]
    training.epochs = 2
    matrix.seed = "0..3"
"#;

const RUN: [&str; 6] = ["run", "--config", "small.toml", "--format", "json", "--quiet"];

fn trained(config: &str) -> Place {
    let place = Place::new();
    place.write("small.toml", config);
    place.succeeds(&["run", "--config", "small.toml", "--quiet"]);
    place
}

/// Every file below a folder.
fn tree(folder: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            tree(&path, found);
        } else {
            found.insert(path.clone(), fs::read(path).unwrap());
        }
    }
}

/// Ways in which a file comes to hold other bytes, none of which leaves it as it was; none: it is gone.
fn damages(bytes: &[u8]) -> Vec<(String, Option<Vec<u8>>)> {
    let mut all: Vec<(String, Option<Vec<u8>>)> = Vec::new();
    for part in [0, 1, 2, 3] {
        let length = (bytes.len() * part / 4).min(bytes.len() - 1);
        all.push((format!("cut to {length} bytes"), Some(bytes[..length].to_vec())));
    }
    all.push(("cut by a byte".to_owned(), Some(bytes[..bytes.len() - 1].to_vec())));
    all.push(("doubled".to_owned(), Some(bytes.repeat(2))));
    all.push(("zeros".to_owned(), Some(vec![0; bytes.len()])));
    let mut block = bytes.to_vec();
    block[bytes.len() / 2..bytes.len() * 3 / 4].fill(0);
    all.push(("a block of zeros".to_owned(), Some(block)));
    for (third, bit) in [(1, 0), (3, 1), (5, 2)] {
        let mut flipped = bytes.to_vec();
        let at = bytes.len() * third / 6;
        flipped[at] ^= 1 << bit;
        all.push((format!("bit {bit} of byte {at} flipped"), Some(flipped)));
    }
    // The last digit before the end: still a record, a table, a config.
    let mut digit = bytes.to_vec();
    if let Some(at) = digit.iter().rposition(u8::is_ascii_digit) {
        digit[at] = if digit[at] == b'3' { b'4' } else { b'3' };
        all.push((format!("the digit at byte {at} changed"), Some(digit)));
    }
    all.push(("gone".to_owned(), None));
    all
}

/// Puts bytes into a file, at whose time nothing shows.
fn put(file: &Path, bytes: Option<&[u8]>) {
    let time = fs::metadata(file).unwrap().modified().unwrap();
    match bytes {
        Some(bytes) => {
            fs::write(file, bytes).unwrap();
            File::options().write(true).open(file).unwrap().set_modified(time).unwrap();
        }
        None => fs::remove_file(file).unwrap(),
    }
}

fn is_clock(key: &str) -> bool {
    key.ends_with("_s")
}

/// `EXPERIMENT, factors, metric, seed` with the value of each, clocks aside.
fn compared(text: &str) -> BTreeMap<String, Value> {
    let comparison: Value = serde_json::from_str(text).unwrap();
    let mut values = BTreeMap::new();
    for arm in comparison["arms"].as_array().unwrap() {
        for (metric, of) in arm["metrics"].as_object().unwrap() {
            let seeds = arm["seeds"].as_array().unwrap().iter();
            for (seed, value) in seeds.zip(of["values"].as_array().unwrap()) {
                if !is_clock(metric) {
                    values.insert(format!("{} {metric} {seed}", arm["factors"]), value.clone());
                }
            }
        }
    }
    values
}

/// A line for each arm and seed, without clocks and where they lie.
fn lines(text: &str) -> Vec<String> {
    let plain = |line: &str| {
        let mut object: Value = serde_json::from_str(line).unwrap();
        if let Some(metrics) = object["metrics"].as_object_mut() {
            metrics.retain(|key, _| !is_clock(key));
        }
        object.to_string()
    };
    text.lines().map(plain).collect()
}

struct Told {
    compared: BTreeMap<String, Value>,
    curves: Vec<String>,
    replayed: Vec<Value>,
    status: Vec<Value>,
    ran: Vec<String>,
}

fn rows(text: &str) -> Vec<Value> {
    serde_json::from_str(text).unwrap()
}

const COMPARE: [&str; 6] = ["compare", "results", "--format", "json", "--curves", "curves.csv"];
const REPLAY: [&str; 6] =
    ["replay", "results", "--format", "json", "--criterion", "kind = \"patience\", patience = 1"];

impl Told {
    fn of(place: &Place) -> Self {
        let compared = compared(&place.succeeds(&COMPARE));
        let curves = fs::read_to_string(place.path("curves.csv")).unwrap();
        Self {
            compared,
            curves: curves.lines().map(str::to_owned).collect(),
            replayed: rows(&place.succeeds(&REPLAY)),
            status: rows(&place.succeeds(&["status", "--format", "json"])),
            ran: lines(&place.succeeds(&RUN)),
        }
    }

    /// Nothing that is told of damaged results is other than of whole ones.
    fn holds(&self, place: &Place, what: &str) {
        let _ = fs::remove_file(place.path("curves.csv"));
        let output = place.bnes(&COMPARE);
        let text = String::from_utf8(output.stdout).unwrap();
        if output.status.success() {
            for (key, value) in compared(&text) {
                assert_eq!(self.compared[&key], value, "{what}: {key}");
            }
            let curves = fs::read_to_string(place.path("curves.csv")).unwrap();
            for line in curves.lines() {
                assert!(self.curves.iter().any(|known| known == line), "{what}: {line}");
            }
        }
        let output = place.bnes(&REPLAY);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        for row in if text.is_empty() { Vec::new() } else { rows(&text) } {
            assert!(self.replayed.contains(&row), "{what}: {row}");
        }
        let output = place.bnes(&["status", "--format", "json"]);
        if output.status.success() {
            for row in rows(&String::from_utf8(output.stdout).unwrap()) {
                let is_known = self.status.contains(&row) || row["state"] == "missing";
                assert!(is_known, "{what}: {row}");
            }
        }
    }
}

fn no_damage_lies(config: &str) -> usize {
    let place = trained(config);
    let mut files = BTreeMap::new();
    tree(&place.path("results"), &mut files);
    let told = Told::of(&place);
    let training = place.training("results/small", "seed1");
    let is_tried = |file: &PathBuf| file.starts_with(&training) || !file.ends_with("run.json");
    let of_experiment = |file: &PathBuf| file.parent() == Some(&place.path("results/small"));
    let tried = files.keys().filter(|file| is_tried(file));
    let tried = tried.filter(|file| file.starts_with(&training) || of_experiment(file));
    let mut executions = 0;
    for file in tried {
        for (how, damaged) in damages(&files[file]) {
            let name = file.file_name().unwrap().to_str().unwrap();
            let what = format!("{name}: {how}");
            put(file, damaged.as_deref());
            executions += 1;
            told.holds(&place, &what);
            let output = place.bnes(&["status", "--check"]);
            let is_plan = name == "experiment.json";
            // What is gone of an experiment or a training as a whole is not there to be damaged.
            if damaged.is_some() || !(is_plan || name == "run.json") {
                assert_eq!(output.status.code(), Some(1), "{what}");
                assert!(stderr(&output).contains(name), "{what}: {}", stderr(&output));
            }
            let output = place.bnes(&RUN);
            assert!(output.status.success(), "{what}: {}", stderr(&output));
            let ran = String::from_utf8_lossy(&output.stdout).into_owned();
            assert_eq!(lines(&ran), told.ran, "{what}");
            if damaged.is_some() {
                assert!(stderr(&output).contains(name), "{what}: {}", stderr(&output));
                let aside = place.path("results/small/damaged").join(training.file_name().unwrap());
                let aside = if of_experiment(file) {
                    PathBuf::from(format!("{}.damaged", file.display()))
                } else {
                    aside.join(name)
                };
                assert_eq!(fs::read(&aside).ok(), damaged, "{what}: {}", aside.display());
            }
            place.succeeds(&["status", "--check"]);
            assert_eq!(compared(&place.succeeds(&COMPARE)), told.compared, "{what}");
            // As it was.
            fs::remove_dir_all(place.path("results")).unwrap();
            for (file, bytes) in files.iter().filter(|(file, _)| !file.ends_with("run.json")) {
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, bytes).unwrap();
            }
            for (file, bytes) in files.iter().filter(|(file, _)| file.ends_with("run.json")) {
                fs::write(file, bytes).unwrap();
            }
        }
    }
    executions
}

#[test]
fn no_damaged_file_of_trainings_with_several_arms_leads_to_a_wrong_number() {
    assert!(no_damage_lies(SEVERAL_ARMS) >= 85);
}

#[test]
fn no_damaged_file_of_trainings_with_one_arm_leads_to_a_wrong_number() {
    assert!(no_damage_lies(ONE_ARM) >= 75);
}

#[test]
fn the_checksums_are_those_of_the_files_and_those_of_earlier_versions_are_not_missed() {
    let place = trained(SEVERAL_ARMS);
    let whole = place.succeeds(&["status", "--check"]);
    assert!(whole.contains("checked: 16 files of 3 trainings, all whole\n"), "{whole}");
    let before = compared(&place.succeeds(&COMPARE));
    for training in place.trainings("results/small") {
        let mut record = json(&training.join("run.json"));
        let files = record["files"].as_object().unwrap();
        assert_eq!(files.len(), 4, "epochs.csv, two files of weights, test_rows.safetensors");
        let record = record.as_object_mut().unwrap();
        record.remove("files");
        record.remove("crc32");
        let text = serde_json::to_string_pretty(&record).unwrap() + "\n";
        fs::write(training.join("run.json"), text).unwrap();
    }
    let older = place.succeeds(&["status", "--check"]);
    assert!(older.contains("3 trainings of an earlier version without checksums"), "{older}");
    assert_eq!(compared(&place.succeeds(&COMPARE)), before);
    let run = place.succeeds(&["run", "--config", "small.toml", "--quiet"]);
    assert!(run.contains("3 already done"), "{run}");
}

#[test]
fn what_is_damaged_in_an_archive_is_found_and_made_again() {
    let place = trained(SEVERAL_ARMS);
    let ran = lines(&place.succeeds(&RUN));
    place.succeeds(&["pack", "results"]);
    assert!(place.succeeds(&["status", "--check"]).contains("all whole"));
    let file = place.path("results/small/trainings.tar");
    let mut bytes = fs::read(&file).unwrap();
    let is_header = |block: &[u8]| {
        let name = block.split(|byte| *byte == 0).next().unwrap();
        block[257..].starts_with(b"ustar") && name.ends_with(b".safetensors")
    };
    let header = bytes.chunks(512).position(is_header).unwrap();
    bytes[512 * (header + 1) + 700] ^= 4;
    put(&file, Some(&bytes));
    let output = place.bnes(&["status", "--check"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains(".safetensors does not match its checksum"));
    assert_eq!(lines(&place.succeeds(&RUN)), ran);
    assert_eq!(place.trainings("results/small").len(), 1);
    assert!(place.succeeds(&["status", "--check"]).contains("all whole"));
}

#[test]
fn verify_names_what_is_damaged_and_changes_nothing() {
    let place = trained(ONE_ARM);
    let file = place.training("results/small", "seed1").join("epochs.csv");
    let text = fs::read_to_string(&file).unwrap();
    // A clock, of which nothing else would tell.
    let (rest, last) = text.trim_end().rsplit_once(',').unwrap();
    fs::write(&file, format!("{rest},{}\n", last.parse::<f64>().unwrap() + 1.0)).unwrap();
    let damaged = fs::read(&file).unwrap();
    let output = place.bnes(&["run", "--config", "small.toml", "--verify"]);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("DIFFERS: epochs.csv: damaged: its bytes do not match"), "{said}");
    assert_eq!(fs::read(&file).unwrap(), damaged);
}
