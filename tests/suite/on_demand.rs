//! Columns that are measured because a rule reads them or the config asks for them: they change
//! nothing else of a training.

use std::path::PathBuf;

use crate::common::{Place, bytes, column, curve, json, stderr, weights};

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

/// The training of a config on an engine; `results` is where it goes.
#[allow(clippy::unwrap_used)] // a test
fn trained(place: &Place, engine: &str, results: &str, config: &str) -> PathBuf {
    let file = format!("{results}.toml");
    place.write(&file, config);
    let args = ["run", "--config", &file, "--results", results];
    let output = place.command(&args).env("BNES_ENGINE", engine).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    place.training(&format!("{results}/small"), "seed0")
}

#[test]
fn a_training_is_the_same_to_the_last_byte_with_and_without_them_on_either_engine() {
    for engine in ["fused", "graph"] {
        let place = Place::new();
        let without = trained(&place, engine, "without", CONFIG);
        let with = trained(&place, engine, "with", &with_reader());
        assert_eq!(without.file_name(), with.file_name(), "a rule is not part of the identity");
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

const INSIDE: &str = "preact_p15,preact_p50,preact_p85,loss_train_mode,loss_eval_mode,drift_mean,\
                      drift_spread,ls_min,ls_max,gp_min,gp_max,beta_eff";

/// In another order than that of the columns.
const ALL_INSIDE: &str =
    "[evaluation]\ninside = [\"landscape\", \"modes\", \"drift\", \"preactivations\"]\n";

#[test]
fn a_training_that_is_looked_into_is_the_same_to_the_last_byte_on_either_engine() {
    for engine in ["fused", "graph"] {
        let place = Place::new();
        let without = trained(&place, engine, "without", CONFIG);
        let with = trained(&place, engine, "with", &format!("{CONFIG}{ALL_INSIDE}"));
        let (short, long) = (curve(&without), curve(&with));
        let header = |curve: &str| curve.lines().next().unwrap().to_owned();
        assert_eq!(header(&long), format!("{},{INSIDE}", header(&short)));
        for (short, long) in short.lines().zip(long.lines()) {
            assert!(long.starts_with(&format!("{short},")), "{engine}: {short} and {long}");
        }
        assert!(weights(&without) == weights(&with), "{engine}");
        let arm = &json(&with.join("run.json"))["arms"][0];
        let last = column(&with, "beta_eff").pop().unwrap();
        assert_eq!(arm["metrics"]["beta_eff"], last, "what arms are compared by");
    }
}

#[test]
fn what_there_is_nothing_of_has_no_column() {
    let place = Place::new();
    let norms = "\"model.norm.kind\" = [\"none\", \"batch\"]\n\"model.hidden\" = [[], [4]]\n";
    place.write("small.toml", &format!("{CONFIG}{norms}{ALL_INSIDE}"));
    place.succeeds(&["run", "--config", "small.toml"]);
    let landscape = "ls_min,ls_max,gp_min,gp_max,beta_eff";
    for (training, columns) in [
        ("none-empty", landscape.to_owned()),
        ("none-4", format!("preact_p15,preact_p50,preact_p85,{landscape}")),
        ("batch-empty", landscape.to_owned()),
        ("batch-4", INSIDE.to_owned()),
    ] {
        let curve = curve(&place.training("results/small", training));
        let header = curve.lines().next().unwrap();
        assert!(header.ends_with(&format!(",samples_seen,{columns}")), "{training}: {header}");
    }
}

#[test]
fn a_rule_reads_what_is_inside_whether_the_config_asks_for_it_or_not() {
    let place = Place::new();
    let rule =
        "{ kind = \"threshold\", column = \"drift_mean\", below = 10.0, monitor = \"ls_max\" }";
    place.write("small.toml", &CONFIG.replace("{ kind = \"none\" }", rule));
    place.succeeds(&["run", "--config", "small.toml"]);
    let training = place.training("results/small", "seed0");
    let arm = &json(&training.join("run.json"))["arms"][0];
    assert_eq!(arm["stop_epoch"], 1, "{arm}");
    assert!(column(&training, "drift_mean")[0] < 10.0);
    let header = curve(&training);
    let header = header.lines().next().unwrap();
    assert!(header.ends_with("samples_seen,drift_mean,ls_max"), "{header}");

    let without_norm = ["--set", "model.norm.kind=none"];
    let refused = place.fails(2, &[&["run", "--config", "small.toml"], &without_norm[..]].concat());
    let said = "the rule reads the column `drift_mean`, and no norm keeps running statistics";
    assert!(refused.contains(said), "{refused}");
    let (_, readable) = refused.split_once("can read: ").unwrap();
    assert!(readable.contains("preact_p50") && !readable.contains("drift"), "{refused}");
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
