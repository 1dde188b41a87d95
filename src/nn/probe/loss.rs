//! The loss of each row and its derivatives by the row's outputs.

use super::function::sigmoid;
use super::matrix::Matrix;
use crate::config::training::Loss;
use crate::data::Targets;

/// The losses of rows, added up, and d loss of a row / d its outputs, rows x outputs, not divided by
/// the number of rows. `weights` holds what a row of each class counts.
pub fn by_outputs(
    loss: Loss,
    outputs: &Matrix,
    targets: &Targets,
    rows: &[u32],
    weights: Option<&[f64]>,
) -> (f64, Matrix) {
    let mut delta = outputs.clone();
    let mut sum = 0.0;
    for (delta, row) in delta.by_row_mut().zip(rows) {
        let row = *row as usize;
        match targets {
            Targets::Values { values, names, .. } => {
                sum += square(delta, |output| f64::from(values[row * names.len() + output]));
            }
            Targets::Classes { labels, .. } => {
                let class = labels[row] as usize;
                let value = match loss {
                    Loss::CrossEntropy => cross_entropy(delta, class),
                    Loss::Bce => binary(&mut delta[0], class == 1),
                    Loss::Mse => square(delta, |output| if output == class { 1.0 } else { 0.0 }),
                };
                let weight = weights.map_or(1.0, |weights| weights[class]);
                sum += weight * value;
                for delta in delta {
                    *delta *= weight;
                }
            }
        }
    }
    (sum, delta)
}

/// The loss of logits, which become softmax - 1 for the class. The largest is taken out before the
/// exponential.
fn cross_entropy(logits: &mut [f64], class: usize) -> f64 {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    for logit in &mut *logits {
        *logit -= largest;
    }
    let of_class = logits[class];
    for logit in &mut *logits {
        *logit = logit.exp();
    }
    let sum: f64 = logits.iter().sum();
    for logit in &mut *logits {
        *logit /= sum;
    }
    logits[class] -= 1.0;
    sum.ln() - of_class
}

/// The loss of a logit, which becomes sigmoid - target.
fn binary(logit: &mut f64, is_second: bool) -> f64 {
    let (x, target) = (*logit, if is_second { 1.0 } else { 0.0 });
    *logit = sigmoid(x) - target;
    // In a form that no logit makes overflow.
    x.max(0.0) - x * target + (-x.abs()).exp().ln_1p()
}

/// The mean square over the outputs, which become its derivatives.
#[allow(clippy::cast_precision_loss)] // outputs are far below 2^53
fn square(outputs: &mut [f64], target: impl Fn(usize) -> f64) -> f64 {
    let width = outputs.len() as f64;
    let mut sum = 0.0;
    for (index, output) in outputs.iter_mut().enumerate() {
        let off = *output - target(index);
        sum += off * off;
        *output = 2.0 * off / width;
    }
    sum / width
}
