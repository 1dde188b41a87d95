//! `moving_average` and `exponential_average`: patience on a smoothed curve.
//!
//! The epochs before `start_from_epoch` enter no average; an empty cell is passed over.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{MinDeltaMode, Monitored, Patience, Rule};
use crate::check;
use crate::history::History;

/// A kind with a key of its own beside those of patience, all in one table.
macro_rules! smoothed {
    ($name:ident, $keys:ident = $keys_name:literal, $(#[$doc:meta])* $key:ident: $type:ty, $check:literal, $schema:literal) => {
        #[doc = concat!("Settings of patience on a curve smoothed by a `", stringify!($key), "`.")]
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(from = $keys_name)]
        pub struct $name {
            $(#[$doc])*
            pub $key: $type,
            /// Asked about the smoothed curve.
            #[serde(flatten)]
            pub patience: Patience,
        }

        // Not flattened: a table with a `kind` has to know the names of its keys.
        #[derive(Deserialize, JsonSchema)]
        struct $keys {
            $(#[$doc])*
            #[serde(deserialize_with = $check)]
            #[schemars(schema_with = $schema)]
            $key: $type,
            /// Epochs without improvement after which training ends; 0 acts as 1.
            #[serde(default = "patience")]
            patience: usize,
            /// A change smaller than this is no improvement.
            #[serde(default, deserialize_with = "check::non_negative")]
            #[schemars(schema_with = "check::schema::non_negative")]
            min_delta: f64,
            /// Whether `min_delta` is a difference or a share of the reference.
            #[serde(default)]
            min_delta_mode: MinDeltaMode,
            /// Only an improvement on this value resets the count.
            #[serde(default, deserialize_with = "check::optional_finite")]
            #[schemars(schema_with = "check::schema::optional_finite")]
            baseline: Option<f64>,
            /// Epochs at the start that are not looked at.
            #[serde(default)]
            start_from_epoch: usize,
        }

        impl From<$keys> for $name {
            fn from(keys: $keys) -> Self {
                let $keys { $key, patience, min_delta, min_delta_mode, baseline, start_from_epoch } =
                    keys;
                let patience =
                    Patience { patience, min_delta, min_delta_mode, baseline, start_from_epoch };
                Self { $key, patience }
            }
        }
    };
}

smoothed! {
    MovingAverage, MovingAverageKeys = "MovingAverageKeys",
    /// Measured epochs of a mean; before there are so many there is none.
    window: usize, "check::at_least_one", "check::schema::at_least_one"
}

smoothed! {
    ExponentialAverage, ExponentialAverageKeys = "ExponentialAverageKeys",
    /// Weight of the average so far.
    beta: f64, "check::share", "check::schema::share"
}

fn patience() -> usize {
    Patience::default().patience
}

impl MovingAverage {
    fn smoothed(&self, cells: &[Option<f64>]) -> Vec<Option<f64>> {
        let mut seen = Vec::new();
        let next = |(index, cell): (usize, &Option<f64>)| {
            seen.push((*cell).filter(|_| index >= self.patience.start_from_epoch)?);
            let window = &seen[seen.len().checked_sub(self.window)?..];
            Some(window.iter().sum::<f64>() / self.window as f64)
        };
        cells.iter().enumerate().map(next).collect()
    }
}

impl ExponentialAverage {
    /// `m / (1 - beta^t)`, where `m = beta m + (1 - beta) v` begins with 0 and t counts
    /// measured epochs.
    fn smoothed(&self, cells: &[Option<f64>]) -> Vec<Option<f64>> {
        let (mut average, mut remembered) = (0.0, 1.0);
        let next = |(index, cell): (usize, &Option<f64>)| {
            let value = (*cell).filter(|_| index >= self.patience.start_from_epoch)?;
            average = self.beta * average + (1.0 - self.beta) * value;
            remembered *= self.beta;
            Some(average / (1.0 - remembered))
        };
        cells.iter().enumerate().map(next).collect()
    }
}

impl Rule for MovingAverage {
    fn fires(&self, monitored: &Monitored, history: &History) -> bool {
        self.patience.fires_on(monitored, &self.smoothed(monitored.values(history)))
    }

    fn earliest(&self) -> usize {
        self.patience.earliest().saturating_add(self.window - 1)
    }

    fn postponed_by(&self) -> &'static str {
        self.patience.postponed_by()
    }

    fn state(&self, monitored: &Monitored, history: &History) -> String {
        self.patience.state_on(monitored, &self.smoothed(monitored.values(history)))
    }
}

impl Rule for ExponentialAverage {
    fn fires(&self, monitored: &Monitored, history: &History) -> bool {
        self.patience.fires_on(monitored, &self.smoothed(monitored.values(history)))
    }

    fn earliest(&self) -> usize {
        self.patience.earliest()
    }

    fn postponed_by(&self) -> &'static str {
        self.patience.postponed_by()
    }

    fn state(&self, monitored: &Monitored, history: &History) -> String {
        self.patience.state_on(monitored, &self.smoothed(monitored.values(history)))
    }
}
