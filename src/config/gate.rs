//! `[[gate]]`: a limit that results have to keep, as the config and the command line have it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::decode::decode;
use super::error::{ConfigError, suggest};
use super::matrix::Axis;
use super::node::{Key, Node, Value as Written};

/// What is asked of a metric of the arms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// The metric.
    pub metric: String,
    /// Only arms with these levels.
    #[serde(default, rename = "where", skip_serializing_if = "Map::is_empty")]
    pub levels: Map<String, Value>,
    /// The mean is at least this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// The mean is at most this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// Results to hold the same arms against: their directory, or what `compare --format json` wrote of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<String>,
    /// The mean rose by no more than this share of the baseline's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_increase: Option<f64>,
    /// The mean fell by no more than this share of the baseline's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_decrease: Option<f64>,
    /// The mean rose by no more than this, in the metric's own unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_rise: Option<f64>,
    /// The mean fell by no more than this, in the metric's own unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_drop: Option<f64>,
}

impl Gate {
    /// Whether it is about a change against a baseline.
    #[must_use]
    pub fn is_relative(&self) -> bool {
        self.is_share() || self.max_rise.is_some() || self.max_drop.is_some()
    }

    /// Whether that change is a share of the baseline's mean.
    #[must_use]
    pub fn is_share(&self) -> bool {
        self.max_increase.is_some() || self.max_decrease.is_some()
    }

    /// What is wrong with its keys taken together. One with a limit of a change and no baseline is for
    /// `compare --baseline` to complete.
    ///
    /// # Errors
    /// Where it has no limit, or keys that do not go together.
    pub fn check(&self) -> Result<(), String> {
        let own = self.min.is_some() || self.max.is_some();
        let fault = match (self.baseline.is_some(), self.is_relative(), own) {
            (_, true, true) | (true, false, true) => {
                "`min` and `max` are limits of the metric itself: leave `baseline` out, or give \
                 `max_increase` instead"
            }
            (true, false, false) => {
                "a gate with `baseline` takes `max_increase`, `max_decrease` (shares), `max_rise` or \
                 `max_drop` (in the metric's unit)"
            }
            (false, false, false) => {
                "a gate needs a limit: `min`, `max`, or `baseline` with `max_increase`"
            }
            (_, true, false) if self.is_share() && (self.max_rise.or(self.max_drop)).is_some() => {
                "`max_increase` and `max_decrease` are shares, `max_rise` and `max_drop` are in the \
                 metric's unit: give two gates"
            }
            (_, true, false) | (false, false, true) => return Ok(()),
        };
        Err(fault.to_owned())
    }
}

/// The tables as they stand in a config, so that messages call them by their name.
#[derive(Deserialize)]
struct Tables {
    gate: Vec<Gate>,
}

/// Reads the list of gates of a config; `factors` are what arms are told apart by.
pub(super) fn gates(key: Key, list: Node, factors: &[Axis]) -> Result<Vec<Gate>, ConfigError> {
    if let Written::Table(_) = &list.value {
        let message = "`gate`: expected a list of tables, found one table";
        return Err(ConfigError::at(&key.origin, message).help("write it as [[gate]]"));
    }
    let root = Node { origin: list.origin.clone(), value: Written::Table(vec![(key, list)]) };
    let Tables { gate: gates } = decode(&root)?;
    for (gate, node) in gates.iter().zip(tables(&root)) {
        gate.check().map_err(|fault| ConfigError::at(&node.origin, format!("`gate`: {fault}")))?;
        let levels = node.get("where").and_then(Node::entries).unwrap_or_default();
        // An experiment without factors may be compared with others that differ from it.
        let unknown = levels.iter().find(|(key, _)| {
            !factors.is_empty() && factors.iter().all(|factor| factor.key != key.name)
        });
        if let Some((key, _)) = unknown {
            let message = format!("`gate.where`: [matrix] does not vary `{}`", key.name);
            let keys: Vec<&str> = factors.iter().map(|factor| factor.key.as_str()).collect();
            return Err(ConfigError::at(&key.origin, message).help(suggest(&key.name, &keys)));
        }
    }
    Ok(gates)
}

/// Where each of them is written.
fn tables(root: &Node) -> &[Node] {
    match root.get("gate").map(|list| &list.value) {
        Some(Written::List(tables)) => tables,
        _ => &[],
    }
}
