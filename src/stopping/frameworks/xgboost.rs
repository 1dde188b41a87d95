//! `xgboost`: `XGBoost`'s `EarlyStopping`, by its own settings and arithmetic (3.2).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::framework::{Framework, Reference, count};
use crate::check;
use crate::stopping::Monitored;
use crate::stopping::curve::Cells;
use crate::stopping::patience::Count;

/// Settings of `xgboost`: `xgboost.callback.EarlyStopping`, with its rounds as epochs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Xgboost {
    /// Epochs without improvement.
    pub rounds: usize,
    /// A change smaller than this is no improvement.
    #[serde(default, deserialize_with = "check::non_negative")]
    #[schemars(schema_with = "check::schema::non_negative")]
    pub min_delta: f64,
}

impl Framework for Xgboost {
    fn count(&self, monitored: &Monitored, cells: Cells) -> Count {
        count(monitored, cells, &Reference::Accepted, |value, reference| {
            if monitored.maximize {
                value - self.min_delta > reference
            } else {
                reference - self.min_delta > value
            }
        })
    }

    fn limit(&self) -> usize {
        self.rounds
    }

    fn setting(&self) -> &'static str {
        "rounds"
    }

    fn ends_when_spared(&self) -> bool {
        self.rounds == 0
    }

    fn maximizes(&self, column: &str) -> Option<bool> {
        // `validset-0-ndcg@5-`: the data set, the metric, and what the metric does with empty groups.
        let name = column.trim_end_matches('-');
        let metric = name.rsplit(['-', '_', '/', ' ']).next().unwrap_or(name);
        let larger = ["auc", "pre", "map", "ndcg"];
        Some(metric != "mape" && larger.iter().any(|name| metric.starts_with(name)))
    }
}
