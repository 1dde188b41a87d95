//! `lightning`: Lightning's `EarlyStopping`, by its own settings and arithmetic (2.6).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::framework::{Framework, Reference, count, moved_by};
use crate::check;
use crate::stopping::Monitored;
use crate::stopping::curve::Cells;
use crate::stopping::patience::Count;

/// Settings of `lightning`: `lightning.pytorch.callbacks.EarlyStopping`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Lightning {
    /// Epochs without improvement; 0 acts as 1.
    pub patience: usize,
    /// A change smaller than this is no improvement.
    #[serde(deserialize_with = "check::non_negative")]
    #[schemars(schema_with = "check::schema::non_negative")]
    pub min_delta: f64,
    /// Training ends once a value is better than this.
    #[serde(deserialize_with = "check::optional_finite", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "check::schema::optional_finite")]
    pub stopping_threshold: Option<f64>,
    /// Training ends once a value is worse than this.
    #[serde(deserialize_with = "check::optional_finite", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "check::schema::optional_finite")]
    pub divergence_threshold: Option<f64>,
}

impl Default for Lightning {
    fn default() -> Self {
        Self { patience: 3, min_delta: 0.0, stopping_threshold: None, divergence_threshold: None }
    }
}

impl Framework for Lightning {
    fn count(&self, monitored: &Monitored, cells: Cells) -> Count {
        count(monitored, cells, &Reference::Accepted, |value, reference| {
            moved_by(monitored, value, reference, self.min_delta)
        })
    }

    fn limit(&self) -> usize {
        self.patience.max(1)
    }

    fn setting(&self) -> &'static str {
        "patience"
    }

    fn ends_at(&self, monitored: &Monitored, value: f64) -> bool {
        self.stopping_threshold.is_some_and(|limit| monitored.better(value, limit))
            || self.divergence_threshold.is_some_and(|limit| monitored.better(limit, value))
    }

    fn first(&self) -> usize {
        let at_once = self.stopping_threshold.is_some() || self.divergence_threshold.is_some();
        if at_once { 1 } else { self.limit().saturating_add(1) }
    }

    fn maximizes(&self, _: &str) -> Option<bool> {
        Some(false)
    }
}
