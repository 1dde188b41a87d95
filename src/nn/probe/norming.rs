//! Batch normalisation in double precision: by its running statistics, or by those of the very rows
//! that pass.

use super::matrix::{Matrix, add, multiply};
use crate::spec::model::{BatchNorm, EpsPlacement};

/// scale (x - mean) / spread + shift, unit by unit.
#[derive(Clone)]
pub struct Norming {
    /// Of each unit.
    pub mean: Vec<f64>,
    /// Of each unit; biased where it is that of the rows that pass, as training divides by it.
    pub var: Vec<f64>,
    /// sqrt(variance + eps), or with eps outside of the root.
    pub spread: Vec<f64>,
    /// Scale and shift, where training moves them.
    pub affine: Option<(Vec<f64>, Vec<f64>)>,
    eps: f64,
    eps_placement: EpsPlacement,
    /// Whether mean and variance are those of the rows that pass, and so move with them.
    settled: bool,
}

impl Norming {
    /// By these running statistics.
    pub fn new(
        settings: &BatchNorm,
        mean: Vec<f64>,
        var: Vec<f64>,
        affine: Option<(Vec<f64>, Vec<f64>)>,
    ) -> Self {
        let BatchNorm { eps, eps_placement, .. } = *settings;
        let spread = Vec::new();
        let mut norm = Self { mean, var, spread, affine, eps, eps_placement, settled: false };
        norm.spread = norm.spread_of(1.0);
        norm
    }

    /// The spread that `factor` times the variance gives.
    pub fn spread_of(&self, factor: f64) -> Vec<f64> {
        let spread = |var: &f64| match self.eps_placement {
            EpsPlacement::Variance => (factor * var + self.eps).sqrt(),
            EpsPlacement::Std => (factor * var).sqrt() + self.eps,
        };
        self.var.iter().map(spread).collect()
    }

    /// Takes on the mean and the biased variance of these rows, which come in blocks.
    #[allow(clippy::cast_precision_loss)] // rows are far below 2^53
    pub fn settle(&mut self, blocks: &[Matrix]) {
        let rows = blocks.iter().map(|block| block.rows).sum::<usize>() as f64;
        let over_rows = |add_row: &dyn Fn(&mut [f64], &[f64])| {
            let mut sums = vec![0.0; self.mean.len()];
            blocks.iter().flat_map(Matrix::by_row).for_each(|row| add_row(&mut sums, row));
            for sum in &mut sums {
                *sum /= rows;
            }
            sums
        };
        let mean = over_rows(&add);
        let var = over_rows(&|sums, row| {
            for ((sum, x), mean) in sums.iter_mut().zip(row).zip(&mean) {
                *sum += (x - mean) * (x - mean);
            }
        });
        (self.mean, self.var, self.settled) = (mean, var, true);
        self.spread = self.spread_of(1.0);
    }

    /// By how much each unit is stretched.
    pub fn gains(&self) -> Vec<f64> {
        let inverse = self.spread.iter().map(|spread| 1.0 / spread);
        match &self.affine {
            Some((scale, _)) => {
                inverse.zip(scale).map(|(inverse, scale)| scale * inverse).collect()
            }
            None => inverse.collect(),
        }
    }

    /// (x - mean) / spread
    pub fn normalised(&self, inputs: &Matrix) -> Matrix {
        let mut outputs = inputs.clone();
        for row in outputs.by_row_mut() {
            for ((x, mean), spread) in row.iter_mut().zip(&self.mean).zip(&self.spread) {
                *x = (*x - mean) / spread;
            }
        }
        outputs
    }

    /// The derivatives by what went in, from those by what went out.
    ///
    /// Where mean and variance move with the rows, gain (d - mean d - c x mean(d x)), x normalised
    /// and c what a change of the root of the variance is of one of the spread: 1 with eps under the
    /// root, else spread / root, and 0 where the variance is, which has no derivative there.
    #[allow(clippy::cast_precision_loss)] // rows are far below 2^53
    pub fn back(&self, inputs: &Matrix, delta: &mut Matrix) {
        if self.settled {
            let rows = inputs.rows as f64;
            let normalised = self.normalised(inputs);
            let mut mean = vec![0.0; self.mean.len()];
            let mut along = mean.clone();
            for (delta, x) in delta.by_row().zip(normalised.by_row()) {
                add(&mut mean, delta);
                for ((along, delta), x) in along.iter_mut().zip(delta).zip(x) {
                    *along += delta * x;
                }
            }
            for ((along, var), spread) in along.iter_mut().zip(&self.var).zip(&self.spread) {
                *along *= match self.eps_placement {
                    EpsPlacement::Variance => 1.0,
                    EpsPlacement::Std if *var > 0.0 => spread / var.sqrt(),
                    EpsPlacement::Std => 0.0,
                };
            }
            for (delta, x) in delta.by_row_mut().zip(normalised.by_row()) {
                for (((delta, x), mean), along) in delta.iter_mut().zip(x).zip(&mean).zip(&along) {
                    *delta -= (mean + x * along) / rows;
                }
            }
        }
        let gains = self.gains();
        delta.by_row_mut().for_each(|row| multiply(row, &gains));
    }
}
