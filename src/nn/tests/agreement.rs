//! The fused engine in single precision against the graph engine in double, over random networks:
//! gradients, losses, statistics, outputs.
//!
//! The first step of SGD with momentum leaves the gradient itself in the velocity, so a training
//! state holds all there is to compare.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::setup::{
    Setup, classes, dataset, fitting, fixed, fused_norms, fused_on_inputs, scattered,
};
use crate::config::model::{Activation, Along, ModelConfig, Placement};
use crate::config::training::{ClassWeights, Loss, Optimizer, Sgd};
use crate::data::{Dataset, Inputs};
use crate::nn::state::{NamedTensor, StateDict, TensorData};
use crate::nn::{Engine, Isa};

/// Widths on both sides of every edge of a tile, a register and a panel.
pub(super) const EDGES: [usize; 22] =
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100];

/// On both sides of those of a half register, of the fourth and the fifth panel, and of several tiles.
const MORE_EDGES: [usize; 10] = [24, 25, 40, 41, 72, 73, 96, 97, 128, 129];

/// Rows of the data.
const ROWS: usize = 150;

#[derive(Debug, Clone, Copy)]
enum Goal {
    CrossEntropy(usize),
    Bce,
    MseOfValues(usize),
    MseOfClasses(usize),
}

#[derive(Debug, Clone)]
struct Case {
    model: ModelConfig,
    inputs: usize,
    images: bool,
    goal: Goal,
    weighted: bool,
    clip_norm: Option<f64>,
    /// Rows of the batch that is compared.
    batch: usize,
    /// Rows of a batch that went through before and left its traces in all buffers.
    before: usize,
    threads: usize,
}

pub(super) fn edge(edges: &'static [usize]) -> impl Strategy<Value = usize> {
    select(edges)
}

pub(super) fn models(edges: &'static [usize]) -> impl Strategy<Value = ModelConfig> {
    let hidden = vec(edge(edges), 0..=3);
    let activation = select(Activation::ALL.to_vec());
    (hidden, activation, select(fused_norms()), select(vec![0.0, 0.3])).prop_map(
        |(hidden, activation, norm, dropout)| {
            let mut hidden = fitting(&norm, &hidden);
            if let Some(norm) = norm.settings()
                && norm.along() == Along::Batch
                && norm.placement() == Placement::AfterActivation
            {
                // One unit alone feeds every unit behind it: where its activation saturates, the numbers that
                // a norm divides differ by rounding.
                for units in &mut hidden {
                    *units = (*units).max(2);
                }
            }
            ModelConfig { hidden, activation, dropout, norm: norm.into(), ..ModelConfig::default() }
        },
    )
}

fn cases(edges: &'static [usize]) -> impl Strategy<Value = Case> {
    let classes = || select(vec![2, 3, 10, 16, 17, 33, 100, 300]);
    let goal = prop_oneof![
        classes().prop_map(Goal::CrossEntropy),
        Just(Goal::Bce),
        edge(edges).prop_map(Goal::MseOfValues),
        classes().prop_map(Goal::MseOfClasses),
    ];
    let data = (edge(edges), any::<bool>(), goal, any::<bool>());
    let clip_norm = prop_oneof![Just(None), (0.01..3.0).prop_map(Some)];
    let step = (clip_norm, edge(edges), edge(edges), 1..=4_usize);
    (models(edges), data, step).prop_map(|(model, data, step)| {
        let (inputs, images, goal, weighted) = data;
        let (clip_norm, batch, before, threads) = step;
        Case { model, inputs, images, goal, weighted, clip_norm, batch, before, threads }
    })
}

impl Case {
    fn setup(&self) -> Setup {
        let (loss, outputs) = match self.goal {
            Goal::CrossEntropy(classes) => (Loss::CrossEntropy, classes),
            Goal::Bce => (Loss::Bce, 1),
            Goal::MseOfValues(outputs) | Goal::MseOfClasses(outputs) => (Loss::Mse, outputs),
        };
        let mut setup = Setup::new(self.model.clone(), loss, ROWS, self.inputs, outputs);
        let mut data = Dataset::clone(&setup.data);
        if let Goal::MseOfClasses(count) = self.goal {
            data = dataset(data.inputs, classes(ROWS, count));
        }
        if self.images {
            let byte = |at: usize| (at * 7919 / 64).to_le_bytes()[0];
            let bytes = Arc::new((0..ROWS * self.inputs).map(byte).collect());
            let (scale, shift) = (1.0 / 80.0, -1.6);
            data.inputs = Inputs::Images { bytes, width: self.inputs, scale, shift };
        }
        data.splits.train = (0..100).collect();
        setup.data = data.into();
        if self.weighted {
            setup.training.class_weights = Some(ClassWeights::Balanced);
        }
        setup.training.clip_norm = self.clip_norm;
        let sgd = Sgd { lr: 0.1, momentum: 0.9, ..Sgd::default() };
        setup.training.optimizer = Optimizer::Sgd(sgd);
        setup
    }

    /// What a batch makes of a state: the outputs of all rows before it and all else after it.
    fn outcome(&self, engine: &mut dyn Engine, start: &StateDict) -> (Vec<f32>, StateDict) {
        let from_all_over = |count: usize| -> Vec<u32> {
            (0..count).map(|index| u32::try_from((11 + 7 * index) % ROWS).unwrap()).collect()
        };
        engine.train_batch(&from_all_over(self.before), 1.0).unwrap();
        engine.load_training(start).unwrap();
        let outputs = engine.evaluate(&from_all_over(ROWS)).unwrap();
        engine.train_batch(&from_all_over(self.batch), 1.0).unwrap();
        (outputs, engine.training_state().unwrap())
    }

    /// Whether a batch norm may see two or three rows, or rows on a line. Of two rows it leaves
    /// their order alone (+1 and -1), of three a single angle, and of a line nothing that a layer
    /// could scale: the gradient before it is what rounding leaves of terms that cancel, the more so
    /// the closer the rows lie.
    fn cancels(&self) -> bool {
        let on_a_line = self.inputs == 1 || self.model.hidden.contains(&1);
        let few = (2..=3).contains(&self.batch);
        match self.model.norm_along() {
            Some(Along::Batch) => few || on_a_line,
            // A row of two or three units is such a batch.
            Some(Along::Row) => self.model.hidden.iter().any(|units| *units <= 8),
            Some(Along::Weights) | None => false,
        }
    }
}

pub(super) fn floats(tensor: &NamedTensor) -> Vec<f64> {
    match &tensor.data {
        TensorData::F32(values) => values.iter().map(|value| f64::from(*value)).collect(),
        TensorData::F64(values) => values.clone(),
        TensorData::I64(_) => Vec::new(),
    }
}

pub(super) fn length(values: &[f64]) -> f64 {
    values.iter().map(|value| value * value).sum::<f64>().sqrt()
}

pub(super) fn distance(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

fn is_gradient(tensor: &NamedTensor) -> bool {
    tensor.name.starts_with("optimizer.") && !tensor.shape.is_empty()
}

/// The gradient of each tensor to 1e-4 of its length and 5e-6 of the whole gradient's (of a bias
/// that a norm takes out again, say, nothing is left but the rounding of terms that cancel); where
/// [`Case::cancels`], to 1e-4 of the whole gradient's.
fn agree(case: &Case, isa: Isa, actual: &StateDict, expected: &StateDict) {
    let gradient = |state: &StateDict| -> Vec<f64> {
        state.tensors.iter().filter(|tensor| is_gradient(tensor)).flat_map(floats).collect()
    };
    let whole = length(&gradient(expected));
    let label = |name: &str| format!("{isa:?} `{name}` of {case:?}");
    for (actual, expected) in actual.tensors.iter().zip(&expected.tensors) {
        let name = &expected.name;
        assert_eq!((&actual.name, &actual.shape), (name, &expected.shape));
        if let (TensorData::I64(actual), TensorData::I64(expected)) = (&actual.data, &expected.data)
        {
            assert_eq!(actual, expected, "{}", label(name));
        }
        let (actual, reference) = (floats(actual), floats(expected));
        let error = distance(&actual, &reference);
        let own = length(&reference);
        let most = if is_gradient(expected) {
            if case.cancels() { 1e-4 * whole } else { 1e-4 * own + 5e-6 * whole }
        } else {
            // Weights, statistics, and the loss: what goes forward.
            2e-5 * (1.0 + own)
        };
        assert!(error <= most + 1e-30, "{}: {error:e} of {own:e}, {whole:e}", label(name));
    }
    let error = distance(&gradient(actual), &gradient(expected));
    assert!(error <= 1e-4 * whole, "{}: {error:e} of {whole:e}", label("gradient"));
}

fn holds(case: &Case) {
    let setup = case.setup();
    let mut reference = setup.reference();
    let start = scattered(reference.state().unwrap());
    reference.load(&start).unwrap();
    let start = reference.training_state().unwrap();
    let (outputs, state) = case.outcome(&mut reference, &start);
    let outputs: Vec<f64> = outputs.into_iter().map(f64::from).collect();
    let scale = outputs.iter().fold(1.0_f64, |largest, output| largest.max(output.abs()));
    for isa in Isa::available() {
        let mut engine = setup.fused(isa, case.threads);
        let (actual, after) = case.outcome(&mut engine, &start);
        assert_eq!(actual.len(), outputs.len());
        for (actual, expected) in actual.iter().zip(&outputs) {
            let error = (f64::from(*actual) - expected).abs() / scale;
            assert!(error <= 1e-5, "{isa:?} {actual} instead of {expected}: {case:?}");
        }
        agree(case, isa, &after, &state);
    }
}

proptest! {
    // The same networks each time: that a piecewise linear unit comes to lie within rounding of its
    // kink is rare, but no fault.
    #![proptest_config(fixed(256, 5))]

    #[test]
    fn fused_steps_are_those_of_autograd_in_double_precision(case in cases(&EDGES)) {
        holds(&case);
    }
}

proptest! {
    #![proptest_config(fixed(64, 7))]

    #[test]
    fn fused_steps_of_several_panels_are_those_of_autograd(case in cases(&MORE_EDGES)) {
        holds(&case);
    }
}

#[test]
fn every_activation_norm_and_loss_agrees_with_autograd() {
    let goals = [Goal::CrossEntropy(3), Goal::Bce, Goal::MseOfValues(2), Goal::MseOfClasses(17)];
    let mut number = 0;
    for activation in Activation::ALL {
        for norm in fused_norms() {
            for goal in goals {
                number += 1;
                let model = ModelConfig {
                    hidden: fitting(&norm, &[7, 33]),
                    activation,
                    norm: norm.clone().into(),
                    dropout: if number % 3 == 0 { 0.4 } else { 0.0 },
                    ..ModelConfig::default()
                };
                holds(&Case {
                    model,
                    inputs: 5,
                    images: false,
                    goal,
                    weighted: number % 2 == 0,
                    clip_norm: (number % 5 == 0).then_some(0.1),
                    batch: 13,
                    before: 4,
                    threads: 1,
                });
            }
        }
    }
}

#[test]
fn norms_of_the_inputs_agree_with_autograd() {
    let goals = [Goal::CrossEntropy(3), Goal::Bce, Goal::MseOfValues(2)];
    let mut number = 0;
    for norm in fused_on_inputs() {
        for (inputs, hidden) in [(6, &[7, 33][..]), (33, &[40]), (100, &[]), (64, &[32, 9])] {
            number += 1;
            holds(&Case {
                model: ModelConfig {
                    hidden: fitting(&norm.norm, hidden),
                    activation: Activation::ALL[number % Activation::ALL.len()],
                    norm: norm.clone(),
                    dropout: if number % 3 == 0 { 0.4 } else { 0.0 },
                    ..ModelConfig::default()
                },
                inputs: fitting(&norm.norm, &[inputs])[0],
                images: number % 2 == 0,
                goal: goals[number % goals.len()],
                weighted: number % 5 == 0,
                clip_norm: (number % 4 == 0).then_some(0.1),
                batch: 13 + 10 * (number % 7),
                before: 4,
                threads: 1 + number % 3,
            });
        }
    }
}

#[test]
fn batches_that_are_summed_in_several_runs_agree_with_autograd() {
    for norm in fused_norms() {
        for batch in [255, 256, 257, 513, 600] {
            holds(&Case {
                model: ModelConfig {
                    hidden: fitting(&norm, &[33, 9]),
                    activation: Activation::Relu,
                    norm: norm.clone().into(),
                    ..ModelConfig::default()
                },
                inputs: 65,
                images: batch % 2 == 0,
                goal: Goal::CrossEntropy(10),
                weighted: batch == 256,
                clip_norm: (batch == 600).then_some(0.1),
                batch,
                before: 4,
                threads: 3,
            });
        }
    }
}
