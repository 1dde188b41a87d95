//! The trainings of a folder that need it, some side by side and shared with other processes; one
//! that fails takes no other along.

use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};

use anyhow::{Error, Result, bail};

use super::compute::{self, Compute};
use super::device;
use super::finished::Finished;
use super::interrupt::Interrupt;
use super::need::{Need, Needs};
use super::outcome::{Outcome, guarded, note};
use super::pool::{Piece, Pool, Work, lock};
use super::prepared_training::PreparedTraining;
use super::run_one::{Ended, RunContext, run_one};
use crate::event::Event;
use crate::results::{Status, TrainingRecord};
use crate::storage::{Claim, Done, Holder, Process, Store, Twin, write_events};
use crate::train::Position;

/// What trainings may use.
pub struct Resources {
    /// Trainings side by side.
    pub jobs: usize,
    /// What each computes with.
    pub compute: Compute,
}

/// Trainings side by side: as many as asked for, else one per core, at most as many as there are.
#[must_use]
pub fn jobs(asked: Option<usize>, trainings: usize) -> usize {
    asked.unwrap_or_else(compute::cores).min(trainings).max(1)
}

/// How one training is done: [`run_one`].
type Trainer<'a> = dyn Fn(&PreparedTraining, Option<&Claim>, &RunContext, &Sender<Event>) -> Result<Ended>
    + Sync
    + 'a;

/// Trainings about to be done.
pub struct Sweep<'a> {
    needs: &'a Needs<'a>,
    /// Those that need it, or did when it was looked.
    trainings: Vec<&'a PreparedTraining>,
    resources: &'a Resources,
    interrupt: &'a Interrupt,
    /// `[checkpoint] every_s`.
    every_s: f64,
    trainer: &'a Trainer<'a>,
    /// The experiment, where TensorBoard is to have event files.
    events_of: Option<&'a str>,
    /// Of the trainings in hand.
    claims: Mutex<Vec<Arc<Claim>>>,
}

impl<'a> Sweep<'a> {
    /// Of `trainings`, which are some of those that `needs` knows.
    #[must_use]
    pub fn new(
        needs: &'a Needs<'a>,
        trainings: Vec<&'a PreparedTraining>,
        resources: &'a Resources,
        interrupt: &'a Interrupt,
        every_s: f64,
    ) -> Self {
        let claims = Mutex::default();
        let trainer = &run_one;
        Self { needs, trainings, resources, interrupt, every_s, trainer, events_of: None, claims }
    }

    /// Has event files for TensorBoard written as trainings end, of an experiment of this name.
    #[must_use]
    pub fn with_events_of(self, experiment: Option<&'a str>) -> Self {
        Self { events_of: experiment, ..self }
    }

    /// Trains, or waits where another process trains. The outcomes are in the order of the trainings.
    #[must_use]
    pub fn run(&self, events: &Sender<Event>) -> Vec<Outcome> {
        let pool = Pool {
            jobs: self.resources.jobs,
            interrupt: self.interrupt,
            on_signal: "finishing the current batches, then saving",
        };
        let pieces = pool.run(self, self.trainings.len(), events);
        let outcome = |piece| match piece {
            Piece::Done(outcome) => outcome,
            Piece::NotBegun => Outcome::NotBegun,
            Piece::Elsewhere => Outcome::Elsewhere,
        };
        pieces.into_iter().map(outcome).collect()
    }

    /// Trains a training; none while another process does.
    fn try_attempt(&self, number: usize, events: &Sender<Event>) -> Result<Option<Outcome>> {
        let training = self.trainings[number];
        match self.needs.of(training) {
            Need::Newer(problem) => bail!(problem),
            Need::Nothing(done) => return Ok(Some(self.found(training, *done))),
            Need::Training | Need::Move(_) => {}
        }
        let Some(claim) = Claim::acquire(&self.needs.store.work_dir(&training.dir))? else {
            return Ok(None);
        };
        // It may have been finished between the last look and the claim.
        let need = self.needs.of(training);
        if matches!(need, Need::Training | Need::Move(_))
            && let Some(message) = self.needs.store.set_aside(&training.dir)?
        {
            let message = format!("{message}; it is made again");
            let _ = events.send(Event::Warning { message });
        }
        let finished = match need {
            Need::Nothing(done) => Some(self.found(training, *done)),
            Need::Move(twin) => self.take_over(training, &twin.0)?,
            Need::Training | Need::Newer(_) => None,
        };
        if let Some(outcome) = finished {
            self.needs.store.finish(&training.dir, claim);
            return Ok(Some(outcome));
        }
        let claim = Arc::new(claim);
        lock(&self.claims).push(Arc::clone(&claim));
        let ended = self.train(number, &claim, events);
        lock(&self.claims).retain(|other| !Arc::ptr_eq(other, &claim));
        let outcome = self.save(training, ended?)?;
        if let (Outcome::Trained(_) | Outcome::Found(_), Some(claim)) =
            (&outcome, Arc::into_inner(claim))
        {
            self.needs.store.finish(&training.dir, claim);
        }
        Ok(Some(outcome))
    }

    fn found(&self, training: &PreparedTraining, done: Done) -> Outcome {
        Outcome::Found(self.needs.store.keep(&training.dir, done))
    }

    /// Puts what is done under another name in its place; none where it is no longer there.
    fn take_over(&self, training: &PreparedTraining, twin: &Twin) -> Result<Option<Outcome>> {
        let store = self.needs.store;
        if !twin.take_over(store, &training.dir)? {
            return Ok(None);
        }
        let Need::Nothing(done) = self.needs.of(training) else { return Ok(None) };
        let record = store.keep(&training.dir, *done);
        Ok(Some(Outcome::Moved { record, from: twin.path() }))
    }

    fn train(&self, number: usize, claim: &Claim, events: &Sender<Event>) -> Result<Ended> {
        let (every_s, interrupt) = (self.every_s, self.interrupt);
        let Resources { jobs, compute } = &self.resources;
        let context = RunContext { number, compute, alone: *jobs == 1, every_s, interrupt };
        guarded(|| (self.trainer)(self.trainings[number], Some(claim), &context, events))
            .map_err(device::explained)
    }

    /// Puts what was trained in its place, or notes that it was interrupted.
    fn save(&self, training: &PreparedTraining, ended: Ended) -> Result<Outcome> {
        let store = self.needs.store;
        match ended {
            Ended::Finished(finished) => {
                let Finished { mut record, table, weights, test_rows } = *finished;
                store.mark_exploratory(&training.dir, &mut record);
                let done = || match self.needs.of(training) {
                    Need::Nothing(done) => Some(done),
                    Need::Training | Need::Move(_) | Need::Newer(_) => None,
                };
                let keeps = || done().is_some();
                let rows = test_rows.as_deref();
                let placed =
                    store.write_training(&training.dir, &record, &table, &weights, rows, keeps)?;
                let first = if placed { None } else { done() };
                Ok(first.map_or(Outcome::Trained(record), |done| self.found(training, *done)))
            }
            Ended::Interrupted { at: Position { epoch: 1, batch: 0 }, .. } => Ok(Outcome::NotBegun),
            Ended::Interrupted { at, saved } => {
                let record = note(training, Status::Interrupted, at.epoch - 1, None);
                // The checkpoint is what counts.
                let _ = store.write_note(&training.dir, &record);
                Ok(Outcome::Interrupted { at, saved })
            }
        }
    }

    fn fail(&self, training: &PreparedTraining, error: Error, events: &Sender<Event>) -> Outcome {
        let record = note(training, Status::Failed, 0, Some(format!("{error:#}")));
        if let Err(error) = self.needs.store.write_note(&training.dir, &record) {
            let message = format!("the failure could not be noted: {error:#}");
            let _ = events.send(Event::Warning { message });
        }
        Outcome::Failed(error)
    }
}

/// Writes the event files of a training that is done. That they cannot be written costs no result.
pub fn write_event_files(
    store: &Store,
    dir: &str,
    experiment: &str,
    record: &TrainingRecord,
    events: &Sender<Event>,
) {
    if let Err(error) = write_events(&store.training(dir), experiment, record) {
        let message = format!("{dir}: no event file for TensorBoard: {error:#}");
        let _ = events.send(Event::Warning { message });
    }
}

impl Work for Sweep<'_> {
    type Output = Outcome;

    fn attempt(&self, number: usize, events: &Sender<Event>) -> Option<Outcome> {
        let attempt = self.try_attempt(number, events);
        let outcome =
            attempt.unwrap_or_else(|error| Some(self.fail(self.trainings[number], error, events)));
        if let (Some(name), Some(record)) =
            (self.events_of, outcome.as_ref().and_then(Outcome::result))
        {
            let dir = &self.trainings[number].dir;
            write_event_files(self.needs.store, dir, name, record, events);
        }
        outcome
    }

    fn outcome(&self, number: usize, outcome: &Outcome) -> (String, bool) {
        let line = outcome.in_words(self.trainings[number], self.needs.store);
        (line, matches!(outcome, Outcome::Failed(_)))
    }

    fn holder(&self, number: usize) -> Option<String> {
        let dir = &self.trainings[number].dir;
        let Process { host, pid, .. } = Holder::of(&self.needs.store.work_dir(dir))?.process;
        Some(format!("{dir}: waiting for process {pid} on {host}, which is training it"))
    }

    fn heartbeat(&self) {
        for claim in lock(&self.claims).iter() {
            // A claim that cannot be renewed may be taken over, which does no harm.
            let _ = claim.renew();
        }
    }
}

#[cfg(test)]
#[path = "sweep_tests.rs"]
mod tests;
