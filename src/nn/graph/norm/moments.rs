//! What a batch is like.

use candle_core::{Result, Tensor};

/// The mean and the biased variance of each unit over a batch, and the batch around its mean.
pub struct Moments {
    /// `[1, units]`
    pub mean: Tensor,
    /// `[1, units]`
    pub var: Tensor,
    /// `[rows, units]`
    pub centred: Tensor,
}

impl Moments {
    /// Of rows x units.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn of(x: &Tensor) -> Result<Self> {
        let mean = x.mean_keepdim(0)?;
        let centred = x.broadcast_sub(&mean)?;
        let var = centred.sqr()?.mean_keepdim(0)?;
        Ok(Self { mean, var, centred })
    }

    /// The mean and the variance with n - 1 in place of n, `[units]` and outside of the graph; none of a batch
    /// of one row. That has no variance, and counts for neither statistic, so that the cumulative average is
    /// one of real variances alone.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn detached(&self) -> Result<Option<(Tensor, Tensor)>> {
        #[allow(clippy::cast_precision_loss)] // rows of a batch
        let rows = self.centred.dim(0)? as f64;
        if rows < 2.0 {
            return Ok(None);
        }
        let var = (self.var.squeeze(0)?.detach() * (rows / (rows - 1.0)))?;
        Ok(Some((self.mean.squeeze(0)?.detach().copy()?, var)))
    }
}
