//! Checkpoints of one training on disk: when they are due, what else they hold, and the way back.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use super::interrupt::Interrupt;
use crate::event::{Event, Observer};
use crate::results::Resumed;
use crate::storage::Claim;
use crate::train::{Checkpoint, Checkpointer, Position};

/// What a checkpoint of ours holds beside the training.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Notes {
    /// Of the training, whole.
    pub identity: String,
    /// Breaks so far.
    pub resumed: Vec<Resumed>,
    /// The engine that it runs on.
    #[serde(default)]
    pub engine: String,
    /// Its instructions.
    #[serde(default)]
    pub instruction_set: String,
    /// Seconds spent on checkpoints so far.
    pub checkpoint_s: f64,
}

/// Writes checkpoints into a claimed training's work folder.
pub struct DiskCheckpointer<'a> {
    claim: &'a Claim,
    interrupt: &'a Interrupt,
    every: Duration,
    last: Instant,
    notes: Notes,
    events: Sender<Event>,
    failed: bool,
}

impl<'a> DiskCheckpointer<'a> {
    /// From `notes`, which are new ones or those of the checkpoint that the training begins at.
    pub fn new(
        claim: &'a Claim,
        interrupt: &'a Interrupt,
        every_s: f64,
        notes: Notes,
        events: Sender<Event>,
    ) -> Self {
        let every = Duration::try_from_secs_f64(every_s).unwrap_or(Duration::MAX);
        let last = Instant::now();
        Self { claim, interrupt, every, last, notes, events, failed: false }
    }

    /// The notes as they stand now.
    pub fn notes(self) -> Notes {
        self.notes
    }

    /// Whether the last checkpoint could not be written.
    pub fn has_failed(&self) -> bool {
        self.failed
    }

    fn write(&self, checkpoint: &Checkpoint) -> Result<()> {
        let notes = serde_json::to_value(&self.notes)?;
        self.claim.write_checkpoint(&checkpoint.encode(&notes)?)
    }
}

impl Checkpointer for DiskCheckpointer<'_> {
    fn interrupted(&self) -> bool {
        self.interrupt.is_asked()
    }

    fn is_due(&self) -> bool {
        self.last.elapsed() >= self.every
    }

    fn save(&mut self, checkpoint: &Checkpoint) {
        let started = Instant::now();
        let written = self.write(checkpoint);
        self.last = Instant::now();
        self.notes.checkpoint_s += started.elapsed().as_secs_f64();
        let ends = self.interrupted();
        // Said once while it goes on: where a disk is full, each checkpoint would say it again.
        if let Err(error) = &written
            && (ends || !self.failed)
        {
            let then = if ends {
                "what was trained since the last one is lost"
            } else {
                "the training goes on"
            };
            let message = format!("no checkpoint was saved: {error:#}; {then}");
            self.events.on_event(Event::Warning { message });
        }
        self.failed = written.is_err();
    }
}

/// Reads a checkpoint of the training of this identity; none where it is of another.
///
/// # Errors
/// Where the file is damaged.
pub fn read(path: &Path, identity: &str) -> Result<Option<(Checkpoint, Notes)>> {
    let (checkpoint, notes) = decode(path)?;
    Ok((notes.identity == identity).then_some((checkpoint, notes)))
}

/// Where the newest of these checkpoints that is whole leaves its training.
#[must_use]
pub fn position(newest_first: &[PathBuf]) -> Option<Position> {
    let whole = newest_first.iter().find_map(|path| decode(path).ok());
    whole.map(|(checkpoint, _)| checkpoint.position())
}

fn decode(path: &Path) -> Result<(Checkpoint, Notes)> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let (checkpoint, notes) = Checkpoint::decode(&bytes)?;
    let notes: Notes = serde_json::from_value(notes)?;
    let clocks = [Some(checkpoint.elapsed_s), checkpoint.cpu_s];
    ensure!(clocks.iter().flatten().all(|seconds| *seconds >= 0.0), "its time is negative");
    Ok((checkpoint, notes))
}
