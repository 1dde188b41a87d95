//! `any` and `all`: several criteria on one monitored column.

use serde::{Deserialize, Deserializer, Serialize, de::Error};

use super::{Criterion, Monitored, Rule};
use crate::history::History;

/// Settings of `any`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Any {
    /// At least one criterion; `monitor` and `mode` are those of the table around.
    #[serde(deserialize_with = "some_rules")]
    pub rules: Vec<Criterion>,
}

/// Settings of `all`: every criterion holds after the same epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct All {
    /// At least one criterion; `monitor` and `mode` are those of the table around.
    #[serde(deserialize_with = "some_rules")]
    pub rules: Vec<Criterion>,
}

fn some_rules<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Criterion>, D::Error> {
    let rules = Vec::<Criterion>::deserialize(deserializer)?;
    if rules.is_empty() {
        return Err(D::Error::custom("the list is empty: expected at least one rule"));
    }
    Ok(rules)
}

fn columns(rules: &[Criterion]) -> Vec<&str> {
    rules.iter().flat_map(|rule| rule.inner().columns()).collect()
}

fn reads_monitored(rules: &[Criterion]) -> bool {
    rules.iter().any(|rule| rule.inner().reads_monitored())
}

fn state(rules: &[Criterion], monitored: &Monitored, history: &History) -> String {
    let states: Vec<String> =
        rules.iter().map(|rule| rule.inner().state(monitored, history)).collect();
    states.join(", ")
}

impl Rule for Any {
    fn fires(&self, monitored: &Monitored, history: &History) -> bool {
        self.rules.iter().any(|rule| rule.inner().fires(monitored, history))
    }

    fn columns(&self) -> Vec<&str> {
        columns(&self.rules)
    }

    fn reads_monitored(&self) -> bool {
        reads_monitored(&self.rules)
    }

    fn earliest(&self) -> usize {
        self.rules.iter().map(|rule| rule.inner().earliest()).min().unwrap_or(usize::MAX)
    }

    fn state(&self, monitored: &Monitored, history: &History) -> String {
        state(&self.rules, monitored, history)
    }
}

impl Rule for All {
    fn fires(&self, monitored: &Monitored, history: &History) -> bool {
        self.rules.iter().all(|rule| rule.inner().fires(monitored, history))
    }

    fn columns(&self) -> Vec<&str> {
        columns(&self.rules)
    }

    fn reads_monitored(&self) -> bool {
        reads_monitored(&self.rules)
    }

    fn earliest(&self) -> usize {
        self.rules.iter().map(|rule| rule.inner().earliest()).max().unwrap_or(1)
    }

    fn state(&self, monitored: &Monitored, history: &History) -> String {
        state(&self.rules, monitored, history)
    }
}
