//! An experiment ready to run: its trainings with their data.

use serde_json::{Value, json};

use super::dataset_cache::DatasetCache;
use super::prepare_error::PrepareError;
use super::prepared_training::{PreparedTraining, sha256};
use crate::config::Experiment;
use crate::config::data::SplitSeed;
use crate::results::layout::config_file_name;
use crate::results::recorded_training::rule_table;
use crate::results::{Plan, PlannedArm, PlannedTraining};

/// An experiment ready to run.
pub struct PreparedExperiment {
    /// Every training, in the experiment's order.
    pub trainings: Vec<PreparedTraining>,
    /// What `experiment.json` will hold.
    pub plan: Plan,
    /// A line for each set of data, and what there is to know of it.
    pub notes: Vec<String>,
}

impl PreparedExperiment {
    /// Reads the data of an experiment and lays out its trainings.
    ///
    /// # Errors
    /// Where the data cannot be read or split, or the config does not fit it.
    pub fn new(experiment: &Experiment, cache: &mut DatasetCache) -> Result<Self, PrepareError> {
        let mut trainings = Vec::with_capacity(experiment.trainings.len());
        for training in &experiment.trainings {
            let data = cache.dataset(experiment, &training.config, &training.arms)?;
            let training =
                PreparedTraining::new(experiment, &training.config, &training.arms, data)?;
            trainings.push(training);
        }
        let plan = plan(experiment, &trainings);
        Ok(Self { trainings, plan, notes: cache.notes().to_vec() })
    }

    /// The trainings of the first seed, which those of the others repeat.
    #[must_use]
    pub fn of_first_seed(&self) -> Vec<&PreparedTraining> {
        let first = self.trainings.first().map(|training| training.config.seed);
        self.trainings.iter().filter(|training| Some(training.config.seed) == first).collect()
    }
}

/// Whether what is evaluated last, the test rows or without them the validation rows, is another part of the
/// rows for each seed: a source that brings those along leaves nothing to draw.
fn draws_a_split_per_seed(trainings: &[PreparedTraining]) -> bool {
    fn evaluated(training: &PreparedTraining) -> (u64, &[u32]) {
        let splits = &training.data.splits;
        let rows = if splits.test.is_empty() { &splits.validation } else { &splits.test };
        (training.config.seed.0, rows)
    }
    let is_per_seed =
        |training: &&PreparedTraining| training.config.data.split.seed == SplitSeed::PerSeed;
    let mut of_seeds = trainings.iter().filter(is_per_seed).map(evaluated);
    let Some((first_seed, first)) = of_seeds.next() else { return false };
    let mut others = of_seeds.filter(|(seed, _)| *seed != first_seed).peekable();
    others.peek().is_none() || others.any(|(_, rows)| rows != first)
}

fn plan(experiment: &Experiment, trainings: &[PreparedTraining]) -> Plan {
    let comparable = trainings.first().map_or(Value::Null, |training| {
        let config = &training.config.data;
        json!([training.data.digest, config.target, config.task, config.split])
    });
    Plan {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        name: experiment.name.clone(),
        config: config_file_name(&experiment.config.file_name).to_owned(),
        source: None,
        overrides: experiment.overrides.clone(),
        factors: experiment.factors.clone(),
        comparable: sha256(&comparable),
        split_per_seed: draws_a_split_per_seed(trainings),
        sequential: None,
        looked_at: Vec::new(),
        tuning: None,
        trainings: trainings
            .iter()
            .map(|training| PlannedTraining {
                dir: training.dir.clone(),
                seed: training.config.seed.0,
                arms: training
                    .arms
                    .iter()
                    .map(|arm| PlannedArm {
                        factors: arm.factors.clone(),
                        rule: rule_table(&arm.rule).into(),
                    })
                    .collect(),
            })
            .collect(),
    }
}
