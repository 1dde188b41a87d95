//! Where a sweep stands: what is done, at work, interrupted, failed, or not begun.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rayon::prelude::*;
use serde::Serialize;

use super::leftovers::{Kind, of_experiment};
use super::{FreshRun, Holder, WorkDir};
use crate::results::archive;
use crate::results::layout::{epochs_file, run_file};
use crate::results::tuning::{TUNE, tune_dir};
use crate::results::{LoadError, Status, TrainingRecord, TuningRecord, load};

/// How far a training is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It has its result.
    Done,
    /// A process is training it.
    Running,
    /// A job of a cluster that waits, or has not come to it yet, is to train it.
    Queued,
    /// The next run resumes from its newest checkpoint that is whole, or starts again.
    Interrupted,
    /// An error ended it.
    Failed,
    /// Not begun.
    Missing,
}

/// One training of a sweep.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrainingStatus {
    /// The experiment.
    pub experiment: String,
    /// The experiment's directory.
    #[serde(skip)]
    pub folder: PathBuf,
    /// The training's directory below the experiment's.
    pub training: String,
    /// Whether the config names it, by the latest run; else it was named before.
    pub named: bool,
    /// The repetition, where the config names it.
    pub seed: Option<u64>,
    /// How far it is.
    pub state: State,
    /// Where a `--fresh` is not at its end: whether it has trained this one again.
    pub fresh: Option<bool>,
    /// The machine at work.
    pub host: Option<String>,
    /// The process at work.
    pub pid: Option<u32>,
    /// Seconds that it has been at work.
    pub running_s: Option<u64>,
    /// Epochs trained where it is done, the epoch at hand where it is running, else the one at which
    /// its newest checkpoint that is whole goes on.
    pub epoch: Option<usize>,
    /// Seconds that it took, where it is done.
    pub elapsed_s: Option<f64>,
    /// Seconds that it still takes, about, by those of its experiment that are done; none where it is done,
    /// the config does not name it or none is done.
    pub left_s: Option<f64>,
    /// Bytes of its files, where it is done and the config does not name it.
    pub bytes: Option<u64>,
    /// Its files that are gone or hold other bytes than they were written with, where that was looked for.
    pub damaged: Option<Vec<String>>,
    /// Why it failed.
    pub error: Option<String>,
    /// Where that is written.
    pub log: Option<PathBuf>,
    /// What the last job of a cluster that was to train it printed, where it left no result.
    pub job_log: Option<PathBuf>,
}

/// The epoch at which the newest of these checkpoints that is whole goes on.
pub type SavedAt<'a> = dyn Fn(&[PathBuf]) -> Option<usize> + Sync + 'a;

/// Every planned training of the experiments at a path, in the plans' order, those of the tuning
/// first, each experiment's followed by those that its config no longer names; and what is wrong with files, a sentence each.
///
/// # Errors
/// Where the path holds no results.
pub fn statuses(
    path: &Path,
    saved_at: &SavedAt,
) -> Result<(Vec<TrainingStatus>, Vec<String>), LoadError> {
    let one = run_file(path).is_file();
    let (mut all, mut warnings) = (Vec::new(), Vec::new());
    for mut experiment in load(&[path.to_owned()])? {
        warnings.append(&mut experiment.warnings);
        let name = &experiment.plan.name;
        let trainings = experiment.plan.trainings.iter();
        let planned: Vec<(&str, u64)> =
            trainings.map(|planned| (planned.dir.as_str(), planned.seed)).collect();
        let tuning = experiment.plan.tuning.iter().flat_map(TuningRecord::trainings).collect();
        let begin = all.len();
        // A training asked for stands for itself alone.
        if !one {
            let dir = tune_dir(&experiment.path);
            let damage = archive::damage(&dir);
            warnings.extend(
                damage.map(|damage| format!("{damage}; what it holds is treated as missing")),
            );
            let known = HashMap::new();
            let folder = Folder { experiment: name, dir: &dir, known, saved_at };
            let mut tuned = folder.statuses(tuning, true, &mut warnings);
            for status in &mut tuned {
                status.training.insert_str(0, &format!("{TUNE}/"));
            }
            all.append(&mut tuned);
        }
        let runs = experiment.runs.iter();
        let known = runs.map(|run| (run.dir.as_str(), &run.record)).collect();
        let folder = Folder { experiment: name, dir: &experiment.path, known, saved_at };
        all.append(&mut folder.statuses(planned, !one, &mut warnings));
        for status in &mut all[begin..] {
            status.folder.clone_from(&experiment.path);
        }
        estimate(&mut all[begin..]);
        let leftovers = of_experiment(&experiment).into_iter().filter(|_| !one);
        let known: BTreeSet<String> = all[begin..].iter().map(|one| one.training.clone()).collect();
        let finished = leftovers
            .filter(|leftover| leftover.kind == Kind::Finished && !known.contains(&leftover.name));
        for leftover in finished {
            let (dir, training) = (&experiment.path, leftover.name);
            let (status, warning) = TrainingStatus::new(name, dir, training, None, None);
            warnings.extend(warning);
            all.push(TrainingStatus { bytes: Some(leftover.bytes), ..status });
        }
    }
    Ok((all, warnings))
}

/// Says how long each training that is not done still takes: as many epochs as those that are done have on
/// average, each as long as theirs.
#[allow(clippy::cast_precision_loss)] // epochs are far below 2^53
fn estimate(statuses: &mut [TrainingStatus]) {
    let is_due =
        |status: &TrainingStatus| status.state != State::Done || status.fresh == Some(false);
    let done = statuses.iter().filter(|status| status.named && status.state == State::Done);
    let done = done.filter_map(|status| Some((status.epoch?, status.elapsed_s?)));
    let done: Vec<(f64, f64)> = done.map(|(epochs, seconds)| (epochs as f64, seconds)).collect();
    let epochs: f64 = done.iter().map(|(epochs, _)| epochs).sum();
    if epochs == 0.0 {
        return;
    }
    let of_epoch = done.iter().map(|(_, seconds)| seconds).sum::<f64>() / epochs;
    let most = epochs / done.len() as f64;
    for status in statuses.iter_mut().filter(|status| status.named && is_due(status)) {
        let at = status.epoch.filter(|_| status.state != State::Done);
        let trained = at.map_or(0, |epoch| epoch.saturating_sub(1)) as f64;
        status.left_s = Some(of_epoch * (most - trained).max(0.0));
    }
}

/// A folder of trainings.
struct Folder<'a> {
    experiment: &'a str,
    dir: &'a Path,
    /// Records that were read already.
    known: HashMap<&'a str, &'a TrainingRecord>,
    saved_at: &'a SavedAt<'a>,
}

impl Folder<'_> {
    /// Its trainings: those planned, then, where asked for, the others that are unfinished.
    fn statuses(
        &self,
        planned: Vec<(&str, u64)>,
        with_others: bool,
        warnings: &mut Vec<String>,
    ) -> Vec<TrainingStatus> {
        let Self { experiment, dir, known, saved_at } = self;
        let fresh = FreshRun::all(dir);
        let mut others = unfinished(dir, &fresh);
        let named: HashSet<&str> = planned.iter().map(|(planned, _)| *planned).collect();
        others.retain(|other| with_others && !named.contains(other.as_str()));
        let planned = planned.into_iter().map(|(training, seed)| (training.to_owned(), Some(seed)));
        let trainings = planned.chain(others.into_iter().map(|other| (other, None)));
        let trainings: Vec<(String, Option<u64>)> = trainings.collect();
        let status = |(training, seed): (String, Option<u64>)| {
            let work = WorkDir::of(dir, &training);
            let (mut status, warning) = {
                let known = known.get(training.as_str()).copied();
                TrainingStatus::new(experiment, dir, training, seed, known)
            };
            status.add_fresh(&fresh);
            status.add_work(&work, saved_at);
            (status, warning)
        };
        let statuses: Vec<_> = trainings.into_par_iter().map(status).collect();
        let keep = |(status, warning): (TrainingStatus, Option<String>)| {
            warnings.extend(warning);
            status
        };
        statuses.into_iter().map(keep).collect()
    }
}

/// The trainings on which there is unfinished work, by checkpoints or a fresh run, sorted.
fn unfinished(experiment: &Path, fresh: &[FreshRun]) -> BTreeSet<String> {
    let wanted = fresh.iter().flat_map(|fresh| fresh.trainings().filter(|dir| fresh.wants(dir)));
    WorkDir::all(experiment).into_iter().chain(wanted.map(str::to_owned)).collect()
}

/// The first file of a result that is not there beside its `run.json`.
fn vanished(run_file: &Path, record: &TrainingRecord) -> Option<PathBuf> {
    let dir = run_file.parent().filter(|_| record.status.is_result())?;
    let weights = record.arms.iter().filter_map(|arm| Some(dir.join(arm.weights.as_ref()?)));
    std::iter::once(epochs_file(dir)).chain(weights).find(|file| !archive::is_file(file))
}

impl TrainingStatus {
    /// By what `run.json` says; of what it names and is not there, a warning: it is trained again.
    fn new(
        experiment: &str,
        dir: &Path,
        training: String,
        seed: Option<u64>,
        known: Option<&TrainingRecord>,
    ) -> (Self, Option<String>) {
        let log = run_file(&dir.join(&training));
        let read = if known.is_none() { TrainingRecord::read(&dir.join(&training)) } else { None };
        let record = known.or(read.as_ref());
        // What is of another seed than planned has its place, and is another training.
        let record = record.filter(|record| seed.is_none_or(|seed| record.seed == seed));
        let vanished = record.and_then(|record| vanished(&log, record));
        let warning = vanished
            .as_ref()
            .map(|file| format!("{}: is no longer there: treated as missing", file.display()));
        let record = record.filter(|_| vanished.is_none());
        let state = record.map_or(State::Missing, |record| match record.status {
            Status::Failed => State::Failed,
            Status::Interrupted => State::Interrupted,
            Status::Completed | Status::Stopped | Status::Diverged => State::Done,
        });
        let failed = state == State::Failed;
        let status = Self {
            experiment: experiment.to_owned(),
            folder: PathBuf::new(),
            training,
            named: seed.is_some(),
            seed,
            state,
            fresh: None,
            host: None,
            pid: None,
            running_s: None,
            epoch: record.filter(|_| state == State::Done).map(|record| record.epochs),
            elapsed_s: record
                .filter(|_| state == State::Done)
                .map(|record| record.provenance.wall_s),
            left_s: None,
            bytes: None,
            damaged: None,
            error: record.filter(|_| failed).map(|record| record.error.clone().unwrap_or_default()),
            log: failed.then_some(log),
            job_log: None,
        };
        (status, warning)
    }

    fn add_fresh(&mut self, fresh: &[FreshRun]) {
        let mut of = fresh.iter().filter(|fresh| fresh.names(&self.training)).peekable();
        self.fresh = of.peek().is_some().then(|| of.all(|fresh| fresh.is_done(&self.training)));
    }

    fn add_work(&mut self, work: &WorkDir, saved_at: &SavedAt) {
        if let Some(holder) = Holder::of(work) {
            let since = SystemTime::UNIX_EPOCH + Duration::from_secs(holder.since);
            self.state = State::Running;
            // None where the clock was set back since.
            self.running_s = since.elapsed().ok().map(|time| time.as_secs());
            self.epoch = Some(holder.epoch);
            self.host = Some(holder.process.host);
            self.pid = Some(holder.process.pid);
        } else if self.state != State::Done {
            if self.state == State::Missing && work.exists() {
                self.state = State::Interrupted;
            }
            // The claim of a process that was killed may name an epoch that no checkpoint reached.
            self.epoch = saved_at(&work.checkpoints());
        }
    }
}
