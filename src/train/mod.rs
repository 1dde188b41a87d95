//! The one epoch loop: trains, measures, asks the rules, keeps the weights of each arm.

pub mod batches;
mod reader;
mod recorder;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;

use crate::data::Dataset;
use crate::event::{Event, Observer};
use crate::history::EpochTable;
use crate::nn::{Engine, StateDict};
use crate::spec::Trajectory;
use crate::spec::training::Loss;
use crate::stopping::{Reading, StoppingRule};

use reader::Reader;
pub use recorder::{Recorder, columns};

/// One training to do.
pub struct Job<'a> {
    /// What fixes it.
    pub trajectory: &'a Trajectory,
    /// What its loss is.
    pub loss: Loss,
    /// Its rows.
    pub data: &'a Arc<Dataset>,
    /// The rule of each arm, at least one.
    pub rules: Vec<&'a StoppingRule>,
    /// Its number in the events.
    pub number: usize,
}

/// What a training gave.
pub struct Trained {
    /// Every epoch.
    pub table: EpochTable,
    /// What each arm made of it, in the order of the rules.
    pub arms: Vec<ArmOutcome>,
}

/// One arm's reading of a training.
pub struct ArmOutcome {
    /// How and where it ended.
    pub reading: Reading,
    /// The weights kept and their epoch; none where no epoch was finite.
    pub kept: Option<Kept>,
}

/// The weights of an epoch.
#[derive(Clone)]
pub struct Kept {
    /// From 1.
    pub epoch: usize,
    /// Parameters and running statistics.
    pub state: Arc<StateDict>,
}

/// Trains until every rule has ended its arm, at most for the epochs of the config.
///
/// # Errors
/// Where the engine fails; a loss that is not finite is an ending, not an error.
pub fn fit(engine: &mut dyn Engine, job: &Job, observer: &mut dyn Observer) -> Result<Trained> {
    let Trajectory { training, model, seed, .. } = job.trajectory;
    let data = job.data.as_ref();
    let rows = data.splits.train.len();
    let recorder = Recorder::new(data, job.loss, &job.trajectory.evaluation);
    let mut table = EpochTable::new(recorder.columns());
    let mut readers: Vec<Reader> = job.rules.iter().map(|rule| Reader::new(rule)).collect();
    let calibration = model.norm.inner().recalibrates().then(|| batches::fixed_order(data, *seed));
    let ranges = batches::ranges(rows, training.batch_size);
    let started = Instant::now();

    for epoch in 1..=training.epochs {
        let order = batches::epoch_order(data, *seed, epoch);
        let lr_factor = training.schedule.factor(epoch, training.epochs);
        for range in &ranges {
            engine.train_batch(&order[range.clone()], lr_factor)?;
        }
        if let Some(order) = &calibration {
            let batches: Vec<&[u32]> = ranges.iter().map(|range| &order[range.clone()]).collect();
            engine.recalibrate(&batches)?;
        }
        #[allow(clippy::cast_precision_loss)] // rows are far below 2^53
        let train_loss = engine.take_loss_sum()? / rows as f64;
        let lr = training.optimizer.lr() * lr_factor;
        let row = recorder.row(engine, epoch, ranges.len(), train_loss, lr, started)?;
        table.push(&row);

        for reader in &mut readers {
            reader.read(&table, training.epochs, engine)?;
        }
        observer.on_event(epoch_event(job, &table, &readers));
        if readers.iter().all(Reader::has_ended) {
            break;
        }
    }
    let arms = readers.into_iter().map(|reader| reader.outcome(&table)).collect();
    Ok(Trained { table, arms })
}

fn epoch_event(job: &Job, table: &EpochTable, readers: &[Reader]) -> Event {
    let epoch = table.len();
    let history = table.history(epoch);
    let states = readers.iter().filter(|reader| !reader.has_ended());
    let states = states.map(|reader| reader.rule().state(&history)).filter(|s| !s.is_empty());
    Event::Epoch {
        training: job.number,
        epoch,
        train_loss: table.cell("train_loss", epoch).unwrap_or(f64::NAN),
        val_loss: table.cell("val_loss", epoch),
        best: job.rules.first().and_then(|rule| rule.monitored.best(&history)),
        rules: states.collect::<Vec<_>>().join(", "),
    }
}
