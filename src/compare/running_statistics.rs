//! Arms that were evaluated by running averages which had not settled, or that never do.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::experiment::{Arm, Experiment};
use super::warning::WarningKind;
use crate::config::model::{ModelConfig, RunningStatistics};
use crate::config::training::BatchSize;
use crate::config::{Factors, Settling};
use crate::results::{Status, TrainingRecord};
use crate::stopping::StoppingRule;

/// What the running statistics of arms may have done to their metrics.
pub(super) fn warnings(experiment: &Experiment) -> Vec<WarningKind> {
    let (mut cumulative, mut unsettled, mut early) = (Vec::new(), Vec::new(), Vec::new());
    let (mut start_weight, mut latest): (f64, usize) = (0.0, 0);
    for arm in &experiment.arms {
        let Some(record) = arm.observations.values().next().map(|one| one.run) else { continue };
        let Some(statistics) = running(record) else { continue };
        if statistics == RunningStatistics::Cumulative {
            cumulative.push(arm.factors.clone());
        }
        let steps = steps(record);
        let Some(settling) = steps.and_then(|steps| Settling::of(statistics, steps)) else {
            continue;
        };
        let Some(read) = epochs(arm) else { continue };
        let rule = read_as::<StoppingRule>(&Value::Object(arm.rule.clone()));
        let of: &mut Vec<Factors> = if !settling.is_over(read) {
            start_weight = start_weight.max(settling.start_weight(read));
            &mut unsettled
        } else if rule.is_some_and(|rule| settling.outlasts(&rule)) {
            latest = latest.max(settling.epoch());
            &mut early
        } else {
            continue;
        };
        of.push(arm.factors.clone());
    }
    let mut found = Vec::new();
    if !cumulative.is_empty() {
        found.push(WarningKind::CumulativeStatistics { arms: cumulative });
    }
    if !unsettled.is_empty() {
        found.push(WarningKind::UnsettledStatistics { arms: unsettled, start_weight });
    }
    if !early.is_empty() {
        found.push(WarningKind::RuleBeforeSettled { arms: early, epoch: latest });
    }
    found
}

/// Those of the norm that a training has.
fn running(record: &TrainingRecord) -> Option<RunningStatistics> {
    model(record)?.norm_in_use()?.running_statistics()
}

/// The model of a training.
pub(super) fn model(record: &TrainingRecord) -> Option<ModelConfig> {
    read_as(record.config.get("model")?)
}

/// Steps of an epoch.
fn steps(record: &TrainingRecord) -> Option<usize> {
    let batch_size: BatchSize = read_as(record.config.get("training")?.get("batch_size")?)?;
    let rows = usize::try_from(record.data.get("train_rows")?.as_u64()?).ok()?;
    Some(batch_size.steps(rows))
}

/// The fewest epochs that an arm read of a training that did not diverge.
fn epochs(arm: &Arm) -> Option<usize> {
    let seeds = arm.observations.values().map(|one| one.arm);
    seeds.filter(|one| one.status != Status::Diverged).map(|one| one.epochs).min()
}

/// What a record holds, as this version knows it.
fn read_as<T: DeserializeOwned>(value: &Value) -> Option<T> {
    T::deserialize(value).ok()
}
