//! Where a sweep stands: what is done, at work, broken off, failed, or not begun.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::RunRecord;
use super::layout::run_file;
use super::load::{LoadError, load};
use super::work::Work;

/// How far a training is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It has its result.
    Done,
    /// A process is at work on it.
    Running,
    /// Broken off; the next run goes on from its checkpoint.
    Interrupted,
    /// An error ended it.
    Failed,
    /// Not begun.
    Missing,
}

/// One training of a sweep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// The experiment.
    pub experiment: String,
    /// The training's directory below the experiment's.
    pub training: String,
    /// The repetition.
    pub seed: u64,
    /// How far it is.
    pub state: State,
    /// The machine at work.
    pub host: Option<String>,
    /// The process at work.
    pub pid: Option<u32>,
    /// Seconds that it has been at work.
    pub running_s: Option<u64>,
    /// Epochs trained where it is done, else the epoch at hand.
    pub epoch: Option<usize>,
    /// Why it failed.
    pub error: Option<String>,
    /// Where that is written.
    pub log: Option<PathBuf>,
}

/// Every planned training of the experiments at a path, in the plans' order.
///
/// # Errors
/// Where the path holds no results.
pub fn standings(path: &Path) -> Result<Vec<Standing>, LoadError> {
    let mut all = Vec::new();
    for experiment in load(&[path.to_owned()])? {
        for planned in &experiment.plan.trainings {
            let mut standing = Standing {
                experiment: experiment.plan.name.clone(),
                training: planned.dir.clone(),
                seed: planned.seed,
                state: State::Missing,
                host: None,
                pid: None,
                running_s: None,
                epoch: None,
                error: None,
                log: None,
            };
            let done = experiment.runs.iter().find(|run| run.dir == planned.dir);
            let failed = experiment.failed.iter().find(|run| run.dir == planned.dir);
            if let Some(run) = done {
                standing.state = State::Done;
                standing.epoch = Some(run.record.epochs);
            } else if let Some(run) = failed {
                standing.state = State::Failed;
                standing.error = Some(run.error.clone());
                standing.log = Some(run_file(&experiment.path.join(&run.dir)));
            }
            standing.look(&Work::of(&experiment.path, &planned.dir));
            if standing.state == State::Interrupted && standing.epoch.is_none() {
                // Its process had the time to leave a note.
                let note = std::fs::read(run_file(&experiment.path.join(&planned.dir))).ok();
                let note = note.and_then(|bytes| serde_json::from_slice::<RunRecord>(&bytes).ok());
                standing.epoch = note.map(|note| note.epochs + 1);
            }
            all.push(standing);
        }
    }
    Ok(all)
}

impl Standing {
    /// Takes in the work in hand.
    fn look(&mut self, work: &Work) {
        if let Some(holder) = work.holder() {
            let since = SystemTime::UNIX_EPOCH + Duration::from_secs(holder.since);
            self.state = State::Running;
            self.running_s = since.elapsed().ok().map(|time| time.as_secs());
            self.epoch = Some(holder.epoch);
            self.host = Some(holder.process.host);
            self.pid = Some(holder.process.pid);
        } else if self.state == State::Missing && !work.checkpoints().is_empty() {
            self.state = State::Interrupted;
            self.epoch = work.last_epoch();
        }
    }
}
