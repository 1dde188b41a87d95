//! Several steps of the fused engine against the graph engine in double precision.

use proptest::prelude::*;
use proptest::sample::select;

use super::agreement::{EDGES, distance, edge, floats, length, models};
use super::setup::{Setup, batch_norm, fitting, fixed, optimizers, rows, scattered};
use crate::config::model::{Activation, BatchNorm, ModelConfig, Norm, Placement, Statistics};
use crate::config::norm::{BatchRenorm, WeightNorm};
use crate::config::training::{Loss, Optimizer};
use crate::kinds::NoSettings;
use crate::nn::state::{NamedTensor, StateDict, TensorData};
use crate::nn::{Engine, Isa};

/// Every tensor to `tolerance` times 1 + its length, counts exactly.
fn assert_close(label: &str, actual: &StateDict, expected: &StateDict, tolerance: f64) {
    for (actual, expected) in actual.tensors.iter().zip(&expected.tensors) {
        let name = &expected.name;
        assert_eq!((&actual.name, &actual.shape), (name, &expected.shape), "{label}");
        let (TensorData::F32(actual), TensorData::F32(expected)) = (&actual.data, &expected.data)
        else {
            assert_eq!(actual.data, expected.data, "{label}, `{name}`");
            continue;
        };
        let (mut error, mut length) = (0.0, 0.0);
        for (actual, expected) in actual.iter().zip(expected) {
            error += (f64::from(*actual) - f64::from(*expected)).powi(2);
            length += f64::from(*expected).powi(2);
        }
        let (error, length) = (error.sqrt(), length.sqrt());
        assert!(error <= tolerance * (1.0 + length), "{label}, `{name}`: {error:e} of {length:e}");
    }
}

fn setup(norm: Norm) -> Setup {
    let model = ModelConfig {
        hidden: fitting(&norm, &[33, 9]),
        activation: Activation::Tanh,
        norm: norm.into(),
        ..ModelConfig::default()
    };
    Setup::new(model, Loss::CrossEntropy, 100, 6, 5)
}

/// Where so many steps of `size` rows lead from a state, each shorter than the one before.
fn after(engine: &mut dyn Engine, start: &StateDict, steps: u32, size: u32) -> StateDict {
    engine.load(start).unwrap();
    for step in 0..steps {
        let factor = 1.0 - 0.1 * f64::from(step);
        engine.train_batch(&rows(size * step, size * step + size), factor).unwrap();
    }
    engine.state().unwrap()
}

#[test]
fn five_steps_of_every_optimizer_lead_where_they_lead_in_double_precision() {
    let norms = [
        Norm::None(NoSettings {}),
        batch_norm(Placement::AfterActivation),
        Norm::Weight(WeightNorm {}),
        Norm::BatchRenorm(BatchRenorm { warmup: 0.0, ..BatchRenorm::default() }),
    ];
    for norm in norms {
        let clipped = optimizers().into_iter().map(|optimizer| (optimizer, Some(0.1)));
        let free = optimizers().into_iter().map(|optimizer| (optimizer, None));
        for (optimizer, clip_norm) in free.chain(clipped) {
            let mut setup = setup(norm.clone());
            setup.training.optimizer = optimizer.clone();
            setup.training.clip_norm = clip_norm;
            let mut reference = setup.reference();
            let start = scattered(reference.state().unwrap());
            let expected = after(&mut reference, &start, 5, 20);
            let expected_loss = reference.take_loss_sum().unwrap();
            for isa in Isa::available() {
                let label = format!("{isa:?} {norm:?} {optimizer:?} {clip_norm:?}");
                let mut engine = setup.fused(isa, 2);
                assert_close(&label, &after(&mut engine, &start, 5, 20), &expected, 2e-5);
                let loss = engine.take_loss_sum().unwrap();
                let error = (loss - expected_loss).abs();
                assert!(error <= 1e-5 * expected_loss, "{label}: {loss} {expected_loss}");
                assert_eq!(engine.take_loss_sum().unwrap(), 0.0);
            }
        }
    }
}

#[test]
fn statistics_of_every_convention_are_those_of_the_graph_engine() {
    for statistics in [Statistics::Ema, Statistics::Cumulative, Statistics::Recalibrate] {
        for placement in [Placement::BeforeActivation, Placement::AfterActivation] {
            let norm = BatchNorm { statistics, placement, momentum: 0.3, ..BatchNorm::default() };
            let setup = setup(Norm::Batch(norm));
            // A batch of one row counts for no statistic.
            let batches = [rows(0, 20), rows(20, 21), rows(21, 58), rows(58, 60), rows(60, 100)];
            let train = |engine: &mut dyn Engine| {
                for batch in &batches {
                    engine.train_batch(batch, 1.0).unwrap();
                }
                let trained = engine.state().unwrap();
                let parts: Vec<&[u32]> = batches.iter().map(Vec::as_slice).collect();
                assert!(engine.recalibrate(&parts, &|| true).unwrap());
                [trained, engine.state().unwrap()]
            };
            let expected = train(&mut setup.reference());
            for isa in Isa::available() {
                let label = format!("{isa:?} {statistics:?} {placement:?}");
                let actual = train(&mut setup.fused(isa, 2));
                for (actual, expected) in actual.iter().zip(&expected) {
                    assert_close(&label, actual, expected, 1e-4);
                }
            }
        }
    }
}

/// The optimizers, with an eps beside which the rounding of a gradient that ought to be 0 is nothing;
/// but for Rprop, which goes by the sign alone.
fn smooth_optimizers() -> Vec<Optimizer> {
    let mut optimizers = optimizers();
    optimizers.retain_mut(|optimizer| {
        match optimizer {
            Optimizer::Adam(adam) | Optimizer::AdamW(adam) => adam.eps = 1e-2,
            Optimizer::RmsProp(rmsprop) => rmsprop.eps = 1e-2,
            Optimizer::Sgd(_) => {}
            Optimizer::Rprop(_) => return false,
        }
        true
    });
    optimizers
}

/// What tensors moved by: to 1e-4 of that, a little of what all moved by (of a bias that a norm takes out
/// again, say, nothing is left but rounding), and the rounding of the values themselves; counts exactly.
fn assert_moved_alike(label: &str, start: &StateDict, actual: &StateDict, expected: &StateDict) {
    let moved = |to: &NamedTensor| -> Vec<f64> {
        let from = floats(start.get(&to.name).unwrap());
        floats(to).iter().zip(from).map(|(to, from)| to - from).collect()
    };
    let whole = length(&expected.tensors.iter().flat_map(moved).collect::<Vec<f64>>());
    for expected in &expected.tensors {
        let name = &expected.name;
        let actual = actual.get(name).unwrap();
        if let TensorData::I64(_) = expected.data {
            assert_eq!(actual.data, expected.data, "{label}, `{name}`");
        }
        let reference = moved(expected);
        let (error, own) = (distance(&moved(actual), &reference), length(&reference));
        let rounding = 3e-7 * length(&floats(start.get(name).unwrap()));
        let most = 1e-4 * own + 1e-5 * whole + rounding;
        assert!(error <= most, "{label}, `{name}`: {error:e} of {own:e}, {whole:e}, {rounding:e}");
    }
}

proptest! {
    #![proptest_config(fixed(96, 6))]

    #[test]
    fn steps_of_any_optimizer_on_any_network_are_those_of_double_precision(
        model in models(&EDGES),
        optimizer in select(smooth_optimizers()),
        inputs in edge(&EDGES),
        clip_norm in prop_oneof![Just(None), Just(Some(0.1))],
        (classes, batch) in (select(vec![2, 5, 17]), select(vec![5, 17, 40])),
        threads in 1..=4_usize,
    ) {
        let mut setup = Setup::new(model, Loss::CrossEntropy, 120, inputs, classes);
        setup.training.optimizer = optimizer;
        setup.training.clip_norm = clip_norm;
        let mut reference = setup.reference();
        let start = scattered(reference.state().unwrap());
        let expected = after(&mut reference, &start, 3, batch);
        for isa in Isa::available() {
            let label = format!("{isa:?} {:?} {:?}", setup.model, setup.training.optimizer);
            let actual = after(&mut setup.fused(isa, threads), &start, 3, batch);
            assert_moved_alike(&label, &start, &actual, &expected);
        }
    }
}

/// The GPU beside the engines of the processor.
#[cfg(feature = "cuda")]
#[test]
fn five_steps_on_a_gpu_lead_where_they_lead_in_double_precision() {
    for norm in super::setup::norms() {
        for optimizer in optimizers() {
            let mut setup = setup(norm.clone());
            setup.training.optimizer = optimizer.clone();
            let mut reference = setup.reference();
            let start = scattered(reference.state().unwrap());
            let expected = after(&mut reference, &start, 5, 20);
            let label = format!("{norm:?} {optimizer:?}");
            let mut gpu = setup.on_gpu();
            assert_close(&label, &after(&mut gpu, &start, 5, 20), &expected, 1e-4);
        }
    }
}
