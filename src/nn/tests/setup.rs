//! Small data sets and networks for the tests of engines.

use std::sync::Arc;

use proptest::test_runner::{Config as ProptestConfig, RngSeed};

use crate::config::model::{
    Along, BatchNorm, EpsPlacement, ModelConfig, Norm, NormSettings, Normalisation, Placement,
    Sites,
};
use crate::config::norm::{
    BatchRenorm, GhostBatchNorm, GroupNorm, LayerNorm, MeanOnlyBatchNorm, RmsNorm, WeightNorm,
};
use crate::config::training::{Adam, Loss, Optimizer, RmsProp, Rprop, Sgd, TrainingConfig};
use crate::data::{Dataset, Inputs, RowChunks, Splits, Targets};
use crate::kinds::NoSettings;
use crate::nn::state::{StateDict, TensorData};
use crate::nn::{Engine, FusedEngine, Isa, Network};
use crate::seed::Seed;

/// So many cases, the same ones each time.
pub fn fixed(cases: u32, seed: u64) -> ProptestConfig {
    let rng_seed = RngSeed::Fixed(seed);
    ProptestConfig { cases, rng_seed, failure_persistence: None, ..ProptestConfig::default() }
}

/// An engine in single precision.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    Graph,
    Fused(Isa),
    /// The graph engine on the first GPU.
    #[cfg(feature = "cuda")]
    Cuda,
}

impl Kind {
    /// All that run on this machine, the GPU among them in a build for one.
    pub fn all() -> Vec<Self> {
        let mut all = vec![Self::Graph];
        all.extend(Isa::available().into_iter().map(Self::Fused));
        #[cfg(feature = "cuda")]
        all.push(Self::Cuda);
        all
    }
}

/// What a network has to be built from.
#[derive(Clone)]
pub struct Setup {
    pub model: ModelConfig,
    pub training: TrainingConfig,
    pub loss: Loss,
    pub outputs: usize,
    pub data: Arc<Dataset>,
    pub seed: Seed,
}

impl Setup {
    /// Of normal inputs, with the targets that the loss is for; mse is for values.
    pub fn new(model: ModelConfig, loss: Loss, rows: usize, inputs: usize, outputs: usize) -> Self {
        let targets = match loss {
            Loss::CrossEntropy => classes(rows, outputs),
            Loss::Bce => classes(rows, 2),
            Loss::Mse => values(rows, outputs),
        };
        let data = Arc::new(dataset(normal(rows, inputs), targets));
        Self { model, training: TrainingConfig::default(), loss, outputs, data, seed: Seed(1) }
    }

    pub fn network(&self) -> Network<'_> {
        let Self { model, training, loss, outputs, data, seed } = self;
        Network { model, training, loss: *loss, outputs: *outputs, data, seed: *seed }
    }

    /// The fused engine; for the graph engine, see its tests.
    pub fn fused(&self, isa: Isa, threads: usize) -> FusedEngine {
        FusedEngine::with_isa(&self.network(), threads, isa).unwrap()
    }

    pub fn build(&self, kind: Kind) -> Box<dyn Engine> {
        match kind {
            Kind::Graph => Box::new(self.engine()),
            Kind::Fused(isa) => Box::new(self.fused(isa, 2)),
            #[cfg(feature = "cuda")]
            Kind::Cuda => Box::new(self.on_gpu()),
        }
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
        doubts: Vec::new(),
        digest: String::new(),
    }
}

#[allow(clippy::cast_possible_truncation)] // inputs are f32
pub fn normal(rows: usize, width: usize) -> Inputs {
    let mut stream = Seed(0).stream("test/inputs", 0);
    let values: Vec<f32> = (0..rows * width).map(|_| stream.normal() as f32).collect();
    Inputs::Table(RowChunks::of_rows(&values, width))
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

/// No norm, batch norm with each placement of itself and of its eps, affine or not, and every other norm
/// with some of these.
pub fn norms() -> Vec<Norm> {
    let mut norms = vec![Norm::None(NoSettings {}), Norm::Weight(WeightNorm {})];
    for placement in [Placement::BeforeActivation, Placement::AfterActivation] {
        for eps_placement in [EpsPlacement::Variance, EpsPlacement::Std] {
            for affine in [true, false] {
                let norm = BatchNorm { placement, eps_placement, affine, ..BatchNorm::default() };
                norms.push(Norm::Batch(norm));
            }
        }
    }
    let (before, after) = (Placement::BeforeActivation, Placement::AfterActivation);
    let (inside, outside) = (EpsPlacement::Variance, EpsPlacement::Std);
    for (placement, eps_placement, affine) in
        [(before, inside, true), (before, outside, false), (after, outside, true)]
    {
        // Large, to see that eps counts.
        let eps = if affine { 1e-5 } else { 0.0625 };
        norms.extend([
            Norm::Layer(LayerNorm { placement, eps, eps_placement, affine }),
            Norm::Group(GroupNorm { placement, eps, eps_placement, affine, groups: 2 }),
            Norm::Rms(RmsNorm { placement, eps, eps_placement, affine }),
            Norm::MeanOnlyBatch(MeanOnlyBatchNorm {
                placement,
                affine,
                weight_norm: eps_placement == inside,
                ..MeanOnlyBatchNorm::default()
            }),
            Norm::BatchRenorm(BatchRenorm {
                placement,
                eps,
                eps_placement,
                affine,
                // So that both corrections are there, some at their limits.
                r_max: 1.2,
                d_max: 0.3,
                warmup: 0.0,
                ..BatchRenorm::default()
            }),
            Norm::GhostBatch(GhostBatchNorm {
                placement,
                // The few rows of a chunk lie close together now and then, where a small eps leaves only
                // rounding.
                eps: 0.0625,
                eps_placement,
                affine,
                ghost_size: 4,
                ..GhostBatchNorm::default()
            }),
        ]);
    }
    norms
}

/// Every norm that can stand on the inputs, there alone and in the hidden layers as well.
pub fn on_inputs() -> Vec<Normalisation> {
    let is_of_weights = |norm: &dyn NormSettings| norm.along() == Along::Weights;
    let of_values = norms().into_iter().filter(|n| n.settings().is_some_and(|n| !is_of_weights(n)));
    let at = |norm: &Norm, hidden| Normalisation {
        norm: norm.clone(),
        at: Sites { hidden, input: true },
    };
    of_values.flat_map(|norm| [at(&norm, false), at(&norm, true)]).collect()
}

/// These widths, raised to where a norm of groups can divide them into more than two units each.
pub fn fitting(norm: &Norm, hidden: &[usize]) -> Vec<usize> {
    let Norm::Group(GroupNorm { groups, .. }) = norm else { return hidden.to_vec() };
    hidden.iter().map(|units| units.next_multiple_of(*groups).max(3 * groups)).collect()
}

/// Those that the fused engine has, and none.
pub fn fused_norms() -> Vec<Norm> {
    let has = |norm: &Norm| {
        let model =
            ModelConfig { hidden: vec![4], norm: norm.clone().into(), ..ModelConfig::default() };
        let setup = Setup::new(model, Loss::CrossEntropy, 2, 1, 2);
        FusedEngine::lacks(&setup.network()).is_none()
    };
    norms().into_iter().filter(has).collect()
}

/// Those of [`on_inputs`] that the fused engine has.
pub fn fused_on_inputs() -> Vec<Normalisation> {
    let fused = fused_norms();
    on_inputs().into_iter().filter(|norm| fused.contains(&norm.norm)).collect()
}

/// Those over the batch.
pub fn batch_norms() -> Vec<Norm> {
    let along = |norm: &Norm| norm.settings().map(NormSettings::along);
    norms().into_iter().filter(|norm| along(norm) == Some(Along::Batch)).collect()
}

/// One of each kind, with and without weight decay and momentum.
pub fn optimizers() -> Vec<Optimizer> {
    let mut optimizers = Vec::new();
    for weight_decay in [0.0, 0.1] {
        let adam = Adam { weight_decay, ..Adam::default() };
        optimizers.push(Optimizer::Adam(adam.clone()));
        optimizers.push(Optimizer::AdamW(adam));
        for (momentum, nesterov) in [(0.0, false), (0.9, false), (0.9, true)] {
            let sgd = Sgd { lr: 0.01, weight_decay, momentum, nesterov };
            optimizers.push(Optimizer::Sgd(sgd));
        }
        optimizers.push(Optimizer::RmsProp(RmsProp { weight_decay, ..RmsProp::default() }));
        optimizers.push(Optimizer::Rprop(Rprop { weight_decay, ..Rprop::default() }));
    }
    optimizers
}

/// Every float of a state moved by up to 0.4, so that no shift is 0 and no scale 1; variances stay
/// above 0. Running statistics are those of some batches.
#[allow(clippy::cast_possible_truncation)] // parameters are f32
pub fn scattered(mut state: StateDict) -> StateDict {
    let mut stream = Seed(9).stream("test/scatter", 0);
    for tensor in &mut state.tensors {
        match &mut tensor.data {
            TensorData::F32(values) => {
                for value in values {
                    *value += (0.8 * stream.uniform() - 0.4) as f32;
                }
            }
            TensorData::I64(values) => values.iter_mut().for_each(|count| *count += 3),
            TensorData::F64(_) => {}
        }
    }
    state
}

/// Every bit of every tensor, by name.
pub fn bits(state: &StateDict) -> Vec<(String, Vec<u64>)> {
    let tensors = state.tensors.iter().map(|tensor| {
        let bits = match &tensor.data {
            TensorData::F32(values) => values.iter().map(|v| u64::from(v.to_bits())).collect(),
            TensorData::F64(values) => values.iter().map(|v| v.to_bits()).collect(),
            TensorData::I64(values) => values.iter().map(|v| v.cast_unsigned()).collect(),
        };
        (tensor.name.clone(), bits)
    });
    tensors.collect()
}

/// Every bit of outputs.
pub fn bits_of(outputs: &[f32]) -> Vec<u32> {
    outputs.iter().map(|output| output.to_bits()).collect()
}
