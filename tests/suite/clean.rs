//! `bnes clean` removes what no config names, all of it and nothing else.

use std::fs;
use std::os::unix::fs::symlink;

use crate::common::bad::{content, fails, says};
use crate::common::broken::{LONG, SMALL, assert_tidy, is_checkpoint, signal, start, wait_for};
use crate::common::{Place, stderr};
use serde_json::{Value, json as value};

const RATE: [&str; 2] = ["--set", "training.optimizer.lr=0.02"];

/// Four trainings that the config names, and four that it does not.
fn changed() -> Place {
    let place = Place::new();
    place.write("config.toml", SMALL);
    place.succeeds(&["run", "--config", "config.toml"]);
    place.succeeds(&[&["run", "--config", "config.toml"], &RATE[..]].concat());
    place
}

fn status(place: &Place) -> Vec<Value> {
    serde_json::from_str(&place.succeeds(&["status", "--format", "json"])).unwrap()
}

/// What the latest run alone would have left.
#[track_caller]
fn assert_only_named(place: &Place) {
    let out = place.succeeds(&[&["run", "--config", "config.toml"], &RATE[..]].concat());
    assert!(out.contains("(0 trained") && out.contains("4 already done"), "{out}");
    assert_eq!(place.trainings("results/small").len(), 4);
    assert_tidy(place, "results/small");
}

#[test]
fn what_no_config_names_is_told_by_status_and_removed_and_the_rest_stays() {
    let place = changed();
    let left: Vec<Value> = status(&place).into_iter().filter(|one| one["named"] == false).collect();
    assert_eq!(left.len(), 4);
    for one in &left {
        let dir = place.path("results/small").join(one["training"].as_str().unwrap());
        let files = fs::read_dir(dir).unwrap();
        let bytes: u64 = files.map(|file| file.unwrap().metadata().unwrap().len()).sum();
        assert_eq!((&one["state"], &one["bytes"]), (&value!("done"), &value!(bytes)));
    }
    let table = place.succeeds(&["status"]);
    assert!(table.contains("4 trainings: 4 done"), "{table}");
    assert!(table.contains("4 finished trainings that the config does not name, "), "{table}");
    assert!(table.contains("`bnes clean results` removes them"), "{table}");
    let out = place.succeeds(&["clean", "--yes"]);
    assert_eq!(out.lines().filter(|line| line.contains("finished training  ")).count(), 4, "{out}");
    assert!(out.contains("no config names: 4 trainings, ") && out.contains("removed 4, "), "{out}");
    assert_only_named(&place);
    assert!(status(&place).iter().all(|one| one["named"] == true));
    assert!(place.succeeds(&["clean", "results/small"]).contains("nothing to remove"));
}

#[test]
fn without_a_terminal_nothing_is_removed_unless_that_is_said_to_be_right() {
    let place = changed();
    let before = content(&place);
    let output = place.command(&["clean"]).stdin(std::process::Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--yes"), "{}", stderr(&output));
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.contains("no config names: 4 trainings"), "{shown}");
    assert!(content(&place) == before);
}

#[test]
fn what_is_not_known_as_ours_stays() {
    let place = changed();
    let named: Vec<Value> = status(&place).into_iter().filter(|one| one["named"] == true).collect();
    let named: Vec<&str> = named.iter().map(|one| one["training"].as_str().unwrap()).collect();
    let dirs = place.trainings("results/small");
    let mut unnamed = dirs.iter().filter(|dir| named.iter().all(|named| !dir.ends_with(named)));
    let (with_notes, renamed, linked) =
        (unnamed.next().unwrap(), unnamed.next().unwrap(), unnamed.next().unwrap());
    fs::write(with_notes.join("notes.txt"), "mine").unwrap();
    fs::rename(renamed, place.path("results/small/kept")).unwrap();
    // A training that lies elsewhere, and a folder of somebody.
    fs::rename(linked, place.path("archived")).unwrap();
    symlink(place.path("archived"), linked).unwrap();
    place.write("results/small/plots/figure.svg", "");
    place.write("results/notes/run.json", "{}");
    place.write("results/small/.work/mine/draft.txt", "");
    let out = place.succeeds(&["clean", "--yes"]);
    assert!(out.contains("removed 1, "), "{out}");
    for kept in [
        "results/small/kept/run.json",
        "archived/run.json",
        "results/small/plots/figure.svg",
        "results/notes/run.json",
        "results/small/.work/mine/draft.txt",
    ] {
        assert!(place.path(kept).is_file(), "{kept}");
    }
    assert!(with_notes.join("run.json").is_file() && linked.is_symlink());
}

#[test]
fn a_folder_of_work_that_is_a_link_is_not_followed() {
    let place = changed();
    let work = "elsewhere/x-seed0-0123456789ab/checkpoint-1.safetensors";
    place.write(work, "");
    symlink(place.path("elsewhere"), place.path("results/small/.work")).unwrap();
    place.bnes(&["clean", "--yes"]);
    assert!(place.path(work).is_file());
}

#[test]
fn what_a_process_is_at_work_on_stays_and_goes_once_it_is_gone() {
    let place = Place::new();
    place.write("config.toml", LONG);
    let mut child = start(&place, &["run", "--config", "config.toml"]);
    wait_for(&place, &mut child, is_checkpoint);
    signal(&child, "STOP");
    place.succeeds(&["run", "--config", "config.toml", "--set", "training.epochs=1"]);
    let out = place.succeeds(&["clean", "--yes"]);
    assert!(out.contains("at work: stays") && out.contains("nothing to remove"), "{out}");
    child.kill().unwrap();
    child.wait().unwrap();
    let out = place.succeeds(&["clean", "--yes"]);
    assert!(out.contains("unfinished training") && out.contains("removed 1, "), "{out}");
    assert_tidy(&place, "results/long");
}

#[test]
fn the_notes_of_a_fresh_run_go_with_the_config_that_began_it() {
    let place = Place::new();
    place.write("config.toml", LONG);
    let mut child = start(&place, &["run", "--config", "config.toml", "--fresh"]);
    wait_for(&place, &mut child, is_checkpoint);
    signal(&child, "TERM");
    child.wait().unwrap();
    let before = content(&place);
    assert!(place.succeeds(&["clean", "--yes"]).contains("nothing to remove"));
    assert!(content(&place) == before);
    place.succeeds(&["run", "--config", "config.toml", "--set", "training.epochs=1"]);
    let out = place.succeeds(&["clean", "--yes"]);
    assert!(out.contains("1 training, 1 note of a --fresh"), "{out}");
    assert_tidy(&place, "results/long");
    assert_eq!(place.trainings("results/long").len(), 1);
}

#[test]
fn what_is_no_results_is_refused() {
    let place = changed();
    let training = place.trainings("results/small")[0].display().to_string();
    says(&fails(&place, 2, &["clean", &training, "--yes"]), &["is a training"]);
    fails(&place, 1, &["clean", "nowhere", "--yes"]);
    place.write("empty/config.toml", SMALL);
    fails(&place, 1, &["clean", "empty", "--yes"]);
}
