//! Recorded trainings at paths, whoever trained them: results of this program, logs of others.

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
    logs::tell_apart(&mut trainings);
    let several = |training: &Training| {
        trainings.iter().filter(|other| other.path == training.path).count() > 1
    };
    let names: Vec<String> = trainings
        .iter()
        .map(|training| {
            let file = training.path.display().to_string();
            if several(training) && !training.name.starts_with(&file) {
                format!("{file}: {}", training.name)
            } else if several(training) {
                training.name.clone()
            } else {
                file
            }
        })
        .collect();
    let known = names.into_iter().zip(trainings).map(|(name, one)| Ok(foreign(name, one)));
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
        notes: Vec::new(),
    };
    let all = results::curves(path)?.into_iter();
    Ok(all.map(|one| one.map(recorded).map_err(anyhow::Error::from)).collect())
}

/// A training of another tool. Where it has no `val_loss`, the parts whose sum it is are summed up.
fn foreign(name: String, training: Training) -> Recorded {
    let truncated = training.is_truncated();
    let own_name = training.name.rsplit(": ").next().unwrap_or_default().to_owned();
    let mut stand_ins = training.stand_ins();
    let Training { mut table, mut notes, loss_parts, .. } = training;
    if table.column(WATCHED).is_none() && loss_parts.len() > 1 {
        let parts: Vec<&[Option<f64>]> =
            loss_parts.iter().filter_map(|name| table.column(name)).collect();
        let sum = |epoch: usize| parts.iter().map(|part| part[epoch]).sum::<Option<f64>>();
        let sums: Vec<Option<f64>> = (0..table.len()).map(sum).collect();
        let parts: Vec<&str> = loss_parts.iter().map(String::as_str).collect();
        notes.push(format!("{WATCHED} is the sum of {}", crate::text::quoted(&parts)));
        table.add_column(WATCHED, sums);
        stand_ins.clear();
    }
    let full = |table: Map<String, Value>| {
        let rule: StoppingRule = serde_json::from_value(Value::Object(table)).ok()?;
        Some(rule_table(&rule))
    };
    let place = training.path.canonicalize().unwrap_or(training.path);
    Recorded {
        place: place.join(own_name),
        name,
        table,
        truncated,
        cell: Factors::new(),
        declared: training.declared.into_iter().filter_map(full).collect(),
        not_numeric: training.not_numeric,
        directions: training.directions,
        stand_ins,
        notes,
    }
}
