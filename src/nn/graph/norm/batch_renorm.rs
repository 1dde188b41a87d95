//! Batch renormalisation (Ioffe 2017, algorithm 1).

use candle_core::{Result, Tensor};

use super::moments::Moments;
use super::normalise::{Normalise, sd};
use super::pass::{Like, Pass};
use super::running::{Running, blend};
use crate::config::norm::{BatchRenorm as Settings, EpsPlacement, Statistics};

/// Batch renormalisation of rows x units.
///
/// The averages that training goes by start from nothing: mean and standard deviation begin at 0, and what
/// is left of that start after t batches, (1 - momentum)^t, is filled up with the batch at hand, so that the first
/// one is not corrected.
pub struct BatchRenorm {
    settings: Settings,
    /// Of the whole training.
    steps: usize,
    /// The average of the batches' means, from 0; `[units]`.
    mean: Tensor,
    /// That of their standard deviations, eps in them.
    sd: Tensor,
    running: Running,
}

impl BatchRenorm {
    /// Of a training of so many steps.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn new(settings: &Settings, steps: usize, units: usize, like: &Like) -> Result<Self> {
        let running = Running::new(settings.running(), true, units, like)?;
        let zeros = running.mean.zeros_like()?;
        Ok(Self { settings: settings.clone(), steps, mean: zeros.clone(), sd: zeros, running })
    }

    /// The variance under which evaluation divides by this standard deviation.
    fn variance(&self, sd: &Tensor) -> Result<Tensor> {
        let eps = self.settings.eps;
        match self.settings.eps_placement {
            EpsPlacement::Variance => (sd.sqr()? - eps)?.maximum(0.0),
            EpsPlacement::Std => (sd - eps)?.maximum(0.0)?.sqr(),
        }
    }

    /// Moves the averages of training towards a batch, and those of evaluation along.
    fn count(&mut self, mean: Tensor, sd: &Tensor, var: Tensor) -> Result<()> {
        let Settings { momentum, statistics, .. } = self.settings;
        self.mean = blend(&self.mean, &mean, momentum)?;
        self.sd = blend(&self.sd, sd, momentum)?;
        if statistics == Statistics::Cumulative {
            return self.running.take(Pass::Train, mean, Some(var));
        }
        self.running.batches += 1;
        let known = self.settings.known_weight(self.running.batches);
        self.running.mean = (&self.mean / known)?;
        self.running.var = Some(self.variance(&(&self.sd / known)?)?);
        Ok(())
    }
}

impl Normalise for BatchRenorm {
    fn train(&mut self, x: &Tensor, pass: Pass) -> Result<Tensor> {
        let moments = Moments::of(x)?;
        let spread = sd(&moments.var, self.settings.eps, self.settings.eps_placement)?;
        let z = moments.centred.broadcast_div(&spread)?;
        let Some((mean, var)) = moments.detached()? else { return Ok(z) };
        let sd = spread.squeeze(0)?.detach();
        let left = self.settings.start_weight(self.running.batches);
        let before = ((&self.mean + (&mean * left)?)?, (&self.sd + (&sd * left)?)?);
        let (r_max, d_max) = self.settings.limits(self.running.batches, self.steps);
        let r = (&sd / &before.1)?.maximum(1.0 / r_max)?.minimum(r_max)?;
        let d = ((&mean - &before.0)? / &before.1)?.maximum(-d_max)?.minimum(d_max)?;
        match pass {
            Pass::Train => self.count(mean, &sd, var)?,
            Pass::Recalibrate => self.running.take(pass, mean, Some(var))?,
        }
        z.broadcast_mul(&r)?.broadcast_add(&d)
    }

    fn evaluate(&self, x: &Tensor) -> Result<Tensor> {
        let Some((mean, sd)) = self.fixed()? else { return Ok(x.clone()) };
        x.broadcast_sub(&mean)?.broadcast_div(&sd)
    }

    fn fixed(&self) -> Result<Option<(Tensor, Tensor)>> {
        let Settings { eps, eps_placement, .. } = self.settings;
        let var = self.running.var.as_ref();
        let sd = var.map(|var| sd(var, eps, eps_placement)).transpose()?;
        Ok(sd.map(|sd| (self.running.mean.clone(), sd)))
    }

    fn running(&self) -> Option<&Running> {
        Some(&self.running)
    }

    fn running_mut(&mut self) -> Option<&mut Running> {
        Some(&mut self.running)
    }

    fn of_training(&self, name: &str) -> Option<&Tensor> {
        match name {
            "training_mean" => Some(&self.mean),
            "training_sd" => Some(&self.sd),
            _ => None,
        }
    }

    fn of_training_mut(&mut self, name: &str) -> Option<&mut Tensor> {
        match name {
            "training_mean" => Some(&mut self.mean),
            "training_sd" => Some(&mut self.sd),
            _ => None,
        }
    }

    fn start_from_running(&mut self) -> Result<()> {
        let known = self.settings.known_weight(self.running.batches);
        if let Some((mean, sd)) = self.fixed()? {
            (self.mean, self.sd) = ((mean * known)?, (sd * known)?);
        }
        Ok(())
    }
}
