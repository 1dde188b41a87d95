//! Statistics measured in training and used outside of it.

use candle_core::{Result, Tensor};

use super::pass::{Like, Pass};
use crate::config::norm::Running as Settings;

/// Running averages of the mean, and where a norm has one of the variance, of each unit over batches.
pub struct Running {
    settings: Settings,
    /// `[units]`
    pub mean: Tensor,
    /// `[units]`
    pub var: Option<Tensor>,
    /// Training batches counted.
    pub batches: i64,
    /// Batches counted in a recalibration, the sums of their means and variances.
    recalibration: Option<(f64, Tensor, Option<Tensor>)>,
}

impl Running {
    /// With the mean 0 and the variance 1.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn new(settings: Settings, has_variance: bool, units: usize, like: &Like) -> Result<Self> {
        let var = has_variance.then(|| Tensor::ones(units, like.dtype, like.device));
        Ok(Self {
            settings,
            mean: Tensor::zeros(units, like.dtype, like.device)?,
            var: var.transpose()?,
            batches: 0,
            recalibration: None,
        })
    }

    /// Moves the averages towards those of a training batch, or counts these towards new ones.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn take(&mut self, pass: Pass, mean: Tensor, var: Option<Tensor>) -> Result<()> {
        if pass == Pass::Recalibrate {
            self.recalibration = Some(match self.recalibration.take() {
                None => (1.0, mean, var),
                Some((n, means, vars)) => {
                    let vars = vars.zip(var).map(|(vars, var)| vars + var).transpose()?;
                    (n + 1.0, (means + mean)?, vars)
                }
            });
            return Ok(());
        }
        self.batches += 1;
        let weight = self.settings.weight_of_batch(self.batches);
        self.mean = blend(&self.mean, &mean, weight)?;
        if let Some((old, new)) = self.var.as_mut().zip(var) {
            *old = blend(old, &new, weight)?;
        }
        Ok(())
    }

    /// Puts what a recalibration counted in place of the averages, or forgets it.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn finish_recalibration(&mut self, put: bool) -> Result<()> {
        if let Some((n, means, vars)) = self.recalibration.take().filter(|_| put) {
            self.mean = (means / n)?;
            self.var = vars.map(|vars| vars / n).transpose()?;
        }
        Ok(())
    }

    /// An average by last name.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        match name {
            "running_mean" => Some(&self.mean),
            "running_var" => self.var.as_ref(),
            _ => None,
        }
    }

    /// The same, to be set.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Tensor> {
        match name {
            "running_mean" => Some(&mut self.mean),
            "running_var" => self.var.as_mut(),
            _ => None,
        }
    }
}

/// old + weight (new - old), written so that weight 1 gives exactly `new`.
///
/// # Errors
/// Where the device fails.
pub fn blend(old: &Tensor, new: &Tensor, weight: f64) -> Result<Tensor> {
    (old * (1.0 - weight))? + (new * weight)?
}
