//! Activations on candle's autograd.

use candle_core::{Result, Tensor};

use crate::config::model::Activation;

const LEAK: f64 = 0.01;
// Klambauer et al. 2017, equation 14.
const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;
const SELU_SCALE: f64 = 1.050_700_987_355_480_5;

/// Applies an activation to every element.
///
/// At 0 the derivative of relu is 0 and that of leaky relu 0.01, as in `PyTorch`; candle's own relu
/// would give 1. Its gelu has a derivative rounded to six digits, so that is written out too.
///
/// # Errors
/// Where the device fails.
pub fn activate(activation: Activation, x: &Tensor) -> Result<Tensor> {
    match activation {
        Activation::Identity => Ok(x.clone()),
        // A NaN is not at most 0 and stays.
        Activation::Relu => x.le(0.0)?.where_cond(&x.zeros_like()?, x),
        Activation::LeakyRelu => x.gt(0.0)?.where_cond(x, &(x * LEAK)?),
        Activation::Sigmoid => candle_nn::ops::sigmoid(x),
        Activation::Tanh => x.tanh(),
        Activation::Softsign => x / (x.abs()? + 1.0)?,
        Activation::Gelu => {
            let phi = (((x * std::f64::consts::FRAC_1_SQRT_2)?.erf()? + 1.0)? * 0.5)?;
            x * phi
        }
        Activation::Silu => x * candle_nn::ops::sigmoid(x)?,
        Activation::Elu => x.elu(1.0),
        Activation::Selu => x.elu(SELU_ALPHA)? * SELU_SCALE,
    }
}
