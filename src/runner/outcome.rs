//! What becomes of a training: trained, found, interrupted or failed, in words and as a record.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use anyhow::{Error, Result, anyhow};

use super::prepared_training::PreparedTraining;
use crate::results::{Files, Provenance, Shared, Status, TrainingRecord};
use crate::storage::Store;
use crate::train::Position;

/// What became of a training.
#[derive(Debug)]
pub enum Outcome {
    /// It was done, before or by another process meanwhile.
    Found(TrainingRecord),
    /// It was done, under another name.
    Moved {
        /// Its record.
        record: TrainingRecord,
        /// Where it lay.
        from: PathBuf,
    },
    /// It was trained here.
    Trained(TrainingRecord),
    /// A signal came.
    Interrupted {
        /// Where it stands.
        at: Position,
        /// Whether a checkpoint holds all of it.
        saved: bool,
    },
    /// A signal came before it began here.
    NotBegun,
    /// A signal came while another process was at work on it.
    Elsewhere,
    /// An error ended it.
    Failed(Error),
}

impl Outcome {
    /// The record of a training that is done.
    pub(super) fn result(&self) -> Option<&TrainingRecord> {
        match self {
            Self::Found(record) | Self::Trained(record) | Self::Moved { record, .. } => {
                Some(record)
            }
            Self::Interrupted { .. } | Self::NotBegun | Self::Elsewhere | Self::Failed(_) => None,
        }
    }

    /// A line that says it.
    pub(super) fn in_words(&self, training: &PreparedTraining, store: &Store) -> String {
        let dir = &training.dir;
        let record = match self {
            Self::Trained(record) => record,
            Self::Found(_) => return format!("{dir}: done by another process"),
            Self::Moved { from, .. } => {
                return format!("{dir}: done before, as {}", from.display());
            }
            Self::NotBegun => return format!("{dir}: not begun"),
            Self::Elsewhere => return format!("{dir}: left to another process"),
            Self::Failed(error) => {
                let path = store.training(dir);
                return format!("{}: failed: {error:#}", path.display());
            }
            Self::Interrupted { at: Position { epoch, batch }, saved } => {
                let saved = if *saved { "saved" } else { "NOT saved" };
                return format!("{dir}: interrupted in epoch {epoch} after batch {batch}, {saved}");
            }
        };
        let how = match record.status {
            Status::Diverged => "diverged at",
            Status::Stopped => "stopped after",
            _ => "completed",
        };
        format!("{dir}: {how} epoch {}, {:.1} s", record.epochs, record.provenance.wall_s)
    }
}

/// Turns a panic into an error.
pub fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|panic| Err(anyhow!("a fault in bnes: {}", panic_message(&*panic))))
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "unknown".to_owned())
}

/// The record of a training without a result.
#[must_use]
pub fn note(
    training: &PreparedTraining,
    status: Status,
    epochs: usize,
    error: Option<String>,
) -> TrainingRecord {
    TrainingRecord {
        files: Files::default(),
        status,
        seed: training.config.seed.0,
        epochs,
        identity: training.identity.clone(),
        parameters: training.parameters,
        error,
        arms: Vec::new(),
        config: training.config.table().into(),
        data: Shared::default(),
        provenance: Provenance {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..Provenance::default()
        },
    }
}
