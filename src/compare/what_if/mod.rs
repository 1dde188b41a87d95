//! What rules would have done over many trainings: what each saves, what it gives up, which of them
//! are worth considering, and which is recommended.
//!
//! Cost and quality are on different scales in every training, so each is first held against that
//! training's own best: Prechelt's slowness and badness (1998). The recommendation is made by the
//! validation split alone; chosen by the test split, a rule would be tuned to it.

mod sentences;
mod summary;

use serde_json::{Map, Value};

use super::label;
use super::replay::{ReplayError, Replayed, replay};
use crate::history::{ELAPSED, EpochTable};
use crate::results::recorded_training::{fire_alike, rule_table};
use crate::spec::Factors;
use crate::stopping::{Monitored, StoppingRule};
pub use sentences::percent;
use sentences::sentences;
use summary::{mark_front, summary};

/// The column that errors on unseen rows are taken from.
const TEST: &str = "test_loss";

/// What quality is judged by where rules monitor different columns.
const COMMON: &str = "val_loss";

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
pub struct Recorded<'a> {
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
}

/// What one rule would have made of one training.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// As the contract has it.
    pub replayed: Replayed,
    /// The training's levels of the factors other than the rule's.
    pub cell: Factors,
    /// Whether the training's config did not declare the rule, which was chosen after its curves.
    pub exploratory: bool,
    /// Seconds of the training after the stop.
    pub seconds_saved: Option<f64>,
    /// `test_loss` at the best epoch up to the stop, minus that at the best epoch of all.
    pub test_regret: Option<f64>,
    /// The share of the yardstick that was given up against the whole training.
    pub given_up: Option<f64>,
    /// Epochs over those of the rule with the lowest test error here, the fastest of several.
    pub slowness: Option<f64>,
    /// Test error over that of that rule.
    pub badness: Option<f64>,
}

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
    /// Of the monitored column.
    pub regret: Option<f64>,
    /// Of `test_loss`.
    pub test_regret: Option<f64>,
    /// Share of the yardstick.
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

/// The answer to "what if".
#[derive(Debug, Clone, PartialEq)]
pub struct WhatIf {
    /// A row per training and rule.
    pub rows: Vec<Row>,
    /// Per rule: all trainings, then each cell where there are several.
    pub rules: Vec<RuleSummary>,
    /// The column by which quality is judged; none where there is none in common.
    pub yardstick: Option<String>,
    /// What there is to conclude, a sentence each.
    pub sentences: Vec<String>,
}

/// Asks rules about trainings, one training at a time: all curves need not fit into memory.
pub struct Asking<'a> {
    candidates: &'a [Candidate],
    yardstick: Monitored,
    rows: Vec<Row>,
}

impl<'a> Asking<'a> {
    /// Begins with rules and no training.
    #[must_use]
    pub fn new(candidates: &'a [Candidate]) -> Self {
        let monitored = || candidates.iter().map(|asked| &asked.rule.monitored);
        let common = Monitored::new(COMMON);
        let first = monitored().next().unwrap_or(&common);
        let yardstick = if monitored().all(|other| other == first) {
            first.clone()
        } else if monitored().all(|other| other.column == first.column) {
            // Rules that take it in opposite directions cannot both say which is better.
            Monitored::new(&first.column)
        } else {
            common
        };
        Self { candidates, yardstick, rows: Vec::new() }
    }

    /// Asks every rule about a training.
    ///
    /// # Errors
    /// Where the training has no epoch, or lacks a column that a rule reads; with the rule.
    pub fn push(&mut self, recorded: &Recorded) -> Result<(), (String, ReplayError)> {
        let mut rows = Vec::with_capacity(self.candidates.len());
        for Candidate { label, rule } in self.candidates {
            let replayed = replay(recorded.path, recorded.table, recorded.truncated, label, rule)
                .map_err(|error| (label.clone(), error))?;
            rows.push(self.row(recorded, rule, replayed));
        }
        let test = |row: &Row| recorded.table.cell(TEST, row.replayed.best_epoch?);
        let tests: Vec<Option<f64>> =
            rows.iter().map(|row| test(row).filter(|test| test.is_finite())).collect();
        let reference = rows
            .iter()
            .zip(&tests)
            .filter_map(|(row, test)| Some(((*test)?, row.replayed.epochs)))
            .min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        if let Some((test, epochs)) = reference.filter(|(test, _)| *test > 0.0) {
            for (row, own) in rows.iter_mut().zip(&tests) {
                row.slowness = Some(ratio(row.replayed.epochs, epochs));
                row.badness = own.map(|own| own / test);
            }
        }
        self.rows.extend(rows);
        Ok(())
    }

    fn row(&self, recorded: &Recorded, rule: &StoppingRule, replayed: Replayed) -> Row {
        let table = recorded.table;
        let at = |column: &str, epoch: Option<usize>| {
            table.cell(column, epoch?).filter(|value| value.is_finite())
        };
        let whole = table.history(table.len());
        let full = rule.monitored.best(&whole).map(|(epoch, _)| epoch);
        let seconds = [table.len(), replayed.epochs].map(|epoch| at(ELAPSED, Some(epoch)));
        let kept = replayed.best_epoch;
        let given_up = self.yardstick.best(&whole).and_then(|(_, best)| {
            let value = at(&self.yardstick.column, kept)?;
            Some(if value == best { 0.0 } else { (value - best).abs() / best.abs() })
        });
        Row {
            cell: recorded.cell.clone(),
            exploratory: !rule.is_none() && !is_declared(rule, recorded.declared),
            seconds_saved: seconds[0].zip(seconds[1]).map(|(all, read)| all - read),
            test_regret: at(TEST, kept).zip(at(TEST, full)).map(|(kept, full)| kept - full),
            given_up: given_up.filter(|share| share.is_finite()),
            slowness: None,
            badness: None,
            replayed,
        }
    }

    /// The answer over all trainings.
    #[must_use]
    pub fn answer(self) -> WhatIf {
        let mut cells: Vec<&Factors> = Vec::new();
        for row in &self.rows {
            if !cells.contains(&&row.cell) {
                cells.push(&row.cell);
            }
        }
        let mut rules = Vec::new();
        for (place, candidate) in self.candidates.iter().enumerate() {
            let rows: Vec<&Row> =
                self.rows.iter().skip(place).step_by(self.candidates.len()).collect();
            rules.push(summary(candidate, None, &rows));
            for cell in cells.iter().filter(|_| cells.len() > 1) {
                let rows: Vec<&Row> = rows.iter().copied().filter(|r| r.cell == **cell).collect();
                rules.push(summary(candidate, Some((*cell).clone()), &rows));
            }
        }
        let judged = self.rows.iter().any(|row| row.given_up.is_some());
        if judged {
            mark_front(&mut rules);
        }
        let yardstick = judged.then_some(self.yardstick.column);
        let sentences = sentences(&rules, &self.rows, yardstick.as_deref());
        WhatIf { rows: self.rows, rules, yardstick, sentences }
    }
}

#[allow(clippy::cast_precision_loss)] // epochs are far below 2^53
fn ratio(a: usize, b: usize) -> f64 {
    a as f64 / b as f64
}

/// Whether a config declared the rule, whichever weights it keeps.
fn is_declared(rule: &StoppingRule, declared: &[Map<String, Value>]) -> bool {
    let own = rule_table(rule);
    declared.iter().any(|table| fire_alike(table, &own))
}

/// `model.norm.kind=batch`; `all` of a cell without factors.
#[must_use]
pub fn cell_name(cell: &Factors) -> String {
    if cell.is_empty() {
        return "all".to_owned();
    }
    let levels: Vec<String> =
        cell.iter().map(|(key, level)| format!("{key}={}", label::text(level))).collect();
    levels.join(", ")
}

#[cfg(test)]
mod tests;
