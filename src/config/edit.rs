//! Changes of a config by dotted path: `--set KEY=VALUE`.

use std::ops::Range;
use std::sync::Arc;

use super::error::ConfigError;
use super::node::{Key, Node, Origin, Source, Value};
use super::parse::parse_toml_value;

/// A dotted path such as `model.norm.kind`, with at least one part.
#[derive(Debug, Clone)]
pub struct Path(pub Vec<Key>);

impl Path {
    /// Reads a dotted path of which some parts may be quoted; `at` is the whole path's place and
    /// `range` its bytes in the source.
    ///
    /// # Errors
    /// Where a part is empty or a quote is not closed.
    pub fn parse(source: &Arc<Source>, range: Range<usize>) -> Result<Self, ConfigError> {
        let text = &source.text[range.clone()];
        let (parts, end) = scan(text, range.start, source)?;
        if end < text.len() {
            let origin = Origin::new(source, range.start + end..range.end);
            return Err(ConfigError::at(&origin, "this is not a dotted key"));
        }
        Ok(Self(parts))
    }

    /// Reads a path from a key that was written as one string: `"model.norm.kind"`.
    ///
    /// # Errors
    /// Where a part is empty.
    pub fn of_key(key: &Key) -> Result<Self, ConfigError> {
        let whole = &key.origin;
        // Where the text is the name in quotes, or the name itself, each part has its own place.
        let start = whole.range.as_ref().and_then(|range| {
            let text = whole.source.text.get(range.clone())?;
            Some(range.start + text.find(&key.name)?)
        });
        let mut parts = Vec::new();
        let mut offset = 0;
        for name in key.name.split('.') {
            let end = offset + name.len();
            let origin = match start {
                Some(start) => Origin::new(&whole.source, start + offset..start + end),
                None => whole.clone(),
            };
            offset = end + 1;
            let name = name.trim();
            if name.is_empty() {
                let message = format!("the key `{}` has an empty part", key.name);
                return Err(ConfigError::at(whole, message));
            }
            parts.push(Key { name: name.to_owned(), origin });
        }
        Ok(Self(parts))
    }

    /// The names of the parts.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|part| part.name.as_str())
    }

    /// Whether this is the other path or one to a table around it.
    #[must_use]
    pub fn is_around(&self, other: &Self) -> bool {
        self.0.len() <= other.0.len() && self.names().zip(other.names()).all(|(a, b)| a == b)
    }

    /// The parts joined with dots.
    #[must_use]
    pub fn dotted(&self) -> String {
        self.names().collect::<Vec<_>>().join(".")
    }

    /// Where it is written, from its first part to its last.
    #[must_use]
    pub fn origin(&self) -> Origin {
        let (first, last) = (&self.0[0].origin, &self.0[self.0.len() - 1].origin);
        match (&first.range, &last.range) {
            (Some(a), Some(b)) if a.start <= b.end && Arc::ptr_eq(&first.source, &last.source) => {
                Origin::new(&first.source, a.start..b.end)
            }
            _ => last.clone(),
        }
    }
}

/// Reads the parts of a dotted key up to its end or an `=`; `start` is the text's place.
fn scan(text: &str, start: usize, source: &Arc<Source>) -> Result<(Vec<Key>, usize), ConfigError> {
    let origin = |range: Range<usize>| Origin::new(source, start + range.start..start + range.end);
    let skip = |from: usize| from + text[from..].len() - text[from..].trim_start().len();
    let mut parts = Vec::new();
    let mut at = 0;
    loop {
        at = skip(at);
        let rest = &text[at..];
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''));
        let (name, from, end) = if let Some(quote) = quote {
            let Some(close) = rest[1..].find(quote) else {
                return Err(ConfigError::at(&origin(at..text.len()), "this quote is not closed"));
            };
            (&rest[1..=close], at + 1, at + close + 2)
        } else {
            let length = rest.find(['.', '=']).unwrap_or(rest.len());
            let name = rest[..length].trim_end();
            (name, at, at + name.len())
        };
        if name.is_empty() {
            return Err(ConfigError::at(&origin(at..at), "a part of the key is empty"));
        }
        parts.push(Key { name: name.to_owned(), origin: origin(from..from + name.len()) });
        at = skip(end);
        match text[at..].chars().next() {
            Some('.') => at += 1,
            _ => return Ok((parts, at)),
        }
    }
}

/// One `--set`.
#[derive(Debug, Clone)]
pub struct Assignment {
    /// What is set.
    pub path: Path,
    /// To what.
    pub value: Node,
}

impl Assignment {
    /// Reads `KEY=VALUE`: the value is TOML, and a bare word is a string.
    ///
    /// # Errors
    /// Where it is neither, with the place in the text.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        const FORM: &str = "the form is KEY=VALUE, such as training.optimizer.lr=0.01";
        let source = Arc::new(Source {
            name: "--set".to_owned(),
            text: text.to_owned(),
            command_line: true,
        });
        let (parts, end) = scan(text, 0, &source).map_err(|error| error.help(FORM))?;
        let all = Origin::new(&source, end..text.len());
        if !text[end..].starts_with('=') {
            return Err(ConfigError::at(&all, "expected `=` after the key").help(FORM));
        }
        let value = text[end + 1..].trim();
        let start = end + 1 + text[end + 1..].len() - text[end + 1..].trim_start().len();
        let place = Origin::new(&source, start..start + value.len());
        if value.is_empty() {
            return Err(ConfigError::at(&place, "the value is missing").help(FORM));
        }
        let value = match parse_toml_value(&source, start) {
            Ok(node) => node,
            // A date or a number that is not finite is TOML, and the error says so.
            Err(error) if is_toml(value) => return Err(error),
            Err(_) if is_bare_word(value) => {
                Node { value: Value::Str(value.to_owned()), origin: place }
            }
            Err(error) => {
                return Err(
                    error.help("a string that is not a bare word needs quotes: KEY='\"a b\"'")
                );
            }
        };
        Ok(Self { path: Path(parts), value })
    }
}

/// Whether a text that is no TOML was meant as a string.
fn is_bare_word(text: &str) -> bool {
    let structure = |c: char| c.is_whitespace() || c.is_control() || "\"'[]{}=,#".contains(c);
    !text.contains(structure)
}

fn is_toml(text: &str) -> bool {
    toml::de::DeValue::parse(text).is_ok()
}

/// Sets the value at a path, with tables on the way to it; a table replaces a table.
///
/// # Errors
/// Where something on the way is not a table.
pub fn set(root: &mut Node, path: &Path, value: Node) -> Result<(), ConfigError> {
    let mut node = root;
    let mut value = Some(value);
    for (depth, part) in path.0.iter().enumerate() {
        let what = node.what();
        let Value::Table(entries) = &mut node.value else {
            let around: Vec<&str> = path.names().take(depth).collect();
            let message = format!(
                "`{}` cannot be set: `{}` is {what}, not a table",
                path.dotted(),
                around.join(".")
            );
            return Err(ConfigError::at(&part.origin, message));
        };
        let is_last = depth + 1 == path.0.len();
        let found = entries.iter().position(|(key, _)| key.name == part.name);
        let index = found.unwrap_or_else(|| {
            let table = Node { value: Value::Table(Vec::new()), origin: part.origin.clone() };
            entries.push((part.clone(), table));
            entries.len() - 1
        });
        if is_last && let Some(value) = value.take() {
            entries[index] = (part.clone(), value);
        }
        node = &mut entries[index].1;
    }
    Ok(())
}
