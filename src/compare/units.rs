//! In which unit a metric is: what has another unit is not subtracted.
//!
//! A loss is in the unit of its function and, for regressions, of the scale of the targets; an
//! absolute error is in the unit of the targets. Shares of examples and of variance have none.

use std::collections::HashMap;

use serde_json::Value;

use super::experiment::{Arm, Experiment};

/// Compared in the place of a metric whose unit differs, the first that was recorded.
pub(super) const STAND_INS: [&str; 6] =
    ["test_accuracy", "test_r2", "test_rmse", "val_accuracy", "val_r2", "val_rmse"];

/// Keys that the unit of a loss depends on.
const CAUSES: [&str; 5] =
    ["training.loss", "data.standardize", "data.source", "data.target", "data.task"];

/// For each arm a number, the same where the metric is in the same unit; none where nothing was
/// recorded.
pub(super) fn units(experiment: &Experiment, metric: &str) -> Vec<Option<usize>> {
    let is_loss = metric.ends_with("loss") || metric.ends_with("loss_eval");
    let is_distance = ["_mae", "_rmse"].iter().any(|ending| metric.ends_with(ending));
    if !is_loss && !is_distance {
        return vec![Some(0); experiment.arms.len()];
    }
    let mut known: HashMap<String, usize> = HashMap::new();
    let unit = |arm: &Arm| -> Option<usize> {
        let of = of_targets(arm)?;
        let unit = if is_loss { format!("{} {of}", of_loss(arm)?) } else { of };
        let next = known.len();
        Some(*known.entry(unit).or_insert(next))
    };
    experiment.arms.iter().map(unit).collect()
}

fn of_targets(arm: &Arm) -> Option<String> {
    let run = arm.observations.values().next()?.run;
    let target = run.config.get("data").and_then(|data| data.get("target"));
    Some(format!("{:?} {target:?} {:?}", run.data.get("digest"), run.data.get("task")))
}

fn of_loss(arm: &Arm) -> Option<String> {
    let run = arm.observations.values().next()?.run;
    let setting = |table: &str, key: &str| run.config.get(table).and_then(|table| table.get(key));
    let loss = setting("training", "loss").and_then(Value::as_str).unwrap_or_default();
    // One logit or two: both are the negative logarithm of the true class's probability.
    let loss = if loss == "bce" { "cross_entropy" } else { loss };
    let regression = run.data.get("task").and_then(Value::as_str) == Some("regression");
    let scale = setting("data", "standardize").filter(|_| regression);
    Some(format!("{loss} {scale:?}"))
}

/// The factors among these keys that a unit depends on.
pub(super) fn causes<'a>(factors: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let is_cause = |key: &&str| {
        CAUSES.iter().any(|cause| {
            cause.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    };
    factors.filter(is_cause).collect()
}
