//! One training from its data to what is written: the only place that assembles a training.

use std::sync::mpsc::Sender;

use anyhow::Result;

use super::checkpointer::{DiskCheckpointer, Notes};
use super::compute::Compute;
use super::finished::{Finished, finished};
use super::interrupt::Interrupt;
use super::prepared_training::PreparedTraining;
use super::resume::newest;
use crate::event::{Event, Observer};
use crate::results::Resumed;
use crate::storage::Claim;
use crate::train::{self, Checkpoint, Checkpointer, FitInputs, Fitted, Position};

/// What one training runs with.
pub struct RunContext<'a> {
    /// Its number in the events.
    pub number: usize,
    /// What it computes with.
    pub compute: &'a Compute,
    /// Whether it has the process to itself.
    pub alone: bool,
    /// `[checkpoint] every_s`.
    pub every_s: f64,
    /// Asks it to end.
    pub interrupt: &'a Interrupt,
}

/// How a training ended.
pub enum Ended {
    /// As it should.
    Finished(Box<Finished>),
    /// A signal came; what was done is saved, unless that failed.
    Interrupted {
        /// Where it stands.
        at: Position,
        /// Whether a checkpoint holds all of it.
        saved: bool,
    },
}

/// Trains one on a device, from its newest checkpoint where it has one. Without a claim it
/// neither looks for checkpoints nor writes any.
///
/// # Errors
/// Where the device fails or the weights cannot be encoded.
pub fn run_one(
    training: &PreparedTraining,
    claim: Option<&Claim>,
    context: &RunContext,
    events: &Sender<Event>,
) -> Result<Ended> {
    let mut observer = events.clone();
    let RunContext { number, alone, .. } = *context;
    let inputs = FitInputs { number, alone, ..training.fit_inputs() };
    let mut engine = context.compute.engine(training)?;
    let mut notes = Notes { identity: training.identity.clone(), ..Notes::default() };
    let mut from = None;
    if let Some((at, of_file, loaded)) =
        claim.and_then(|claim| newest(training, &inputs, claim, context.compute, &mut observer))
    {
        (from, notes, engine) = (Some(at), of_file, loaded);
    }
    let runs_on = engine.runs_on();
    let resumed = from.as_ref().map(Checkpoint::position);
    observer.on_event(Event::Started {
        training: context.number,
        epochs: training.config.training.epochs,
        resumed: resumed.map(|at| (at.epoch, at.batch)),
    });
    let engine_before = std::mem::replace(&mut notes.engine, runs_on.engine.to_owned());
    let set_before =
        std::mem::replace(&mut notes.instruction_set, runs_on.instruction_set.to_owned());
    if let Some(Position { epoch, batch }) = resumed {
        let (engine, instruction_set) = (engine_before, set_before);
        let now = &notes.instruction_set;
        if !instruction_set.is_empty() && instruction_set != *now {
            let message = format!(
                "{}: it began on {instruction_set} and continues on {now}: its last digits are those \
                 of neither",
                training.dir
            );
            observer.on_event(Event::Note { message });
        }
        notes.resumed.push(Resumed { epoch, batch, engine, instruction_set });
    }
    let (fitted, notes, saved) = match claim {
        None => {
            let mut checkpointer = Unsaved(context.interrupt);
            (
                train::fit(engine.as_mut(), &inputs, from, &mut checkpointer, &mut observer)?,
                notes,
                false,
            )
        }
        Some(claim) => {
            let RunContext { interrupt, every_s, .. } = context;
            let mut checkpointer =
                DiskCheckpointer::new(claim, interrupt, *every_s, notes, events.clone());
            let mut watch = Watch { observer: &mut observer, claim };
            let fitted = train::fit(engine.as_mut(), &inputs, from, &mut checkpointer, &mut watch)?;
            let saved = !checkpointer.has_failed();
            (fitted, checkpointer.notes(), saved)
        }
    };
    match fitted {
        Fitted::Done(trained) => {
            let finished = finished(training, &trained, engine, context.compute.device(), notes)?;
            Ok(Ended::Finished(Box::new(finished)))
        }
        Fitted::Interrupted(at) => Ok(Ended::Interrupted { at, saved }),
    }
}

/// For trainings that are not to be kept.
struct Unsaved<'a>(&'a Interrupt);

impl Checkpointer for Unsaved<'_> {
    fn interrupted(&self) -> bool {
        self.0.is_asked()
    }

    fn is_due(&self) -> bool {
        false
    }

    fn save(&mut self, _: &Checkpoint) {}
}

/// Passes events on and notes the epoch at hand in the claim.
struct Watch<'a> {
    observer: &'a mut dyn Observer,
    claim: &'a Claim,
}

impl Observer for Watch<'_> {
    fn on_event(&mut self, event: Event) {
        if let Event::Epoch { epoch, .. } = &event {
            self.claim.set_epoch(epoch + 1);
        }
        self.observer.on_event(event);
    }
}
