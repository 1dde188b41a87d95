//! `relative_change`, `slope` and `change`: a curve hardly moves any more.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::curve::{in_a_row, last, mean, measured, one};
use super::{Monitored, Readable, Rule};
use crate::check;
use crate::history::History;

/// Settings of `relative_change`: two windows in a row have nearly the same mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RelativeChange {
    /// The column; the monitored one where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<Readable>,
    /// Measured epochs of a mean.
    #[serde(deserialize_with = "check::at_least_one")]
    #[schemars(schema_with = "check::schema::at_least_one")]
    pub window: usize,
    /// A change smaller than this share of the earlier mean ends training.
    #[serde(deserialize_with = "check::positive")]
    #[schemars(schema_with = "check::schema::positive")]
    pub tolerance: f64,
}

/// Settings of `slope`: the straight line through the last values no longer improves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Slope {
    /// The column; the monitored one where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<Readable>,
    /// Measured epochs that the line is fitted to.
    #[serde(deserialize_with = "check::at_least_two")]
    #[schemars(schema_with = "check::schema::at_least_two")]
    pub window: usize,
    /// An improvement per epoch that is smaller than this ends training.
    #[serde(deserialize_with = "check::non_negative")]
    #[schemars(schema_with = "check::schema::non_negative")]
    pub min_slope: f64,
}

/// Settings of `change`: from epoch to epoch nearly the same value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// The column.
    pub column: Readable,
    /// A change smaller than this share of the value before counts.
    #[serde(deserialize_with = "check::positive")]
    #[schemars(schema_with = "check::schema::positive")]
    pub tolerance: f64,
    /// Measured epochs in a row.
    #[serde(default = "one", deserialize_with = "check::at_least_one")]
    #[schemars(schema_with = "check::schema::at_least_one")]
    pub count: usize,
}

/// The curve that a rule reads: of its own column, else the monitored one.
fn curve<'a>(
    column: Option<&Readable>,
    monitored: &Monitored,
    history: &History<'a>,
) -> &'a [Option<f64>] {
    history.column(column.map_or(&monitored.column, |own| &own.0)).unwrap_or(&[])
}

fn name<'a>(column: Option<&'a Readable>, monitored: &'a Monitored) -> &'a str {
    column.map_or(&monitored.column, |own| &own.0)
}

impl RelativeChange {
    fn change(&self, monitored: &Monitored, history: &History) -> Option<f64> {
        let cells = curve(self.column.as_ref(), monitored, history);
        let values = last(cells, self.window.saturating_mul(2))?;
        let (before, after) = values.split_at(self.window);
        let (before, after) = (mean(before), mean(after));
        Some((after - before).abs() / before.abs())
    }
}

impl Rule for RelativeChange {
    fn fires(&self, monitored: &Monitored, history: &History) -> bool {
        self.change(monitored, history).is_some_and(|change| change < self.tolerance)
    }

    fn columns(&self) -> Vec<&str> {
        self.column.iter().map(|own| own.0.as_str()).collect()
    }

    fn reads_monitored(&self) -> bool {
        self.column.is_none()
    }

    fn earliest(&self) -> usize {
        self.window.saturating_mul(2)
    }

    fn postponed_by(&self) -> &'static str {
        "window"
    }

    fn state(&self, monitored: &Monitored, history: &History) -> String {
        let column = name(self.column.as_ref(), monitored);
        match self.change(monitored, history) {
            Some(change) => format!("{column} changes by {:.2} %", 100.0 * change),
            None => format!("{column} not yet measured for 2 x {} epochs", self.window),
        }
    }
}

impl Slope {
    /// The improvement per epoch of the line of least squares; exactly 0 on an exactly flat window,
    /// whatever rounding would make of it.
    fn improvement(&self, monitored: &Monitored, history: &History) -> Option<f64> {
        let values = last(curve(self.column.as_ref(), monitored, history), self.window)?;
        if values.iter().all(|(_, value)| *value == values[0].1) {
            return Some(0.0);
        }
        let centre = mean(&values);
        let centre_epoch =
            values.iter().map(|(epoch, _)| *epoch as f64).sum::<f64>() / values.len() as f64;
        let (mut products, mut squares) = (0.0, 0.0);
        for (epoch, value) in &values {
            let distance = *epoch as f64 - centre_epoch;
            products += distance * (value - centre);
            squares += distance * distance;
        }
        let slope = products / squares;
        let rises_are_better = match &self.column {
            Some(own) if own.0 != monitored.column => Monitored::new(&own.0).maximize,
            _ => monitored.maximize,
        };
        Some(if rises_are_better { slope } else { -slope })
    }
}

impl Rule for Slope {
    fn fires(&self, monitored: &Monitored, history: &History) -> bool {
        self.improvement(monitored, history).is_some_and(|improved| improved < self.min_slope)
    }

    fn columns(&self) -> Vec<&str> {
        self.column.iter().map(|own| own.0.as_str()).collect()
    }

    fn directed<'a>(&'a self, monitored: &str, _: &[&'a str]) -> Vec<&'a str> {
        self.columns().into_iter().filter(|column| *column != monitored).collect()
    }

    fn reads_monitored(&self) -> bool {
        self.column.is_none()
    }

    fn earliest(&self) -> usize {
        self.window
    }

    fn postponed_by(&self) -> &'static str {
        "window"
    }

    fn state(&self, monitored: &Monitored, history: &History) -> String {
        let column = name(self.column.as_ref(), monitored);
        match self.improvement(monitored, history) {
            Some(improved) => format!("{column} improves by {improved:.2e} an epoch"),
            None => format!("{column} not yet measured for {} epochs", self.window),
        }
    }
}

impl Change {
    fn in_a_row(&self, history: &History) -> usize {
        let cells = history.column(&self.column.0).unwrap_or(&[]);
        let values: Vec<f64> = measured(cells).map(|(_, value)| value).collect();
        in_a_row(values.windows(2).map(|pair| {
            let (before, after) = (pair[0], pair[1]);
            (after - before).abs() < self.tolerance * before.abs()
        }))
    }
}

impl Rule for Change {
    fn fires(&self, _: &Monitored, history: &History) -> bool {
        self.in_a_row(history) >= self.count
    }

    fn columns(&self) -> Vec<&str> {
        vec![&self.column.0]
    }

    fn reads_monitored(&self) -> bool {
        false
    }

    fn earliest(&self) -> usize {
        self.count.saturating_add(1)
    }

    fn postponed_by(&self) -> &'static str {
        "count"
    }

    fn state(&self, _: &Monitored, history: &History) -> String {
        format!("{} unchanged {}/{}", self.column.0, self.in_a_row(history), self.count)
    }
}
