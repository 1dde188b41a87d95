//! `bnes pack`: what is in an archive is read as what lies in folders.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::common::Place;

const CONFIG: &str = r#"
    name = "small"
    data.source = "digits"
    model.hidden = [8]
    training.epochs = 3
    [matrix]
    "model.norm.kind" = ["none", "batch"]
    early_stopping = [{ kind = "none" }, { kind = "patience", patience = 1 }]
    seed = "0..3"
"#;

const ARCHIVE: &str = "results/small/trainings.tar";

fn trained() -> Place {
    let place = Place::new();
    place.write("small.toml", CONFIG);
    place.succeeds(&["run", "--config", "small.toml", "--quiet"]);
    place
}

/// Every file below a folder.
fn tree(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().display().to_string();
                files.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    files
}

fn copy(files: &BTreeMap<String, Vec<u8>>, root: &Path) {
    for (name, bytes) in files {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

#[test]
fn what_is_packed_reads_as_it_did_and_comes_back_byte_for_byte() {
    let place = trained();
    let one = place.training("results/small", "batch-seed1");
    let one = one.strip_prefix(place.path("")).unwrap().display().to_string();
    let told = || {
        [
            place.succeeds(&["compare", "results", "--format", "json"]),
            place.succeeds(&["compare", "results", "--curves", "curves.csv"]),
            fs::read_to_string(place.path("curves.csv")).unwrap(),
            place.succeeds(&["status", "results", "--format", "json"]),
            place.succeeds(&[
                "replay",
                "results",
                "--criterion",
                "kind = \"patience\", patience = 1",
            ]),
            place.succeeds(&["replay", &one, "--criterion", "kind = \"patience\", patience = 1"]),
            place.succeeds(&["compare", &one, "--format", "json"]),
            place.succeeds(&["plot", "results", "--output", "a.svg"]),
            fs::read_to_string(place.path("a.svg")).unwrap(),
            place.succeeds(&["run", "--config", "small.toml", "--format", "json", "--quiet"]),
            place.succeeds(&["run", "--config", "small.toml", "--dry-run", "--quiet"]),
        ]
    };
    let (before, files) = (told(), tree(&place.path("results")));
    let packed = place.succeeds(&["pack", "results"]);
    assert_eq!(packed, format!("6 trainings (24 files) packed into {ARCHIVE}\n"));
    assert_eq!(tree(&place.path("results")).len(), 3);
    assert_eq!(told(), before);
    assert_eq!(tree(&place.path("results")).len(), 3, "nothing is trained or unpacked by reading");
    let verified = place.succeeds(&["run", "--config", "small.toml", "--verify", "--quiet"]);
    assert!(verified.contains("verified: 6 of 6"), "{verified}");
    place.succeeds(&["pack", "results", "--unpack"]);
    assert_eq!(tree(&place.path("results")), files);
}

#[test]
fn an_archive_cut_anywhere_while_it_is_written_loses_nothing_and_is_made_whole() {
    let place = trained();
    let files = tree(&place.path("results"));
    place.succeeds(&["pack", "results"]);
    let whole = fs::read(place.path(ARCHIVE)).unwrap();
    let compared = place.succeeds(&["compare", "results", "--format", "json"]);
    // Folders are removed only after the archive is on the disk: until then both are there.
    for cut in (0..whole.len()).step_by(whole.len() / 13).chain([1, 511, 513, whole.len() - 1]) {
        copy(&files, &place.path("results"));
        fs::write(place.path(ARCHIVE), &whole[..cut]).unwrap();
        let with_both = place.succeeds(&["compare", "results", "--format", "json"]);
        assert_eq!(with_both, compared, "cut at {cut}");
        let packed = place.succeeds(&["pack", "results"]);
        assert!(packed.starts_with("6 trainings"), "cut at {cut}: {packed}");
        assert_eq!(place.succeeds(&["compare", "results", "--format", "json"]), compared);
        place.succeeds(&["pack", "results", "--unpack"]);
        assert_eq!(tree(&place.path("results")), files, "cut at {cut}");
    }
}

#[test]
fn what_is_trained_later_joins_the_archive_and_takes_the_place_of_what_it_replaces() {
    let place = trained();
    place.succeeds(&["pack", "results"]);
    let before = fs::read(place.path(ARCHIVE)).unwrap();
    place.succeeds(&["run", "--config", "small.toml", "--seeds", "4", "--quiet"]);
    assert_eq!(place.trainings("results/small").len(), 2, "only the new seed is trained");
    let packed = place.succeeds(&["pack", "results"]);
    assert!(packed.starts_with("2 trainings"), "{packed}");
    let after = fs::read(place.path(ARCHIVE)).unwrap();
    assert_eq!(after[..before.len() - 1024], before[..before.len() - 1024], "only appended to");
    place.succeeds(&["run", "--config", "small.toml", "--fresh", "--quiet"]);
    let fresh = place.succeeds(&["compare", "results", "--format", "json"]);
    assert_eq!(place.trainings("results/small").len(), 6);
    place.succeeds(&["pack", "results"]);
    assert_eq!(place.succeeds(&["compare", "results", "--format", "json"]), fresh);
    // A rule that is answered from the record changes the record, which then has a folder again.
    let rule = "matrix.early_stopping=[{ kind = \"none\" }, { kind = \"patience\", patience = 2 }]";
    let run = place.succeeds(&["run", "--config", "small.toml", "--set", rule, "--quiet"]);
    assert!(run.contains("6 already done") || run.contains("trained"), "{run}");
    place.succeeds(&["status", "results"]);
}

#[test]
fn a_damaged_archive_is_told_and_what_is_damaged_is_trained_again() {
    let place = trained();
    let compared = place.succeeds(&["compare", "results", "--format", "json"]);
    place.succeeds(&["pack", "results"]);
    let mut bytes = fs::read(place.path(ARCHIVE)).unwrap();
    let at = bytes.windows(6).position(|window| window == b"epoch,").unwrap();
    bytes[at] = b'E';
    fs::write(place.path(ARCHIVE), bytes).unwrap();
    let rule = "kind = \"patience\", patience = 1";
    let told = place.fails(1, &["replay", "results", "--criterion", rule]);
    assert!(
        told.contains("epochs.csv does not match its checksum in results/small/trainings.tar"),
        "{told}"
    );
    // Its records are whole, so nobody has to train it; once they are looked at closely, it is.
    let run = place.succeeds(&["run", "--config", "small.toml", "--seeds", "4", "--quiet"]);
    assert!(run.contains("3 trained"), "{run}");
    place.succeeds(&["run", "--config", "small.toml", "--quiet"]);
    let now = place.succeeds(&["compare", "results", "--format", "json"]);
    let means = |text: &str| {
        let json: serde_json::Value = serde_json::from_str(text).unwrap();
        json["arms"][0]["metrics"]["test_loss"]["values"].clone()
    };
    assert_eq!(means(&now), means(&compared));
}

#[cfg(target_os = "linux")]
#[test]
fn tar_and_sha256sum_unpack_and_check_an_archive() {
    let place = trained();
    let files = tree(&place.path("results/small"));
    place.succeeds(&["pack", "results/small"]);
    let folder = place.path("results/small");
    let script = "tar xf trainings.tar && for sums in */SHA256SUMS; do \
                  (cd \"$(dirname \"$sums\")\" && sha256sum --quiet --check SHA256SUMS && rm SHA256SUMS) || exit 1; \
                  done && rm trainings.tar";
    let done = Command::new("sh").args(["-c", script]).current_dir(&folder).status().unwrap();
    assert!(done.success());
    assert_eq!(tree(&folder), files);
}

#[test]
fn no_damage_of_an_archive_makes_packing_or_unpacking_lose_what_it_holds() {
    let place = trained();
    let one = place.training("results/small", "batch-seed1");
    let one_name = one.file_name().unwrap().to_str().unwrap().to_owned();
    let beside = tree(&one);
    place.succeeds(&["pack", "results"]);
    let whole = fs::read(place.path(ARCHIVE)).unwrap();
    // A training that is still to be packed.
    copy(&beside, &one);
    let headers: Vec<usize> = (512..whole.len() - 1024)
        .step_by(512)
        .filter(|at| whole[at + 257..].starts_with(b"ustar"))
        .collect();
    for damage in ["flip", "zero", "text"] {
        for at in headers.iter().step_by(5) {
            let mut bytes = whole.clone();
            match damage {
                "flip" => bytes[at + 3] ^= 4,
                "zero" => bytes[*at..at + 512].fill(0),
                _ => bytes[*at..at + 512].fill(b'x'),
            }
            fs::write(place.path(ARCHIVE), &bytes).unwrap();
            for args in [&["pack", "results"][..], &["pack", "results", "--unpack"]] {
                let message = place.fails(1, args);
                assert!(message.contains("damaged at byte"), "{damage} {at}: {message}");
                assert!(fs::read(place.path(ARCHIVE)).unwrap() == bytes, "{damage} {at}");
            }
        }
    }
    let output = place.bnes(&["compare", "results"]);
    let said =
        String::from_utf8_lossy(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(said.matches("trainings.tar: damaged at byte").count(), 1, "{said}");
    // Of one that ends too early, what is whole is unpacked, and it stays.
    fs::remove_dir_all(&one).unwrap();
    fs::write(place.path(ARCHIVE), &whole[..whole.len() - 3000]).unwrap();
    let output = place.bnes(&["pack", "results", "--unpack"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("the archive stays"), "{output:?}");
    assert!(place.path(ARCHIVE).is_file());
    assert_eq!(place.trainings("results/small").len(), 5);
    // What is no archive is not taken for an empty one.
    fs::write(place.path(ARCHIVE), "hello\n").unwrap();
    place.fails(1, &["pack", "results", "--unpack"]);
    assert_eq!(fs::read(place.path(ARCHIVE)).unwrap(), b"hello\n");
    assert!(place.path("results/small").join(one_name).exists());
}

#[test]
fn what_is_unfinished_is_no_training_and_what_is_packed_already_is_not_added_again() {
    let place = trained();
    let one = place.training("results/small", "none-seed0");
    copy(&tree(&one), &place.path("results/small/.partial-0-999999999-left"));
    let before = place.succeeds(&["compare", "results"]);
    assert!(!before.contains(".partial"), "{before}");
    assert!(place.succeeds(&["pack", "results"]).starts_with("6 trainings"));
    let size = fs::metadata(place.path(ARCHIVE)).unwrap().len();
    // As where an unpacking was killed before it removed the archive.
    let archive = fs::read(place.path(ARCHIVE)).unwrap();
    place.succeeds(&["pack", "results", "--unpack"]);
    fs::write(place.path(ARCHIVE), archive).unwrap();
    assert!(place.succeeds(&["pack", "results"]).starts_with("6 trainings"));
    assert_eq!(fs::metadata(place.path(ARCHIVE)).unwrap().len(), size);
    assert_eq!(place.succeeds(&["compare", "results"]), before);
}

/// A training of an archive with one file more, under a name that no tool would write.
fn hostile(member: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in [(member, &b"evil"[..]), ("x-seed0-a/SHA256SUMS", b"")] {
        let mut header = tar::Header::new_ustar();
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        tar.append(&header, bytes).unwrap();
    }
    tar.into_inner().unwrap()
}

#[test]
fn no_name_in_an_archive_leads_out_of_the_folder_of_its_training() {
    let place = trained();
    fs::remove_dir_all(place.training("results/small", "batch-seed1")).unwrap();
    let outside = place.path("outside").display().to_string();
    let names = [
        "x-seed0-a/../../../evil".to_owned(),
        format!("x-seed0-a/{outside}"),
        "x-seed0-a/b/../../../../evil".to_owned(),
        "x-seed0-a/./..".to_owned(),
        "x-seed0-a/".to_owned(),
        "../x/evil".to_owned(),
        format!("{outside}/evil"),
    ];
    for name in names {
        fs::write(place.path(ARCHIVE), hostile(&name)).unwrap();
        let before = tree(&place.path(""));
        for args in [&["pack", "results", "--unpack"][..], &["pack", "results"]] {
            let message = place.fails(1, args);
            assert!(message.contains("damaged at byte 0"), "{name}: {message}");
            assert!(message.contains("is no name of a training's file"), "{name}: {message}");
            assert_eq!(tree(&place.path("")), before, "{name}");
        }
    }
}

#[test]
fn zeros_behind_an_archive_are_no_damage() {
    let place = trained();
    let files = tree(&place.path("results"));
    let one = place.training("results/small", "batch-seed1");
    let beside = tree(&one);
    let compared = place.succeeds(&["compare", "results", "--format", "json"]);
    place.succeeds(&["pack", "results"]);
    let whole = fs::read(place.path(ARCHIVE)).unwrap();
    for zeros in [1, 511, 512, 9000, 65536, 1 << 17] {
        let mut bytes = whole.clone();
        bytes.resize(whole.len() + zeros, 0);
        fs::write(place.path(ARCHIVE), &bytes).unwrap();
        assert_eq!(place.succeeds(&["compare", "results", "--format", "json"]), compared);
        // As what was trained again: the archive goes on where its last training ends.
        copy(&beside, &one);
        fs::write(one.join("note"), "new").unwrap();
        assert!(place.succeeds(&["pack", "results"]).starts_with("1 training"), "{zeros}");
        let longer = fs::read(place.path(ARCHIVE)).unwrap();
        assert!(longer.starts_with(&whole[..whole.len() - 1024]), "{zeros}");
        assert_ne!(longer[whole.len() - 1024..whole.len() - 512], [0; 512], "{zeros}");
    }
    // A machine that stopped before the bytes of a training were on the disk.
    let mut bytes = whole.clone();
    bytes[whole.len() - 8000..].fill(0);
    bytes.resize(whole.len() + 8192, 0);
    fs::write(place.path(ARCHIVE), &bytes).unwrap();
    copy(&files, &place.path("results"));
    assert!(place.succeeds(&["pack", "results"]).starts_with("6 trainings"));
    assert!(fs::read(place.path(ARCHIVE)).unwrap() == whole);
    place.succeeds(&["pack", "results", "--unpack"]);
    assert_eq!(tree(&place.path("results")), files);
}

#[test]
fn bytes_missing_within_an_archive_are_damage_and_not_its_end() {
    let place = trained();
    let one = place.training("results/small", "batch-seed1");
    let beside = tree(&one);
    place.succeeds(&["pack", "results"]);
    let whole = fs::read(place.path(ARCHIVE)).unwrap();
    copy(&beside, &one);
    let last = whole.len() - 1024;
    for (missing, step) in [(1, 7), (100, 23), (700, 11), (5000, 7)] {
        for at in (600..last - 6000).step_by(last / step) {
            let mut bytes = whole.clone();
            bytes.drain(at..at + missing);
            fs::write(place.path(ARCHIVE), &bytes).unwrap();
            let message = place.fails(1, &["pack", "results"]);
            assert!(message.contains("damaged at byte"), "{missing} at {at}: {message}");
            assert!(fs::read(place.path(ARCHIVE)).unwrap() == bytes, "{missing} at {at}");
        }
    }
    let told = place.bnes(&["status", "results"]);
    assert!(String::from_utf8_lossy(&told.stderr).contains("trainings.tar: damaged at byte"));
    // Where a file runs to the end of what there is, the header in its bytes shows it.
    let is_header = |at: &usize| whole[at + 257..].starts_with(b"ustar");
    let headers: Vec<usize> = (0..last).step_by(512).filter(is_header).collect();
    let [.., record, _, _, sums] = headers[..] else { panic!("{headers:?}") };
    let mut bytes = whole.clone();
    bytes.drain(record + 600..sums);
    bytes.truncate(bytes.len() - 1024);
    fs::write(place.path(ARCHIVE), &bytes).unwrap();
    let message = place.fails(1, &["pack", "results"]);
    assert!(message.contains("bytes are missing:"), "{message}");
    assert!(fs::read(place.path(ARCHIVE)).unwrap() == bytes);
}

#[test]
fn what_an_archive_that_was_cut_short_still_holds_is_kept() {
    let place = trained();
    let one = place.training("results/small", "batch-seed1");
    let beside = tree(&one);
    place.succeeds(&["pack", "results"]);
    assert!(place.bnes(&["status", "results"]).stderr.is_empty());
    let whole = fs::read(place.path(ARCHIVE)).unwrap();
    let curves: Vec<usize> =
        (0..whole.len()).filter(|at| whole[*at..].starts_with(b"epoch,")).collect();
    let half = &whole[..curves[3] + 100];
    for kept in ["trainings.tar.torn", "trainings.tar.torn-2"] {
        fs::write(place.path(ARCHIVE), half).unwrap();
        for command in ["status", "compare"] {
            let told = place.bnes(&[command, "results"]);
            let told = [told.stdout, told.stderr].concat();
            let told =
                String::from_utf8_lossy(&told).split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(told.contains("trainings.tar: was cut short"), "{command}: {told}");
        }
        copy(&beside, &one);
        let output = place.bnes(&["pack", "results"]);
        assert!(output.status.success());
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(told.contains(&format!("is kept in {kept}\n")), "{told}");
        let torn = fs::read(place.path("results/small").join(kept)).unwrap();
        assert!(half.ends_with(&torn) && torn.len() > 600, "{}", torn.len());
        assert!(
            fs::read(place.path(ARCHIVE)).unwrap().starts_with(&half[..half.len() - torn.len()])
        );
    }
}

#[test]
fn one_damaged_training_stays_in_the_archive_and_the_others_are_unpacked() {
    let place = trained();
    let compared = place.succeeds(&["compare", "results", "--format", "json"]);
    place.succeeds(&["pack", "results"]);
    let mut bytes = fs::read(place.path(ARCHIVE)).unwrap();
    let at = bytes.windows(6).position(|window| window == b"epoch,").unwrap();
    bytes[at] = b'E';
    fs::write(place.path(ARCHIVE), &bytes).unwrap();
    for trainings in ["5 trainings (20 files)", "0 trainings (0 files)"] {
        let output = place.bnes(&["pack", "results", "--unpack"]);
        assert_eq!(output.status.code(), Some(1));
        let (said, told) = (output.stdout, String::from_utf8_lossy(&output.stderr).into_owned());
        assert_eq!(
            String::from_utf8(said).unwrap(),
            format!("{trainings} unpacked from {ARCHIVE}\n")
        );
        assert!(told.contains("left: batch-seed0-"), "{told}");
        assert!(told.contains("epochs.csv does not match its checksum in"), "{told}");
        assert!(told.contains("1 training cannot be unpacked"), "{told}");
        assert!(fs::read(place.path(ARCHIVE)).unwrap() == bytes);
        assert_eq!(place.trainings("results/small").len(), 5);
    }
    // What the message says helps.
    fs::remove_file(place.path(ARCHIVE)).unwrap();
    let run = place.succeeds(&["run", "--config", "small.toml", "--quiet"]);
    assert!(run.contains("1 trained"), "{run}");
    let again = place.succeeds(&["compare", "results", "--format", "json"]);
    let metrics = |text: &str| {
        let json: serde_json::Value = serde_json::from_str(text).unwrap();
        let arms = json["arms"].as_array().unwrap().clone();
        arms.iter().map(|arm| arm["metrics"]["test_loss"]["values"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(metrics(&again), metrics(&compared));
}

#[test]
fn what_is_unpacked_was_not_touched_since_its_record() {
    let place = trained();
    place.succeeds(&["pack", "results"]);
    place.succeeds(&["pack", "results", "--unpack"]);
    let changed = |path: &Path| fs::metadata(path).unwrap().modified().unwrap();
    for training in place.trainings("results/small") {
        let record = changed(&training.join("run.json"));
        for entry in fs::read_dir(&training).unwrap() {
            let path = entry.unwrap().path();
            assert!(changed(&path) <= record, "{}", path.display());
        }
    }
}

#[test]
fn whatever_looks_trainings_up_says_that_their_archive_is_damaged() {
    let place = trained();
    place.succeeds(&["pack", "results"]);
    let mut bytes = fs::read(place.path(ARCHIVE)).unwrap();
    fs::remove_file(place.path(ARCHIVE)).unwrap();
    // Every training is to be handed over, so that the task of one is there.
    place.succeeds(&["run", "--config", "small.toml", "--launcher", "list", "--quiet"]);
    bytes.drain(3000..3100);
    fs::write(place.path(ARCHIVE), &bytes).unwrap();
    let config = ["--config", "small.toml", "--quiet"];
    for args in [
        [&["run", "--dry-run"][..], &config].concat(),
        [&["run", "--launcher", "list"][..], &config].concat(),
        vec!["run", "--sweep", "results/small", "--task-id", "0", "--quiet"],
        [&["run"][..], &config].concat(),
    ] {
        let output = place.bnes(&args);
        let told = String::from_utf8_lossy(&output.stderr);
        let message = "results/small/trainings.tar: damaged at byte";
        assert_eq!(told.matches(message).count(), 1, "{args:?}: {told}");
        assert!(output.status.success(), "{args:?}: {told}");
    }
    place.succeeds(&["clean", "results", "--yes"]);
    for training in place.trainings("results/small") {
        fs::remove_dir_all(training).unwrap();
    }
    let message = place.fails(1, &["pack", "results"]);
    assert!(message.contains("damaged at byte"), "{message}");
}

#[test]
fn a_claim_that_a_killed_packing_left_is_given_back_by_the_next() {
    let place = trained();
    let name = place.training("results/small", "batch-seed1");
    let work = place.path("results/small/.work").join(name.file_name().unwrap());
    place.succeeds(&["pack", "results"]);
    fs::create_dir_all(&work).unwrap();
    fs::write(work.join("claim"), "").unwrap();
    place.succeeds(&["pack", "results"]);
    assert!(!work.exists());
}
