//! Matrices in double precision and the one product that the probe needs.

use bnes_kernels::Isa;
use bnes_kernels::double::{AddProduct, Left};

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

    /// The rows of all of these, which are as wide as each other, one below the other.
    pub fn stacked(blocks: &[Self]) -> Self {
        let columns = blocks.first().map_or(0, |block| block.columns);
        let values: Vec<f64> = blocks.iter().flat_map(|block| &block.values).copied().collect();
        Self { rows: blocks.iter().map(|block| block.rows).sum(), columns, values }
    }

    /// The rows in blocks of at most `rows`.
    pub fn in_blocks(&self, rows: usize) -> Vec<Self> {
        let block =
            |values: &[f64]| Self::new(values.len() / self.columns, self.columns, values.to_vec());
        self.values.chunks(rows * self.columns).map(block).collect()
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
    pub fn transposed(&self) -> Self {
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
        let columns = right.columns;
        AddProduct { left, right: &right.values, columns, out: &mut out.values }.run(isa);
        out
    }

    /// Adds (self transposed) x right to `out`.
    pub fn add_transposed_times(&self, right: &Self, out: &mut [f64], isa: Isa) {
        let left =
            Left { values: &self.values, rows: self.columns, row_step: 1, term_step: self.columns };
        AddProduct { left, right: &right.values, columns: right.columns, out }.run(isa);
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
        let right = right.transposed();
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
                left.transposed().add_transposed_times(&right, &mut out, isa);
                assert_eq!(out, expected.values, "{isa:?}");
                left.transposed().add_transposed_times(&right, &mut out, isa);
                assert_eq!(out, expected.map(|value| 2.0 * value).values, "{isa:?}");
            }
        }
    }
}
