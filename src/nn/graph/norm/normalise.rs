//! What the arithmetic of a norm gives the graph engine.

use candle_core::{DType, Device, Result, Tensor};

/// Whether a forward pass trains or recalibrates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// Running statistics move.
    Train,
    /// Batches are counted towards new statistics.
    Recalibrate,
}

/// How a norm normalises rows x units; scale and shift come after it and are the same for all.
pub trait Normalise: Send {
    /// A training batch, with gradients. Running statistics move along, or the batch is counted
    /// towards new ones.
    ///
    /// # Errors
    /// Where the device fails.
    fn train(&mut self, x: &Tensor, pass: Pass) -> Result<Tensor>;

    /// Outside of training, each row whatever the others are.
    ///
    /// # Errors
    /// Where the device fails.
    fn evaluate(&self, x: &Tensor) -> Result<Tensor>;

    /// Mean and standard deviation, `[units]` each, that every row goes by outside of training:
    /// (x - mean) / sd. None where each row goes by its own.
    ///
    /// # Errors
    /// Where the device fails.
    fn fixed(&self) -> Result<Option<(Tensor, Tensor)>> {
        Ok(None)
    }

    /// Puts what a recalibration counted in place of the running statistics, or forgets it.
    ///
    /// # Errors
    /// Where the device fails.
    fn finish_recalibration(&mut self, _put: bool) -> Result<()> {
        Ok(())
    }

    /// What is measured in training and used outside of it, by last name.
    fn statistic(&self, _name: &str) -> Option<&Tensor> {
        None
    }

    /// The same, to be set.
    fn statistic_mut(&mut self, _name: &str) -> Option<&mut Tensor> {
        None
    }

    /// Training batches counted in the running statistics.
    fn batches(&self) -> i64 {
        0
    }

    /// The same, to be set.
    fn set_batches(&mut self, _batches: i64) {}
}

/// The type and the device of tensors to come.
pub struct Like<'a> {
    /// Of each number.
    pub dtype: DType,
    /// Where they live.
    pub device: &'a Device,
}
