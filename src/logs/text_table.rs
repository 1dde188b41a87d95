//! Tables of text: CSV, TSV, and what tools make of them. Read row by row, as numbers.

use std::collections::{HashMap, HashSet};
use std::io::{self, BufRead, BufReader, Read};

use serde_json::{Map, Value};

use super::error::{Fault, LogError};
use super::input::{Input, Origin};
use super::list::{SOURCES, of_table};
use super::names::{self, Counts, counts, is_clock};
use super::number::{Cell, cell};
use super::rows::Rows;
use super::source::{SideBySide, Source};

use super::training::Draft;

/// Columns that name the run that a row is of.
const RUNS: [&str; 9] = [
    "training",
    "run",
    "run_name",
    "run_id",
    "run_uuid",
    "trial",
    "trial_id",
    "trial_number",
    "name",
];

/// Columns that name what the column `value` holds.
const KEYS: [&str; 5] = ["key", "metric", "tag", "variable", "metric_name"];

const VALUE: &str = "value";

/// The split that our own table of curves names.
const SPLIT: &str = "split";

/// How a table of text is laid out.
enum Layout {
    /// A column per metric; the columns that name the run.
    Wide { runs: Vec<usize> },
    /// A row per value: the columns of its name, of the value, of the split, of the counter.
    Long { key: usize, value: usize, split: Option<usize>, counter: usize, runs: Vec<usize> },
    /// The runs stand side by side.
    SideBySide(SideBySide),
}

/// The trainings of a table.
pub(super) fn read(input: Input) -> Result<Vec<Draft>, LogError> {
    let origin = input.origin.clone();
    let file = origin.file.clone();
    let header = input.head.split(|c| *c == b'\n').find(|line| !line.trim_ascii().is_empty());
    let header = header.unwrap_or_default().to_vec();
    let is_crlf = header.last() == Some(&b'\r');
    let delimiter = delimiter(&header);
    // The least cell is two bytes, and takes eight of a record besides.
    let longest = origin.budget.bytes() / 8;
    let mut ending = Ending { source: input.reader(), last: b'\n', line: 0, longest };
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .has_headers(false)
        .trim(csv::Trim::All)
        .from_reader(&mut ending);
    let mut record = csv::ByteRecord::new();
    let broken = |error: csv::Error| {
        let line = error.position().map_or(1, csv::Position::line);
        LogError::at_line(&file, line, error.to_string())
    };
    if !reader.read_byte_record(&mut record).map_err(broken)? {
        return Err(LogError::at_line(&file, 1, "the file is empty: expected a header"));
    }
    let names: Vec<String> =
        record.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    let is_number = |name: &String| matches!(cell(name, false), Cell::Number(_));
    if names.iter().all(is_number) {
        let problem =
            "the first line holds numbers: expected a header with the names of the columns";
        return Err(LogError::at_line(&file, 1, problem));
    }
    if let Some(advice) = SOURCES.iter().find_map(|source| source.refuses(&names)) {
        return Err(LogError::at(Fault::NoCurves, &file, advice));
    }
    let layout = layout(&names);
    let mut seen = HashSet::with_capacity(names.len());
    if !matches!(layout, Layout::SideBySide(_))
        && let Some(twice) = names.iter().find(|name| !seen.insert(name.as_str()))
    {
        let problem = format!("column `{twice}` appears twice");
        return Err(LogError::at_line(&file, 1, problem));
    }
    let mut table = Table {
        comma: delimiter == b';',
        names: &names,
        layout: &layout,
        groups: Vec::new(),
        places: HashMap::new(),
        rows: origin.rows(),
        held: 0,
    };
    let mut notes = Vec::new();
    let mut unfinished: Option<(u64, csv::ByteRecord)> = None;
    loop {
        let more = reader.read_byte_record(&mut record).map_err(broken)?;
        if let Some((line, row)) = unfinished.take() {
            let ends = more || ending_of(&reader) == b'\n' || ending_of(&reader) == b'"';
            if row.len() != names.len() && !ends {
                notes.push(format!("line {line} is cut short: left out"));
            } else if row.len() != names.len() {
                let problem = format!("{} cells where the header has {}", row.len(), names.len());
                return Err(LogError::at_line(&file, line, problem));
            } else if !ends {
                notes.push(format!(
                    "line {line}, the last, has no line break, so that its last number may be cut \
                     short: left out; end it with one if it is whole"
                ));
            } else if row.iter().zip(&names).all(|(cell, name)| cell == name.as_bytes()) {
                notes.push(format!("line {line} repeats the header: the log was appended to"));
            } else {
                table.push(line, &row)?;
            }
        }
        if !more {
            break;
        }
        // A record ends at the first byte of CRLF, and the next begins before the line is counted.
        let line = record.position().map_or(0, csv::Position::line) + u64::from(is_crlf);
        // It is the last where nothing follows it.
        unfinished = Some((line, record.clone()));
    }
    table.finish(&origin, &notes)
}

fn ending_of<R: Read>(reader: &csv::Reader<&mut Ending<R>>) -> u8 {
    reader.get_ref().last
}

/// A reader that knows the last byte of what it read.
struct Ending<R> {
    source: R,
    last: u8,
    /// Bytes since the last line break.
    line: u64,
    /// Bytes that a line may have.
    longest: u64,
}

impl<R: Read> Read for Ending<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        if count > 0 {
            self.last = buffer[count - 1];
            let end = buffer[..count].iter().rposition(|byte| *byte == b'\n');
            self.line = end.map_or(self.line + count as u64, |end| (count - end - 1) as u64);
            if self.line > self.longest {
                return Err(io::Error::other("a line is longer than can be held"));
            }
        }
        Ok(count)
    }
}

/// What cells are cut at: what the header has most of.
fn delimiter(header: &[u8]) -> u8 {
    let mut in_quotes = false;
    let mut found = [(b',', 0), (b'\t', 0), (b';', 0)];
    for byte in header {
        in_quotes ^= *byte == b'"';
        for (delimiter, count) in &mut found {
            *count += usize::from(!in_quotes && *byte == *delimiter);
        }
    }
    // The first of those that are as many.
    found.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(delimiter, _)| *delimiter)
}

fn layout(names: &[String]) -> Layout {
    if let Some(found) = SOURCES.iter().find_map(|source| source.side_by_side(names)) {
        return Layout::SideBySide(found);
    }
    let lower: Vec<String> = names.iter().map(|name| name.to_lowercase()).collect();
    let find = |known: &str| lower.iter().position(|name| name == known);
    let counter = names::counter(names.iter().map(String::as_str).enumerate());
    let key = KEYS.iter().find_map(|known| find(known));
    if let (Some(key), Some(value), Some(counter)) = (key, find(VALUE), counter) {
        let split = find(SPLIT);
        let is_of_run = |at: &usize| {
            ![Some(key), Some(value), split, Some(counter)].contains(&Some(*at))
                && counts(&names[*at]).is_none()
                && !is_clock(&names[*at])
        };
        let runs = (0..names.len()).filter(is_of_run).collect();
        return Layout::Long { key, value, split, counter, runs };
    }
    let runs = (0..names.len()).filter(|at| RUNS.contains(&lower[*at].as_str())).collect();
    Layout::Wide { runs }
}

/// The rows of one run.
struct Group {
    name: String,
    /// What the columns that name the run hold.
    parameters: Map<String, Value>,
    rows: Rows,
    /// Of a long table: counter, column, value, line.
    values: Vec<(f64, usize, f64, u64)>,
}

struct Table<'a> {
    comma: bool,
    names: &'a [String],
    layout: &'a Layout,
    groups: Vec<Group>,
    places: HashMap<String, usize>,
    /// An example of what a group's rows are.
    rows: Rows,
    held: usize,
}

impl Table<'_> {
    fn group(
        &mut self,
        name: &str,
        parameters: impl FnOnce() -> Map<String, Value>,
    ) -> Result<usize, LogError> {
        if let Some(place) = self.places.get(name) {
            return Ok(*place);
        }
        self.held += 32 + 8 * self.names.len();
        if !self.rows.budget().allows(self.held) {
            return Err(self.rows.too_large());
        }
        let group = Group {
            name: name.to_owned(),
            parameters: parameters(),
            rows: self.rows.sibling(),
            values: Vec::new(),
        };
        self.groups.push(group);
        self.places.insert(name.to_owned(), self.groups.len() - 1);
        Ok(self.groups.len() - 1)
    }

    fn push(&mut self, line: u64, record: &csv::ByteRecord) -> Result<(), LogError> {
        let text = |at: usize| String::from_utf8_lossy(record.get(at).unwrap_or_default());
        match self.layout {
            Layout::Wide { runs } => {
                let name = runs.iter().map(|at| text(*at)).collect::<Vec<_>>().join(" ");
                let place = self.group(&name, Map::new)?;
                let group = &mut self.groups[place];
                group.rows.begin(line);
                for (at, bytes) in record.iter().enumerate() {
                    let column = group.rows.column(&self.names[at]);
                    put(&mut group.rows, column, bytes, self.comma)?;
                }
            }
            Layout::Long { key, value, split, counter, runs } => {
                let parts: Vec<String> = runs.iter().map(|at| text(*at).into_owned()).collect();
                let parameters = || {
                    let entries = runs.iter().zip(&parts);
                    entries
                        .map(|(at, part)| (self.names[*at].clone(), part.clone().into()))
                        .collect()
                };
                let name = parts.join(" ");
                let parameters: Map<String, Value> =
                    if self.places.contains_key(&name) { Map::new() } else { parameters() };
                let place = self.group(&name, || parameters)?;
                let prefix = match split.map(|at| text(at).into_owned()).as_deref() {
                    None | Some("") => String::new(),
                    Some("validation") => "val_".to_owned(),
                    Some("training") => "train_".to_owned(),
                    Some(split) => format!("{split}_"),
                };
                let group = &mut self.groups[place];
                let column = group.rows.column(&format!("{prefix}{}", text(*key)));
                let at = cell(&text(*counter), self.comma);
                match (at, cell(&text(*value), self.comma)) {
                    (Cell::Number(at), Cell::Number(value)) => {
                        group.values.push((at, column, value, line));
                        self.held += 2;
                    }
                    (Cell::Number(_), Cell::Missing) => {}
                    _ => {
                        let problem = format!(
                            "`{}` and `{}` are expected to be numbers",
                            self.names[*counter], self.names[*value]
                        );
                        return Err(LogError::at_line(self.rows.file(), line, problem));
                    }
                }
                if !self.rows.budget().allows(self.held) {
                    return Err(self.rows.too_large());
                }
            }
            Layout::SideBySide(columns) => {
                let mut shared: Vec<(usize, f64)> = Vec::new();
                let mut begun: Vec<usize> = Vec::new();
                for (at, run) in columns.iter().enumerate() {
                    let value = cell(&text(at), self.comma);
                    match (run, value) {
                        (None, Cell::Number(value)) => shared.push((at, value)),
                        (Some((run, metric)), Cell::Number(value)) => {
                            let place = self.group(run, Map::new)?;
                            let group = &mut self.groups[place];
                            if !begun.contains(&place) {
                                begun.push(place);
                                group.rows.begin(line);
                                for (at, value) in &shared {
                                    let column = group.rows.column(&self.names[*at]);
                                    group.rows.put(column, *value)?;
                                }
                            }
                            let column = group.rows.column(metric);
                            group.rows.put(column, value)?;
                        }
                        _ => {}
                    }
                }
            }
        }
        Ok(())
    }

    fn finish(mut self, origin: &Origin, notes: &[String]) -> Result<Vec<Draft>, LogError> {
        let is_long = matches!(self.layout, Layout::Long { .. });
        if let Layout::Long { counter, .. } = self.layout {
            for group in &mut self.groups {
                unfold(group, &self.names[*counter])?;
            }
        }
        let one_row_each = self.groups.len() > 1 && self.groups.iter().all(|g| g.rows.len() <= 1);
        if one_row_each && !is_long {
            return Err(LogError::at(
                Fault::NoCurves,
                &origin.file,
                "a table of one row a run holds no curves: give the file or store in which the tool keeps \
                 what it measured epoch by epoch",
            ));
        }
        if self.groups.is_empty() {
            let place = self.group("", Map::new)?;
            for name in self.names {
                self.groups[place].rows.column(name);
            }
        }
        let several = self.groups.len() > 1;
        let source = of_table(self.names, origin);
        let is_named = matches!(self.layout, Layout::SideBySide(_));
        let mut drafts = Vec::with_capacity(self.groups.len());
        for group in self.groups {
            let name = if several || is_named { group.name } else { origin.stem.clone() };
            let mut draft = Draft::new(&name, source.tool(), origin.path.clone(), group.rows);
            draft.nan_is_missing = true;
            draft.parameters = group.parameters;
            draft.notes = notes.to_vec();
            source.finish(&mut draft, origin);
            drafts.push(draft);
        }
        Ok(drafts)
    }
}

fn put(rows: &mut Rows, column: usize, bytes: &[u8], comma: bool) -> Result<(), LogError> {
    // Most cells are plain numbers or empty.
    if bytes.is_empty() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(bytes);
    match cell(&text, comma) {
        Cell::Missing => {}
        Cell::Number(value) => rows.put(column, value)?,
        Cell::Text => {
            // That it was there counts for which rows there are, not what it was.
            rows.put_text(column, &text);
        }
    }
    Ok(())
}

/// From a row per value to a row per value of the counter.
fn unfold(group: &mut Group, counter: &str) -> Result<(), LogError> {
    group.values.sort_by(|a, b| a.0.total_cmp(&b.0));
    let column = group.rows.column(counter);
    let mut last = None;
    for (at, metric, value, line) in std::mem::take(&mut group.values) {
        if last != Some(at) {
            group.rows.begin(line);
            group.rows.put(column, at)?;
            last = Some(at);
        }
        group.rows.put(metric, value)?;
    }
    Ok(())
}

/// A text whose lines are neither a table nor JSON: what boosters print.
pub(super) fn read_lines(input: Input) -> Result<Vec<Draft>, LogError> {
    let origin = input.origin.clone();
    let mut rows = origin.rows();
    let mut taken: Option<&&dyn Source> = None;
    let mut text = Vec::new();
    let mut reader = BufReader::new(input.reader());
    let mut line = 0;
    let mut notes = Vec::new();
    let fault = |error: io::Error| LogError::at(Fault::Damaged, &origin.file, error.to_string());
    loop {
        text.clear();
        // A line of a log is short; what is longer is none.
        let count = (&mut reader).take(1 << 20).read_until(b'\n', &mut text).map_err(fault)?;
        if count == 0 {
            break;
        }
        line += 1;
        let content = String::from_utf8_lossy(&text);
        let found =
            SOURCES.iter().find_map(|source| Some((source, source.text(content.trim_end())?)));
        let Some((source, found)) = found else { continue };
        if text.last() != Some(&b'\n') {
            notes.push(format!("line {line}, the last, has no line break: left out"));
            break;
        }
        taken = Some(source);
        rows.begin(line);
        let counter = rows.column(found.counter.0);
        rows.put(counter, found.counter.1)?;
        for (name, value) in found.values {
            let name = if name.is_empty() { origin.file_name() } else { name };
            let column = rows.column(&name);
            rows.put(column, value)?;
        }
    }
    let Some(source) = taken else { return Err(not_a_log(&origin.file)) };
    let mut draft = Draft::new(&origin.stem, source.tool(), origin.path.clone(), rows);
    draft.notes = notes;
    draft.monitor = draft.rows.names().last().cloned();
    source.finish(&mut draft, &origin);
    Ok(vec![draft])
}

/// Whether the first lines of a text are of a log of lines.
pub(super) fn is_of_lines(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.lines().take(200);
    lines.any(|line| SOURCES.iter().any(|source| source.text(line.trim_end()).is_some()))
}

pub(super) fn not_a_log(file: &str) -> LogError {
    let problem = "no log of a training: expected a table with a header, JSON, JSON lines, an event file or a \
                   tracker's store";
    LogError::at(Fault::NotALog, file, problem)
}

/// Whether a table found in a folder is a log: it counts epochs or steps, or has a validation loss.
pub(super) fn looks_like_a_log(names: &[String]) -> bool {
    let counted =
        names.iter().any(|name| matches!(counts(name), Some(Counts::Epochs | Counts::Steps)));
    counted || !names::validation_losses(names.iter().map(String::as_str)).is_empty()
}
