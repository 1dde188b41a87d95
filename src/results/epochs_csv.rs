//! `epochs.csv`: written, read back bit for bit, and the like of it from other trainers.
//!
//! A table read from a file has `epoch` as its first column, counted by position from 1. Keras's
//! `CSVLogger` (epochs from 0, training columns without a prefix) and Lightning's `metrics.csv`
//! (several rows an epoch, most cells empty) are recognised by what they look like.

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::history::{COUNTS, EPOCH, EpochTable};

/// What Keras writes where a value was not measured: `validation_freq = 2` leaves every other one.
const NOT_MEASURED: &str = "NA";

/// Why a file of curves could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CsvError {
    /// A cell that should be a number.
    #[error("{file}:{line}: column `{column}`: `{text}` is not a number")]
    NotANumber {
        /// The file's name as given.
        file: String,
        /// The line of the row, from 1.
        line: u64,
        /// The column's name.
        column: String,
        /// What the cell holds.
        text: String,
    },
    /// A file that is not a table.
    #[error("{file}:{line}: {problem}")]
    NoTable {
        /// The file's name as given.
        file: String,
        /// The line at fault, from 1.
        line: u64,
        /// What is wrong.
        problem: String,
    },
}

/// A file of curves: its numbers, and the columns that are none.
#[derive(Debug, Clone, PartialEq)]
pub struct CsvCurves {
    /// The columns of numbers.
    pub table: EpochTable,
    /// The first offending cell of each other column.
    pub not_numeric: Vec<CsvError>,
}

/// The text of an `epochs.csv`. A table without an `epoch` column gets one.
#[must_use]
pub fn write(table: &EpochTable) -> String {
    let numbered = table.names().iter().any(|name| name == EPOCH);
    let mut text = String::new();
    if !numbered {
        text.push_str(EPOCH);
    }
    for (index, name) in table.names().iter().enumerate() {
        if index > 0 || !numbered {
            text.push(',');
        }
        text.push_str(&quoted(name));
    }
    text.push('\n');
    for epoch in 1..=table.len() {
        if !numbered {
            let _ = write!(text, "{epoch}");
        }
        for (index, (name, cell)) in table.names().iter().zip(table.row(epoch)).enumerate() {
            if index > 0 || !numbered {
                text.push(',');
            }
            if let Some(value) = cell {
                push_cell(&mut text, name, value);
            }
        }
        text.push('\n');
    }
    text
}

fn push_cell(text: &mut String, name: &str, value: f64) {
    // Above 2^53 not every whole number is a float, and -0 has no whole form.
    let is_count = value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0;
    let form = if COUNTS.contains(&name) && is_count && !(value == 0.0 && value.is_sign_negative())
    {
        write!(text, "{value:.0}")
    } else {
        write!(text, "{value:?}")
    };
    debug_assert!(form.is_ok(), "a String takes all");
}

fn quoted(name: &str) -> String {
    if name.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", name.replace('"', "\"\""))
    } else {
        name.to_owned()
    }
}

/// Reads an `epochs.csv` of this program, in which every cell is a number or empty.
///
/// # Errors
/// Where it is not such a table; the message names `file`, line and column.
pub fn read(text: &str, file: &str) -> Result<EpochTable, CsvError> {
    read_columns(text, file, |_| true)
}

/// As [`read()`], of the columns `asked` for alone; cells of others are not looked at.
///
/// # Errors
/// Where it is not such a table; the message names `file`, line and column.
pub fn read_columns(
    text: &str,
    file: &str,
    asked: impl Fn(&str) -> bool,
) -> Result<EpochTable, CsvError> {
    let mut reader = reader(text);
    let names = header(&mut reader, file)?;
    let is_read = |index: &usize| names[*index] != EPOCH && asked(&names[*index]);
    let read: Vec<usize> = (0..names.len()).filter(is_read).collect();
    let own = read.iter().map(|index| names[*index].clone());
    let mut table = EpochTable::new(std::iter::once(EPOCH.to_owned()).chain(own).collect());
    let mut bad: Option<(usize, CsvError)> = None;
    let (mut record, mut row) = (csv::ByteRecord::new(), Vec::new());
    for epoch in 1_u32.. {
        if !reader.read_byte_record(&mut record).map_err(|error| broken(&error, file))? {
            break;
        }
        row.clear();
        row.push(Some(f64::from(epoch)));
        for index in &read {
            // A cell that is no text is no number either.
            let cell = std::str::from_utf8(&record[*index]).unwrap_or("\u{fffd}").trim();
            let value = cell.parse::<f64>().ok();
            if value.is_none()
                && !cell.is_empty()
                && bad.as_ref().is_none_or(|(before, _)| before > index)
            {
                let line = record.position().map_or(0, csv::Position::line);
                bad = Some((*index, not_a_number(file, line, &names[*index], cell)));
            }
            row.push(value);
        }
        table.push(&row);
    }
    bad.map_or(Ok(table), |(_, error)| Err(error))
}

/// A reader by the delimiter that the header shows.
fn reader(text: &str) -> csv::Reader<&[u8]> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let header = text.lines().next().unwrap_or("");
    let delimiter = [b',', b';', b'\t'].into_iter().find(|d| header.contains(char::from(*d)));
    csv::ReaderBuilder::new().delimiter(delimiter.unwrap_or(b',')).from_reader(text.as_bytes())
}

/// The names of the columns.
fn header(reader: &mut csv::Reader<&[u8]>, file: &str) -> Result<Vec<String>, CsvError> {
    let names = reader.headers().map_err(|error| broken(&error, file))?;
    let names: Vec<String> = names.iter().map(|name| name.trim().to_owned()).collect();
    if names.is_empty() {
        return Err(no_table(file, 1, "the file is empty: expected a header".to_owned()));
    }
    for (index, name) in names.iter().enumerate() {
        if names[..index].contains(name) {
            return Err(no_table(file, 1, format!("column `{name}` appears twice")));
        }
    }
    Ok(names)
}

fn no_table(file: &str, line: u64, problem: String) -> CsvError {
    CsvError::NoTable { file: file.to_owned(), line, problem }
}

fn not_a_number(file: &str, line: u64, column: &str, text: &str) -> CsvError {
    let [file, column, text] = [file, column, text].map(str::to_owned);
    CsvError::NotANumber { file, line, column, text }
}

fn broken(error: &csv::Error, file: &str) -> CsvError {
    let line = error.position().map_or(1, csv::Position::line);
    no_table(file, line, problem_of(error))
}

/// Reads any file of curves: ours, Keras's, Lightning's, or another with a header.
///
/// Keras's `NA` of what was not measured at an epoch is an empty cell. Columns keep their names and are
/// also called as in `epochs.csv`: where there is `val_accuracy`, a
/// bare `accuracy` is the training's and is `train_accuracy` too, as `loss` and Lightning's
/// `train_loss_epoch` are `train_loss`. Consecutive
/// rows with the same `epoch` are one epoch, in which the last cell that is not empty counts.
///
/// # Errors
/// Where it is not a table; a column that holds text is no error until it is asked for.
pub fn read_any(text: &str, file: &str) -> Result<CsvCurves, CsvError> {
    let mut cells = Cells::split(text, file)?;
    cells.empty_where(NOT_MEASURED);
    cells.merge_epochs();
    let aliases = cells.aliases();
    let mut curves = cells.into_curves(file);
    for (name, alias) in aliases {
        curves.table.also_called(&name, alias);
    }
    Ok(curves)
}

/// The cells of a file as text, a row with the line that it begins at.
struct Cells {
    names: Vec<String>,
    rows: Vec<(u64, Vec<String>)>,
}

impl Cells {
    fn split(text: &str, file: &str) -> Result<Self, CsvError> {
        let mut reader = reader(text);
        let names = header(&mut reader, file)?;
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|error| broken(&error, file))?;
            let line = record.position().map_or(0, csv::Position::line);
            rows.push((line, record.iter().map(|cell| cell.trim().to_owned()).collect()));
        }
        Ok(Self { names, rows })
    }

    fn index(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|n| n == name)
    }

    fn empty_where(&mut self, text: &str) {
        let cells = self.rows.iter_mut().flat_map(|(_, row)| row);
        cells.filter(|cell| *cell == text).for_each(String::clear);
    }

    /// One row an epoch. A row that names no epoch (Lightning's learning rate monitor writes at
    /// the start of one) goes with the next that does.
    fn merge_epochs(&mut self) {
        let Some(epoch) = self.index(EPOCH) else { return };
        let mut merged: Vec<(u64, Vec<String>)> = Vec::new();
        let mut open = false;
        for (line, row) in std::mem::take(&mut self.rows) {
            let same = merged.last().is_some_and(|(_, last)| {
                if open { true } else { !row[epoch].is_empty() && last[epoch] == row[epoch] }
            });
            match merged.last_mut().filter(|_| same) {
                Some((_, last)) => {
                    for (old, new) in last.iter_mut().zip(row) {
                        if !new.is_empty() {
                            *old = new;
                        }
                    }
                }
                None => merged.push((line, row)),
            }
            open = merged.last().is_some_and(|(_, last)| last[epoch].is_empty());
        }
        self.rows = merged;
        // Rows at the end that name no epoch belong to the last one.
        if open
            && self.rows.len() > 1
            && let Some((_, rest)) = self.rows.pop()
            && let Some((_, last)) = self.rows.last_mut()
        {
            for (old, new) in last.iter_mut().zip(rest) {
                if !new.is_empty() {
                    *old = new;
                }
            }
        }
    }

    /// Columns with the names that `epochs.csv` has for them.
    fn aliases(&self) -> Vec<(String, String)> {
        let has = |name: &str| self.names.iter().any(|n| n == name);
        let alias = |name: &String| {
            let train = format!("train_{name}");
            let bare = name == "loss" || has(&format!("val_{name}"));
            if bare && name != EPOCH && !has(&train) {
                return Some((name.clone(), train));
            }
            let short = name.strip_suffix("_epoch")?;
            (short.starts_with("train_") && !has(short)).then(|| (name.clone(), short.to_owned()))
        };
        self.names.iter().filter_map(alias).collect()
    }

    fn into_curves(self, file: &str) -> CsvCurves {
        let mut bad: HashMap<usize, CsvError> = HashMap::new();
        let mut parsed: Vec<Vec<Option<f64>>> = Vec::with_capacity(self.rows.len());
        for (line, row) in &self.rows {
            let mut values = Vec::with_capacity(row.len());
            for (index, text) in row.iter().enumerate() {
                let value = text.parse::<f64>().ok();
                if value.is_none() && !text.is_empty() {
                    bad.entry(index)
                        .or_insert_with(|| not_a_number(file, *line, &self.names[index], text));
                }
                values.push(value);
            }
            parsed.push(values);
        }
        let kept: Vec<usize> = (0..self.names.len())
            .filter(|index| !bad.contains_key(index) && self.names[*index] != EPOCH)
            .collect();
        let mut names = vec![EPOCH.to_owned()];
        names.extend(kept.iter().map(|index| self.names[*index].clone()));
        let mut table = EpochTable::new(names);
        for (epoch, values) in (1_u32..).zip(&parsed) {
            let mut row = vec![Some(f64::from(epoch))];
            row.extend(kept.iter().map(|index| values[*index]));
            table.push(&row);
        }
        let mut not_numeric: Vec<(usize, CsvError)> = bad.into_iter().collect();
        not_numeric.sort_by_key(|(index, _)| *index);
        CsvCurves { table, not_numeric: not_numeric.into_iter().map(|(_, error)| error).collect() }
    }
}

fn problem_of(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} cells where the header has {expected_len}")
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
#[path = "epochs_csv_tests.rs"]
mod tests;
