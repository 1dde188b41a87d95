//! The cells of the matrix, read one by one, and the trainings they fall together into.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::cell::{Cell, Parts};
use super::checkpoint::CheckpointConfig;
use super::document::Document;
use super::edit::set;
use super::effective::Config;
use super::error::{Basis, ConfigError};
use super::factors::Factors;
use super::label;
use super::log::LogConfig;
use super::matrix::{Axis, levels};
use super::model::ModelConfig;
use super::node::Node;
use super::norm;
use super::sections::Sections;
use super::training::{BatchSize, TrainingConfig};
use super::trainings::Trainings;
use super::tune::Point;

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
    pub fn trainings(
        self: &Arc<Self>,
    ) -> Result<(Trainings, CheckpointConfig, LogConfig), ConfigError> {
        let first = self.read(&vec![0; self.varied().count()])?;
        let sections = Sections::read(self);
        let mut plan = Plan::default();
        let tuned = self.tune.as_ref().map_or(1, |tune| tune.axes.iter().map(Axis::size).product());
        for index in 0..self.axes.cells() {
            let mut levels = self.levels(index);
            // The first of the values to be chosen from stands in; the others are judged alike.
            for point in 0..tuned {
                self.to_point(&mut levels, point);
                if !is_accepted(&sections, self, &levels) {
                    // Reading the whole cell says what is wrong.
                    self.read(&levels)?;
                    let message = "the tables of a cell are refused one by one and not together";
                    return Err(named(ConfigError::new(message), &self.factors(&levels)));
                }
            }
            self.to_point(&mut levels, 0);
            if let Some(earlier) = plan.add(&sections, self, &levels) {
                let cells = [self.levels(earlier), levels].map(|levels| self.factors(&levels));
                return Err(self.equal_arms(&cells));
            }
        }
        let Plan { training_of, .. } = plan;
        let trainings = Trainings::new(Arc::clone(self), sections, &training_of);
        Ok((trainings, first.checkpoint, first.log))
    }

    /// The whole cell of these levels, with what is wrong with it.
    fn read(&self, levels: &[usize]) -> Result<Cell, ConfigError> {
        let (factors, document) = self.cell(levels)?;
        let cell = Cell::read(&document).map_err(|error| self.explain(error, &factors))?;
        cell.check(&document).map_err(|error| named(error, &factors))?;
        Ok(cell)
    }

    /// The document of a cell.
    fn cell(&self, levels: &[usize]) -> Result<(Factors, Node), ConfigError> {
        let mut document = self.root.clone();
        for (axis, level) in self.varied().zip(levels) {
            set(&mut document, &axis.path, axis.levels[*level].clone())?;
        }
        Ok((self.factors(levels), document))
    }

    /// The levels of the factors by name.
    pub(super) fn factors(&self, levels: &[usize]) -> Factors {
        let axes = self.axes.factors.iter().zip(levels);
        axes.map(|(axis, level)| (axis.key.clone(), axis.labels[*level].clone())).collect()
    }

    /// A cell of the matrix by its number, the last factor fastest: one index per axis, those of
    /// tuned keys 0.
    pub(super) fn levels(&self, index: usize) -> Vec<usize> {
        let mut levels = levels(&self.axes.factors, index);
        levels.resize(self.varied().count(), 0);
        levels
    }

    /// Sets the levels of the tuned keys to those of a point of their grid.
    fn to_point(&self, of_cell: &mut [usize], point: usize) {
        let Some(tune) = &self.tune else { return };
        let factors = self.axes.factors.len();
        of_cell[factors..].copy_from_slice(&levels(&tune.axes, point));
    }

    /// What is trained in the cell of an arm, with these values of the tuned keys.
    pub(super) fn config(&self, arm: &Factors, point: &Point) -> Result<Config, ConfigError> {
        let level = |axis: &Axis| {
            axis.labels.iter().position(|label| arm.get(&axis.key) == Some(label)).unwrap_or(0)
        };
        let levels: Vec<usize> = self.axes.factors.iter().map(level).collect();
        let (_, mut document) = self.cell(&levels)?;
        let tuned = self.tune.iter().flat_map(|tune| &tune.axes);
        for (axis, node) in tuned.zip(&point.nodes) {
            set(&mut document, &axis.path, node.clone())?;
        }
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

    fn equal_arms(&self, pair: &[Factors; 2]) -> ConfigError {
        let [first, second] = pair;
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
            .on(Basis::Levels)
            .help(unread.unwrap_or("leave one of the levels out"))
            .note(format!("one is the cell {}", label::cell(first)))
            .note(format!("the other is the cell {}", label::cell(second)))
    }
}

/// Which cells are read by which training of a seed.
#[derive(Default)]
struct Plan {
    /// By cell.
    training_of: Vec<u32>,
    /// By the tables that a training is made of.
    trainings: HashMap<[u32; 5], u32, FixedState>,
    /// The cell, by training and rule.
    arms: HashMap<[u32; 2], u32, FixedState>,
    data: Known,
    models: Known,
    settings: Known,
    optimizers: Known,
    evaluations: Known,
    rules: Known,
}

/// Tables by the SHA-256 of what they are written as: equal ones are written alike, and have one number.
#[derive(Default)]
struct Known {
    /// By choice of the table and, of a model, by the largest batch.
    by_choice: HashMap<(usize, usize), u32, FixedState>,
    by_text: HashMap<[u8; 32], u32, FixedState>,
}

impl Known {
    fn number(
        &mut self,
        choice: (usize, usize),
        text: impl FnOnce() -> Option<String>,
    ) -> Option<u32> {
        if let Some(number) = self.by_choice.get(&choice) {
            return Some(*number);
        }
        let next = u32::try_from(self.by_text.len()).ok()?;
        let number = *self.by_text.entry(Sha256::digest(text()?).into()).or_insert(next);
        self.by_choice.insert(choice, number);
        Some(number)
    }
}

impl Plan {
    /// Adds the next cell, which was accepted; the earlier one whose arm equals its own.
    fn add(&mut self, sections: &Sections, document: &Document, levels: &[usize]) -> Option<usize> {
        let chosen = sections.choices(levels);
        let cell = u32::try_from(self.training_of.len()).ok()?;
        let training = sections.training.get(document, chosen.training)?;
        let largest = largest_batch(&training);
        let key = [
            self.data.number((chosen.data, 0), || {
                Some(text_of(&*sections.data.get(document, chosen.data)?))
            })?,
            self.models.number((chosen.model, largest), || {
                let model = sections.model.get(document, chosen.model)?.into_owned();
                Some(text_of(&as_trained(&model.written_alike(), largest)))
            })?,
            self.settings.number((chosen.training, 0), || Some(text_of(&*training)))?,
            self.optimizers.number((chosen.optimizer, 0), || {
                Some(text_of(&*sections.optimizer.get(document, chosen.optimizer)?))
            })?,
            self.evaluations.number((chosen.evaluation, 0), || {
                Some(text_of(&*sections.evaluation.get(document, chosen.evaluation)?))
            })?,
        ];
        let rule = self.rules.number((chosen.rule, 0), || {
            Some(text_of(&*sections.rule.get(document, chosen.rule)?))
        })?;
        let next = u32::try_from(self.trainings.len()).ok()?;
        let training = *self.trainings.entry(key).or_insert(next);
        self.training_of.push(training);
        self.arms.insert([training, rule], cell).map(|earlier| earlier as usize)
    }
}

/// Whether nothing is wrong with a cell.
fn is_accepted(sections: &Sections, document: &Document, levels: &[usize]) -> bool {
    let chosen = sections.choices(levels);
    let parts = || {
        let data = sections.data.get(document, chosen.data)?;
        let model = sections.model.get(document, chosen.model)?;
        let training = sections.training(document, chosen)?;
        let rule = sections.rule.get(document, chosen.rule)?;
        sections.evaluation.get(document, chosen.evaluation)?;
        let parts = Parts { data: &data, model: &model, training: &training, rule: &rule };
        Some(parts.fault().is_none() && parts.unfit().is_none())
    };
    parts() == Some(true)
}

/// The most rows that a batch may have, whatever the rows: no batch of `size` rows has a quarter more.
fn largest_batch(settings: &TrainingConfig) -> usize {
    match settings.batch_size {
        BatchSize::Rows(size) => {
            size.saturating_add(size.div_ceil(4).saturating_sub(1)).max(size + 1)
        }
        BatchSize::Full => usize::MAX,
    }
}

/// A model with its norm as the one that it is the same as, in batches of at most so many rows.
fn as_trained(model: &ModelConfig, largest: usize) -> serde_json::Value {
    let mut table = serde_json::json!(model);
    if let Some(same) = model.norm_same_as(largest) {
        table["norm"] = same;
    }
    // There is no activation for it to stand before or after, and no Linear before it.
    if model.hidden_norm().is_none()
        && let Some(norm) = table["norm"].as_object_mut()
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
