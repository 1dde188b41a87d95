//! What stopping rules saved and cost, each against the full run of the very same training.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::label;
use super::study::{Cell, Reading, Study, finite, is_of_rule};
use super::{PRIMARY, Saving};
use crate::results::Status;
use crate::spec::Factors;
use crate::stats::mean;
use crate::stopping::larger_is_better;

/// What a rule's table watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Monitor {
    pub column: String,
    pub maximize: bool,
}

impl Monitor {
    pub fn of(rule: &Map<String, Value>) -> Self {
        let text = |key: &str| rule.get(key).and_then(Value::as_str);
        let column = text("monitor").unwrap_or("val_loss").to_owned();
        let maximize = match text("mode") {
            Some("max") => true,
            Some("min") => false,
            _ => larger_is_better(&column),
        };
        Self { column, maximize }
    }
}

/// The levels of the factors other than the rule's.
pub(super) fn rest_of(factors: &Factors) -> Factors {
    let rest = factors.iter().filter(|(key, _)| !is_of_rule(key));
    rest.map(|(key, level)| (key.clone(), level.clone())).collect()
}

impl Study<'_> {
    /// Of a cell, the indices of the levels of the factors other than the rule's.
    pub fn rest_levels(&self, cell: &Cell) -> Vec<usize> {
        let levels = self.factors.iter().zip(&cell.levels);
        levels.filter(|(f, _)| !is_of_rule(&f.key)).map(|(_, level)| *level).collect()
    }
}

/// One line per rule over all cells of the other factors, and one per such cell.
pub(super) fn savings(study: &Study) -> Vec<Saving> {
    let mut rules: Vec<(String, Monitor, Vec<&Cell>)> = Vec::new();
    for cell in study.cells.iter().filter(|cell| kind(cell) != "none") {
        let (name, monitor) = (rule_name(cell), Monitor::of(cell.rule));
        match rules.iter_mut().find(|(n, m, _)| (&name, &monitor) == (n, m)) {
            Some((_, _, cells)) => cells.push(cell),
            None => rules.push((name, monitor, vec![cell])),
        }
    }
    let mut savings = Vec::new();
    for (rule, monitor, cells) in rules {
        let mut line = |factors: Factors, cells: &[&Cell]| {
            // A training that diverged was not stopped by the rule and saved nothing.
            let readings: Vec<&Reading> = cells
                .iter()
                .flat_map(|cell| cell.readings.values())
                .filter(|reading| reading.arm.status != Status::Diverged)
                .collect();
            if !readings.is_empty() {
                savings.push(saving(&study.name, factors, &rule, &monitor, &readings));
            }
        };
        let mut by_rest: BTreeMap<Vec<usize>, Vec<&Cell>> = BTreeMap::new();
        for cell in &cells {
            by_rest.entry(study.rest_levels(cell)).or_default().push(cell);
        }
        if by_rest.len() > 1 {
            line(Factors::new(), &cells);
        }
        for cells in by_rest.values() {
            line(rest_of(&cells[0].factors), cells);
        }
    }
    savings
}

fn kind<'a>(cell: &'a Cell) -> &'a str {
    cell.rule.get("kind").and_then(Value::as_str).unwrap_or("none")
}

/// The rule as results name it: its level, with further keys of the table that are factors too.
fn rule_name(cell: &Cell) -> String {
    let name = cell.factors.get("early_stopping").map_or_else(|| kind(cell).into(), label::text);
    let further: Vec<String> = cell
        .factors
        .iter()
        .filter_map(|(key, level)| {
            let key = key.strip_prefix("early_stopping.").filter(|key| *key != "kind")?;
            Some(format!("{key}={}", label::text(level)))
        })
        .collect();
    if further.is_empty() { name } else { format!("{name}({})", further.join(", ")) }
}

#[allow(clippy::cast_precision_loss)] // epochs are far below 2^53
fn saving(
    experiment: &str,
    factors: Factors,
    rule: &str,
    monitor: &Monitor,
    readings: &[&Reading],
) -> Saving {
    let average = |figure: &dyn Fn(&Reading) -> Option<f64>| -> Option<f64> {
        mean(&readings.iter().filter_map(|reading| figure(reading)).collect::<Vec<f64>>())
    };
    let full =
        |reading: &Reading, metric: &str| finite(&reading.arm.full_run.as_ref()?.metrics, metric);
    let regret =
        |reading: &Reading, metric: &str| Some(reading.value(metric)? - full(reading, metric)?);
    let seconds = |reading: &Reading| -> Option<(f64, f64)> {
        Some((reading.value("elapsed_s")?, full(reading, "elapsed_s")?))
    };
    let sign = if monitor.maximize { -1.0 } else { 1.0 };
    let saved = |(spent, all): (f64, f64)| all - spent;
    let full_seconds = average(&|reading| Some(seconds(reading)?.1));
    let seconds_saved = average(&|reading| Some(saved(seconds(reading)?)));
    Saving {
        experiment: experiment.to_owned(),
        factors,
        rule: rule.to_owned(),
        epochs_saved: average(&|reading| {
            let all = full_epochs(reading).filter(|epochs| *epochs > 0.0)?;
            Some(1.0 - reading.arm.epochs as f64 / all)
        }),
        seconds_saved,
        val_regret: average(&|reading| Some(sign * regret(reading, &monitor.column)?)),
        test_regret: average(&|reading| regret(reading, PRIMARY)),
        seconds_saved_fraction: seconds_saved
            .zip(full_seconds.filter(|all| *all > 0.0))
            .map(|(saved, all)| saved / all),
        full_seconds,
        monitor: monitor.column.clone(),
        n: readings.len(),
        n_full: readings.iter().filter(|reading| reading.arm.full_run.is_some()).count(),
    }
}

/// The epochs of the full run, of the config where the training had itself been stopped.
#[allow(clippy::cast_precision_loss)] // epochs are far below 2^53
fn full_epochs(reading: &Reading) -> Option<f64> {
    match &reading.arm.full_run {
        Some(full) => Some(full.epochs as f64),
        None => reading.run.config.get("training")?.get("epochs")?.as_f64(),
    }
}
