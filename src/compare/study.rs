//! What is compared: experiments as cells of factors, with the readings of each seed.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use serde_json::{Map, Value};

use super::joined::join;
use super::label::{have_settings, names_level, text};
use super::tuning::TunedValues;
use super::{CompareError, FALLBACK, Filter, PRIMARY, counted};
use crate::history;
use crate::results::{ArmRecord, LoadedExperiment, PlannedTraining, TrainingRecord};
use crate::spec::{Factor, Factors};

/// The rule stands beside the effective config, which is the training's.
pub(super) const RULE: &str = "early_stopping";

/// One experiment, or several plain ones that share data and split.
pub(super) struct Study<'a> {
    pub name: String,
    /// With the levels that occur.
    pub factors: Vec<Factor>,
    /// In the order of the levels.
    pub cells: Vec<Cell<'a>>,
    pub split_per_seed: bool,
    /// Several experiments, whose levels need not make a product.
    pub joined: bool,
    /// What `[tune]` chose.
    pub tuned: Vec<TunedValues>,
}

/// An arm with all its seeds.
#[derive(Clone)]
pub(super) struct Cell<'a> {
    pub factors: Factors,
    /// Of each factor, the index of its level.
    pub levels: Vec<usize>,
    /// The rule's table.
    pub rule: &'a Map<String, Value>,
    /// By seed.
    pub readings: BTreeMap<u64, Reading<'a>>,
}

impl Cell<'_> {
    /// Whether it has the level asked for, by name or by settings.
    fn is_at(&self, filter: &Filter) -> bool {
        let Some(level) = self.factors.get(&filter.key) else { return false };
        let by_settings = || {
            let wanted = filter.level.as_object()?;
            Some(have_settings(self.settings(&filter.key)?, wanted))
        };
        names_level(&filter.level, level) || by_settings() == Some(true)
    }

    /// The table that a key of the config is of this arm.
    fn settings(&self, key: &str) -> Option<&Map<String, Value>> {
        if key == RULE {
            return Some(self.rule);
        }
        let config: &Map<String, Value> = &self.readings.values().next()?.run.config;
        key.split('.').try_fold(config, |table, key| table.get(key)?.as_object())
    }
}

/// One arm's reading of one training.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    pub arm: &'a ArmRecord,
    pub run: &'a TrainingRecord,
    /// The experiment's directory and the training's below it.
    pub place: (&'a Path, &'a str),
}

impl Reading<'_> {
    /// A metric of the weights kept, where it is finite.
    pub fn value(&self, metric: &str) -> Option<f64> {
        finite(&self.arm.metrics, metric)
    }
}

/// A finite number in a table of metrics.
pub(super) fn finite(metrics: &Map<String, Value>, name: &str) -> Option<f64> {
    metrics.get(name)?.as_f64().filter(|value| value.is_finite())
}

impl Study<'_> {
    pub fn has_readings(&self) -> bool {
        self.cells.iter().any(|cell| !cell.readings.is_empty())
    }

    /// The metrics that the arms have, the primary one first.
    pub fn metrics(&self, asked: Option<&str>) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        let readings = self.cells.iter().flat_map(|cell| cell.readings.values());
        for name in readings.flat_map(|reading| reading.arm.metrics.keys()) {
            // Unlike those of an epoch, the seconds of an arm are an outcome.
            let is_outcome = history::is_metric(name) || name == history::ELAPSED;
            if is_outcome && !names.contains(name) {
                names.push(name.clone());
            }
        }
        let primary = asked
            .into_iter()
            .chain([PRIMARY, FALLBACK])
            .find_map(|wanted| names.iter().position(|name| name == wanted));
        if let Some(index) = primary {
            names[..=index].rotate_right(1);
        }
        names
    }

    /// Whether every combination of levels is there.
    pub fn is_product(&self) -> bool {
        self.cells.len() == self.factors.iter().map(|factor| factor.levels.len()).product::<usize>()
    }

    /// Whether an arm is one of those that a value was chosen for.
    fn has(&self, tuned: &TunedValues) -> bool {
        let levels = |cell: &Cell| {
            tuned.factors.iter().all(|(key, level)| cell.factors.get(key) == Some(level))
        };
        self.cells.iter().any(levels)
    }

    /// Forgets levels that no cell has, and numbers the rest anew.
    fn tidy(&mut self) {
        for (index, factor) in self.factors.iter_mut().enumerate() {
            let mut is_used = vec![false; factor.levels.len()];
            for cell in &self.cells {
                is_used[cell.levels[index]] = true;
            }
            // Of each old level, how many used ones come before it.
            let mut numbers = Vec::with_capacity(is_used.len());
            let mut next = 0;
            for used in &is_used {
                numbers.push(next);
                next += usize::from(*used);
            }
            for cell in &mut self.cells {
                cell.levels[index] = numbers[cell.levels[index]];
            }
            let mut keep = is_used.into_iter();
            factor.levels.retain(|_| keep.next().unwrap_or(false));
        }
    }
}

/// The studies that experiments make, and what was odd on the way.
pub(super) fn studies(experiments: &[LoadedExperiment]) -> (Vec<Study<'_>>, Vec<String>) {
    let names = names(experiments);
    let mut notes = Vec::new();
    let mut order: Vec<&LoadedExperiment> = experiments.iter().collect();
    order.sort_by(|a, b| (&a.plan.name, &a.path).cmp(&(&b.plan.name, &b.path)));
    let mut studies = Vec::new();
    let mut plain: Vec<(&str, Vec<&LoadedExperiment>)> = Vec::new();
    for experiment in order {
        let key = experiment.plan.comparable.as_str();
        if !experiment.plan.factors.is_empty() || key.is_empty() {
            studies.push(of_experiment(experiment, &names, &mut notes));
        } else if let Some((_, group)) = plain.iter_mut().find(|(k, _)| *k == key) {
            group.push(experiment);
        } else {
            plain.push((key, vec![experiment]));
        }
    }
    for (_, group) in plain {
        match join(&group, &names, &mut notes) {
            Some(study) => studies.push(study),
            None => studies.extend(group.iter().map(|one| of_experiment(one, &names, &mut notes))),
        }
    }
    for study in &mut studies {
        study.tidy();
    }
    (studies, notes)
}

/// What each experiment is called: its name, its path where another has the same name.
pub(super) fn names(experiments: &[LoadedExperiment]) -> HashMap<&Path, String> {
    let mut count: HashMap<&str, usize> = HashMap::new();
    for experiment in experiments {
        *count.entry(experiment.plan.name.as_str()).or_default() += 1;
    }
    experiments
        .iter()
        .map(|experiment| {
            let name = experiment.plan.name.as_str();
            let unique = count.get(name) == Some(&1);
            let name = if unique { name.into() } else { experiment.path.to_string_lossy() };
            (experiment.path.as_path(), name.into_owned())
        })
        .collect()
}

/// The study of one experiment, by its plan.
pub(super) fn of_experiment<'a>(
    experiment: &'a LoadedExperiment,
    names: &HashMap<&Path, String>,
    notes: &mut Vec<String>,
) -> Study<'a> {
    let plan = &experiment.plan;
    let name = names.get(experiment.path.as_path()).unwrap_or(&plan.name);
    let numbers: Vec<HashMap<&Value, usize>> = plan
        .factors
        .iter()
        .map(|factor| factor.levels.iter().enumerate().rev().map(|(n, level)| (level, n)).collect())
        .collect();
    let levels_of = |factors: &Factors| -> Option<Vec<usize>> {
        let levels = plan.factors.iter().zip(&numbers);
        levels.map(|(f, numbers)| numbers.get(factors.get(&f.key)?).copied()).collect()
    };
    let mut cells: BTreeMap<Vec<usize>, Cell<'a>> = BTreeMap::new();
    for arm in plan.trainings.iter().flat_map(|training| &training.arms) {
        let Some(levels) = levels_of(&arm.factors) else { continue };
        cells.entry(levels.clone()).or_insert_with(|| Cell {
            factors: arm.factors.clone(),
            levels,
            rule: &arm.rule,
            readings: BTreeMap::new(),
        });
    }
    let planned: HashMap<&str, &PlannedTraining> =
        plan.trainings.iter().map(|training| (training.dir.as_str(), training)).collect();
    let mut unread = 0_usize;
    for run in &experiment.runs {
        let Some(training) = planned.get(run.dir.as_str()) else { continue };
        for (place, planned) in training.arms.iter().enumerate() {
            let arms = &run.record.arms;
            let is_it = |arm: &&ArmRecord| arm.factors == planned.factors;
            // Mostly it is in its place. A config whose factors were renamed still finds its
            // readings by their rule.
            let arm = arms
                .get(place)
                .filter(is_it)
                .or_else(|| arms.iter().find(is_it))
                .or_else(|| arms.iter().find(|arm| arm.rule == planned.rule));
            let cell = levels_of(&planned.factors).and_then(|levels| cells.get_mut(&levels));
            match (arm, cell) {
                (Some(arm), Some(cell)) => {
                    let place = (experiment.path.as_path(), run.dir.as_str());
                    cell.readings.insert(run.seed, Reading { arm, run: &run.record, place });
                }
                _ => unread += 1,
            }
        }
    }
    if unread > 0 {
        notes.push(format!(
            "{}: {} that the config names {} not in the records: run it again",
            plan.name,
            counted(unread, "reading"),
            if unread == 1 { "is" } else { "are" }
        ));
    }
    Study {
        name: name.clone(),
        factors: plan.factors.clone(),
        cells: cells.into_values().collect(),
        split_per_seed: plan.split_per_seed,
        joined: false,
        tuned: plan.tuning.as_ref().map(TunedValues::all).unwrap_or_default(),
    }
}

/// Leaves the cells that have the levels asked for.
pub(super) fn filter(studies: &mut Vec<Study>, filters: &[Filter]) -> Result<(), CompareError> {
    for filter in filters {
        let factors =
            || studies.iter().flat_map(|study| &study.factors).filter(|f| f.key == filter.key);
        if factors().next().is_none() {
            let known: Vec<String> =
                studies.iter().flat_map(|study| &study.factors).map(describe).collect();
            return Err(CompareError::UnknownFactor {
                key: filter.key.clone(),
                factors: (!known.is_empty()).then(|| known.join("; ")),
            });
        }
        if !studies.iter().flat_map(|study| &study.cells).any(|cell| cell.is_at(filter)) {
            let mut levels: Vec<String> = Vec::new();
            for level in factors().flat_map(|factor| factor.levels.iter().map(text)) {
                if !levels.contains(&level) {
                    levels.push(level);
                }
            }
            return Err(CompareError::UnknownLevel {
                key: filter.key.clone(),
                value: text(&filter.level),
                levels: levels.join(", "),
            });
        }
        for study in studies.iter_mut() {
            study.cells.retain(|cell| cell.is_at(filter));
            let tuned = std::mem::take(&mut study.tuned);
            study.tuned = tuned.into_iter().filter(|tuned| study.has(tuned)).collect();
            study.tidy();
        }
        studies.retain(|study| !study.cells.is_empty());
    }
    if studies.is_empty() && !filters.is_empty() { Err(CompareError::NoArm) } else { Ok(()) }
}

fn describe(factor: &Factor) -> String {
    let levels: Vec<String> = factor.levels.iter().map(text).collect();
    format!("`{}` ({})", factor.key, levels.join(", "))
}
