//! Optimizers against reference figures.

use candle_core::{DType, Tensor, Var};
use serde_json::Value;

use super::{assert_close, elements, vector};
use crate::config::training::{Optimizer as Settings, Sgd};
use crate::nn::graph::optimizer::Optimizer;
use crate::nn::tests::golden::{self, Optimizers};

fn slot(settings: &Settings, clip_norm: Option<f64>, start: &Tensor) -> (Var, Optimizer) {
    let var = Var::from_tensor(start).unwrap();
    let optimizer = Optimizer::new(settings, clip_norm, vec![(var.clone(), true)]).unwrap();
    (var, optimizer)
}

#[test]
fn optimizers_hold_to_the_reference_step_by_step() {
    let reference = Optimizers::get();
    for (dtype, tolerance) in [(DType::F64, 1e-12), (DType::F32, 1e-5)] {
        for (name, run) in &reference.runs {
            let start = vector(&reference.p0, dtype);
            let (var, mut optimizer) = slot(&golden::optimizer(name, &run.params), None, &start);
            for (gradient, after) in reference.grads.iter().zip(&run.after_each_step) {
                optimizer.step(&[vector(gradient, dtype)], 1.0).unwrap();
                assert_close(name, &var, after, tolerance);
            }
        }
    }
}

#[test]
fn a_factor_of_the_learning_rate_is_that_learning_rate() {
    let reference = Optimizers::get();
    for (name, run) in reference.runs {
        // The step of rprop grows from its own first length.
        if name == "rprop_irprop_minus" {
            continue;
        }
        let mut tenfold = run.params.clone();
        tenfold["lr"] = Value::from(run.params["lr"].as_f64().unwrap() * 10.0);
        let start = vector(&reference.p0, DType::F64);
        let (fast, mut tenfold) = slot(&golden::optimizer(&name, &tenfold), None, &start);
        let (slow, mut optimizer) = slot(&golden::optimizer(&name, &run.params), None, &start);
        for gradient in &reference.grads {
            let gradient = [vector(gradient, DType::F64)];
            tenfold.step(&gradient, 0.1).unwrap();
            optimizer.step(&gradient, 1.0).unwrap();
        }
        assert_close(&name, &fast, &elements(&slow), 1e-12);
    }
}

#[test]
fn clipping_bounds_the_norm_over_all_parameters_and_leaves_small_gradients_alone() {
    let sgd = Settings::Sgd(Sgd { lr: 1.0, ..Sgd::default() });
    for (limit, scale) in [(2.5, 2.5 / (5.0 + 1e-6)), (10.0, 1.0)] {
        let vars = [1, 2].map(|n| Var::zeros(n, DType::F64, &candle_core::Device::Cpu).unwrap());
        let slots = vars.iter().map(|var| (var.clone(), false)).collect();
        let mut optimizer = Optimizer::new(&sgd, Some(limit), slots).unwrap();
        let gradients = [vector(&[3.0], DType::F64), vector(&[0.0, -4.0], DType::F64)];
        optimizer.step(&gradients, 1.0).unwrap();
        assert_close("first", &vars[0], &[-3.0 * scale], 1e-12);
        assert_close("second", &vars[1], &[0.0, 4.0 * scale], 1e-12);
    }
}
