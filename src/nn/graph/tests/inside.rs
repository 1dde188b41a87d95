//! What is seen inside of a network against candle's autograd, in double precision.

use candle_core::{DType, Tensor};

use super::elements;
use super::gradients::{differentiable, losses, set, vars};
use crate::config::evaluation::Inside;
use crate::config::model::{Activation, ModelConfig, Norm, NormSettings, Placement};
use crate::config::training::{BatchSize, Loss};
use crate::data::Dataset;
use crate::nn::graph::{GraphEngine, NormAlone, Pass, activation, loss};
use crate::nn::layout::Layout;
use crate::nn::probe::Probe;
use crate::nn::tests::golden::assert_close;
use crate::nn::tests::setup::{Setup, batch_norm, batch_norms, fitting, norms, rows, scattered};
use crate::nn::{Engine, StateDict};

const LR: f64 = 0.3;

/// A network in the middle of a training, with 7 of its 9 rows to train on.
fn midway(mut setup: Setup, batch: usize) -> (Setup, StateDict, GraphEngine) {
    let mut data = Dataset::clone(&setup.data);
    data.splits.train = rows(1, 8);
    setup.data = data.into();
    setup.training.batch_size = BatchSize::Rows(batch);
    let state = scattered(setup.engine().state().unwrap());
    let mut engine = setup.engine_in(DType::F64);
    engine.load(&state).unwrap();
    (setup, state, engine)
}

fn model(activation: Activation, norm: Norm) -> ModelConfig {
    let hidden = fitting(&norm, &[4, 3]);
    ModelConfig { hidden, activation, norm: norm.into(), ..ModelConfig::default() }
}

/// Whether training moves the weights themselves, so that their gradients are measured.
pub fn moves_weights(norm: &Norm) -> bool {
    !norm.settings().is_some_and(NormSettings::normalises_weights)
}

/// The probe's rows in its order.
fn order(setup: &Setup) -> Vec<u32> {
    let mut rows = setup.data.splits.train.clone();
    setup.seed.stream("probe", 0).shuffle(&mut rows);
    rows
}

fn cells(setup: &Setup, state: &StateDict, what: Inside) -> Vec<f64> {
    let probe = Probe::new(&setup.network(), what.columns().to_vec()).unwrap();
    let cells = probe.measure(state, LR, &|| true).unwrap().unwrap();
    cells.into_iter().map(Option::unwrap).collect()
}

fn length(values: &[f64]) -> f64 {
    values.iter().map(|v| v * v).sum::<f64>().sqrt()
}

/// The training loss of a batch and its gradient.
fn in_training(engine: &mut GraphEngine, batch: &[u32]) -> (f64, Vec<f64>) {
    let (loss, gradients) = engine.gradients(batch).unwrap();
    (loss.to_scalar().unwrap(), gradients.iter().flat_map(elements).collect())
}

fn landscape(engine: &mut GraphEngine, batch: &[u32]) -> [f64; 5] {
    let (_, gradient) = in_training(engine, batch);
    let start: Vec<Vec<f64>> = vars(engine).iter().map(|(_, var)| elements(var)).collect();
    let (mut losses, mut distances, mut betas) = (Vec::new(), Vec::new(), Vec::new());
    for step in 0..8 {
        let eta = LR / 2.0 * 8_f64.powf(f64::from(step) / 7.0);
        let mut along = gradient.iter();
        for ((_, var), start) in vars(engine).iter().zip(&start) {
            let moved = start.iter().zip(&mut along).map(|(value, g)| value - eta * g);
            set(var, &moved.collect::<Vec<_>>());
        }
        let (loss, there) = in_training(engine, batch);
        let apart = length(&there.iter().zip(&gradient).map(|(a, b)| a - b).collect::<Vec<_>>());
        losses.push(loss);
        distances.push(apart);
        betas.push(apart / length(&gradient.iter().map(|g| eta * g).collect::<Vec<_>>()));
    }
    let least = |values: &[f64]| values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = |values: &[f64]| values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    [least(&losses), most(&losses), least(&distances), most(&distances), most(&betas)]
}

#[test]
fn the_landscape_is_autograds_for_every_activation_norm_and_loss() {
    let holds = |setup: Setup, label: &str| {
        let (setup, state, mut engine) = midway(setup, 5);
        let expected = landscape(&mut engine, &order(&setup)[..5]);
        // The normal distribution function of gelu is good to about 1e-11, and a norm of three units
        // makes more of that.
        assert_close(label, &cells(&setup, &state, Inside::Landscape), &expected, 2e-9);
    };
    for norm in differentiable().into_iter().filter(moves_weights) {
        for activation in Activation::ALL {
            let setup = Setup::new(model(activation, norm.clone()), Loss::CrossEntropy, 9, 3, 3);
            holds(setup, &format!("{activation:?} {norm:?}"));
        }
        for (loss, setup) in losses(&model(Activation::Tanh, norm.clone())) {
            holds(setup, &format!("{loss} {norm:?}"));
        }
    }
}

#[test]
fn the_loss_in_either_mode_is_that_of_the_graph() {
    for norm in batch_norms() {
        for (label, setup) in losses(&model(Activation::Silu, norm.clone())) {
            let (mut setup, state, _) = midway(setup, 3);
            // Losses of evaluations count every row the same.
            setup.training.class_weights = None;
            let mut engine = setup.engine_in(DType::F64);
            engine.load(&state).unwrap();
            // Of seven rows, two batches of three are whole.
            let order = order(&setup);
            let mean = |losses: [f64; 2]| losses.iter().sum::<f64>() / 2.0;
            let batches = [&order[..3], &order[3..6]];
            let in_training = mean(batches.map(|batch| {
                // What training goes by moves.
                engine.load(&state).unwrap();
                in_training(&mut engine, batch).0
            }));
            engine.load(&state).unwrap();
            let in_evaluation = mean(batches.map(|batch| {
                let rows = Tensor::from_slice(batch, 3, &engine.device).unwrap();
                let mut x = engine.data.inputs(&rows, engine.dtype).unwrap();
                for layer in &engine.layers {
                    x = layer.evaluate(&x).unwrap();
                }
                let targets = engine.data.targets(&rows).unwrap();
                let mean = loss::mean_loss(engine.loss, &x, &targets, None).unwrap();
                mean.to_scalar().unwrap()
            }));
            let actual = cells(&setup, &state, Inside::Modes);
            let label = format!("{label} {norm:?}");
            assert_close(&label, &actual, &[in_training, in_evaluation], 1e-10);
            assert!((actual[0] - actual[1]).abs() > 1e-4, "{label}: {actual:?}");
        }
    }
}

#[test]
fn drift_is_the_distance_to_what_a_recalibration_on_all_rows_would_set() {
    for norm in batch_norms() {
        let label = format!("{norm:?}");
        let setup = Setup::new(model(Activation::Tanh, norm), Loss::CrossEntropy, 9, 3, 3);
        let (setup, state, mut engine) = midway(setup, 3);
        engine.recalibrate(&[&order(&setup)], &|| true).unwrap();
        // A state of the graph is in single precision.
        let exact = engine.state().unwrap();
        let (mut of_mean, mut of_sd) = (Vec::new(), Vec::new());
        for layer in &Layout::new(&setup.model, 3, 3).layers {
            let Some(norm) = layer.norm() else { continue };
            let of = |state| NormAlone::new(norm, layer.outputs, state).unwrap().fixed().unwrap();
            let (running, exact) = (of(&state).unwrap(), of(&exact).unwrap());
            for ((mean, sd), (exact_mean, exact_sd)) in running.by_unit().zip(exact.by_unit()) {
                of_mean.push((mean - exact_mean) / exact_sd);
                of_sd.push((sd / exact_sd).ln());
            }
        }
        assert_eq!(of_mean.len(), 7);
        let root_mean_square = |values: &[f64]| length(values) / 7_f64.sqrt();
        let expected = [root_mean_square(&of_mean), root_mean_square(&of_sd)];
        assert_close(&label, &cells(&setup, &state, Inside::Drift), &expected, 1e-6);
    }
}

#[test]
fn preactivations_are_what_the_last_activation_gets_in_training_wherever_the_norm_stands() {
    let none = norms().swap_remove(0);
    let before = batch_norm(Placement::BeforeActivation);
    for norm in [none, before.clone(), batch_norm(Placement::AfterActivation)] {
        let setup = Setup::new(model(Activation::Sigmoid, norm.clone()), Loss::Mse, 9, 3, 2);
        let (setup, state, mut engine) = midway(setup, 3);
        let order = order(&setup);
        let mut values = Vec::new();
        for batch in [&order[..3], &order[3..6]] {
            let rows = Tensor::from_slice(batch, 3, &engine.device).unwrap();
            let inputs = engine.data.inputs(&rows, engine.dtype).unwrap();
            let between = engine.layers[0].train(&inputs, Pass::Train).unwrap();
            let weight = engine.layers[1].weight.in_effect();
            let mut x = engine.layers[1].linear(&between, weight).unwrap();
            if norm == before {
                let hidden = engine.layers[1].hidden.as_mut().unwrap();
                x = hidden.norm.as_mut().unwrap().train(&x, Pass::Train).unwrap();
            }
            if norm != batch_norm(Placement::AfterActivation) {
                // `x` is what is meant where the layer makes its outputs of it.
                let whole = engine.layers[1].train(&between, Pass::Train).unwrap();
                let made = activation::activate(Activation::Sigmoid, &x).unwrap();
                assert_eq!(elements(&whole), elements(&made));
            }
            values.extend(elements(&x.narrow(1, 0, 1).unwrap()));
        }
        values.sort_by(f64::total_cmp);
        // Of six values, the places 0.75, 2.5 and 4.25 from the smallest.
        let between =
            |below: usize, share: f64| (1.0 - share) * values[below] + share * values[below + 1];
        let expected = [between(0, 0.75), between(2, 0.5), between(4, 0.25)];
        let actual = cells(&setup, &state, Inside::Preactivations);
        assert_close(&format!("{norm:?}"), &actual, &expected, 1e-12);
    }
}
