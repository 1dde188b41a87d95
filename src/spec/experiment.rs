//! An experiment: the product of its factors, with arms that differ only in their rule together.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::checkpoint::CheckpointSpec;
use super::data::{DataSpec, SplitSeed};
use super::document::Document;
use super::evaluation::EvaluationSpec;
use super::model::ModelSpec;
use super::training::TrainingSpec;
use super::tune::Tune;
use crate::seed::Seed;
use crate::stopping::StoppingRule;

/// One config file with its overrides, expanded.
#[derive(Debug, Clone)]
pub struct Experiment {
    /// Its directory below the results directory.
    pub name: String,
    /// The config as given.
    pub config: ConfigFile,
    /// The folder that `data.source` is relative to.
    pub base: PathBuf,
    /// `--set` and `--seeds` as given.
    pub overrides: Overrides,
    /// The keys that `[matrix]` varies, `seed` aside, in its order.
    pub factors: Vec<Factor>,
    /// Every training with the arms that read it: seed by seed, so that a part of them is paired,
    /// and within a seed by the cells of the matrix in its order, the last factor fastest.
    pub trainings: Vec<PlannedTraining>,
    /// `[checkpoint]`.
    pub checkpoint: CheckpointSpec,
    /// `[tune]`. Until values are chosen, the trainings have the first of each key.
    pub tune: Option<Tune>,
    /// Where its values are written.
    pub(super) document: Document,
}

/// The text of a config and the name of its file, without folders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFile {
    /// Such as `digits.toml`; its ending tells TOML from JSON.
    pub file_name: String,
    /// What it holds.
    pub text: String,
}

/// What the command line changes of a config.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Overrides {
    /// `--set KEY=VALUE`, in order.
    pub set: Vec<String>,
    /// `--seeds N`: `[matrix] seed = "0..N"`.
    pub seeds: Option<u64>,
}

/// A key that `[matrix]` varies and its levels as results name them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Factor {
    /// A dotted key.
    pub key: String,
    /// In the order of the file; a level that is a table is its kind where that is unique among
    /// the levels, else `kind(key=value)`.
    pub levels: Vec<Value>,
}

/// The level of each factor, in the factors' order.
pub type Factors = Map<String, Value>;

/// Whether a dotted key is this table, or stands in it.
#[must_use]
pub fn is_within(key: &str, table: &str) -> bool {
    key.strip_prefix(table).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Whether a factor is about the stopping rule, which no training depends on.
#[must_use]
pub fn is_of_rule(key: &str) -> bool {
    is_within(key, "early_stopping")
}

/// The levels of the factors that are not about the rule.
#[must_use]
pub fn without_rule(factors: &Factors) -> Factors {
    let levels = factors.iter().filter(|(key, _)| !is_of_rule(key));
    levels.map(|(key, level)| (key.clone(), level.clone())).collect()
}

/// A training and the arms that read it.
#[derive(Debug, Clone)]
pub struct PlannedTraining {
    /// What is trained.
    pub trajectory: Trajectory,
    /// At least one.
    pub arms: Vec<Arm>,
}

/// All that fixes a training; rules, device, threads and jobs are not part of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trajectory {
    /// `[data]`.
    pub data: DataSpec,
    /// `[model]`.
    pub model: ModelSpec,
    /// `[training]`.
    pub training: TrainingSpec,
    /// `[evaluation]`.
    pub evaluation: EvaluationSpec,
    /// The repetition.
    pub seed: Seed,
}

impl Trajectory {
    /// The seed of the split of this training's rows.
    #[must_use]
    pub fn split_seed(&self) -> Seed {
        match self.data.split.seed {
            SplitSeed::Fixed(seed) => Seed(seed),
            SplitSeed::PerSeed => self.seed,
        }
    }
}

/// A reading of a training under one rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Arm {
    /// Its level of each factor.
    pub factors: Factors,
    /// Where the reading ends and which weights it keeps.
    pub rule: StoppingRule,
}
