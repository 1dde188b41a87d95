//! What stopping rules saved and cost, each against the full run of the very same training.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};

use super::label;
use super::study::{Cell, Reading, Study, finite};
use super::units::units;
use super::{PRIMARY, Saving};
use crate::results::{FullRun, Status};
use crate::spec::{Factors, is_of_rule, without_rule};
use crate::stats::mean;
use crate::stopping::larger_is_better;

/// What a rule's table watches.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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

impl Study<'_> {
    /// Of a cell, the indices of the levels of the factors other than the rule's.
    pub fn rest_levels(&self, cell: &Cell) -> Vec<usize> {
        let levels = self.factors.iter().zip(&cell.levels);
        levels.filter(|(f, _)| !is_of_rule(&f.key)).map(|(_, level)| *level).collect()
    }
}

/// Full runs by the identity of their training, its seed, and what chose their best epoch.
type FullRuns<'a> = HashMap<(&'a str, u64, Monitor), &'a FullRun>;

/// A reading with the full run of the same training: its own where that went on to its last epoch,
/// else that of another arm which trained the very same to the end.
struct Held<'a> {
    reading: &'a Reading<'a>,
    full: Option<&'a FullRun>,
}

fn full_runs<'a>(study: &'a Study) -> FullRuns<'a> {
    let mut runs = FullRuns::new();
    for cell in &study.cells {
        let monitor = Monitor::of(cell.rule);
        for reading in cell.readings.values() {
            if let Some(full) = &reading.arm.full_run {
                let training = (reading.run.identity.as_str(), reading.run.seed, monitor.clone());
                runs.entry(training).or_insert(full);
            }
        }
    }
    runs
}

/// One line per rule over all cells of the other factors, and one per such cell.
pub(super) fn savings(study: &Study) -> Vec<Saving> {
    let full_runs = full_runs(study);
    let mut index: HashMap<(String, Monitor), usize> = HashMap::new();
    let mut rules: Vec<(String, Monitor, Vec<usize>)> = Vec::new();
    for (place, cell) in study.cells.iter().enumerate().filter(|(_, cell)| kind(cell) != "none") {
        let (name, monitor) = (rule_name(cell), Monitor::of(cell.rule));
        let at = *index.entry((name.clone(), monitor.clone())).or_insert_with(|| {
            rules.push((name, monitor, Vec::new()));
            rules.len() - 1
        });
        rules[at].2.push(place);
    }
    let mut units_of: HashMap<&str, Vec<Option<usize>>> = HashMap::new();
    for metric in rules.iter().map(|(_, monitor, _)| monitor.column.as_str()).chain([PRIMARY]) {
        units_of.entry(metric).or_insert_with(|| units(study, metric));
    }
    let mut savings = Vec::new();
    for (rule, monitor, cells) in &rules {
        let mut line = |factors: Factors, cells: &[usize]| {
            // A training that diverged was not stopped by the rule and saved nothing.
            let (diverged, there): (Vec<&Reading>, Vec<&Reading>) = cells
                .iter()
                .flat_map(|cell| study.cells[*cell].readings.values())
                .partition(|reading| reading.arm.status == Status::Diverged);
            let held: Vec<Held> = there
                .into_iter()
                .map(|reading| Held {
                    reading,
                    full: reading.arm.full_run.as_ref().or_else(|| {
                        let run = reading.run;
                        let training = (run.identity.as_str(), run.seed, monitor.clone());
                        full_runs.get(&training).copied()
                    }),
                })
                .collect();
            if !held.is_empty() {
                let mut saving = saving(&study.name, factors, rule, monitor, &held);
                saving.diverged = diverged.len();
                for (metric, regret) in [
                    (monitor.column.as_str(), &mut saving.val_regret),
                    (PRIMARY, &mut saving.test_regret),
                ] {
                    let mut found = cells.iter().filter_map(|cell| units_of[metric][*cell]);
                    let first = found.next();
                    if found.any(|unit| Some(unit) != first) {
                        *regret = None;
                        saving.units_differ = true;
                    }
                }
                savings.push(saving);
            }
        };
        let mut by_rest: BTreeMap<Vec<usize>, Vec<usize>> = BTreeMap::new();
        for cell in cells {
            by_rest.entry(study.rest_levels(&study.cells[*cell])).or_default().push(*cell);
        }
        if by_rest.len() > 1 {
            line(Factors::new(), cells);
        }
        for cells in by_rest.values() {
            line(without_rule(&study.cells[cells[0]].factors), cells);
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
    readings: &[Held],
) -> Saving {
    let average = |figure: &dyn Fn(&Held) -> Option<f64>| -> Option<f64> {
        mean(&readings.iter().filter_map(figure).collect::<Vec<f64>>())
    };
    let full = |held: &Held, metric: &str| finite(&held.full?.metrics, metric);
    let regret =
        |held: &Held, metric: &str| Some(held.reading.value(metric)? - full(held, metric)?);
    let seconds = |held: &Held| -> Option<(f64, f64)> {
        Some((held.reading.value("elapsed_s")?, full(held, "elapsed_s")?))
    };
    let sign = if monitor.maximize { -1.0 } else { 1.0 };
    let saved = |(spent, all): (f64, f64)| all - spent;
    let full_seconds = average(&|held| Some(seconds(held)?.1));
    let seconds_saved = average(&|held| Some(saved(seconds(held)?)));
    Saving {
        experiment: experiment.to_owned(),
        factors,
        rule: rule.to_owned(),
        epochs_saved: average(&|held| {
            let all = full_epochs(held).filter(|epochs| *epochs > 0.0)?;
            Some(1.0 - held.reading.arm.epochs as f64 / all)
        }),
        seconds_saved,
        val_regret: average(&|held| Some(sign * regret(held, &monitor.column)?)),
        test_regret: average(&|held| regret(held, PRIMARY)),
        seconds_saved_fraction: seconds_saved
            .zip(full_seconds.filter(|all| *all > 0.0))
            .map(|(saved, all)| saved / all),
        full_seconds,
        monitor: monitor.column.clone(),
        n: readings.len(),
        diverged: 0,
        n_full: readings.iter().filter(|held| ran_on(held)).count(),
        units_differ: false,
    }
}

/// Whether the training went on to its end, even if no column there chooses a best epoch.
fn ran_on(held: &Held) -> bool {
    held.full.is_some() || held.reading.run.status == Status::Completed
}

/// The epochs of the full run, of the config where the training had itself been stopped.
#[allow(clippy::cast_precision_loss)] // epochs are far below 2^53
fn full_epochs(held: &Held) -> Option<f64> {
    match held.full {
        Some(full) => Some(full.epochs as f64),
        None => held.reading.run.config.get("training")?.get("epochs")?.as_f64(),
    }
}
