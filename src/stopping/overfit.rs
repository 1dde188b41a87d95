//! `divergence`, `gap` and `correlation`: the validation curve parts from its best or from the
//! training curve.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::curve::{Cells, in_a_row, last, mean, one};
use super::{Monitored, Rule};
use crate::check;
use crate::history::History;

/// The training loss that is comparable to the validation loss: both in evaluation mode.
const COMPARABLE: &str = "train_loss_eval";

/// Read where that was not recorded: as met during the epoch, which with batch norm or dropout is
/// another quantity.
const RUNNING: &str = "train_loss";

/// Settings of `divergence`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Divergence {
    /// Training ends where the curve is worse than its best value so far by this factor.
    #[serde(deserialize_with = "check::above_one")]
    #[schemars(schema_with = "check::schema::above_one")]
    pub factor: f64,
}

/// Settings of `gap`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Gap {
    /// The monitored loss exceeds the training loss by more than this share of the latter.
    #[serde(deserialize_with = "check::non_negative")]
    #[schemars(schema_with = "check::schema::non_negative")]
    pub ratio: f64,
    /// Epochs in a row.
    #[serde(default = "one", deserialize_with = "check::at_least_one")]
    #[schemars(schema_with = "check::schema::at_least_one")]
    pub count: usize,
}

/// Settings of `correlation`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Correlation {
    /// Epochs over which the two curves are correlated.
    #[serde(deserialize_with = "check::at_least_two")]
    #[schemars(schema_with = "check::schema::at_least_two")]
    pub window: usize,
    /// Training ends where the correlation is below this.
    #[serde(deserialize_with = "check::finite")]
    #[schemars(schema_with = "check::schema::finite")]
    pub below: f64,
}

impl Rule for Divergence {
    fn fires(&self, monitored: &Monitored, history: &History) -> bool {
        let value = monitored.values(history).last().copied().flatten();
        let (Some(value), Some((_, best))) = (value, monitored.best(history)) else {
            return false;
        };
        // A factor of a best of 0 or below says nothing: the same share of its size is added.
        let limit = match (monitored.maximize, best > 0.0) {
            (false, true) => self.factor * best,
            (true, true) => best / self.factor,
            (false, false) => best + (self.factor - 1.0) * best.abs(),
            (true, false) => best - (self.factor - 1.0) * best.abs(),
        };
        monitored.better(limit, value)
    }

    fn earliest(&self) -> usize {
        2
    }

    fn postponed_by(&self) -> &'static str {
        "count"
    }

    fn state(&self, monitored: &Monitored, history: &History) -> String {
        let value = monitored.values(history).last().copied().flatten();
        let ratio =
            value.zip(monitored.best(history)).map_or(1.0, |(value, (_, best))| value / best);
        format!("{ratio:.2} of the best, ends at a factor of {}", self.factor)
    }
}

/// The training losses that the monitored ones are held against.
fn training<'a>(history: &History<'a>) -> Cells<'a> {
    history.column(COMPARABLE).or_else(|| history.column(RUNNING)).unwrap_or(&[])
}

impl Gap {
    /// Epochs in a row; where one of the two was not measured the row is broken.
    fn in_a_row(&self, monitored: &Monitored, history: &History) -> usize {
        let pairs = monitored.values(history).iter().zip(training(history));
        in_a_row(pairs.map(|pair| match pair {
            (Some(value), Some(train)) => value - train > self.ratio * train.abs(),
            _ => false,
        }))
    }
}

impl Rule for Gap {
    fn fires(&self, monitored: &Monitored, history: &History) -> bool {
        self.in_a_row(monitored, history) >= self.count
    }

    fn columns(&self) -> Vec<&str> {
        vec![RUNNING]
    }

    fn earliest(&self) -> usize {
        self.count
    }

    fn postponed_by(&self) -> &'static str {
        "count"
    }

    fn state(&self, monitored: &Monitored, history: &History) -> String {
        format!("gap {}/{}", self.in_a_row(monitored, history), self.count)
    }
}

impl Correlation {
    /// Pearson's; `None` before the window is full and where a curve in it is exactly constant.
    fn coefficient(&self, monitored: &Monitored, history: &History) -> Option<f64> {
        // Epochs at which both were measured.
        let both = monitored.values(history).iter().zip(training(history));
        let (values, trains): (Vec<_>, Vec<_>) =
            both.map(|(value, train)| (value.and(*train).and(*value), value.and(*train))).unzip();
        let (values, trains) = (last(&values, self.window)?, last(&trains, self.window)?);
        let constant = |curve: &[(usize, f64)]| curve.iter().all(|(_, value)| *value == curve[0].1);
        if constant(&values) || constant(&trains) {
            return None;
        }
        let (of_value, of_train) = (mean(&values), mean(&trains));
        let (mut products, mut squares, mut train_squares) = (0.0, 0.0, 0.0);
        for ((_, value), (_, train)) in values.iter().zip(&trains) {
            let (value, train) = (value - of_value, train - of_train);
            products += value * train;
            squares += value * value;
            train_squares += train * train;
        }
        Some(products / (squares * train_squares).sqrt())
    }
}

impl Rule for Correlation {
    fn fires(&self, monitored: &Monitored, history: &History) -> bool {
        self.coefficient(monitored, history).is_some_and(|found| found < self.below)
    }

    fn columns(&self) -> Vec<&str> {
        vec![RUNNING]
    }

    fn earliest(&self) -> usize {
        self.window
    }

    fn postponed_by(&self) -> &'static str {
        "window"
    }

    fn state(&self, monitored: &Monitored, history: &History) -> String {
        match self.coefficient(monitored, history) {
            Some(found) => format!("correlation {found:.2}, ends below {}", self.below),
            None => format!("correlation not yet known over {} epochs", self.window),
        }
    }
}
