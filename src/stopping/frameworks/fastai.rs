//! `fastai`: fastai's `EarlyStoppingCallback`, by its own settings and arithmetic (2.8).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::framework::{Framework, Reference, count, moved_by};
use crate::check;
use crate::stopping::Monitored;
use crate::stopping::curve::Cells;
use crate::stopping::patience::Count;

/// Settings of `fastai`: `fastai.callback.tracker.EarlyStoppingCallback`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Fastai {
    /// Epochs without improvement; 0 acts as 1.
    pub patience: usize,
    /// A change smaller than this is no improvement.
    #[serde(deserialize_with = "check::non_negative")]
    #[schemars(schema_with = "check::schema::non_negative")]
    pub min_delta: f64,
}

impl Default for Fastai {
    fn default() -> Self {
        Self { patience: 1, min_delta: 0.0 }
    }
}

impl Framework for Fastai {
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

    fn maximizes(&self, column: &str) -> Option<bool> {
        Some(!column.contains("loss") && !column.contains("error"))
    }
}
