//! Small data sets and engines.

use std::sync::Arc;

use candle_core::{DType, Device};

use crate::data::{Dataset, Inputs, Splits, Targets};
use crate::kinds::NoSettings;
use crate::nn::GraphEngine;
use crate::seed::Seed;
use crate::spec::model::{BatchNorm, EpsPlacement, ModelSpec, Norm, Placement};
use crate::spec::training::{Loss, TrainingSpec};

/// What a network has to be built from.
#[derive(Clone)]
pub struct Setup {
    pub model: ModelSpec,
    pub training: TrainingSpec,
    pub loss: Loss,
    pub outputs: usize,
    pub data: Arc<Dataset>,
    pub seed: Seed,
}

impl Setup {
    /// Of normal inputs, with the targets that the loss is for; mse is for values.
    pub fn new(model: ModelSpec, loss: Loss, rows: usize, inputs: usize, outputs: usize) -> Self {
        let targets = match loss {
            Loss::CrossEntropy => classes(rows, outputs),
            Loss::Bce => classes(rows, 2),
            Loss::Mse => values(rows, outputs),
        };
        let data = Arc::new(dataset(normal(rows, inputs), targets));
        Self { model, training: TrainingSpec::default(), loss, outputs, data, seed: Seed(1) }
    }

    pub fn engine(&self) -> GraphEngine {
        self.engine_in(DType::F32)
    }

    pub fn engine_in(&self, dtype: DType) -> GraphEngine {
        let Self { model, training, loss, outputs, data, seed } = self;
        let device = Device::Cpu;
        GraphEngine::with_dtype(model, training, *loss, *outputs, data, *seed, &device, dtype)
            .unwrap()
    }
}

/// A data set without splits.
pub fn dataset(inputs: Inputs, targets: Targets) -> Dataset {
    let none = Vec::new;
    Dataset {
        inputs,
        targets,
        splits: Splits { train: none(), validation: none(), test: none(), train_evaluated: none() },
        preprocessing: serde_json::Value::Null,
        summary: String::new(),
        notes: Vec::new(),
        digest: String::new(),
    }
}

#[allow(clippy::cast_possible_truncation)] // inputs are f32
pub fn normal(rows: usize, width: usize) -> Inputs {
    let mut stream = Seed(0).stream("test/inputs", 0);
    let values = (0..rows * width).map(|_| stream.normal() as f32).collect();
    Inputs::Table { values, width }
}

pub fn classes(rows: usize, count: usize) -> Targets {
    let mut stream = Seed(0).stream("test/classes", 0);
    let labels = (0..rows).map(|_| u32::try_from(stream.below(count as u64)).unwrap());
    Targets::Classes {
        labels: labels.collect(),
        names: (0..count).map(|class| class.to_string()).collect(),
    }
}

#[allow(clippy::cast_possible_truncation)] // targets are f32
pub fn values(rows: usize, width: usize) -> Targets {
    let mut stream = Seed(0).stream("test/values", 0);
    Targets::Values {
        values: (0..rows * width).map(|_| stream.normal() as f32).collect(),
        names: (0..width).map(|target| target.to_string()).collect(),
        mean: vec![0.0; width],
        sd: vec![1.0; width],
    }
}

/// The rows from `start` up to before `end`.
pub fn rows(start: u32, end: u32) -> Vec<u32> {
    (start..end).collect()
}

pub fn batch_norm(placement: Placement) -> Norm {
    Norm::Batch(BatchNorm { placement, ..BatchNorm::default() })
}

/// No norm, and batch norm with each placement of itself and of its eps, affine or not.
pub fn norms() -> Vec<Norm> {
    let mut norms = vec![Norm::None(NoSettings {})];
    for placement in [Placement::BeforeActivation, Placement::AfterActivation] {
        for eps_placement in [EpsPlacement::Variance, EpsPlacement::Std] {
            for affine in [true, false] {
                let norm = BatchNorm { placement, eps_placement, affine, ..BatchNorm::default() };
                norms.push(Norm::Batch(norm));
            }
        }
    }
    norms
}
