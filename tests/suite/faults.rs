//! What goes wrong around the program costs its own training and no other, and harms no result.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, SystemTime};

use crate::common::broken::{
    LONG, SMALL, all_of, assert_tidy, files, is_checkpoint, signal, start, undisturbed, wait_for,
};
use crate::common::{Place, bnes, json, stderr};
use serde_json::{Value, json as value};

#[test]
fn what_a_dead_process_left_half_written_is_removed() {
    let (place, expected) = undisturbed(SMALL);
    let mut dead = Command::new("true").spawn().unwrap();
    dead.wait().unwrap();
    // As this machine's processes name such files.
    let machine = bnes::storage::Process::this().machine;
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
    let dry = place.succeeds(&["run", "--config", "config.toml", "--dry-run"]);
    assert!(dry.contains("of a newer bnes") && dry.contains("1 to train"), "{dry}");
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
    let set = ["run", "--config", "config.toml", "--set", "training.epochs=6"];
    let dir = place.path("results/small");
    let mode = |mode| fs::set_permissions(&dir, fs::Permissions::from_mode(mode)).unwrap();
    mode(0o555);
    let probe = dir.join("probe");
    let said = if fs::write(&probe, "").is_err() {
        place.succeeds(&["run", "--config", "config.toml"]);
        place.fails(1, &set)
    } else {
        // Permissions do not bind root; a mount that only the shell and its children see does.
        fs::remove_file(probe).unwrap();
        let script = r#"
            mount --bind results results && mount -o remount,ro,bind results || exit 99
            "$BNES" run --config config.toml; echo "exit $?"
            "$BNES" run --config config.toml --set training.epochs=6; echo "exit $?"
        "#;
        let Some((out, said)) = in_own_mounts(&place, script) else { return };
        assert!(out.contains("exit 0") && out.contains("exit 1"), "{out}{said}");
        said
    };
    assert!(said.contains("cannot write results/small"), "{said}");
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

#[test]
fn a_results_folder_that_vanishes_costs_what_was_at_work_in_it_alone() {
    let place = Place::new();
    place.write("config.toml", LONG);
    let mut child = start(&place, &["run", "--config", "config.toml"]);
    wait_for(&place, &mut child, is_checkpoint);
    let dir = place.path("results/long");
    while fs::remove_dir_all(&dir).is_err() {}
    let output = child.wait_with_output().unwrap();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("failed: ") && said.contains("results/long"), "{said}");
    place.succeeds(&["run", "--config", "config.toml"]);
    let (_, expected) = undisturbed(LONG);
    assert!(all_of(&place, "results/long") == expected);
}

#[test]
fn a_full_disk_is_told_with_the_path_and_the_same_command_works_when_there_is_room() {
    let (_, expected) = undisturbed(SMALL);
    let place = Place::new();
    place.write("config.toml", SMALL);
    fs::create_dir(place.path("results")).unwrap();
    // A file system of its own, which only the shell and its children see.
    let script = r#"
        mount -t tmpfs -o size=64k tmpfs results || exit 99
        "$BNES" run --config config.toml --jobs 1; echo "exit $?"
        mount -o remount,size=4m results
        "$BNES" run --config config.toml --jobs 1; echo "exit $?"
        cp -r results kept
    "#;
    let Some((out, said)) = in_own_mounts(&place, script) else { return };
    assert_eq!(out.matches("exit 1").count(), 1, "{out}{said}");
    assert_eq!(out.matches("exit 0").count(), 1, "{out}{said}");
    assert!(said.contains("results/small/") && said.contains("No space left on device"), "{said}");
    fs::remove_dir(place.path("results")).unwrap();
    fs::rename(place.path("kept"), place.path("results")).unwrap();
    assert!(all_of(&place, "results/small") == expected);
    assert_tidy(&place, "results/small");
}

/// What a script writes to its two outputs, with mounts of its own; none where the system does not
/// let its users mount.
fn in_own_mounts(place: &Place, script: &str) -> Option<(String, String)> {
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "sh", "-c", script]);
    command.env("BNES", bnes()).current_dir(place.path("."));
    let output = command.output().ok()?;
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    out.contains("exit").then(|| (out, stderr(&output)))
}

#[test]
fn a_clock_that_was_set_back_changes_nothing() {
    let (_, expected) = undisturbed(LONG);
    let place = Place::new();
    place.write("config.toml", LONG);
    let mut child = start(&place, &["run", "--config", "config.toml"]);
    wait_for(&place, &mut child, |path| path.ends_with("checkpoint-2.safetensors"));
    // As seen from a clock that was set back, all that is there is of the future.
    let ahead = SystemTime::now() + Duration::from_hours(400 * 24);
    let is_claim = |path: &PathBuf| path.ends_with("claim");
    let claim = files(&place.path("results")).into_iter().find(is_claim).unwrap();
    signal(&child, "STOP");
    let mut holder = json(&claim);
    holder["since"] = value!(ahead.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs());
    fs::write(&claim, holder.to_string()).unwrap();
    for path in files(&place.path("results")) {
        fs::File::options().write(true).open(path).unwrap().set_modified(ahead).unwrap();
    }
    let running = place.succeeds(&["status", "--format", "json"]);
    let running: Vec<Value> = serde_json::from_str(&running).unwrap();
    assert_eq!(
        (&running[0]["state"], &running[0]["running_s"]),
        (&value!("running"), &Value::Null)
    );
    child.kill().unwrap();
    child.wait().unwrap();
    let output = place.bnes(&["run", "--config", "config.toml"]);
    assert!(output.status.success() && stderr(&output).contains("resumes at epoch"));
    assert!(all_of(&place, "results/long") == expected);
    assert_tidy(&place, "results/long");
    let elapsed = crate::common::column(&place.training("results/long", "seed0"), "elapsed_s");
    assert!(elapsed.windows(2).all(|pair| pair[0] < pair[1]), "{elapsed:?}");
}
