//! The loss of a batch and its gradient with respect to the outputs.

use super::layer::Layer;
use crate::config::training::Loss;
use crate::data::Targets;
use bnes_kernels::loss::CrossEntropy;
use bnes_kernels::{Isa, PANEL};

/// The sum of the losses of these rows; `last.gradient` becomes the gradient of their mean with
/// respect to `last.out`.
#[allow(clippy::cast_precision_loss)] // rows and outputs of a batch
pub fn of_batch(
    isa: Isa,
    loss: Loss,
    last: &mut Layer,
    targets: &Targets,
    rows: &[u32],
    class_weights: Option<&[f32]>,
) -> f64 {
    let width = last.layout.outputs;
    let share = 1.0 / rows.len() as f32;
    match (loss, targets) {
        (Loss::CrossEntropy, Targets::Classes { labels, .. }) => {
            let labels: Vec<u32> = rows.iter().map(|row| labels[*row as usize]).collect();
            CrossEntropy {
                logits: &last.out,
                gradient: &mut last.gradient,
                classes: width,
                labels: &labels,
                weights: class_weights,
                share,
            }
            .run(isa)
        }
        (_, Targets::Classes { labels, .. }) => {
            let mut sum = 0.0;
            for (index, row) in rows.iter().enumerate() {
                let label = labels[*row as usize];
                let weight = class_weights.map_or(1.0, |weights| weights[label as usize]);
                let of_row = match loss {
                    Loss::Bce => bce(last, index, label, weight * share),
                    _ => squares(last, index, weight * share, |column| {
                        if column == label as usize { 1.0 } else { 0.0 }
                    }),
                };
                sum += f64::from(weight) * of_row;
            }
            sum
        }
        (_, Targets::Values { values, .. }) => {
            let mut sum = 0.0;
            for (index, row) in rows.iter().enumerate() {
                let target = &values[*row as usize * width..][..width];
                sum += squares(last, index, share, |column| target[column]);
            }
            sum
        }
    }
}

/// The mean squared difference of a row; `factor` goes into its gradient.
#[allow(clippy::cast_precision_loss)] // outputs of a network
fn squares(last: &mut Layer, row: usize, factor: f32, target: impl Fn(usize) -> f32) -> f64 {
    let width = last.layout.outputs;
    let mut sum = 0.0;
    for column in 0..width {
        let (panel, at) = (column / PANEL, row * PANEL + column % PANEL);
        let difference = last.out[panel][at] - target(column);
        sum += f64::from(difference).powi(2);
        last.gradient[panel][at] = difference * (2.0 * factor / width as f32);
    }
    sum / width as f64
}

/// The cross-entropy of the sigmoid of a row's logit; `factor` goes into its gradient.
fn bce(last: &mut Layer, row: usize, label: u32, factor: f32) -> f64 {
    let at = row * PANEL;
    let logit = f64::from(last.out[0][at]);
    let target = f64::from(label);
    #[allow(clippy::cast_possible_truncation)] // as all arithmetic here
    let difference = (1.0 / (1.0 + (-logit).exp()) - target) as f32;
    last.gradient[0][at] = difference * factor;
    // log(1 + exp(z)) - z t, without an overflow for any z.
    logit.max(0.0) - logit * target + (-logit.abs()).exp().ln_1p()
}
