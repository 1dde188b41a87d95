//! The norm of a layer as a step of a chain; its arithmetic is the graph engine's.
//!
//! Outside of training most norms are a scale and a shift of each unit, which needs no graph. In
//! training, and where each row goes by its own statistics, normalising and its derivative are
//! candle's, in double precision: nothing here knows one norm from another.

use anyhow::Result;

use super::matrix::{Matrix, add, multiply};
use crate::config::norm::NormTensor;
use crate::nn::graph::{Fixed, NormAlone, WayBack};
use crate::nn::layout::NormLayout;
use crate::nn::state::StateDict;

/// Which statistics norms use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Those of the rows at hand, which are one batch.
    Training,
    /// The running ones.
    Evaluation,
}

/// scale normalised(x) + shift, unit by unit.
#[derive(Clone)]
pub struct NormStep {
    normalisation: NormAlone,
    /// What every row goes by outside of training; none where each goes by its own.
    fixed: Option<Fixed>,
    /// Where training moves it.
    pub scale: Option<Vec<f64>>,
    /// Where training moves it.
    pub shift: Option<Vec<f64>>,
}

/// What the way back needs of a step's way forward.
pub struct Kept {
    /// What went in; of a norm, what it made of that before scale and shift.
    pub rows: Matrix,
    /// Of a norm in training mode, or of one by which each row goes by its own.
    pub way_back: Option<WayBack>,
}

impl NormStep {
    /// The norm of this place in a state.
    ///
    /// # Errors
    /// Where a tensor is missing or has another shape.
    pub fn new(layout: &NormLayout, units: usize, state: &StateDict) -> Result<Self> {
        let read = |tensor: NormTensor| -> Result<Option<Vec<f64>>> {
            if !layout.tensors.contains(&tensor) {
                return Ok(None);
            }
            state.doubles(&format!("{}.{}", layout.number, tensor.name()), &[units]).map(Some)
        };
        let normalisation = NormAlone::new(layout, units, state)?;
        Ok(Self {
            fixed: normalisation.fixed()?,
            scale: read(NormTensor::Scale)?,
            shift: read(NormTensor::Shift)?,
            normalisation,
        })
    }

    /// By how much each unit is stretched outside of training; none where that depends on the row.
    pub fn gains(&self) -> Option<Vec<f64>> {
        let mut gains: Vec<f64> = self.fixed.as_ref()?.sd.iter().map(|sd| 1.0 / sd).collect();
        if let Some(scale) = &self.scale {
            multiply(&mut gains, scale);
        }
        Some(gains)
    }

    /// One batch in training mode, where the way back is not wanted.
    ///
    /// # Errors
    /// Where candle fails.
    pub fn train(&self, batch: &Matrix) -> Result<Matrix> {
        let values = self.normalisation.normalised(&batch.values)?;
        Ok(self.affine(Matrix { values, ..*batch }))
    }

    /// The same, with what the norm goes by outside of training and what it would go by after a
    /// recalibration on the batch; none where each row goes by its own.
    ///
    /// # Errors
    /// Where candle fails.
    pub fn recalibrate(&self, batch: &Matrix) -> Result<(Matrix, Option<(&Fixed, Fixed)>)> {
        let (values, exact) = self.normalisation.recalibrated(&batch.values)?;
        Ok((self.affine(Matrix { values, ..*batch }), self.fixed.as_ref().zip(exact)))
    }

    /// Normalises rows, which in training mode are one batch.
    ///
    /// # Errors
    /// Where candle fails.
    pub fn normalise(&self, mut rows: Matrix, mode: Mode) -> Result<Kept> {
        match (&self.fixed, mode) {
            (Some(Fixed { mean, sd }), Mode::Evaluation) => {
                for row in rows.by_row_mut() {
                    for ((x, mean), sd) in row.iter_mut().zip(mean).zip(sd) {
                        *x = (*x - mean) / sd;
                    }
                }
                Ok(Kept { rows, way_back: None })
            }
            (None, _) | (_, Mode::Training) => {
                let (values, way_back) = self.normalisation.trained(&rows.values)?;
                let rows = Matrix { values, ..rows };
                Ok(Kept { rows, way_back: Some(way_back) })
            }
        }
    }

    /// What comes out of normalised rows.
    pub fn affine(&self, mut rows: Matrix) -> Matrix {
        for row in rows.by_row_mut() {
            if let Some(scale) = &self.scale {
                multiply(row, scale);
            }
            if let Some(shift) = &self.shift {
                add(row, shift);
            }
        }
        rows
    }

    /// The derivatives by what went in, from those by what came out.
    ///
    /// # Errors
    /// Where candle fails.
    pub fn back(&self, kept: &Kept, mut delta: Matrix) -> Result<Matrix> {
        let factors = match kept.way_back {
            Some(_) => self.scale.clone(),
            None => self.gains(),
        };
        if let Some(factors) = factors {
            delta.by_row_mut().for_each(|row| multiply(row, &factors));
        }
        if let Some(way_back) = &kept.way_back {
            delta.values = way_back.back(&delta.values)?;
        }
        Ok(delta)
    }

    /// Numbers that training moves.
    pub fn parameters(&self) -> usize {
        [&self.scale, &self.shift].into_iter().flatten().map(Vec::len).sum()
    }

    /// Adds the sums over rows of the gradients of scale and shift; `factors` are the
    /// normalised rows.
    pub fn accumulate(&self, factors: &Matrix, delta: &Matrix, sums: &mut [f64]) {
        let (of_scale, of_shift) = sums.split_at_mut(self.scale.as_ref().map_or(0, Vec::len));
        for (factors, delta) in factors.by_row().zip(delta.by_row()) {
            for ((sum, factor), delta) in of_scale.iter_mut().zip(factors).zip(delta) {
                *sum += factor * delta;
            }
            add(of_shift, delta);
        }
    }
}
