//! What `run.json` holds.

use std::collections::BTreeSet;
use std::io;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::files::Files;
use super::layout::run_file;
use super::{archive, seal};
use crate::config::Factors;

/// A table that is the same in many records; readers of many keep it once.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(from = "Map<String, Value>", into = "Map<String, Value>")]
pub struct Shared(Arc<Map<String, Value>>);

#[cfg(test)]
impl Shared {
    /// Whether both are one table, not two alike.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(crate) fn insert(&mut self, key: String, value: Value) {
        Arc::make_mut(&mut self.0).insert(key, value);
    }
}

impl From<Map<String, Value>> for Shared {
    fn from(table: Map<String, Value>) -> Self {
        Self(Arc::new(table))
    }
}

impl From<Shared> for Map<String, Value> {
    fn from(shared: Shared) -> Self {
        Arc::unwrap_or_clone(shared.0)
    }
}

impl Deref for Shared {
    type Target = Map<String, Value>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// How a training, or an arm's reading of it, ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// All epochs were trained.
    Completed,
    /// A rule fired.
    Stopped,
    /// A loss or the monitored value was NaN or infinite.
    Diverged,
    /// A signal came; it goes on when run again.
    Interrupted,
    /// An error ended it.
    Failed,
}

impl Status {
    /// Whether it is that of a result, not of a training yet to be done.
    #[must_use]
    pub fn is_result(self) -> bool {
        matches!(self, Self::Completed | Self::Stopped | Self::Diverged)
    }
}

/// `run.json`: one training and the arms that read it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingRecord {
    /// The checksums of its files, `run.json` aside, which has its own at its end; none where an earlier version trained it,
    /// or it did not come to its end.
    #[serde(default, skip_serializing_if = "Files::is_empty")]
    pub files: Files,
    /// Of the training.
    pub status: Status,
    /// The repetition.
    pub seed: u64,
    /// Epochs trained.
    pub epochs: usize,
    /// SHA-256 of all that fixes the training, in hex.
    pub identity: String,
    /// Trainable parameters.
    pub parameters: usize,
    /// What ended a failed training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Each arm, in the plan's order.
    pub arms: Vec<ArmRecord>,
    /// The effective config: `data`, `model`, `training`, `evaluation`, defaults included.
    pub config: Shared,
    /// What was read: `digest`, `summary`, `task`, rows of each split, and `warnings` where there are any.
    pub data: Shared,
    /// Where and with what it was trained.
    pub provenance: Provenance,
}

impl TrainingRecord {
    /// That of a training's directory; none where it is missing or damaged.
    #[must_use]
    pub fn read(training: &Path) -> Option<Self> {
        seal::read(&archive::read(&run_file(training)).ok()?).ok()
    }

    /// A file of its directory, with the bytes that it was written with.
    ///
    /// # Errors
    /// Where it is not there, cannot be read, or holds other bytes.
    pub fn file(&self, training: &Path, name: &str) -> io::Result<Vec<u8>> {
        let bytes = archive::read(&training.join(name))?;
        self.files.check(name, &bytes)?;
        Ok(bytes)
    }

    /// As [`TrainingRecord::file`], as text.
    ///
    /// # Errors
    /// As there, and where it is not UTF-8.
    pub fn text(&self, training: &Path, name: &str) -> io::Result<String> {
        let bytes = self.file(training, name)?;
        String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }

    /// The files that are gone or hold other bytes than they were written with, and what is wrong with each.
    #[must_use]
    pub fn damage(&self, training: &Path) -> Vec<(String, io::Error)> {
        let read = |name: &str| Some((name.to_owned(), self.file(training, name).err()?));
        self.files.names().filter_map(read).collect()
    }

    /// The id of the training in a directory, by whichever version of bnes; none where it has none.
    #[must_use]
    pub fn id(training: &Path) -> Option<String> {
        #[derive(Deserialize)]
        struct OfTraining {
            provenance: OfProvenance,
        }
        #[derive(Deserialize)]
        struct OfProvenance {
            id: String,
        }
        let record = archive::read(&run_file(training)).ok()?;
        let OfTraining { provenance } = serde_json::from_slice(&record).ok()?;
        Some(provenance.id).filter(|id| !id.is_empty())
    }
}

/// One arm's reading of a training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArmRecord {
    /// Its level of each factor.
    pub factors: Factors,
    /// The table of its rule, `kind` first.
    pub rule: Shared,
    /// Whether its rule was added to the config once the training was there to be seen.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exploratory: bool,
    /// `completed`, `stopped` or `diverged`.
    pub status: Status,
    /// The epoch after which its rule fired, or at which it diverged.
    pub stop_epoch: Option<usize>,
    /// The rule's kind or `diverged`, where it stopped.
    pub stop_reason: Option<String>,
    /// The first epoch with the best monitored value, among those read.
    pub best_epoch: Option<usize>,
    /// Epochs read.
    pub epochs: usize,
    /// The file of the weights kept; none where no epoch was finite.
    pub weights: Option<String>,
    /// Of the weights kept, by column name of `epochs.csv`; also `epochs` read, and `elapsed_s`
    /// and `cpu_s` at the end of the reading. `null`: not finite.
    pub metrics: Map<String, Value>,
    /// What the whole training would have given; none where it did not reach its last epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_run: Option<FullRun>,
}

/// The training read to its last epoch, with the weights of its best epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FullRun {
    /// Epochs trained.
    pub epochs: usize,
    /// The best epoch of all by the arm's monitored column.
    pub best_epoch: usize,
    /// Columns of that epoch; `elapsed_s` and `cpu_s` are those of the last.
    pub metrics: Map<String, Value>,
}

/// Where and with what a training ran.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Provenance {
    /// Drawn at random as the training was finished: whether what lies in a place was trained again
    /// shows by it. Empty where an earlier version trained it, or nothing is finished.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// Of bnes.
    pub version: String,
    /// Of the source that bnes was built from, where known.
    pub git_commit: Option<String>,
    /// Name of the machine.
    pub host: String,
    /// Model name of its processor.
    pub cpu: String,
    /// The one that it ran on at last: `fused`, or `graph` for candle's autograd.
    pub engine: String,
    /// The vector instructions that it ran on at last: `avx512`, `avx2`, `portable`; `candle` where
    /// that is candle's choice.
    pub instruction_set: String,
    /// `cpu` or `cuda:0`.
    pub device: String,
    /// Threads of this training.
    pub threads: usize,
    /// From the first epoch to the last, evaluation included.
    pub wall_s: f64,
    /// In the same time, processor seconds of the threads of this training, where the system tells.
    pub cpu_s: Option<f64>,
    /// Largest resident memory of the whole process so far, where the system tells.
    pub peak_memory_mib: Option<f64>,
    /// Seconds of `wall_s` in which checkpoints were made and written.
    pub checkpoint_s: f64,
    /// Where it went on from a checkpoint after a break, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resumed: Vec<Resumed>,
}

/// A place at which a training went on, and what it had run on until there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resumed {
    /// The epoch at hand, from 1.
    pub epoch: usize,
    /// Batches of it that were trained before.
    pub batch: usize,
    /// As [`Provenance::engine`].
    #[serde(default)]
    pub engine: String,
    /// As [`Provenance::instruction_set`].
    #[serde(default)]
    pub instruction_set: String,
}

impl Provenance {
    /// The engines that it ran on, in order of their names.
    #[must_use]
    pub fn engines(&self) -> BTreeSet<&str> {
        self.all(&self.engine, |resumed| &resumed.engine)
    }

    /// The instruction sets that it ran on, in order of their names.
    #[must_use]
    pub fn instruction_sets(&self) -> BTreeSet<&str> {
        self.all(&self.instruction_set, |resumed| &resumed.instruction_set)
    }

    fn all<'a>(&'a self, last: &'a str, before: fn(&Resumed) -> &str) -> BTreeSet<&'a str> {
        let names = self.resumed.iter().map(before).chain([last]);
        names.filter(|name| !name.is_empty()).collect()
    }
}
