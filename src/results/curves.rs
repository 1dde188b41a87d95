//! The recorded curves at a path: of a training, of every training below, or of any CSV.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::epochs_csv::{CsvError, read, read_any};
use super::layout::{EPOCHS_FILE, epochs_file, run_file};
use super::load::{LoadError, load};
use super::{Status, TrainingRecord};
use crate::config::{Factors, without_rule};
use crate::history::EpochTable;

/// The file that Lightning's `CSVLogger` writes into a run's directory.
const LIGHTNING_FILE: &str = "metrics.csv";

/// The recorded curves of one training.
#[derive(Debug, Clone, PartialEq)]
pub struct Curves {
    /// The training's directory or the CSV file.
    pub path: PathBuf,
    /// Its epochs.
    pub table: EpochTable,
    /// Columns that hold something else than numbers, by their first such cell.
    pub not_numeric: Vec<CsvError>,
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

/// The curves at a path: one for a CSV file or a training's directory, one per training that
/// ended for an experiment's directory or a results directory, one per run for a folder of
/// Lightning's, of which a damaged one costs no other.
///
/// # Errors
/// Where the path holds none, or is itself a file that is damaged.
pub fn curves(path: &Path) -> Result<Vec<Result<Curves, CurvesError>>, CurvesError> {
    if path.is_file() && path.extension().is_none_or(|ending| ending != "json") {
        return Ok(vec![Ok(file(path)?)]);
    }
    if epochs_file(path).is_file() {
        return Ok(vec![Ok(training(path)?)]);
    }
    if path.join(LIGHTNING_FILE).is_file() {
        return Ok(vec![Ok(foreign(path, &path.join(LIGHTNING_FILE))?)]);
    }
    let logs = lightning_logs(path);
    if !logs.is_empty() {
        return Ok(logs.iter().map(|dir| foreign(dir, &dir.join(LIGHTNING_FILE))).collect());
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

/// The runs in a folder such as `lightning_logs`, by name.
fn lightning_logs(path: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let mut runs: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|dir| dir.join(LIGHTNING_FILE).is_file())
        .collect();
    runs.sort();
    runs
}

fn training(path: &Path) -> Result<Curves, CurvesError> {
    let file = run_file(path);
    match std::fs::read(&file) {
        Ok(bytes) => {
            let record: TrainingRecord = serde_json::from_slice(&bytes)
                .map_err(|error| CurvesError::Damaged { path: file, error })?;
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
    let table = read(&text_of(&file)?, &file.display().to_string())?;
    let arms = record.map_or(&[][..], |record| &record.arms);
    Ok(Curves {
        path: path.to_owned(),
        table,
        not_numeric: Vec::new(),
        truncated: record.is_none_or(|record| truncated(record.status)),
        cell: arms.first().map(|arm| without_rule(&arm.factors)).unwrap_or_default(),
        declared: arms.iter().map(|arm| arm.rule.clone().into()).collect(),
    })
}

/// The curves in a file: of our own training where its record lies beside them.
fn file(path: &Path) -> Result<Curves, CurvesError> {
    let training = path.parent().filter(|training| epochs_file(training) == path);
    match training.map(|training| (training, TrainingRecord::read(training))) {
        Some((training, Some(record))) => {
            Ok(Curves { path: path.to_owned(), ..own(training, Some(&record))? })
        }
        _ => foreign(path, path),
    }
}

fn foreign(path: &Path, file: &Path) -> Result<Curves, CurvesError> {
    let curves = read_any(&text_of(file)?, &file.display().to_string())?;
    Ok(Curves {
        path: path.to_owned(),
        table: curves.table,
        not_numeric: curves.not_numeric,
        truncated: false,
        cell: Factors::new(),
        declared: Vec::new(),
    })
}

fn text_of(file: &Path) -> Result<String, CurvesError> {
    std::fs::read_to_string(file)
        .map_err(|error| CurvesError::Unreadable { path: file.to_owned(), error })
}
