//! Rules asked about small trainings whose answers can be worked out by hand.

use serde_json::{Value, json};

use super::row::is_declared;
use super::summary::{mark_front, summarize};
use super::*;
use crate::config::Factors;
use crate::history::EpochTable;
use crate::results::recorded_training::rule_table;
use crate::stopping::StoppingRule;

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

fn answer(candidates: &[Candidate], tables: &[(EpochTable, Factors)]) -> Summary {
    let declared = [rule_table(&patience(3).rule)];
    let mut replays = Replays::new(candidates);
    for (table, cell) in tables {
        let training = RecordedTraining {
            path: "run",
            table,
            truncated: false,
            cell,
            declared: &declared,
            counter: None,
        };
        replays.add(&training, candidates).unwrap();
    }
    replays.summarize()
}

fn close(found: Option<f64>, wanted: f64) -> bool {
    found.is_some_and(|found| (found - wanted).abs() < 1e-12)
}

#[test]
fn a_rule_is_not_beaten_by_what_rounding_leaves() {
    let rule = |given_up: f64| {
        let candidate = patience(1);
        let mut rule = summarize(&candidate, None, &[]);
        (rule.mean_epochs, rule.given_up) = (Some(3.0), Some(given_up));
        rule
    };
    let mut rules = [rule(0.1 + 0.2), rule(0.3), rule(0.31)];
    mark_front(&mut rules);
    assert_eq!(rules.map(|rule| rule.on_front), [true, true, false]);
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
    let Finding::Recommended(found) = &answer.findings[0] else { panic!("{:?}", answer.findings) };
    assert_eq!((found.criterion.as_str(), found.quality.as_str()), ("patience3", "val_loss"));
    assert_eq!((found.given_up, found.epochs_saved, found.n), (0.0, 0.0, 1));
    let fastest = found.fastest.as_ref().unwrap();
    assert_eq!((fastest.criterion.as_str(), found.beyond), ("patience1", None));
    assert!(close(Some(fastest.given_up), 0.25) && close(Some(fastest.cost_ratio), 8.0 / 3.0));
}

#[test]
fn what_the_slowest_rule_gains_over_the_fastest_is_by_mean_slowness_and_badness() {
    let candidates = [patience(1), patience(2), patience(3)];
    let found = |candidates: &[Candidate], table: EpochTable| {
        let found = answer(candidates, &[(table, Factors::new())]).findings;
        found.into_iter().find_map(|finding| match finding {
            Finding::Tradeoff(found) => Some(found),
            _ => None,
        })
    };
    let gained = found(&candidates, two_minima()).unwrap();
    assert_eq!((gained.slowest.as_str(), gained.fastest.as_str()), ("patience3", "patience1"));
    assert!(close(Some(gained.times), 8.0 / 3.0) && close(Some(gained.change), 0.5 / 0.6 - 1.0));
    // The second minimum of the validation loss may be the worse one to test rows.
    let (val, test) =
        ([1.0, 0.5, 0.6, 0.6, 0.4, 0.7, 0.7, 0.7], [0.9, 0.4, 0.6, 0.6, 0.5, 0.7, 0.7, 0.7]);
    let lost = found(&candidates, table(&[("val_loss", &val), ("test_loss", &test)])).unwrap();
    assert!(close(Some(lost.change), 0.5 / 0.4 - 1.0), "{lost:?}");
    assert_eq!(found(&candidates[..1], two_minima()), None, "one rule trades nothing");
    let falling = table(&[("val_loss", &[0.9, 0.8]), ("test_loss", &[0.9, 0.8])]);
    assert_eq!(found(&candidates, falling), None, "all rules are as slow");
    let untested = table(&[("val_loss", &val)]);
    assert_eq!(found(&candidates, untested), None, "no test column, no error");
}

#[test]
fn a_rule_that_no_config_declared_is_exploratory() {
    let candidates = [patience(2), patience(3), candidate(json!({"kind": "none"}))];
    let answer = answer(&candidates, &[(two_minima(), Factors::new())]);
    let exploratory: Vec<bool> = answer.rules.iter().map(|rule| rule.exploratory).collect();
    assert_eq!(exploratory, [true, false, false]);
    assert_eq!(answer.findings.last(), Some(&Finding::Exploratory(1)));
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
    let cells: Vec<Option<Factors>> = answer.rules.iter().map(|rule| rule.cell.clone()).collect();
    assert_eq!(cells, [None, Some(cell("none")), Some(cell("batch"))]);
    assert_eq!(answer.rules.iter().map(|rule| rule.n).collect::<Vec<_>>(), [2, 1, 1]);
    assert!(close(answer.rules[0].epochs_saved, 0.5 * (5.0 / 8.0)));
    assert_eq!(answer.rules[2].badness, None, "no test column, no badness");
}

#[test]
fn rules_on_different_columns_are_judged_by_val_loss() {
    let accuracy = candidate(json!({"kind": "patience", "patience": 1, "monitor": "val_accuracy"}));
    let table =
        table(&[("val_loss", &[1.0, 0.5, 0.8, 0.4]), ("val_accuracy", &[0.5, 0.9, 0.8, 0.7])]);
    let answer = answer(&[patience(1), accuracy], &[(table, Factors::new())]);
    assert_eq!(answer.quality.as_deref(), Some("val_loss"));
    assert!(close(answer.rules[1].given_up, 0.25));
    assert!(close(answer.rules[1].regret, 0.0));
}

#[test]
fn rules_that_take_a_column_in_opposite_directions_are_judged_by_its_name() {
    let rule = |kind: &str| {
        candidate(json!({"kind": kind, "patience": 1, "monitor": "val_accuracy", "mode": "auto"}))
    };
    let mut smaller = rule("lightning");
    smaller.rule.monitored.maximize = false;
    let table = || table(&[("val_accuracy", &[0.5, 0.6, 0.7, 0.8])]);
    let answer_of = |rules: &[Candidate]| answer(rules, &[(table(), Factors::new())]);
    let both = answer_of(&[smaller.clone(), rule("patience")]);
    assert_eq!(both.quality.as_deref(), Some("val_accuracy"));
    assert!(close(both.rules[0].given_up, 0.375), "{:?}", both.rules[0]);
    assert!(close(both.rules[1].given_up, 0.0));
    // Where all of them say so, smaller is better.
    assert!(close(answer_of(&[smaller]).rules[0].given_up, 0.0));
}
