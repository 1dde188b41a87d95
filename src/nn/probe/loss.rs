//! The derivatives of each row's own loss by its outputs.

use super::function::sigmoid;
use super::matrix::Matrix;
use crate::data::Targets;
use crate::spec::training::Loss;

/// d loss of a row / d its outputs, rows x outputs, not divided by the number of rows. `weights`
/// holds what a row of each class counts.
pub fn by_outputs(
    loss: Loss,
    outputs: &Matrix,
    targets: &Targets,
    rows: &[u32],
    weights: Option<&[f64]>,
) -> Matrix {
    let mut delta = outputs.clone();
    for (delta, row) in delta.by_row_mut().zip(rows) {
        let row = *row as usize;
        match targets {
            Targets::Values { values, names, .. } => {
                square(delta, |output| f64::from(values[row * names.len() + output]));
            }
            Targets::Classes { labels, .. } => {
                let class = labels[row] as usize;
                match loss {
                    Loss::CrossEntropy => cross_entropy(delta, class),
                    Loss::Bce => delta[0] = sigmoid(delta[0]) - if class == 1 { 1.0 } else { 0.0 },
                    Loss::Mse => square(delta, |output| if output == class { 1.0 } else { 0.0 }),
                }
                let weight = weights.map_or(1.0, |weights| weights[class]);
                for delta in delta {
                    *delta *= weight;
                }
            }
        }
    }
    delta
}

/// softmax - 1 for the class, with the largest logit taken out before the exponential.
fn cross_entropy(logits: &mut [f64], class: usize) {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    for logit in &mut *logits {
        *logit = (*logit - largest).exp();
    }
    let sum: f64 = logits.iter().sum();
    for logit in &mut *logits {
        *logit /= sum;
    }
    logits[class] -= 1.0;
}

/// Of the mean square over the outputs.
#[allow(clippy::cast_precision_loss)] // outputs are far below 2^53
fn square(outputs: &mut [f64], target: impl Fn(usize) -> f64) {
    let width = outputs.len() as f64;
    for (index, output) in outputs.iter_mut().enumerate() {
        *output = 2.0 * (*output - target(index)) / width;
    }
}
