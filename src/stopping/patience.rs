//! `patience`: no improvement for a number of epochs, as Keras's `EarlyStopping` counts them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::curve::Cells;
use super::{Monitored, Rule};
use crate::check;
use crate::history::History;

/// Settings of `patience`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Patience {
    /// Epochs without improvement after which training ends; 0 acts as 1.
    pub patience: usize,
    /// A change smaller than this is no improvement.
    #[serde(deserialize_with = "check::non_negative")]
    #[schemars(schema_with = "check::schema::non_negative")]
    pub min_delta: f64,
    /// Whether `min_delta` is a difference or a share of the reference.
    pub min_delta_mode: MinDeltaMode,
    /// Only an improvement on this value resets the count.
    #[serde(deserialize_with = "check::optional_finite")]
    #[schemars(schema_with = "check::schema::optional_finite")]
    pub baseline: Option<f64>,
    /// Epochs at the start that are not looked at.
    pub start_from_epoch: usize,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            patience: 10,
            min_delta: 0.0,
            min_delta_mode: MinDeltaMode::Absolute,
            baseline: None,
            start_from_epoch: 0,
        }
    }
}

/// How `min_delta` is meant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MinDeltaMode {
    /// A difference.
    #[default]
    Absolute,
    /// A share of the reference's absolute value.
    Relative,
}

/// The count after some epochs.
pub(super) struct Count {
    /// Epochs since the last improvement that counts.
    pub wait: usize,
    /// Whether the last epoch was an improvement, or was not looked at.
    pub spared: bool,
}

impl Patience {
    fn improves(&self, monitored: &Monitored, value: f64, reference: f64) -> bool {
        let delta = match self.min_delta_mode {
            MinDeltaMode::Absolute => self.min_delta,
            MinDeltaMode::Relative => self.min_delta * reference.abs(),
        };
        monitored.better_by(value, reference, delta)
    }

    fn count(&self, monitored: &Monitored, cells: Cells) -> Count {
        self.count_by(cells, |value, reference| self.improves(monitored, value, reference))
    }

    /// The count where `improves` says what an improvement on a reference is.
    pub(super) fn count_by(&self, cells: Cells, improves: impl Fn(f64, f64) -> bool) -> Count {
        let mut reference: Option<f64> = None;
        let mut count = Count { wait: 0, spared: true };
        for (index, value) in cells.iter().enumerate() {
            let Some(value) = value.filter(|_| index >= self.start_from_epoch) else {
                count.spared = true;
                continue;
            };
            count.wait += 1;
            count.spared = reference.is_none_or(|reference| improves(value, reference));
            if count.spared {
                reference = Some(value);
                if self.baseline.is_none_or(|baseline| improves(value, baseline)) {
                    count.wait = 0;
                }
            }
        }
        count
    }

    /// Whether training ends after the last epoch of a curve.
    pub(super) fn fires_on(&self, monitored: &Monitored, cells: Cells) -> bool {
        let count = self.count(monitored, cells);
        !count.spared && count.wait >= self.patience && cells.len() > 1
    }

    /// The count after the last epoch of a curve.
    pub(super) fn state_on(&self, monitored: &Monitored, cells: Cells) -> String {
        format!("patience {}/{}", self.count(monitored, cells).wait, self.patience.max(1))
    }
}

impl Rule for Patience {
    fn fires(&self, monitored: &Monitored, history: &History) -> bool {
        self.fires_on(monitored, monitored.values(history))
    }

    fn earliest(&self) -> usize {
        // The first epoch looked at sets the reference, and only with a baseline does it count.
        let after = match self.baseline {
            None => self.patience.max(1).saturating_add(1),
            Some(_) => self.patience.max(2),
        };
        self.start_from_epoch.saturating_add(after)
    }

    fn postponed_by(&self) -> &'static str {
        "patience"
    }

    fn state(&self, monitored: &Monitored, history: &History) -> String {
        self.state_on(monitored, monitored.values(history))
    }
}
