//! Reads what experiments left: their plans and the records of their trainings.
//!
//! Only `experiment.json` and `run.json` are opened. A file that cannot be read costs its own
//! training, never the others. What nobody planned, and links below a results directory, are
//! passed over.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;
use serde::de::DeserializeOwned;

use super::layout::{EXPERIMENT_FILE, PARTIAL, RUN_FILE, experiment_file, is_plain_name, run_file};
use super::sharing::Sharing;
use super::{Plan, PlannedTraining, Status, TestRows, TrainingRecord, archive, seal};
use crate::config::Factor;
use crate::history::EpochTable;

/// An experiment as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadedExperiment {
    /// Its directory.
    pub path: PathBuf,
    /// Which of the paths given it was found at, from 0; the first, if at several.
    pub argument: usize,
    /// What it is meant to hold.
    pub plan: Plan,
    /// The trainings that ended, in the plan's order.
    pub runs: Vec<LoadedTraining>,
    /// Planned trainings without a record of an end: not begun, interrupted or damaged.
    pub missing: Vec<PlannedTraining>,
    /// Planned trainings that an error ended.
    pub failed: Vec<FailedTraining>,
    /// Directories with a `run.json` that the plan does not name, sorted.
    pub left_out: Vec<String>,
    /// What is wrong with files, a sentence each.
    pub warnings: Vec<String>,
    /// Of trainings of other tools, what their logs tell beside.
    pub foreign: Option<Foreign>,
}

/// What the logs of other tools tell of trainings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Foreign {
    /// Columns with whether larger values are better.
    pub directions: Vec<(String, bool)>,
    /// The epoch whose values are compared.
    pub kept: String,
}

/// A training that ended.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadedTraining {
    /// Its directory, below the experiment's.
    pub dir: String,
    /// The repetition.
    pub seed: u64,
    /// What it came to.
    pub record: TrainingRecord,
    /// Its curves, where they are not read from its directory.
    pub curves: Option<Arc<EpochTable>>,
    /// Its test rows, once they are [read](LoadedExperiment::read_test_rows) and where there are any.
    pub test_rows: Option<TestRows>,
}

impl LoadedExperiment {
    /// Reads the test rows of every training; of a file that cannot be read there is a warning.
    pub fn read_test_rows(&mut self) {
        // Other tools leave none.
        if self.foreign.is_some() {
            return;
        }
        let read =
            |run: &mut LoadedTraining| match TestRows::read(&self.path.join(&run.dir), &run.record)
            {
                Ok(rows) => {
                    run.test_rows = rows;
                    None
                }
                Err(error) => Some(format!("{error:#}: intervals are made without its test rows")),
            };
        let damaged: Vec<Option<String>> = self.runs.par_iter_mut().map(read).collect();
        self.warnings.extend(damaged.into_iter().flatten());
    }
}

/// A training that an error ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedTraining {
    /// Its directory, below the experiment's.
    pub dir: String,
    /// The repetition.
    pub seed: u64,
    /// What it said.
    pub error: String,
}

/// Why a path gave no experiment.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// There is nothing at the path.
    #[error("{0}: no such file or directory")]
    NoSuchPath(PathBuf),
    /// The directory is of another kind.
    #[error(
        "{0}: no results here: expected a results directory, an experiment's directory with \
         {EXPERIMENT_FILE}, or a training's directory with {RUN_FILE}"
    )]
    NoResults(PathBuf),
    /// The one file that matters cannot be read.
    #[error("{0}")]
    Damaged(String),
}

/// The experiments at the paths, each once, sorted by name and path.
///
/// A path is a results directory, an experiment's directory, or a training's directory, which
/// stands for its experiment with nothing but this training. Several trainings of one experiment
/// make one experiment.
///
/// # Errors
/// Where a path holds nothing that can be read.
pub fn load(paths: &[PathBuf]) -> Result<Vec<LoadedExperiment>, LoadError> {
    // Of each experiment: the path that it was found at first; whole, or the trainings asked for.
    let mut wanted: Vec<(PathBuf, usize, Option<Vec<String>>)> = Vec::new();
    let mut places: HashMap<PathBuf, usize> = HashMap::new();
    for (argument, path) in paths.iter().enumerate() {
        for (experiment, training) in experiments_at(path)? {
            // However it is written, a directory is one.
            let full = experiment.canonicalize().unwrap_or_else(|_| experiment.clone());
            if let Some(place) = places.get(&full) {
                let (_, _, dirs) = &mut wanted[*place];
                match (dirs.as_mut(), training) {
                    (Some(dirs), Some(dir)) if !dirs.contains(&dir) => dirs.push(dir),
                    (Some(_), None) => *dirs = None,
                    _ => {}
                }
            } else {
                places.insert(full, wanted.len());
                wanted.push((experiment, argument, training.map(|dir| vec![dir])));
            }
        }
    }
    let mut experiments = Vec::with_capacity(wanted.len());
    let mut damaged = Vec::new();
    for (path, argument, only) in wanted {
        match load_experiment(&path, only.as_deref()) {
            Ok(experiment) => experiments.push(LoadedExperiment { argument, ..experiment }),
            Err(message) => damaged.push(message),
        }
    }
    experiments.sort_by(|a, b| (&a.plan.name, &a.path).cmp(&(&b.plan.name, &b.path)));
    match experiments.first_mut() {
        Some(first) => first.warnings.extend(damaged),
        None => return Err(LoadError::Damaged(damaged.join("\n"))),
    }
    Ok(experiments)
}

/// Each experiment at a path, and the one training meant where the path is a training's.
fn experiments_at(path: &Path) -> Result<Vec<(PathBuf, Option<String>)>, LoadError> {
    let file = path.file_name().and_then(|name| name.to_str());
    let path = match (path.is_file(), file) {
        (true, Some(EXPERIMENT_FILE | RUN_FILE)) => match path.parent() {
            Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
            Some(parent) => parent,
            None => path,
        },
        _ => path,
    };
    if !path.exists() {
        // In the archive of its experiment.
        if archive::is_file(&run_file(path))
            && let (Some(parent), Some(name)) = (path.parent(), file)
        {
            return Ok(vec![(parent.to_owned(), Some(name.to_owned()))]);
        }
        return Err(LoadError::NoSuchPath(path.to_owned()));
    }
    if experiment_file(path).is_file() {
        return Ok(vec![(path.to_owned(), None)]);
    }
    if run_file(path).is_file() {
        let no_results = || LoadError::NoResults(path.to_owned());
        // `.` and `..` have no name of their own.
        let full = path.canonicalize().map_err(|_| no_results())?;
        let dir = full.file_name().and_then(|name| name.to_str()).ok_or_else(no_results)?;
        let parent = match path.parent().filter(|_| path.file_name().is_some()) {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            Some(_) => PathBuf::from("."),
            None => full.parent().ok_or_else(no_results)?.to_owned(),
        };
        return Ok(vec![(parent, Some(dir.to_owned()))]);
    }
    let below: Vec<_> = directories(path)
        .into_iter()
        .map(|name| (path.join(name), None))
        .filter(|(below, _)| experiment_file(below).is_file())
        .collect();
    if below.is_empty() { Err(LoadError::NoResults(path.to_owned())) } else { Ok(below) }
}

/// The names of the directories in a directory, sorted; links are none, nor what is not finished yet.
#[must_use]
pub fn directories(path: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| !name.starts_with(PARTIAL))
        .collect();
    names.sort_unstable();
    names
}

/// The names of the trainings in a folder, those in its archive among them, sorted.
#[must_use]
pub fn trainings(folder: &Path) -> Vec<String> {
    let mut names = directories(folder);
    names.extend(archive::packed_trainings(folder));
    names.sort_unstable();
    names.dedup();
    names
}

/// The directory of each experiment at a path.
///
/// # Errors
/// Where the path holds none.
pub fn experiment_folders(path: &Path) -> Result<Vec<PathBuf>, LoadError> {
    let found = experiments_at(path)?.into_iter();
    let whole = found.filter(|(_, training)| training.is_none()).map(|(folder, _)| folder);
    let folders: Vec<PathBuf> = whole.collect();
    if folders.is_empty() { Err(LoadError::NoResults(path.to_owned())) } else { Ok(folders) }
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, String> {
    let bytes = archive::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    seal::read(&bytes).map_err(|error| format!("{}: {error}", path.display()))
}

fn unnamed(path: &Path) -> String {
    let path = path.display();
    format!("{path}: no {EXPERIMENT_FILE} names the trainings asked for: taken as they are")
}

fn load_experiment(path: &Path, only: Option<&[String]>) -> Result<LoadedExperiment, String> {
    let plan_file = experiment_file(path);
    let mut warnings = Vec::new();
    let (mut plan, unplanned) = match only {
        Some(dirs) => match Plan::read(path) {
            Ok(plan) if dirs.iter().all(|dir| plan.trainings.iter().any(|t| t.dir == *dir)) => {
                (plan, false)
            }
            _ => (plan_of_records(path, dirs)?, true),
        },
        None => (Plan::read(path)?, false),
    };
    let left_out = match only {
        Some(dirs) => {
            plan.trainings.retain(|training| dirs.contains(&training.dir));
            // They are about the experiment.
            plan.gates.clear();
            Vec::new()
        }
        None => left_out(path, &plan),
    };
    if unplanned {
        warnings.push(unnamed(path));
    }

    // What is wrong with all of them is said once.
    let damage = archive::damage(path);
    let sharing = Sharing::default();
    let records: Vec<Option<Result<TrainingRecord, String>>> = plan
        .trainings
        .par_iter()
        .map(|training| {
            if !is_plain_name(&training.dir) {
                return Some(Err(format!(
                    "{}: `{}` is not a name of a directory",
                    plan_file.display(),
                    training.dir
                )));
            }
            let file = run_file(&path.join(&training.dir));
            match archive::read(&file) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
                Err(_) if damage.is_some() && !file.exists() => None,
                Err(error) => Some(Err(format!("{}: {error}", file.display()))),
                Ok(bytes) => {
                    let record = seal::read(&bytes);
                    let record = record.map(|mut record| {
                        sharing.record(&mut record);
                        record
                    });
                    Some(record.map_err(|error| format!("{}: {error}", file.display())))
                }
            }
        })
        .collect();

    warnings.extend(damage.map(|damage| format!("{damage}; what it holds is treated as missing")));
    let (mut runs, mut missing, mut failed) = (Vec::new(), Vec::new(), Vec::new());
    for (training, record) in plan.trainings.iter().zip(records) {
        let (dir, seed) = (training.dir.clone(), training.seed);
        match record {
            Some(Ok(record)) if record.seed != seed => {
                warnings.push(format!(
                    "{}: is of seed {} where the plan has {seed}: treated as missing",
                    run_file(&path.join(&dir)).display(),
                    record.seed
                ));
                missing.push(training.clone());
            }
            Some(Ok(record)) => match record.status {
                Status::Completed | Status::Stopped | Status::Diverged => {
                    runs.push(LoadedTraining { dir, seed, record, test_rows: None, curves: None });
                }
                Status::Interrupted => missing.push(training.clone()),
                Status::Failed => {
                    failed.push(FailedTraining {
                        dir,
                        seed,
                        error: record.error.unwrap_or_default(),
                    });
                }
            },
            Some(Err(problem)) => {
                warnings.push(format!("{problem}: treated as missing"));
                missing.push(training.clone());
            }
            None => missing.push(training.clone()),
        }
    }
    if !missing.is_empty() {
        warnings.extend(archive::torn(path));
    }
    Ok(LoadedExperiment {
        path: path.to_owned(),
        argument: 0,
        plan,
        runs,
        missing,
        failed,
        left_out,
        warnings,
        foreign: None,
    })
}

fn left_out(path: &Path, plan: &Plan) -> Vec<String> {
    let planned: std::collections::HashSet<&str> =
        plan.trainings.iter().map(|training| training.dir.as_str()).collect();
    let mut names = trainings(path);
    names.retain(|name| {
        !planned.contains(name.as_str()) && archive::is_file(&run_file(&path.join(name)))
    });
    names
}

/// A plan for trainings that no plan names: the factors are those that their arms tell of.
fn plan_of_records(path: &Path, dirs: &[String]) -> Result<Plan, String> {
    let mut factors: Vec<Factor> = Vec::new();
    let mut index: HashMap<String, usize> = HashMap::new();
    let mut records = Vec::new();
    let mut version = String::new();
    for dir in dirs {
        let record: TrainingRecord = read_json(&run_file(&path.join(dir)))?;
        version.clone_from(&record.provenance.version);
        for (key, level) in record.arms.iter().flat_map(|arm| &arm.factors) {
            let at = *index.entry(key.clone()).or_insert_with(|| {
                factors.push(Factor { key: key.clone(), levels: Vec::new() });
                factors.len() - 1
            });
            if !factors[at].levels.contains(level) {
                factors[at].levels.push(level.clone());
            }
        }
        records.push((dir.as_str(), record));
    }
    let name = path.canonicalize().ok();
    let name = name.as_deref().and_then(Path::file_name).and_then(|name| name.to_str());
    let name = name.unwrap_or("training").to_owned();
    let trainings = records.iter().map(|(dir, record)| (*dir, record.seed, &*record.arms));
    Ok(Plan::of_records(version, name, factors, trainings))
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;
