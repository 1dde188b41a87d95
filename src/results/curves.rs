//! The recorded curves at a path: of a training, or of every training below.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::archive;
use super::epochs_csv::{CsvError, read};
use super::layout::{EPOCHS_FILE, EXPERIMENT_FILE, epochs_file, experiment_file, run_file};
use super::load::{LoadError, directories, load};
use super::{Status, TrainingRecord, seal};
use crate::config::{Factors, without_rule};
use crate::history::EpochTable;

/// The recorded curves of one training.
#[derive(Debug, Clone, PartialEq)]
pub struct Curves {
    /// The training's directory, or its file of epochs.
    pub path: PathBuf,
    /// Its epochs.
    pub table: EpochTable,
    /// Whether the training is known to have ended before its last epoch, by a rule or a signal.
    pub truncated: bool,
    /// Its levels of the factors other than the rule's; none where no record tells.
    pub cell: Factors,
    /// The tables of the rules that its config declared.
    pub declared: Vec<Map<String, Value>>,
}

/// Why a path gave no curves.
#[derive(Debug, thiserror::Error)]
pub enum CurvesError {
    /// No file there, or it could not be read.
    #[error("{path}: {error}")]
    Unreadable {
        /// What was opened.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// Not a table of numbers.
    #[error(transparent)]
    Csv(#[from] CsvError),
    /// Not a results directory.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A file of records that cannot be read.
    #[error("{path}: {error}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: serde_json::Error,
    },
}

/// The curves at a path: one for a training's directory or its `epochs.csv`, one per training that ended for an
/// experiment's directory or a results directory, of which a damaged one costs no other.
///
/// # Errors
/// Where the path holds none, or is itself a file that is damaged.
pub fn curves(path: &Path) -> Result<Vec<Result<Curves, CurvesError>>, CurvesError> {
    if let Some(training) = training_of(path) {
        return Ok(vec![Ok(Curves { path: path.to_owned(), ..self::training(training)? })]);
    }
    if archive::is_file(&epochs_file(path)) {
        return Ok(vec![Ok(training(path)?)]);
    }
    let mut all = Vec::new();
    for experiment in load(&[path.to_owned()])? {
        for run in &experiment.runs {
            let path = experiment.path.join(&run.dir);
            all.push(own(&path, Some(&run.record)));
        }
    }
    Ok(all)
}

/// The training whose `epochs.csv` a path is, with its record beside it.
fn training_of(path: &Path) -> Option<&Path> {
    let training =
        path.parent().filter(|training| epochs_file(training) == path && archive::is_file(path))?;
    TrainingRecord::read(training).map(|_| training)
}

/// Whether a path holds results of this program, not a log of another.
#[must_use]
pub fn is_ours(path: &Path) -> bool {
    let is_named = || {
        let name = path.file_name().and_then(|name| name.to_str());
        path.is_file() && name == Some(EXPERIMENT_FILE)
    };
    let has_experiment = |name: &String| experiment_file(&path.join(name)).is_file();
    is_named()
        || training_of(path).is_some()
        || archive::is_file(&epochs_file(path))
        || experiment_file(path).is_file()
        || TrainingRecord::read(path).is_some()
        || path.is_file()
            && path
                .parent()
                .is_some_and(|dir| run_file(dir) == path && TrainingRecord::read(dir).is_some())
        || directories(path).iter().any(has_experiment)
}

fn training(path: &Path) -> Result<Curves, CurvesError> {
    let file = run_file(path);
    match archive::read(&file) {
        Ok(bytes) => {
            let record: TrainingRecord =
                seal::read(&bytes).map_err(|error| CurvesError::Damaged { path: file, error })?;
            own(path, Some(&record))
        }
        // `run.json` is written last: without it the training has not come to its end.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => own(path, None),
        Err(error) => Err(CurvesError::Unreadable { path: file, error }),
    }
}

fn truncated(status: Status) -> bool {
    matches!(status, Status::Stopped | Status::Interrupted | Status::Failed)
}

fn own(path: &Path, record: Option<&TrainingRecord>) -> Result<Curves, CurvesError> {
    let file = path.join(EPOCHS_FILE);
    let text = match record {
        Some(record) => record.text(path, EPOCHS_FILE),
        None => archive::read_to_string(&file),
    };
    let text = text.map_err(|error| CurvesError::Unreadable { path: file.clone(), error })?;
    let table = read(&text, &file.display().to_string())?;
    let arms = record.map_or(&[][..], |record| &record.arms);
    Ok(Curves {
        path: path.to_owned(),
        table,
        truncated: record.is_none_or(|record| truncated(record.status)),
        cell: arms.first().map(|arm| without_rule(&arm.factors)).unwrap_or_default(),
        declared: arms.iter().map(|arm| arm.rule.clone().into()).collect(),
    })
}
