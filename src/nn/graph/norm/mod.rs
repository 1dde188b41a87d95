//! Norms on candle's autograd, one file each.

mod batch;

use candle_core::{Device, Result, Tensor, Var};

pub use batch::BatchNorm;

use crate::nn::state::StateDict;
use crate::spec::norm::Norm as Settings;

/// A norm over rows x units.
pub trait Norm: Send {
    /// Of a training batch, with gradients; running statistics move along.
    ///
    /// # Errors
    /// Where the device fails.
    fn train(&mut self, x: &Tensor) -> Result<Tensor>;

    /// Outside of training, from the running statistics.
    ///
    /// # Errors
    /// Where the device fails.
    fn evaluate(&self, x: &Tensor) -> Result<Tensor>;

    /// As in training, while the batch is counted towards new running statistics.
    ///
    /// # Errors
    /// Where the device fails.
    fn recalibrate(&mut self, x: &Tensor) -> Result<Tensor>;

    /// Puts what [`recalibrate`](Self::recalibrate) counted in place of the running statistics, or
    /// forgets it.
    ///
    /// # Errors
    /// Where the device fails.
    fn finish_recalibration(&mut self, put: bool) -> Result<()>;

    /// What training moves, by last name.
    fn parameters(&self) -> Vec<(&'static str, &Var)>;

    /// Writes all its tensors, as `prefix.name`.
    ///
    /// # Errors
    /// Where the device fails.
    fn save(&self, prefix: usize, state: &mut StateDict) -> anyhow::Result<()>;

    /// Reads all its tensors.
    ///
    /// # Errors
    /// Where one is missing or has another shape, or the device fails.
    fn load(&mut self, prefix: usize, state: &StateDict) -> anyhow::Result<()>;
}

/// The norm of these settings over `units` units, before the first step.
///
/// # Errors
/// Where the device fails.
pub fn build(
    settings: &Settings,
    units: usize,
    dtype: candle_core::DType,
    device: &Device,
) -> Result<Option<Box<dyn Norm>>> {
    Ok(match settings {
        Settings::None(_) => None,
        Settings::Batch(batch) => Some(Box::new(BatchNorm::new(batch, units, dtype, device)?)),
    })
}
