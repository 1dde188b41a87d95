//! The product of matrices in double precision that probes need.
//!
//! The loops are plain; they are compiled for the processor's widest registers. Every element's sum has
//! its terms in their order and each is rounded, so that the instruction set does not show in a result.

use super::{Kernel, Simd, entry_points};

entry_points!(AddProduct => ());

/// Rows of a tile of a product.
const TALL: usize = 4;

/// Columns of a tile.
const WIDE: usize = 8;

/// A left factor as it lies in memory or transposed.
pub struct Left<'a> {
    /// All numbers.
    pub values: &'a [f64],
    /// Rows of the product.
    pub rows: usize,
    /// From a row to the next.
    pub row_step: usize,
    /// From a term of a sum to the next.
    pub term_step: usize,
}

impl Left<'_> {
    /// Rows `row..row + R` times the columns of `right`.
    #[inline(always)]
    fn tile<const R: usize>(&self, row: usize, right: &[[f64; WIDE]]) -> [[f64; WIDE]; R] {
        let mut sums = [[0.0; WIDE]; R];
        for (term, right) in right.iter().enumerate() {
            let at = row * self.row_step + term * self.term_step;
            for (index, sums) in sums.iter_mut().enumerate() {
                let left = self.values[at + index * self.row_step];
                for (sum, right) in sums.iter_mut().zip(right) {
                    *sum += left * right;
                }
            }
        }
        sums
    }
}

/// out += left x right
pub struct AddProduct<'a> {
    /// Rows x terms.
    pub left: Left<'a>,
    /// Terms x columns, row after row.
    pub right: &'a [f64],
    /// Columns of the product.
    pub columns: usize,
    /// Rows x columns, row after row.
    pub out: &'a mut [f64],
}

impl Kernel for AddProduct<'_> {
    type Output = ();

    #[inline(always)]
    fn compute<S: Simd>(self, _: S) {
        let Self { left, right, columns, out } = self;
        let mut packed = vec![[0.0; WIDE]; right.len() / columns];
        for column in (0..columns).step_by(WIDE) {
            let wide = WIDE.min(columns - column);
            for (packed, row) in packed.iter_mut().zip(right.chunks_exact(columns)) {
                packed[..wide].copy_from_slice(&row[column..column + wide]);
            }
            let mut put = |row: usize, sums: &[[f64; WIDE]]| {
                for (sums, out) in sums.iter().zip(out[row * columns..].chunks_exact_mut(columns)) {
                    for (out, sum) in out[column..column + wide].iter_mut().zip(sums) {
                        *out += sum;
                    }
                }
            };
            let whole = left.rows - left.rows % TALL;
            for row in (0..whole).step_by(TALL) {
                put(row, &left.tile::<TALL>(row, &packed));
            }
            for row in whole..left.rows {
                put(row, &left.tile::<1>(row, &packed));
            }
        }
    }
}
