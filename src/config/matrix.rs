//! `[matrix]`: the keys that are varied, their levels, and the seeds.

use std::collections::HashSet;

use serde_json::Value as Json;

use super::edit::{Assignment, Path};
use super::error::{Basis, ConfigError};
use super::label::{canonical, labels};
use super::node::{Key, Node, Origin, Value};

/// Arms of one experiment, at most: more are a slip of the keyboard, and years of work.
const ARMS: usize = 10_000_000;

/// Keys of the config that belong to an experiment as a whole.
const FIXED: [&str; 6] = ["name", "matrix", "tune", "checkpoint", "log", "gate"];

/// The entries of `[matrix]` or `[tune]` before they are checked, by full path.
#[derive(Debug, Clone, Default)]
pub struct Matrix {
    pub(super) entries: Vec<(Path, Node)>,
}

/// A checked `[matrix]`.
#[derive(Debug, Clone, Default)]
pub struct Axes {
    /// The keys varied, `seed` aside.
    pub factors: Vec<Axis>,
    /// The seeds and where they are given; `None`: the one of the key `seed`.
    pub seeds: Option<(Path, Vec<u64>)>,
}

/// A key and its levels.
#[derive(Debug, Clone)]
pub struct Axis {
    /// The key.
    pub path: Path,
    /// The key with dots.
    pub key: String,
    /// At least one, all different.
    pub levels: Vec<Node>,
    /// How results name them.
    pub labels: Vec<Json>,
    /// The list of levels.
    pub list: Origin,
}

impl Axis {
    /// How many levels it has.
    #[must_use]
    pub fn size(&self) -> usize {
        self.levels.len()
    }

    /// Whether something is written in this entry of the matrix.
    #[must_use]
    pub fn holds(&self, origin: &Origin) -> bool {
        self.list.contains(origin) || self.path.origin().contains(origin)
    }
}

impl Axes {
    /// Choices of one level per factor.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.factors.iter().map(Axis::size).product()
    }
}

impl Matrix {
    /// Reads the table; keys may be quoted paths or tables within each other.
    ///
    /// # Errors
    /// Where it is not a table, or a key appears twice.
    pub fn read(table: &str, node: &Node) -> Result<Self, ConfigError> {
        let mut matrix = Self::default();
        let Some(entries) = node.entries() else {
            let message = format!("`{table}`: expected a table, found {}", node.what());
            return Err(ConfigError::at(&node.origin, message).help(
                "it holds keys with lists of levels: \"model.norm.kind\" = [\"none\", \"batch\"]",
            ));
        };
        for (path, node) in flatten(&[], entries)? {
            if matrix.find(&path).is_some() {
                let verb = if table == "tune" { "tuned" } else { "varied" };
                let message = format!("`{}` is {verb} twice", path.dotted());
                return Err(ConfigError::at(&path.origin(), message));
            }
            matrix.entries.push((path, node));
        }
        Ok(matrix)
    }

    fn find(&self, path: &Path) -> Option<usize> {
        self.entries.iter().position(|(known, _)| known.names().eq(path.names()))
    }

    /// Takes a `--set` whose key begins with the name of the table.
    ///
    /// # Errors
    /// As [`Matrix::read`].
    pub fn set(&mut self, assignment: Assignment) -> Result<(), ConfigError> {
        let Assignment { path, value } = assignment;
        let [table, keys @ ..] = &path.0[..] else { return Ok(()) };
        if keys.is_empty() {
            *self = Self::read(&table.name, &value)?;
            return Ok(());
        }
        let mut around = Vec::new();
        for key in keys {
            around.extend(Path::of_key(key)?.0);
        }
        let new = match value.entries() {
            Some(entries) => flatten(&around, entries)?,
            None => vec![(Path(around), value)],
        };
        for (path, node) in new {
            match self.find(&path) {
                Some(index) => self.entries[index] = (path, node),
                None => self.entries.push((path, node)),
            }
        }
        Ok(())
    }

    /// Checks all entries.
    ///
    /// # Errors
    /// Where a key cannot be varied, or its levels are none.
    pub fn check(self) -> Result<Axes, ConfigError> {
        let mut axes = Axes::default();
        let mut repetitions = 1;
        for (path, node) in self.entries {
            let key = path.dotted();
            refuse_fixed(&path, &key)?;
            if key == "seed" {
                let list = self::seeds("seed", &node)?;
                repetitions = list.len();
                axes.seeds = Some((path, list));
                continue;
            }
            let list = node.origin.clone();
            let Value::List(levels) = node.value else {
                let message = format!("`{key}`: expected a list of levels, found {}", node.what());
                return Err(ConfigError::at(&list, message));
            };
            check_levels(&key, &list, &levels)?;
            let labels = labels(&levels);
            axes.factors.push(Axis { path, key, levels, labels, list });
        }
        check_apart(&axes.factors)?;
        let arms = axes
            .factors
            .iter()
            .try_fold(repetitions, |arms, axis| arms.checked_mul(axis.levels.len()));
        if arms.is_none_or(|arms| arms > ARMS) {
            let message = format!("the matrix makes more than {ARMS} arms");
            let origin = match (axes.factors.last(), &axes.seeds) {
                (Some(last), _) => last.list.clone(),
                (None, Some((path, _))) => path.origin(),
                (None, None) => return Err(ConfigError::new(message)),
            };
            return Err(ConfigError::at(&origin, message));
        }
        Ok(axes)
    }
}

/// Every choice of one level per factor, the last factor fastest.
pub(super) fn product(factors: &[Axis]) -> impl Iterator<Item = Vec<usize>> {
    let count = factors.iter().map(Axis::size).product();
    (0..count).map(|index| levels(factors, index))
}

/// One of these choices, by its number.
pub(super) fn levels(factors: &[Axis], mut index: usize) -> Vec<usize> {
    let mut levels = vec![0; factors.len()];
    for (level, axis) in levels.iter_mut().zip(factors).rev() {
        *level = index % axis.size();
        index /= axis.size();
    }
    levels
}

/// The entries of a table and of the tables in it, by full path.
fn flatten(around: &[Key], entries: &[(Key, Node)]) -> Result<Vec<(Path, Node)>, ConfigError> {
    let mut flat = Vec::new();
    for (key, node) in entries {
        let mut path = around.to_vec();
        path.extend(Path::of_key(key)?.0);
        match node.entries() {
            Some(entries) => flat.extend(flatten(&path, entries)?),
            None => flat.push((Path(path), node.clone())),
        }
    }
    Ok(flat)
}

fn refuse_fixed(path: &Path, key: &str) -> Result<(), ConfigError> {
    if key == "data.split.seed" {
        return Err(ConfigError::at(&path.origin(), "`data.split.seed` cannot be varied").help(
            "`data.split.seed = \"seed\"` draws a new split with each seed, and the matrix's `seed` \
             says which",
        ));
    }
    let first = path.names().next().unwrap_or_default();
    if FIXED.contains(&first) {
        let message = format!("`{key}` cannot be varied: `{first}` is of the whole experiment");
        return Err(ConfigError::at(&path.origin(), message));
    }
    if first == "seed" && key != "seed" {
        return Err(ConfigError::at(&path.origin(), format!("unknown key `{key}`"))
            .help("did you mean `seed`?"));
    }
    Ok(())
}

pub(super) fn check_levels(key: &str, list: &Origin, levels: &[Node]) -> Result<(), ConfigError> {
    if levels.is_empty() {
        let message = format!("`{key}`: the list is empty: expected at least one level");
        return Err(ConfigError::at(list, message));
    }
    let mut seen = HashSet::new();
    for level in levels {
        if !seen.insert(canonical(level)) {
            let message = format!("`{key}`: this level appears twice");
            return Err(ConfigError::at(&level.origin, message).on(Basis::Levels));
        }
    }
    Ok(())
}

/// Refuses a key together with one of the tables around it: the later edit would undo the other.
pub(super) fn check_apart(factors: &[Axis]) -> Result<(), ConfigError> {
    for (index, axis) in factors.iter().enumerate() {
        for other in &factors[..index] {
            if axis.path.is_around(&other.path) || other.path.is_around(&axis.path) {
                let message = format!("`{}` and `{}` cannot both be varied", other.key, axis.key);
                return Err(ConfigError::at(&axis.path.origin(), message)
                    .help("one is a part of the other: write whole tables as levels of one key"));
            }
        }
    }
    Ok(())
}

const SEEDS: &str = "expected a list of whole numbers, or \"a..b\" for a to b - 1";

/// A list of seeds; `key` is what messages call it.
pub(super) fn seeds(key: &str, node: &Node) -> Result<Vec<u64>, ConfigError> {
    let error = |message: String| ConfigError::at(&node.origin, message);
    match &node.value {
        Value::Str(text) => {
            let bounds = text.split_once("..").and_then(|(a, b)| {
                Some((a.trim().parse::<u64>().ok()?, b.trim().parse::<u64>().ok()?))
            });
            let Some((first, end)) = bounds else {
                return Err(error(format!("`{key}`: {SEEDS}, found the string {text:?}")));
            };
            if first >= end {
                return Err(error(format!("`{key}`: there is no number in {first}..{end}")));
            }
            if end - first > ARMS as u64 {
                return Err(error(format!("`{key}`: more than {ARMS} seeds")));
            }
            Ok((first..end).collect())
        }
        Value::List(elements) => {
            let mut seeds = Vec::new();
            let mut known = HashSet::new();
            for element in elements {
                let seed = match element.value {
                    Value::Int(value) => u64::try_from(value).ok(),
                    _ => None,
                };
                let Some(seed) = seed else {
                    let message = format!("`{key}`: expected a whole number of at least 0");
                    return Err(ConfigError::at(&element.origin, message));
                };
                if !known.insert(seed) {
                    let message = format!("`{key}`: {seed} appears twice");
                    return Err(ConfigError::at(&element.origin, message));
                }
                seeds.push(seed);
            }
            if seeds.is_empty() {
                return Err(error(format!(
                    "`{key}`: the list is empty: expected at least one seed"
                )));
            }
            Ok(seeds)
        }
        _ => Err(error(format!("`{key}`: {SEEDS}, found {}", node.what()))),
    }
}
