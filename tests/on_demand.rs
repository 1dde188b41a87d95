//! Columns that are measured because a rule reads them: they change nothing else of a training.

mod common;

use common::{Place, bytes, column, curve, json, stderr, weights};

const CONFIG: &str = r#"
name = "small"
[data]
source = "digits"
[model]
hidden = [16, 12]
dropout = 0.2
norm.kind = "batch"
[training]
epochs = 4
[matrix]
early_stopping = [{ kind = "none" }]
"#;

/// Reads every column on demand and never fires.
const READER: &str = r#"{ kind = "any", rules = [
    { kind = "evidence", count = 99 },
    { kind = "gradient_norm", factor = 1e-9 },
    { kind = "gradient_disparity", count = 99 },
    { kind = "complexity", measure = "weight_norm", factor = 1e9 },
    { kind = "complexity", measure = "path_norm", factor = 1e9 },
    { kind = "complexity", measure = "spectral_norm", factor = 1e9 },
    { kind = "threshold", column = "distance_from_init", above = 1e9 },
] }"#;

const COLUMNS: &str = "evidence,grad_norm,grad_disparity,weight_norm,path_norm,spectral_norm,\
                       distance_from_init";

fn with_reader() -> String {
    CONFIG.replace("[{ kind = \"none\" }]", &format!("[{{ kind = \"none\" }}, {READER}]"))
}

#[test]
fn a_training_is_the_same_to_the_last_byte_with_and_without_them_on_either_engine() {
    for engine in ["fused", "graph"] {
        let place = Place::new();
        place.write("without.toml", CONFIG);
        place.write("with.toml", &with_reader());
        let run = |config: &str, results: &str| {
            let args = ["run", "--config", config, "--results", results];
            let output = place.command(&args).env("BNES_ENGINE", engine).output().unwrap();
            assert!(output.status.success(), "{}", stderr(&output));
            place.training(&format!("{results}/small"), "seed0")
        };
        let (without, with) = (run("without.toml", "a"), run("with.toml", "b"));
        assert_eq!(without.file_name(), with.file_name(), "a rule is no part of the identity");
        let (short, long) = (curve(&without), curve(&with));
        assert_eq!(
            long.lines().next().unwrap(),
            format!("{},{COLUMNS}", short.lines().next().unwrap())
        );
        for (short, long) in short.lines().zip(long.lines()) {
            assert!(long.starts_with(&format!("{short},")), "{engine}: {short} and {long}");
        }
        let kept = weights(&with);
        for (file, bytes) in weights(&without) {
            assert!(kept[&file] == bytes, "{engine}: {file}");
        }
    }
}

#[test]
fn only_the_columns_that_a_rule_reads_are_measured() {
    let place = Place::new();
    let rule = "{ kind = \"complexity\", measure = \"path_norm\", factor = 1e9 }";
    place.write("small.toml", &CONFIG.replace("{ kind = \"none\" }", rule));
    place.succeeds(&["run", "--config", "small.toml"]);
    let header = curve(&place.training("results/small", "seed0"));
    assert!(header.lines().next().unwrap().ends_with("samples_seen,path_norm"), "{header}");
}

#[test]
fn a_rule_added_later_that_reads_a_new_column_trains_again_whole() {
    let place = Place::new();
    place.write("small.toml", CONFIG);
    place.succeeds(&["run", "--config", "small.toml"]);
    place.write("small.toml", &with_reader());
    let out = place.succeeds(&["run", "--config", "small.toml"]);
    assert!(out.contains("(1 trained"), "{out}");
    let before = bytes(&place, "results/small");
    for config in [with_reader(), CONFIG.to_owned()] {
        place.write("small.toml", &config);
        let out = place.succeeds(&["run", "--config", "small.toml"]);
        assert!(out.contains("(0 trained"), "{out}");
        assert_eq!(bytes(&place, "results/small"), before);
    }
}

#[test]
fn the_evidence_stops_full_batch_descent_live_where_replay_says_so() {
    let place = Place::new();
    let config = r#"
name = "evidence"
[data]
source = "digits"
[model]
hidden = []
[training]
epochs = 300
batch_size = "full"
optimizer = { kind = "sgd", lr = 0.5 }
[early_stopping]
kind = "evidence"
"#;
    place.write("evidence.toml", config);
    place.succeeds(&["run", "--config", "evidence.toml"]);
    let training = place.training("results/evidence", "seed0");
    let arm = &json(&training.join("run.json"))["arms"][0];
    assert_eq!(arm["stop_reason"], "evidence", "{arm}");
    let evidence = column(&training, "evidence");
    let (last, before) = evidence.split_last().unwrap();
    assert!(*last > 0.0 && before.iter().all(|value| *value <= 0.0), "{evidence:?}");
    let out = place.succeeds(&[
        "replay",
        "results/evidence",
        "--criterion",
        "kind = \"evidence\"",
        "--format",
        "json",
    ]);
    let replayed: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(replayed[0]["stop_epoch"], arm["stop_epoch"]);
}
