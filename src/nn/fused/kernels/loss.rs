//! The softmax cross-entropy of rows and its gradient, in one pass over each row.

use super::activate::exp;
use super::buffer::Buffer;
use super::{Kernel, PANEL, Simd, columns_of};

/// The cross-entropy of the softmax of each row, and its gradient.
pub struct CrossEntropy<'a> {
    /// Panels of the logits, `rows x classes`.
    pub logits: &'a [Buffer],
    /// Receives the gradient, panels of the same shape.
    pub gradient: &'a mut [Buffer],
    /// How many there are.
    pub classes: usize,
    /// Of each row.
    pub labels: &'a [u32],
    /// What a row of each class counts; 1 where there are none.
    pub weights: Option<&'a [f32]>,
    /// Factor of the gradient: 1 / rows.
    pub share: f32,
}

impl Kernel for CrossEntropy<'_> {
    /// The sum of the losses.
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> f64 {
        let Self { logits, gradient, classes, labels, weights, share } = self;
        let panels = classes.div_ceil(PANEL);
        let mut losses = 0.0;
        for (row, label) in labels.iter().enumerate() {
            let label = *label as usize;
            let weight = weights.map_or(1.0, |weights| weights[label]);
            let at = row * PANEL;
            let mut largest = f32::NEG_INFINITY;
            for panel in 0..panels {
                let values = &logits[panel][at..at + columns_of(classes, panel)];
                for value in values {
                    // A NaN stays: nothing is larger.
                    if *value > largest || value.is_nan() {
                        largest = *value;
                    }
                }
            }
            let shift = simd.splat(largest);
            let mut sum = 0.0_f32;
            for panel in 0..panels {
                let columns = columns_of(classes, panel);
                let out = &mut gradient[panel][at..at + PANEL];
                let values = &logits[panel][at..at + PANEL];
                for column in (0..columns.next_multiple_of(S::LANES)).step_by(S::LANES) {
                    let value = simd.sub(simd.read(&values[column..]), shift);
                    let power = exp(simd, value);
                    simd.write(&mut out[column..], power);
                }
                out[columns..].fill(0.0);
                for value in &out[..columns] {
                    sum += value;
                }
            }
            let (panel, column) = (label / PANEL, label % PANEL);
            let distance = f64::from(largest) - f64::from(logits[panel][at + column]);
            losses += f64::from(weight) * (f64::from(sum).ln() + distance);
            let factor = simd.splat(weight * share / sum);
            for gradient in gradient[..panels].iter_mut() {
                let out = &mut gradient[at..at + PANEL];
                for column in (0..PANEL).step_by(S::LANES) {
                    let value = simd.mul(simd.read(&out[column..]), factor);
                    simd.write(&mut out[column..], value);
                }
            }
            gradient[panel][at + column] -= weight * share;
        }
        losses
    }
}
