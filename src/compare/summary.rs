//! What was compared, as a report names it.

use serde::Serialize;

use super::tuned::TunedValues;
use crate::config::Factor;

/// One experiment, or several plain ones that share data and split.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExperimentSummary {
    /// Its name; `a + b` of plain ones.
    pub name: String,
    /// The metric of the verdict.
    pub metric: String,
    /// What differs among its arms.
    pub factors: Vec<Factor>,
    /// Whether each seed has its own split of the rows.
    pub split_per_seed: bool,
    /// What `[tune]` chose.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tuning: Vec<TunedValues>,
}
