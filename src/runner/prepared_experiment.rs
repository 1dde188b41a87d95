//! An experiment ready to run: its trainings with their data.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use rayon::prelude::*;
use serde_json::{Value, json};

use super::dataset_cache::{DatasetCache, split_seeds};
use super::prepare_error::PrepareError;
use super::prepared_training::{Measured, Naming, PreparedTraining, effective, sha256};
use crate::config::data::{DataConfig, SplitSeed};
use crate::config::{Config, Experiment, Training};
use crate::data::Dataset;
use crate::results::layout::config_file_name;
use crate::results::recorded_training::rule_table;
use crate::results::{Files, Plan, PlannedArm, PlannedTraining};
use crate::seed::Seed;

/// An experiment ready to run. Its trainings are laid out when they are asked for, each in microseconds, so
/// that a million of them take no memory.
pub struct PreparedExperiment {
    experiment: Experiment,
    datasets: Datasets,
    /// A line for each set of data, and what there is to know of it.
    pub notes: Vec<String>,
}

/// The rows of each `[data]` table, by the seed of their split.
#[derive(Default)]
struct Datasets(Vec<(DataConfig, HashMap<Seed, Arc<Dataset>>)>);

impl Datasets {
    fn of(&self, config: &Config) -> Option<&Arc<Dataset>> {
        let (_, splits) = self.0.iter().find(|(data, _)| *data == config.data)?;
        splits.get(&config.split_seed())
    }

    /// Of this `[data]` table, with any split.
    fn any_of(&self, config: &Config) -> Option<&Arc<Dataset>> {
        let (_, splits) = self.0.iter().find(|(data, _)| *data == config.data)?;
        splits.values().next()
    }

    fn insert(&mut self, config: &Config, dataset: Arc<Dataset>) {
        let place = self.0.iter().position(|(data, _)| *data == config.data);
        let place = place.unwrap_or_else(|| {
            self.0.push((config.data.clone(), HashMap::new()));
            self.0.len() - 1
        });
        self.0[place].1.insert(config.split_seed(), dataset);
    }
}

impl PreparedExperiment {
    /// Reads the data of an experiment and holds every cell against it: where the rows are split for each seed,
    /// against the splits of `seeds` of them at most, which are those whose trainings can be laid out.
    ///
    /// # Errors
    /// Where the data cannot be read or split, or the config does not fit it.
    pub fn new(
        experiment: &Experiment,
        cache: &mut DatasetCache,
        seeds: usize,
    ) -> Result<Self, PrepareError> {
        let mut splits = experiment.trainings.seeds();
        splits.truncate(seeds);
        Self::of(experiment, cache, &splits)
    }

    /// The same against the splits of these seeds.
    fn of(
        experiment: &Experiment,
        cache: &mut DatasetCache,
        splits: &[Seed],
    ) -> Result<Self, PrepareError> {
        let mut datasets = Datasets::default();
        let mut measured = Measured::default();
        for training in experiment.trainings.unlike(PreparedTraining::checked) {
            for seed in split_seeds(&training.config.data, splits) {
                let config = Config { seed: *seed, ..training.config.clone() };
                let dataset = match datasets.of(&config) {
                    Some(dataset) => Arc::clone(dataset),
                    None => cache.dataset(experiment, &config, &training.arms)?,
                };
                let arms = &training.arms;
                PreparedTraining::check(experiment, &config, arms, &dataset, &mut measured)?;
                datasets.insert(&config, dataset);
            }
        }
        let notes = cache.notes().to_vec();
        Ok(Self { experiment: experiment.clone(), datasets, notes })
    }

    /// The same with the splits of all seeds.
    ///
    /// # Errors
    /// As [`PreparedExperiment::new`].
    pub(super) fn with_all_seeds(&self, cache: &mut DatasetCache) -> Result<Self, PrepareError> {
        // What was read is known to the cache.
        Self::new(&self.experiment, cache, usize::MAX)
    }

    /// The same with the splits of the seeds of these trainings, by their numbers.
    ///
    /// # Errors
    /// As [`PreparedExperiment::new`].
    pub(super) fn with_trainings(
        &self,
        numbers: &[usize],
        cache: &mut DatasetCache,
    ) -> Result<Self, PrepareError> {
        let trainings = numbers.iter().filter_map(|number| self.experiment.trainings.get(*number));
        let seeds: BTreeSet<Seed> = trainings.map(|training| training.config.seed).collect();
        Self::of(&self.experiment, cache, &seeds.into_iter().collect::<Vec<Seed>>())
    }

    /// How many trainings there are.
    #[must_use]
    pub fn training_count(&self) -> usize {
        self.experiment.trainings.len()
    }

    /// How many trainings each seed has: those of the first seed come first.
    #[must_use]
    pub fn of_one_seed(&self) -> usize {
        self.experiment.trainings.of_one_seed()
    }

    /// Bytes of the splits for so many seeds.
    pub(super) fn split_bytes(&self, seeds: usize) -> usize {
        let tables = self.datasets.0.iter().map(|(data, splits)| {
            let one = splits.values().map(|split| split.own_bytes()).max().unwrap_or_default();
            if data.split.seed == SplitSeed::PerSeed { one.saturating_mul(seeds) } else { one }
        });
        tables.sum()
    }

    /// How many arms read them.
    #[must_use]
    pub fn arm_count(&self) -> usize {
        self.experiment.trainings.arms()
    }

    /// A training by its number in the experiment's order: what a list of tasks names. The same config and
    /// data give the same numbers.
    #[must_use]
    pub fn training(&self, number: usize) -> Option<PreparedTraining> {
        self.with_data(self.experiment.trainings.get(number)?)
    }

    /// A training by its number with the rows of some seed, whichever were read: for its name, its identity and
    /// its arms.
    pub(super) fn named(&self, number: usize) -> Option<PreparedTraining> {
        let Training { config, arms } = self.experiment.trainings.get(number)?;
        let dataset = Arc::clone(self.datasets.any_of(&config)?);
        Some(PreparedTraining::new(config, arms, dataset))
    }

    fn with_data(&self, Training { config, arms }: Training) -> Option<PreparedTraining> {
        let dataset = Arc::clone(self.datasets.of(&config)?);
        Some(PreparedTraining::new(config, arms, dataset))
    }

    /// Every training in the experiment's order, one by one.
    pub fn trainings(&self) -> impl Iterator<Item = PreparedTraining> {
        (0..self.training_count()).filter_map(|number| self.training(number))
    }

    /// Every training at once.
    #[must_use]
    pub fn all_trainings(&self) -> Vec<PreparedTraining> {
        (0..self.training_count())
            .into_par_iter()
            .filter_map(|number| self.training(number))
            .collect()
    }

    /// The trainings of the first seed, which those of the others repeat.
    #[must_use]
    pub fn of_first_seed(&self) -> impl ParallelIterator<Item = PreparedTraining> {
        let numbers = (0..self.of_one_seed()).into_par_iter();
        numbers.filter_map(|number| self.training(number))
    }

    /// At most so many trainings of the first seed that stand for all of it.
    #[must_use]
    pub fn sample(&self, most: usize) -> Vec<PreparedTraining> {
        let numbers = self.experiment.trainings.sample(most);
        numbers.into_iter().filter_map(|number| self.training(number)).collect()
    }

    /// A training of each set of rows, in the order of the seeds.
    pub fn of_each_dataset(&self) -> impl Iterator<Item = PreparedTraining> {
        let seeds = self.experiment.trainings.seeds();
        let unlike = self.experiment.trainings.unlike(|_| String::new());
        let mut known: Vec<DataConfig> = Vec::new();
        let firsts = unlike.filter(move |training: &Training| {
            let is_new = !known.contains(&training.config.data);
            if is_new {
                known.push(training.config.data.clone());
            }
            is_new
        });
        let of_seeds = firsts.flat_map(move |Training { config, arms }: Training| {
            let seeds = split_seeds(&config.data, &seeds).to_vec();
            let with_seed = move |seed| Training {
                config: Config { seed, ..config.clone() },
                arms: arms.clone(),
            };
            seeds.into_iter().map(with_seed)
        });
        of_seeds.filter_map(|training| self.with_data(training))
    }

    /// What `experiment.json` will hold.
    #[must_use]
    pub fn plan(&self) -> Plan {
        let all = &self.experiment.trainings;
        let arms = |number| {
            let arms = all.arms_of(number).map(|(levels, rule)| PlannedArm {
                levels: levels.into_iter().map(Some).collect(),
                rule,
            });
            arms.collect()
        };
        let naming = |number| {
            let Training { config, arms } = all.get(number)?;
            let data = self.datasets.any_of(&config)?;
            Some(Naming::new(&effective(config, data), &arms, data))
        };
        let cells = self.of_one_seed();
        let namings: Option<Vec<Naming>> = (0..cells).into_par_iter().map(naming).collect();
        let namings = namings.unwrap_or_default();
        let seeds = if namings.is_empty() { Vec::new() } else { all.seeds() };
        let planned = |number: usize| {
            let (seed, cell) = (seeds[number / cells], number % cells);
            let dir = namings[cell].dir(seed, &namings[cell].identity(seed));
            PlannedTraining { dir, seed: seed.0, cell }
        };
        let count = cells * seeds.len();
        Plan {
            rules: all.rules().map(|rule| rule_table(&rule).into()).collect(),
            cells: (0..cells).map(arms).collect(),
            trainings: (0..count).into_par_iter().map(planned).collect(),
            ..self.outline()
        }
    }

    /// The same without its trainings and their arms.
    #[must_use]
    pub fn outline(&self) -> Plan {
        let experiment = &self.experiment;
        let comparable = self.training(0).map_or(Value::Null, |training| {
            let config = &training.config.data;
            json!([training.data.digest, config.target, config.task, config.split])
        });
        let config = config_file_name(&experiment.config.file_name);
        Plan {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            name: experiment.name.clone(),
            config: config.to_owned(),
            source: None,
            overrides: experiment.overrides.clone(),
            factors: experiment.factors.clone(),
            comparable: sha256(&comparable),
            split_per_seed: self.draws_a_split_per_seed(),
            sequential: None,
            looked_at: Vec::new(),
            tuning: None,
            gates: experiment.gates.clone(),
            files: Files::of([(config.to_owned(), experiment.config.text.as_bytes())]),
            rules: Vec::new(),
            cells: Vec::new(),
            trainings: Vec::new(),
        }
    }

    /// Whether what is evaluated last, the test rows or without them the validation rows, is another part of the
    /// rows for each seed: a source that brings those along leaves nothing to draw.
    fn draws_a_split_per_seed(&self) -> bool {
        fn evaluated(data: &Dataset) -> &[u32] {
            let splits = &data.splits;
            if splits.test.is_empty() { &splits.validation } else { &splits.test }
        }
        let seeds = self.experiment.trainings.seeds();
        let per_seed =
            self.datasets.0.iter().filter(|(data, _)| data.split.seed == SplitSeed::PerSeed);
        let rows = |splits: &HashMap<Seed, Arc<Dataset>>| {
            splits.get(&seeds[0]).is_some_and(|first| {
                let mut others = splits.iter().filter(|(seed, _)| **seed != seeds[0]).peekable();
                others.peek().is_none()
                    || others.any(|(_, other)| evaluated(other) != evaluated(first))
            })
        };
        per_seed.map(|(_, splits)| splits).any(rows)
    }
}
