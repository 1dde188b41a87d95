//! The one epoch loop: trains, measures, asks the rules, keeps the weights of each arm.
//!
//! It begins before the first batch or at a [`Checkpoint`], and ends where every rule has ended its
//! arm or, between two batches, where its [`Checkpointer`] interrupts it.

pub mod batches;
pub mod checkpoint;
mod cpu_clock;
mod reader;
mod recorder;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::config::Config;
use crate::config::training::Loss;
use crate::data::Dataset;
use crate::event::{Event, Observer};
use crate::history::{CPU, EpochTable};
use crate::metrics;
use crate::nn::{Engine, Network, StateDict};
use crate::stopping::StoppingRule;

use batches::Recalibration;
pub use checkpoint::{Checkpoint, Checkpointer, NoCheckpoints, Position};
use cpu_clock::CpuClock;
use reader::Reader;
pub use reader::{ArmOutcome, Kept};
use recorder::Measurement;
pub use recorder::{Recorder, columns, columns_on_demand};

/// One training to do.
pub struct FitInputs<'a> {
    /// What fixes it.
    pub config: &'a Config,
    /// What its loss is.
    pub loss: Loss,
    /// Its rows.
    pub data: &'a Arc<Dataset>,
    /// The rule of each arm, at least one.
    pub rules: Vec<&'a StoppingRule>,
    /// Its number in the events.
    pub number: usize,
    /// Whether the process does nothing else meanwhile.
    pub alone: bool,
}

impl<'a> FitInputs<'a> {
    /// What its engine is built from.
    #[must_use]
    pub fn network(&self) -> Network<'a> {
        let Config { model, training, seed, .. } = self.config;
        let outputs = metrics::outputs(self.loss, &self.data.targets);
        Network { model, training, loss: self.loss, outputs, data: self.data, seed: *seed }
    }

    fn recorder(&self) -> Recorder<'a> {
        Recorder::new(self.data, self.loss, self.config, &self.rules)
    }
}

/// What a training gave.
pub struct Trained {
    /// Every epoch.
    pub table: EpochTable,
    /// What each arm made of it, in the order of the rules.
    pub arms: Vec<ArmOutcome>,
}

/// How the loop ended.
pub enum Fitted {
    /// Every rule has ended its arm.
    Done(Trained),
    /// The checkpointer interrupted it; it was handed all that was done up to here.
    Interrupted(Position),
}

/// Trains until every rule has ended its arm, at most for the epochs of the config.
///
/// Where `from` is given, `engine` has to be loaded from it; the result is, clocks aside, the one
/// that the training would have had without the break.
///
/// # Errors
/// Where the engine fails, or an arm keeps weights that `from` does not have; a loss that is not
/// finite is an ending, not an error.
pub fn fit(
    engine: &mut dyn Engine,
    inputs: &FitInputs,
    from: Option<Checkpoint>,
    checkpointer: &mut dyn Checkpointer,
    observer: &mut dyn Observer,
) -> Result<Fitted> {
    let Config { training, seed, .. } = inputs.config;
    let data = inputs.data.as_ref();
    let recorder = inputs.recorder().with_probe(&inputs.network())?;
    let mut run = match from {
        None => TrainingState::new(inputs, recorder.columns(), engine),
        Some(from) => TrainingState::resume(inputs, from, engine)?,
    };
    let recalibration = Recalibration::of(inputs.config, data);
    let recalibration = recalibration.as_ref().map(Recalibration::batches);
    let ranges = batches::ranges(data.splits.train.len(), training.batch_size);

    while run.table.len() < training.epochs && !run.has_ended() {
        let epoch = run.table.len() + 1;
        let order = data.epoch_order(*seed, epoch);
        let lr_factor = training.schedule.factor(epoch, training.epochs);
        while let Some(range) = ranges.get(run.batch) {
            if checkpointer.interrupted() {
                return run.interrupted(engine, checkpointer);
            }
            engine.train_batch(&order[range.clone()], lr_factor)?;
            run.batch += 1;
            run.unsaved = true;
        }
        // Whatever comes up to the new row is done again where it is interrupted.
        let go_on = || !checkpointer.interrupted();
        let lr = training.optimizer.lr() * lr_factor;
        let batches = recalibration.as_deref();
        let Some(measured) = measure(engine, &recorder, batches, lr, &go_on)? else {
            return run.interrupted(engine, checkpointer);
        };
        #[allow(clippy::cast_precision_loss)] // rows are far below 2^53
        let train_loss = engine.take_loss_sum()? / data.splits.train.len() as f64;
        let clocks = [Some(run.elapsed_s()), run.cpu_clock.cpu_s(engine)];
        let row = recorder.row(&measured, epoch, ranges.len(), train_loss, lr, clocks);
        run.end_epoch(&row, training.epochs, engine)?;
        observer.on_event(epoch_event(inputs, &run.table, &run.readers));
        if !run.has_ended() && checkpointer.is_due() {
            run.keep(engine, checkpointer)?;
        }
    }
    let TrainingState { mut table, readers, .. } = run;
    table.leave_out_if_empty(CPU);
    let arms = readers.into_iter().map(|reader| reader.outcome(&table)).collect();
    Ok(Fitted::Done(Trained { table, arms }))
}

/// What there is to measure at the end of an epoch; none where `go_on` says no.
fn measure(
    engine: &mut dyn Engine,
    recorder: &Recorder,
    recalibration: Option<&[&[u32]]>,
    lr: f64,
    go_on: &dyn Fn() -> bool,
) -> Result<Option<Measurement>> {
    if let Some(batches) = recalibration
        && !engine.recalibrate(batches, go_on)?
    {
        return Ok(None);
    }
    recorder.measure(engine, lr, go_on)
}

/// A training as it runs, without its engine.
struct TrainingState<'a> {
    table: EpochTable,
    readers: Vec<Reader<'a>>,
    /// Batches trained of the epoch after the table's last.
    batch: usize,
    /// Seconds before `started`.
    before_s: f64,
    started: Instant,
    cpu_clock: CpuClock,
    /// Whether anything was trained since the last checkpoint.
    unsaved: bool,
}

impl<'a> TrainingState<'a> {
    fn new(inputs: &FitInputs<'a>, columns: Vec<String>, engine: &dyn Engine) -> Self {
        Self {
            table: EpochTable::new(columns),
            readers: inputs.rules.iter().map(|rule| Reader::new(rule)).collect(),
            batch: 0,
            before_s: 0.0,
            started: Instant::now(),
            cpu_clock: CpuClock::start(Some(0.0), engine, inputs.alone),
            unsaved: false,
        }
    }

    fn resume(inputs: &FitInputs<'a>, from: Checkpoint, engine: &dyn Engine) -> Result<Self> {
        let readers = readers(inputs, &from).context("an arm keeps weights that were not saved")?;
        let Checkpoint { table, batch, elapsed_s, cpu_s, .. } = from;
        Ok(Self {
            table,
            readers,
            batch,
            before_s: elapsed_s,
            started: Instant::now(),
            cpu_clock: CpuClock::start(cpu_s, engine, inputs.alone),
            unsaved: false,
        })
    }

    fn has_ended(&self) -> bool {
        self.readers.iter().all(Reader::has_ended)
    }

    fn elapsed_s(&self) -> f64 {
        self.before_s + self.started.elapsed().as_secs_f64()
    }

    fn end_epoch(
        &mut self,
        row: &[Option<f64>],
        epochs: usize,
        engine: &mut dyn Engine,
    ) -> Result<()> {
        self.table.push(row);
        self.batch = 0;
        // Taken once, however many arms keep it.
        let mut taken: Option<Arc<StateDict>> = None;
        let mut state = || {
            if let Some(state) = &taken {
                return Ok(Arc::clone(state));
            }
            let state = Arc::new(engine.state()?);
            taken = Some(Arc::clone(&state));
            Ok(state)
        };
        self.readers.iter_mut().try_for_each(|reader| reader.read(&self.table, epochs, &mut state))
    }

    fn keep(&mut self, engine: &mut dyn Engine, checkpointer: &mut dyn Checkpointer) -> Result<()> {
        let kept = self.readers.iter().filter_map(Reader::kept);
        let kept: BTreeMap<_, _> = kept.map(|kept| (kept.epoch, Arc::clone(&kept.state))).collect();
        checkpointer.save(&Checkpoint {
            table: self.table.clone(),
            batch: self.batch,
            elapsed_s: self.elapsed_s(),
            cpu_s: self.cpu_clock.cpu_s(engine),
            kept,
            engine: engine.training_state()?,
        });
        self.unsaved = false;
        Ok(())
    }

    fn interrupted(
        &mut self,
        engine: &mut dyn Engine,
        checkpointer: &mut dyn Checkpointer,
    ) -> Result<Fitted> {
        if self.unsaved {
            self.keep(engine, checkpointer)?;
        }
        Ok(Fitted::Interrupted(Position { epoch: self.table.len() + 1, batch: self.batch }))
    }
}

/// Each arm where a checkpoint leaves it; none where one keeps weights that are not in it.
fn readers<'a>(inputs: &FitInputs<'a>, from: &Checkpoint) -> Option<Vec<Reader<'a>>> {
    let epochs = inputs.config.training.epochs;
    inputs.rules.iter().map(|rule| Reader::after(rule, &from.table, epochs, &from.kept)).collect()
}

/// Whether a training can go on from a checkpoint of its own: it cannot where a rule was added
/// since that keeps weights of an epoch gone by, or reads a column that was not recorded.
#[must_use]
pub fn can_resume(inputs: &FitInputs, from: &Checkpoint) -> bool {
    from.table.names() == inputs.recorder().columns() && readers(inputs, from).is_some()
}

fn epoch_event(inputs: &FitInputs, table: &EpochTable, readers: &[Reader]) -> Event {
    let epoch = table.len();
    let history = table.history(epoch);
    let states = readers.iter().filter(|reader| !reader.has_ended());
    let states = states.map(|reader| reader.rule().state(&history)).filter(|s| !s.is_empty());
    Event::Epoch {
        training: inputs.number,
        epoch,
        train_loss: table.cell("train_loss", epoch).unwrap_or(f64::NAN),
        val_loss: table.cell("val_loss", epoch),
        best: inputs.rules.first().and_then(|rule| rule.monitored.best(&history)),
        rules: states.collect::<Vec<_>>().join(", "),
    }
}
