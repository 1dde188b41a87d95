//! Logs and stores of other tools, as trainings.
//!
//! A file or folder is read by the first of the sources that takes it. A source hands over rows of
//! values as they were logged, with what the log says of the training; `epochs` cuts them into trainings and
//! epochs, the same for all tools.

mod assemble;
mod epochs;
mod error;
mod input;
mod json;
mod list;
mod names;
mod number;
mod protobuf;
mod read;
mod rows;
mod search;
mod source;
mod sources;
mod sqlite;
mod text_table;
mod training;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

pub use epochs::Nan;
pub use error::{Fault, LogError};
pub use input::STDIN;
pub use names::{is_measure, split};
pub use rows::NotANumber;
pub use training::{Ended, SEED_KEYS, Training, whole};

use training::Draft;

/// What is at a path.
#[derive(Debug, Default)]
pub struct Found {
    /// The trainings, in the order of files and of what these hold.
    pub trainings: Vec<Training>,
    /// Logs that cannot be read; they cost the others nothing.
    pub problems: Vec<LogError>,
    /// Folders with results of this program, which other rooms read.
    pub ours: Vec<PathBuf>,
}

/// The trainings in a file, a folder, or standard input where the path is `-`.
///
/// # Errors
/// Where the path cannot be opened, or is itself a file that cannot be read.
pub fn read(path: &Path, nan: Nan) -> Result<Found, LogError> {
    let mut found = Found::default();
    let drafts = if path.is_dir() {
        let mut search = search::Search::default();
        search.folder(path, 0)?;
        (found.problems, found.ours) = (search.problems, search.ours);
        search.drafts
    } else {
        read::read(input::Input::open(path)?)?
    };
    for draft in drafts {
        match finished(draft, nan) {
            Ok(trainings) => found.trainings.extend(trainings),
            Err(error) => found.problems.push(error),
        }
    }
    if found.trainings.is_empty() && found.ours.is_empty() && found.problems.is_empty() {
        let problem = "no log of a training here, nor results of bnes";
        return Err(LogError::at(Fault::NotALog, &path.display().to_string(), problem));
    }
    Ok(found)
}

/// Gives trainings of one name names that tell them apart: their paths, and numbers where these are the same.
pub fn tell_apart(trainings: &mut [Training]) {
    let count = |trainings: &[Training]| {
        let mut count: HashMap<String, usize> = HashMap::new();
        for training in trainings {
            *count.entry(training.name.clone()).or_default() += 1;
        }
        count
    };
    let names = count(trainings);
    let mut in_path: HashMap<PathBuf, usize> = HashMap::new();
    for training in trainings.iter() {
        *in_path.entry(training.path.clone()).or_default() += 1;
    }
    for training in trainings.iter_mut().filter(|training| names[&training.name] > 1) {
        let path = training.path.display().to_string();
        // Alone in its file, a training is told by that.
        let is_alone = in_path[&training.path] == 1;
        training.name = if is_alone { path } else { format!("{path}: {}", training.name) };
    }
    let names = count(trainings);
    let mut number: HashMap<String, usize> = HashMap::new();
    for training in trainings.iter_mut().filter(|training| names[&training.name] > 1) {
        let number = number.entry(training.name.clone()).or_default();
        *number += 1;
        training.name = format!("{}#{number}", training.name);
    }
}

/// The trainings of a draft, each cut into epochs.
fn finished(draft: Draft, nan: Nan) -> Result<Vec<Training>, LogError> {
    let nan_is_missing = match nan {
        Nan::ByTool => draft.nan_is_missing,
        Nan::Missing => true,
        Nan::Diverged => false,
    };
    // A text without a number is none.
    if draft.rows.len() > 0 && draft.rows.values() == 0 {
        return Err(text_table::not_a_log(draft.rows.file()));
    }
    let not_numeric = draft.rows.not_numbers();
    let bad_cells = draft.rows.bad_cells();
    let parts = epochs::epochs(
        draft.rows,
        nan_is_missing,
        draft.rows_are_epochs,
        draft.has_a_row_an_epoch,
    )?;
    let several = parts.len() > 1;
    let mut trainings = Vec::with_capacity(parts.len());
    let mut notes = draft.notes;
    notes.extend(bad_cells.iter().map(|cell| format!("{cell}: the column is left out")));
    let of_derived = draft.derived.iter();
    let of_derived = of_derived.filter_map(|one| Some((one.name.to_owned(), one.maximize?)));
    let directions: Vec<(String, bool)> =
        draft.directions.iter().cloned().chain(of_derived).collect();
    for (index, mut part) in parts.into_iter().enumerate() {
        let derived = draft
            .derived
            .iter()
            .filter_map(|derived| Some((derived.name.to_owned(), derived.add(&mut part.table)?)));
        let derived: Vec<(String, String)> = derived.collect();
        let name =
            if several { format!("{}#{}", draft.name, index + 1) } else { draft.name.clone() };
        let mut own_notes = std::mem::take(&mut notes);
        own_notes.extend(part.notes);
        let last_epoch = part.own.as_ref().and_then(|own| own.last().copied().flatten());
        #[allow(clippy::cast_precision_loss)] // epochs are far below 2^53
        let reached =
            last_epoch.map_or(part.table.len() as f64, |last| last.max(part.table.len() as f64));
        let is_short = draft.planned.is_some_and(|planned| reached < planned);
        let ended = match draft.planned {
            Some(_) if draft.ended.is_none() && is_short => Some(Ended::Stopped),
            Some(_) if draft.ended.is_none() => Some(Ended::Completed),
            _ => draft.ended,
        };
        trainings.push(Training {
            name,
            tool: draft.tool,
            path: draft.path.clone(),
            table: part.table,
            own_epochs: part.own,
            not_numeric: not_numeric.clone(),
            parameters: draft.parameters.clone(),
            ended,
            declared: draft.declared.clone(),
            directions: directions.clone(),
            monitor: draft.monitor.clone(),
            watched: draft.watched.clone(),
            derived,
            notes: own_notes,
        });
    }
    Ok(trainings)
}

#[cfg(test)]
pub(crate) mod mutation;
#[cfg(test)]
mod tests;
