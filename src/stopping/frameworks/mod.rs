//! `keras`, `lightning`, `sklearn`, `skorch`, `xgboost`, `huggingface`: the early stopping of other
//! frameworks, each with its own settings, defaults, direction and arithmetic.
//!
//! They differ in what an improvement is held against (the last value accepted as one, or the best
//! of all), in whether an exact tie with the margin counts, and in the form in which the margin is
//! subtracted, which rounds differently. The letter of each is from its source: Keras 3.15,
//! Lightning 2.6, scikit-learn 1.9, skorch 1.4, `XGBoost` 3.2, transformers 5.23.

mod huggingface;
mod keras;
mod lightning;
mod sklearn;
mod skorch;
mod xgboost;

use super::curve::{Cells, measured};
use super::patience::Count;
use super::{Monitored, Rule};
use crate::history::History;

pub use huggingface::HuggingFace;
pub use keras::Keras;
pub use lightning::Lightning;
pub use sklearn::Sklearn;
pub use skorch::{Skorch, ThresholdMode};
pub use xgboost::Xgboost;

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
