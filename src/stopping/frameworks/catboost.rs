//! `catboost`: `CatBoost`'s overfitting detector of type `Iter`, by its own settings and arithmetic (1.2).

use serde::{Deserialize, Serialize};

use super::framework::{Framework, Reference, count};
use crate::stopping::Monitored;
use crate::stopping::curve::Cells;
use crate::stopping::patience::Count;

/// Settings of `catboost`: `od_type = "Iter"`, which `early_stopping_rounds` is, with its iterations as epochs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CatBoost {
    /// Epochs since the best.
    pub od_wait: usize,
}

impl Default for CatBoost {
    fn default() -> Self {
        Self { od_wait: 20 }
    }
}

impl Framework for CatBoost {
    fn count(&self, monitored: &Monitored, cells: Cells) -> Count {
        count(monitored, cells, &Reference::Best, |value, reference| {
            monitored.better(value, reference)
        })
    }

    fn limit(&self) -> usize {
        self.od_wait.max(1)
    }

    fn setting(&self) -> &'static str {
        "od_wait"
    }

    fn maximizes(&self, column: &str) -> Option<bool> {
        crate::stopping::larger_is_better(column)
    }
}
