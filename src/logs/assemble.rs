//! Pieces from which sources assemble rows.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::error::LogError;
use super::input::Origin;
use super::json::Json;
use super::rows::Rows;

/// The object in which trackers repeat the hyperparameters.
pub(super) const CONFIG: &str = "config";

/// Rows of columns that stand side by side, each of its own length; `first` is the line of the first.
pub(super) fn columns(
    origin: &Origin,
    columns: &[(impl AsRef<str>, Vec<Option<f64>>)],
    first: u64,
) -> Result<Rows, LogError> {
    let mut rows = origin.rows();
    let places: Vec<usize> = columns.iter().map(|(name, _)| rows.column(name.as_ref())).collect();
    let longest = columns.iter().map(|(_, values)| values.len()).max().unwrap_or(0);
    for row in 0..longest {
        rows.begin(row as u64 + first);
        for (place, (_, values)) in places.iter().zip(columns) {
            if let Some(value) = values.get(row).copied().flatten() {
                rows.put(*place, value)?;
            }
        }
    }
    Ok(rows)
}

/// Parameters of a YAML file of `key: value` lines, as tools write their settings; what is indented below a key is
/// called after it, `trainer.seed`.
pub(super) fn flat_yaml(bytes: &[u8]) -> Map<String, Value> {
    let text = String::from_utf8_lossy(bytes);
    let mut found = Map::new();
    // The keys that the line is below, each with its indentation.
    let mut above: Vec<(usize, &str)> = Vec::new();
    for line in text.lines() {
        let content = line.trim_start_matches(' ');
        if content.is_empty() || content.starts_with(['#', '-', '!', '%']) {
            continue;
        }
        let Some((key, value)) = content.split_once(':') else { continue };
        let indentation = line.len() - content.len();
        while above.last().is_some_and(|(other, _)| *other >= indentation) {
            above.pop();
        }
        // A comment follows a blank, outside of quotes.
        let value = value.trim();
        let is_quoted = value.starts_with(['"', '\'']);
        let comment = value.find(" #").filter(|_| !is_quoted);
        let (key, value) = (key.trim(), value[..comment.unwrap_or(value.len())].trim());
        if value.is_empty() || value.starts_with('!') {
            above.push((indentation, key));
        } else {
            let mut path: Vec<&str> = above.iter().map(|(_, key)| *key).collect();
            path.push(key);
            found.insert(path.join("."), scalar(value));
        }
    }
    found
}

/// A number, a truth or a text, as YAML and text files write it.
pub(super) fn scalar(text: &str) -> Value {
    let plain = text.trim_matches(['\'', '"']);
    if plain.len() != text.len() {
        return plain.into();
    }
    match text {
        "true" | "True" => true.into(),
        "false" | "False" => false.into(),
        "null" | "~" | "None" => Value::Null,
        _ => {
            let whole = text.parse::<i64>().map(Value::from).ok();
            let number = || text.parse::<f64>().ok().filter(|v| v.is_finite()).map(Value::from);
            whole.or_else(number).unwrap_or_else(|| text.into())
        }
    }
}

/// Adds a row a step.
pub(super) fn put_steps(
    rows: &mut Rows,
    step_column: usize,
    steps: BTreeMap<i64, Vec<(usize, f64)>>,
) -> Result<(), LogError> {
    rows.count_rows();
    for (line, (step, values)) in (1..).zip(steps) {
        rows.begin(line);
        #[allow(clippy::cast_precision_loss)] // steps are far below 2^53
        rows.put(step_column, step as f64)?;
        for (column, value) in values {
            rows.put(column, value)?;
        }
    }
    Ok(())
}

/// A list of numbers, or what pandas makes of it: an object with the rows as keys.
pub(super) fn column(json: &Json) -> Option<Vec<Option<f64>>> {
    if let Some(values) = json.numbers() {
        return Some(values);
    }
    let entries = json.entries()?;
    let mut rows: Vec<(u64, Option<f64>)> = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        let value = match value {
            Json::Null => None,
            value => Some(value.number()?),
        };
        rows.push((key.parse().ok()?, value));
    }
    rows.sort_by_key(|(row, _)| *row);
    Some(rows.into_iter().map(|(_, value)| value).collect())
}

/// Adds the numbers of an object to the last row, tables below it by names with `/`.
pub(super) fn put_object(rows: &mut Rows, prefix: &str, json: &Json) -> Result<(), LogError> {
    for (key, value) in json.entries().unwrap_or_default() {
        let joined;
        let name = if prefix.is_empty() {
            &**key
        } else {
            joined = format!("{prefix}/{key}");
            &joined
        };
        match value {
            Json::Object(_) if prefix.is_empty() && name == CONFIG => {}
            Json::Object(_) => put_object(rows, name, value)?,
            Json::Number(value) => {
                let column = rows.column(name);
                rows.put(column, *value)?;
            }
            Json::Text(text) => {
                let column = rows.column(name);
                match value.number() {
                    Some(value) => rows.put(column, value)?,
                    None => rows.put_text(column, text),
                }
            }
            Json::Bool(value) => {
                let column = rows.column(name);
                rows.put_text(column, &value.to_string());
            }
            Json::Null | Json::Numbers(_) | Json::List(_) => {}
        }
    }
    Ok(())
}
