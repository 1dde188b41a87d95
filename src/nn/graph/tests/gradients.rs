//! Gradients of whole networks.

use candle_core::{DType, Tensor, Var};

use super::elements;
use crate::config::model::{Activation, ModelConfig, Norm};
use crate::config::norm::BatchRenorm;
use crate::config::training::{ClassWeights, Loss};
use crate::data::Dataset;
use crate::nn::graph::GraphEngine;
use crate::nn::layout::{DIRECTION, LENGTH, Layout};
use crate::nn::tests::setup::{Setup, classes, dataset, fitting, norms, on_inputs, rows};

const STEP: f64 = 1e-5;

/// Every parameter, by name.
pub fn vars(engine: &GraphEngine) -> Vec<(String, Var)> {
    let parameters = engine.parameters();
    parameters.into_iter().map(|(name, var, _)| (name, var.clone())).collect()
}

/// Sets a parameter.
pub fn set(var: &Var, values: &[f64]) {
    let tensor = Tensor::from_slice(values, var.shape(), var.device()).unwrap();
    var.set(&tensor).unwrap();
}

/// Moves every parameter off the values it starts with, so that no scale is 1 and no shift 0.
fn scatter(engine: &GraphEngine) {
    let mut stream = crate::seed::Seed(5).stream("test/scatter", 0);
    for (_, var) in vars(engine) {
        let values = elements(&var).into_iter().map(|value| value + 0.3 * stream.normal());
        set(&var, &values.collect::<Vec<_>>());
    }
}

/// The gradient of every parameter is the central difference of the loss, to 1e-6 of its length.
///
/// The inputs are fixed, and lie where no unit of a piecewise linear activation is within a step
/// of its kink.
fn holds_to_differences(setup: &Setup, label: &str) {
    let mut engine = setup.engine_in(DType::F64);
    scatter(&engine);
    let batch = rows(0, 7);
    let (_, gradients) = engine.gradients(&batch).unwrap();
    let loss = |engine: &mut GraphEngine| -> f64 {
        engine.batch_loss(&batch).unwrap().to_scalar().unwrap()
    };
    for ((name, var), gradient) in vars(&engine).into_iter().zip(gradients) {
        let start = elements(&var);
        let gradient = elements(&gradient);
        let (mut error, mut length) = (0.0, 0.0);
        for index in 0..start.len() {
            let mut at = |offset: f64| {
                let mut values = start.clone();
                values[index] += offset;
                set(&var, &values);
                loss(&mut engine)
            };
            let difference = (at(STEP) - at(-STEP)) / (2.0 * STEP);
            error += (gradient[index] - difference).powi(2);
            length += difference.powi(2);
        }
        set(&var, &start);
        let (error, length) = (error.sqrt(), length.sqrt());
        // Differences of losses around 1 carry rounding errors of 1e-11.
        assert!(error <= 1e-6 * length + 1e-10, "{label}, `{name}`: {error:e} of {length:e}");
    }
}

fn model(hidden: &[usize], activation: Activation, norm: &Norm, dropout: f64) -> ModelConfig {
    let (hidden, norm) = (fitting(norm, hidden), norm.clone());
    ModelConfig { hidden, activation, dropout, norm: norm.into(), ..ModelConfig::default() }
}

/// The same setup with classes weighted by how rare they are among the rows.
fn weighted(mut setup: Setup) -> Setup {
    let mut data = Dataset::clone(&setup.data);
    data.splits.train = rows(0, 9);
    let weights = data.balanced_weights().unwrap();
    assert!(weights.iter().any(|weight| *weight != 1.0), "{weights:?}");
    setup.data = data.into();
    setup.training.class_weights = Some(ClassWeights::Balanced);
    setup
}

/// A loss of each kind: cross-entropy, bce, mse of two values and mse of three classes, those of
/// classes with and without weights.
pub fn losses(model: &ModelConfig) -> Vec<(&'static str, Setup)> {
    let mut mse_of_classes = Setup::new(model.clone(), Loss::Mse, 9, 3, 3);
    let inputs = mse_of_classes.data.inputs.clone();
    mse_of_classes.data = dataset(inputs, classes(9, 3)).into();
    let cross_entropy = Setup::new(model.clone(), Loss::CrossEntropy, 9, 3, 3);
    let bce = Setup::new(model.clone(), Loss::Bce, 9, 3, 1);
    vec![
        ("weighted cross-entropy", weighted(cross_entropy.clone())),
        ("weighted bce", weighted(bce.clone())),
        ("weighted mse of classes", weighted(mse_of_classes.clone())),
        ("cross-entropy", cross_entropy),
        ("bce", bce),
        ("mse of values", Setup::new(model.clone(), Loss::Mse, 9, 3, 2)),
        ("mse of classes", mse_of_classes),
    ]
}

/// The norms; of a renorm what it normalises by itself, since no gradient goes through its corrections.
pub fn differentiable() -> Vec<Norm> {
    norms().into_iter().map(uncorrected).collect()
}

fn uncorrected(norm: Norm) -> Norm {
    match norm {
        Norm::BatchRenorm(norm) => {
            Norm::BatchRenorm(BatchRenorm { r_max: 1.0, d_max: 0.0, ..norm })
        }
        norm => norm,
    }
}

#[test]
fn gradients_are_the_finite_differences_for_every_activation_and_norm() {
    for activation in Activation::ALL {
        for norm in differentiable() {
            for hidden in [&[4][..], &[4, 3]] {
                let model = model(hidden, activation, &norm, 0.0);
                let setup = Setup::new(model, Loss::CrossEntropy, 9, 3, 3);
                holds_to_differences(&setup, &format!("{activation:?} {norm:?} {hidden:?}"));
            }
        }
    }
}

#[test]
fn gradients_are_the_finite_differences_for_every_loss_norm_and_depth_with_and_without_dropout() {
    for norm in differentiable() {
        for hidden in [&[][..], &[4], &[4, 3]] {
            for dropout in [0.0, 0.4] {
                let model = model(hidden, Activation::Tanh, &norm, dropout);
                for (loss, setup) in losses(&model) {
                    let label = format!("{loss} {norm:?} {hidden:?} dropout {dropout}");
                    holds_to_differences(&setup, &label);
                }
            }
        }
    }
}

#[test]
fn gradients_with_a_norm_of_the_inputs_are_the_finite_differences() {
    for mut norm in on_inputs() {
        norm.norm = uncorrected(norm.norm);
        let inputs = fitting(&norm.norm, &[3])[0];
        for hidden in [&[][..], &[4, 3]] {
            let hidden = fitting(&norm.norm, hidden);
            let label = format!("{norm:?} {hidden:?}");
            let norm = norm.clone();
            let model = ModelConfig {
                hidden,
                norm,
                activation: Activation::Tanh,
                ..ModelConfig::default()
            };
            let setup = Setup::new(model, Loss::CrossEntropy, 9, inputs, 3);
            holds_to_differences(&setup, &label);
            let mut engine = setup.engine();
            let (_, gradients) = engine.gradients(&rows(0, 9)).unwrap();
            let count: usize = gradients.iter().map(Tensor::elem_count).sum();
            assert_eq!(count, Layout::new(&setup.model, inputs, 3).parameters(), "{label}");
        }
    }
}

#[test]
fn every_trainable_number_gets_a_gradient_and_the_layout_counts_them() {
    for norm in norms() {
        for hidden in [&[][..], &[4], &[4, 3]] {
            let setup = Setup::new(
                model(hidden, Activation::Tanh, &norm, 0.0),
                Loss::CrossEntropy,
                9,
                3,
                3,
            );
            let mut engine = setup.engine();
            let (_, gradients) = engine.gradients(&rows(0, 9)).unwrap();
            let gradients: Vec<f64> = gradients.iter().flat_map(elements).collect();
            assert!(gradients.iter().all(|gradient| *gradient != 0.0), "{norm:?} {hidden:?}");
            assert_eq!(gradients.len(), Layout::new(&setup.model, 3, 3).parameters());
        }
    }
}

#[test]
fn running_statistics_are_no_parameters() {
    for norm in norms() {
        let model = model(&[4, 3], Activation::Relu, &norm, 0.0);
        let engine = Setup::new(model, Loss::CrossEntropy, 9, 3, 3).engine();
        for (name, _) in vars(&engine) {
            let (_, last) = name.split_once('.').unwrap();
            assert!(["weight", "bias", LENGTH, DIRECTION].contains(&last), "`{name}`");
        }
    }
}
