//! `lightgbm`: `LightGBM`'s `early_stopping`, by its own settings and arithmetic (4.7).

use serde::{Deserialize, Deserializer, Serialize, de::Error};

use crate::check;
use crate::history::History;
use crate::stopping::curve::measured;
use crate::stopping::{Monitored, Readable, Rule, larger_is_better};

/// Settings of `lightgbm`: `lightgbm.early_stopping`, with its rounds as epochs. Training ends once any of the
/// metrics watched has not improved; `first_metric_only` is to name no other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LightGbm {
    /// Epochs without improvement.
    #[serde(deserialize_with = "at_least_one")]
    pub stopping_rounds: usize,
    /// A change of at most this is no improvement.
    #[serde(default, deserialize_with = "check::non_negative")]
    pub min_delta: f64,
    /// Columns watched beside the monitored one, each in the direction that its name tells.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Readable>,
}

fn at_least_one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let rounds = usize::deserialize(deserializer)?;
    if rounds == 0 {
        return Err(D::Error::custom("0 is out of range: expected a whole number of at least 1"));
    }
    Ok(rounds)
}

impl LightGbm {
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

    fn longest(&self, monitored: &Monitored, history: &History) -> usize {
        let others = self.others.iter().map(|column| Monitored::new(&column.0));
        let waits = others.map(|other| self.wait(&other, history));
        waits.fold(self.wait(monitored, history), usize::max)
    }
}

impl Rule for LightGbm {
    fn fires(&self, monitored: &Monitored, history: &History) -> bool {
        self.longest(monitored, history) >= self.stopping_rounds
    }

    fn columns(&self) -> Vec<&str> {
        self.others.iter().map(|column| column.0.as_str()).collect()
    }

    fn directed(&self) -> Vec<&str> {
        self.columns()
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
