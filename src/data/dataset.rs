//! Rows ready for training, and which split each belongs to.

use std::sync::Arc;

use super::doubt::Doubt;
use super::row_chunks::RowChunks;
use crate::config::data::Task;
use crate::seed::Seed;

/// Encoded rows, their targets and their splits.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// What goes into the network.
    pub inputs: Inputs,
    /// What should come out.
    pub targets: Targets,
    /// Rows of each split.
    pub splits: Splits,
    /// How a row of the source becomes an input and an output becomes an answer: columns, scaler,
    /// class names or the target's scale. Goes with the weights.
    pub preprocessing: serde_json::Value,
    /// Rows, inputs, classes or targets and split sizes, in one line.
    pub summary: String,
    /// What a user has to know: a stratification given up, a constant column left out.
    pub doubts: Vec<Doubt>,
    /// SHA-256 of what was read, in hex.
    pub digest: String,
}

/// The inputs of all rows, row by row.
#[derive(Debug, Clone)]
pub enum Inputs {
    /// Numbers as the network takes them.
    Table(RowChunks),
    /// Bytes b that the network takes as `b * scale + shift`.
    Images {
        /// rows x width; shared by all splits of a source
        bytes: Arc<Vec<u8>>,
        /// Pixels a row.
        width: usize,
        /// Factor of a byte.
        scale: f32,
        /// Added after scaling.
        shift: f32,
    },
}

/// The targets of all rows.
#[derive(Debug, Clone)]
pub enum Targets {
    /// Which class each row belongs to.
    Classes {
        /// One per row, below `names.len()`.
        labels: Vec<u32>,
        /// At least two.
        names: Vec<String>,
    },
    /// Real numbers, in standardised units.
    Values {
        /// rows x names
        values: Vec<f32>,
        /// The target columns.
        names: Vec<String>,
        /// Of each target, over the training split; 0 where not standardised.
        mean: Vec<f64>,
        /// Of each target, over the training split; 1 where not standardised.
        sd: Vec<f64>,
    },
}

/// Rows of each split; no row is in two of train, validation and test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Splits {
    /// Rows that move the weights.
    pub train: Vec<u32>,
    /// Rows that rules look at; may be empty.
    pub validation: Vec<u32>,
    /// Rows that nothing is chosen by; may be empty.
    pub test: Vec<u32>,
    /// The part of `train` on which the loss is measured in evaluation mode: as many rows as
    /// `validation` has, all of `train` where that is empty or larger.
    pub train_evaluated: Vec<u32>,
}

impl Dataset {
    /// The columns of the source that are levels, of which each row has one.
    #[must_use]
    pub fn columns_of_levels(&self) -> Vec<&str> {
        let columns = self.preprocessing["inputs"]["columns"].as_array();
        let columns = columns.into_iter().flatten();
        let levels = columns.filter(|column| column["kind"] == "levels");
        levels.filter_map(|column| column["name"].as_str()).collect()
    }

    /// Bytes of memory, at least, that it does not share with other splits of the same source.
    #[must_use]
    pub fn own_bytes(&self) -> usize {
        let inputs = match &self.inputs {
            Inputs::Table(rows) => rows.rows() * rows.width(),
            Inputs::Images { .. } => 0,
        };
        let targets = match &self.targets {
            Targets::Classes { labels, .. } => labels.len(),
            Targets::Values { values, .. } => values.len(),
        };
        let Splits { train, validation, test, train_evaluated } = &self.splits;
        let splits = [train, validation, test, train_evaluated].map(Vec::len);
        // Numbers of 32 bits, all of them.
        (inputs + targets + splits.iter().sum::<usize>()) * 4
    }

    /// The training rows in the order of an epoch (from 1).
    #[must_use]
    pub fn epoch_order(&self, seed: Seed, epoch: usize) -> Vec<u32> {
        let mut order = self.splits.train.clone();
        seed.stream("order", epoch as u64).shuffle(&mut order);
        order
    }

    /// What a row of each class counts for where all classes of the training split count the
    /// same, 1 on average over that split; 0 for classes that it lacks. None for numbers.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // rows are counted in 32 bits
    pub fn balanced_weights(&self) -> Option<Vec<f64>> {
        let Targets::Classes { labels, names } = &self.targets else { return None };
        let mut counts = vec![0_u32; names.len()];
        for row in &self.splits.train {
            counts[labels[*row as usize] as usize] += 1;
        }
        let classes = counts.iter().filter(|count| **count > 0).count() as f64;
        let rows = self.splits.train.len() as f64;
        let weight = |count: &u32| match count {
            0 => 0.0,
            count => rows / (classes * f64::from(*count)),
        };
        Some(counts.iter().map(weight).collect())
    }
}

impl Inputs {
    /// Numbers a row.
    #[must_use]
    pub fn width(&self) -> usize {
        match self {
            Self::Table(rows) => rows.width(),
            Self::Images { width, .. } => *width,
        }
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        match self {
            Self::Table(rows) => rows.rows(),
            Self::Images { bytes, width, .. } => bytes.len() / width.max(&1),
        }
    }
}

impl Targets {
    /// Classes or numbers.
    #[must_use]
    pub fn task(&self) -> Task {
        match self {
            Self::Classes { .. } => Task::Classification,
            Self::Values { .. } => Task::Regression,
        }
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        match self {
            Self::Classes { labels, .. } => labels.len(),
            Self::Values { values, names, .. } => values.len() / names.len().max(1),
        }
    }

    /// Number of classes, or of targets.
    #[must_use]
    pub fn width(&self) -> usize {
        match self {
            Self::Classes { names, .. } | Self::Values { names, .. } => names.len(),
        }
    }
}
