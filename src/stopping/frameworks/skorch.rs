//! `skorch`: skorch's `EarlyStopping`, by its own settings and arithmetic (1.4).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::framework::{Framework, Reference, count};
use crate::check;
use crate::stopping::Monitored;
use crate::stopping::curve::Cells;
use crate::stopping::patience::Count;

/// Settings of `skorch`: `skorch.callbacks.EarlyStopping`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Skorch {
    /// Epochs without improvement.
    pub patience: usize,
    /// A change smaller than this is no improvement.
    #[serde(deserialize_with = "check::non_negative")]
    #[schemars(schema_with = "check::schema::non_negative")]
    pub threshold: f64,
    /// Whether that is a difference or a share of the score.
    pub threshold_mode: ThresholdMode,
}

impl Default for Skorch {
    fn default() -> Self {
        Self { patience: 5, threshold: 1e-4, threshold_mode: ThresholdMode::Rel }
    }
}

/// How a threshold is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ThresholdMode {
    /// A share of the score accepted last.
    Rel,
    /// A difference.
    Abs,
}

impl Framework for Skorch {
    fn count(&self, monitored: &Monitored, cells: Cells) -> Count {
        count(monitored, cells, &Reference::Accepted, |value, reference| {
            let delta = match self.threshold_mode {
                // Of the score, not of its size: below 0 the margin changes sides.
                ThresholdMode::Rel => self.threshold * reference,
                ThresholdMode::Abs => self.threshold,
            };
            monitored.better_by(value, reference, delta)
        })
    }

    fn limit(&self) -> usize {
        self.patience
    }

    fn setting(&self) -> &'static str {
        "patience"
    }

    fn ends_when_spared(&self) -> bool {
        self.patience == 0
    }

    fn maximizes(&self, _: &str) -> Option<bool> {
        Some(false)
    }
}
