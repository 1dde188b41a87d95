//! From a file to what it holds: which kind of text or bytes it is, and which source takes it.

use std::io::{self, BufRead, BufReader, Read};

use super::assemble::{CONFIG, put_object};
use super::error::{Fault, LogError};
use super::input::{Input, Origin};
use super::json::{Json, NoJson};
use super::list::{SOURCES, of_table};
use super::rows::Rows;
use super::source::{Drafts, Lines};
use super::sqlite::{self, Database};
use super::text_table;
use super::training::Draft;

/// The trainings in a file.
pub(super) fn read(input: Input) -> Drafts {
    let name = input.origin.file_name();
    if let Some(source) = SOURCES.iter().find(|source| source.takes_bytes(&input.head, &name)) {
        let (origin, bytes) = input.bytes()?;
        return source.bytes(&bytes, &origin);
    }
    if input.head.starts_with(sqlite::MAGIC) {
        return database(input);
    }
    match input.head.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => {
            Err(LogError::at_line(&input.origin.file, 1, "the file is empty: expected a header"))
        }
        Some(b'{' | b'[') if !text_table::is_of_lines(&input.head) => json(input),
        Some(_) if input.head.contains(&0) => Err(text_table::not_a_log(&input.origin.file)),
        Some(_) if text_table::is_of_lines(&input.head) => text_table::read_lines(input),
        Some(_) => text_table::read(input),
    }
}

fn database(input: Input) -> Drafts {
    let (origin, bytes) = input.bytes()?;
    let log = origin.write_ahead_log();
    let database = Database::open(&bytes, log.as_deref(), &origin.file)?;
    let taken = SOURCES.iter().find_map(|source| source.database(&database, &origin));
    taken.unwrap_or_else(|| {
        let problem = "a database, but no store of MLflow, Optuna or Trackio";
        Err(LogError::at(Fault::NotALog, &origin.file, problem))
    })
}

fn json(input: Input) -> Drafts {
    let start = input.head.trim_ascii_start();
    let first =
        start.iter().position(|byte| *byte == b'\n').map(|end| (&start[..end], &start[end..]));
    let is_lines = first.is_some_and(|(line, rest)| {
        line.first() == Some(&b'{')
            && rest.trim_ascii_start().first() == Some(&b'{')
            && Json::parse(line).is_ok()
    });
    if is_lines {
        let origin = input.origin.clone();
        return lines(&mut BufReader::new(input.reader()), &origin);
    }
    let (origin, bytes) = input.bytes()?;
    match Json::parse(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes)) {
        Ok(json) => of_json(&json, &origin),
        Err(NoJson { problem, offset }) => {
            // A first line longer than the head.
            if bytes[..offset.min(bytes.len())].contains(&b'\n')
                && let Ok(drafts) = lines(&mut bytes.as_slice(), &origin)
            {
                return Ok(drafts);
            }
            let line = bytes[..offset].split(|byte| *byte == b'\n').count();
            Err(LogError::at_line(&origin.file, line as u64, format!("not valid JSON: {problem}")))
        }
    }
}

/// The trainings in a JSON text.
fn of_json(json: &Json, origin: &Origin) -> Drafts {
    if let Some(taken) = SOURCES.iter().find_map(|source| source.json(json, origin)) {
        return taken;
    }
    match json.entries() {
        // What is wrapped, such as `{"history": {…}}`.
        Some([(_, inner @ Json::Object(_))]) => of_json(inner, origin),
        // Of JSON lines, a single one.
        Some(entries) if entries.iter().any(|(_, value)| value.number().is_some()) => {
            let mut row: Box<dyn Lines> = SOURCES
                .iter()
                .find_map(|source| source.lines(json, origin))
                .unwrap_or_else(|| Box::new(RowLines::new(origin)));
            row.line(1, json)?;
            row.finish()
        }
        _ => Err(text_table::not_a_log(&origin.file)),
    }
}

fn lines(reader: &mut dyn BufRead, origin: &Origin) -> Drafts {
    /// The longest line: Ray repeats the config in each.
    const LONGEST: u64 = 256 << 20;
    let longest = LONGEST.min(origin.budget.bytes());
    let mut sink: Option<Box<dyn Lines>> = None;
    let mut text = Vec::new();
    let (mut number, mut notes) = (0, Vec::new());
    let fault = |error: io::Error| LogError::at(Fault::Damaged, &origin.file, error.to_string());
    loop {
        text.clear();
        if reader.take(longest).read_until(b'\n', &mut text).map_err(fault)? == 0 {
            break;
        }
        number += 1;
        if text.len() as u64 == longest && text.last() != Some(&b'\n') {
            let problem = "a line is longer than can be held";
            return Err(LogError::at_line(&origin.file, number, problem));
        }
        if text.trim_ascii().is_empty() {
            continue;
        }
        let json = match Json::parse(&text) {
            Ok(json) => json,
            Err(_) if text.last() != Some(&b'\n') => {
                notes.push(format!("line {number}, the last, is cut short: left out"));
                break;
            }
            Err(NoJson { problem, .. }) => {
                let problem = format!("not valid JSON: {problem}");
                return Err(LogError::at_line(&origin.file, number, problem));
            }
        };
        if sink.is_none() {
            let special = SOURCES.iter().find_map(|source| source.lines(&json, origin));
            sink = Some(special.unwrap_or_else(|| Box::new(RowLines::new(origin))));
        }
        if let Some(sink) = &mut sink {
            sink.line(number, &json)?;
        }
    }
    let Some(sink) = sink else { return Err(text_table::not_a_log(&origin.file)) };
    let mut drafts = sink.finish()?;
    for draft in &mut drafts {
        draft.notes.splice(0..0, notes.clone());
    }
    Ok(drafts)
}

/// A row a line.
struct RowLines {
    origin: Origin,
    rows: Rows,
    parameters: serde_json::Map<String, serde_json::Value>,
}

impl RowLines {
    fn new(origin: &Origin) -> Self {
        let (rows, parameters) = (origin.rows(), serde_json::Map::new());
        Self { origin: origin.clone(), rows, parameters }
    }
}

impl Lines for RowLines {
    fn line(&mut self, number: u64, json: &Json) -> Result<(), LogError> {
        self.rows.begin(number);
        if self.parameters.is_empty()
            && let Some(config) = json.get(CONFIG)
        {
            self.parameters = config.parameters();
        }
        put_object(&mut self.rows, "", json)
    }

    fn finish(self: Box<Self>) -> Drafts {
        let source = of_table(self.rows.names(), &self.origin);
        let path = self.origin.path.clone();
        let mut draft = Draft::new(&self.origin.stem, source.tool(), path, self.rows);
        draft.parameters = self.parameters;
        source.finish(&mut draft, &self.origin);
        Ok(vec![draft])
    }
}
