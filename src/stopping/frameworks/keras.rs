//! `keras`: Keras's `EarlyStopping`, by its own settings and arithmetic (3.15).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::framework::{Framework, moved_by};
use crate::check;
use crate::stopping::curve::Cells;
use crate::stopping::patience::Count;
use crate::stopping::{Monitored, Patience, larger_is_better};

/// Settings of `keras`: `keras.callbacks.EarlyStopping`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Keras {
    /// Epochs without improvement; 0 acts as 1.
    pub patience: usize,
    /// A change smaller than this is no improvement.
    #[serde(deserialize_with = "check::non_negative")]
    #[schemars(schema_with = "check::schema::non_negative")]
    pub min_delta: f64,
    /// Only an improvement on this value resets the count.
    #[serde(deserialize_with = "check::optional_finite", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "check::schema::optional_finite")]
    pub baseline: Option<f64>,
    /// Epochs at the start that are not looked at.
    pub start_from_epoch: usize,
}

impl Framework for Keras {
    fn count(&self, monitored: &Monitored, cells: Cells) -> Count {
        let patience = Patience {
            baseline: self.baseline,
            start_from_epoch: self.start_from_epoch,
            ..Patience::default()
        };
        patience.count_by(cells, |value, reference| {
            moved_by(monitored, value, reference, self.min_delta)
        })
    }

    fn limit(&self) -> usize {
        self.patience.max(1)
    }

    fn setting(&self) -> &'static str {
        "patience"
    }

    fn first(&self) -> usize {
        let patience = self.patience.max(1);
        let after =
            if self.baseline.is_none() { patience.saturating_add(1) } else { patience.max(2) };
        self.start_from_epoch.saturating_add(after)
    }

    fn maximizes(&self, column: &str) -> Option<bool> {
        larger_is_better(column)
    }
}
