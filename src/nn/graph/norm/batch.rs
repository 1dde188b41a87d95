//! Batch normalisation (Ioffe & Szegedy 2015, algorithms 1 and 2) over the rows of a batch.

use candle_core::{Result, Tensor};

use super::normalise::{Like, Normalise, Pass};
use crate::config::norm::{BatchNorm as Settings, EpsPlacement, Statistics};

/// Batch normalisation of rows x units.
pub struct BatchNorm {
    settings: Settings,
    running_mean: Tensor,
    running_var: Tensor,
    /// Training batches counted in the running statistics.
    batches: i64,
    /// Batches counted in a recalibration, the sums of their means and unbiased variances.
    recalibration: Option<(f64, Tensor, Tensor)>,
}

/// The mean and the biased variance of each unit over a batch, and the batch around its mean.
struct Moments {
    mean: Tensor,
    var: Tensor,
    centred: Tensor,
}

impl BatchNorm {
    /// With the running mean 0 and variance 1.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn new(settings: &Settings, units: usize, like: &Like) -> Result<Self> {
        Ok(Self {
            settings: settings.clone(),
            running_mean: Tensor::zeros(units, like.dtype, like.device)?,
            running_var: Tensor::ones(units, like.dtype, like.device)?,
            batches: 0,
            recalibration: None,
        })
    }

    /// sqrt(var + eps), or sqrt(var) + eps.
    fn sd(&self, var: &Tensor) -> Result<Tensor> {
        let eps = self.settings.eps;
        match self.settings.eps_placement {
            EpsPlacement::Variance => (var + eps)?.sqrt(),
            EpsPlacement::Std => {
                // The root has no derivative at 0, where the variance has derivative 0: adding 1
                // before and subtracting it after keeps the value and makes the product 0.
                let flat = var.eq(0.0)?.to_dtype(var.dtype())?;
                ((var + &flat)?.sqrt()? - &flat)? + eps
            }
        }
    }

    fn normalise(&self, x: &Tensor) -> Result<(Tensor, Moments)> {
        let mean = x.mean_keepdim(0)?;
        let centred = x.broadcast_sub(&mean)?;
        let var = centred.sqr()?.mean_keepdim(0)?;
        let normalised = centred.broadcast_div(&self.sd(&var)?)?;
        Ok((normalised, Moments { mean, var, centred }))
    }

    /// Moves the running statistics towards these.
    fn move_towards(&mut self, mean: &Tensor, var: &Tensor) -> Result<()> {
        self.batches += 1;
        #[allow(clippy::cast_precision_loss)] // batches are far below 2^53
        let weight = match self.settings.statistics {
            Statistics::Ema | Statistics::Recalibrate => self.settings.momentum,
            Statistics::Cumulative => 1.0 / self.batches as f64,
        };
        self.running_mean = blend(&self.running_mean, mean, weight)?;
        self.running_var = blend(&self.running_var, var, weight)?;
        Ok(())
    }

    /// Counts these towards new running statistics.
    fn count(&mut self, mean: Tensor, var: Tensor) -> Result<()> {
        self.recalibration = Some(match self.recalibration.take() {
            None => (1.0, mean, var),
            Some((n, means, vars)) => (n + 1.0, (means + mean)?, (vars + var)?),
        });
        Ok(())
    }
}

impl Moments {
    /// The mean, `[units]`, outside of the graph.
    fn mean(&self) -> Result<Tensor> {
        self.mean.squeeze(0)?.detach().copy()
    }

    /// The variance with n - 1 in place of n, `[units]`; a batch of one row has none.
    fn unbiased_var(&self) -> Result<Option<Tensor>> {
        #[allow(clippy::cast_precision_loss)] // rows of a batch
        let rows = self.centred.dim(0)? as f64;
        if rows < 2.0 {
            return Ok(None);
        }
        (self.var.squeeze(0)?.detach() * (rows / (rows - 1.0))).map(Some)
    }
}

/// old + weight (new - old), written so that weight 1 gives exactly `new`.
fn blend(old: &Tensor, new: &Tensor, weight: f64) -> Result<Tensor> {
    (old * (1.0 - weight))? + (new * weight)?
}

impl Normalise for BatchNorm {
    fn train(&mut self, x: &Tensor, pass: Pass) -> Result<Tensor> {
        let (y, moments) = self.normalise(x)?;
        // A batch of one row has no variance; it counts for neither statistic, so that the
        // cumulative average is one of real variances alone.
        if let Some(var) = moments.unbiased_var()? {
            let mean = moments.mean()?;
            match pass {
                Pass::Train => self.move_towards(&mean, &var)?,
                Pass::Recalibrate => self.count(mean, var)?,
            }
        }
        Ok(y)
    }

    fn evaluate(&self, x: &Tensor) -> Result<Tensor> {
        let centred = x.broadcast_sub(&self.running_mean)?;
        centred.broadcast_div(&self.sd(&self.running_var)?)
    }

    fn fixed(&self) -> Result<Option<(Tensor, Tensor)>> {
        Ok(Some((self.running_mean.clone(), self.sd(&self.running_var)?)))
    }

    fn finish_recalibration(&mut self, put: bool) -> Result<()> {
        if let Some((n, means, vars)) = self.recalibration.take().filter(|_| put) {
            self.running_mean = (means / n)?;
            self.running_var = (vars / n)?;
        }
        Ok(())
    }

    fn statistic(&self, name: &str) -> Option<&Tensor> {
        match name {
            "running_mean" => Some(&self.running_mean),
            "running_var" => Some(&self.running_var),
            _ => None,
        }
    }

    fn statistic_mut(&mut self, name: &str) -> Option<&mut Tensor> {
        match name {
            "running_mean" => Some(&mut self.running_mean),
            "running_var" => Some(&mut self.running_var),
            _ => None,
        }
    }

    fn batches(&self) -> i64 {
        self.batches
    }

    fn set_batches(&mut self, batches: i64) {
        self.batches = batches;
    }
}
