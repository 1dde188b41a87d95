//! When running averages have settled, and which rules choose before.

use serde_json::{Value, json};

use super::norm::RunningStatistics;
use crate::stopping::{Criterion, StoppingRule};

/// Weight of the values that a running average starts from, below which it has settled.
const SETTLED: f64 = 0.05;

/// How the statistics of an exponential average come away from the mean 0 and the variance 1 that they
/// start from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settling {
    /// Epochs after which these weigh 5 %: ln .05 / (ln(1 - momentum) steps per epoch).
    pub epochs: f64,
}

impl Settling {
    /// In epochs of so many steps; none of statistics that start from nothing.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // steps are far below 2^53
    pub fn of(statistics: RunningStatistics, steps_per_epoch: usize) -> Option<Self> {
        let RunningStatistics::Ema { momentum } = statistics else { return None };
        let steps = SETTLED.ln() / (-momentum).ln_1p();
        Some(Self { epochs: steps / steps_per_epoch.max(1) as f64 })
    }

    /// The first epoch at whose end it has settled.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a number of epochs
    pub fn epoch(self) -> usize {
        (self.epochs.ceil() as usize).max(1)
    }

    /// Whether it has at the end of this epoch.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // epochs are far below 2^53
    pub fn is_over(self, epoch: usize) -> bool {
        epoch as f64 >= self.epochs
    }

    /// What the values that it starts from weigh at the end of an epoch.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // epochs are far below 2^53
    pub fn start_weight(self, epoch: usize) -> f64 {
        if self.epochs > 0.0 { SETTLED.powf(epoch as f64 / self.epochs) } else { 0.0 }
    }

    /// Whether a rule may choose before: it looks at epochs before the end, and the rest lasts more than
    /// twice its patience. A rule without a patience waits until it can first fire.
    #[must_use]
    pub fn outlasts(self, rule: &StoppingRule) -> bool {
        self.outlasts_criterion(&rule.criterion)
    }

    #[allow(clippy::cast_precision_loss)] // epochs are far below 2^53
    fn outlasts_criterion(self, criterion: &Criterion) -> bool {
        match criterion {
            Criterion::None(_) => false,
            Criterion::Any(any) => any.rules.iter().any(|rule| self.outlasts_criterion(rule)),
            Criterion::All(all) => all.rules.iter().all(|rule| self.outlasts_criterion(rule)),
            other => {
                let table = json!(other);
                let of = |key: &str| table.get(key).and_then(Value::as_u64).map(|n| n as f64);
                let waits = of("patience").unwrap_or_else(|| other.inner().earliest() as f64);
                let start = of("start_from_epoch").unwrap_or(0.0);
                self.epochs > 2.0 * waits && start < self.epochs
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ema(momentum: f64, steps: usize) -> Settling {
        Settling::of(RunningStatistics::Ema { momentum }, steps).unwrap()
    }

    fn rule(table: Value) -> StoppingRule {
        serde_json::from_value(table).unwrap()
    }

    #[test]
    fn the_start_weighs_what_so_many_steps_leave_of_it() {
        for (momentum, steps, epoch) in [(0.1, 1, 12), (0.01, 7, 30), (0.5, 3, 2), (1.0, 1, 1)] {
            let product = (0..steps * epoch).fold(1.0, |weight, _| weight * (1.0 - momentum));
            let weight = ema(momentum, steps).start_weight(epoch);
            assert!((weight - product).abs() < 1e-12, "{momentum}: {weight} and {product}");
            assert_eq!(ema(momentum, steps).is_over(epoch), product <= SETTLED);
        }
        let full_batch = ema(0.1, 1);
        assert_eq!(full_batch.epoch(), 29);
        assert!(!full_batch.is_over(28) && full_batch.is_over(29));
    }

    #[test]
    fn nothing_settles_that_is_measured_anew_or_starts_from_the_first_batch() {
        for other in [RunningStatistics::Cumulative, RunningStatistics::Recalibrate { rows: 9 }] {
            assert_eq!(Settling::of(other, 1), None);
        }
    }

    #[test]
    fn a_rule_chooses_before_unless_it_begins_later_or_is_patient_for_half_of_it() {
        let settling = ema(0.1, 1);
        for (table, before) in [
            (json!({"kind": "none"}), false),
            (json!({"kind": "patience", "patience": 10}), true),
            (json!({"kind": "patience", "patience": 15}), false),
            (json!({"kind": "patience", "patience": 10, "start_from_epoch": 29}), false),
            (json!({"kind": "keras", "patience": 3}), true),
            (json!({"kind": "moving_average", "window": 2, "patience": 3}), true),
            (json!({"kind": "generalization_loss", "alpha": 5.0}), true),
            (json!({"kind": "generalization_loss", "alpha": 5.0, "every": 20}), false),
            (
                json!({"kind": "any", "rules": [{"kind": "patience", "patience": 20},
                    {"kind": "patience", "patience": 2}]}),
                true,
            ),
            (
                json!({"kind": "all", "rules": [{"kind": "patience", "patience": 20},
                    {"kind": "patience", "patience": 2}]}),
                false,
            ),
        ] {
            assert_eq!(settling.outlasts(&rule(table.clone())), before, "{table}");
            assert!(!ema(0.1, 34).outlasts(&rule(table)), "settled within the first epoch");
        }
    }
}
