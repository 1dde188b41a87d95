//! What `experiment.json` holds.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::files::Files;
use super::layout::experiment_file;
use super::record::{ArmRecord, Shared};
use super::tuning::TuningRecord;
use super::{archive, seal};
use crate::config::{Factor, Factors, Gate, Overrides};

/// `experiment.json`: what the config as given, with its overrides, comes to.
///
/// What many trainings share is there once: a seed repeats the cells of the others, and a cell is the numbers of its
/// levels. So the plan of a million trainings is their names and little more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Of bnes.
    pub version: String,
    /// The experiment's name.
    pub name: String,
    /// The file name of the config, beside this file.
    pub config: String,
    /// Where the config as given lies, from the folder of this file; none of the built-in experiment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// `--set` and `--seeds` as given.
    pub overrides: Overrides,
    /// The keys varied, `seed` aside.
    pub factors: Vec<Factor>,
    /// SHA-256 of the data and of how it is split: what makes experiments comparable.
    pub comparable: String,
    /// Whether each seed has a split of its own.
    pub split_per_seed: bool,
    /// Of a run until its effects are decided: what was laid down before the first look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequential: Option<SequentialPlan>,
    /// Numbers of seeds that were done, and could be looked at, when others were added without such a plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub looked_at: Vec<usize>,
    /// `[tune]`, and what came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tuning: Option<TuningRecord>,
    /// `[[gate]]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<Gate>,
    /// The checksum of the config as given.
    #[serde(default, skip_serializing_if = "Files::is_empty")]
    pub files: Files,
    /// The tables of the rules, `kind` first.
    #[serde(default)]
    pub rules: Vec<Shared>,
    /// The arms that read a training, for each training of a seed.
    #[serde(default)]
    pub cells: Vec<Vec<PlannedArm>>,
    /// Every training that the config names; none before the tuning is at its end.
    pub trainings: Vec<PlannedTraining>,
}

impl Plan {
    /// That of trainings which no config of an experiment names, each with its directory, its seed and its arms.
    #[must_use]
    pub(crate) fn of_records<'a>(
        version: String,
        name: String,
        factors: Vec<Factor>,
        trainings: impl IntoIterator<Item = (&'a str, u64, &'a [ArmRecord])>,
    ) -> Plan {
        let outline = Plan {
            version,
            name,
            config: String::new(),
            source: None,
            overrides: Overrides::default(),
            factors,
            comparable: String::new(),
            split_per_seed: false,
            sequential: None,
            looked_at: Vec::new(),
            tuning: None,
            gates: Vec::new(),
            files: Files::default(),
            rules: Vec::new(),
            cells: Vec::new(),
            trainings: Vec::new(),
        };
        let arm =
            |arm: &ArmRecord| NamedArm { factors: arm.factors.clone(), rule: arm.rule.clone() };
        let named = trainings.into_iter().map(|(dir, seed, arms)| NamedTraining {
            dir: dir.to_owned(),
            seed,
            arms: arms.iter().map(arm).collect(),
        });
        outline.with(named.collect())
    }

    /// That of an experiment's directory.
    ///
    /// # Errors
    /// Where there is none, or it is damaged: a sentence that names the file.
    pub fn read(experiment: &Path) -> Result<Self, String> {
        let file = experiment_file(experiment);
        let bytes = archive::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let damaged = |error| format!("{}: {error}", file.display());
        let mut plan: Plan = seal::read(&bytes).map_err(damaged)?;
        if plan.cells.is_empty() && !plan.trainings.is_empty() {
            let NamedTrainings { trainings } = serde_json::from_slice(&bytes).map_err(damaged)?;
            plan = plan.with(trainings);
        }
        let is_there = |arm: &PlannedArm| {
            let levels = arm.levels.iter().zip(&plan.factors);
            arm.rule < plan.rules.len()
                && arm.levels.len() == plan.factors.len()
                && levels
                    .filter_map(|(level, factor)| Some((*level)? < factor.levels.len()))
                    .all(|is| is)
        };
        let is_whole = plan.cells.iter().flatten().all(is_there)
            && plan.trainings.iter().all(|training| training.cell < plan.cells.len());
        if is_whole {
            Ok(plan)
        } else {
            Err(format!(
                "{}: names an arm, a level or a rule that it does not hold",
                file.display()
            ))
        }
    }

    /// The same with these trainings: what they share is there once.
    fn with(self, trainings: Vec<NamedTraining>) -> Plan {
        let places = |factor: &Factor| -> HashMap<Value, usize> {
            factor.levels.iter().cloned().zip(0..).collect()
        };
        let levels: Vec<HashMap<Value, usize>> = self.factors.iter().map(places).collect();
        let (mut rules, mut cells) = (Distinct::default(), Distinct::default());
        let trainings = trainings.into_iter().map(|NamedTraining { dir, seed, arms }| {
            let arm = |NamedArm { factors, rule }| PlannedArm {
                levels: self
                    .factors
                    .iter()
                    .zip(&levels)
                    .map(|(factor, levels)| levels.get(factors.get(&factor.key)?).copied())
                    .collect(),
                rule: rules.number(rule),
            };
            let arms = arms.into_iter().map(arm).collect();
            PlannedTraining { dir, seed, cell: cells.number(arms) }
        });
        let trainings = trainings.collect();
        Plan { rules: rules.all, cells: cells.all, trainings, ..self }
    }
    /// The repetitions that its trainings are of.
    #[must_use]
    pub fn seeds(&self) -> BTreeSet<u64> {
        self.trainings.iter().map(|training| training.seed).collect()
    }

    /// The arms that read a training.
    #[must_use]
    pub fn arms(&self, training: &PlannedTraining) -> &[PlannedArm] {
        &self.cells[training.cell]
    }

    /// An arm's level of each factor.
    #[must_use]
    pub fn factors(&self, arm: &PlannedArm) -> Factors {
        let levels = self.factors.iter().zip(&arm.levels);
        levels
            .filter_map(|(factor, level)| {
                Some((factor.key.clone(), factor.levels[(*level)?].clone()))
            })
            .collect()
    }

    /// The table of an arm's rule.
    #[must_use]
    pub fn rule(&self, arm: &PlannedArm) -> &Shared {
        &self.rules[arm.rule]
    }
}

/// When a run until its effects are decided is looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SequentialPlan {
    /// The chance of any false rejection over all looks.
    pub alpha: f64,
    /// The seeds at each look, ascending; the last are the most.
    pub looks: Vec<usize>,
}

/// One training of a [`Plan`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedTraining {
    /// Its directory, beside this file.
    pub dir: String,
    /// The repetition.
    pub seed: u64,
    /// Which of the plan's cells it is of.
    #[serde(default)]
    pub cell: usize,
}

/// One arm of a training of a [`Plan`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PlannedArm {
    /// For each factor, which of its levels; none where an arm has no such factor.
    pub levels: Vec<Option<usize>>,
    /// Which of the plan's rules.
    pub rule: usize,
}

impl PlannedArm {
    /// Its levels, where it has one of each factor.
    #[must_use]
    pub fn all_levels(&self) -> Option<Vec<usize>> {
        self.levels.iter().copied().collect()
    }
}

/// The trainings of a plan as earlier versions wrote them: each with all that is known of its arms.
#[derive(Deserialize)]
struct NamedTrainings {
    trainings: Vec<NamedTraining>,
}

#[derive(Deserialize)]
struct NamedTraining {
    dir: String,
    seed: u64,
    arms: Vec<NamedArm>,
}

#[derive(Deserialize)]
struct NamedArm {
    factors: Factors,
    rule: Shared,
}

/// Values by number, each once, in the order in which they were met.
struct Distinct<T> {
    all: Vec<T>,
    numbers: HashMap<T, usize>,
}

impl<T> Default for Distinct<T> {
    fn default() -> Self {
        Self { all: Vec::new(), numbers: HashMap::new() }
    }
}

impl<T: Clone + Eq + Hash> Distinct<T> {
    fn number(&mut self, value: T) -> usize {
        let all = &mut self.all;
        *self.numbers.entry(value).or_insert_with_key(|value| {
            all.push(value.clone());
            all.len() - 1
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fixtures::two_by_two;
    use super::*;

    fn read(text: &str) -> Result<Plan, String> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(experiment_file(dir.path()), text).unwrap();
        Plan::read(dir.path())
    }

    #[test]
    fn a_plan_is_read_as_it_was_written_and_so_is_one_that_spells_out_every_arm() {
        let plan = two_by_two().plan;
        let written = serde_json::to_value(&plan).unwrap();
        assert_eq!(read(&written.to_string()).unwrap(), plan);
        let mut spelt = written.clone();
        for key in ["rules", "cells"] {
            spelt.as_object_mut().unwrap().shift_remove(key);
        }
        let arm = |arm: &PlannedArm| json!({"factors": plan.factors(arm), "rule": plan.rule(arm)});
        let training = |training: &PlannedTraining| {
            let arms: Vec<Value> = plan.arms(training).iter().map(arm).collect();
            json!({"dir": training.dir, "seed": training.seed, "arms": arms})
        };
        spelt["trainings"] = plan.trainings.iter().map(training).collect();
        assert_eq!(read(&spelt.to_string()).unwrap(), plan);
    }

    #[test]
    fn what_many_trainings_share_is_written_once() {
        let plan = two_by_two().plan;
        assert_eq!((plan.rules.len(), plan.cells.len()), (2, 2));
        assert!(plan.trainings.len() > 4);
    }

    #[test]
    fn a_number_of_something_that_is_not_there_is_refused() {
        let plan = serde_json::to_value(two_by_two().plan).unwrap();
        for (pointer, number) in
            [("/trainings/0/cell", 9), ("/cells/0/0/rule", 9), ("/cells/0/0/levels/0", 9)]
        {
            let mut damaged = plan.clone();
            *damaged.pointer_mut(pointer).unwrap() = json!(number);
            let message = read(&damaged.to_string()).unwrap_err();
            assert!(message.contains("that it does not hold"), "{pointer}: {message}");
        }
    }
}
