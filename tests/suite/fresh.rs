//! `--fresh` starts over, each for itself, and replaces only what is trained anew.

use std::fs;

use crate::common::broken::{
    LONG, SMALL, all_of, assert_tidy, is_checkpoint, signal, start, undisturbed, wait_for,
};
use crate::common::{Place, json, stderr};

const FRESH: [&str; 4] = ["run", "--config", "config.toml", "--fresh"];

/// What run.json says of each training, as bytes: these differ with each time it is trained.
fn records(place: &Place, experiment: &str) -> Vec<Vec<u8>> {
    let read = |path: &std::path::PathBuf| fs::read(path.join("run.json")).unwrap();
    place.trainings(experiment).iter().map(read).collect()
}

#[test]
fn fresh_trains_anew_replaces_only_when_done_and_goes_on_where_it_was_broken_off() {
    let (place, expected) = undisturbed(LONG);
    let before = records(&place, "results/long");
    let mut child = start(&place, &FRESH);
    wait_for(&place, &mut child, is_checkpoint);
    signal(&child, "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(143));
    assert_eq!(records(&place, "results/long"), before);
    let status = place.succeeds(&["status"]);
    assert!(status.contains("1 done") && status.contains("to be trained again"), "{status}");
    assert!(status.contains("--fresh: 0 of 1 training trained again so far"), "{status}");
    let output = place.bnes(&FRESH);
    assert!(output.status.success() && stderr(&output).contains("resumes at epoch"));
    assert_ne!(records(&place, "results/long"), before);
    assert!(all_of(&place, "results/long") == expected);
    assert_tidy(&place, "results/long");
}

#[test]
fn a_run_without_fresh_in_between_leaves_a_fresh_run_where_it_was() {
    let (place, expected) = undisturbed(LONG);
    let before = records(&place, "results/long");
    let mut child = start(&place, &FRESH);
    wait_for(&place, &mut child, is_checkpoint);
    signal(&child, "TERM");
    child.wait().unwrap();
    let plain = place.succeeds(&["run", "--config", "config.toml"]);
    assert!(plain.contains("0 trained") && plain.contains("1 already done"), "{plain}");
    assert_eq!(records(&place, "results/long"), before);
    let dry = place.succeeds(&["run", "--config", "config.toml", "--fresh", "--dry-run"]);
    assert!(dry.contains("to train from epoch "), "{dry}");
    let output = place.bnes(&FRESH);
    assert!(output.status.success() && stderr(&output).contains("resumes at epoch"));
    assert_ne!(records(&place, "results/long"), before);
    assert!(all_of(&place, "results/long") == expected);
    assert_tidy(&place, "results/long");
}

#[test]
fn what_has_no_id_is_read_and_trained_anew_like_the_rest() {
    let (place, expected) = undisturbed(LONG);
    let file = place.training("results/long", "seed0").join("run.json");
    let mut record = json(&file);
    let id = record["provenance"].as_object_mut().unwrap().remove("id");
    assert!(id.is_some_and(|id| id.as_str().is_some_and(|id| id.len() == 32)));
    fs::write(&file, record.to_string()).unwrap();
    let plain = place.succeeds(&["run", "--config", "config.toml"]);
    assert!(plain.contains("0 trained") && plain.contains("1 already done"), "{plain}");
    assert!(place.succeeds(&["status"]).contains("1 done"));
    let mut child = start(&place, &FRESH);
    wait_for(&place, &mut child, is_checkpoint);
    signal(&child, "TERM");
    child.wait().unwrap();
    let status = place.succeeds(&["status"]);
    assert!(status.contains("--fresh: 0 of 1 training trained again so far"), "{status}");
    let output = place.bnes(&FRESH);
    assert!(output.status.success() && stderr(&output).contains("resumes at epoch"));
    assert!(json(&file)["provenance"]["id"].is_string());
    assert!(all_of(&place, "results/long") == expected);
    assert_tidy(&place, "results/long");
}

#[test]
fn two_at_once_with_other_settings_train_each_its_own_anew() {
    let (place, _) = undisturbed(SMALL);
    let other = ["--set", "training.optimizer.lr=0.01"];
    place.succeeds(&[&FRESH[..3], &other].concat());
    let expected = all_of(&place, "results/small");
    let before = records(&place, "results/small");
    assert_eq!(before.len(), 8);
    // The first is held in its first training, until the second is at its end.
    let mut first = start(&place, &[&FRESH[..], &["--jobs", "1"]].concat());
    wait_for(&place, &mut first, |path| path.ends_with("claim"));
    signal(&first, "STOP");
    let second = place.succeeds(&[&FRESH[..], &other].concat());
    assert!(second.contains("4 trained"), "{second}");
    signal(&first, "CONT");
    let output = first.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && said.contains("4 trained"), "{said}");
    let after = records(&place, "results/small");
    assert!(before.iter().zip(&after).all(|(before, after)| before != after));
    assert!(all_of(&place, "results/small") == expected);
    assert_tidy(&place, "results/small");
}

#[test]
fn two_at_once_with_the_same_settings_share_the_work() {
    let (place, expected) = undisturbed(SMALL);
    let before = records(&place, "results/small");
    let args = [&FRESH[..], &["--jobs", "1"]].concat();
    let mut first = start(&place, &args);
    wait_for(&place, &mut first, |path| path.ends_with("claim"));
    let second = start(&place, &args);
    let trained = [first, second].map(|child| {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        stderr(&output).lines().filter(|line| line.contains("completed epoch")).count()
    });
    // More only where the first was through before the second began.
    assert!(trained.iter().sum::<usize>() == 4 || trained == [4, 4], "{trained:?}");
    let after = records(&place, "results/small");
    assert!(before.iter().zip(&after).all(|(before, after)| before != after));
    assert!(all_of(&place, "results/small") == expected);
    assert_tidy(&place, "results/small");
}
