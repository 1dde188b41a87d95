//! What a norm is told of a pass and of its tensors.

use candle_core::{DType, Device};

/// Whether a forward pass trains or recalibrates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// Running statistics move.
    Train,
    /// Batches are counted towards new statistics.
    Recalibrate,
}

/// The type and the device of tensors to come.
pub struct Like<'a> {
    /// Of each number.
    pub dtype: DType,
    /// Where they live.
    pub device: &'a Device,
}
