//! `--verify`: a training trained again in memory, and the first thing in which it differs.

use std::fmt;
use std::sync::mpsc::Sender;

use anyhow::{Error, Result};

use super::difference::{difference, elsewhere};
use super::interrupt::Interrupt;
use super::outcome::guarded;
use super::pool::{Piece, Pool, Work};
use super::prepared_training::PreparedTraining;
use super::run_one::{Ended, RunContext, run_one};
use super::sweep::Resources;
use crate::event::Event;
use crate::results::TrainingRecord;
use crate::storage::Store;

/// What became of a training that was trained again.
pub enum Verdict {
    /// Nothing differs.
    Same,
    /// The first difference.
    Differs(String),
    /// It could not be compared.
    Failed(Error),
    /// A signal came first.
    NotReached,
}

/// Finished trainings about to be trained again, without a file being written.
pub struct Verification<'a> {
    store: &'a Store,
    trainings: Vec<&'a PreparedTraining>,
    resources: &'a Resources,
    interrupt: &'a Interrupt,
}

impl<'a> Verification<'a> {
    /// Of these trainings.
    #[must_use]
    pub fn new(
        store: &'a Store,
        trainings: Vec<&'a PreparedTraining>,
        resources: &'a Resources,
        interrupt: &'a Interrupt,
    ) -> Self {
        Self { store, trainings, resources, interrupt }
    }

    /// Trains them and compares with what is on disk. The verdicts are in the order of the trainings.
    #[must_use]
    pub fn run(&self, events: &Sender<Event>) -> Vec<Verdict> {
        let pool = Pool {
            jobs: self.resources.jobs,
            interrupt: self.interrupt,
            on_signal: "stopping after the current batches",
        };
        let verdict = |piece| match piece {
            Piece::Done(verdict) => verdict,
            Piece::NotBegun | Piece::Elsewhere => Verdict::NotReached,
        };
        pool.run(self, self.trainings.len(), events).into_iter().map(verdict).collect()
    }

    fn again(
        &self,
        training: &PreparedTraining,
        number: usize,
        events: &Sender<Event>,
    ) -> Result<Verdict> {
        let context = RunContext {
            number,
            compute: &self.resources.compute,
            alone: self.resources.jobs == 1,
            interrupt: self.interrupt,
            every_s: f64::INFINITY,
        };
        let ended = guarded(|| run_one(training, None, &context, events))?;
        let Ended::Finished(again) = ended else { return Ok(Verdict::NotReached) };
        let dir = self.store.training(&training.dir);
        let Some(mut difference) = difference(&dir, &again)? else { return Ok(Verdict::Same) };
        // What is on disk may be too damaged to say what it was trained on.
        let was = TrainingRecord::read(&dir);
        difference.extend(was.and_then(|was| elsewhere(&was.provenance, &again.record.provenance)));
        Ok(Verdict::Differs(difference))
    }
}

impl Work for Verification<'_> {
    type Output = Verdict;

    fn attempt(&self, number: usize, events: &Sender<Event>) -> Option<Verdict> {
        Some(self.again(self.trainings[number], number, events).unwrap_or_else(Verdict::Failed))
    }

    fn outcome(&self, number: usize, verdict: &Verdict) -> (String, bool) {
        let failed = matches!(verdict, Verdict::Differs(_) | Verdict::Failed(_));
        (format!("{}: {verdict}", self.trainings[number].dir), failed)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Same => f.write_str("the same again"),
            Self::Differs(difference) => write!(f, "DIFFERS: {difference}"),
            Self::Failed(error) => write!(f, "not verified: {error:#}"),
            Self::NotReached => f.write_str("not verified: interrupted"),
        }
    }
}
