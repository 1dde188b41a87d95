//! `lightgbm`: `LightGBM`'s `early_stopping`, by its own settings and arithmetic (4.7).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check;
use crate::history::History;
use crate::stopping::curve::measured;
use crate::stopping::split::{Split, is_spread, metric};
use crate::stopping::{Monitored, Readable, Rule, larger_is_better};

/// Settings of `lightgbm`: `lightgbm.early_stopping`, with its rounds as epochs. Training ends once any metric of any
/// validation set has not improved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LightGbm {
    /// Epochs without improvement.
    #[serde(deserialize_with = "check::at_least_one")]
    #[schemars(schema_with = "check::schema::at_least_one")]
    pub stopping_rounds: usize,
    /// A change of at most this is no improvement.
    #[serde(default, deserialize_with = "check::non_negative")]
    #[schemars(schema_with = "check::schema::non_negative")]
    pub min_delta: f64,
    /// Of several metrics the monitored one alone counts, on every validation set.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub first_metric_only: bool,
    /// Columns watched beside the monitored one, each in the direction that its name tells; by default all that are
    /// of a validation set by their names.
    #[serde(
        default,
        deserialize_with = "check::one_or_several",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(schema_with = "check::schema::one_or_several")]
    pub others: Option<Vec<Readable>>,
}

impl LightGbm {
    /// Watches these columns, which its own log tells of, where none are named.
    pub fn watch(&mut self, columns: &[String]) {
        if self.others.is_none() {
            self.others = Some(columns.iter().cloned().map(Readable).collect());
        }
    }

    /// Epochs since the last improvement of a column.
    fn wait(&self, monitored: &Monitored, history: &History) -> usize {
        let mut best: Option<(usize, f64)> = None;
        let mut last = 0;
        for (epoch, value) in measured(monitored.values(history)) {
            if best.is_none_or(|(_, best)| monitored.better_by(value, best, self.min_delta)) {
                best = Some((epoch, value));
            }
            last = epoch;
        }
        best.map_or(0, |(epoch, _)| last - epoch)
    }

    /// Whether a column is watched beside the monitored one.
    fn watches(&self, column: &str, monitored: &str) -> bool {
        let is_asked = match &self.others {
            Some(others) => others.iter().any(|other| other.0 == column),
            None => {
                matches!(Split::of(column), Some(Split::Validation | Split::Test))
                    && !is_spread(column)
            }
        };
        is_asked
            && column != monitored
            && (!self.first_metric_only || metric(column) == metric(monitored))
    }

    fn longest(&self, monitored: &Monitored, history: &History) -> usize {
        let others = history.names().filter(|name| self.watches(name, &monitored.column));
        let waits = others.map(|other| self.wait(&Monitored::new(other), history));
        waits.fold(self.wait(monitored, history), usize::max)
    }
}

impl Rule for LightGbm {
    fn fires(&self, monitored: &Monitored, history: &History) -> bool {
        self.longest(monitored, history) >= self.stopping_rounds
    }

    fn columns(&self) -> Vec<&str> {
        self.others.iter().flatten().map(|column| column.0.as_str()).collect()
    }

    fn directed<'a>(&'a self, monitored: &str, names: &[&'a str]) -> Vec<&'a str> {
        names.iter().copied().filter(|name| self.watches(name, monitored)).collect()
    }

    fn column_of_its_tool<'a>(&self, watched: &'a [String]) -> Option<&'a str> {
        watched.first().map(String::as_str).filter(|_| self.first_metric_only)
    }

    fn maximizes_by_default(&self, column: &str) -> Option<bool> {
        larger_is_better(column)
    }

    fn restores_best_by_default(&self) -> bool {
        false
    }

    fn earliest(&self) -> usize {
        self.stopping_rounds.saturating_add(1)
    }

    fn postponed_by(&self) -> &'static str {
        "stopping_rounds"
    }

    fn state(&self, monitored: &Monitored, history: &History) -> String {
        format!("stopping_rounds {}/{}", self.longest(monitored, history), self.stopping_rounds)
    }
}
