//! `keras`, `lightning`, `sklearn`, `skorch`, `xgboost`, `huggingface`: the early stopping of other
//! frameworks, each with its own settings, defaults, direction and arithmetic.
//!
//! They differ in what an improvement is held against (the last value accepted as one, or the best
//! of all), in whether an exact tie with the margin counts, and in the form in which the margin is
//! subtracted, which rounds differently. The letter of each is from its source: Keras 3.15,
//! Lightning 2.6, scikit-learn 1.9, skorch 1.4, `XGBoost` 3.2, transformers 5.23.

use serde::{Deserialize, Serialize};

use super::curve::{Cells, measured};
use super::patience::Count;
use super::{Monitored, Patience, Rule, larger_is_better};
use crate::check;
use crate::history::History;

/// Settings of `keras`: `keras.callbacks.EarlyStopping`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Keras {
    /// Epochs without improvement; 0 acts as 1.
    pub patience: usize,
    /// A change smaller than this is no improvement.
    #[serde(deserialize_with = "check::non_negative")]
    pub min_delta: f64,
    /// Only an improvement on this value resets the count.
    #[serde(deserialize_with = "check::optional_finite", skip_serializing_if = "Option::is_none")]
    pub baseline: Option<f64>,
    /// Epochs at the start that are not looked at.
    pub start_from_epoch: usize,
}

/// Settings of `lightning`: `lightning.pytorch.callbacks.EarlyStopping`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lightning {
    /// Epochs without improvement; 0 acts as 1.
    pub patience: usize,
    /// A change smaller than this is no improvement.
    #[serde(deserialize_with = "check::non_negative")]
    pub min_delta: f64,
    /// Training ends once a value is better than this.
    #[serde(deserialize_with = "check::optional_finite", skip_serializing_if = "Option::is_none")]
    pub stopping_threshold: Option<f64>,
    /// Training ends once a value is worse than this.
    #[serde(deserialize_with = "check::optional_finite", skip_serializing_if = "Option::is_none")]
    pub divergence_threshold: Option<f64>,
}

impl Default for Lightning {
    fn default() -> Self {
        Self { patience: 3, min_delta: 0.0, stopping_threshold: None, divergence_threshold: None }
    }
}

/// Settings of `sklearn`: `MLPClassifier(early_stopping=True)`, and on `train_loss` without that.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sklearn {
    /// A change smaller than this is no improvement.
    #[serde(deserialize_with = "check::non_negative")]
    pub tol: f64,
    /// Training ends after one more epoch without improvement than this.
    pub n_iter_no_change: usize,
}

impl Default for Sklearn {
    fn default() -> Self {
        Self { tol: 1e-4, n_iter_no_change: 10 }
    }
}

/// Settings of `skorch`: `skorch.callbacks.EarlyStopping`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Skorch {
    /// Epochs without improvement.
    pub patience: usize,
    /// A change smaller than this is no improvement.
    #[serde(deserialize_with = "check::non_negative")]
    pub threshold: f64,
    /// Whether that is a difference or a share of the score.
    pub threshold_mode: ThresholdMode,
}

impl Default for Skorch {
    fn default() -> Self {
        Self { patience: 5, threshold: 1e-4, threshold_mode: ThresholdMode::Rel }
    }
}

/// How a threshold is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThresholdMode {
    /// A share of the score accepted last.
    Rel,
    /// A difference.
    Abs,
}

/// Settings of `xgboost`: `xgboost.callback.EarlyStopping`, with its rounds as epochs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Xgboost {
    /// Epochs without improvement.
    pub rounds: usize,
    /// A change smaller than this is no improvement.
    #[serde(default, deserialize_with = "check::non_negative")]
    pub min_delta: f64,
}

/// Settings of `huggingface`: `transformers.EarlyStoppingCallback`, evaluated every epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HuggingFace {
    /// Evaluations without improvement.
    pub early_stopping_patience: usize,
    /// A change of at most this is no improvement.
    #[serde(deserialize_with = "check::non_negative")]
    pub early_stopping_threshold: f64,
}

impl Default for HuggingFace {
    fn default() -> Self {
        Self { early_stopping_patience: 1, early_stopping_threshold: 0.0 }
    }
}

/// What an improvement is held against.
enum Reference {
    /// The last value that was one.
    Accepted,
    /// The best value of all.
    Best,
}

/// Counts epochs since the last improvement.
fn count(
    monitored: &Monitored,
    cells: Cells,
    kept: &Reference,
    improves: impl Fn(f64, f64) -> bool,
) -> Count {
    let mut reference = None;
    let mut count = Count { wait: 0, spared: true };
    for (_, value) in measured(cells) {
        count.spared = reference.is_none_or(|reference| improves(value, reference));
        count.wait = if count.spared { 0 } else { count.wait + 1 };
        let is_best = || reference.is_none_or(|reference| monitored.better(value, reference));
        if match kept {
            Reference::Accepted => count.spared,
            Reference::Best => is_best(),
        } {
            reference = Some(value);
        }
    }
    count
}

/// The form of Keras and Lightning, `v + delta < reference`, which rounds differently from
/// `v < reference - delta`.
fn moved_by(monitored: &Monitored, value: f64, reference: f64, delta: f64) -> bool {
    monitored.better(if monitored.maximize { value - delta } else { value + delta }, reference)
}

/// A framework that ends training where its count reaches a number of epochs.
trait Framework {
    fn count(&self, monitored: &Monitored, cells: Cells) -> Count;

    /// The count at which training ends.
    fn limit(&self) -> usize;

    /// The setting that this is.
    fn setting(&self) -> &'static str;

    /// Whether training ends at an improvement, where the limit is 0.
    fn ends_when_spared(&self) -> bool {
        false
    }

    /// Whether a value ends training without any count.
    fn ends_at(&self, _: &Monitored, _: f64) -> bool {
        false
    }

    /// The first epoch at which some curve ends training.
    fn first(&self) -> usize {
        self.limit().saturating_add(1)
    }

    /// What is monitored where no column is named.
    fn monitors(&self) -> &'static str {
        "val_loss"
    }

    /// The direction where none is given.
    fn maximizes(&self, column: &str) -> bool;

    /// Whether the weights of the best epoch are kept where nothing is said.
    fn restores(&self) -> bool {
        false
    }
}

impl Framework for Keras {
    fn count(&self, monitored: &Monitored, cells: Cells) -> Count {
        let patience = Patience {
            baseline: self.baseline,
            start_from_epoch: self.start_from_epoch,
            ..Patience::default()
        };
        patience.count_by(cells, |value, reference| {
            moved_by(monitored, value, reference, self.min_delta)
        })
    }

    fn limit(&self) -> usize {
        self.patience.max(1)
    }

    fn setting(&self) -> &'static str {
        "patience"
    }

    fn first(&self) -> usize {
        let patience = self.patience.max(1);
        let after =
            if self.baseline.is_none() { patience.saturating_add(1) } else { patience.max(2) };
        self.start_from_epoch.saturating_add(after)
    }

    fn maximizes(&self, column: &str) -> bool {
        larger_is_better(column)
    }
}

impl Framework for Lightning {
    fn count(&self, monitored: &Monitored, cells: Cells) -> Count {
        count(monitored, cells, &Reference::Accepted, |value, reference| {
            moved_by(monitored, value, reference, self.min_delta)
        })
    }

    fn limit(&self) -> usize {
        self.patience.max(1)
    }

    fn setting(&self) -> &'static str {
        "patience"
    }

    fn ends_at(&self, monitored: &Monitored, value: f64) -> bool {
        self.stopping_threshold.is_some_and(|limit| monitored.better(value, limit))
            || self.divergence_threshold.is_some_and(|limit| monitored.better(limit, value))
    }

    fn first(&self) -> usize {
        let at_once = self.stopping_threshold.is_some() || self.divergence_threshold.is_some();
        if at_once { 1 } else { self.limit().saturating_add(1) }
    }

    fn maximizes(&self, _: &str) -> bool {
        false
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

    fn maximizes(&self, column: &str) -> bool {
        larger_is_better(column)
    }

    fn restores(&self) -> bool {
        true
    }
}

impl Framework for Skorch {
    fn count(&self, monitored: &Monitored, cells: Cells) -> Count {
        count(monitored, cells, &Reference::Accepted, |value, reference| {
            let delta = match self.threshold_mode {
                // Of the score, not of its size: below 0 the margin changes sides.
                ThresholdMode::Rel => self.threshold * reference,
                ThresholdMode::Abs => self.threshold,
            };
            monitored.better_by(value, reference, delta)
        })
    }

    fn limit(&self) -> usize {
        self.patience
    }

    fn setting(&self) -> &'static str {
        "patience"
    }

    fn ends_when_spared(&self) -> bool {
        self.patience == 0
    }

    fn maximizes(&self, _: &str) -> bool {
        false
    }
}

impl Framework for Xgboost {
    fn count(&self, monitored: &Monitored, cells: Cells) -> Count {
        count(monitored, cells, &Reference::Accepted, |value, reference| {
            if monitored.maximize {
                value - self.min_delta > reference
            } else {
                reference - self.min_delta > value
            }
        })
    }

    fn limit(&self) -> usize {
        self.rounds
    }

    fn setting(&self) -> &'static str {
        "rounds"
    }

    fn ends_when_spared(&self) -> bool {
        self.rounds == 0
    }

    fn maximizes(&self, column: &str) -> bool {
        let metric = column.rsplit_once('_').map_or(column, |(_, metric)| metric);
        let larger = ["auc", "pre", "map", "ndcg"];
        metric != "mape" && larger.iter().any(|name| metric.starts_with(name))
    }
}

impl Framework for HuggingFace {
    fn count(&self, monitored: &Monitored, cells: Cells) -> Count {
        count(monitored, cells, &Reference::Best, |value, reference| {
            monitored.better(value, reference)
                && (value - reference).abs() > self.early_stopping_threshold
        })
    }

    fn limit(&self) -> usize {
        self.early_stopping_patience
    }

    fn setting(&self) -> &'static str {
        "early_stopping_patience"
    }

    fn ends_when_spared(&self) -> bool {
        self.early_stopping_patience == 0
    }

    fn maximizes(&self, column: &str) -> bool {
        !column.ends_with("loss")
    }
}

/// Each framework as a rule.
macro_rules! rules {
    ($($name:ident),+) => {$(
        impl Rule for $name {
            fn fires(&self, monitored: &Monitored, history: &History) -> bool {
                let cells = monitored.values(history);
                let count = self.count(monitored, cells);
                let last = cells.last().copied().flatten();
                last.is_some_and(|value| self.ends_at(monitored, value))
                    || (!count.spared && count.wait >= self.limit())
                    || (last.is_some() && self.ends_when_spared())
            }

            fn default_column(&self) -> &'static str {
                self.monitors()
            }

            fn maximizes_by_default(&self, column: &str) -> bool {
                self.maximizes(column)
            }

            fn restores_best_by_default(&self) -> bool {
                self.restores()
            }

            fn earliest(&self) -> usize {
                self.first()
            }

            fn postponed_by(&self) -> &'static str {
                self.setting()
            }

            fn state(&self, monitored: &Monitored, history: &History) -> String {
                let wait = self.count(monitored, monitored.values(history)).wait;
                format!("{} {wait}/{}", self.setting(), self.limit())
            }
        }
    )+};
}

rules!(Keras, Lightning, Sklearn, Skorch, Xgboost, HuggingFace);
