//! A config as a tree that knows where each of its parts was written.

use std::ops::Range;
use std::sync::Arc;

/// A text that config values come from.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// Such as `digits.toml` or `--set`.
    pub name: String,
    /// All of it.
    pub text: String,
    /// Whether it is part of the command line, which has no lines to count.
    pub command_line: bool,
}

/// Where something was written: a part of a [`Source`], or all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The text.
    pub source: Arc<Source>,
    /// The bytes of the text; `None`: no particular place.
    pub range: Option<Range<usize>>,
}

impl Origin {
    /// A part of a text.
    #[must_use]
    pub fn new(source: &Arc<Source>, range: Range<usize>) -> Self {
        Self { source: Arc::clone(source), range: Some(range) }
    }

    /// The text as a whole.
    #[must_use]
    pub fn whole(source: &Arc<Source>) -> Self {
        Self { source: Arc::clone(source), range: None }
    }

    /// Whether `other` is written inside of this.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.source, &other.source)
            && match (&self.range, &other.range) {
                (None, _) => true,
                (Some(_), None) => false,
                (Some(a), Some(b)) => a.start <= b.start && b.end <= a.end,
            }
    }
}

/// A value and where it was written.
#[derive(Debug, Clone)]
pub struct Node {
    /// What it is.
    pub value: Value,
    /// Where it was written.
    pub origin: Origin,
}

/// What a config can hold; numbers are finite.
#[derive(Debug, Clone)]
pub enum Value {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number that an `i64` or a `u64` holds.
    Int(i128),
    /// A finite number with a point or an exponent; never -0.
    Float(f64),
    /// A text.
    Str(String),
    /// A list.
    List(Vec<Node>),
    /// A table, in the order it was written; no name appears twice.
    Table(Vec<(Key, Node)>),
}

/// The name of an entry of a table.
#[derive(Debug, Clone)]
pub struct Key {
    /// The name.
    pub name: String,
    /// Where it was written.
    pub origin: Origin,
}

impl Node {
    /// The entries of a table.
    #[must_use]
    pub fn entries(&self) -> Option<&[(Key, Node)]> {
        match &self.value {
            Value::Table(entries) => Some(entries),
            _ => None,
        }
    }

    /// An entry of a table, or an element of a list by its index.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Node> {
        match &self.value {
            Value::Table(entries) => {
                entries.iter().find(|(key, _)| key.name == name).map(|(_, node)| node)
            }
            Value::List(elements) => elements.get(name.parse::<usize>().ok()?),
            _ => None,
        }
    }

    /// A text.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::Str(text) => Some(text),
            _ => None,
        }
    }

    /// Its type, as a message names it.
    #[must_use]
    pub fn what(&self) -> &'static str {
        match self.value {
            Value::Bool(_) => "a boolean",
            Value::Int(_) => "a whole number",
            Value::Float(_) => "a number",
            Value::Str(_) => "a string",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
        }
    }

    /// Where the value at a dotted path is written, or else the nearest table around it.
    #[must_use]
    pub fn locate<'a>(&'a self, path: impl IntoIterator<Item = &'a str>) -> &'a Origin {
        let mut node = self;
        let mut origin = &self.origin;
        for name in path {
            let Some(next) = node.get(name) else { break };
            node = next;
            origin = &node.origin;
        }
        origin
    }
}
