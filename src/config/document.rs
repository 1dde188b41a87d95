//! A config with its overrides: what cells are made of, and where a key is written.

use std::path::Path as FilePath;
use std::sync::Arc;

use super::cell::{Cell, check_name};
use super::edit::{Assignment, Path, set};
use super::error::ConfigError;
use super::factors::Factors;
use super::gate::{Gate, gates};
use super::matrix::{Axes, Axis, Matrix};
use super::node::{Key, Node, Origin, Source, Value};
use super::overrides::Overrides;
use super::tune::Tune;

/// What an experiment was read from, for messages about it.
#[derive(Debug, Clone)]
pub(super) struct Document {
    /// The config with its overrides, without its matrix, tuning and gates.
    pub root: Node,
    /// What is varied.
    pub axes: Axes,
    /// What is tuned.
    pub tune: Option<Tune>,
    /// The limits that results have to keep.
    pub gates: Vec<Gate>,
}

impl Document {
    /// Takes a config apart and applies its overrides.
    pub fn new(mut root: Node, overrides: &Overrides) -> Result<Self, ConfigError> {
        let mut matrix = match take(&mut root, "matrix") {
            Some((_, node)) => Matrix::read("matrix", &node)?,
            None => Matrix::default(),
        };
        let mut tune = match take(&mut root, "tune") {
            Some((_, node)) => Some((Matrix::read("tune", &node)?, node.origin)),
            None => None,
        };
        let mut assigned = Vec::new();
        for text in &overrides.set {
            let assignment = Assignment::parse(text)?;
            match assignment.path.0[0].name.as_str() {
                "matrix" => matrix.set(assignment)?,
                "tune" => {
                    let origin = assignment.path.origin();
                    tune.get_or_insert((Matrix::default(), origin)).0.set(assignment)?;
                }
                _ => {
                    assigned.push(assignment.path.clone());
                    set(&mut root, &assignment.path, assignment.value)?;
                }
            }
        }
        if let Some(count) = overrides.seeds {
            matrix.set(seeds(count)?)?;
        }
        let axes = matrix.check()?;
        let tune = match tune {
            Some((table, origin)) => {
                let own = axes.seeds.as_ref().map_or_else(|| vec![seed(&root)], |(_, s)| s.clone());
                Some(Tune::check(table, &origin, &axes, &own)?)
            }
            None => None,
        };
        for path in &assigned {
            refuse_replaced(path, &axes, tune.as_ref())?;
        }
        let gates = match take(&mut root, "gate") {
            Some((key, list)) => gates(key, list, &axes.factors)?,
            None => Vec::new(),
        };
        Ok(Self { root, axes, tune, gates })
    }

    /// Every key that cells differ in: those of the matrix, then those tuned.
    pub fn varied(&self) -> impl Iterator<Item = &Axis> {
        self.axes.factors.iter().chain(self.tune.iter().flat_map(|tune| &tune.axes))
    }

    /// The key `seed`; one that is no seed is refused when the cells are read.
    pub fn seed(&self) -> u64 {
        seed(&self.root)
    }

    /// The name of the experiment, which is the same in all cells.
    pub fn name(&self, path: &str) -> Result<String, ConfigError> {
        if let Some(name) = self.root.get("name").and_then(Node::as_str) {
            return Ok(name.to_owned());
        }
        let stem = FilePath::new(path).file_stem().unwrap_or_default().to_string_lossy();
        check_name(&stem).map_err(|fault| {
            ConfigError::at(&self.root.origin, fault).help("give the experiment a `name`")
        })?;
        Ok(stem.into_owned())
    }

    /// Judges the part of a config that a factor replaces in every cell: a slip in it would
    /// otherwise show only once the factor is gone.
    pub fn check_replaced(&self) -> Result<(), ConfigError> {
        for axis in &self.axes.factors {
            let replaced = axis.path.names().try_fold(&self.root, |node, name| node.get(name));
            let Some(replaced) = replaced else { continue };
            let mut document = self.root.clone();
            for other in self.axes.factors.iter().filter(|other| other.key != axis.key) {
                set(&mut document, &other.path, other.levels[0].clone())?;
            }
            if let Err(error) = Cell::read(&document)
                && error.origin().is_some_and(|origin| is_part(replaced, origin))
            {
                let note = format!("[matrix] varies `{}` and replaces what is here", axis.key);
                return Err(error.note(note));
            }
        }
        Ok(())
    }

    /// Whether the value of a key is written anywhere.
    pub fn is_written(&self, key: &str) -> bool {
        let names: Vec<&str> = key.split('.').collect();
        let is_in = |node: &Node, names: &[&str]| {
            names.iter().try_fold(node, |node, name| node.get(name)).is_some()
        };
        let in_level = |axis: &Axis| {
            let depth = axis.path.0.len();
            let within =
                depth <= names.len() && axis.path.names().eq(names[..depth].iter().copied());
            within && axis.levels.iter().any(|level| is_in(level, &names[depth..]))
        };
        (key == "seed" && self.axes.seeds.is_some())
            || self.axes.factors.iter().any(in_level)
            || is_in(&self.root, &names)
    }

    /// Where the value of a key is written, in the level of an arm if the key is varied.
    pub fn origin_of(&self, key: &str, arm: Option<&Factors>) -> Origin {
        let names: Vec<&str> = key.split('.').collect();
        if let Some((path, _)) = self.axes.seeds.as_ref().filter(|_| key == "seed") {
            return path.origin();
        }
        for axis in self.varied() {
            let depth = axis.path.0.len();
            if depth > names.len() || !axis.path.names().eq(names[..depth].iter().copied()) {
                continue;
            }
            let rest = &names[depth..];
            let of_arm = |label: &serde_json::Value| {
                arm.and_then(|arm| arm.get(&axis.key)).is_none_or(|level| level == label)
            };
            let mut levels =
                axis.levels.iter().zip(&axis.labels).filter(|(_, label)| of_arm(label));
            let setting = levels
                .clone()
                .find(|(node, _)| rest.iter().try_fold(*node, |node, n| node.get(n)).is_some());
            return match (setting, arm) {
                (Some((node, _)), _) => node.locate(rest.iter().copied()).clone(),
                (None, Some(_)) => levels
                    .next()
                    .map_or_else(|| axis.path.origin(), |(node, _)| node.origin.clone()),
                (None, None) => axis.path.origin(),
            };
        }
        self.root.locate(names).clone()
    }
}

/// Whether `origin` is that of a key or value inside of `node`, or of `node` where it is not a table:
/// a table that lacks a key is no fault while another replaces it.
fn is_part(node: &Node, origin: &Origin) -> bool {
    match &node.value {
        Value::Table(entries) => entries.iter().any(|(key, value)| {
            key.origin == *origin || value.origin == *origin || is_part(value, origin)
        }),
        Value::List(elements) => {
            node.origin == *origin
                || elements.iter().any(|node| node.origin == *origin || is_part(node, origin))
        }
        _ => node.origin == *origin,
    }
}

/// The entry of the matrix that `--seeds` stands for.
fn seeds(count: u64) -> Result<Assignment, ConfigError> {
    let source = Arc::new(Source {
        name: "--seeds".to_owned(),
        text: count.to_string(),
        command_line: true,
    });
    let origin = Origin::new(&source, 0..source.text.len());
    if count == 0 {
        return Err(ConfigError::at(&origin, "expected at least one seed"));
    }
    let key = |name: &str| Key { name: name.to_owned(), origin: origin.clone() };
    let value = Node { value: Value::Str(format!("0..{count}")), origin: origin.clone() };
    Ok(Assignment { path: Path(vec![key("matrix"), key("seed")]), value })
}

/// Takes an entry out of a config.
fn take(root: &mut Node, name: &str) -> Option<(Key, Node)> {
    let Value::Table(entries) = &mut root.value else { return None };
    let index = entries.iter().position(|(key, _)| key.name == name)?;
    Some(entries.remove(index))
}

/// The key `seed`; one that is no seed is refused when the cells are read.
fn seed(root: &Node) -> u64 {
    match root.get("seed").map(|node| &node.value) {
        Some(Value::Int(value)) => u64::try_from(*value).unwrap_or(0),
        _ => 0,
    }
}

/// Refuses a `--set` that every cell of the matrix, or the tuning, would undo.
fn refuse_replaced(path: &Path, axes: &Axes, tune: Option<&Tune>) -> Result<(), ConfigError> {
    let varied = axes.factors.iter().map(|axis| &axis.path);
    let varied = varied.chain(axes.seeds.iter().map(|(path, _)| path));
    let tuned = tune.into_iter().flat_map(|tune| &tune.axes).map(|axis| &axis.path);
    let mut replaced = varied
        .map(|path| (path, "matrix", "varied by [matrix]", "levels"))
        .chain(tuned.map(|path| (path, "tune", "tuned by [tune]", "values")));
    let Some((around, table, how, what)) = replaced.find(|(by, ..)| by.is_around(path)) else {
        return Ok(());
    };
    let key = around.dotted();
    let entry = if around.0.len() == 1 { key.clone() } else { format!("\"{key}\"") };
    Err(ConfigError::at(&path.origin(), format!("`{key}` is {how}"))
        .help(format!("set its {what} instead: --set '{table}.{entry}=[…]'")))
}
