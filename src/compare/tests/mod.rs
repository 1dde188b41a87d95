//! Laws of a comparison, on the golden two by two design and on made-up experiments.

#![allow(clippy::cast_precision_loss)] // small whole numbers

mod contrasts;
mod left_out;
mod plain_experiments;
mod savings;
mod units;
mod warnings;

use serde_json::{Value, json};

use super::*;
use crate::results::fixtures::{arm, experiment, map, run, two_by_two, two_by_two_of};
use crate::results::{FailedTraining, Status, TrainingRecord, Tried, TunedArm, TuningRecord, load};
use crate::spec::Factors;

fn compared(experiments: &[LoadedExperiment]) -> Comparison {
    compare(experiments, &Options::default()).unwrap()
}

fn contrast<'a>(comparison: &'a Comparison, name: &str, metric: &str) -> &'a Contrast {
    comparison.contrasts.iter().find(|c| c.name == name && c.metric == metric).unwrap()
}

/// A plain experiment: one arm, some seeds, a loss for each.
fn plain(name: &str, config: &Value, losses: &[f64]) -> LoadedExperiment {
    let rule = json!({"kind": "none", "monitor": "val_loss"});
    let runs = (0..).zip(losses).map(|(seed, loss)| {
        let arm = arm(json!({}), rule.clone(), json!({"test_loss": loss, "epochs": 100}), None);
        run(seed, config.clone(), vec![arm])
    });
    experiment(name, &[], runs.collect())
}

#[test]
fn the_json_has_the_keys_that_scripts_rely_on() {
    let json = serde_json::to_value(compared(&[two_by_two()])).unwrap();
    let keys = |value: &Value, wanted: &[&str]| {
        for key in wanted {
            assert!(value.get(key).is_some(), "{key} in {value}");
        }
    };
    keys(&json, &["arms", "references", "contrasts", "early_stopping", "warnings"]);
    let arm = &json["arms"][3];
    keys(arm, &["experiment", "factors", "seeds", "n", "diverged", "metrics"]);
    assert_eq!(arm["factors"], json!({"model.norm.kind": "batch", "early_stopping": "patience"}));
    keys(&arm["metrics"]["test_loss"], &["mean", "sd", "median", "ci95", "values"]);
    let contrast = &json["contrasts"][0];
    keys(
        contrast,
        &["experiment", "name", "levels", "metric", "n", "estimate", "ci95", "p", "p_holm", "wins"],
    );
    assert_eq!(contrast["levels"], json!(["none", "batch"]));
    assert_eq!(contrast["metric"], "test_loss");
    let saving = &json["early_stopping"][0];
    keys(
        saving,
        &[
            "experiment",
            "factors",
            "rule",
            "epochs_saved",
            "seconds_saved",
            "val_regret",
            "test_regret",
        ],
    );
    assert_eq!(json["references"][0]["reference"], "best_checkpoint_of_full_run");
    assert_eq!(json["references"][0]["factors"], json!({"model.norm.kind": "none"}));
}

#[test]
fn a_comparison_is_independent_of_the_order_of_experiments_and_trainings() {
    let config = |norm: &str| json!({"model": {"norm": {"kind": norm}}});
    let mut all = vec![
        two_by_two(),
        plain("b", &config("none"), &[0.5, 0.6, 0.55]),
        plain("a", &config("batch"), &[0.4, 0.5, 0.45]),
    ];
    let straight = compared(&all);
    all.reverse();
    for experiment in &mut all {
        experiment.runs.reverse();
    }
    let turned = compared(&all);
    assert!(straight == turned);
}

#[test]
fn a_filter_leaves_the_arms_with_a_level() {
    let options = |key: &str, value: &str| Options {
        filters: vec![Filter { key: key.to_owned(), level: value.into() }],
        ..Options::default()
    };
    let loaded = [two_by_two()];
    let comparison = compare(&loaded, &options("early_stopping", "patience")).unwrap();
    assert_eq!(comparison.arms.len(), 2);
    let main = contrast(&comparison, "model.norm.kind", "test_loss");
    assert!(main.estimate.is_some_and(|d| (d + 0.012_575).abs() < 1e-12));
    assert!(comparison.contrasts.iter().all(|c| c.name == "model.norm.kind"));

    let message = |key, value| compare(&loaded, &options(key, value)).unwrap_err().to_string();
    assert_eq!(
        message("model.norm", "batch"),
        "`model.norm` is no factor here: the factors are `model.norm.kind` (none, batch); \
         `early_stopping` (none, patience)"
    );
    assert_eq!(
        message("early_stopping", "patient"),
        "`early_stopping` has no level `patient`: the levels are none, patience"
    );
}

#[test]
fn another_metric_comes_first_when_asked_for_and_an_unknown_one_is_refused() {
    let options = |metric: &str| Options { metric: Some(metric.to_owned()), ..Options::default() };
    let loaded = [two_by_two()];
    let comparison = compare(&loaded, &options("test_accuracy")).unwrap();
    assert_eq!(comparison.contrasts[0].metric, "test_accuracy");
    assert_eq!(comparison.contrasts[0].wins, 8, "larger is better");
    assert!(comparison.contrasts[0].p_holm.is_some());
    assert!(contrast(&comparison, "model.norm.kind", "test_loss").p_holm.is_none());
    assert_eq!(
        compare(&loaded, &options("test_f1")).unwrap_err().to_string(),
        "no arm has the metric `test_f1`: the metrics are `test_loss`, `val_loss`, \
         `test_accuracy`, `epochs`, `elapsed_s`"
    );
}

#[test]
fn files_of_ten_seeds_give_the_same_comparison_as_their_records() {
    let dir = tempfile::tempdir().unwrap();
    crate::results::fixtures::write(dir.path(), &two_by_two_of(10));
    let from_files = compared(&load(&[dir.path().to_owned()]).unwrap());
    let from_records = compared(&[two_by_two_of(10)]);
    assert!(from_files == from_records);
    assert_eq!(from_files.arms.len(), 4);
    assert!(from_files.arms.iter().all(|arm| arm.n == 10));
    let json = serde_json::to_string(&from_files).unwrap();
    let back: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(back["contrasts"][0]["n"], 10);
}

#[test]
fn things_are_counted_and_listed_as_in_a_sentence() {
    assert_eq!((counted(1, "arm"), counted(2, "arm")), ("1 arm".to_owned(), "2 arms".to_owned()));
    let names = ["a", "b", "c"].map(str::to_owned);
    assert_eq!(enumerated(&names), "a, b and c");
    assert_eq!(enumerated(&names[..1]), "a");
}
