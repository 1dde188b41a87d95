//! `ultralytics`: the `EarlyStopping` of ultralytics, by its own settings and arithmetic (8.4).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::framework::{Framework, Reference, count};
use crate::stopping::Monitored;
use crate::stopping::curve::Cells;
use crate::stopping::patience::Count;

/// The column that logs of ultralytics have for what its trainers watch.
pub const FITNESS: &str = "fitness";

/// Settings of `ultralytics`: `patience` of its trainers, on the fitness of an epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Ultralytics {
    /// Epochs since the best fitness; 0 switches it off.
    pub patience: usize,
}

impl Default for Ultralytics {
    fn default() -> Self {
        Self { patience: 100 }
    }
}

impl Framework for Ultralytics {
    fn count(&self, monitored: &Monitored, cells: Cells) -> Count {
        // A fitness of 0 is where trainings begin: whatever follows it counts as better.
        count(monitored, cells, &Reference::Accepted, |value, reference| {
            monitored.better(value, reference) || reference == 0.0
        })
    }

    fn limit(&self) -> usize {
        if self.patience == 0 { usize::MAX } else { self.patience }
    }

    fn setting(&self) -> &'static str {
        "patience"
    }

    fn monitors_in_its_logs(&self) -> Option<&'static str> {
        Some(FITNESS)
    }

    fn maximizes(&self, column: &str) -> Option<bool> {
        // Its fitness is larger where it is better; of a loss it is minus that.
        Some(!column.ends_with("loss"))
    }

    fn restores(&self) -> bool {
        true
    }
}
