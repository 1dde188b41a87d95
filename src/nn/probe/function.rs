//! The value and the slope of each activation, in double precision.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use statrs::function::erf::erf;

use crate::config::model::Activation;

const LEAK: f64 = 0.01;
// Klambauer et al. 2017, equation 14.
const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;
const SELU_SCALE: f64 = 1.050_700_987_355_480_5;

/// The activation of x.
pub fn value(activation: Activation, x: f64) -> f64 {
    match activation {
        // A NaN is not at most 0 and stays.
        Activation::Relu if x <= 0.0 => 0.0,
        Activation::LeakyRelu if x <= 0.0 => LEAK * x,
        Activation::Elu if x <= 0.0 => x.exp_m1(),
        Activation::Selu if x <= 0.0 => SELU_SCALE * SELU_ALPHA * x.exp_m1(),
        Activation::Selu => SELU_SCALE * x,
        Activation::Identity | Activation::Relu | Activation::LeakyRelu | Activation::Elu => x,
        Activation::Sigmoid => sigmoid(x),
        Activation::Tanh => x.tanh(),
        Activation::Softsign => x / (1.0 + x.abs()),
        Activation::Gelu => x * below(x),
        Activation::Silu => x * sigmoid(x),
    }
}

/// Its derivative; at a kink that of the left side, as in `PyTorch`.
pub fn slope(activation: Activation, x: f64) -> f64 {
    match activation {
        Activation::Relu if x <= 0.0 => 0.0,
        Activation::LeakyRelu if x <= 0.0 => LEAK,
        Activation::Elu if x <= 0.0 => x.exp(),
        Activation::Selu if x <= 0.0 => SELU_SCALE * SELU_ALPHA * x.exp(),
        Activation::Selu => SELU_SCALE,
        Activation::Identity | Activation::Relu | Activation::LeakyRelu | Activation::Elu => 1.0,
        Activation::Sigmoid => sigmoid(x) * sigmoid(-x),
        Activation::Tanh => 1.0 - x.tanh().powi(2),
        Activation::Softsign => (1.0 + x.abs()).powi(-2),
        Activation::Gelu => below(x) + x * (-0.5 * x * x).exp() / (2.0 * PI).sqrt(),
        Activation::Silu => sigmoid(x) * (1.0 + x * sigmoid(-x)),
    }
}

/// 1 / (1 + exp(-x))
pub fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// The share of the normal distribution below x.
fn below(x: f64) -> f64 {
    0.5 * (1.0 + erf(x * FRAC_1_SQRT_2))
}
