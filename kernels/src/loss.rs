//! The softmax cross-entropy of rows and its gradient, in one pass over each row.

use super::activate::exp;
use super::buffer::Buffer;
use super::{Kernel, PANEL, Simd, columns_of, entry_points};

entry_points!(CrossEntropy => f64);

/// Sums of a softmax, each between 1 and the number of classes, whose product is far from infinite.
const PRODUCT: usize = 16;

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
    fn compute<S: Simd>(self, simd: S) -> f64 {
        let Self { logits, gradient, classes, labels, weights, share } = self;
        let panels = classes.div_ceil(PANEL);
        let (logits, gradient) = (&logits[..panels], &mut gradient[..panels]);
        let last = Last::new(columns_of(classes, panels - 1));
        let mut losses = 0.0;
        let mut product = 1.0_f64;
        for (row, label) in labels.iter().enumerate() {
            let label = *label as usize;
            let weight = weights.map_or(1.0, |weights| weights[label]);
            let at = row * PANEL;
            let mut most = simd.splat(f32::NEG_INFINITY);
            let mut broken = false;
            for (panel, logits) in logits.iter().enumerate() {
                let columns = columns_of(classes, panel);
                for column in (0..columns).step_by(S::LANES) {
                    let mut value = simd.read(&logits[at + column..]);
                    if panel + 1 == panels {
                        value = simd.add(value, simd.read(&last.minus_infinity[column..]));
                    }
                    // A NaN has to get through, and passes as the second operand alone.
                    most = simd.max(most, value);
                    broken |= panels > 1 && simd.largest(value).is_nan();
                }
            }
            let largest = if broken { f32::NAN } else { simd.largest(most) };
            let shift = simd.splat(largest);
            let mut sums = simd.splat(0.0);
            for panel in 0..panels {
                let columns = columns_of(classes, panel);
                for column in (0..columns).step_by(S::LANES) {
                    let value = simd.sub(simd.read(&logits[panel][at + column..]), shift);
                    let mut power = exp(simd, value);
                    if panel + 1 == panels {
                        power = simd.mul(power, simd.read(&last.one[column..]));
                    }
                    sums = simd.add(sums, power);
                    simd.write(&mut gradient[panel][at + column..], power);
                }
            }
            let sum = simd.sum(sums);
            let (panel, column) = (label / PANEL, label % PANEL);
            let distance = f64::from(largest) - f64::from(logits[panel][at + column]);
            losses += f64::from(weight) * distance;
            // The logarithm of a product is the sum of the logarithms, and one call.
            if weights.is_none() && row % PRODUCT != PRODUCT - 1 {
                product *= f64::from(sum);
            } else {
                losses += f64::from(weight) * (product * f64::from(sum)).ln();
                product = 1.0;
            }
            let factor = simd.splat(weight * share / sum);
            for (panel, gradient) in gradient.iter_mut().enumerate() {
                let columns = columns_of(classes, panel);
                for column in (0..columns).step_by(S::LANES) {
                    let place = &mut gradient[at + column..];
                    let value = simd.mul(simd.read(place), factor);
                    simd.write(place, value);
                }
            }
            gradient[panel][at + column] -= weight * share;
        }
        losses + product.ln()
    }
}

/// For the last panel's columns beyond the classes.
struct Last {
    /// 0, and minus infinity beyond the classes.
    minus_infinity: [f32; PANEL],
    /// 1, and 0 beyond the classes.
    one: [f32; PANEL],
}

impl Last {
    #[inline(always)]
    fn new(columns: usize) -> Self {
        let mut last = Self { minus_infinity: [0.0; PANEL], one: [1.0; PANEL] };
        for column in columns..PANEL {
            last.minus_infinity[column] = f32::NEG_INFINITY;
            last.one[column] = 0.0;
        }
        last
    }
}
