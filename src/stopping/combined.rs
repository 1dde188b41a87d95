//! `any` and `all`: several criteria on one monitored column.

use serde::{Deserialize, Deserializer, Serialize, de::Error};

use super::{Criterion, Monitored, Rule};
use crate::history::History;

/// Settings of `any` and of `all`, where every criterion has to hold after the same epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Combined<const ALL: bool> {
    /// At least one criterion; `monitor` and `mode` are those of the table around.
    #[serde(deserialize_with = "some_rules")]
    pub rules: Vec<Criterion>,
}

/// One of several criteria is enough.
pub type Any = Combined<false>;

/// Every criterion has to hold.
pub type All = Combined<true>;

fn some_rules<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Criterion>, D::Error> {
    let rules = Vec::<Criterion>::deserialize(deserializer)?;
    if rules.is_empty() {
        return Err(D::Error::custom("the list is empty: expected at least one rule"));
    }
    Ok(rules)
}

impl<const ALL: bool> Combined<ALL> {
    fn inner(&self) -> impl Iterator<Item = &dyn Rule> {
        self.rules.iter().map(Criterion::inner)
    }
}

impl<const ALL: bool> Rule for Combined<ALL> {
    fn fires(&self, monitored: &Monitored, history: &History) -> bool {
        let fires = |rule: &dyn Rule| rule.fires(monitored, history);
        if ALL { self.inner().all(fires) } else { self.inner().any(fires) }
    }

    fn columns(&self) -> Vec<&str> {
        self.inner().flat_map(Rule::columns).collect()
    }

    fn reads_monitored(&self) -> bool {
        self.inner().any(Rule::reads_monitored)
    }

    fn earliest(&self) -> usize {
        let earliest = self.inner().map(Rule::earliest);
        let of_all = if ALL { earliest.max() } else { earliest.min() };
        of_all.unwrap_or(usize::MAX)
    }

    fn state(&self, monitored: &Monitored, history: &History) -> String {
        let states: Vec<String> = self.inner().map(|rule| rule.state(monitored, history)).collect();
        states.join(", ")
    }
}
