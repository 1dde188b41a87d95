//! All that fixes a training.

use serde::Serialize;
use serde_json::{Map, Value};

use super::data::DataConfig;
use super::evaluation::EvaluationConfig;
use super::model::ModelConfig;
use super::training::TrainingConfig;
use crate::seed::Seed;

/// All that fixes a training; rules, device, threads and jobs are not part of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Config {
    /// `[data]`.
    pub data: DataConfig,
    /// `[model]`.
    pub model: ModelConfig,
    /// `[training]`.
    pub training: TrainingConfig,
    /// `[evaluation]`.
    pub evaluation: EvaluationConfig,
    /// The repetition.
    pub seed: Seed,
}

impl Config {
    /// As a table, defaults included.
    #[must_use]
    pub fn table(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(table)) => table,
            _ => Map::new(),
        }
    }

    /// The seed of the split of this training's rows.
    #[must_use]
    pub fn split_seed(&self) -> Seed {
        self.data.split_seed(self.seed)
    }
}
