//! `[log] tensorboard`: event files beside the results, whole whatever happened, and no part of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::common::broken::{is_checkpoint, signal, start, wait_for};
use crate::common::{Place, curve, weights};

const CONFIG: &str = r#"
name = "small"
data.source = "digits"
model.hidden = [8]
training.epochs = 12
checkpoint.every_s = 0
[matrix]
early_stopping = [{ kind = "none" }, { kind = "patience", patience = 2 }]
seed = "0..2"
"#;

/// The steps of each tag of an event file, by the lengths of its records and the fields of its messages. (Checksums and
/// the rest are held against TensorBoard itself by `.ci/check-tensorboard`.)
fn steps(file: &Path) -> BTreeMap<String, Vec<u64>> {
    let bytes = fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let (mut at, mut found) = (0, BTreeMap::<String, Vec<u64>>::new());
    while at < bytes.len() {
        let length = u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
        let length = usize::try_from(length).unwrap();
        let event = &bytes[at + 12..at + 12 + length];
        at += 12 + length + 4;
        let fields = fields(event);
        let Some(Field::Bytes(summary)) = fields.get(&5) else { continue };
        let Some(Field::Bytes(value)) = self::fields(summary).remove(&1) else {
            panic!("no value")
        };
        let Some(Field::Bytes(tag)) = self::fields(value).remove(&1) else { panic!("no tag") };
        let step = match fields.get(&2) {
            Some(Field::Number(step)) => *step,
            _ => 0,
        };
        found.entry(String::from_utf8(tag.to_vec()).unwrap()).or_default().push(step);
    }
    found
}

enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Fixed,
}

/// The last of each field of a protobuf message.
fn fields(mut bytes: &[u8]) -> BTreeMap<u64, Field<'_>> {
    fn varint(bytes: &mut &[u8]) -> u64 {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = bytes[0];
            *bytes = &bytes[1..];
            value |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                return value;
            }
        }
    }
    let mut found = BTreeMap::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let field = match key & 7 {
            0 => Field::Number(varint(&mut bytes)),
            kind => {
                let length = match kind {
                    1 => 8,
                    5 => 4,
                    2 => usize::try_from(varint(&mut bytes)).unwrap(),
                    other => panic!("wire type {other}"),
                };
                let (content, rest) = bytes.split_at(length);
                bytes = rest;
                if kind == 2 { Field::Bytes(content) } else { Field::Fixed }
            }
        };
        found.insert(key >> 3, field);
    }
    found
}

const EVENTS: &str = "events.out.tfevents.bnes";

fn assert_logged(training: &Path) {
    let all: Vec<u64> = (1..=12).collect();
    let of = steps(&training.join(EVENTS));
    for column in ["train_loss", "val_loss", "test_accuracy", "lr", "elapsed_s"] {
        assert_eq!(of.get(column), Some(&all), "{column} of {}", training.display());
    }
    assert_eq!(of.get("config/text_summary"), Some(&vec![0]));
    for arm in ["none", "patience"] {
        let of = steps(&training.join(arm).join(EVENTS));
        assert_eq!(of["kept/val_loss"].len(), 1, "{of:?}");
        assert_eq!(of["_hparams_/session_start_info"].len(), 1, "{of:?}");
    }
}

#[test]
fn results_are_the_same_with_and_without_and_what_was_done_before_is_logged_too() {
    let place = Place::new();
    place.write("c.toml", CONFIG);
    let run = |results: &str, log: &str| {
        let log = format!("log.tensorboard={log}");
        place.succeeds(&[
            "run",
            "--config",
            "c.toml",
            "--results",
            results,
            "--set",
            &log,
            "--quiet",
        ])
    };
    run("with", "true");
    run("without", "false");
    let names = |results: &str| -> Vec<String> {
        let all = place.trainings(&format!("{results}/small")).into_iter();
        all.map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
    };
    assert_eq!(names("with"), names("without"), "the identity of a training is the same");
    for name in names("with") {
        let [with, without] =
            ["with", "without"].map(|results| place.path(results).join("small").join(&name));
        assert_logged(&with);
        assert!(!without.join(EVENTS).exists());
        assert_eq!(curve(&with), curve(&without));
        assert_eq!(weights(&with), weights(&without));
    }
    assert!(run("without", "true").contains("0 trained"));
    for training in place.trainings("without/small") {
        assert_logged(&training);
        // An arm that is gone takes its file along, and nothing else.
        fs::create_dir(training.join("mine")).unwrap();
    }
    let alone =
        ["--set", "matrix.early_stopping=[{kind=\"none\"}]", "--set", "log.tensorboard=true"];
    let args = ["run", "--config", "c.toml", "--results", "without", "--quiet"];
    place.succeeds(&[&args[..], &alone].concat());
    for training in place.trainings("without/small") {
        assert!(!training.join("patience").exists() && training.join("mine").exists());
    }
    assert!(place.succeeds(&["status", "without"]).contains("done"));
}

#[test]
fn a_training_that_was_killed_or_interrupted_and_resumed_holds_no_epoch_twice() {
    let place = Place::new();
    place.write("c.toml", CONFIG);
    let args = [
        "run",
        "--config",
        "c.toml",
        "--set",
        "log.tensorboard=true",
        "--set",
        "matrix.seed=[0]",
        "--set",
        "model.hidden=[256, 256]",
        "--jobs",
        "1",
        "--quiet",
    ];
    for kind in ["KILL", "TERM"] {
        let mut child = start(&place, &args);
        wait_for(&place, &mut child, is_checkpoint);
        signal(&child, kind);
        let _ = child.wait();
    }
    place.succeeds(&args);
    let trainings = place.trainings("results/small");
    assert_eq!(trainings.len(), 1);
    assert_logged(&trainings[0]);
}
