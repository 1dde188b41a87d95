//! One candidate rule on one recorded training, against the whole training.

use serde_json::{Map, Value};

use super::outcome::{Logged, ReplayError, RuleOutcome, replay};
use crate::config::Factors;
use crate::history::{ELAPSED, EpochTable};
use crate::results::recorded_training::{fire_alike, rule_table};
use crate::stopping::{Monitored, StoppingRule};

/// The column that errors on unseen rows are taken from.
const TEST: &str = "test_loss";

/// A rule with the text that names it in reports.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// `patience(patience=5)`: the settings that were written.
    pub label: String,
    /// What they mean.
    pub rule: StoppingRule,
}

/// A recorded training.
#[derive(Debug, Clone, Copy)]
pub struct RecordedTraining<'a> {
    /// Its directory or file.
    pub path: &'a str,
    /// Its epochs.
    pub table: &'a EpochTable,
    /// Whether it had itself been stopped.
    pub truncated: bool,
    /// Its levels of the factors other than the rule's.
    pub cell: &'a Factors,
    /// The tables of the rules that its config declared.
    pub declared: &'a [Map<String, Value>],
    /// The counter of its log with the value at each epoch, where these are not simply from 0 or 1.
    pub counter: Option<(&'a str, &'a [Option<f64>])>,
}

/// What one rule would have made of one training.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Where it stops and what it keeps.
    pub outcome: RuleOutcome,
    /// The training's levels of the factors other than the rule's.
    pub cell: Factors,
    /// Whether the training's config did not declare the rule, which was chosen after its curves.
    pub exploratory: bool,
    /// Seconds of the training after the stop.
    pub seconds_saved: Option<f64>,
    /// `test_loss` at the best epoch up to the stop, minus that at the best epoch of all.
    pub test_regret: Option<f64>,
    /// The share of the quality column that was given up against the whole training.
    pub given_up: Option<f64>,
    /// Epochs over those of the rule with the lowest test error here, the fastest of several.
    pub slowness: Option<f64>,
    /// Test error over that of that rule.
    pub badness: Option<f64>,
}

/// What each candidate would have made of a training, of which `quality` says what is better.
///
/// # Errors
/// Where a rule cannot be [replayed](replay); with the rule.
pub(super) fn rows(
    training: &RecordedTraining,
    candidates: &[Candidate],
    quality: &Monitored,
) -> Result<Vec<Row>, (String, ReplayError)> {
    let mut rows = Vec::with_capacity(candidates.len());
    for Candidate { label, rule } in candidates {
        let mut outcome = replay(training.path, training.table, training.truncated, label, rule)
            .map_err(|error| (label.clone(), error))?;
        outcome.logged = training.counter.map(|(counter, cells)| {
            let at = |epoch: Option<usize>| cells.get(epoch?.checked_sub(1)?).copied().flatten();
            Logged {
                counter: counter.to_owned(),
                stop: at(outcome.stop_epoch),
                best: at(outcome.best_epoch),
            }
        });
        rows.push(row(training, rule, outcome, quality));
    }
    let test = |row: &Row| training.table.cell(TEST, row.outcome.best_epoch?);
    let tests: Vec<Option<f64>> =
        rows.iter().map(|row| test(row).filter(|test| test.is_finite())).collect();
    let reference = rows
        .iter()
        .zip(&tests)
        .filter_map(|(row, test)| Some(((*test)?, row.outcome.epochs)))
        .min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    if let Some((test, epochs)) = reference.filter(|(test, _)| *test > 0.0) {
        for (row, own) in rows.iter_mut().zip(&tests) {
            row.slowness = Some(ratio(row.outcome.epochs, epochs));
            row.badness = own.map(|own| own / test);
        }
    }
    Ok(rows)
}

fn row(
    training: &RecordedTraining,
    rule: &StoppingRule,
    outcome: RuleOutcome,
    quality: &Monitored,
) -> Row {
    let table = training.table;
    let at = |column: &str, epoch: Option<usize>| {
        table.cell(column, epoch?).filter(|value| value.is_finite())
    };
    let whole = table.history(table.len());
    let full = rule.monitored.best(&whole).map(|(epoch, _)| epoch);
    let seconds = [table.len(), outcome.epochs].map(|epoch| at(ELAPSED, Some(epoch)));
    let kept = outcome.best_epoch;
    let given_up = quality.best(&whole).and_then(|(_, best)| {
        let value = at(&quality.column, kept)?;
        Some(if value == best { 0.0 } else { (value - best).abs() / best.abs() })
    });
    Row {
        cell: training.cell.clone(),
        exploratory: !rule.is_none() && !is_declared(rule, training.declared),
        seconds_saved: seconds[0].zip(seconds[1]).map(|(all, read)| all - read),
        test_regret: at(TEST, kept).zip(at(TEST, full)).map(|(kept, full)| kept - full),
        given_up: given_up.filter(|share| share.is_finite()),
        slowness: None,
        badness: None,
        outcome,
    }
}

#[allow(clippy::cast_precision_loss)] // epochs are far below 2^53
fn ratio(a: usize, b: usize) -> f64 {
    a as f64 / b as f64
}

/// Whether a config declared the rule, whichever weights it keeps.
pub(super) fn is_declared(rule: &StoppingRule, declared: &[Map<String, Value>]) -> bool {
    let own = rule_table(rule);
    declared.iter().any(|table| fire_alike(table, &own))
}
