//! Weights that are a length times a direction for each unit: `w = g v / |v|` (Salimans & Kingma 2016).
//!
//! A unit is a column of a panel of weights, so a panel needs no other one.

use super::normalise::{Row, rows, rows_mut, sum_of_products};
use super::{Kernel, Simd, entry_points};

entry_points!(Fold => (), FoldBack => ());

/// `w = g v / |v|`
pub struct Fold<'a> {
    /// `v`, `depth x PANEL`.
    pub directions: &'a [f32],
    /// `g` of each column.
    pub lengths: &'a [f32],
    /// Receives `|v|` of each column.
    pub norms: &'a mut Row,
    /// Receives `w`, `depth x PANEL`.
    pub weights: &'a mut [f32],
    /// Columns that are wanted.
    pub columns: usize,
}

impl Kernel for Fold<'_> {
    type Output = ();

    #[inline(always)]
    fn compute<S: Simd>(self, simd: S) {
        let (directions, weights) = (rows(self.directions), rows_mut(self.weights));
        assert!(directions.len() == weights.len());
        let zero = simd.splat(0.0);
        for column in (0..self.columns.next_multiple_of(S::LANES)).step_by(S::LANES) {
            let norm = simd.sqrt(sum_of_products(simd, directions, directions, column));
            simd.write(&mut self.norms[column..], norm);
            let factor = simd.div(simd.read(&self.lengths[column..]), norm);
            // Columns beyond the width have no direction.
            let factor = simd.if_greater(norm, zero, factor, zero);
            for (v, w) in directions.iter().zip(weights.iter_mut()) {
                let product = simd.mul(simd.read(&v[column..]), factor);
                simd.write(&mut w[column..], product);
            }
        }
    }
}

/// From the gradient of the weights to those of lengths and directions:
/// `dg = dw v / |v|` and `dv = g / |v| (dw - dg v / |v|)`.
pub struct FoldBack<'a> {
    /// `v`, `depth x PANEL`.
    pub directions: &'a [f32],
    /// `g` of each column.
    pub lengths: &'a [f32],
    /// `|v|` of each column.
    pub norms: &'a Row,
    /// `dw`, then `dv`; `depth x PANEL`.
    pub gradient: &'a mut [f32],
    /// Receives `dg` of each column.
    pub length_gradient: &'a mut [f32],
    /// Columns that are wanted.
    pub columns: usize,
}

impl Kernel for FoldBack<'_> {
    type Output = ();

    #[inline(always)]
    fn compute<S: Simd>(self, simd: S) {
        let (directions, gradient) = (rows(self.directions), rows_mut(self.gradient));
        assert!(directions.len() == gradient.len());
        let zero = simd.splat(0.0);
        for column in (0..self.columns.next_multiple_of(S::LANES)).step_by(S::LANES) {
            let norm = simd.read(&self.norms[column..]);
            let inverse = simd.div(simd.splat(1.0), norm);
            let inverse = simd.if_greater(norm, zero, inverse, zero);
            let along = sum_of_products(simd, gradient, directions, column);
            let of_length = simd.mul(along, inverse);
            simd.write(&mut self.length_gradient[column..], of_length);
            let factor = simd.mul(simd.read(&self.lengths[column..]), inverse);
            let share = simd.mul(of_length, inverse);
            for (v, g) in directions.iter().zip(gradient.iter_mut()) {
                let g = &mut g[column..];
                let rest = simd.mul_sub_from(simd.read(&v[column..]), share, simd.read(g));
                simd.write(g, simd.mul(rest, factor));
            }
        }
    }
}
