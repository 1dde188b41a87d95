//! One training with its data, and where it will lie.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::checks;
use super::dataset_cache::DatasetCache;
use super::prepare_error::PrepareError;
use crate::config::data::Target;
use crate::config::evaluation::EvaluationConfig;
use crate::config::training::{Loss, TrainingConfig};
use crate::config::{Arm, Config, ConfigError, Experiment, Factors, is_of_rule};
use crate::data::{Dataset, EXACT_ROWS, Inputs, Targets};
use crate::metrics;
use crate::nn::Layout;
use crate::seed::Seed;
use crate::stopping::StoppingRule;
use crate::text::hex;
use crate::train::{self, FitInputs};

/// Raised where the arithmetic of a training changes, so that older results are not reused: 2 where a table
/// has rows beyond those that are kept in 64 bits, whose last digits depend on how they are kept.
fn arithmetic(data: &Dataset) -> u32 {
    let is_long = matches!(&data.inputs, Inputs::Table(table) if table.rows() > EXACT_ROWS);
    if is_long { 2 } else { 1 }
}

/// Longest name of a training's directory before its seed and identity.
const LABEL_LENGTH: usize = 60;

/// One training with its data.
#[derive(Clone)]
pub struct PreparedTraining {
    /// What fixes it, with what its data decided.
    pub config: Config,
    /// The arms that read it.
    pub arms: Vec<Arm>,
    /// Rules beyond those of the arms: the best checkpoint of the full run, where an arm trains to the end
    /// and keeps the last epoch.
    pub references: Vec<StoppingRule>,
    /// Its rows, shared among trainings with the same split.
    pub data: Arc<Dataset>,
    /// Its loss, by the config or by what is predicted.
    pub loss: Loss,
    /// Outputs of the network.
    pub outputs: usize,
    /// Trainable parameters.
    pub parameters: usize,
    /// SHA-256 of all that fixes the training, in hex.
    pub identity: String,
    /// Its directory below the experiment's.
    pub dir: String,
    /// Whether it is to choose a value by, and so never looks at a test row.
    pub tunes: bool,
}

impl PreparedTraining {
    /// What the trainer is given.
    #[must_use]
    pub fn fit_inputs(&self) -> FitInputs<'_> {
        let rules = self.arms.iter().map(|arm| &arm.rule).chain(&self.references).collect();
        let Self { config, loss, data, .. } = self;
        FitInputs { config, loss: *loss, data, rules, number: 0, alone: false }
    }

    /// Bytes of memory that its weights take at least, with what the optimizer keeps of them.
    #[must_use]
    pub fn engine_bytes(&self) -> usize {
        self.parameters.saturating_mul(checks::PARAMETER_BYTES)
    }

    /// Its directory's name without the identity: what tells it apart within its experiment.
    #[must_use]
    pub fn label(&self) -> &str {
        self.dir.rsplit_once('-').map_or(&self.dir, |(label, _)| label)
    }

    /// A training that a value of tuned keys is judged by: read by the rules of the arms that will have the
    /// value, without a test row.
    pub(super) fn of_tuning(
        experiment: &Experiment,
        config: Config,
        factors: &Factors,
        rules: &[StoppingRule],
        cache: &mut DatasetCache,
    ) -> Result<Self, PrepareError> {
        let evaluation = EvaluationConfig { test: false, ..config.evaluation.clone() };
        let config = Config { evaluation, ..config };
        let arm = |rule: &StoppingRule| Arm { factors: factors.clone(), rule: rule.clone() };
        let arms: Vec<Arm> = rules.iter().map(arm).collect();
        let data = cache.dataset(experiment, &config, &arms)?;
        if data.splits.validation.is_empty() {
            let message = "[tune] chooses by val_loss, and there is no validation row";
            let key = "data.split.validation";
            return Err(experiment.error_at(key, message.to_owned(), None).into());
        }
        Self::check(experiment, &config, &arms, &data, &mut Measured::default())?;
        let training = Self::new(config, arms, data);
        Ok(Self { tunes: true, references: Vec::new(), ..training })
    }

    /// Refuses a training whose rows do not suit its config or a rule of its arms.
    pub(super) fn check(
        experiment: &Experiment,
        config: &Config,
        arms: &[Arm],
        data: &Arc<Dataset>,
        measured: &mut Measured,
    ) -> Result<(), ConfigError> {
        let loss = loss(config, data);
        metrics::check_loss(loss, &data.targets)
            .map_err(|message| experiment.error_at("training.loss", message, None))?;
        checks::batches(experiment, config, arms, data)?;
        checks::input_norm(experiment, config, arms, data)?;
        checks::class_weights(experiment, config, data.targets.task())?;
        let rules: Vec<_> = arms.iter().map(|arm| &arm.rule).collect();
        let mut columns = measured.columns(data, loss, config).to_vec();
        columns.extend(train::columns_on_demand(config, &rules).into_iter().map(str::to_owned));
        for arm in arms {
            checks::validation(experiment, arm, data)?;
            checks::columns(experiment, config, arm, &columns)?;
            checks::direction(experiment, arm)?;
        }
        let outputs = metrics::outputs(loss, &data.targets);
        let layout = Layout::new(&config.model, data.inputs.width(), outputs);
        checks::memory(experiment, arms, layout.parameters())
    }

    /// What of `[training]` decides whether it suits the rows.
    pub(super) fn checked(settings: &TrainingConfig) -> String {
        json!([settings.batch_size, settings.loss, settings.class_weights]).to_string()
    }

    /// One that arms read, with its rows, which suit it.
    pub(super) fn new(config: Config, arms: Vec<Arm>, data: Arc<Dataset>) -> Self {
        let effective = effective(config, &data);
        let loss = loss(&effective, &data);
        let outputs = metrics::outputs(loss, &data.targets);
        let layout = Layout::new(&effective.model, data.inputs.width(), outputs);
        let naming = Naming::new(&effective, &arms, &data);
        let identity = naming.identity(effective.seed);
        Self {
            references: if data.splits.test.is_empty() { Vec::new() } else { references(&arms) },
            loss,
            outputs,
            parameters: layout.parameters(),
            dir: naming.dir(effective.seed, &identity),
            identity,
            config: effective,
            arms,
            data,
            tunes: false,
        }
    }
}

/// The columns of each set of rows that are there whatever the rules, by what else they depend on.
#[derive(Default)]
pub(super) struct Measured(Vec<(Arc<Dataset>, Loss, EvaluationConfig, Vec<String>)>);

impl Measured {
    fn columns(&mut self, data: &Arc<Dataset>, loss: Loss, config: &Config) -> &[String] {
        let evaluation = EvaluationConfig { inside: BTreeSet::new(), ..config.evaluation.clone() };
        let is_known = |(rows, of, by, _): &(Arc<Dataset>, Loss, EvaluationConfig, _)| {
            Arc::ptr_eq(rows, data) && *of == loss && *by == evaluation
        };
        // The last one asked for is the likeliest.
        let place = self.0.iter().rposition(is_known).unwrap_or_else(|| {
            let config = Config { evaluation: evaluation.clone(), ..config.clone() };
            let columns = train::columns(data, loss, &config, &[]);
            self.0.push((Arc::clone(data), loss, evaluation, columns));
            self.0.len() - 1
        });
        &self.0[place].3
    }
}

/// A config with what its data decided.
pub(super) fn effective(mut config: Config, data: &Dataset) -> Config {
    config.training.loss = Some(loss(&config, data));
    config.data.task = Some(data.targets.task());
    config.data.target = Some(target(data));
    config
}

/// The loss of a training, by its config or by what is predicted.
fn loss(config: &Config, data: &Dataset) -> Loss {
    config.training.loss.unwrap_or_else(|| metrics::default_loss(data.targets.task()))
}

/// For each column that chooses a best epoch, `none` with the weights of that epoch, where an arm trains to
/// the end without keeping them.
fn references(arms: &[Arm]) -> Vec<StoppingRule> {
    let mut references: Vec<StoppingRule> = Vec::new();
    for Arm { rule, .. } in arms.iter().filter(|arm| arm.rule.is_none() && !arm.rule.restore_best) {
        let monitored = rule.monitored.clone();
        let reference = StoppingRule { monitored, restore_best: true, ..StoppingRule::default() };
        if !references.contains(&reference) {
            references.push(reference);
        }
    }
    references
}

pub(super) fn sha256(value: &Value) -> String {
    hex(Sha256::digest(value.to_string()))
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

/// What the trainings of a config have in common with those of its other seeds: all of their names but that.
pub(super) struct Naming {
    /// Of what they have to share to be the same: the data by content, not by its path.
    shared: Sha256,
    label: String,
}

impl Naming {
    /// Of an effective config, whatever its seed.
    pub(super) fn new(config: &Config, arms: &[Arm], data: &Dataset) -> Self {
        let mut fixed = config.table();
        fixed.shift_remove("seed");
        if let Some(Value::Object(config)) = fixed.get_mut("data") {
            config.insert("source".to_owned(), data.digest.clone().into());
            // Its content is in that digest.
            config.insert("test_source".to_owned(), Value::Null);
        }
        let text = json!({"arithmetic": arithmetic(data), "training": fixed}).to_string();
        // The table goes on with its last key, the seed.
        let shared = Sha256::new_with_prefix(&text[..text.len() - "}}".len()]);
        Self { shared, label: label(arms) }
    }

    /// SHA-256 of all that fixes the training with a seed, in hex.
    pub(super) fn identity(&self, seed: Seed) -> String {
        let mut all = self.shared.clone();
        all.update(format!(",\"seed\":{}}}}}", seed.0));
        hex(all.finalize())
    }

    /// Its directory, `batch-seed3-0a1b2c3d4e5f`: the levels that tell trainings apart, the seed, the identity.
    pub(super) fn dir(&self, seed: Seed, identity: &str) -> String {
        format!("{}seed{}-{}", self.label, seed.0, &identity[..12])
    }
}

/// The levels that tell trainings apart.
fn label(arms: &[Arm]) -> String {
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
    label
}
