//! A training is reused by its identity: whatever the factors, their order or the name of the experiment,
//! what is the same training is trained once.

#![allow(clippy::print_stdout)] // what was measured, shown with --nocapture

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::common::broken::{Moments, SMALL, assert_tidy, kills, start};
use crate::common::{Place, bytes, json, stderr, weights};
use serde_json::Value;

/// Four trainings, with a factor of one level.
const ONE_LEVEL: &str = r#"
name = "small"
data.source = "digits"
model.hidden = [16]
training.epochs = 5
[matrix]
"training.batch_size" = [32]
"model.norm.kind" = ["none", "batch"]
early_stopping = [{ kind = "none" }, { kind = "patience", patience = 1 }]
seed = "0..2"
"#;

/// By identity, every byte of the curve, clocks included, and of the weights.
type Contents = BTreeMap<String, (Vec<u8>, BTreeMap<String, Vec<u8>>)>;

fn contents(place: &Place, experiment: &str) -> Contents {
    let content = |dir: &PathBuf| {
        let identity = json(&dir.join("run.json"))["identity"].as_str().unwrap().to_owned();
        (identity, (fs::read(dir.join("epochs.csv")).unwrap(), weights(dir)))
    };
    place.trainings(experiment).iter().map(content).collect()
}

/// The folders that `experiment.json` names.
fn planned(place: &Place, experiment: &str) -> Vec<String> {
    let plan = json(&place.path(experiment).join("experiment.json"));
    let trainings = plan["trainings"].as_array().unwrap();
    trainings.iter().map(|training| training["dir"].as_str().unwrap().to_owned()).collect()
}

fn folders(place: &Place, experiment: &str) -> Vec<String> {
    let name = |path: PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    place.trainings(experiment).into_iter().map(name).collect()
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names
}

fn run(place: &Place, config: &str, args: &[&str]) -> String {
    place.write("small.toml", config);
    place.succeeds(&[&["run", "--config", "small.toml"], args].concat())
}

/// Runs a config whose trainings are all done under other names, and looks at what came of them.
#[track_caller]
fn reuses(place: &Place, config: &str, experiment: &str, trainings: usize) {
    let before = contents(place, "results/small");
    let dry = run(place, config, &["--dry-run"]);
    assert!(dry.contains(", 0 to train"), "{dry}");
    let out = run(place, config, &[]);
    let done = format!(", {trainings} already done)");
    assert!(out.contains("(0 trained") && out.contains(&done), "{out}");
    let after = contents(place, experiment);
    assert_eq!(after.len(), trainings);
    assert!(after.iter().all(|(identity, content)| before.get(identity) == Some(content)));
    // Their arms are today's, and all of them are there to compare.
    for (dir, arms) in planned(place, experiment).iter().zip(planned_factors(place, experiment)) {
        let record = json(&place.path(experiment).join(dir).join("run.json"));
        let recorded = record["arms"].as_array().unwrap().iter();
        assert_eq!(recorded.map(|arm| arm["factors"].clone()).collect::<Vec<_>>(), arms);
    }
    let output = place.bnes(&["compare", experiment, "--format", "json"]);
    let compared: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(output.status.success() && !stderr(&output).contains("missing"), "{output:?}");
    let arms = compared["arms"].as_array().unwrap();
    assert!(arms.iter().all(|arm| arm["n"] == 2), "{arms:?}");
    let again = run(place, config, &[]);
    assert!(again.contains("(0 trained") && again.contains(&done), "{again}");
}

/// For each planned training, the levels of each of its arms by the names of the factors.
fn planned_factors(place: &Place, experiment: &str) -> Vec<Vec<Value>> {
    let plan = json(&place.path(experiment).join("experiment.json"));
    let at = |list: &Value, number: &Value| {
        list[usize::try_from(number.as_u64().unwrap()).unwrap()].clone()
    };
    let factors = |arm: &Value| -> Value {
        let levels = arm["levels"].as_array().unwrap().iter();
        let named = plan["factors"].as_array().unwrap().iter().zip(levels);
        let named = named.map(|(factor, level)| {
            (factor["key"].as_str().unwrap().to_owned(), at(&factor["levels"], level))
        });
        Value::Object(named.collect())
    };
    let arms = |training: &Value| {
        let cell = at(&plan["cells"], &training["cell"]);
        cell.as_array().unwrap().iter().map(factors).collect()
    };
    plan["trainings"].as_array().unwrap().iter().map(arms).collect()
}

#[test]
fn a_factor_of_one_level_can_be_dropped_and_come_back() {
    let place = Place::new();
    run(&place, ONE_LEVEL, &[]);
    let with = folders(&place, "results/small");
    let dropped = ONE_LEVEL.replace("\"training.batch_size\" = [32]\n", "");
    reuses(&place, &dropped, "results/small", 4);
    // They were moved: nothing lies there twice.
    let without = folders(&place, "results/small");
    assert_eq!(without, sorted(planned(&place, "results/small")));
    assert_ne!(with, without);
    reuses(&place, ONE_LEVEL, "results/small", 4);
    assert_eq!(folders(&place, "results/small"), with);
}

#[test]
fn the_keys_of_the_matrix_may_change_places() {
    let place = Place::new();
    run(&place, ONE_LEVEL, &[]);
    let (norm, batch) =
        ("\"model.norm.kind\" = [\"none\", \"batch\"]\n", "\"training.batch_size\" = [32]\n");
    let reordered = ONE_LEVEL.replace(batch, "").replace(norm, &format!("{norm}{batch}"));
    reuses(&place, &reordered, "results/small", 4);
    assert_eq!(folders(&place, "results/small"), sorted(planned(&place, "results/small")));
}

#[test]
fn a_factor_that_is_added_finds_the_trainings_of_its_old_level() {
    let place = Place::new();
    run(&place, SMALL, &[]);
    let before = contents(&place, "results/small");
    let added = format!("{SMALL}\"training.batch_size\" = [16, 32]\n");
    let dry = run(&place, &added, &["--dry-run"]);
    assert!(dry.contains(", 4 to train"), "{dry}");
    let out = run(&place, &added, &[]);
    assert!(out.contains("(4 trained") && out.contains("4 already done"), "{out}");
    let after = contents(&place, "results/small");
    assert_eq!(after.len(), 8);
    assert!(before.iter().all(|(identity, content)| after.get(identity) == Some(content)));
}

#[test]
fn an_experiment_of_another_name_copies_what_is_done_and_leaves_it_alone() {
    let place = Place::new();
    run(&place, ONE_LEVEL, &[]);
    let files = |experiment: &str| {
        let read = |dir: &PathBuf| {
            let mut files: Vec<(PathBuf, Vec<u8>)> = fs::read_dir(dir)
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .map(|path| (path.clone(), fs::read(path).unwrap()))
                .collect();
            files.sort();
            files
        };
        place.trainings(experiment).iter().map(read).collect::<Vec<_>>()
    };
    let before = files("results/small");
    let renamed = ONE_LEVEL.replace("name = \"small\"", "name = \"other\"");
    reuses(&place, &renamed, "results/other", 4);
    assert!(files("results/small") == before);
    assert_eq!(folders(&place, "results/other"), folders(&place, "results/small"));
    // Other results, other trainings.
    let out = run(&place, &renamed, &["--results", "elsewhere"]);
    assert!(out.contains("(4 trained"), "{out}");
}

#[test]
fn what_is_the_same_training_twice_in_a_config_is_not_taken_from_itself() {
    let place = Place::new();
    let row = |i: usize| format!("{i},{}\n", i % 2);
    let table = "x,class\n".to_owned() + &(0..40).map(row).collect::<String>();
    place.write("a.csv", &table);
    place.write("b.csv", &table);
    let config = "name = \"small\"\ntraining.epochs = 1\n[data]\nsource = \"a.csv\"\ntarget = \"class\"\n\
                  [matrix]\n\"data.source\" = [\"a.csv\", \"b.csv\"]\n";
    run(&place, config, &["--jobs", "1"]);
    assert_eq!(folders(&place, "results/small"), sorted(planned(&place, "results/small")));
    let out = run(&place, config, &["--jobs", "1"]);
    assert!(out.contains("(0 trained"), "{out}");
}

#[test]
fn fresh_takes_nothing_over() {
    let place = Place::new();
    run(&place, SMALL, &[]);
    let renamed = SMALL.replace("name = \"small\"", "name = \"other\"");
    let dry = run(&place, &renamed, &["--fresh", "--dry-run"]);
    assert!(dry.contains(", 4 to train"), "{dry}");
    let out = run(&place, &renamed, &["--fresh"]);
    assert!(out.contains("(4 trained"), "{out}");
    assert!(bytes(&place, "results/small") == bytes(&place, "results/other"));
}

/// Changes what `run.json` says.
fn edit(training: &Path, key: &str, value: Value) {
    let file = training.join("run.json");
    let mut record = json(&file);
    record[key] = value;
    fs::write(file, record.to_string()).unwrap();
}

#[test]
fn what_is_damaged_failed_or_of_another_identity_is_trained_again() {
    let place = Place::new();
    run(&place, SMALL, &[]);
    let trainings = place.trainings("results/small");
    fs::remove_file(trainings[0].join("epochs.csv")).unwrap();
    edit(&trainings[1], "status", "failed".into());
    edit(&trainings[2], "identity", "0".repeat(64).into());
    let renamed = SMALL.replace("name = \"small\"", "name = \"other\"");
    let out = run(&place, &renamed, &[]);
    assert!(out.contains("(3 trained") && out.contains("1 already done"), "{out}");
}

#[test]
fn a_note_of_a_failure_gives_way_to_what_is_done_under_another_name() {
    let place = Place::new();
    run(&place, ONE_LEVEL, &[]);
    let dropped = ONE_LEVEL.replace("\"training.batch_size\" = [32]\n", "");
    let dry = run(&place, &dropped, &["--dry-run"]);
    let name = dry.split("  ").next().unwrap();
    place.write(&format!("results/small/{name}/run.json"), "{\"status\": \"failed\"}");
    let out = run(&place, &dropped, &[]);
    assert!(out.contains("(0 trained"), "{out}");
    let run_json = place.path("results/small").join(name).join("run.json");
    assert_ne!(json(&run_json)["status"], "failed");
}

#[cfg(unix)]
#[test]
fn a_link_is_not_taken_over() {
    let place = Place::new();
    run(&place, SMALL, &["--results", "elsewhere"]);
    place.write("results/small/experiment.json", "{}");
    for training in place.trainings("elsewhere/small") {
        let name = format!("x-{}", training.file_name().unwrap().to_string_lossy());
        std::os::unix::fs::symlink(&training, place.path("results/small").join(name)).unwrap();
    }
    let out = run(&place, SMALL, &[]);
    assert!(out.contains("(4 trained"), "{out}");
}

#[test]
fn the_trainings_of_a_tuning_are_found_likewise() {
    let place = Place::new();
    let tuned =
        format!("{ONE_LEVEL}[tune]\n\"training.optimizer.lr\" = [1e-3, 1e-2]\nseeds = [7, 8]\n");
    run(&place, &tuned, &[]);
    let chosen = |experiment: &str| {
        let plan = json(&place.path(experiment).join("experiment.json"));
        let arms = plan["tuning"]["arms"].as_array().unwrap().clone();
        arms.iter().map(|arm| arm["chosen"].clone()).collect::<Vec<_>>()
    };
    let before = (chosen("results/small"), contents(&place, "results/small/tune"));
    let dropped = tuned.replace("\"training.batch_size\" = [32]\n", "");
    let renamed = tuned.replace("name = \"small\"", "name = \"other\"");
    for (config, experiment) in [(dropped, "results/small"), (renamed, "results/other")] {
        let dry = run(&place, &config, &["--dry-run"]);
        assert!(dry.contains("trainings, 0 to train"), "{dry}");
        let out = run(&place, &config, &[]);
        assert!(out.contains("(0 trained"), "{out}");
        assert!((chosen(experiment), contents(&place, &format!("{experiment}/tune"))) == before);
    }
}

#[test]
fn killed_while_it_takes_trainings_over_it_loses_none_and_trains_none_again() {
    let with = ONE_LEVEL.replace("epochs = 5", "epochs = 1").replace("0..2", "0..12");
    let without = with.replace("\"training.batch_size\" = [32]\n", "");
    let args = ["run", "--config", "small.toml", "--jobs", "2"];
    let place = Place::new();
    run(&place, &with, &[]);
    let before = contents(&place, "results/small");
    assert_eq!(before.len(), 24);
    let began = Instant::now();
    run(&place, &without, &[]);
    let whole = began.elapsed();
    let (mut moments, mut killed, mut midway) = (Moments::new(), 0, 0);
    for round in 0..kills() {
        // In turn moved to the names of other factors, and copied to an experiment of another name.
        let (config, experiment) = match round % 4 {
            0 => (with.clone(), "small".to_owned()),
            2 => (without.clone(), "small".to_owned()),
            _ => {
                let copy = format!("copy{round}");
                (with.replace("\"small\"", &format!("\"{copy}\"")), copy)
            }
        };
        let results = format!("results/{experiment}");
        place.write("small.toml", &config);
        let mut child = start(&place, &args);
        std::thread::sleep(moments.next(whole));
        if child.try_wait().unwrap().is_none() {
            child.kill().unwrap();
            killed += 1;
        }
        child.wait().unwrap();
        // It may have been killed before there was a plan.
        let plan = place.path(&results).join("experiment.json");
        let planned = if plan.is_file() { planned(&place, &results) } else { Vec::new() };
        let there = planned.iter().filter(|dir| place.path(&results).join(dir).is_dir()).count();
        midway += usize::from((1..24).contains(&there));
        let out = run(&place, &config, &[]);
        assert!(out.contains("(0 trained"), "round {round}: {out}");
        assert!(contents(&place, &results) == before, "round {round}");
        assert_tidy(&place, &results);
    }
    println!("{killed} kills, {midway} of them between the first and the last taken over");
}
