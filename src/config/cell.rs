//! One cell of the matrix as checked types, and the checks that look at several keys at once.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, IgnoredAny};
use serde::{Deserialize, Deserializer};

use super::checkpoint::CheckpointConfig;
use super::data::{DataConfig, Task};
use super::decode::decode_with;
use super::effective::Config;
use super::error::{Basis, ConfigError};
use super::evaluation::EvaluationConfig;
use super::gate::Gate;
use super::keys::elsewhere;
use super::log::LogConfig;
use super::model::{Along, ModelConfig, NormSettings};
use super::node::Node;
use super::norm::Unfit;
use super::training::{BatchSize, Loss, Optimizer, Rprop, TrainingConfig};
use crate::seed::Seed;
use crate::stopping::{Criterion, StoppingRule};

/// A whole config without its matrix.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Cell {
    // Read from the document, since it is the same in all cells; checked here.
    /// The folder below the results directory; by default the stem of the config's file name.
    #[serde(default, rename = "name", deserialize_with = "name")]
    #[schemars(schema_with = "name_schema")]
    _name: Option<String>,
    /// Fixes initial weights, batch order and dropout, and the split where that has no seed of its own.
    #[serde(default)]
    pub seed: u64,
    /// Which rows, what is predicted, how they are split.
    pub data: DataConfig,
    /// The layers of the network.
    #[serde(default)]
    pub model: ModelConfig,
    /// How the weights move.
    #[serde(default)]
    pub training: TrainingConfig,
    /// What is measured after each epoch besides the validation split.
    #[serde(default)]
    pub evaluation: EvaluationConfig,
    /// When a training ends before its last epoch, and which weights are kept.
    #[serde(default)]
    pub early_stopping: StoppingRule,
    // Taken out before a cell is read; here so that messages list it.
    /// Dotted keys with lists of levels: every combination is trained.
    #[serde(default, rename = "matrix")]
    #[schemars(schema_with = "any_table")]
    _matrix: Option<IgnoredAny>,
    /// Dotted keys with lists of values, of which each arm is given the one that suits it best.
    #[serde(default, rename = "tune")]
    #[schemars(schema_with = "any_table")]
    _tune: Option<IgnoredAny>,
    /// What `bnes compare` is to hold the arms against; a gate fails where it is beyond its limit.
    #[serde(default, rename = "gate")]
    #[schemars(with = "Vec<Gate>")]
    _gate: Option<IgnoredAny>,
    /// How much work a sudden end may cost; changes no result.
    #[serde(default)]
    pub checkpoint: CheckpointConfig,
    /// What is written besides the results, for other programs; changes no result.
    #[serde(default)]
    pub log: LogConfig,
}

fn name_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "expected": "a plain name for a directory",
        "type": "string",
        "pattern": r"^[^./\\\s]([^/\\]*[^/\\\s])?$"
    })
}

fn any_table(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object" })
}

fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let name = String::deserialize(deserializer)?;
    check_name(&name).map_err(D::Error::custom)?;
    Ok(Some(name))
}

/// Longest name of a directory that common file systems take, with room for a suffix.
const NAME_BYTES: usize = 200;

/// Whether an experiment may be called so: its results get a directory of that name.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let fault = if name.is_empty() {
        "it is empty"
    } else if leaves(name) {
        "it would leave the results directory"
    } else if name.starts_with('.') {
        "it begins with a dot"
    } else if name.contains(['/', '\\']) {
        "it holds a path separator"
    } else if name.contains(char::is_control) {
        "it holds a control character"
    } else if name.trim() != name {
        "it begins or ends with a space"
    } else if name.len() > NAME_BYTES {
        "it is too long"
    } else {
        return Ok(());
    };
    Err(format!(
        "{name:?} cannot name the directory of the results: {fault}; take a plain name, such as \"digits\""
    ))
}

/// Whether a path leads somewhere else than below the folder that it starts from.
fn leaves(name: &str) -> bool {
    name.starts_with(['/', '\\']) || name.split(['/', '\\']).any(|part| part == "..")
}

impl Cell {
    /// Reads a document without looking at keys together.
    pub fn read(document: &Node) -> Result<Self, ConfigError> {
        decode_with(document, elsewhere).map_err(|error: ConfigError| {
            let of_the_whole = error.origin().is_some_and(|origin| origin.range.is_none());
            if of_the_whole && document.get("data").is_none() {
                error.help("a config needs at least its data: data.source = \"digits\"")
            } else {
                error
            }
        })
    }

    /// What is trained, and the rule that reads it.
    pub fn into_parts(self) -> (Config, StoppingRule) {
        let Self { data, model, training, evaluation, seed, early_stopping, .. } = self;
        let (seed, model) = (Seed(seed), model.written_alike());
        (Config { data, model, training, evaluation, seed }, early_stopping)
    }

    /// Refuses what no single key is at fault for.
    pub fn check(&self, document: &Node) -> Result<(), ConfigError> {
        let Self { data, model, training, early_stopping: rule, .. } = self;
        let parts = Parts { data, model, training, rule };
        if let Some((key, message)) = parts.fault() {
            let error = ConfigError::at(document.locate(key.split('.')), message);
            return Err(error.on(Basis::Together));
        }
        let Some(Unfit { key, message, help }) = parts.unfit() else { return Ok(()) };
        let message = format!("the norm `{}`: {message}", self.model.norm.kind());
        let error = ConfigError::at(document.locate(key.split('.')), message).help(help);
        Err(error.on(Basis::Together))
    }
}

/// The tables of a cell that have to suit each other.
pub(super) struct Parts<'a> {
    pub data: &'a DataConfig,
    pub model: &'a ModelConfig,
    pub training: &'a TrainingConfig,
    pub rule: &'a StoppingRule,
}

impl Parts<'_> {
    /// Why the norm can do nothing for this model.
    pub fn unfit(&self) -> Option<Unfit> {
        let of_hidden = |norm: &dyn NormSettings| norm.unfit(&self.model.hidden);
        (self.model.input_norm().and_then(unfit_for_inputs))
            .or_else(|| self.model.hidden_norm().and_then(of_hidden))
    }

    /// The key to point at, and what is wrong.
    pub fn fault(&self) -> Option<(String, String)> {
        self.data_fault()
            .or_else(|| self.training_fault())
            .map(|(key, message)| (key.to_owned(), message))
            .or_else(|| late_start(&self.rule.criterion, "early_stopping", self.training.epochs))
    }

    fn data_fault(&self) -> Option<(&'static str, String)> {
        if self.data.source.is_empty() {
            return Some(("data.source", "`data.source` is empty".to_owned()));
        }
        let loss = self.training.loss.filter(|loss| *loss != Loss::Mse);
        (self.data.task == Some(Task::Regression) && loss.is_some()).then(|| {
            ("training.loss", "this loss is for classes, and `data.task` is regression".to_owned())
        })
    }

    fn training_fault(&self) -> Option<(&'static str, String)> {
        let TrainingConfig { epochs, batch_size, optimizer, schedule, .. } = self.training;
        let norm = &self.model.norm;
        let of_batch = norm.settings().filter(|norm| norm.along() == Along::Batch);
        if let (BatchSize::Rows(1), Some(settings)) = (batch_size, of_batch) {
            let message = format!(
                "`training.batch_size` is 1, and a batch of one row {} for the norm `{}`",
                settings.of_one_row(),
                norm.kind()
            );
            return Some(("training.batch_size", message));
        }
        match optimizer {
            Optimizer::Sgd(sgd) if sgd.nesterov && sgd.momentum == 0.0 => {
                let message = "`training.optimizer.nesterov` needs a `momentum` above 0";
                return Some(("training.optimizer.nesterov", message.to_owned()));
            }
            Optimizer::Rprop(rprop) if rprop.step_min > rprop.step_max => {
                let message = format!(
                    "`training.optimizer.step_min` is {}, above the `step_max` of {}",
                    rprop.step_min, rprop.step_max
                );
                let key = if rprop.step_min == Rprop::default().step_min {
                    "training.optimizer.step_max"
                } else {
                    "training.optimizer.step_min"
                };
                return Some((key, message));
            }
            _ => {}
        }
        (schedule.warmup_epochs > 0 && schedule.warmup_epochs >= *epochs).then(|| {
            let message = format!(
                "the warm-up of {} epochs does not end within the {epochs} of `training.epochs`",
                schedule.warmup_epochs
            );
            ("training.schedule.warmup_epochs", message)
        })
    }
}

/// Why a norm can do nothing for the inputs of a network, however many there are.
fn unfit_for_inputs(norm: &dyn NormSettings) -> Option<Unfit> {
    (norm.along() == Along::Weights).then(|| Unfit {
        key: "model.norm.at",
        message: "it normalises the weights of a layer, and there is none before the inputs"
            .to_owned(),
        help: "leave \"input\" out of `at`, or take another norm".to_owned(),
    })
}

/// A rule that no epoch of the training is shown to.
fn late_start(criterion: &Criterion, key: &str, epochs: usize) -> Option<(String, String)> {
    let rules = match criterion {
        Criterion::Patience(patience) => {
            let start = patience.start_from_epoch;
            return (start >= epochs).then(|| {
                let message = format!(
                    "the rule looks at no epoch: it starts after {start} of the {epochs} epochs of \
                     `training.epochs`"
                );
                (format!("{key}.start_from_epoch"), message)
            });
        }
        Criterion::Any(any) => &any.rules,
        Criterion::All(all) => &all.rules,
        _ => return None,
    };
    let mut rules = rules.iter().enumerate();
    rules.find_map(|(index, rule)| late_start(rule, &format!("{key}.rules.{index}"), epochs))
}
