//! Signals end the batch at hand, save all of it, and say so.

#![allow(clippy::print_stdout)] // what was measured, shown with --nocapture

use std::fs;
use std::process::{Child, Stdio};
use std::time::Duration;

use crate::common::broken::{
    LONG, all_of, assert_tidy, interrupted, is_checkpoint, resumed, signal, start, undisturbed,
    wait_for,
};
use crate::common::{Place, bnes, column, json, stderr};
use bnes::nn::Isa;
use serde_json::Value;

#[test]
fn a_signal_ends_the_batch_saves_it_and_the_same_command_goes_on_there() {
    let (_, expected) = undisturbed(LONG);
    let signals = [("INT", 130), ("TERM", 143), ("HUP", 129), ("USR1", 75)];
    // Where the tests themselves are run under `nohup`, a hangup ends nothing.
    for (name, code) in signals.into_iter().filter(|(name, _)| *name != "HUP" || !under_nohup()) {
        let place = Place::new();
        place.write("config.toml", LONG);
        let (output, took) = interrupted(&place, name, is_checkpoint);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains("saved") && said.contains("the same command resumes"), "{said}");
        assert!(
            said.contains(&format!("SIG{name}: finishing the current batches, then saving")),
            "{said}"
        );
        let out = String::from_utf8(output.stdout).unwrap();
        assert!(out.contains("1 to go") && !out.contains("bnes compare"), "{out}");
        println!("SIG{name}: {took:?} to end");
        let record = json(&place.training("results/long", "seed0").join("run.json"));
        assert_eq!(record["status"], "interrupted");
        // A second break, of the training that went on.
        let (output, _) = interrupted(&place, "TERM", |path| path.ends_with("claim"));
        assert_eq!(output.status.code(), Some(143), "{}", stderr(&output));
        let output = place.bnes(&["run", "--config", "config.toml"]);
        assert!(output.status.success() && stderr(&output).contains("resumes at epoch"));
        assert!(all_of(&place, "results/long") == expected, "{name}");
        assert_tidy(&place, "results/long");
        let training = place.training("results/long", "seed0");
        let places = resumed(&training);
        assert_eq!(places.len(), 2, "{places:?}");
        assert!(places[0] < places[1] && places[0].0 >= 2, "{places:?}");
        // Time is added up over the breaks.
        for clock in ["elapsed_s", "cpu_s"] {
            let seconds = column(&training, clock);
            assert!(seconds.windows(2).all(|pair| pair[0] < pair[1]), "{clock}: {seconds:?}");
        }
    }
}

#[test]
fn a_training_that_continues_on_other_instructions_says_so_and_records_both() {
    let place = Place::new();
    place.write("config.toml", LONG);
    let (output, _) = interrupted(&place, "INT", is_checkpoint);
    assert_eq!(output.status.code(), Some(130));
    let mut again = place.command(&["run", "--config", "config.toml"]);
    let output = again.env("BNES_ISA", "portable").output().unwrap();
    let said = stderr(&output);
    assert!(output.status.success(), "{said}");
    let record = json(&place.training("results/long", "seed0").join("run.json"));
    let provenance = &record["provenance"];
    let first = Isa::available().last().unwrap().name();
    assert_eq!(provenance["instruction_set"], "portable");
    assert_eq!(provenance["resumed"][0]["instruction_set"], first);
    let compared = place.succeeds(&["compare", "results/long"]);
    let moved = first != "portable";
    assert_eq!(
        said.contains(&format!("began on {first} and continues on portable")),
        moved,
        "{said}"
    );
    assert_eq!(compared.contains("several instruction sets"), moved, "{compared}");
}

#[test]
fn programs_are_told_how_many_epochs_an_interrupted_training_has() {
    let place = Place::new();
    place.write("config.toml", LONG);
    let mut child = start(&place, &["run", "--config", "config.toml", "--format", "json"]);
    wait_for(&place, &mut child, is_checkpoint);
    signal(&child, "TERM");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(143), "{}", stderr(&output));
    let line: Value = serde_json::from_slice(&output.stdout).unwrap();
    let record = json(&place.training("results/long", "seed0").join("run.json"));
    assert_eq!(line["status"], "interrupted");
    assert!(record["epochs"].as_u64().is_some_and(|epochs| epochs >= 1), "{record}");
    assert_eq!(line["epochs"], record["epochs"]);
}

#[test]
fn a_second_signal_ends_it_at_once_and_does_no_harm() {
    let (_, expected) = undisturbed(LONG);
    let place = Place::new();
    place.write("config.toml", LONG);
    let mut child = start(&place, &["run", "--config", "config.toml"]);
    wait_for(&place, &mut child, is_checkpoint);
    signal(&child, "TERM");
    signal(&child, "INT");
    let output = child.wait_with_output().unwrap();
    let code = output.status.code();
    assert!([Some(130), Some(143)].contains(&code), "{code:?}");
    // Unless the first was quicker than the second.
    let said = stderr(&output);
    assert!(
        said.contains("the second signal: stopped at once") || said.contains("saved"),
        "{said}"
    );
    place.succeeds(&["run", "--config", "config.toml"]);
    assert!(all_of(&place, "results/long") == expected);
    assert_tidy(&place, "results/long");
}

fn under_nohup() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    u64::from_str_radix(ignored.trim(), 16).unwrap() & 1 == 1
}

#[test]
fn a_hangup_ends_nothing_that_was_started_to_outlive_it() {
    let (_, expected) = undisturbed(LONG);
    let place = Place::new();
    place.write("config.toml", LONG);
    let mut command = std::process::Command::new("nohup");
    command.arg(bnes()).args(["run", "--config", "config.toml"]);
    command.current_dir(place.path(".")).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    wait_for(&place, &mut child, is_checkpoint);
    signal(&child, "HUP");
    assert!(child.wait().unwrap().success());
    assert!(all_of(&place, "results/long") == expected);
}

#[test]
fn waiting_for_another_process_is_said_and_a_signal_ends_it() {
    let place = Place::new();
    place.write("config.toml", LONG);
    let mut first = start(&place, &["run", "--config", "config.toml"]);
    wait_for(&place, &mut first, is_checkpoint);
    signal(&first, "STOP");
    let second = start(&place, &["run", "--config", "config.toml"]);
    std::thread::sleep(Duration::from_secs(1));
    signal(&second, "INT");
    let output = second.wait_with_output().unwrap();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains(&format!("waiting for process {} on ", first.id())), "{said}");
    assert!(said.contains("interrupted by SIGINT: 1 being trained by other processes;"), "{said}");
    first.kill().unwrap();
    first.wait().unwrap();
}

#[test]
fn where_a_signal_cannot_be_saved_it_says_what_is_lost_and_the_next_run_makes_it() {
    let (_, expected) = undisturbed(LONG);
    let place = Place::new();
    place.write("config.toml", LONG);
    let mut child = start(&place, &["run", "--config", "config.toml"]);
    wait_for(&place, &mut child, is_checkpoint);
    // Binds root as well, as permissions would not.
    let work = place.path("results/long/.work");
    while fs::remove_dir_all(&work).is_err() {}
    fs::write(&work, "in the way").unwrap();
    // Past the batch at which the checkpoint was written: there, nothing would be left to save.
    std::thread::sleep(Duration::from_millis(100));
    signal(&child, "TERM");
    let output = child.wait_with_output().unwrap();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(143), "{said}");
    assert!(said.contains("no checkpoint was saved: cannot write "), "{said}");
    assert!(said.contains("what was trained since the last one is lost"), "{said}");
    assert!(said.contains("1 in progress NOT saved"), "{said}");
    fs::remove_file(work).unwrap();
    place.succeeds(&["run", "--config", "config.toml"]);
    assert!(all_of(&place, "results/long") == expected);
    assert_tidy(&place, "results/long");
}

#[test]
fn a_signal_ends_verifying_and_is_said() {
    let (place, expected) = undisturbed(LONG);
    let child = start(&place, &["run", "--config", "config.toml", "--verify"]);
    wait_until_listening(&child);
    signal(&child, "INT");
    let output = child.wait_with_output().unwrap();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("SIGINT: stopping after the current batches;"), "{said}");
    assert!(said.contains("interrupted by SIGINT: nothing to save"), "{said}");
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(
        out.contains("verified: 0 of 1 training came out the same again, 1 not reached"),
        "{out}"
    );
    assert!(all_of(&place, "results/long") == expected);
}

/// Waits until a signal is caught, which its process does before it reads its config.
fn wait_until_listening(child: &Child) {
    let caught = || {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap().trim();
        u64::from_str_radix(mask, 16).unwrap() >> 1 & 1 == 1
    };
    while !caught() {
        std::thread::sleep(Duration::from_millis(1));
    }
}
