//! Which trainings an experiment comes to once its data is known, and where each will lie.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::provenance;
use crate::data::{DataError, Dataset, Source, Targets};
use crate::history::{ON_DEMAND, TEST_PREFIX};
use crate::metrics;
use crate::nn::{Layout, Network, probe};
use crate::results::layout::config_file_name;
use crate::results::{Plan, PlannedArm, PlannedRun};
use crate::seed::Seed;
use crate::spec::data::{SplitSeed, Target, Task as TargetKind};
use crate::spec::evaluation::EvaluationSpec;
use crate::spec::model::Along;
use crate::spec::training::Loss;
use crate::spec::{Arm, ConfigError, Experiment, Factors, Trajectory, is_of_rule};
use crate::stopping::StoppingRule;
use crate::train;

/// Raised when the arithmetic of a training changes, so that older results are not reused.
const ARITHMETIC: u32 = 1;

/// Longest name of a training's directory before its seed and identity.
const LABEL_LENGTH: usize = 60;

/// One training with its data.
pub struct Task {
    /// What fixes it.
    pub trajectory: Trajectory,
    /// The arms that read it.
    pub arms: Vec<Arm>,
    /// Its rows, shared among trainings with the same split.
    pub data: Arc<Dataset>,
    /// Its loss, by the config or by the task.
    pub loss: Loss,
    /// Outputs of the network.
    pub outputs: usize,
    /// Trainable parameters.
    pub parameters: usize,
    /// SHA-256 of all that fixes the training, in hex.
    pub identity: String,
    /// Its directory below the experiment's.
    pub dir: String,
    /// The effective config.
    pub config: Map<String, Value>,
    /// Whether it is to choose a value by, and so never looks at a test row.
    pub tunes: bool,
}

impl Task {
    /// What its engine is built from.
    #[must_use]
    pub fn network(&self) -> Network<'_> {
        let Trajectory { model, training, seed, .. } = &self.trajectory;
        let Self { loss, outputs, data, .. } = self;
        Network { model, training, loss: *loss, outputs: *outputs, data, seed: *seed }
    }
}

/// An experiment ready to run.
pub struct Planned {
    /// Every training, in the experiment's order.
    pub tasks: Vec<Task>,
    /// What `experiment.json` will hold.
    pub plan: Plan,
    /// A line for each set of data, and what there is to know of it.
    pub notes: Vec<String>,
}

/// Why an experiment cannot run.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The config does not fit the data.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The data cannot be read or split.
    #[error(transparent)]
    Data(#[from] DataError),
}

/// Sources and splits that were read, so that each is read once.
pub struct Loaded {
    /// Which datasets will be made of each source.
    due: HashMap<String, HashSet<String>>,
    sources: HashMap<String, Source>,
    datasets: HashMap<String, Arc<Dataset>>,
    notes: Vec<String>,
}

impl Planned {
    /// Reads the data of an experiment and lays out its trainings.
    ///
    /// # Errors
    /// Where the data cannot be read or split, or the config does not fit it.
    pub fn new(experiment: &Experiment, loaded: &mut Loaded) -> Result<Self, PlanError> {
        let mut tasks = Vec::with_capacity(experiment.trainings.len());
        for training in &experiment.trainings {
            let data = loaded
                .dataset(experiment, &training.trajectory)
                .map_err(|error| placed(experiment, &training.arms, error))?;
            let task = Task::new(experiment, &training.trajectory, &training.arms, data)?;
            tasks.push(task);
        }
        let plan = plan(experiment, &tasks);
        Ok(Self { tasks, plan, notes: loaded.notes.clone() })
    }
}

/// A fault of the config that shows once the data is read, at its place in the config.
fn placed(experiment: &Experiment, arms: &[Arm], error: DataError) -> PlanError {
    let (Some(key), Some(arm)) = (error.key(), arms.first()) else { return error.into() };
    let is_missing = matches!(error, DataError::UnknownSource { .. });
    let help = is_missing.then(|| "a path is relative to the folder of the config".to_owned());
    experiment.error_where_varied(&arm.factors, key, error.to_string(), help).into()
}

/// By what a source, and a dataset of it, is told apart from others.
fn keys(trajectory: &Trajectory) -> (String, String) {
    let spec = &trajectory.data;
    (json!(spec.reading()).to_string(), json!([spec, trajectory.split_seed()]).to_string())
}

impl Loaded {
    /// Nothing yet, of all that the experiment and its tuning will read.
    #[must_use]
    pub fn of(experiment: &Experiment) -> Self {
        let mut due: HashMap<String, HashSet<String>> = HashMap::new();
        let mut note = |trajectory: &Trajectory| {
            let (source, dataset) = keys(trajectory);
            due.entry(source).or_default().insert(dataset);
        };
        let tuned: Vec<Seed> =
            experiment.tune.iter().flat_map(|tune| &tune.seeds).copied().map(Seed).collect();
        for training in &experiment.trainings {
            note(&training.trajectory);
            for seed in &tuned {
                note(&Trajectory { seed: *seed, ..training.trajectory.clone() });
            }
        }
        Self { due, sources: HashMap::new(), datasets: HashMap::new(), notes: Vec::new() }
    }

    fn dataset(
        &mut self,
        experiment: &Experiment,
        trajectory: &Trajectory,
    ) -> Result<Arc<Dataset>, DataError> {
        let spec = &trajectory.data;
        let split_seed = trajectory.split_seed();
        let (source_key, data_key) = keys(trajectory);
        if let Some(dataset) = self.datasets.get(&data_key) {
            return Ok(Arc::clone(dataset));
        }
        let source = match self.sources.remove(&source_key) {
            Some(source) => source,
            None => Source::open(spec, &experiment.base)?,
        };
        let due = self.due.entry(source_key.clone()).or_default();
        due.remove(&data_key);
        let dataset = Arc::new(if due.is_empty() {
            source.into_dataset(spec, split_seed)?
        } else {
            let dataset = source.dataset(spec, split_seed)?;
            self.sources.insert(source_key, source);
            dataset
        });
        for note in std::iter::once(&dataset.summary).chain(&dataset.notes) {
            // With a split per seed one line stands for all.
            let said = spec.split.seed == SplitSeed::PerSeed && !self.datasets.is_empty();
            if !said && !self.notes.contains(note) {
                self.notes.push(note.clone());
            }
        }
        self.datasets.insert(data_key, Arc::clone(&dataset));
        Ok(dataset)
    }
}

impl Task {
    /// Its directory's name without the identity: what tells it apart within its experiment.
    #[must_use]
    pub fn label(&self) -> &str {
        self.dir.rsplit_once('-').map_or(&self.dir, |(label, _)| label)
    }

    /// A training that a value of tuned keys is judged by: to the last epoch, without a test row.
    pub(super) fn of_tuning(
        experiment: &Experiment,
        trajectory: Trajectory,
        factors: Factors,
        loaded: &mut Loaded,
    ) -> Result<Self, PlanError> {
        let evaluation = EvaluationSpec { train: false, test: false, ..EvaluationSpec::default() };
        let trajectory = Trajectory { evaluation, ..trajectory };
        let arms = [Arm { factors, rule: StoppingRule::default() }];
        let data = loaded
            .dataset(experiment, &trajectory)
            .map_err(|error| placed(experiment, &arms, error))?;
        if data.splits.validation.is_empty() {
            let message = "[tune] chooses by val_loss, and there is no validation row";
            let key = "data.split.validation";
            return Err(experiment.error_at(key, message.to_owned(), None).into());
        }
        let task = Self::new(experiment, &trajectory, &arms, data)?;
        Ok(Self { tunes: true, ..task })
    }

    fn new(
        experiment: &Experiment,
        trajectory: &Trajectory,
        arms: &[Arm],
        data: Arc<Dataset>,
    ) -> Result<Self, ConfigError> {
        let task = data.targets.task();
        let loss = trajectory.training.loss.unwrap_or_else(|| metrics::default_loss(task));
        metrics::check_loss(loss, &data.targets)
            .map_err(|message| experiment.error_at("training.loss", message, None))?;
        check_batches(experiment, trajectory, arms, &data)?;
        if trajectory.training.class_weights.is_some() && task == TargetKind::Regression {
            let message = "class weights need classes, and the target is numeric";
            let help = Some("leave training.class_weights out".to_owned());
            return Err(experiment.error_at("training.class_weights", message.to_owned(), help));
        }
        let rules: Vec<_> = arms.iter().map(|arm| &arm.rule).collect();
        let columns = train::columns(&data, loss, trajectory, &rules);
        for arm in arms {
            check_validation(experiment, arm, &data)?;
            check_columns(experiment, trajectory, arm, &columns)?;
        }
        let outputs = metrics::outputs(loss, &data.targets);
        let layout = Layout::new(&trajectory.model, data.inputs.width(), outputs);
        check_memory(experiment, arms, layout.parameters())?;
        let mut effective = trajectory.clone();
        effective.training.loss = Some(loss);
        effective.data.task = Some(task);
        effective.data.target = Some(target(&data));
        let identity = identity(&effective, &data);
        Ok(Self {
            arms: arms.to_vec(),
            loss,
            outputs,
            parameters: layout.parameters(),
            dir: directory(arms, &effective, &identity),
            identity,
            config: object(&effective),
            trajectory: effective,
            data,
            tunes: false,
        })
    }
}

/// Refuses a batch of one row where a norm takes the variance of it.
fn check_batches(
    experiment: &Experiment,
    trajectory: &Trajectory,
    arms: &[Arm],
    data: &Dataset,
) -> Result<(), ConfigError> {
    let rows = data.splits.train.len();
    let batches = train::batches::ranges(rows, trajectory.training.batch_size);
    let one = batches.iter().any(|batch| batch.len() == 1);
    let model = &trajectory.model;
    if !one || model.norm_along() != Some(Along::Batch) {
        return Ok(());
    }
    let factors = arms.first().map(|arm| arm.factors.clone()).unwrap_or_default();
    let message = format!(
        "the training split of {rows} rows makes a batch of one, which has no variance for the norm `{}`",
        model.norm.kind()
    )
    .replace("of 1 rows", "of 1 row");
    let help = "give it more rows, or leave the norm out";
    Err(experiment.error_in_arm(&factors, "data.split", message, Some(help.to_owned())))
}

/// Refuses a rule that reads the validation split where that has no row.
fn check_validation(experiment: &Experiment, arm: &Arm, data: &Dataset) -> Result<(), ConfigError> {
    let columns = arm.rule.columns();
    let Some(column) = columns.iter().find(|column| column.starts_with("val_")) else {
        return Ok(());
    };
    if !data.splits.validation.is_empty() {
        return Ok(());
    }
    Err(experiment.error_where_varied(
        &arm.factors,
        "data.split.validation",
        format!(
            "the stopping rule `{}` needs `{column}`, and there is no validation row for it",
            arm.rule.kind()
        ),
        Some("raise the fraction, or take a rule that reads the training loss".to_owned()),
    ))
}

/// Refuses a rule whose columns this training will not record.
fn check_columns(
    experiment: &Experiment,
    trajectory: &Trajectory,
    arm: &Arm,
    recorded: &[String],
) -> Result<(), ConfigError> {
    for column in arm.rule.columns() {
        if recorded.iter().any(|name| name == column) {
            continue;
        }
        let monitored = column == arm.rule.monitored.column;
        let key = if monitored { "early_stopping.monitor" } else { "early_stopping.column" };
        let readable: Vec<&str> = recorded
            .iter()
            .map(String::as_str)
            .filter(|name| !name.starts_with(TEST_PREFIX) && !ON_DEMAND.contains(name))
            .chain(probe::columns_of(&trajectory.model))
            .collect();
        return Err(experiment.error_in_arm(
            &arm.factors,
            key,
            format!("the rule reads the column `{column}`, which this training will not record"),
            Some(format!("the columns that a rule can read: {}", crate::kinds::list(&readable))),
        ));
    }
    Ok(())
}

/// Bytes that a training needs for each parameter at least: itself, its gradient, two moments.
const PARAMETER_BYTES: usize = 16;

/// Refuses a network that the memory of this machine cannot hold.
fn check_memory(
    experiment: &Experiment,
    arms: &[Arm],
    parameters: usize,
) -> Result<(), ConfigError> {
    let needed = parameters.saturating_mul(PARAMETER_BYTES);
    match provenance::memory_bytes() {
        Some(memory) if needed > memory => Err(experiment.error_in_arm(
            &arms[0].factors,
            "model.hidden",
            format!(
                "a network of {parameters} parameters takes at least {} GiB, and this machine has \
                 {}",
                needed >> 30,
                memory >> 30
            ),
            None,
        )),
        _ => Ok(()),
    }
}

fn object(value: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

fn sha256(value: &Value) -> String {
    let mut hex = String::new();
    for byte in Sha256::digest(value.to_string()) {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// What two trainings have to share to be the same: the data by content, not by its path.
fn identity(trajectory: &Trajectory, data: &Dataset) -> String {
    let mut fixed = object(trajectory);
    fixed.insert("data".to_owned(), data_identity(trajectory, data));
    sha256(&json!({"arithmetic": ARITHMETIC, "training": fixed}))
}

fn data_identity(trajectory: &Trajectory, data: &Dataset) -> Value {
    let mut spec = object(&trajectory.data);
    spec.insert("source".to_owned(), data.digest.clone().into());
    // Its content is in that digest.
    spec.insert("test_source".to_owned(), Value::Null);
    Value::Object(spec)
}

/// The columns predicted, by name.
fn target(data: &Dataset) -> Target {
    match &data.targets {
        Targets::Values { names, .. } => match &names[..] {
            [name] => Target::One(name.clone()),
            _ => Target::Several(names.clone()),
        },
        Targets::Classes { .. } => {
            let name = data.preprocessing["target"]["name"].as_str();
            Target::One(name.unwrap_or("class").to_owned())
        }
    }
}

/// `batch-seed3-0a1b2c3d4e5f`: the levels that tell trainings apart, the seed, the identity.
fn directory(arms: &[Arm], trajectory: &Trajectory, identity: &str) -> String {
    let mut label = String::new();
    for (key, level) in arms.first().into_iter().flat_map(|arm| &arm.factors) {
        if is_of_rule(key) {
            continue;
        }
        let level = level.as_str().map_or_else(|| level.to_string(), str::to_owned);
        let words = level.split(|c: char| !c.is_ascii_alphanumeric() && c != '.');
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        label += if words.is_empty() { "empty".to_owned() } else { words.join("_") }.as_str();
        label.push('-');
    }
    label.truncate(LABEL_LENGTH);
    format!("{label}seed{}-{}", trajectory.seed.0, &identity[..12])
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
                        rule: object(&arm.rule).into(),
                    })
                    .collect(),
            })
            .collect(),
    }
}
