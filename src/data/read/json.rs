//! JSON lines, an object a row; or one list of objects, as pandas writes records.
//!
//! Columns are the keys in the order in which they first occur; a row without a key lacks that cell, as does `null`.

use std::path::Path;

use serde_json::{Map, Value};

use super::format::{Format, Input};
use crate::config::data::DataConfig;
use crate::data::error::{DataError, shortened};
use crate::data::table::builder::{Header, TableBuilder};
use crate::data::table::cell::Cell;

pub(super) const JSON: Format = Format {
    names: &["JSON lines"],
    endings: &["jsonl", "ndjson", "json"],
    keys: &["data.test_source", "data.drop", "data.categorical", "data.split.column"],
    read,
};

fn read(input: Input, _: &DataConfig, table: &mut TableBuilder) -> Result<(), DataError> {
    let Input { file, reader, .. } = input;
    let mut text = Vec::new();
    reader.read_to_end(&mut text).map_err(|cause| DataError::reading(file, cause))?;
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
    let is_list = text.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    if is_list {
        let rows: Vec<Value> =
            parsed(text).map_err(|cause| wrong(file, cause.line() as u64, None, &cause))?;
        let each = |take: &mut dyn FnMut(Option<u64>, Value) -> Result<(), DataError>| {
            rows.iter().try_for_each(|row| take(None, row.clone()))
        };
        return of_rows(each, file, table);
    }
    let each = |take: &mut dyn FnMut(Option<u64>, Value) -> Result<(), DataError>| {
        let lines = (1..).zip(text.split(|byte| *byte == b'\n'));
        let mut lines = lines.filter(|(_, line)| !line.trim_ascii().is_empty());
        lines.try_for_each(|(at, line)| {
            let row = parsed(line).map_err(|cause| wrong(file, at, None, &cause))?;
            take(Some(at), row)
        })
    };
    of_rows(each, file, table)
}

/// Reads a text; Python's bare `NaN` and infinities, which are no JSON, are read as `null`.
fn parsed<T: serde::de::DeserializeOwned>(text: &[u8]) -> Result<T, serde_json::Error> {
    match serde_json::from_slice(text) {
        Err(cause) if cause.is_syntax() => match without_bare_words(text) {
            Some(plain) => serde_json::from_slice(&plain),
            None => Err(cause),
        },
        found => found,
    }
}

/// The text with `null` for `NaN` and infinities outside of strings; none where it has none.
fn without_bare_words(text: &[u8]) -> Option<Vec<u8>> {
    const WORDS: [&[u8]; 3] = [b"NaN", b"-Infinity", b"Infinity"];
    let (mut found, mut at, mut is_in_string, mut has_any) = (Vec::new(), 0, false, false);
    while let Some(byte) = text.get(at) {
        let word = WORDS.iter().find(|word| !is_in_string && text[at..].starts_with(word));
        if let Some(word) = word {
            has_any = true;
            found.extend_from_slice(b"null");
            at += word.len();
            continue;
        }
        found.push(*byte);
        match byte {
            b'\\' if is_in_string => {
                found.extend(text.get(at + 1));
                at += 1;
            }
            b'"' => is_in_string = !is_in_string,
            _ => {}
        }
        at += 1;
    }
    has_any.then_some(found)
}

fn wrong(file: &Path, line: u64, row: Option<usize>, problem: &dyn std::fmt::Display) -> DataError {
    DataError::Line {
        file: file.to_owned(),
        line,
        row,
        problem: format!("not valid JSON: {problem}"),
    }
}

/// Takes rows, which `each` hands over as often as it is asked: once for their keys, once for their cells.
fn of_rows(
    each: impl Fn(&mut dyn FnMut(Option<u64>, Value) -> Result<(), DataError>) -> Result<(), DataError>,
    file: &Path,
    table: &mut TableBuilder,
) -> Result<(), DataError> {
    let mut names: Map<String, Value> = Map::new();
    let mut count = 0;
    each(&mut |line, row| {
        count += 1;
        let place = |problem: String| match line {
            Some(line) => {
                DataError::Line { file: file.to_owned(), line, row: Some(count), problem }
            }
            None => DataError::File {
                file: file.to_owned(),
                problem: format!("row {count}: {problem}"),
            },
        };
        let Value::Object(row) = row else {
            let found = shortened(row.to_string().as_bytes());
            return Err(place(format!("`{found}`: expected an object with a key for each column")));
        };
        for (key, value) in row {
            if matches!(value, Value::Array(_) | Value::Object(_)) {
                let problem = format!(
                    "`{}` holds a list or an object, which no cell can: give its parts keys of their own",
                    shortened(key.as_bytes())
                );
                return Err(place(problem));
            }
            names.entry(key).or_insert(Value::Null);
        }
        Ok(())
    })?;
    if names.is_empty() {
        let problem = "there is no row: expected an object on each line".to_owned();
        return Err(DataError::File { file: file.to_owned(), problem });
    }
    let names: Vec<String> = names.into_iter().map(|(name, _)| name).collect();
    table.begin(file, Header { names: names.clone(), ..Header::default() })?;
    each(&mut |line, row| {
        let cell = |at: usize| match &row[names[at].as_str()] {
            Value::Number(number) => number.as_f64().map_or(Cell::Missing, Cell::Number),
            Value::Bool(true) => Cell::Text(b"true"),
            Value::Bool(false) => Cell::Text(b"false"),
            Value::String(text) => Cell::Text(text.as_bytes()),
            Value::Null | Value::Array(_) | Value::Object(_) => Cell::Missing,
        };
        table.row(line, cell)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_python_writes_for_numbers_that_are_none_is_null() {
        let row: Value =
            parsed(br#"{"a": NaN, "b": [-Infinity, Infinity], "c": "NaN \" NaN"}"#).unwrap();
        assert_eq!(row, serde_json::json!({"a": null, "b": [null, null], "c": "NaN \" NaN"}));
        assert!(parsed::<Value>(b"{\"a\": Nan}").is_err());
    }
}
