//! Laws of a comparison, on the golden two by two design and on made-up experiments.

#![allow(clippy::cast_precision_loss)] // small whole numbers

mod claims;
mod contrasts;
mod left_out;
mod plain_experiments;
mod savings;
mod units;
mod warnings;

use serde_json::{Value, json};

use super::metric::CONTRASTED;
use super::*;
use crate::config::Factors;
use crate::results::fixtures::{arm, experiment, map, run, two_by_two, two_by_two_of};
use crate::results::{
    FailedTraining, LoadedExperiment, Status, TrainingRecord, Tried, TunedArm, TuningRecord, load,
};

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

/// The effects concluded, in their order.
fn effects(comparison: &Comparison) -> Vec<&Effect> {
    comparison
        .conclusions
        .iter()
        .filter_map(|one| match &one.finding {
            Finding::Effect(effect) => Some(effect),
            _ => None,
        })
        .collect()
}

fn kinds(comparison: &Comparison) -> Vec<&WarningKind> {
    comparison.warnings.iter().map(|warning| &warning.kind).collect()
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
        "`model.norm` is not a factor here: the factors are `model.norm.kind` (none, batch); \
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
    assert_eq!(comparison.contrasts[0].wins, Some(8), "larger is better");
    assert!(comparison.contrasts[0].p_holm.is_some());
    assert!(contrast(&comparison, "model.norm.kind", "test_loss").p_holm.is_none());
    assert_eq!(
        compare(&loaded, &options("test_f1")).unwrap_err().to_string(),
        "no arm has the metric `test_f1`: the metrics are `test_loss`, `val_loss`, \
         `test_accuracy`, `epochs`, `elapsed_s`, `cpu_s`"
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
    assert_eq!(from_files.contrasts[0].n, 10);
}
