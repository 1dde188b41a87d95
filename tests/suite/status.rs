//! `bnes status` tells how far each training is, by what is really there.

use std::fs;

use crate::common::broken::{LONG, SMALL, files, is_checkpoint, signal, start, wait_for};
use crate::common::{Place, json, stderr};
use serde_json::{Value, json as value};

fn list(place: &Place) -> Vec<Value> {
    serde_json::from_str(&place.succeeds(&["status", "results", "--format", "json"])).unwrap()
}

fn states(place: &Place) -> Vec<String> {
    list(place).iter().map(|one| one["state"].as_str().unwrap().to_owned()).collect()
}

/// One training, broken off by a signal after its third checkpoint.
fn broken_off() -> Place {
    let place = Place::new();
    place.write("config.toml", LONG);
    let mut child = start(&place, &["run", "--config", "config.toml"]);
    wait_for(&place, &mut child, |path| path.ends_with("checkpoint-3.safetensors"));
    signal(&child, "TERM");
    child.wait().unwrap();
    place
}

#[test]
fn done_interrupted_failed_and_missing_are_told_apart() {
    let place = Place::new();
    place.write("config.toml", SMALL);
    let plan = place.succeeds(&["run", "--config", "config.toml", "--dry-run"]);
    let names: Vec<&str> = plan.lines().filter_map(|line| line.split("  ").next()).collect();
    place.succeeds(&["run", "--config", "config.toml", "--set", "matrix.seed=[0]"]);
    // One cannot be put in its place.
    let failing = format!("results/small/{}", names[2]);
    place.write(&failing, "in the way");
    place.fails(1, &["run", "--config", "config.toml", "--jobs", "1"]);
    fs::remove_dir_all(place.training("results/small", names[3])).unwrap();
    fs::remove_file(place.path(&failing)).unwrap();
    // It keeps its last checkpoint.
    assert_eq!(states(&place), ["done", "done", "interrupted", "missing"]);
    fs::remove_dir_all(place.path("results/small/.work")).unwrap();
    assert_eq!(states(&place), ["done", "done", "missing", "missing"]);
    // One that was killed before its first checkpoint.
    place.write(&format!("results/small/.work/{}/claim", names[3]), "");
    let mut record = json(&place.training("results/small", names[0]).join("run.json"));
    record["status"] = value!("failed");
    record["error"] = value!("the cause");
    record["seed"] = value!(1);
    place.write(&format!("{failing}/run.json"), &record.to_string());
    let table = place.succeeds(&["status", "results/small"]);
    assert!(table.contains("4 trainings: 2 done, 1 interrupted, 1 failed"), "{table}");
    assert!(table.contains("the cause") && table.contains("run.json"), "{table}");
    assert!(table.contains("no checkpoint, starts again"), "{table}");
}

#[test]
fn what_runs_says_where_and_a_dead_process_runs_nothing() {
    let place = Place::new();
    place.write("config.toml", LONG);
    let mut child = start(&place, &["run", "--config", "config.toml"]);
    wait_for(&place, &mut child, is_checkpoint);
    let running = &list(&place)[0];
    assert_eq!(
        (running["state"].as_str(), running["pid"].as_u64()),
        (Some("running"), Some(u64::from(child.id())))
    );
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(states(&place), ["interrupted"]);
}

#[test]
fn the_epoch_of_what_was_broken_off_is_the_one_at_which_it_goes_on() {
    let place = broken_off();
    let newest = list(&place)[0]["epoch"].as_u64().unwrap();
    let dry = place.succeeds(&["run", "--config", "config.toml", "--dry-run"]);
    assert!(dry.contains(&format!("to train from epoch {newest} on")), "{dry}");
    // The note of the signal says otherwise, and so does the newest checkpoint, which is damaged.
    let checkpoints =
        || files(&place.path("results")).into_iter().filter(|path| is_checkpoint(path));
    let last = checkpoints().max_by_key(|path| fs::metadata(path).unwrap().modified().unwrap());
    fs::write(last.unwrap(), "damaged").unwrap();
    let before = list(&place)[0]["epoch"].as_u64().unwrap();
    assert!(before <= newest && before >= 2, "{before} of {newest}");
    checkpoints().for_each(|path| fs::write(path, "damaged").unwrap());
    assert_eq!(list(&place)[0]["epoch"], Value::Null);
    assert_eq!(states(&place), ["interrupted"]);
    let dry = place.succeeds(&["run", "--config", "config.toml", "--dry-run"]);
    assert!(dry.contains("to train, at most"), "{dry}");
}

#[test]
fn unfinished_work_that_the_config_no_longer_names_is_mentioned() {
    let place = broken_off();
    place.succeeds(&["run", "--config", "config.toml", "--set", "training.epochs=1"]);
    let list = list(&place);
    assert_eq!(
        (list.len(), &list[0]["named"], &list[1]["named"]),
        (2, &value!(true), &value!(false))
    );
    assert_eq!((&list[1]["state"], &list[1]["seed"]), (&value!("interrupted"), &Value::Null));
    let table = place.succeeds(&["status"]);
    assert!(table.contains("no longer in the config"), "{table}");
    assert!(table.contains("1 training: 1 done"), "{table}");
    assert!(table.contains("unfinished work on 1 training that the config no longer names"));
}

#[test]
fn files_that_cannot_be_read_or_are_gone_are_named() {
    let place = Place::new();
    place.write("config.toml", SMALL);
    place.succeeds(&["run", "--config", "config.toml"]);
    let results = |name: &str| place.training("results/small", name);
    fs::write(results("batch-seed0").join("run.json"), "{").unwrap();
    fs::remove_file(results("batch-seed1").join("epochs.csv")).unwrap();
    fs::remove_file(results("none-seed0").join("weights-5.safetensors")).unwrap();
    place.write("results/other/experiment.json", "{");
    let output = place.bnes(&["status"]);
    let (table, said) = (String::from_utf8_lossy(&output.stdout), stderr(&output));
    assert!(table.contains("4 trainings: 1 done, 3 missing"), "{table}");
    for file in [
        "run.json: EOF",
        "epochs.csv: is no longer there",
        "weights-5.safetensors: is no longer there",
        "other/experiment.json: ",
    ] {
        assert!(said.contains(file), "{said}");
    }
    // As it says, so it is.
    let dry = place.succeeds(&["run", "--config", "config.toml", "--dry-run"]);
    assert!(dry.contains("3 to train"), "{dry}");
}

#[test]
fn the_time_left_is_that_of_the_epochs_left_by_those_that_are_done() {
    let place = Place::new();
    place.write("config.toml", SMALL);
    place.succeeds(&["run", "--config", "config.toml"]);
    assert!(!place.succeeds(&["status"]).contains(" left"), "all is done");
    // An epoch takes 100 s on average, and five are to come of each training.
    let trainings = place.trainings("results/small");
    for (training, seconds) in trainings[..2].iter().zip([400.0, 600.0]) {
        let mut record = json(&training.join("run.json"));
        record["provenance"]["wall_s"] = value!(seconds);
        fs::write(training.join("run.json"), record.to_string()).unwrap();
    }
    for training in &trainings[2..] {
        fs::remove_dir_all(training).unwrap();
    }
    let list = list(&place);
    let of = |state: &str, key: &str| -> Vec<Value> {
        let of_state = list.iter().filter(|one| one["state"] == state);
        of_state.map(|one| one[key].clone()).collect()
    };
    assert_eq!(of("missing", "left_s"), [500.0, 500.0]);
    assert_eq!(of("done", "left_s"), [Value::Null, Value::Null]);
    assert_eq!(of("done", "elapsed_s").iter().filter_map(Value::as_f64).sum::<f64>(), 1000.0);
    let table = place.succeeds(&["status"]);
    assert!(table.contains("about 16 min left, one training at a time"), "{table}");
}
