//! Batch normalisation (Ioffe & Szegedy 2015, algorithms 1 and 2), over the rows of a batch or of chunks of it.

use candle_core::{Result, Tensor};

use super::moments::Moments;
use super::normalise::{Normalise, sd};
use super::pass::{Like, Pass};
use super::running::Running;
use crate::config::norm::{BatchNorm as Settings, EpsPlacement, GhostBatchNorm};

/// Batch normalisation of rows x units.
pub struct BatchNorm {
    eps: f64,
    eps_placement: EpsPlacement,
    /// How a batch is cut; none: not at all.
    chunks: Option<GhostBatchNorm>,
    running: Running,
}

impl BatchNorm {
    /// Over whole batches.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn new(settings: &Settings, units: usize, like: &Like) -> Result<Self> {
        let Settings { eps, eps_placement, .. } = *settings;
        let running = Running::new(settings.running(), true, units, like)?;
        Ok(Self { eps, eps_placement, chunks: None, running })
    }

    /// Over chunks (Hoffer et al. 2017).
    ///
    /// # Errors
    /// Where the device fails.
    pub fn of_chunks(settings: &GhostBatchNorm, units: usize, like: &Like) -> Result<Self> {
        let GhostBatchNorm { eps, eps_placement, .. } = *settings;
        let running = Running::new(settings.running(), true, units, like)?;
        Ok(Self { eps, eps_placement, chunks: Some(settings.clone()), running })
    }

    fn chunk(&mut self, x: &Tensor, pass: Pass) -> Result<Tensor> {
        let moments = Moments::of(x)?;
        if let Some((mean, var)) = moments.detached()? {
            self.running.take(pass, mean, Some(var))?;
        }
        moments.centred.broadcast_div(&sd(&moments.var, self.eps, self.eps_placement)?)
    }
}

impl Normalise for BatchNorm {
    fn train(&mut self, x: &Tensor, pass: Pass) -> Result<Tensor> {
        let Some(settings) = &self.chunks else { return self.chunk(x, pass) };
        let (mut chunks, mut start) = (Vec::new(), 0);
        for rows in settings.chunk_sizes(x.dim(0)?) {
            chunks.push(self.chunk(&x.narrow(0, start, rows)?, pass)?);
            start += rows;
        }
        Tensor::cat(&chunks, 0)
    }

    fn evaluate(&self, x: &Tensor) -> Result<Tensor> {
        let Some((mean, sd)) = self.fixed()? else { return Ok(x.clone()) };
        x.broadcast_sub(&mean)?.broadcast_div(&sd)
    }

    fn fixed(&self) -> Result<Option<(Tensor, Tensor)>> {
        let Running { mean, var, .. } = &self.running;
        let sd = var.as_ref().map(|var| sd(var, self.eps, self.eps_placement)).transpose()?;
        Ok(sd.map(|sd| (mean.clone(), sd)))
    }

    fn running(&self) -> Option<&Running> {
        Some(&self.running)
    }

    fn running_mut(&mut self) -> Option<&mut Running> {
        Some(&mut self.running)
    }
}
