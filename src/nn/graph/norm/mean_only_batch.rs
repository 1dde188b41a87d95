//! The mean over the rows of a batch is taken out (Salimans & Kingma 2016, section 4).

use candle_core::{Result, Tensor};

use super::moments::Moments;
use super::normalise::Normalise;
use super::pass::{Like, Pass};
use super::running::Running;
use crate::config::norm::MeanOnlyBatchNorm as Settings;

/// Mean-only batch normalisation of rows x units.
pub struct MeanOnlyBatchNorm {
    running: Running,
}

impl MeanOnlyBatchNorm {
    /// With the running mean 0.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn new(settings: &Settings, units: usize, like: &Like) -> Result<Self> {
        Ok(Self { running: Running::new(settings.running(), false, units, like)? })
    }
}

impl Normalise for MeanOnlyBatchNorm {
    fn train(&mut self, x: &Tensor, pass: Pass) -> Result<Tensor> {
        let moments = Moments::of(x)?;
        // Of one row nothing is left, as of one row's variance.
        if let Some((mean, _)) = moments.detached()? {
            self.running.take(pass, mean, None)?;
        }
        Ok(moments.centred)
    }

    fn evaluate(&self, x: &Tensor) -> Result<Tensor> {
        x.broadcast_sub(&self.running.mean)
    }

    fn fixed(&self) -> Result<Option<(Tensor, Tensor)>> {
        let mean = &self.running.mean;
        Ok(Some((mean.clone(), mean.ones_like()?)))
    }

    fn running(&self) -> Option<&Running> {
        Some(&self.running)
    }

    fn running_mut(&mut self) -> Option<&mut Running> {
        Some(&mut self.running)
    }
}
