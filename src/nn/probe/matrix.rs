//! Matrices in double precision and the one product that the probe needs.
//!
//! The loops are plain; [`Isa::run`] compiles them for the processor's widest registers. Every
//! element's sum has its terms in their order and each is rounded, so that the instruction set does
//! not show in a result.

#![allow(clippy::inline_always)] // or the loops would be compiled without the instructions

use crate::nn::fused::kernels::{Isa, Kernel, Simd};

/// Rows x columns numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    /// Numbers of a column.
    pub rows: usize,
    /// Numbers of a row.
    pub columns: usize,
    /// Row after row.
    pub values: Vec<f64>,
}

impl Matrix {
    /// Of these numbers, row after row.
    ///
    /// # Panics
    /// Where they are not as many as the shape says.
    pub fn new(rows: usize, columns: usize, values: Vec<f64>) -> Self {
        assert_eq!(rows * columns, values.len(), "a matrix has rows x columns numbers");
        Self { rows, columns, values }
    }

    /// The rows in their order.
    pub fn by_row(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks_exact(self.columns)
    }

    /// The rows in their order, to be changed.
    pub fn by_row_mut(&mut self) -> impl Iterator<Item = &mut [f64]> {
        self.values.chunks_exact_mut(self.columns)
    }

    /// A function of every number.
    pub fn map(&self, function: impl Fn(f64) -> f64) -> Self {
        let values = self.values.iter().map(|value| function(*value)).collect();
        Self { values, ..*self }
    }

    /// The square of every number.
    pub fn squared(&self) -> Self {
        self.map(|value| value * value)
    }

    /// Rows as columns.
    pub fn turned(&self) -> Self {
        let mut values = Vec::with_capacity(self.values.len());
        for column in 0..self.columns {
            values.extend(self.by_row().map(|row| row[column]));
        }
        Self { rows: self.columns, columns: self.rows, values }
    }

    /// self x right
    pub fn times(&self, right: &Self, isa: Isa) -> Self {
        let mut out = Self::new(self.rows, right.columns, vec![0.0; self.rows * right.columns]);
        let left =
            Left { values: &self.values, rows: self.rows, row_step: self.columns, term_step: 1 };
        isa.run(AddProduct { left, right, out: &mut out.values });
        out
    }

    /// Adds (self turned) x right to `out`.
    pub fn add_turned_times(&self, right: &Self, out: &mut [f64], isa: Isa) {
        let left =
            Left { values: &self.values, rows: self.columns, row_step: 1, term_step: self.columns };
        isa.run(AddProduct { left, right, out });
    }
}

/// Adds `values` to `to`, number by number.
pub fn add(to: &mut [f64], values: &[f64]) {
    to.iter_mut().zip(values).for_each(|(to, value)| *to += value);
}

/// Multiplies `to` by `values`, number by number.
pub fn multiply(to: &mut [f64], values: &[f64]) {
    to.iter_mut().zip(values).for_each(|(to, value)| *to *= value);
}

/// Rows of a tile of a product.
const TALL: usize = 4;

/// Columns of a tile.
const WIDE: usize = 8;

/// A left factor as it lies in memory or turned.
struct Left<'a> {
    values: &'a [f64],
    rows: usize,
    row_step: usize,
    term_step: usize,
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
struct AddProduct<'a> {
    left: Left<'a>,
    right: &'a Matrix,
    out: &'a mut [f64],
}

impl Kernel for AddProduct<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Self { left, right, out } = self;
        let columns = right.columns;
        let mut packed = vec![[0.0; WIDE]; right.rows];
        for column in (0..columns).step_by(WIDE) {
            let wide = WIDE.min(columns - column);
            for (packed, row) in packed.iter_mut().zip(right.values.chunks_exact(columns)) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    fn normal(rows: usize, columns: usize) -> Matrix {
        let mut stream = Seed(1).stream("test/matrix", (100 * rows + columns) as u64);
        Matrix::new(rows, columns, (0..rows * columns).map(|_| stream.normal()).collect())
    }

    /// Row by row and column by column, in the order of the terms.
    fn plainly(left: &Matrix, right: &Matrix) -> Matrix {
        let right = right.turned();
        let element = |row: &[f64], column: &[f64]| {
            row.iter().zip(column).fold(0.0, |sum, (a, b)| sum + a * b)
        };
        let values = left
            .by_row()
            .flat_map(|row| right.by_row().map(|column| element(row, column)).collect::<Vec<_>>());
        Matrix::new(left.rows, right.rows, values.collect())
    }

    #[test]
    fn products_of_any_shape_are_the_plain_sums_to_the_last_bit_on_every_instruction_set() {
        for isa in Isa::available() {
            for (rows, depth, columns) in [(1, 1, 1), (4, 3, 8), (7, 5, 19), (9, 30, 10)] {
                let (left, right) = (normal(rows, depth), normal(depth, columns));
                let expected = plainly(&left, &right);
                assert_eq!(left.times(&right, isa), expected, "{isa:?}");
                let mut out = vec![0.0; rows * columns];
                left.turned().add_turned_times(&right, &mut out, isa);
                assert_eq!(out, expected.values, "{isa:?}");
                left.turned().add_turned_times(&right, &mut out, isa);
                assert_eq!(out, expected.map(|value| 2.0 * value).values, "{isa:?}");
            }
        }
    }
}
