//! How long an experiment may take, from a few batches of each of its networks.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::compute::Compute;
use super::prepared_training::PreparedTraining;
use crate::train::batches::{self, Recalibration};

/// Time for all measurements together; what is then left is told by its size.
const BUDGET: Duration = Duration::from_secs(1);

/// Batches of a network that are timed at most.
const BATCHES: usize = 500;

/// Rows of an evaluation that are timed at most.
const ROWS: usize = 2048;

/// Seconds of an epoch of a training.
#[derive(Debug, Clone, Copy)]
struct Cost {
    seconds: f64,
    /// What the seconds go with: parameters times rows.
    size: f64,
}

/// Seconds that all epochs of the trainings take one after the other: an estimate, and at most,
/// since rules may end trainings sooner.
///
/// # Errors
/// Where the device fails.
pub fn estimate(trainings: &[&PreparedTraining], compute: &Compute) -> Result<f64> {
    let mut groups: HashMap<String, Option<Cost>> = HashMap::new();
    let distinct = |training: &PreparedTraining| {
        let mut key = training.config.table();
        key.remove("seed");
        serde_json::Value::Object(key).to_string()
    };
    let mut order: Vec<(String, &PreparedTraining)> = Vec::new();
    for training in trainings {
        let key = distinct(training);
        if groups.insert(key.clone(), None).is_none() {
            order.push((key, training));
        }
    }
    let count = u32::try_from(order.len().max(1)).unwrap_or(u32::MAX);
    let started = Instant::now();
    for (key, training) in &order {
        // The first is always timed, or there would be nothing to go by.
        if started.elapsed() >= BUDGET && groups.values().any(Option::is_some) {
            break;
        }
        let cost = measure(training, compute, BUDGET / count)?;
        groups.insert(key.clone(), Some(cost));
    }
    let known = || groups.values().flatten();
    let rate = known().map(|cost| cost.seconds).sum::<f64>()
        / known().map(|cost| cost.size).sum::<f64>().max(f64::MIN_POSITIVE);
    #[allow(clippy::cast_precision_loss)] // epochs are far below 2^53
    let seconds = trainings.iter().map(|training| {
        let cost = groups.get(&distinct(training)).copied().flatten();
        let of_epoch = cost.map_or_else(|| rate * size(training), |cost| cost.seconds);
        of_epoch * training.config.training.epochs as f64
    });
    Ok(seconds.sum())
}

/// Trains some batches and evaluates some rows, for about `budget`.
fn measure(training: &PreparedTraining, compute: &Compute, budget: Duration) -> Result<Cost> {
    let config = &training.config;
    let mut engine = compute.engine(training)?;
    let order = training.data.epoch_order(config.seed, 1);
    let ranges = batches::ranges(order.len(), config.training.batch_size);
    // The first pass of everything is slower than those to come.
    if let Some(range) = ranges.first() {
        engine.train_batch(&order[range.clone()], 1.0)?;
        engine.take_loss_sum()?;
    }
    let mut trained = 0_u32;
    let started = Instant::now();
    for range in ranges.iter().cycle().take(BATCHES) {
        engine.train_batch(&order[range.clone()], 1.0)?;
        trained += 1;
        if started.elapsed() >= budget / 2 {
            break;
        }
    }
    // A device may still be at it until a figure is asked for.
    engine.take_loss_sum()?;
    #[allow(clippy::cast_precision_loss)] // counts are far below 2^53
    let mut seconds =
        started.elapsed().as_secs_f64() / f64::from(trained.max(1)) * ranges.len() as f64;

    if let Some(recalibration) = Recalibration::of(config, &training.data) {
        let batches = recalibration.batches();
        let part = &batches[..batches.len().min(BATCHES / 10)];
        let started = Instant::now();
        engine.recalibrate(part, &|| true)?;
        #[allow(clippy::cast_precision_loss)] // counts are far below 2^53
        let parts = batches.len() as f64 / part.len().max(1) as f64;
        seconds += started.elapsed().as_secs_f64() * parts;
    }

    let evaluated = evaluated(training);
    let part = &order[..order.len().min(ROWS).min(evaluated)];
    if !part.is_empty() {
        let started = Instant::now();
        engine.evaluate(part)?;
        #[allow(clippy::cast_precision_loss)] // rows are far below 2^53
        let parts = evaluated as f64 / part.len() as f64;
        seconds += started.elapsed().as_secs_f64() * parts;
    }
    Ok(Cost { seconds, size: size(training) })
}

/// Rows that are evaluated after each epoch.
fn evaluated(training: &PreparedTraining) -> usize {
    let splits = &training.data.splits;
    let evaluation = &training.config.evaluation;
    let train = if evaluation.train { splits.train_evaluated.len() } else { 0 };
    let test = if evaluation.test { splits.test.len() } else { 0 };
    splits.validation.len() + train + test
}

#[allow(clippy::cast_precision_loss)] // an estimate
fn size(training: &PreparedTraining) -> f64 {
    training.parameters as f64 * training.data.splits.train.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Experiment, Overrides};
    use crate::runner::{DatasetCache, PreparedExperiment};

    #[test]
    fn an_estimate_is_a_time_and_nothing_takes_none() {
        let set = vec!["model.hidden=[4]".to_owned()];
        let overrides = Overrides { set, seeds: Some(1) };
        let experiment = Experiment::builtin(&overrides).unwrap();
        let prepared =
            PreparedExperiment::new(&experiment, &mut DatasetCache::of(&experiment), usize::MAX)
                .unwrap();
        let compute = Compute::new(candle_core::Device::Cpu, 1).unwrap();
        let seconds =
            estimate(&prepared.all_trainings().iter().collect::<Vec<_>>(), &compute).unwrap();
        assert!(seconds > 0.0 && seconds.is_finite());
        assert_eq!(estimate(&[], &compute).unwrap(), 0.0);
    }
}
