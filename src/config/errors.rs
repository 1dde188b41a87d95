//! Every error of a config: what is at fault is taken out of its tree, and the rest is read again.
//!
//! So whatever reads a config may stop at the first fault, and none is missed. A fault that only follows
//! from one taken out is none.

use std::fmt;
use std::path::Path;

use super::error::{Basis, ConfigError};
use super::experiment::Experiment;
use super::load::{BUILTIN, read};
use super::node::{Key, Node, Origin, Value};
use super::overrides::Overrides;
use super::parse::parse_all;
use crate::names::nearest;

/// Errors that are named: whoever has more has another problem.
const NAMED: usize = 100;

/// What is wrong with a config, in the order of its text; at least one error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(Vec<ConfigError>);

impl ConfigErrors {
    /// The errors.
    #[must_use]
    pub fn all(&self) -> &[ConfigError] {
        &self.0
    }

    /// Those of a config file that is refused, or of the built-in config.
    #[must_use]
    pub fn of(path: Option<&Path>, overrides: &Overrides) -> Self {
        match path {
            None => Self::of_text(BUILTIN.0, BUILTIN.1, overrides),
            Some(path) => match read(path) {
                Ok(text) => Self::of_text(&path.display().to_string(), &text, overrides),
                Err(error) => Self(vec![error]),
            },
        }
    }

    fn of_text(path: &str, text: &str, overrides: &Overrides) -> Self {
        match parse_all(path, text) {
            Ok((root, faults)) => {
                let mut search = Search::new(root, overrides.clone());
                for fault in faults {
                    search.take(fault);
                }
                search.run(path, text);
                Self(search.named())
            }
            Err(error) => Self(vec![error]),
        }
    }
}

impl From<ConfigError> for ConfigErrors {
    fn from(error: ConfigError) -> Self {
        Self(vec![error])
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n\nerror: ")?;
            }
            error.fmt(f)?;
        }
        match self.0.len() {
            1 => Ok(()),
            NAMED => write!(f, "\n\nthe first {NAMED} errors; there may be more"),
            count => write!(f, "\n\n{count} errors"),
        }
    }
}

impl std::error::Error for ConfigErrors {}

/// A config with ever less of what is wrong in it.
struct Search {
    root: Node,
    overrides: Overrides,
    found: Vec<ConfigError>,
    /// The tables that something was taken out of, and what.
    taken: Vec<(Origin, String)>,
}

impl Search {
    fn new(root: Node, overrides: Overrides) -> Self {
        Self { root, overrides, found: Vec::new(), taken: Vec::new() }
    }

    fn run(&mut self, path: &str, text: &str) {
        let base = Path::new("");
        while self.found.len() < NAMED {
            let root = self.root.clone();
            let read = Experiment::of_tree(path, text, root, base, &self.overrides);
            let Err(error) = read else { return };
            if !self.take(error) {
                return;
            }
        }
    }

    /// Notes a fault, if it is one, and takes what is at fault out; whether there was anything to take.
    fn take(&mut self, error: ConfigError) -> bool {
        let origin = error.origin().cloned();
        if !self.follows(&error) && !self.found.contains(&error) {
            self.found.push(error);
        }
        let Some(origin) = origin else { return false };
        if origin.source.command_line {
            return self.take_override(&origin);
        }
        let way = innermost(&self.root, &origin);
        if way.is_empty() {
            return self.stand_in();
        }
        if let Some(kind) = kind_of_rule(&mut self.root, &way) {
            // The other keys of the table are looked at all the same.
            kind.value = Value::Str("none".to_owned());
            return true;
        }
        let taken = take_out(&mut self.root, &way);
        self.taken.extend(taken);
        true
    }

    /// Whether a fault comes of what was taken out.
    fn follows(&self, error: &ConfigError) -> bool {
        let mut of_table = self.taken.iter().filter(|(table, _)| error.origin() == Some(table));
        match error.basis() {
            Basis::Lacking(name) => {
                of_table.any(|(_, taken)| taken == name || nearest(taken, &[name]).is_some())
            }
            Basis::Levels => self.found.iter().any(|found| found.basis() != Basis::Levels),
            Basis::Own | Basis::Together => of_table.next().is_some(),
        }
    }

    fn take_override(&mut self, origin: &Origin) -> bool {
        let set = &mut self.overrides.set;
        match set.iter().position(|text| *text == origin.source.text) {
            Some(index) => _ = set.remove(index),
            None if self.overrides.seeds.is_some() => self.overrides.seeds = None,
            None => return false,
        }
        true
    }

    /// Of a config that is wrong as a whole for want of data, the rest is looked at with some.
    fn stand_in(&mut self) -> bool {
        let origin = self.root.origin.clone();
        let Value::Table(entries) = &mut self.root.value else { return false };
        if entries.iter().any(|(key, _)| key.name == "data") {
            return false;
        }
        let entry = |name: &str, value: Value| {
            let key = Key { name: name.to_owned(), origin: origin.clone() };
            (key, Node { value, origin: origin.clone() })
        };
        let source = entry("source", Value::Str("digits".to_owned()));
        entries.push(entry("data", Value::Table(vec![source])));
        true
    }

    /// What was found, by place. What shows in several keys together is told once each of them can be read.
    fn named(mut self) -> Vec<ConfigError> {
        let is_single =
            |error: &ConfigError| matches!(error.basis(), Basis::Own | Basis::Lacking(_));
        if self.found.iter().any(is_single) {
            self.found.retain(is_single);
        }
        self.found.sort_by_key(|error| {
            let origin = error.origin();
            let place = origin.and_then(|origin| origin.range.as_ref().map(|range| range.start));
            (origin.is_some_and(|origin| origin.source.command_line), place)
        });
        self.found
    }
}

/// The way to the innermost entry or element in whose key or value something is written; empty where it is
/// of the whole config.
fn innermost(root: &Node, origin: &Origin) -> Vec<usize> {
    fn look(node: &Node, origin: &Origin, way: &mut Vec<usize>, best: &mut (usize, Vec<usize>)) {
        let mut look_at = |index: usize, places: &[&Origin], node: &Node| {
            way.push(index);
            for place in places {
                let Some(range) = &place.range else { continue };
                // Of equal places the inner one: the header of a table is also that of the tables around.
                if place.contains(origin) && range.len() <= best.0 {
                    *best = (range.len(), way.clone());
                }
            }
            look(node, origin, way, best);
            way.pop();
        };
        match &node.value {
            Value::Table(entries) => {
                for (index, (key, node)) in entries.iter().enumerate() {
                    look_at(index, &[&key.origin, &node.origin], node);
                }
            }
            Value::List(elements) => {
                for (index, node) in elements.iter().enumerate() {
                    look_at(index, &[&node.origin], node);
                }
            }
            _ => {}
        }
    }
    let mut best = (usize::MAX, Vec::new());
    look(root, origin, &mut Vec::new(), &mut best);
    best.1
}

/// The `kind` of a rule at the end of a way, unless that was set aside before.
fn kind_of_rule<'a>(root: &'a mut Node, way: &[usize]) -> Option<&'a mut Node> {
    let mut node = root;
    let mut names = Vec::new();
    for index in way {
        node = match &mut node.value {
            Value::Table(entries) => {
                let (key, node) = entries.get_mut(*index)?;
                names.push(key.name.clone());
                node
            }
            Value::List(elements) => elements.get_mut(*index)?,
            _ => return None,
        };
    }
    let is_rule = names.iter().any(|name| name.starts_with("early_stopping"));
    let is_kind = names.last().is_some_and(|name| name == "kind");
    (is_rule && is_kind && node.as_str() != Some("none")).then_some(node)
}

/// Takes out the entry or element at the end of a way, and with it a list that is empty without; the table
/// around and the name in it, where it was an entry.
fn take_out(root: &mut Node, way: &[usize]) -> Option<(Origin, String)> {
    let (last, around) = way.split_last()?;
    let mut node = &mut *root;
    for index in around {
        node = match &mut node.value {
            Value::Table(entries) => &mut entries.get_mut(*index)?.1,
            Value::List(elements) => elements.get_mut(*index)?,
            _ => return None,
        };
    }
    let origin = node.origin.clone();
    match &mut node.value {
        Value::Table(entries) => Some((origin, entries.remove(*last).0.name)),
        Value::List(elements) => {
            elements.remove(*last);
            if elements.is_empty() { take_out(root, around) } else { None }
        }
        _ => None,
    }
}
