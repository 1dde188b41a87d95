//! What is compared: experiments as arms, with the observation of each seed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::label::{have_settings, names_level};
use super::metric::{FALLBACK, PRIMARY};
use super::options::{Filter, Pairing};
use super::tuned::TunedValues;
use super::warning::{Warning, WarningKind};
use crate::config::{Factor, Factors, is_of_rule};
use crate::history::{self, EpochTable};
use crate::results::layout::epoch_of_weights;
use crate::results::{
    ArmRecord, Foreign, LoadedExperiment, PlannedTraining, SequentialPlan, Status, TestRows,
    TrainingRecord,
};
use crate::stopping::Monitored;

/// The rule stands beside the effective config, which is the training's.
pub(super) const RULE: &str = "early_stopping";

/// One experiment, or several plain ones that share data and split.
pub(super) struct Experiment<'a> {
    pub name: String,
    /// With the levels that occur.
    pub factors: Vec<Factor>,
    /// In the order of the levels.
    pub arms: Vec<Arm<'a>>,
    /// Whether each seed has its own split; none where the logs of another tool do not tell.
    pub split_per_seed: Option<bool>,
    /// How its trainings are held against each other.
    pub pairing: Pairing,
    /// What the logs of other tools tell.
    pub foreign: Option<&'a Foreign>,
    /// Whether it is several experiments, whose levels need not make a product.
    pub is_merged: bool,
    /// What `[tune]` chose.
    pub tuned: Vec<TunedValues>,
    /// The looks laid down before the first, of a run until its effects are decided.
    pub sequential: Option<&'a SequentialPlan>,
    /// Numbers of seeds that could be looked at when others were added without such a plan.
    pub looked_at: Vec<usize>,
}

/// A choice of levels with all its seeds.
#[derive(Clone)]
pub(super) struct Arm<'a> {
    pub factors: Factors,
    /// Of each factor, the index of its level.
    pub levels: Vec<usize>,
    /// The rule's table.
    pub rule: &'a Map<String, Value>,
    /// By seed.
    pub observations: BTreeMap<u64, Observation<'a>>,
}

impl Arm<'_> {
    /// Whether it has the level asked for, by name or by settings.
    pub fn is_at(&self, filter: &Filter) -> bool {
        let Some(level) = self.factors.get(&filter.key) else { return false };
        let by_settings = || {
            let wanted = filter.level.as_object()?;
            Some(have_settings(self.settings(&filter.key)?, wanted))
        };
        names_level(&filter.level, level) || by_settings() == Some(true)
    }

    /// Whether it trains to the end and keeps what it then has.
    pub fn keeps_the_last_epoch(&self) -> bool {
        let setting = |key: &str| self.rule.get(key);
        setting("kind").and_then(Value::as_str).unwrap_or("none") == "none"
            && !setting("restore_best").and_then(Value::as_bool).unwrap_or(false)
    }

    /// Whether it trains to the end and keeps the best epoch.
    pub fn is_best_epoch(&self) -> bool {
        let kind = self.rule.get("kind").and_then(Value::as_str).unwrap_or("none");
        kind == "none" && self.rule.get("restore_best").and_then(Value::as_bool) == Some(true)
    }

    /// The table that a key of the config is of this arm.
    fn settings(&self, key: &str) -> Option<&Map<String, Value>> {
        if key == RULE {
            return Some(self.rule);
        }
        let config: &Map<String, Value> = &self.observations.values().next()?.run.config;
        key.split('.').try_fold(config, |table, key| table.get(key)?.as_object())
    }
}

/// An arm at one seed: what it made of one training.
#[derive(Clone, Copy)]
pub(super) struct Observation<'a> {
    pub arm: &'a ArmRecord,
    pub run: &'a TrainingRecord,
    pub experiment_dir: &'a Path,
    /// The training's directory, below the experiment's.
    pub training_dir: &'a str,
    /// Its curves, where they are not read from its directory.
    pub curves: Option<&'a Arc<EpochTable>>,
    /// What each test row adds to the metrics, where that was recorded.
    pub test_rows: Option<&'a TestRows>,
}

/// Of which weights a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Weights {
    /// Those that the arm keeps.
    Kept,
    /// Those of the best epoch of the full run.
    BestOfFullRun,
}

/// A metric of an arm at a seed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Measured {
    Finite(f64),
    /// The training diverged, or left no weights that the metric is finite of.
    NotFinite,
    /// Nobody measured it.
    NotRecorded,
}

impl Measured {
    pub fn finite(self) -> Option<f64> {
        match self {
            Self::Finite(value) => Some(value),
            Self::NotFinite | Self::NotRecorded => None,
        }
    }
}

impl<'a> Observation<'a> {
    /// A metric of the weights kept, where it is finite.
    pub fn value(&self, metric: &str) -> Option<f64> {
        finite(&self.arm.metrics, metric)
    }

    /// A metric of these weights; what an arm spent is its own whatever the weights.
    pub fn measured(&self, metric: &str, weights: Weights) -> Measured {
        let full = self.arm.full_run.as_ref().map(|full| &full.metrics);
        let of_weights = match weights {
            Weights::BestOfFullRun if history::is_metric(metric) => full,
            Weights::BestOfFullRun | Weights::Kept => Some(&self.arm.metrics),
        };
        let found = of_weights.and_then(|metrics| metrics.get(metric));
        match (of_weights.and_then(|metrics| finite(metrics, metric)), found) {
            (Some(value), _) => Measured::Finite(value),
            (None, Some(_)) => Measured::NotFinite,
            (None, None) if self.has_diverged() => Measured::NotFinite,
            (None, None) => Measured::NotRecorded,
        }
    }

    pub fn has_diverged(&self) -> bool {
        [self.arm.status, self.run.status].contains(&Status::Diverged)
    }

    /// The test rows with what each adds to a metric of these weights.
    pub fn rows(&self, metric: &str, weights: Weights) -> Option<(&'a [u32], &'a [f32])> {
        let epoch = match weights {
            Weights::Kept => epoch_of_weights(self.arm.weights.as_ref()?)?,
            Weights::BestOfFullRun => self.arm.full_run.as_ref()?.best_epoch,
        };
        let test_rows = self.test_rows?;
        Some((&test_rows.rows, test_rows.of(epoch, metric)?))
    }
}

/// A finite number in a table of metrics.
pub(super) fn finite(metrics: &Map<String, Value>, name: &str) -> Option<f64> {
    metrics.get(name)?.as_f64().filter(|value| value.is_finite())
}

impl Experiment<'_> {
    /// A metric with its direction: as its log or its name tells.
    pub fn direction(&self, metric: &str) -> Monitored {
        let told = self.foreign.map(|foreign| foreign.directions.as_slice()).unwrap_or_default();
        match told.iter().find(|(name, _)| name == metric) {
            Some((_, maximize)) => Monitored { column: metric.to_owned(), maximize: *maximize },
            None => Monitored::new(metric),
        }
    }

    /// Whether each seed is known to have its own split.
    pub fn is_split_per_seed(&self) -> bool {
        self.split_per_seed == Some(true)
    }

    pub fn has_observations(&self) -> bool {
        self.arms.iter().any(|arm| !arm.observations.is_empty())
    }

    /// Of all arms.
    pub fn observations(&self) -> impl Iterator<Item = &Observation<'_>> {
        self.arms.iter().flat_map(|arm| arm.observations.values())
    }

    /// The metrics that the arms have, the primary one first.
    pub fn metrics(&self, asked: Option<&str>) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        let observations = self.observations();
        for name in observations.flat_map(|observation| observation.arm.metrics.keys()) {
            // Unlike those of an epoch, the seconds of an arm are an outcome.
            let is_outcome = history::is_metric(name)
                || [history::ELAPSED, history::CPU].contains(&name.as_str());
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
        self.arms.len() == self.factors.iter().map(|factor| factor.levels.len()).product::<usize>()
    }

    /// The weights with which an arm enters contrasts. Beside rules that keep the best epoch, one that trains
    /// to the end is held against them by the best checkpoint of its run: what stopping did is then no longer
    /// mixed with which epoch was kept.
    pub fn contrasted_weights(&self, arm: &Arm) -> Weights {
        let varies = |factor: &Factor| is_of_rule(&factor.key) && factor.levels.len() > 1;
        if arm.keeps_the_last_epoch() && self.factors.iter().any(varies) {
            Weights::BestOfFullRun
        } else {
            Weights::Kept
        }
    }

    /// Of an arm, the indices of the levels of the factors other than the rule's.
    pub fn rest_levels(&self, arm: &Arm) -> Vec<usize> {
        let levels = self.factors.iter().zip(&arm.levels);
        levels.filter(|(factor, _)| !is_of_rule(&factor.key)).map(|(_, level)| *level).collect()
    }

    /// Whether an arm is one of those that a value was chosen for.
    pub fn has(&self, tuned: &TunedValues) -> bool {
        let has_levels = |arm: &Arm| {
            tuned.factors.iter().all(|(key, level)| arm.factors.get(key) == Some(level))
        };
        self.arms.iter().any(has_levels)
    }

    /// Forgets levels that no arm has, and renumbers the rest.
    pub fn tidy(&mut self) {
        for (index, factor) in self.factors.iter_mut().enumerate() {
            let mut is_used = vec![false; factor.levels.len()];
            for arm in &self.arms {
                is_used[arm.levels[index]] = true;
            }
            // Of each old level, how many used ones come before it.
            let mut numbers = Vec::with_capacity(is_used.len());
            let mut next = 0;
            for used in &is_used {
                numbers.push(next);
                next += usize::from(*used);
            }
            for arm in &mut self.arms {
                arm.levels[index] = numbers[arm.levels[index]];
            }
            let mut keep = is_used.into_iter();
            factor.levels.retain(|_| keep.next().unwrap_or(false));
        }
    }
}

/// One experiment as it was planned.
pub(super) fn of_experiment<'a>(
    experiment: &'a LoadedExperiment,
    names: &HashMap<&Path, String>,
    warnings: &mut Vec<Warning>,
) -> Experiment<'a> {
    let plan = &experiment.plan;
    let name = names.get(experiment.path.as_path()).unwrap_or(&plan.name);
    let mut arms: BTreeMap<Vec<usize>, Arm<'a>> = BTreeMap::new();
    let cells: BTreeSet<usize> = plan.trainings.iter().map(|training| training.cell).collect();
    for arm in cells.into_iter().flat_map(|cell| &plan.cells[cell]) {
        let Some(levels) = arm.all_levels() else { continue };
        arms.entry(levels.clone()).or_insert_with(|| Arm {
            factors: plan.factors(arm),
            levels,
            rule: plan.rule(arm),
            observations: BTreeMap::new(),
        });
    }
    let planned: HashMap<&str, &PlannedTraining> =
        plan.trainings.iter().map(|training| (training.dir.as_str(), training)).collect();
    let mut not_recorded = 0_usize;
    for run in &experiment.runs {
        let Some(training) = planned.get(run.dir.as_str()) else { continue };
        for (index, planned) in plan.arms(training).iter().enumerate() {
            let records = &run.record.arms;
            let factors = plan.factors(planned);
            let is_it = |record: &&ArmRecord| record.factors == factors;
            // Mostly it is at the same index. A config whose factors were renamed still finds its
            // records by their rule.
            let record = records
                .get(index)
                .filter(is_it)
                .or_else(|| records.iter().find(is_it))
                .or_else(|| records.iter().find(|record| record.rule == *plan.rule(planned)));
            let arm = planned.all_levels().and_then(|levels| arms.get_mut(&levels));
            match (record, arm) {
                (Some(record), Some(arm)) => {
                    let observation = Observation {
                        arm: record,
                        run: &run.record,
                        experiment_dir: &experiment.path,
                        training_dir: &run.dir,
                        curves: run.curves.as_ref(),
                        test_rows: run.test_rows.as_ref(),
                    };
                    arm.observations.insert(run.seed, observation);
                }
                _ => not_recorded += 1,
            }
        }
    }
    if not_recorded > 0 {
        let kind = WarningKind::NotRecorded { arms: not_recorded };
        warnings.push(Warning::of(&plan.name, kind));
    }
    let planned = plan.seeds().len();
    Experiment {
        name: name.clone(),
        factors: plan.factors.clone(),
        arms: arms.into_values().collect(),
        split_per_seed: experiment.foreign.is_none().then_some(plan.split_per_seed),
        pairing: Pairing::BySeed,
        foreign: experiment.foreign.as_ref(),
        is_merged: false,
        tuned: plan.tuning.as_ref().map(TunedValues::all).unwrap_or_default(),
        sequential: plan.sequential.as_ref(),
        looked_at: plan.looked_at.iter().copied().filter(|seen| *seen < planned).collect(),
    }
}
