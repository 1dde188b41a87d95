//! What rules would have done over many trainings: what each saves, what it gives up, which of them
//! are worth considering, and which is recommended.
//!
//! Cost and quality are on different scales in every training, so each is first held against that
//! training's own best: Prechelt's slowness and badness (1998). The recommendation is made by the
//! validation split alone; chosen by the test split, a rule would be tuned to it.

use std::collections::HashMap;
use std::fmt::Write;

use serde_json::{Map, Value};

use super::number::figure;
use super::replay::{ReplayError, Replayed, replay};
use super::{counted, label};
use crate::history::{ELAPSED, EpochTable};
use crate::results::reread::{fire_alike, rule_table};
use crate::spec::Factors;
use crate::stats::{mean, median};
use crate::stopping::StoppingRule;

/// The column that errors on unseen rows are taken from.
const TEST: &str = "test_loss";

/// What quality is judged by where rules monitor different columns.
const COMMON: &str = "val_loss";

/// The recommended rule gives up no more than this share of the yardstick, where one can.
const TOLERATED: f64 = 0.01;

/// A run is good whose test error is within this factor of that under its best rule.
const GOOD: f64 = 1.05;

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
    yardstick: String,
    rows: Vec<Row>,
}

impl<'a> Asking<'a> {
    /// Begins with rules and no training.
    #[must_use]
    pub fn new(candidates: &'a [Candidate]) -> Self {
        let mut monitored = candidates.iter().map(|asked| asked.rule.monitored.column.as_str());
        let first = monitored.next().unwrap_or(COMMON);
        let yardstick = if monitored.all(|column| column == first) { first } else { COMMON };
        Self { candidates, yardstick: yardstick.to_owned(), rows: Vec::new() }
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
        let yardstick = crate::stopping::Mode::Auto.of(&self.yardstick);
        let monitored =
            if yardstick.column == rule.monitored.column { &rule.monitored } else { &yardstick };
        let given_up = monitored.best(&whole).and_then(|(_, best)| {
            let value = at(&monitored.column, kept)?;
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
        let yardstick = judged.then(|| self.yardstick.clone());
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

fn summary(candidate: &Candidate, cell: Option<Factors>, rows: &[&Row]) -> RuleSummary {
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
fn mark_front(rules: &mut [RuleSummary]) {
    let figures: Vec<_> = rules.iter().map(|rule| (rule.mean_epochs, rule.given_up)).collect();
    let mut cells: HashMap<Option<String>, Vec<usize>> = HashMap::new();
    for (place, rule) in rules.iter().enumerate() {
        cells.entry(rule.cell.as_ref().map(cell_name)).or_default().push(place);
    }
    for places in cells.values() {
        for place in places {
            let (Some(cost), Some(loss)) = figures[*place] else { continue };
            rules[*place].on_front = !places.iter().any(|other| match figures[*other] {
                (Some(c), Some(l)) => c <= cost && l <= loss && (c < cost || l < loss),
                _ => false,
            });
        }
    }
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

fn sentences(rules: &[RuleSummary], rows: &[Row], yardstick: Option<&str>) -> Vec<String> {
    let mut sentences = Vec::new();
    let overall: Vec<&RuleSummary> = rules.iter().filter(|rule| rule.cell.is_none()).collect();
    if let Some(yardstick) = yardstick.filter(|_| overall.len() > 1) {
        sentences.extend(recommendation(&overall, yardstick));
    }
    if rows.iter().any(|row| row.replayed.truncated) {
        sentences.push(
            "Some trainings had themselves been stopped: what a rule gives up may be more than is \
             said here, and what it saves too."
                .to_owned(),
        );
    }
    let exploratory = overall.iter().filter(|rule| rule.exploratory).count();
    if exploratory > 0 {
        sentences.push(format!(
            "Exploratory: {} not declared by the config of every training but chosen after its \
             curves were there. Declare the one you take in a config and confirm it on new seeds.",
            if exploratory == 1 {
                "1 rule was".to_owned()
            } else {
                format!("{exploratory} rules were")
            }
        ));
    }
    sentences
}

/// The cheapest rule that gives up next to nothing; where there is none, the one that gives up
/// least.
fn recommendation(rules: &[&RuleSummary], yardstick: &str) -> Option<String> {
    let mut front: Vec<(&RuleSummary, f64, f64)> = rules
        .iter()
        .filter(|rule| rule.on_front)
        .filter_map(|rule| Some((*rule, rule.mean_epochs?, rule.given_up?)))
        .collect();
    front.sort_by(|a, b| a.1.total_cmp(&b.1));
    let (fastest, least, its_loss) = *front.first()?;
    let tolerable = front.iter().find(|(_, _, loss)| *loss <= TOLERATED);
    let (rule, cost, loss) = *tolerable.or_else(|| front.last())?;
    let n = counted(rule.n, "training");
    let saved = rule.epochs_saved.map_or(0.0, |share| 100.0 * share);
    let mut text = format!(
        "Recommended: {}: it gives up {} of {yardstick} and saves {saved:.0} % of the epochs (means \
         over {n})",
        rule.criterion,
        percent(loss)
    );
    if rule.criterion == fastest.criterion {
        text += ", and no other rule is faster";
    } else {
        let _ = write!(
            text,
            ". {} costs {}x of the fastest, {}, which gives up {}",
            rule.criterion,
            figure(cost / least, 2),
            fastest.criterion,
            percent(its_loss)
        );
    }
    if tolerable.is_none() {
        let _ = write!(text, "; no rule here gives up less than {}", percent(TOLERATED));
    }
    text.push('.');
    Some(text)
}

/// `0.8 %`
#[must_use]
pub fn percent(share: f64) -> String {
    if share == 0.0 { "nothing".to_owned() } else { format!("{} %", figure(100.0 * share, 2)) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn candidate(table: Value) -> Candidate {
        let label = label_of(&table);
        Candidate { label, rule: serde_json::from_value(table).unwrap() }
    }

    fn label_of(table: &Value) -> String {
        table["kind"].as_str().unwrap().to_owned() + &table["patience"].to_string()
    }

    fn patience(patience: usize) -> Candidate {
        candidate(json!({"kind": "patience", "patience": patience}))
    }

    fn table(columns: &[(&str, &[f64])]) -> EpochTable {
        let mut table = EpochTable::new(columns.iter().map(|(name, _)| (*name).into()).collect());
        for epoch in 0..columns[0].1.len() {
            table.push(&columns.iter().map(|(_, cells)| Some(cells[epoch])).collect::<Vec<_>>());
        }
        table
    }

    /// Two minima: a quick rule keeps the first, a slow one the second.
    fn two_minima() -> EpochTable {
        table(&[
            ("val_loss", &[1.0, 0.5, 0.6, 0.6, 0.4, 0.7, 0.7, 0.7]),
            ("test_loss", &[1.0, 0.6, 0.6, 0.6, 0.5, 0.7, 0.7, 0.7]),
            ("elapsed_s", &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]),
        ])
    }

    fn answer(candidates: &[Candidate], tables: &[(EpochTable, Factors)]) -> WhatIf {
        let declared = [rule_table(&patience(3).rule)];
        let mut asking = Asking::new(candidates);
        for (table, cell) in tables {
            let recorded =
                Recorded { path: "run", table, truncated: false, cell, declared: &declared };
            asking.push(&recorded).unwrap();
        }
        asking.answer()
    }

    fn close(found: Option<f64>, wanted: f64) -> bool {
        found.is_some_and(|found| (found - wanted).abs() < 1e-12)
    }

    #[test]
    fn slowness_and_badness_are_against_the_best_rule_of_the_same_training() {
        let candidates = [patience(1), patience(3), candidate(json!({"kind": "none"}))];
        let answer = answer(&candidates, &[(two_minima(), Factors::new())]);
        let [quick, slow, none] = &answer.rules[..] else { panic!("{:?}", answer.rules) };
        // patience 3 stops at epoch 8, as late as `none`: both have the lowest test error.
        assert!(close(quick.slowness, 3.0 / 8.0) && close(quick.badness, 0.6 / 0.5));
        assert!(close(slow.slowness, 1.0) && close(slow.badness, 1.0));
        assert!(close(none.badness, 1.0) && close(none.good, 1.0) && close(quick.good, 0.0));
        assert!(close(quick.regret, 0.1) && close(quick.given_up, 0.25));
        assert!(close(quick.test_regret, 0.1) && close(quick.seconds_saved, 5.0));
        assert_eq!((quick.fired, slow.fired, none.fired), (1, 1, 0));
    }

    #[test]
    fn the_front_holds_what_no_other_rule_beats() {
        // Patience 2 stops at epoch 4 with what patience 1 has at epoch 3: it is beaten.
        let candidates = [patience(1), patience(2), patience(3)];
        let answer = answer(&candidates, &[(two_minima(), Factors::new())]);
        let front: Vec<bool> = answer.rules.iter().map(|rule| rule.on_front).collect();
        assert_eq!(front, [true, false, true]);
        assert_eq!(
            answer.sentences[0],
            "Recommended: patience3: it gives up nothing of val_loss and saves 0 % of the epochs \
             (means over 1 training). patience3 costs 2.7x of the fastest, patience1, which gives up \
             25 %."
        );
    }

    #[test]
    fn a_rule_that_no_config_declared_is_exploratory() {
        let candidates = [patience(2), patience(3), candidate(json!({"kind": "none"}))];
        let answer = answer(&candidates, &[(two_minima(), Factors::new())]);
        let exploratory: Vec<bool> = answer.rules.iter().map(|rule| rule.exploratory).collect();
        assert_eq!(exploratory, [true, false, false]);
        let last = answer.sentences.last().unwrap();
        assert!(last.starts_with("Exploratory: 1 rule was not declared"), "{last}");
        // The weights that are kept do not decide when it fires.
        let kept = json!({"kind": "patience", "patience": 3, "restore_best": false});
        let rule: StoppingRule = serde_json::from_value(kept).unwrap();
        assert!(is_declared(&rule, &[rule_table(&patience(3).rule)]));
    }

    #[test]
    fn cells_are_told_apart_and_together() {
        let cell = |level: &str| Factors::from_iter([("norm".to_owned(), json!(level))]);
        let falling = table(&[("val_loss", &[1.0, 0.9, 0.8, 0.7, 0.6])]);
        let trainings = [(two_minima(), cell("none")), (falling, cell("batch"))];
        let answer = answer(&[patience(1)], &trainings);
        let names: Vec<String> = answer
            .rules
            .iter()
            .map(|rule| rule.cell.as_ref().map_or("all".to_owned(), cell_name))
            .collect();
        assert_eq!(names, ["all", "norm=none", "norm=batch"]);
        assert_eq!(answer.rules.iter().map(|rule| rule.n).collect::<Vec<_>>(), [2, 1, 1]);
        assert!(close(answer.rules[0].epochs_saved, 0.5 * (5.0 / 8.0)));
        assert_eq!(answer.rules[2].badness, None, "no test column, no badness");
    }

    #[test]
    fn rules_on_different_columns_are_judged_by_val_loss() {
        let accuracy =
            candidate(json!({"kind": "patience", "patience": 1, "monitor": "val_accuracy"}));
        let table =
            table(&[("val_loss", &[1.0, 0.5, 0.8, 0.4]), ("val_accuracy", &[0.5, 0.9, 0.8, 0.7])]);
        let answer = answer(&[patience(1), accuracy], &[(table, Factors::new())]);
        assert_eq!(answer.yardstick.as_deref(), Some("val_loss"));
        assert!(close(answer.rules[1].given_up, 0.25));
        assert!(close(answer.rules[1].regret, 0.0));
    }
}
