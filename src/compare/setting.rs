//! What an arm was measured under: what has to be the same for figures of two results to be held against
//! each other.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::experiment::Arm;

/// Where rows come from: their content counts, which has a digest of its own.
const PATHS: [&str; 2] = ["data.source", "data.test_source"];

/// The data, split and settings of an arm.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Setting {
    /// SHA-256 of the data.
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<Value>,
    /// Dotted keys of the config and of the rule, and their values.
    keys: BTreeMap<String, Value>,
}

/// What two arms do not have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unlike {
    /// They are of other rows.
    Data,
    /// Keys of the config that differ, dotted.
    Settings(Vec<String>),
}

impl Setting {
    /// Of an arm, by its first seed.
    pub(super) fn of(arm: &Arm) -> Self {
        let Some(observation) = arm.observations.values().next() else { return Self::default() };
        let mut keys = BTreeMap::new();
        flatten("", &observation.run.config, &mut keys);
        flatten("early_stopping", arm.rule, &mut keys);
        keys.remove("seed");
        for path in PATHS {
            keys.remove(path);
        }
        Self { digest: observation.run.data.get("digest").cloned(), keys }
    }

    /// What all of these have in common.
    #[must_use]
    pub fn common<'a>(settings: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut settings = settings.into_iter();
        let mut common = settings.next().cloned().unwrap_or_default();
        for other in settings {
            common.digest = common.digest.filter(|digest| other.digest.as_ref() == Some(digest));
            common.keys.retain(|key, value| other.keys.get(key) == Some(value));
        }
        common
    }

    /// Without what another has too; none where nothing is left.
    #[must_use]
    pub fn beyond(&self, common: &Self) -> Option<Self> {
        let mut own = self.clone();
        own.digest = own.digest.filter(|_| common.digest.is_none());
        own.keys.retain(|key, _| !common.keys.contains_key(key));
        (own != Self::default()).then_some(own)
    }

    /// With what it has in common with others.
    #[must_use]
    pub fn with(mut self, common: &Self) -> Self {
        self.digest = self.digest.or_else(|| common.digest.clone());
        for (key, value) in &common.keys {
            self.keys.entry(key.clone()).or_insert_with(|| value.clone());
        }
        self
    }

    /// What differs from another; a key that an earlier version did not have is no difference.
    #[must_use]
    pub fn unlike(&self, other: &Self) -> Option<Unlike> {
        if self.digest.is_some() && other.digest.is_some() && self.digest != other.digest {
            return Some(Unlike::Data);
        }
        let differs = |(key, value): &(&String, &Value)| {
            other.keys.get(*key).is_some_and(|was| was != *value)
        };
        let keys: Vec<String> =
            self.keys.iter().filter(differs).map(|(key, _)| key.clone()).collect();
        (!keys.is_empty()).then_some(Unlike::Settings(keys))
    }
}

/// A table as dotted keys and values, below a prefix where there is one.
pub(super) fn flatten(
    prefix: &str,
    table: &Map<String, Value>,
    keys: &mut BTreeMap<String, Value>,
) {
    for (key, value) in table {
        let key = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            Value::Object(table) => flatten(&key, table, keys),
            other => drop(keys.insert(key, other.clone())),
        }
    }
}
