//! Weights that are a length times a direction for each unit: `w = g v / |v|` (Salimans & Kingma 2016).
//!
//! A unit is a column of a panel of weights, so a panel needs no other one. In training the weights themselves are
//! never made: the products are those of the directions, and a unit's output is stretched by `g / |v|` behind the
//! one, its gradient before the other two.

use super::normalise::{Row, rows, rows_mut, sum, sum_of_products};
use super::{Kernel, PANEL, Simd, entry_points};

entry_points!(Directions => (), Fold => (), Norms => (), Stretch => (), StretchBack => ());

/// The length of each direction.
pub struct Norms<'a> {
    /// `v`, `depth x PANEL`.
    pub directions: &'a [f32],
    /// Receives `|v|` of each column.
    pub norms: &'a mut Row,
    /// Columns that are wanted.
    pub columns: usize,
}

impl Kernel for Norms<'_> {
    type Output = ();

    #[inline(always)]
    fn compute<S: Simd>(self, simd: S) {
        for column in (0..self.columns.next_multiple_of(S::LANES)).step_by(S::LANES) {
            let mut total = simd.splat(0.0);
            // Block by block, as an update does.
            for block in rows(self.directions).chunks(PANEL) {
                let mut sum = simd.splat(0.0);
                for v in block {
                    let v = simd.read(&v[column..]);
                    sum = simd.mul_add(v, v, sum);
                }
                total = simd.add(total, sum);
            }
            simd.write(&mut self.norms[column..], simd.sqrt(total));
        }
    }
}

/// `w = factor v`
pub struct Fold<'a> {
    /// `v`, `depth x PANEL`.
    pub directions: &'a [f32],
    /// `g / |v|` of each column.
    pub factors: &'a Row,
    /// Receives `w`, `depth x PANEL`.
    pub weights: &'a mut [f32],
}

impl Kernel for Fold<'_> {
    type Output = ();

    #[inline(always)]
    fn compute<S: Simd>(self, simd: S) {
        let (directions, weights) = (rows(self.directions), rows_mut(self.weights));
        assert!(directions.len() == weights.len());
        for (v, w) in directions.iter().zip(weights) {
            for column in (0..PANEL).step_by(S::LANES) {
                let factor = simd.read(&self.factors[column..]);
                let product = simd.mul(simd.read(&v[column..]), factor);
                simd.write(&mut w[column..], product);
            }
        }
    }
}

/// From the products of inputs and directions to the outputs of a Linear, `factor x + start`.
pub struct Stretch<'a> {
    /// Products, then outputs; `rows x PANEL`.
    pub x: &'a mut [f32],
    /// Receives the products.
    pub products: &'a mut [f32],
    /// `g / |v|` of each column.
    pub factors: &'a Row,
    /// The biases; none where there are none.
    pub start: Option<&'a [f32]>,
}

impl Kernel for Stretch<'_> {
    type Output = ();

    #[inline(always)]
    fn compute<S: Simd>(self, simd: S) {
        let (x, products) = (rows_mut(self.x), rows_mut(self.products));
        assert!(x.len() == products.len());
        for column in (0..PANEL).step_by(S::LANES) {
            let factor = simd.read(&self.factors[column..]);
            let start = self.start.map_or(simd.splat(0.0), |start| simd.read(&start[column..]));
            for (x, product) in x.iter_mut().zip(products.iter_mut()) {
                let value = simd.read(&x[column..]);
                simd.write(&mut product[column..], value);
                simd.write(&mut x[column..], simd.mul_add(value, factor, start));
            }
        }
    }
}

/// The gradients behind [`Stretch`].
pub struct StretchBack<'a> {
    /// The products of inputs and directions; `rows x PANEL`.
    pub products: &'a [f32],
    /// With respect to the outputs, then to the products; `rows x PANEL`.
    pub gradient: &'a mut [f32],
    /// `g / |v|` of each column.
    pub factors: &'a Row,
    /// Receives the sums of gradient times product: `dw v` of each column.
    pub along: &'a mut Row,
    /// Receives the gradient of the biases; none where there are none.
    pub bias_gradient: Option<&'a mut [f32]>,
}

impl Kernel for StretchBack<'_> {
    type Output = ();

    #[inline(always)]
    fn compute<S: Simd>(self, simd: S) {
        let Self { products, gradient, factors, along, mut bias_gradient } = self;
        let (products, gradient) = (rows(products), rows_mut(gradient));
        assert!(products.len() == gradient.len());
        for column in (0..PANEL).step_by(S::LANES) {
            simd.write(&mut along[column..], sum_of_products(simd, gradient, products, column));
            if let Some(of_bias) = &mut bias_gradient {
                simd.write(&mut of_bias[column..], sum(simd, gradient, column));
            }
            let factor = simd.read(&factors[column..]);
            for gradient in gradient.iter_mut() {
                let gradient = &mut gradient[column..];
                simd.write(gradient, simd.mul(simd.read(gradient), factor));
            }
        }
    }
}

/// The gradient of directions from that of their products: what is along a direction changes no weight, so
/// `share v` is taken off.
pub struct Directions<'a> {
    /// `v`, `depth x PANEL`.
    pub directions: &'a [f32],
    /// `factor dw`, then `dv`; `depth x PANEL`.
    pub gradient: &'a mut [f32],
    /// Of each column: `factor dw v / |v|^2`.
    pub shares: &'a Row,
}

impl Kernel for Directions<'_> {
    type Output = ();

    #[inline(always)]
    fn compute<S: Simd>(self, simd: S) {
        let (directions, gradient) = (rows(self.directions), rows_mut(self.gradient));
        assert!(directions.len() == gradient.len());
        for (v, g) in directions.iter().zip(gradient) {
            for column in (0..PANEL).step_by(S::LANES) {
                let share = simd.read(&self.shares[column..]);
                let g = &mut g[column..];
                simd.write(g, simd.mul_sub_from(simd.read(&v[column..]), share, simd.read(g)));
            }
        }
    }
}
