//! How results name the levels of a factor.

use std::fmt::Write;
use std::sync::Arc;

use serde_json::{Map, Number, Value as Json};

use super::node::{Node, Source, Value};
use super::parse::parse_toml_value;

/// A value as JSON.
pub(super) fn json(node: &Node) -> Json {
    match &node.value {
        Value::Bool(value) => Json::Bool(*value),
        Value::Int(value) => Number::from_i128(*value).map_or(Json::Null, Json::Number),
        Value::Float(value) => Number::from_f64(*value).map_or(Json::Null, Json::Number),
        Value::Str(text) => Json::String(text.clone()),
        Value::List(elements) => Json::Array(elements.iter().map(json).collect()),
        Value::Table(entries) => {
            let entries = entries.iter().map(|(key, node)| (key.name.clone(), json(node)));
            Json::Object(entries.collect::<Map<_, _>>())
        }
    }
}

/// What a text on the command line stands for: its value where it is TOML, else the text itself.
#[must_use]
pub fn value_of(text: &str) -> Json {
    let (name, text) = (String::new(), text.to_owned());
    let source = Arc::new(Source { name, text, command_line: true });
    parse_toml_value(&source, 0).map_or_else(|_| source.text.as_str().into(), |node| json(&node))
}

/// A text that two values share exactly where they are the same, whatever the order of their keys.
pub(super) fn canonical(node: &Node) -> String {
    fn sorted(value: Json) -> Json {
        match value {
            Json::Array(elements) => Json::Array(elements.into_iter().map(sorted).collect()),
            Json::Object(entries) => {
                let mut entries: Vec<_> =
                    entries.into_iter().map(|(key, value)| (key, sorted(value))).collect();
                entries.sort_by(|(a, _), (b, _)| a.cmp(b));
                Json::Object(entries.into_iter().collect())
            }
            scalar => scalar,
        }
    }
    sorted(json(node)).to_string()
}

/// The levels by name: scalars and lists as they are, a table as its kind where that is unique,
/// else as `kind(key=value)`.
pub(super) fn labels(levels: &[Node]) -> Vec<Json> {
    let kinds: Vec<Option<&str>> = levels.iter().map(kind).collect();
    let mut times = std::collections::HashMap::new();
    for kind in kinds.iter().flatten() {
        *times.entry(*kind).or_insert(0_usize) += 1;
    }
    let label = |(level, kind): (&Node, Option<&str>)| match (&level.value, kind) {
        (Value::Table(_), Some(kind)) if times.get(kind) == Some(&1) => Json::from(kind),
        (Value::Table(_), _) => Json::from(written(level)),
        _ => json(level),
    };
    levels.iter().zip(kinds.iter().copied()).map(label).collect()
}

fn kind(level: &Node) -> Option<&str> {
    level.entries()?;
    level.get("kind")?.as_str()
}

/// A value as it was written: `kind(key=value, …)`, or `{key=value, …}` for a table without a kind.
#[must_use]
pub fn written(node: &Node) -> String {
    of_value(&json(node))
}

/// The same of a value in results.
#[must_use]
pub fn of_value(value: &Json) -> String {
    match value {
        Json::Object(table) => of_settings(table, table.keys().map(String::as_str)),
        Json::Array(elements) => {
            let elements: Vec<String> = elements.iter().map(of_value).collect();
            format!("[{}]", elements.join(", "))
        }
        Json::String(text) if is_plain(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A table by its kind and these of its keys.
#[must_use]
pub fn of_settings<'a>(table: &Map<String, Json>, keys: impl Iterator<Item = &'a str>) -> String {
    let kind = table.get("kind").and_then(Json::as_str);
    let pairs: Vec<String> = keys
        .filter(|key| kind.is_none() || *key != "kind")
        .filter_map(|key| Some(format!("{key}={}", of_value(table.get(key)?))))
        .collect();
    match (kind, pairs.is_empty()) {
        (Some(kind), true) => kind.to_owned(),
        (Some(kind), false) => format!("{kind}({})", pairs.join(", ")),
        (None, _) => format!("{{{}}}", pairs.join(", ")),
    }
}

/// Whether a text needs no quotes to be told from what is around it.
fn is_plain(text: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || "_-./".contains(c);
    !text.is_empty() && text.chars().all(plain)
}

/// `model.norm.kind = "batch", early_stopping = "none"`.
pub(super) fn cell(factors: &Map<String, Json>) -> String {
    let mut text = String::new();
    for (key, level) in factors {
        if !text.is_empty() {
            text.push_str(", ");
        }
        // Writing to a string cannot fail.
        let _ = write!(text, "{key} = {level}");
    }
    text
}
