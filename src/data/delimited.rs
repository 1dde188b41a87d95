//! CSV and TSV files: a header line, numeric inputs, one or several columns to predict.
//!
//! The file is read once from end to end; numbers go straight from bytes into the table, so that
//! no row is held as text. Text inputs and missing cells are refused.

use std::collections::HashSet;
use std::io::{Cursor, Read};
use std::path::Path;

use csv::ByteRecord;
use sha2::{Digest, Sha256};

use super::error::{self, CellProblem, DataError, Place, listed_shortly, shortened};
use super::file::{self, Hashing};
use super::target::{self, Finished, Number, RawTargets, TargetColumn};
use crate::spec::data::{Target, Task};

/// A header line is looked for in this much of the file.
const LONGEST_HEADER: u64 = 16 << 20;

/// A table as it stands in the file.
#[derive(Debug)]
pub(super) struct Table {
    /// rows x names
    pub values: Vec<f32>,
    /// The input columns.
    pub names: Vec<String>,
    /// The target columns.
    pub targets: Vec<String>,
    pub target_values: RawTargets,
    pub digest: String,
}

/// What is asked of the target.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub target: Option<&'a Target>,
    pub task: Option<Task>,
}

/// Reads a file, plain or gzipped.
pub(super) fn read_file(path: &Path, wanted: Wanted) -> Result<Table, DataError> {
    read(file::open(path)?.reader, path, wanted)
}

/// Reads a table; `path` gives the name in messages, and .tsv the delimiter.
pub(super) fn read(reader: impl Read, path: &Path, wanted: Wanted) -> Result<Table, DataError> {
    let mut hash = Sha256::new();
    let mut reader = Hashing { inner: reader, hash: &mut hash };
    let failed = |cause| DataError::Read { file: path.to_owned(), cause };
    let head = read_head(&mut reader).map_err(failed)?;
    let body = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head);
    if body.starts_with(&[0xff, 0xfe]) || body.starts_with(&[0xfe, 0xff]) {
        let problem = "the text is UTF-16: save the file as UTF-8".to_owned();
        return Err(DataError::File { file: path.to_owned(), problem });
    }
    let delimiter = delimiter_of(body, path);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .buffer_capacity(1 << 16)
        .from_reader(Cursor::new(body).chain(reader));
    let mut rows = Rows { path, reader: &mut reader };
    let header = rows.header(delimiter)?;
    let columns = Columns::new(header, wanted, path)?;
    let (values, target_values) = columns.read(&mut rows, wanted)?;
    drop(reader);
    let Columns { inputs, targets, .. } = columns;
    Ok(Table { values, names: inputs, targets, target_values, digest: file::hex(hash) })
}

/// The beginning of the text, as far as the end of the first line that is not empty.
fn read_head(reader: &mut impl Read) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::new();
    loop {
        let before = head.len();
        reader.by_ref().take(1 << 16).read_to_end(&mut head)?;
        let ended = head.len() < before + (1 << 16) || head.len() as u64 >= LONGEST_HEADER;
        let begun = head.iter().any(|byte| !matches!(byte, b'\r' | b'\n'));
        if ended || begun && first_line(&head).len() < head.len() {
            return Ok(head);
        }
    }
}

/// The first line that is not empty; line ends within quotes do not count.
fn first_line(text: &[u8]) -> &[u8] {
    let begin = text.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(0);
    let text = &text[begin..];
    let mut quoted = false;
    let end = text.iter().position(|byte| {
        quoted ^= *byte == b'"';
        !quoted && matches!(byte, b'\r' | b'\n')
    });
    &text[..end.unwrap_or(text.len())]
}

/// Tab for .tsv, else what occurs most often in the header, outside quotes.
fn delimiter_of(text: &[u8], path: &Path) -> u8 {
    if matches!(file::format(path).as_str(), "tsv" | "tab") {
        return b'\t';
    }
    let line = first_line(text);
    let count = |delimiter: u8| {
        let mut quoted = false;
        let outside = |byte: &&u8| {
            quoted ^= **byte == b'"';
            !quoted && **byte == delimiter
        };
        line.iter().filter(outside).count()
    };
    // The first of equals: where none occurs, the comma.
    let (commas, tabs, semicolons) = (count(b','), count(b'\t'), count(b';'));
    if commas >= tabs && commas >= semicolons {
        b','
    } else if tabs >= semicolons {
        b'\t'
    } else {
        b';'
    }
}

struct Rows<'a, R> {
    path: &'a Path,
    reader: &'a mut csv::Reader<R>,
}

impl<R: Read> Rows<'_, R> {
    fn next(&mut self, record: &mut ByteRecord) -> Result<bool, DataError> {
        self.reader.read_byte_record(record).map_err(|error| DataError::Read {
            file: self.path.to_owned(),
            cause: match error.into_kind() {
                csv::ErrorKind::Io(cause) => cause,
                other => std::io::Error::other(format!("{other:?}")),
            },
        })
    }

    fn header(&mut self, delimiter: u8) -> Result<Vec<String>, DataError> {
        let mut record = ByteRecord::new();
        let wrong = |problem: String| DataError::File { file: self.path.to_owned(), problem };
        if !self.next(&mut record)? {
            return Err(wrong(
                "the file is empty: expected a header line and rows of numbers".to_owned(),
            ));
        }
        let line = record.position().map_or(1, csv::Position::line);
        let wrong = |problem: String| DataError::Line {
            file: self.path.to_owned(),
            line,
            row: None,
            problem,
        };
        let mut names: Vec<String> = Vec::with_capacity(record.len());
        for cell in &record {
            let cell = cell.trim_ascii();
            if cell.contains(&0) {
                return Err(wrong(CellProblem::Nul.to_string()));
            }
            match std::str::from_utf8(cell) {
                Ok(name) => names.push(name.to_owned()),
                Err(_) => return Err(wrong(CellProblem::NotUtf8.to_string())),
            }
        }
        check_header(&names, delimiter).map_err(wrong)?;
        Ok(names)
    }
}

fn check_header(names: &[String], delimiter: u8) -> Result<(), String> {
    let number = |name: &&String| matches!(target::number(name.as_bytes()), Number::Finite(_));
    let whole = |name: &&String| name.bytes().all(|byte| byte.is_ascii_digit());
    if names.iter().all(|name| number(&name))
        || names.iter().any(|name| number(&name) && !whole(&name))
    {
        return Err(format!(
            "the first line holds numbers ({}): a file without a header is not yet built, put a line of column names on top",
            listed_shortly(names)
        ));
    }
    if names.len() == 1 {
        let delimiter = if delimiter == b'\t' { "tab" } else { "`,`, tab or `;`" };
        return Err(format!(
            "there is one column, `{}`: expected inputs and a target with {delimiter} between them",
            shortened(names[0].as_bytes())
        ));
    }
    if let Some(place) = names.iter().position(String::is_empty) {
        return Err(format!(
            "column {} of {} has no name: name it, or take it out if it only counts the rows",
            place + 1,
            names.len()
        ));
    }
    let mut seen = HashSet::new();
    match names.iter().find(|name| !seen.insert(name.as_str())) {
        Some(twice) => Err(format!(
            "two columns are called `{}`: every column needs a name of its own",
            shortened(twice.as_bytes())
        )),
        None => Ok(()),
    }
}

/// Which columns are inputs and which are targets.
struct Columns {
    all: Vec<String>,
    inputs: Vec<String>,
    targets: Vec<String>,
    /// Of each column of the file.
    role: Vec<Role>,
}

#[derive(Clone, Copy)]
enum Role {
    Input,
    Target(usize),
}

impl Columns {
    fn new(all: Vec<String>, wanted: Wanted, path: &Path) -> Result<Self, DataError> {
        let source_name = || file_name(path);
        let targets = match wanted.target {
            Some(target) => target.names().to_vec(),
            None => all.last().cloned().into_iter().collect(),
        };
        if let Some(unknown) = targets.iter().find(|name| !all.contains(name)) {
            return Err(DataError::UnknownTarget {
                source_name: source_name(),
                name: unknown.clone(),
                nearest: error::nearest(unknown, all.iter().map(String::as_str)),
                columns: all,
            });
        }
        let problem = if targets.len() == all.len() {
            Some("every column is a target: leave at least one as an input")
        } else if targets.len() > 1 && wanted.task == Some(Task::Classification) {
            Some("several targets are a regression: name one column, or set task = \"regression\"")
        } else {
            None
        };
        if let Some(problem) = problem {
            return Err(DataError::Target {
                source_name: source_name(),
                problem: problem.to_owned(),
            });
        }
        let role: Vec<Role> = all
            .iter()
            .map(|name| match targets.iter().position(|target| target == name) {
                Some(place) => Role::Target(place),
                None => Role::Input,
            })
            .collect();
        let inputs = all.iter().filter(|name| !targets.contains(name)).cloned().collect();
        Ok(Self { all, inputs, targets, role })
    }

    fn read<R: Read>(
        &self,
        rows: &mut Rows<R>,
        wanted: Wanted,
    ) -> Result<(Vec<f32>, RawTargets), DataError> {
        let path = rows.path;
        let several = self.targets.len() > 1;
        let task = if several { Some(Task::Regression) } else { wanted.task };
        let mut columns: Vec<TargetColumn> =
            self.targets.iter().map(|_| TargetColumn::new(task)).collect();
        let mut values = Vec::new();
        let mut record = ByteRecord::new();
        let mut place = Place { line: 0, row: 0 };
        while rows.next(&mut record)? {
            place.line = record.position().map_or(0, csv::Position::line);
            place.row += 1;
            if record.len() != self.all.len() {
                return Err(self.ragged(path, place, &record));
            }
            for ((cell, role), name) in record.iter().zip(&self.role).zip(&self.all) {
                let cell = cell.trim_ascii();
                match role {
                    Role::Input => input(cell).map(|value| values.push(value)),
                    Role::Target(column) => columns[*column].push(cell, place),
                }
                .map_err(|problem| cell_error(path, place, name, problem))?;
            }
        }
        if place.row == 0 {
            return Err(DataError::File {
                file: path.to_owned(),
                problem: "there is a header and no row below it".to_owned(),
            });
        }
        if u32::try_from(place.row).is_err() {
            return Err(DataError::File {
                file: path.to_owned(),
                problem: format!("{} rows are more than can be counted in 32 bits", place.row),
            });
        }
        let mut finished = Vec::with_capacity(columns.len());
        for (column, name) in columns.into_iter().zip(&self.targets) {
            finished.push(
                column
                    .finish()
                    .map_err(|(place, problem)| cell_error(path, place, name, problem))?,
            );
        }
        Ok((values, self.together(finished)))
    }

    /// Several targets as rows of numbers, one as what it is.
    fn together(&self, mut finished: Vec<Finished>) -> RawTargets {
        if finished.len() == 1
            && let Some(Finished::Classes { labels, names }) =
                finished.pop_if(|column| matches!(column, Finished::Classes { .. }))
        {
            return RawTargets::Classes { labels, names };
        }
        let columns: Vec<Vec<f64>> = finished
            .into_iter()
            .filter_map(|column| match column {
                Finished::Numbers(numbers) => Some(numbers),
                Finished::Classes { .. } => None,
            })
            .collect();
        let rows = columns.first().map_or(0, Vec::len);
        let values = (0..rows).flat_map(|row| columns.iter().map(move |c| c[row])).collect();
        RawTargets::Values { values, names: self.targets.clone() }
    }

    fn ragged(&self, path: &Path, place: Place, record: &ByteRecord) -> DataError {
        let mut problem = format!(
            "{} cells, but the header has {}: add or take out cells, or quote those that hold the delimiter",
            record.len(),
            self.all.len()
        );
        if record.iter().any(|cell| cell.contains(&b'\n')) {
            problem.push_str("; a quote may have been left open");
        }
        DataError::Line { file: path.to_owned(), line: place.line, row: Some(place.row), problem }
    }
}

fn input(cell: &[u8]) -> Result<f32, CellProblem> {
    std::str::from_utf8(cell)
        .ok()
        .and_then(|text| text.parse::<f32>().ok())
        .filter(|value| value.is_finite())
        .ok_or_else(|| target::problem_of(cell, CellProblem::Text))
}

fn cell_error(path: &Path, place: Place, column: &str, problem: CellProblem) -> DataError {
    let column = shortened(column.as_bytes());
    DataError::Cell { file: path.to_owned(), place, column, problem }
}

/// The last part of a path, for summaries.
pub(super) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
