//! What frameworks have in common, and what each has to say.

use crate::stopping::Monitored;
use crate::stopping::curve::{Cells, measured};
use crate::stopping::patience::Count;

/// What an improvement is held against.
pub(super) enum Reference {
    /// The last value that was one.
    Accepted,
    /// The best value of all.
    Best,
}

/// Counts epochs since the last improvement.
pub(super) fn count(
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
pub(super) fn moved_by(monitored: &Monitored, value: f64, reference: f64, delta: f64) -> bool {
    monitored.better(if monitored.maximize { value - delta } else { value + delta }, reference)
}

/// A framework that ends training where its count reaches a number of epochs.
pub(super) trait Framework {
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

    /// What is monitored in logs of its tool that have such a column.
    fn monitors_in_its_logs(&self) -> Option<&'static str> {
        None
    }

    /// Whether it takes larger values for better ones where no direction is given; none: it has to be.
    fn maximizes(&self, column: &str) -> Option<bool>;

    /// Whether the weights of the best epoch are kept where nothing is said.
    fn restores(&self) -> bool {
        false
    }
}
