//! `epochs.csv`: written, and read back bit for bit.
//!
//! A table read from a file has `epoch` as its first column, counted by position from 1.

use std::fmt::Write as _;

use crate::history::{COUNTS, EPOCH, EpochTable};

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

fn reader(text: &str) -> csv::Reader<&[u8]> {
    csv::Reader::from_reader(text.as_bytes())
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
