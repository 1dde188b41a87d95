//! Recorded trainings at paths, whoever trained them: results of this program, logs of others.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::config::Factors;
use crate::history::EpochTable;
use crate::logs::{self, Nan, NotANumber, STDIN, Training};
use crate::results::recorded_training::rule_table;
use crate::results::{self, Curves};
use crate::stopping::StoppingRule;

/// A training with its curves.
pub(super) struct Recorded {
    /// What it is called in reports.
    pub name: String,
    /// What is the same for the same training, however it is asked for.
    pub place: PathBuf,
    pub table: EpochTable,
    pub truncated: bool,
    pub cell: Factors,
    /// The tables of the rules that were declared before it was trained.
    pub declared: Vec<Map<String, Value>>,
    pub not_numeric: Vec<NotANumber>,
    /// Columns of which its log says whether larger is better.
    pub directions: Vec<(String, bool)>,
    /// What stands for `val_loss` where there is none.
    pub stand_ins: Vec<String>,
    /// The columns by which its tool stops, where these are several.
    pub watched: Vec<String>,
    /// What its log counts epochs by, where that is not simply from 0 or 1.
    pub counter: Option<(String, Vec<Option<f64>>)>,
    /// Columns that follow from others, each with a sentence on how.
    pub derived: Vec<(String, String)>,
    /// What was noticed when it was read.
    pub notes: Vec<String>,
}

/// The column that rules watch unless told otherwise.
pub(super) const WATCHED: &str = "val_loss";

/// The trainings at a path; a log that cannot be read costs the others nothing.
///
/// # Errors
/// Where there is none, or the path is itself a file that is damaged.
pub(super) fn at(path: &Path, nan: Nan) -> anyhow::Result<Vec<anyhow::Result<Recorded>>> {
    if path != Path::new(STDIN) && results::is_ours(path) {
        return ours(path);
    }
    if path != Path::new(STDIN) && !path.exists() {
        return Err(results::LoadError::NoSuchPath(path.to_owned()).into());
    }
    let found = logs::read(path, nan)?;
    let mut all: Vec<anyhow::Result<Recorded>> = Vec::new();
    let mut trainings = found.trainings;
    let places = places(&trainings);
    logs::tell_apart(&mut trainings);
    let mut in_path: HashMap<&Path, usize> = HashMap::new();
    for training in &trainings {
        *in_path.entry(&training.path).or_default() += 1;
    }
    let several = |training: &Training| in_path[training.path.as_path()] > 1;
    let names: Vec<String> = trainings
        .iter()
        .map(|training| {
            let file = training.path.display().to_string();
            // A store of one run is a folder that says less than the run's name.
            let of_folder = training.path.file_name().map(|name| name.to_string_lossy());
            if training.path.is_dir() && of_folder.is_some_and(|name| *name != training.name) {
                training.name.clone()
            } else if several(training) && !training.name.starts_with(&file) {
                format!("{file}: {}", training.name)
            } else if several(training) {
                training.name.clone()
            } else {
                file
            }
        })
        .collect();
    let known = names.into_iter().zip(places).zip(trainings);
    let known = known.map(|((name, place), one)| Ok(foreign(name, place, one)));
    all.extend(known);
    all.extend(found.problems.into_iter().map(|error| Err(error.into())));
    for dir in found.ours {
        match ours(&dir) {
            Ok(more) => all.extend(more),
            Err(error) => all.push(Err(error)),
        }
    }
    Ok(all)
}

fn ours(path: &Path) -> anyhow::Result<Vec<anyhow::Result<Recorded>>> {
    let recorded = |curves: Curves| Recorded {
        name: curves.path.display().to_string(),
        place: curves.path.canonicalize().unwrap_or_else(|_| curves.path.clone()),
        table: curves.table,
        truncated: curves.truncated,
        cell: curves.cell,
        declared: curves.declared,
        not_numeric: Vec::new(),
        directions: Vec::new(),
        stand_ins: Vec::new(),
        watched: Vec::new(),
        counter: None,
        derived: Vec::new(),
        notes: Vec::new(),
    };
    let all = results::curves(path)?.into_iter();
    Ok(all.map(|one| one.map(recorded).map_err(anyhow::Error::from)).collect())
}

/// Of each training what is the same however it is asked for: its file, its name, and which of that name it is.
fn places(trainings: &[Training]) -> Vec<PathBuf> {
    let mut seen: HashMap<PathBuf, usize> = HashMap::new();
    let place = |training: &Training| {
        let place = training.full_path().join(&training.name);
        let count = seen.entry(place.clone()).or_default();
        *count += 1;
        place.join(count.to_string())
    };
    trainings.iter().map(place).collect()
}

/// A training of another tool.
fn foreign(name: String, place: PathBuf, training: Training) -> Recorded {
    let full = |table: &Map<String, Value>| {
        let rule: StoppingRule = serde_json::from_value(Value::Object(table.clone())).ok()?;
        Some(rule_table(&rule))
    };
    let counter = training.counter();
    Recorded {
        place,
        name,
        truncated: training.is_truncated(),
        cell: Factors::new(),
        declared: training.declared.iter().filter_map(full).collect(),
        stand_ins: training.stand_ins(),
        table: training.table,
        not_numeric: training.not_numeric,
        directions: training.directions,
        counter,
        watched: training.watched,
        derived: training.derived,
        notes: training.notes,
    }
}
