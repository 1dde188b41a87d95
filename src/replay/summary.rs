//! Each rule over trainings, and the front of those that no other beats.

use std::collections::HashMap;

use super::row::{Candidate, Row};
use crate::config::Factors;
use crate::stats::{difference, mean, median};

/// A run is good whose test error is within this factor of that under its best rule.
const GOOD: f64 = 1.05;

/// A rule over trainings.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleSummary {
    /// The rule as it was written.
    pub criterion: String,
    /// The cell of the factors other than the rule's; none: all trainings.
    pub cell: Option<Factors>,
    /// Trainings.
    pub n: usize,
    /// Trainings in which it fired.
    pub fired: usize,
    /// Trainings that ended as diverged under it.
    pub diverged: usize,
    /// The middle number of epochs read.
    pub epochs: Option<f64>,
    /// The mean of those.
    pub mean_epochs: Option<f64>,
    /// Mean share of the epochs, as all that follows is a mean.
    pub epochs_saved: Option<f64>,
    /// Seconds.
    pub seconds_saved: Option<f64>,
    /// Of the monitored column; none where trainings have different ones.
    pub regret: Option<f64>,
    /// Of `test_loss`.
    pub test_regret: Option<f64>,
    /// Share of the quality column.
    pub given_up: Option<f64>,
    /// Prechelt's slowness.
    pub slowness: Option<f64>,
    /// Prechelt's badness.
    pub badness: Option<f64>,
    /// Share of trainings with a badness below 1.05.
    pub good: Option<f64>,
    /// Whether no other rule is both cheaper and better.
    pub on_front: bool,
    /// Whether some training's config did not declare it.
    pub exploratory: bool,
}

/// A rule over trainings, those of a cell or all.
pub(super) fn summarize(
    candidate: &Candidate,
    cell: Option<Factors>,
    rows: &[&Row],
) -> RuleSummary {
    let of = |figure: &dyn Fn(&Row) -> Option<f64>| -> Vec<f64> {
        rows.iter().filter_map(|row| figure(row)).collect()
    };
    let mean_of = |figure: &dyn Fn(&Row) -> Option<f64>| mean(&of(figure));
    #[allow(clippy::cast_precision_loss)] // epochs are far below 2^53
    let epochs = of(&|row| Some(row.outcome.epochs as f64));
    let counted = |holds: &dyn Fn(&Row) -> bool| rows.iter().filter(|row| holds(row)).count();
    let good = |row: &Row| row.badness.map(|badness| f64::from(u8::from(badness < GOOD)));
    RuleSummary {
        criterion: candidate.label.clone(),
        cell,
        n: rows.len(),
        fired: counted(&|row| {
            row.outcome.stop_reason.is_some_and(|reason| reason == candidate.rule.kind())
        }),
        diverged: counted(&|row| row.outcome.stop_reason == Some("diverged")),
        epochs: median(&epochs),
        mean_epochs: mean(&epochs),
        epochs_saved: mean_of(&|row| row.outcome.epochs_saved),
        seconds_saved: mean_of(&|row| row.seconds_saved),
        regret: mean_of(&|row| row.outcome.regret).filter(|_| {
            // A mean of unlike quantities is no figure.
            rows.windows(2).all(|pair| pair[0].outcome.monitor == pair[1].outcome.monitor)
        }),
        test_regret: mean_of(&|row| row.test_regret),
        given_up: mean_of(&|row| row.given_up),
        slowness: mean_of(&|row| row.slowness),
        badness: mean_of(&|row| row.badness),
        good: mean_of(&good),
        on_front: false,
        exploratory: rows.iter().any(|row| row.exploratory),
    }
}

/// Marks, over all trainings and within each cell, the rules that no other beats: none that costs
/// no more and gives up no more, and less of one.
pub(super) fn mark_front(rules: &mut [RuleSummary]) {
    let figures: Vec<_> = rules.iter().map(|rule| (rule.mean_epochs, rule.given_up)).collect();
    let mut cells: HashMap<Option<Factors>, Vec<usize>> = HashMap::new();
    for (index, rule) in rules.iter().enumerate() {
        cells.entry(rule.cell.clone()).or_default().push(index);
    }
    for cell in cells.values() {
        for index in cell {
            let (Some(cost), Some(loss)) = figures[*index] else { continue };
            rules[*index].on_front = !cell.iter().any(|other| match figures[*other] {
                (Some(c), Some(l)) => {
                    let (dearer, worse) = (difference(c, cost), difference(l, loss));
                    dearer <= 0.0 && worse <= 0.0 && (dearer < 0.0 || worse < 0.0)
                }
                _ => false,
            });
        }
    }
}
