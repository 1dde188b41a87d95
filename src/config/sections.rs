//! The tables of a config, each read once for every choice of levels of its own keys.
//!
//! A cell of the matrix is one choice of each table. So a million cells are read as the few hundred
//! tables that they are made of.

use std::borrow::Cow;

use serde::de::DeserializeOwned;

use super::data::DataConfig;
use super::decode::decode;
use super::document::Document;
use super::edit::set;
use super::evaluation::EvaluationConfig;
use super::matrix::Axis;
use super::model::ModelConfig;
use super::node::{Key, Node, Value};
use super::training::{Optimizer, TrainingConfig};
use crate::stopping::StoppingRule;

/// Choices of one table that are kept; of a table with more, each is read when it is asked for.
const KEPT: usize = 1 << 16;

/// The tables that cells are made of.
#[derive(Debug, Clone)]
pub(super) struct Sections {
    pub data: Section<DataConfig>,
    pub model: Section<ModelConfig>,
    /// Without its optimizer.
    pub training: Section<TrainingConfig>,
    pub optimizer: Section<Optimizer>,
    pub evaluation: Section<EvaluationConfig>,
    pub rule: Section<StoppingRule>,
}

/// The choices that a cell makes, one of each table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Choices {
    pub data: usize,
    pub model: usize,
    pub training: usize,
    pub optimizer: usize,
    pub evaluation: usize,
    pub rule: usize,
}

impl Sections {
    /// Those of a config.
    pub fn read(document: &Document) -> Self {
        let defaults = TrainingConfig::default();
        let (evaluation, rule) = (EvaluationConfig::default(), StoppingRule::default());
        let optimizer = Some(defaults.optimizer.clone());
        Self {
            data: Section::read(document, &["data"], None, None),
            model: Section::read(document, &["model"], None, Some(ModelConfig::default())),
            training: Section::read(document, &["training"], Some("optimizer"), Some(defaults)),
            optimizer: Section::read(document, &["training", "optimizer"], None, optimizer),
            evaluation: Section::read(document, &["evaluation"], None, Some(evaluation)),
            rule: Section::read(document, &["early_stopping"], None, Some(rule)),
        }
    }

    /// `[training]` of a cell.
    pub fn training(&self, document: &Document, chosen: Choices) -> Option<TrainingConfig> {
        let optimizer = self.optimizer.get(document, chosen.optimizer)?.into_owned();
        let settings = self.training.get(document, chosen.training)?.into_owned();
        Some(TrainingConfig { optimizer, ..settings })
    }

    /// What a cell chooses; `levels` is one index per axis of the document.
    pub fn choices(&self, levels: &[usize]) -> Choices {
        Choices {
            data: self.data.choice(levels),
            model: self.model.choice(levels),
            training: self.training.choice(levels),
            optimizer: self.optimizer.choice(levels),
            evaluation: self.evaluation.choice(levels),
            rule: self.rule.choice(levels),
        }
    }
}

/// One table with all choices of its keys' levels.
#[derive(Debug, Clone)]
pub(super) struct Section<T> {
    path: &'static [&'static str],
    /// A table in it that is a section of its own.
    without: Option<&'static str>,
    /// What it is where nothing is written; none where it has to be.
    unwritten: Option<T>,
    axes: Vec<Stride>,
    choices: usize,
    /// By choice, none where the config is refused; empty where there are too many to keep.
    kept: Vec<Option<T>>,
}

/// An axis that varies a key of a table.
#[derive(Debug, Clone)]
struct Stride {
    /// Its place among those of the document.
    axis: usize,
    levels: usize,
    /// By how much the choice grows with the level.
    step: usize,
}

impl<T: Clone + DeserializeOwned> Section<T> {
    fn read(
        document: &Document,
        path: &'static [&'static str],
        without: Option<&'static str>,
        unwritten: Option<T>,
    ) -> Self {
        let is_in = |axis: &Axis| {
            let names: Vec<&str> = axis.path.names().collect();
            let overlaps = names.iter().zip(path).all(|(a, b)| a == b);
            overlaps && (without.is_none() || names.get(path.len()).copied() != without)
        };
        let mut choices = 1;
        let mut axes = Vec::new();
        for (index, axis) in document.varied().enumerate().filter(|(_, axis)| is_in(axis)) {
            axes.push(Stride { axis: index, levels: axis.levels.len(), step: choices });
            choices *= axis.levels.len();
        }
        let mut section = Self { path, without, unwritten, axes, choices, kept: Vec::new() };
        if choices <= KEPT {
            section.kept = (0..choices).map(|choice| section.decode(document, choice)).collect();
        }
        section
    }

    fn choice(&self, levels: &[usize]) -> usize {
        self.axes.iter().map(|stride| levels[stride.axis] * stride.step).sum()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.choices
    }

    /// One choice; none where the config is refused, which reading the whole cell explains.
    pub fn get(&self, document: &Document, choice: usize) -> Option<Cow<'_, T>> {
        match self.kept.get(choice) {
            Some(kept) => kept.as_ref().map(Cow::Borrowed),
            None => self.decode(document, choice).map(Cow::Owned),
        }
    }

    fn decode(&self, document: &Document, choice: usize) -> Option<T> {
        let root = &document.root;
        let (table, within) = self.path.split_first()?;
        let entries = root.entries()?.iter().filter(|(key, _)| key.name == *table);
        let entries: Vec<(Key, Node)> = entries.cloned().collect();
        let mut root = Node { value: Value::Table(entries), origin: root.origin.clone() };
        let varied: Vec<&Axis> = document.varied().collect();
        for stride in &self.axes {
            let axis = varied[stride.axis];
            let level = &axis.levels[choice / stride.step % stride.levels];
            set(&mut root, &axis.path, level.clone()).ok()?;
        }
        let Value::Table(entries) = &mut root.value else { return None };
        let Some((_, mut node)) = entries.pop() else { return self.unwritten.clone() };
        if let (Some(without), Value::Table(entries)) = (self.without, &mut node.value) {
            entries.retain(|(key, _)| key.name != without);
        }
        match within.iter().try_fold(&node, |node, name| node.get(name)) {
            Some(table) => decode(table).ok(),
            None => self.unwritten.clone(),
        }
    }
}
