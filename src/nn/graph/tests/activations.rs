//! Activations against their formulas.

use candle_core::{DType, Var};

use super::{assert_close, elements, vector};
use crate::config::model::Activation;
use crate::nn::graph::activation::activate;

/// Phi(0.5), Phi(1) and Phi(2), with Phi the normal distribution function.
const PHI: [f64; 3] = [0.691_462_461_274_013_1, 0.841_344_746_068_542_9, 0.977_249_868_051_820_8];

fn formula(activation: Activation, x: f64) -> f64 {
    let exponential = |alpha: f64| if x > 0.0 { x } else { alpha * x.exp_m1() };
    let sigmoid = 1.0 / (1.0 + (-x).exp());
    match activation {
        Activation::Relu => x.max(0.0),
        Activation::Sigmoid => sigmoid,
        Activation::Tanh => x.tanh(),
        Activation::Softsign => x / (1.0 + x.abs()),
        Activation::Gelu => {
            let phi = [0.5, 1.0, 2.0].iter().position(|at| *at == x.abs()).map_or(0.5, |i| PHI[i]);
            x * if x < 0.0 { 1.0 - phi } else { phi }
        }
        Activation::Silu => x * sigmoid,
        Activation::LeakyRelu => x.max(0.01 * x),
        Activation::Elu => exponential(1.0),
        Activation::Selu => 1.050_700_987_355_480_5 * exponential(1.673_263_242_354_377_2),
        Activation::Identity => x,
    }
}

#[test]
fn activations_are_their_formulas() {
    let points = [-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0];
    for activation in Activation::ALL {
        let expected = points.map(|x| formula(activation, x));
        for (dtype, tolerance) in [(DType::F64, 1e-12), (DType::F32, 1e-6)] {
            let y = activate(activation, &vector(&points, dtype)).unwrap();
            assert_close(&format!("{activation:?} {dtype:?}"), &y, &expected, tolerance);
        }
    }
}

fn derivatives(activation: Activation, points: &[f64], dtype: DType) -> Vec<f64> {
    let x = Var::from_tensor(&vector(points, dtype)).unwrap();
    let y = activate(activation, &x).unwrap();
    let gradients = y.sum_all().unwrap().backward().unwrap();
    elements(gradients.get(&x).unwrap())
}

#[test]
fn at_a_kink_the_derivative_is_that_of_the_left() {
    assert_eq!(derivatives(Activation::Relu, &[0.0], DType::F64), [0.0]);
    assert_eq!(derivatives(Activation::LeakyRelu, &[0.0], DType::F64), [0.01]);
    assert_eq!(derivatives(Activation::Elu, &[0.0], DType::F64), [1.0]);
    let [selu] = derivatives(Activation::Selu, &[0.0], DType::F64)[..] else { panic!("one") };
    assert!((selu - 1.050_700_987_355_480_5 * 1.673_263_242_354_377_2).abs() < 1e-12);
}

#[test]
fn far_from_zero_values_and_derivatives_stay_finite() {
    for activation in Activation::ALL {
        let points = [-1e4, -200.0, -90.0, 90.0, 200.0, 1e4];
        let y = activate(activation, &vector(&points, DType::F32)).unwrap();
        let derivatives = derivatives(activation, &points, DType::F32);
        let mut all = elements(&y).into_iter().chain(derivatives);
        assert!(all.all(f64::is_finite), "{activation:?}");
    }
}
