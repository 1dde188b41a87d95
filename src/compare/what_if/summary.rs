//! Each rule over trainings, and the front of those that no other beats.

use std::collections::HashMap;

use super::{Candidate, Row, RuleSummary, cell_name};
use crate::spec::Factors;
use crate::stats::{difference, mean, median};

/// A run is good whose test error is within this factor of that under its best rule.
const GOOD: f64 = 1.05;

/// A rule over trainings, those of a cell or all.
pub(super) fn summary(candidate: &Candidate, cell: Option<Factors>, rows: &[&Row]) -> RuleSummary {
    let of = |figure: &dyn Fn(&Row) -> Option<f64>| -> Vec<f64> {
        rows.iter().filter_map(|row| figure(row)).collect()
    };
    let mean_of = |figure: &dyn Fn(&Row) -> Option<f64>| mean(&of(figure));
    #[allow(clippy::cast_precision_loss)] // epochs are far below 2^53
    let epochs = of(&|row| Some(row.replayed.epochs as f64));
    let counted = |holds: &dyn Fn(&Row) -> bool| rows.iter().filter(|row| holds(row)).count();
    let good = |row: &Row| row.badness.map(|badness| f64::from(u8::from(badness < GOOD)));
    RuleSummary {
        criterion: candidate.label.clone(),
        cell,
        n: rows.len(),
        fired: counted(&|row| {
            row.replayed.stop_reason.is_some_and(|reason| reason == candidate.rule.kind())
        }),
        diverged: counted(&|row| row.replayed.stop_reason == Some("diverged")),
        epochs: median(&epochs),
        mean_epochs: mean(&epochs),
        epochs_saved: mean_of(&|row| row.replayed.epochs_saved),
        seconds_saved: mean_of(&|row| row.seconds_saved),
        regret: mean_of(&|row| row.replayed.regret),
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
    let mut cells: HashMap<Option<String>, Vec<usize>> = HashMap::new();
    for (place, rule) in rules.iter().enumerate() {
        cells.entry(rule.cell.as_ref().map(cell_name)).or_default().push(place);
    }
    for places in cells.values() {
        for place in places {
            let (Some(cost), Some(loss)) = figures[*place] else { continue };
            rules[*place].on_front = !places.iter().any(|other| match figures[*other] {
                (Some(c), Some(l)) => {
                    let (dearer, worse) = (difference(c, cost), difference(l, loss));
                    dearer <= 0.0 && worse <= 0.0 && (dearer < 0.0 || worse < 0.0)
                }
                _ => false,
            });
        }
    }
}
