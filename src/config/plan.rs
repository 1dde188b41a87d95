//! The cells of the matrix, read one by one, and the trainings they fall together into.

use std::collections::HashMap;

use serde::Serialize;

use super::arm::{Arm, Training};
use super::cell::Cell;
use super::checkpoint::CheckpointConfig;
use super::document::Document;
use super::edit::set;
use super::effective::Config;
use super::error::ConfigError;
use super::factors::Factors;
use super::label;
use super::log::LogConfig;
use super::matrix::{Axis, product};
use super::node::Node;
use super::norm;
use super::training::BatchSize;
use super::tune::{Point, Tune};
use crate::seed::Seed;

/// An error with the cell in which it shows.
pub(super) fn named(error: ConfigError, factors: &Factors) -> ConfigError {
    if factors.is_empty() {
        return error;
    }
    error.note(format!("in the cell {}", label::cell(factors)))
}

impl Document {
    /// Every training with its arms: seed by seed, so that what is done first is paired. Also what
    /// `[checkpoint]` and `[log]` say, which is the same in all cells.
    pub fn trainings(&self) -> Result<(Vec<Training>, CheckpointConfig, LogConfig), ConfigError> {
        let mut plan = Plan::default();
        let (mut checkpoint, mut log) = (CheckpointConfig::default(), LogConfig::default());
        let grid = self.tune.as_ref().map(Tune::grid).unwrap_or_default();
        for levels in product(&self.axes.factors) {
            let read = |point: Option<&Point>| {
                let (factors, document) = self.cell(&levels, point)?;
                let cell = Cell::read(&document)
                    .map_err(|error| self.explain(error, &factors))
                    .and_then(|cell| {
                        cell.check(&document).map_err(|error| named(error, &factors)).map(|()| cell)
                    })?;
                Ok((cell, factors))
            };
            // The first of the values to be chosen from stands in; the others are judged alike.
            let (cell, factors) = read(grid.first())?;
            for point in grid.iter().skip(1) {
                read(Some(point))?;
            }
            (checkpoint, log) = (cell.checkpoint.clone(), cell.log.clone());
            plan.add(cell, factors).map_err(|pair| self.equal_arms(&pair))?;
        }
        let seeds: Vec<Option<u64>> = match &self.axes.seeds {
            Some((_, seeds)) => seeds.iter().copied().map(Some).collect(),
            None => vec![None],
        };
        let with_seed = |seed: Option<u64>| {
            plan.trainings.iter().map(move |training| {
                let mut training = training.clone();
                training.config.seed = seed.map_or(training.config.seed, Seed);
                training
            })
        };
        Ok((seeds.into_iter().flat_map(with_seed).collect(), checkpoint, log))
    }

    /// The document of a cell; `levels` is one index per factor, `point` the values of tuned keys.
    pub(super) fn cell(
        &self,
        levels: &[usize],
        point: Option<&Point>,
    ) -> Result<(Factors, Node), ConfigError> {
        let mut document = self.root.clone();
        let mut factors = Factors::new();
        for (axis, level) in self.axes.factors.iter().zip(levels) {
            factors.insert(axis.key.clone(), axis.labels[*level].clone());
            set(&mut document, &axis.path, axis.levels[*level].clone())?;
        }
        let tuned = self.tune.iter().flat_map(|tune| &tune.axes);
        for (axis, node) in tuned.zip(point.into_iter().flat_map(|point| &point.nodes)) {
            set(&mut document, &axis.path, node.clone())?;
        }
        Ok((factors, document))
    }

    /// What is trained in the cell of an arm, with these values of the tuned keys.
    pub(super) fn config(&self, arm: &Factors, point: &Point) -> Result<Config, ConfigError> {
        let level = |axis: &Axis| {
            axis.labels.iter().position(|label| arm.get(&axis.key) == Some(label)).unwrap_or(0)
        };
        let levels: Vec<usize> = self.axes.factors.iter().map(level).collect();
        let (_, document) = self.cell(&levels, Some(point))?;
        let cell = Cell::read(&document)?;
        cell.check(&document)?;
        Ok(cell.into_parts().0)
    }

    /// Names the cell of an error that is written in the matrix.
    fn explain(&self, error: ConfigError, factors: &Factors) -> ConfigError {
        let in_matrix = error
            .origin()
            .is_some_and(|origin| self.axes.factors.iter().any(|axis| axis.list.contains(origin)));
        if in_matrix { named(error, factors) } else { error }
    }

    fn equal_arms(&self, pair: &(Factors, Factors)) -> ConfigError {
        let (first, second) = pair;
        let differing: Vec<&Axis> = self
            .axes
            .factors
            .iter()
            .filter(|axis| first.get(&axis.key) != second.get(&axis.key))
            .collect();
        let writes = |axis: &Axis, key: &str| {
            let within = key.strip_prefix(&axis.key).and_then(|rest| rest.strip_prefix('.'));
            let in_level = |key| axis.levels.iter().any(|level| level.get(key).is_some());
            axis.key == key || within.is_some_and(in_level)
        };
        let unread = norm::READ_WITH
            .iter()
            .find(|(key, _)| differing.iter().any(|axis| writes(axis, key)))
            .map(|(_, help)| *help);
        let keys: Vec<&str> = differing.iter().map(|axis| axis.key.as_str()).collect();
        let origin = differing.last().map_or(&self.root.origin, |axis| {
            let level = axis.labels.iter().position(|label| second.get(&axis.key) == Some(label));
            level.map_or(&axis.list, |level| &axis.levels[level].origin)
        });
        let keys = crate::text::quoted(&keys);
        ConfigError::at(origin, format!("two arms are equal: here {keys} makes no difference"))
            .help(unread.unwrap_or("leave one of the levels out"))
            .note(format!("one is the cell {}", label::cell(first)))
            .note(format!("the other is the cell {}", label::cell(second)))
    }
}

/// Trainings of one seed, and which cells they are read by.
#[derive(Default)]
struct Plan {
    trainings: Vec<Training>,
    /// By what the training is written as; equal trainings are written alike.
    by_config: HashMap<String, usize>,
    /// By training and rule: the arm's index in its training.
    by_rule: HashMap<(usize, String), usize>,
}

impl Plan {
    /// Adds a cell's arm; the two cells where it equals an earlier one.
    fn add(&mut self, cell: Cell, factors: Factors) -> Result<(), Box<(Factors, Factors)>> {
        let (config, rule) = cell.into_parts();
        let next = self.trainings.len();
        let index = *self.by_config.entry(text_of(&as_trained(&config))).or_insert(next);
        if index == next {
            self.trainings.push(Training { config, arms: Vec::new() });
        }
        let arms = &mut self.trainings[index].arms;
        if let Some(earlier) = self.by_rule.insert((index, text_of(&rule)), arms.len()) {
            return Err(Box::new((arms[earlier].factors.clone(), factors)));
        }
        arms.push(Arm { factors, rule });
        Ok(())
    }
}

/// A config with its norm as the one that it is the same as, whatever the rows: no batch of `size` rows has
/// a quarter more.
fn as_trained(config: &Config) -> serde_json::Value {
    let mut table = serde_json::json!(config);
    let largest = match config.training.batch_size {
        BatchSize::Rows(size) => {
            size.saturating_add(size.div_ceil(4).saturating_sub(1)).max(size + 1)
        }
        BatchSize::Full => usize::MAX,
    };
    if let Some(same) = config.model.norm_same_as(largest) {
        table["model"]["norm"] = same;
    }
    // There is no activation for it to stand before or after, and no Linear before it.
    if config.model.hidden_norm().is_none()
        && let Some(norm) = table["model"]["norm"].as_object_mut()
    {
        norm.remove("placement");
        norm.remove("weight_norm");
    }
    table
}

/// A text that is the same for equal values; every value here can be written.
fn text_of(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
