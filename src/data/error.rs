//! What can be wrong with data: what it is, where it is, what to do.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::text::quoted;

/// Why no rows came out of a source.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// Neither a built-in set nor anything on the disk.
    #[error(
        "`{source_name}` is neither a built-in set ({}) nor a file: {} is not there{}",
        quoted(BUILT_IN), path.display(), did_you_mean(nearest.as_deref())
    )]
    UnknownSource {
        /// As the config names it.
        source_name: String,
        /// Where it was looked for.
        path: PathBuf,
        /// The built-in set that was probably meant.
        nearest: Option<String>,
    },
    /// A file of no known format.
    #[error("{}: the format is not known by this name: give a {known} file (.gz too) or a folder of IDX files", file.display())]
    UnknownFormat {
        /// The key that names it.
        key: &'static str,
        /// The file.
        file: PathBuf,
        /// The endings of names that are known.
        known: String,
    },
    /// The operating system refused.
    #[error("{}: cannot be read: {cause}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// As reported; part of the message, and so no source of it.
        cause: io::Error,
    },
    /// The decompressor refused.
    #[error(
        "{}: the compressed data is cut short or damaged ({cause}): copy or download the file again (`gzip -t` checks it)",
        file.display()
    )]
    Damaged {
        /// The file.
        file: PathBuf,
        /// As reported.
        cause: io::Error,
    },
    /// A name that ends in .gz on something else.
    #[error("{}: not a gzip file, although its name ends in .gz: rename it, or compress it with gzip", file.display())]
    NotGzip {
        /// The file.
        file: PathBuf,
    },
    /// Something about a file as a whole.
    #[error("{}: {problem}", file.display())]
    File {
        /// The file or folder.
        file: PathBuf,
        /// What is wrong and what to do.
        problem: String,
    },
    /// Something in one line of a text file.
    #[error("{}, line {line}{}: {problem}", file.display(), data_row(*row))]
    Line {
        /// The file.
        file: PathBuf,
        /// From 1.
        line: u64,
        /// Data rows from 1; none for the header.
        row: Option<usize>,
        /// What is wrong and what to do.
        problem: String,
    },
    /// Something in one cell of a file.
    #[error("{}, {location}, column `{column}`: {problem}", file.display())]
    Cell {
        /// The file.
        file: PathBuf,
        /// Line and row.
        location: Location,
        /// The column's name.
        column: String,
        /// What is wrong and what to do.
        problem: CellProblem,
    },
    /// A target that the source does not have.
    #[error("{source_name}: there is no column `{name}` to predict{}; there is {}", did_you_mean(nearest.as_deref()), listed_shortly(columns))]
    UnknownTarget {
        /// The source.
        source_name: String,
        /// What the config asks for.
        name: String,
        /// The column that was probably meant.
        nearest: Option<String>,
        /// All that could be predicted.
        columns: Vec<String>,
    },
    /// A key that names a column that the source does not have.
    #[error("{source_name}: {key} names `{name}`, and there is no such column{}; there is {}", did_you_mean(nearest.as_deref()), listed_shortly(columns))]
    UnknownColumn {
        /// The source.
        source_name: String,
        /// The key.
        key: &'static str,
        /// What it names.
        name: String,
        /// The column that was probably meant.
        nearest: Option<String>,
        /// All columns.
        columns: Vec<String>,
    },
    /// A key that does not suit the source.
    #[error("{source_name}: {problem}")]
    Setting {
        /// The key.
        key: &'static str,
        /// The source.
        source_name: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A target or a task that does not suit the rows.
    #[error("{source_name}: {problem}")]
    Target {
        /// The source.
        source_name: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// Fractions that cannot be had of these rows.
    #[error("{source_name}: {problem}")]
    Split {
        /// The key that asks for them.
        key: &'static str,
        /// The source.
        source_name: String,
        /// What is wrong and what to do.
        problem: String,
    },
}

impl DataError {
    /// What came of reading a file: the system's fault, or that of what was compressed.
    pub(super) fn reading(file: &Path, cause: io::Error) -> Self {
        let file = file.to_owned();
        if let Some(problem) =
            cause.get_ref().and_then(|inner| inner.downcast_ref::<UnpacksTooFar>())
        {
            return Self::File { file, problem: problem.to_string() };
        }
        match cause.kind() {
            // A system does not report these of a file that is read from end to end.
            ErrorKind::UnexpectedEof | ErrorKind::InvalidInput | ErrorKind::InvalidData => {
                Self::Damaged { file, cause }
            }
            _ => Self::Read { file, cause },
        }
    }

    /// The key that is at fault, where the config is rather than the content of a file.
    #[must_use]
    pub fn key(&self) -> Option<&'static str> {
        match self {
            Self::UnknownSource { .. } => Some("data.source"),
            Self::UnknownTarget { .. } => Some("data.target"),
            Self::UnknownFormat { key, .. }
            | Self::UnknownColumn { key, .. }
            | Self::Setting { key, .. }
            | Self::Split { key, .. } => Some(key),
            _ => None,
        }
    }
}

/// More than this many bytes came of something that is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "unpacks into more than {} MiB, which for its size is rarely meant; if it is, set data.max_unpacked_mib to what it may take",
    .0 >> 20
)]
pub(super) struct UnpacksTooFar(pub u64);

impl From<UnpacksTooFar> for io::Error {
    fn from(problem: UnpacksTooFar) -> Self {
        Self::other(problem)
    }
}

/// Where a row of a table stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Location {
    /// 0 for the source, 1 for the test source.
    pub file: usize,
    /// The line in which it begins, from 1, in a file that has lines.
    pub line: Option<u64>,
    /// Data rows, from 1.
    pub row: usize,
}

impl Location {
    /// `line 3`, or `row 2` in a file without lines.
    pub(super) fn line_or_row(&self) -> String {
        self.line.map_or_else(|| format!("row {}", self.row), |line| format!("line {line}"))
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line} (row {})", self.row),
            None => write!(f, "row {}", self.row),
        }
    }
}

/// What is wrong with a cell. Text is shortened to what a message can hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CellProblem {
    /// Text in a column of numbers.
    #[error(
        "`{0}` is not a number, and the column is numeric: correct the cell, add it to data.missing if it means a missing value, or name the column in data.categorical"
    )]
    Text(String),
    /// Text where a network wants a number.
    #[error(
        "`{0}` is not a finite number, and the column held numbers when the network was trained: correct the cell, or leave it empty if it means a missing value"
    )]
    TextForNumber(String),
    /// What people write where there is nothing.
    #[error(
        "`{0}` is not a number: if such cells are missing values, add `{0}` to data.missing (which is [\"\", \"NA\", \"?\"] unless set); else correct the cell"
    )]
    Marker(String),
    /// A cell of the split column that names no split.
    #[error("`{0}` is not a split: expected train, valid, validation, val or test")]
    NotASplit(String),
    /// A comma where a point should be.
    #[error("`{0}` is not a number: write decimals with a point")]
    DecimalComma(String),
    /// A comma that may be decimal or stand between thousands.
    #[error(
        "`{0}` is not a number: write decimals with a point, and take separators of thousands out"
    )]
    Comma(String),
    /// A number with something around its digits or between them, and the number alone.
    #[error(
        "`{}` is not a number, and the column is numeric: write `{}` if that is meant, without what stands around or between the digits; else correct the cell, or name the column in data.categorical",
        .0[0], .0[1]
    )]
    Dressed(Box<[String; 2]>),
    /// NaN or an infinity, spelled out.
    #[error(
        "`{0}` is not finite: correct the cell, or add `{0}` to data.missing if it means a missing value"
    )]
    NotFinite(String),
    /// A number that a 32-bit float cannot hold.
    #[error("`{0}` is too large: a 32-bit float ends at about 3.4e38, rescale the column")]
    TooLarge(String),
    /// Text in a target that is otherwise numeric.
    #[error(
        "`{0}` is not a number, and the target is numeric: correct the cell, or set task = \"classification\" if these are class names"
    )]
    TextInTarget(String),
    /// A real number where classes were asked for.
    #[error(
        "`{0}` is not a class: numeric classes have to be whole numbers; set task = \"regression\" to predict the number"
    )]
    NotWhole(String),
    /// Far more text than any level or number has.
    #[error(
        "{0} bytes are too long for a number or a level: leave the column out by data.drop, or look for a quote that was left open"
    )]
    TooLong(usize),
    /// A NUL byte.
    #[error(
        "there is a NUL byte: the file is damaged or not plain text; fetch it again, or save it as UTF-8 text"
    )]
    Nul,
    /// Bytes that are not a text.
    #[error(
        "this is not UTF-8: save the file as UTF-8 (`iconv -f latin1 -t utf-8` turns Latin-1 into it)"
    )]
    NotUtf8,
}

/// The sets that need no file.
pub const BUILT_IN: &[&str] = &["digits", "penguins", "concrete"];

/// Up to ten names in backticks, and how many more there are.
pub(super) fn listed_shortly(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(10).map(|name| shortened(name.as_bytes())).collect();
    let list = quoted(&shown.iter().map(String::as_str).collect::<Vec<_>>());
    match names.len() - shown.len() {
        0 => list,
        more => format!("{list} and {more} more"),
    }
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

fn data_row(row: Option<usize>) -> String {
    row.map_or_else(String::new, |row| format!(" (row {row})"))
}

/// The name most like `name`, if any is likely to be meant.
pub(super) fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let lower = name.to_lowercase();
    names
        .into_iter()
        .map(|known| (strsim::jaro_winkler(&lower, &known.to_lowercase()), known))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known.to_owned())
}

/// The beginning of a cell on one line, fit for a message.
#[must_use]
pub fn shortened(cell: &[u8]) -> String {
    const SHOWN: usize = 40;
    let text = String::from_utf8_lossy(&cell[..cell.len().min(4 * SHOWN)]);
    let mut short = String::new();
    for shown in text.chars().take(SHOWN) {
        if shown.is_control() {
            short.extend(shown.escape_debug());
        } else {
            short.push(shown);
        }
    }
    if text.chars().count() > SHOWN || cell.len() > 4 * SHOWN {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_named_by_its_line_where_the_file_has_lines() {
        let location = Location { file: 0, line: Some(3), row: 2 };
        assert_eq!(
            (location.to_string(), location.line_or_row()),
            ("line 3 (row 2)".to_owned(), "line 3".to_owned())
        );
        let location = Location { line: None, ..location };
        assert_eq!(
            (location.to_string(), location.line_or_row()),
            ("row 2".to_owned(), "row 2".to_owned())
        );
    }
}
