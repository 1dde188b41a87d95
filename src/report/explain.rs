//! What a key of a config means, or which keys a table has.

use serde_json::Value;

use super::wrap::wrap;
use crate::config::schema::{Entry, Form};
use crate::names::nearest;

/// The width where no terminal says another.
const WIDTH: usize = 80;

/// Places of a name that are explained one after the other: of more, none was meant.
const PLACES: usize = 3;

/// A key that there is not, and what was probably meant.
#[derive(Debug, thiserror::Error)]
#[error("there is no key `{key}`{}", near.as_ref().map_or_else(|| ": `bnes explain` lists the tables".to_owned(), |near| format!(": did you mean {near}?")))]
pub struct UnknownKey {
    key: String,
    near: Option<String>,
}

/// Explains a dotted key, or its last part, by the reference of all keys; without a key, lists what there is at the top.
///
/// # Errors
/// Where there is no such key.
pub fn explain(
    reference: &Value,
    key: Option<&str>,
    width: Option<usize>,
) -> Result<String, UnknownKey> {
    let width = width.unwrap_or(WIDTH);
    let Some(key) = key else { return Ok(top(reference, width)) };
    let mut paths = Vec::new();
    collect(reference, "", &mut paths);
    let asked = plain(key);
    let ends = |path: &&String| {
        path.strip_suffix(asked.as_str())
            .is_some_and(|around| around.is_empty() || around.ends_with('.'))
    };
    let exact = paths.iter().filter(|path| **path == asked);
    let found: Vec<&String> = match exact.clone().next() {
        Some(_) => exact.collect(),
        None => paths.iter().filter(ends).collect(),
    };
    if found.is_empty() || found.len() > PLACES {
        return Err(UnknownKey { near: near(&asked, &paths, &found), key: key.to_owned() });
    }
    let texts: Vec<String> =
        found.iter().filter_map(|path| about(reference, path, width)).collect();
    Ok(texts.join("\n"))
}

/// A key without the brackets of a table, and without the table that varies it.
fn plain(key: &str) -> String {
    let key = key.trim().trim_start_matches('[').trim_end_matches(']').replace(['"', '\''], "");
    let below = ["matrix.", "tune."].iter().find_map(|table| key.strip_prefix(table));
    below.unwrap_or(&key).to_owned()
}

fn near(asked: &str, paths: &[String], found: &[&String]) -> Option<String> {
    if !found.is_empty() {
        let places: Vec<String> = found.iter().map(|path| format!("`{path}`")).collect();
        return Some(places.join(" or "));
    }
    let last = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
    let whole: Vec<&str> = paths.iter().map(String::as_str).collect();
    let names: Vec<String> = paths.iter().map(|path| last(path)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (around, name) = asked.rsplit_once('.').unwrap_or(("", asked));
    // A key of the very table, else one of the name elsewhere, else whatever looks alike.
    let of_table: Vec<&str> = whole
        .iter()
        .filter(|path| path.strip_prefix(around).is_some_and(|rest| rest.starts_with('.')))
        .map(|path| path.rsplit('.').next().unwrap_or_default())
        .collect();
    let in_table = (!around.is_empty())
        .then(|| nearest(name, &of_table).map(|near| format!("{around}.{near}")))
        .flatten();
    let elsewhere = || {
        let near = nearest(name, &names)?;
        paths.iter().find(|path| last(path) == near).cloned()
    };
    in_table
        .or_else(|| nearest(asked, &whole).map(str::to_owned))
        .or_else(elsewhere)
        .map(|path| format!("`{path}`"))
}

/// The paths of all keys and tables.
fn collect(table: &Value, around: &str, paths: &mut Vec<String>) {
    for entry in Entry::of(table) {
        let path = if around.is_empty() {
            entry.name.to_owned()
        } else {
            format!("{around}.{}", entry.name)
        };
        paths.push(path.clone());
        if let Some(table) = entry.table() {
            collect(table, &path, paths);
        }
    }
}

fn about(reference: &Value, path: &str, width: usize) -> Option<String> {
    let mut table = reference;
    let mut parts = path.split('.').peekable();
    while let Some(part) = parts.next() {
        let entry = Entry::of(table).into_iter().find(|entry| entry.name == part)?;
        match (entry.table(), parts.peek()) {
            (Some(inner), Some(_)) => table = inner,
            (Some(inner), None) => return Some(of_table(path, inner, width)),
            (None, _) => return Some(of_key(path, &entry, width)),
        }
    }
    None
}

fn top(reference: &Value, width: usize) -> String {
    let mut text =
        "The keys and tables of a config; `bnes explain KEY` says more of each.\n\n".to_owned();
    text.push_str(&listed(&Entry::of(reference), width));
    text
}

fn of_table(path: &str, table: &Value, width: usize) -> String {
    let mut text = format!("[{path}]\n");
    text.push_str(&paragraph(table, width));
    let entries = Entry::of(table);
    if entries.is_empty() {
        text.push_str("\n  Any dotted key with a list, such as \"training.optimizer.lr\" = [1e-3, 1e-2]; docs/config.md\n");
        return text;
    }
    let kinds = table["properties"]["kind"]["kinds"].as_object();
    if kinds.is_some() {
        text.push('\n');
    }
    for (kind, does) in kinds.into_iter().flatten() {
        let keys: Vec<&str> = entries
            .iter()
            .filter(|entry| entry.forms.iter().any(|form| form.kinds.contains(&kind.as_str())))
            .map(|entry| entry.name)
            .collect();
        let keys = if keys.is_empty() { String::new() } else { format!(": {}", keys.join(", ")) };
        let does = does.as_str().unwrap_or_default();
        text.push_str(&hang(&format!("  \"{kind}\"  "), 6, &format!("{does}{keys}"), width));
    }
    text.push('\n');
    text.push_str(&listed(&entries, width));
    text
}

/// A line or two for each key: its default and what it is.
fn listed(entries: &[Entry], width: usize) -> String {
    let name = |entry: &Entry| match entry.table() {
        Some(_) => format!("[{}]", entry.name),
        None => entry.name.to_owned(),
    };
    let widest = entries.iter().map(|entry| name(entry).len()).max().unwrap_or(0);
    let mut text = String::new();
    for entry in entries {
        let about = entry.forms.first().map(|form| {
            let first = description(form.schema);
            match entry.table().map_or_else(|| default(form), |_| None) {
                Some(default) => format!("{first} [{default}]"),
                None => first,
            }
        });
        let name = format!("  {:widest$}  ", name(entry));
        text.push_str(&hang(&name, widest + 4, &about.unwrap_or_default(), width));
    }
    text
}

fn of_key(path: &str, entry: &Entry, width: usize) -> String {
    let mut text = format!("{path}\n");
    for form in &entry.forms {
        text.push('\n');
        text.push_str(&paragraph(form.schema, width));
        let mut facts = Vec::new();
        if !form.kinds.is_empty() {
            facts.push(("of", form.kinds.join(", ")));
        }
        if let Some(expected) = form.schema["expected"].as_str() {
            facts.push(("expected", expected.to_owned()));
        }
        if let Some(default) = default(form) {
            facts.push(("default", default));
        }
        for (word, fact) in facts {
            text.push_str(&hang(&format!("  {word:8}  "), 12, &fact, width));
        }
        for list in ["words", "kinds"] {
            for (word, does) in form.schema[list].as_object().into_iter().flatten() {
                let does = does.as_str().unwrap_or_default();
                text.push_str(&hang(&format!("    \"{word}\"  "), 8, does, width));
            }
        }
    }
    text
}

fn description(schema: &Value) -> String {
    schema["description"].as_str().unwrap_or_default().to_owned()
}

fn paragraph(schema: &Value, width: usize) -> String {
    hang("  ", 2, &description(schema), width)
}

/// A text behind a lead, in lines of which all but the first are indented.
fn hang(lead: &str, indent: usize, text: &str, width: usize) -> String {
    let indent = " ".repeat(indent);
    // What is broken into lines begins where the lead ends.
    let mark = "\u{2007}".repeat(lead.chars().count());
    let lines = wrap(&format!("{mark}{text}"), width, &indent);
    lines.replacen(&mark, lead, 1)
}

/// What a key is where it is not written, as TOML; that it has to be written.
fn default(form: &Form) -> Option<String> {
    if form.is_required {
        return Some("required".to_owned());
    }
    match &form.schema["default"] {
        Value::Null => None,
        value => Some(super::effective::toml_of(value)),
    }
}
