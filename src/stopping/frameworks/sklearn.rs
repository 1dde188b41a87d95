//! `sklearn`: the early stopping of scikit-learn's MLPs, by its own settings and arithmetic (1.9).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::framework::{Framework, Reference, count};
use crate::check;
use crate::stopping::curve::Cells;
use crate::stopping::patience::Count;
use crate::stopping::{Monitored, larger_is_better};

/// Settings of `sklearn`: `MLPClassifier(early_stopping=True)`, and on `train_loss` without that.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Sklearn {
    /// A change smaller than this is no improvement.
    #[serde(deserialize_with = "check::non_negative")]
    #[schemars(schema_with = "check::schema::non_negative")]
    pub tol: f64,
    /// Training ends after one more epoch without improvement than this.
    pub n_iter_no_change: usize,
}

impl Default for Sklearn {
    fn default() -> Self {
        Self { tol: 1e-4, n_iter_no_change: 10 }
    }
}

impl Framework for Sklearn {
    fn count(&self, monitored: &Monitored, cells: Cells) -> Count {
        count(monitored, cells, &Reference::Best, |value, reference| {
            if monitored.maximize {
                value >= reference + self.tol
            } else {
                value <= reference - self.tol
            }
        })
    }

    fn limit(&self) -> usize {
        self.n_iter_no_change.saturating_add(1)
    }

    fn setting(&self) -> &'static str {
        "n_iter_no_change"
    }

    fn monitors(&self) -> &'static str {
        "val_accuracy"
    }

    fn maximizes(&self, column: &str) -> Option<bool> {
        larger_is_better(column)
    }

    fn restores(&self) -> bool {
        true
    }
}
