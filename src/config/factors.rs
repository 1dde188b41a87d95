//! The keys that a matrix varies, and their levels.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A key that `[matrix]` varies and its levels as results name them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Factor {
    /// A dotted key.
    pub key: String,
    /// In the order of the file; a level that is a table is its kind where that is unique among
    /// the levels, else `kind(key=value)`.
    pub levels: Vec<Value>,
}

/// The level of each factor, in the factors' order.
pub type Factors = Map<String, Value>;

/// Whether a dotted key is this table, or stands in it.
#[must_use]
pub fn is_within(key: &str, table: &str) -> bool {
    key.strip_prefix(table).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Whether a factor is about the stopping rule, which no training depends on.
#[must_use]
pub fn is_of_rule(key: &str) -> bool {
    is_within(key, "early_stopping")
}

/// The levels of the factors that are not about the rule.
#[must_use]
pub fn without_rule(factors: &Factors) -> Factors {
    let levels = factors.iter().filter(|(key, _)| !is_of_rule(key));
    levels.map(|(key, level)| (key.clone(), level.clone())).collect()
}
