//! The norm of a layer as a step of a chain; its arithmetic is the graph engine's.
//!
//! Outside of training most norms are a scale and a shift of each unit, which needs no graph. In
//! training, and where each row goes by its own statistics, normalising and its derivative are
//! candle's, in double precision: nothing here knows one norm from another.

use anyhow::Result;

use super::matrix::{Matrix, add, multiply};
use crate::nn::graph::{Fixed, NormAlone};
use crate::nn::layout::NormLayout;
use crate::nn::state::StateDict;
use crate::spec::norm::NormTensor;

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

    /// What it goes by outside of training, and what it would go by after a recalibration on these
    /// rows as one batch; none where each row goes by its own.
    ///
    /// # Errors
    /// Where candle fails.
    pub fn recalibrated(&self, rows: &Matrix) -> Result<Option<(&Fixed, Fixed)>> {
        let Some(fixed) = &self.fixed else { return Ok(None) };
        Ok(self.normalisation.recalibrated(&rows.values)?.map(|exact| (fixed, exact)))
    }

    /// What scale and shift get. In training the rows are one batch.
    ///
    /// # Errors
    /// Where candle fails.
    pub fn normalised(&self, inputs: &Matrix, mode: Mode) -> Result<Matrix> {
        let mut outputs = inputs.clone();
        match (&self.fixed, mode) {
            (Some(Fixed { mean, sd }), Mode::Evaluation) => {
                for row in outputs.by_row_mut() {
                    for ((x, mean), sd) in row.iter_mut().zip(mean).zip(sd) {
                        *x = (*x - mean) / sd;
                    }
                }
            }
            (None, _) | (_, Mode::Training) => {
                outputs.values = self.normalisation.normalised(&inputs.values)?;
            }
        }
        Ok(outputs)
    }

    /// What comes out.
    ///
    /// # Errors
    /// Where candle fails.
    pub fn forward(&self, inputs: &Matrix, mode: Mode) -> Result<Matrix> {
        let mut outputs = self.normalised(inputs, mode)?;
        for row in outputs.by_row_mut() {
            if let Some(scale) = &self.scale {
                multiply(row, scale);
            }
            if let Some(shift) = &self.shift {
                add(row, shift);
            }
        }
        Ok(outputs)
    }

    /// The derivatives by what went in, from those by what came out.
    ///
    /// # Errors
    /// Where candle fails.
    pub fn back(&self, inputs: &Matrix, mut delta: Matrix, mode: Mode) -> Result<Matrix> {
        match (self.gains(), mode) {
            (Some(gains), Mode::Evaluation) => {
                delta.by_row_mut().for_each(|row| multiply(row, &gains));
            }
            (None, _) | (_, Mode::Training) => {
                if let Some(scale) = &self.scale {
                    delta.by_row_mut().for_each(|row| multiply(row, scale));
                }
                delta.values = self.normalisation.back(&inputs.values, &delta.values)?;
            }
        }
        Ok(delta)
    }

    /// Numbers that training moves.
    pub fn parameters(&self) -> usize {
        [&self.scale, &self.shift].into_iter().flatten().map(Vec::len).sum()
    }

    /// Adds the sums over rows of the gradients of scale and shift; `factors` is what the scale got.
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
