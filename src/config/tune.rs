//! `[tune]`: keys of which each arm takes the value that suits it best, chosen before it is trained.

use serde_json::Value as Json;

use super::edit::Path;
use super::error::ConfigError;
use super::factors::Factors;
use super::label::{self, labels};
use super::matrix::{Axes, Axis, Matrix, check_apart, check_levels, product, seeds};
use super::node::{Node, Origin, Value};

/// The seeds of tuning trainings where none are given.
const SEEDS: [u64; 5] = [1000, 1001, 1002, 1003, 1004];

/// Trainings of one tuning, at most: more are a slip of the keyboard.
const TRAININGS: usize = 100_000;

/// Keys that are not a setting of the training.
const OTHER: [&str; 10] = [
    "name",
    "seed",
    "matrix",
    "tune",
    "checkpoint",
    "log",
    "gate",
    "data",
    "evaluation",
    "early_stopping",
];

/// Keys by which the losses of two values are not to be compared.
const YARDSTICKS: [&str; 2] = ["training.epochs", "training.loss"];

/// A checked `[tune]`.
#[derive(Debug, Clone)]
pub struct Tune {
    /// The keys with the values to try.
    pub(super) axes: Vec<Axis>,
    /// Of its trainings; none is one of the experiment's.
    pub seeds: Vec<u64>,
}

/// A value of every tuned key.
#[derive(Debug, Clone)]
pub struct Point {
    /// In the order of the keys.
    pub(super) nodes: Vec<Node>,
    /// By key, as results name them.
    pub values: Factors,
}

impl Tune {
    /// Checks a table; `own` are the experiment's seeds.
    pub(super) fn check(
        table: Matrix,
        origin: &Origin,
        matrix: &Axes,
        own: &[u64],
    ) -> Result<Self, ConfigError> {
        let mut axes = Vec::new();
        let mut given = None;
        for (path, node) in table.entries {
            let key = path.dotted();
            if key == "seeds" {
                given = Some((seeds("tune.seeds", &node)?, node.origin));
                continue;
            }
            refuse(&path, &key, matrix)?;
            let list = node.origin.clone();
            let Value::List(levels) = node.value else {
                let message = format!("`{key}`: expected a list of values, found {}", node.what());
                return Err(ConfigError::at(&list, message));
            };
            check_levels(&key, &list, &levels)?;
            let labels = labels(&levels);
            axes.push(Axis { path, key, levels, labels, list });
        }
        if axes.is_empty() {
            return Err(ConfigError::at(origin, "`tune`: there is no key to tune")
                .help("name one with its values: \"training.optimizer.lr\" = [1e-3, 1e-2, 1e-1]"));
        }
        check_apart(&axes)?;
        let (seeds, origin) = given.unwrap_or_else(|| (SEEDS.to_vec(), origin.clone()));
        if let Some(seed) = seeds.iter().find(|seed| own.contains(seed)) {
            let message = format!(
                "`tune.seeds`: {seed} is one of the experiment's own seeds: a value would be judged \
                 by the trainings that chose it"
            );
            return Err(
                ConfigError::at(&origin, message).help("take others, such as seeds = [1000, 1001]")
            );
        }
        let tune = Self { axes, seeds };
        let cells = matrix.factors.iter().map(|axis| axis.levels.len());
        let trainings = cells
            .chain(tune.axes.iter().map(|axis| axis.levels.len()))
            .try_fold(tune.seeds.len(), usize::checked_mul);
        if trainings.is_none_or(|trainings| trainings > TRAININGS) {
            let message = format!("the tuning makes more than {TRAININGS} trainings");
            return Err(ConfigError::at(&tune.axes[0].list, message));
        }
        Ok(tune)
    }

    /// The tuned keys.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.axes.iter().map(|axis| axis.key.as_str())
    }

    /// The tuned keys with their values as they are written.
    #[must_use]
    pub fn values(&self) -> Vec<(&str, Vec<Json>)> {
        let axes = self.axes.iter();
        axes.map(|axis| (axis.key.as_str(), axis.levels.iter().map(label::json).collect()))
            .collect()
    }

    /// Every choice of one value per key, the last key fastest; the first is what stands in for
    /// those not yet chosen.
    #[must_use]
    pub fn grid(&self) -> Vec<Point> {
        let point = |levels: Vec<usize>| Point {
            nodes: self
                .axes
                .iter()
                .zip(&levels)
                .map(|(axis, level)| axis.levels[*level].clone())
                .collect(),
            values: self
                .axes
                .iter()
                .zip(&levels)
                .map(|(axis, level)| (axis.key.clone(), axis.labels[*level].clone()))
                .collect(),
        };
        product(&self.axes).map(point).collect()
    }

    /// A point with another number for one of its keys; a whole number stays one.
    #[must_use]
    pub fn moved(&self, point: &Point, key: &str, number: f64) -> Option<Point> {
        let index = self.axes.iter().position(|axis| axis.key == key)?;
        let mut moved = point.clone();
        let value = match point.nodes[index].value {
            // A config holds no whole numbers as large as this cast would change.
            #[allow(clippy::cast_possible_truncation)]
            Value::Int(_) => Value::Int(number.round() as i128),
            _ => Value::Float(number),
        };
        let node = Node { value, origin: self.axes[index].list.clone() };
        moved.values.insert(key.to_owned(), label::json(&node));
        moved.nodes[index] = node;
        Some(moved)
    }
}

/// Refuses what cannot be tuned, and what the matrix has a say in.
fn refuse(path: &Path, key: &str, matrix: &Axes) -> Result<(), ConfigError> {
    let refused = |message: String| ConfigError::at(&path.origin(), message);
    let first = path.names().next().unwrap_or_default();
    if OTHER.contains(&first) {
        return Err(refused(format!(
            "`{key}` cannot be tuned: it is not a setting of the model or the training"
        )));
    }
    let overlaps = |other: &&&str| {
        let mut pairs = path.names().zip(other.split('.'));
        pairs.all(|(a, b)| a == b)
    };
    if let Some(other) = YARDSTICKS.iter().find(overlaps) {
        return Err(refused(format!(
            "`{key}` cannot be tuned: a value is chosen by val_loss, which `{other}` makes another figure"
        )));
    }
    for axis in &matrix.factors {
        let written = || {
            let depth = axis.path.0.len();
            let rest = || path.names().skip(depth);
            let holds = |level: &&Node| rest().try_fold(*level, Node::get).is_some();
            axis.levels.iter().find(holds)
        };
        let collides =
            path.is_around(&axis.path) || axis.path.is_around(path) && written().is_some();
        if collides {
            let help = if axis.path.is_around(path) && axis.key != key {
                format!("leave it out of the levels of `{}`", axis.key)
            } else {
                "vary it or tune it".to_owned()
            };
            return Err(refused(format!("`{key}` is in [matrix], too")).help(help));
        }
    }
    Ok(())
}
