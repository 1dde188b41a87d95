//! An experiment ready to run: its trainings with their data.

use serde_json::{Value, json};

use super::dataset_cache::Loaded;
use super::plan::{Task, sha256};
use super::plan_error::PlanError;
use crate::results::layout::config_file_name;
use crate::results::reread::rule_table;
use crate::results::{Plan, PlannedArm, PlannedRun};
use crate::spec::Experiment;
use crate::spec::data::SplitSeed;

/// An experiment ready to run.
pub struct Planned {
    /// Every training, in the experiment's order.
    pub tasks: Vec<Task>,
    /// What `experiment.json` will hold.
    pub plan: Plan,
    /// A line for each set of data, and what there is to know of it.
    pub notes: Vec<String>,
}

impl Planned {
    /// Reads the data of an experiment and lays out its trainings.
    ///
    /// # Errors
    /// Where the data cannot be read or split, or the config does not fit it.
    pub fn new(experiment: &Experiment, loaded: &mut Loaded) -> Result<Self, PlanError> {
        let mut tasks = Vec::with_capacity(experiment.trainings.len());
        for training in &experiment.trainings {
            let data = loaded.dataset(experiment, &training.trajectory, &training.arms)?;
            let task = Task::new(experiment, &training.trajectory, &training.arms, data)?;
            tasks.push(task);
        }
        let plan = plan(experiment, &tasks);
        Ok(Self { tasks, plan, notes: loaded.notes().to_vec() })
    }

    /// The trainings of the first seed, which those of the others repeat.
    #[must_use]
    pub fn of_first_seed(&self) -> Vec<&Task> {
        let first = self.tasks.first().map(|task| task.trajectory.seed);
        self.tasks.iter().filter(|task| Some(task.trajectory.seed) == first).collect()
    }
}

fn plan(experiment: &Experiment, tasks: &[Task]) -> Plan {
    let comparable = tasks.first().map_or(Value::Null, |task| {
        let spec = &task.trajectory.data;
        json!([task.data.digest, spec.target, spec.task, spec.split])
    });
    Plan {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        name: experiment.name.clone(),
        config: config_file_name(&experiment.config.file_name).to_owned(),
        overrides: experiment.overrides.clone(),
        factors: experiment.factors.clone(),
        comparable: sha256(&comparable),
        split_per_seed: tasks
            .iter()
            .any(|task| task.trajectory.data.split.seed == SplitSeed::PerSeed),
        tuning: None,
        trainings: tasks
            .iter()
            .map(|task| PlannedRun {
                dir: task.dir.clone(),
                seed: task.trajectory.seed.0,
                arms: task
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
