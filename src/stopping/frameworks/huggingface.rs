//! `huggingface`: the `EarlyStoppingCallback` of transformers, by its own settings and arithmetic
//! (5.23).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::framework::{Framework, Reference, count};
use crate::check;
use crate::stopping::Monitored;
use crate::stopping::curve::Cells;
use crate::stopping::patience::Count;

/// Settings of `huggingface`: `transformers.EarlyStoppingCallback`, evaluated every epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct HuggingFace {
    /// Evaluations without improvement.
    pub early_stopping_patience: usize,
    /// A change of at most this is no improvement.
    #[serde(deserialize_with = "check::non_negative")]
    #[schemars(schema_with = "check::schema::non_negative")]
    pub early_stopping_threshold: f64,
}

impl Default for HuggingFace {
    fn default() -> Self {
        Self { early_stopping_patience: 1, early_stopping_threshold: 0.0 }
    }
}

impl Framework for HuggingFace {
    fn count(&self, monitored: &Monitored, cells: Cells) -> Count {
        count(monitored, cells, &Reference::Best, |value, reference| {
            monitored.better(value, reference)
                && (value - reference).abs() > self.early_stopping_threshold
        })
    }

    fn limit(&self) -> usize {
        self.early_stopping_patience
    }

    fn setting(&self) -> &'static str {
        "early_stopping_patience"
    }

    fn ends_when_spared(&self) -> bool {
        self.early_stopping_patience == 0
    }

    fn maximizes(&self, column: &str) -> Option<bool> {
        Some(!column.ends_with("loss"))
    }
}
