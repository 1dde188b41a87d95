//! What earlier runs left in an experiment's directory and no config names any more, and its removal.
//!
//! Counted are trainings and work that this program wrote and nothing else lies among; links are not
//! followed. Where a tuning is not at its end, what the config names is not known yet, and nothing of the
//! experiment counts.

use std::collections::BTreeSet;
use std::fs::{self, DirEntry};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::atomic::{is_partial, partial_dir};
use super::{Claim, FreshRun, Holder, WorkDir};
use crate::results::layout::is_training_file;
use crate::results::load::directories;
use crate::results::tuning::{TUNE, tune_dir};
use crate::results::{LoadError, LoadedExperiment, Plan, TrainingRecord, TuningRecord, load};

/// What a leftover is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A training with its result.
    Finished,
    /// A training without one: checkpoints, or a note of how it ended.
    Unfinished,
    /// Notes of a `--fresh` that no config goes on with.
    FreshNotes,
}

/// Something that no config names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// What it is.
    pub kind: Kind,
    /// Its directory below the experiment's, or the file of the notes there.
    pub name: String,
    /// Bytes of its files.
    pub bytes: u64,
    /// Whether a process is at work on it, so that it stays.
    pub is_held: bool,
    experiment: PathBuf,
}

impl Leftover {
    /// Where it lies; unfinished work may lie below `.work` alone.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.experiment.join(&self.name)
    }

    /// Whether both are the same thing, however large by now.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        (self.kind, self.path()) == (other.kind, other.path())
    }

    /// Removes it, a training in one step; whether it is gone. It stays where a process is at work on it, or
    /// something came to lie in it.
    ///
    /// # Errors
    /// Where a file cannot be removed.
    pub fn remove(&self) -> Result<bool> {
        let path = self.path();
        let failed = || format!("cannot remove {}", path.display());
        if self.kind == Kind::FreshNotes {
            fs::remove_file(&path).with_context(failed)?;
            // Goes where nothing is left in it.
            let _ = path.parent().map(fs::remove_dir);
            return Ok(true);
        }
        let (Some(folder), Some(training)) = (path.parent(), path.file_name()) else {
            return Ok(false);
        };
        let training = training.to_string_lossy();
        let work = WorkDir::of(folder, &training);
        let Some(claim) = Claim::acquire(&work)? else { return Ok(false) };
        if is_there(&path) {
            if record(folder, &training).is_none() {
                return Ok(false);
            }
            let aside = partial_dir(folder)?;
            fs::rename(&path, aside.path()).with_context(failed)?;
            aside.close().with_context(failed)?;
        }
        if files(work.path(), is_work).is_some() {
            claim.finish();
        }
        Ok(true)
    }
}

/// The leftovers of the experiments at a path, and what is wrong with files, a sentence each.
///
/// # Errors
/// Where the path holds no results.
pub fn leftovers(path: &Path) -> Result<(Vec<Leftover>, Vec<String>), LoadError> {
    let (mut all, mut warnings) = (Vec::new(), Vec::new());
    for mut experiment in load(&[path.to_owned()])? {
        warnings.append(&mut experiment.warnings);
        all.append(&mut of_experiment(&experiment));
    }
    Ok((all, warnings))
}

/// Those of an experiment.
#[must_use]
pub fn of_experiment(LoadedExperiment { path, plan, .. }: &LoadedExperiment) -> Vec<Leftover> {
    if plan.tuning.as_ref().is_some_and(|tuning| !tuning.is_settled()) {
        return Vec::new();
    }
    let named: BTreeSet<&str> = plan.trainings.iter().map(|training| &*training.dir).collect();
    let tried = plan.tuning.iter().flat_map(TuningRecord::trainings);
    let tried: BTreeSet<&str> = tried.map(|(dir, _)| dir).collect();
    let is_named = |name: &str| named.contains(name) || is_of_later_look(plan, name);
    let mut all = of_folder(path, "", &is_named);
    if is_dir(&tune_dir(path)) {
        all.extend(of_folder(path, &format!("{TUNE}/"), &|name: &str| tried.contains(name)));
    }
    all
}

/// Whether a run until its effects are decided comes to the seed of a training yet, or came to it before.
fn is_of_later_look(plan: &Plan, name: &str) -> bool {
    let most = plan.sequential.as_ref().and_then(|plan| plan.looks.last().copied());
    let mut ends = name.rsplit('-').skip(1);
    let seed = ends.next().and_then(|end| end.strip_prefix("seed")?.parse::<usize>().ok());
    most.zip(seed).is_some_and(|(most, seed)| seed < most)
}

fn of_folder(experiment: &Path, below: &str, is_named: &dyn Fn(&str) -> bool) -> Vec<Leftover> {
    let folder = experiment.join(below);
    let works = work_folders(&folder);
    let names: BTreeSet<String> = directories(&folder).into_iter().chain(works.clone()).collect();
    let mut all = Vec::new();
    for name in names.iter().filter(|name| !is_named(name)) {
        let dir = folder.join(name);
        let record = record(&folder, name);
        let work = WorkDir::of(&folder, name);
        // What is neither is not known, or not ours alone.
        let work_bytes = files(work.path(), is_work).filter(|_| works.contains(name));
        if is_there(&dir) != record.is_some() || works.contains(name) != work_bytes.is_some() {
            continue;
        }
        let bytes = files(&dir, is_training_file).unwrap_or_default();
        let is_finished = record.is_some_and(|record| record.status.is_result());
        all.push(Leftover {
            kind: if is_finished { Kind::Finished } else { Kind::Unfinished },
            name: format!("{below}{name}"),
            bytes: bytes + work_bytes.unwrap_or_default(),
            is_held: Holder::of(&work).is_some(),
            experiment: experiment.to_owned(),
        });
    }
    for fresh in FreshRun::all(&folder) {
        let file = fresh.file().strip_prefix(experiment).ok().and_then(Path::to_str);
        if let Some(name) = file.filter(|_| !fresh.trainings().all(is_named)) {
            let bytes = fs::metadata(fresh.file()).map_or(0, |data| data.len());
            let is_at_work = |training: &str| Holder::of(&WorkDir::of(&folder, training)).is_some();
            all.push(Leftover {
                kind: Kind::FreshNotes,
                name: name.to_owned(),
                bytes,
                is_held: fresh.trainings().any(is_at_work),
                experiment: experiment.to_owned(),
            });
        }
    }
    all
}

/// The names of work directories; none where links are among them.
fn work_folders(folder: &Path) -> Vec<String> {
    let one = WorkDir::of(folder, "any");
    let all = one.path().parent().filter(|all| is_dir(all));
    all.map(directories).unwrap_or_default()
}

/// What a training says, where its directory is ours: named by its seed and identity, with files of a
/// training and nothing else in it.
fn record(folder: &Path, name: &str) -> Option<TrainingRecord> {
    let dir = folder.join(name);
    let record = TrainingRecord::read(&dir).filter(|_| is_dir(&dir))?;
    let end = format!("seed{}-{}", record.seed, record.identity.get(..12)?);
    let start = name.strip_suffix(&end)?;
    let is_ours =
        (start.is_empty() || start.ends_with('-')) && files(&dir, is_training_file).is_some();
    is_ours.then_some(record)
}

/// The bytes of the files in a directory, where all are files of this kind.
fn files(dir: &Path, is_known: fn(&str) -> bool) -> Option<u64> {
    let size = |entry: std::io::Result<DirEntry>| {
        let is_known = |entry: &DirEntry| {
            let name = entry.file_name();
            is_partial(&name) || name.to_str().is_some_and(is_known)
        };
        let data = entry.ok().filter(is_known)?.metadata().ok()?;
        data.is_file().then_some(data.len())
    };
    fs::read_dir(dir).ok()?.map(size).sum()
}

fn is_work(name: &str) -> bool {
    let is_checkpoint = |name: &str| {
        let number = name.strip_prefix("checkpoint-")?.strip_suffix(".safetensors")?;
        number.parse::<u64>().ok()
    };
    name == "claim" || is_checkpoint(name.strip_suffix(".damaged").unwrap_or(name)).is_some()
}

fn is_dir(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|data| data.is_dir())
}

fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}
