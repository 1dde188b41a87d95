//! What goes wrong around the program costs its own training and no other, and harms no result.

#![cfg(target_os = "linux")]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use common::broken::{SMALL, all_of, files, undisturbed};
use common::json;
use serde_json::json as value;

#[test]
fn what_a_dead_process_left_half_written_is_removed() {
    let (place, expected) = undisturbed(SMALL);
    let mut dead = Command::new("true").spawn().unwrap();
    dead.wait().unwrap();
    // As this machine's processes name such files.
    let machine = bnes::results::process::Process::this().machine;
    let left = format!("results/small/.partial-{machine}-{}-abc/epochs.csv", dead.id());
    let own = format!("results/small/.partial-{machine}-{}-abc/epochs.csv", std::process::id());
    place.write(&left, "half");
    place.write(&own, "half");
    place.succeeds(&["run", "--config", "config.toml"]);
    assert!(!place.path(&left).exists(), "its process is gone");
    assert!(place.path(&own).exists(), "its process lives");
    fs::remove_dir_all(place.path(&own).parent().unwrap()).unwrap();
    assert!(all_of(&place, "results/small") == expected);
}

#[test]
fn a_result_of_a_newer_version_is_told_and_stays_and_the_others_go_on() {
    let (place, _) = undisturbed(SMALL);
    let training = place.training("results/small", "batch-seed1");
    let mut record = json(&training.join("run.json"));
    record["provenance"]["version"] = value!("99.0.0");
    fs::write(training.join("run.json"), record.to_string()).unwrap();
    fs::remove_dir_all(place.training("results/small", "none-seed0")).unwrap();
    let said = place.fails(1, &["run", "--config", "config.toml"]);
    assert!(said.contains("99.0.0") && said.contains("run.json"), "{said}");
    assert_eq!(json(&training.join("run.json")), record);
    assert_eq!(place.trainings("results/small").len(), 4, "the others went on");
    place.succeeds(&["run", "--config", "config.toml", "--fresh"]);
    assert_ne!(json(&training.join("run.json")), record);
}

#[test]
fn a_folder_that_may_not_be_written_is_named_and_what_is_done_can_still_be_looked_up() {
    let (place, expected) = undisturbed(SMALL);
    let dir = place.path("results/small");
    let mode = |mode| fs::set_permissions(&dir, fs::Permissions::from_mode(mode)).unwrap();
    mode(0o555);
    let probe = dir.join("probe");
    if fs::write(&probe, "").is_ok() {
        // Permissions do not bind root.
        fs::remove_file(probe).unwrap();
        mode(0o755);
        return;
    }
    place.succeeds(&["run", "--config", "config.toml"]);
    let set = ["run", "--config", "config.toml", "--set", "training.epochs=6"];
    let said = place.fails(1, &set);
    assert!(said.contains("results/small"), "{said}");
    mode(0o755);
    place.succeeds(&set);
    place.succeeds(&["run", "--config", "config.toml"]);
    let (kept, _) = all_of(&place, "results/small");
    assert!(expected.0.iter().all(|(name, bytes)| kept[name] == *bytes));
}

#[test]
fn files_that_vanish_are_made_again() {
    let (place, expected) = undisturbed(SMALL);
    for name in ["epochs.csv", "run.json"] {
        fs::remove_file(place.training("results/small", "batch-seed0").join(name)).unwrap();
        place.succeeds(&["run", "--config", "config.toml"]);
        assert!(all_of(&place, "results/small") == expected, "{name}");
    }
    let is_weights =
        |file: &std::path::PathBuf| file.extension().is_some_and(|ending| ending == "safetensors");
    for cut_short in [false, true] {
        let training = place.training("results/small", "none-seed1");
        for file in files(&training).into_iter().filter(is_weights) {
            if cut_short {
                let bytes = fs::read(&file).unwrap();
                fs::write(&file, &bytes[..bytes.len() - 4]).unwrap();
            } else {
                fs::remove_file(file).unwrap();
            }
        }
        place.succeeds(&["run", "--config", "config.toml"]);
        assert!(all_of(&place, "results/small") == expected);
    }
}
