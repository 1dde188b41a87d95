//! Prechelt's rules on strips of epochs: generalization loss, progress, their quotient, and
//! successive increases (PROBEN1, 1994; "Early Stopping - but when?", 1998).
//!
//! All are asked at the end of a strip alone: Prechelt measured the validation error every five
//! epochs. Where larger is better, losses and increases are those of the negated curve.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::curve::five;
use super::{Monitored, Rule};
use crate::check;
use crate::history::History;

/// The column whose progress is taken: the error as met during the epoch.
const TRAINING: &str = "train_loss";

/// Settings of `generalization_loss`, Prechelt's GL.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GeneralizationLoss {
    /// Training ends where the loss is above this, in percent of the best value so far.
    #[serde(deserialize_with = "check::non_negative")]
    #[schemars(schema_with = "check::schema::non_negative")]
    pub alpha: f64,
    /// The rule is asked at every so many epochs.
    #[serde(default = "five", deserialize_with = "check::at_least_one")]
    #[schemars(schema_with = "check::schema::at_least_one")]
    pub every: usize,
}

/// Settings of `progress_quotient`, Prechelt's PQ.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProgressQuotient {
    /// Training ends where generalization loss over progress is above this.
    #[serde(deserialize_with = "check::non_negative")]
    #[schemars(schema_with = "check::schema::non_negative")]
    pub alpha: f64,
    /// Epochs of a strip.
    #[serde(default = "five", deserialize_with = "check::at_least_one")]
    #[schemars(schema_with = "check::schema::at_least_one")]
    pub strip: usize,
}

/// Settings of `successive_increases`, Prechelt's UP.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SuccessiveIncreases {
    /// Strips in a row at whose end the curve is above its value a strip earlier.
    #[serde(deserialize_with = "check::at_least_one")]
    #[schemars(schema_with = "check::schema::at_least_one")]
    pub count: usize,
    /// Epochs of a strip.
    #[serde(default = "five", deserialize_with = "check::at_least_one")]
    #[schemars(schema_with = "check::schema::at_least_one")]
    pub strip: usize,
}

/// Settings of `training_progress`, which ends every training of PROBEN1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrainingProgress {
    /// Training ends where progress is below this, in per mille.
    #[serde(default = "tolerance", deserialize_with = "check::positive")]
    #[schemars(schema_with = "check::schema::positive")]
    pub tolerance: f64,
    /// Epochs of a strip.
    #[serde(default = "five", deserialize_with = "check::at_least_one")]
    #[schemars(schema_with = "check::schema::at_least_one")]
    pub strip: usize,
}

fn tolerance() -> f64 {
    0.1
}

/// GL(t) = 100 (v / best - 1): how far the last value is from the best so far, in percent of it.
///
/// Only the ends of strips count, as if nothing had been measured between them; `None` elsewhere.
/// Prechelt's errors are positive; of other curves it is the distance in percent of the best's size.
fn generalization_loss(monitored: &Monitored, history: &History, strip: usize) -> Option<f64> {
    if !ends(history, strip) {
        return None;
    }
    let ends = monitored.values(history).chunks_exact(strip).map(|cells| cells[strip - 1]);
    let value = ends.clone().next_back()??;
    let best = ends.flatten().reduce(|best, v| if monitored.better(v, best) { v } else { best })?;
    Some(if value == best {
        0.0
    } else if best > 0.0 && !monitored.maximize {
        // The printed form: an equal one rounds differently.
        100.0 * (value / best - 1.0)
    } else {
        100.0 * (value - best).abs() / best.abs()
    })
}

/// `P_k(t) = 1000 (mean / min - 1)` of the training error over the strip that ends with the last
/// epoch: how much larger it is on average than at its least, in per mille; `None` between ends and
/// where nothing was measured.
fn progress(history: &History, strip: usize) -> Option<f64> {
    if !ends(history, strip) {
        return None;
    }
    let cells = history.column(TRAINING)?;
    let values: Vec<f64> = cells[cells.len() - strip..].iter().flatten().copied().collect();
    let least = values.iter().copied().reduce(f64::min)?;
    if values.iter().all(|value| *value == least) {
        return Some(0.0);
    }
    Some(1000.0 * (values.iter().sum::<f64>() / (values.len() as f64 * least) - 1.0))
}

/// Whether a strip ends with the last epoch.
fn ends(history: &History, strip: usize) -> bool {
    history.epochs() > 0 && history.epochs().is_multiple_of(strip)
}

/// The history up to the end of its last whole strip, for a progress line.
fn at_the_last_end<'a>(history: &History<'a>, strip: usize) -> History<'a> {
    history.up_to(history.epochs() / strip * strip)
}

impl Rule for GeneralizationLoss {
    fn fires(&self, monitored: &Monitored, history: &History) -> bool {
        generalization_loss(monitored, history, self.every).is_some_and(|loss| loss > self.alpha)
    }

    fn earliest(&self) -> usize {
        // The first end is the best so far.
        self.every.saturating_mul(2)
    }

    fn postponed_by(&self) -> &'static str {
        "every"
    }

    fn state(&self, monitored: &Monitored, history: &History) -> String {
        let history = at_the_last_end(history, self.every);
        let loss = generalization_loss(monitored, &history, self.every).unwrap_or(0.0);
        format!("generalization loss {loss:.1}/{} %", self.alpha)
    }
}

impl ProgressQuotient {
    fn quotient(&self, monitored: &Monitored, history: &History) -> Option<f64> {
        let loss = generalization_loss(monitored, history, self.strip)?;
        let progress = progress(history, self.strip)?;
        // Without progress any loss is too much.
        let no_loss = progress == 0.0 && loss == 0.0;
        Some(if no_loss { 0.0 } else { loss / progress })
    }
}

impl Rule for ProgressQuotient {
    fn fires(&self, monitored: &Monitored, history: &History) -> bool {
        self.quotient(monitored, history).is_some_and(|quotient| quotient > self.alpha)
    }

    fn columns(&self) -> Vec<&str> {
        vec![TRAINING]
    }

    fn earliest(&self) -> usize {
        self.strip.saturating_mul(2)
    }

    fn postponed_by(&self) -> &'static str {
        "strip"
    }

    fn state(&self, monitored: &Monitored, history: &History) -> String {
        let history = at_the_last_end(history, self.strip);
        let quotient = self.quotient(monitored, &history).unwrap_or(0.0);
        format!("progress quotient {quotient:.2}/{}", self.alpha)
    }
}

impl SuccessiveIncreases {
    /// Strips in a row, up to the last that ended, at whose end the curve was worse than a strip
    /// earlier.
    fn in_a_row(&self, monitored: &Monitored, history: &History) -> usize {
        let cells = monitored.values(history);
        let ends: Vec<Option<f64>> =
            cells.chunks_exact(self.strip).filter_map(|strip| strip.last().copied()).collect();
        let worse = |pair: &[Option<f64>]| matches!(pair, [Some(before), Some(after)] if monitored.better(*before, *after));
        super::curve::in_a_row(ends.windows(2).map(worse))
    }
}

impl Rule for SuccessiveIncreases {
    fn fires(&self, monitored: &Monitored, history: &History) -> bool {
        ends(history, self.strip) && self.in_a_row(monitored, history) >= self.count
    }

    fn earliest(&self) -> usize {
        self.count.saturating_add(1).saturating_mul(self.strip)
    }

    fn postponed_by(&self) -> &'static str {
        "count"
    }

    fn state(&self, monitored: &Monitored, history: &History) -> String {
        format!("increases {}/{}", self.in_a_row(monitored, history), self.count)
    }
}

impl Rule for TrainingProgress {
    fn fires(&self, _: &Monitored, history: &History) -> bool {
        progress(history, self.strip).is_some_and(|progress| progress < self.tolerance)
    }

    fn columns(&self) -> Vec<&str> {
        vec![TRAINING]
    }

    fn reads_monitored(&self) -> bool {
        false
    }

    fn earliest(&self) -> usize {
        self.strip
    }

    fn postponed_by(&self) -> &'static str {
        "strip"
    }

    fn state(&self, _: &Monitored, history: &History) -> String {
        let history = at_the_last_end(history, self.strip);
        let progress = progress(&history, self.strip).unwrap_or(f64::INFINITY);
        format!("training progress {progress:.2}/{} per mille", self.tolerance)
    }
}
