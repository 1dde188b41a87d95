//! Batch normalisation (Ioffe & Szegedy 2015, algorithms 1 and 2) over the rows of a batch.

use candle_core::{DType, Device, Result, Tensor, Var};

use super::Norm;
use crate::nn::graph::tensors::{from_floats, to_floats};
use crate::nn::state::StateDict;
use crate::spec::norm::{BatchNorm as Settings, EpsPlacement, Statistics};

/// Batch normalisation of rows x units.
pub struct BatchNorm {
    settings: Settings,
    units: usize,
    /// Scale and shift, `[units]`; `None` where the norm is not affine.
    affine: Option<(Var, Var)>,
    pub(in crate::nn::graph) running_mean: Tensor,
    pub(in crate::nn::graph) running_var: Tensor,
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
    /// The identity up to the batch's statistics: scale 1, shift 0, running mean 0 and variance 1.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn new(settings: &Settings, units: usize, dtype: DType, device: &Device) -> Result<Self> {
        let affine = if settings.affine {
            Some((Var::ones(units, dtype, device)?, Var::zeros(units, dtype, device)?))
        } else {
            None
        };
        Ok(Self {
            settings: settings.clone(),
            units,
            affine,
            running_mean: Tensor::zeros(units, dtype, device)?,
            running_var: Tensor::ones(units, dtype, device)?,
            batches: 0,
            recalibration: None,
        })
    }

    /// sqrt(var + eps), or sqrt(var) + eps.
    fn spread(&self, var: &Tensor) -> Result<Tensor> {
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

    fn affine(&self, normalised: Tensor) -> Result<Tensor> {
        match &self.affine {
            Some((scale, shift)) => normalised.broadcast_mul(scale)?.broadcast_add(shift),
            None => Ok(normalised),
        }
    }

    fn normalise(&self, x: &Tensor) -> Result<(Tensor, Moments)> {
        let mean = x.mean_keepdim(0)?;
        let centred = x.broadcast_sub(&mean)?;
        let var = centred.sqr()?.mean_keepdim(0)?;
        let normalised = centred.broadcast_div(&self.spread(&var)?)?;
        Ok((self.affine(normalised)?, Moments { mean, var, centred }))
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

impl Norm for BatchNorm {
    fn train(&mut self, x: &Tensor) -> Result<Tensor> {
        let (y, moments) = self.normalise(x)?;
        // A batch of one row says nothing of the spread; it counts for neither statistic, so that
        // the cumulative average is one of real variances alone.
        if let Some(var) = moments.unbiased_var()? {
            self.batches += 1;
            #[allow(clippy::cast_precision_loss)] // batches are far below 2^53
            let weight = match self.settings.statistics {
                Statistics::Ema | Statistics::Recalibrate => self.settings.momentum,
                Statistics::Cumulative => 1.0 / self.batches as f64,
            };
            self.running_mean = blend(&self.running_mean, &moments.mean()?, weight)?;
            self.running_var = blend(&self.running_var, &var, weight)?;
        }
        Ok(y)
    }

    fn evaluate(&self, x: &Tensor) -> Result<Tensor> {
        let centred = x.broadcast_sub(&self.running_mean)?;
        self.affine(centred.broadcast_div(&self.spread(&self.running_var)?)?)
    }

    fn recalibrate(&mut self, x: &Tensor) -> Result<Tensor> {
        let (y, moments) = self.normalise(x)?;
        if let Some(var) = moments.unbiased_var()? {
            let mean = moments.mean()?;
            self.recalibration = Some(match self.recalibration.take() {
                None => (1.0, mean, var),
                Some((n, means, vars)) => (n + 1.0, (means + mean)?, (vars + var)?),
            });
        }
        Ok(y)
    }

    fn finish_recalibration(&mut self, put: bool) -> Result<()> {
        if let Some((n, means, vars)) = self.recalibration.take().filter(|_| put) {
            self.running_mean = (means / n)?;
            self.running_var = (vars / n)?;
        }
        Ok(())
    }

    fn parameters(&self) -> Vec<(&'static str, &Var)> {
        match &self.affine {
            Some((scale, shift)) => vec![("weight", scale), ("bias", shift)],
            None => Vec::new(),
        }
    }

    fn save(&self, prefix: usize, state: &mut StateDict) -> anyhow::Result<()> {
        let units = [self.units];
        for (name, var) in self.parameters() {
            state.push(format!("{prefix}.{name}"), &units, to_floats(var)?);
        }
        state.push(format!("{prefix}.running_mean"), &units, to_floats(&self.running_mean)?);
        state.push(format!("{prefix}.running_var"), &units, to_floats(&self.running_var)?);
        state.push_count(format!("{prefix}.num_batches_tracked"), self.batches);
        Ok(())
    }

    fn load(&mut self, prefix: usize, state: &StateDict) -> anyhow::Result<()> {
        let units = [self.units];
        for (name, var) in self.parameters() {
            let values = state.floats(&format!("{prefix}.{name}"), &units)?;
            var.set(&from_floats(values, &units, var.as_tensor())?)?;
        }
        let like = self.running_mean.clone();
        let read = |name: &str| -> anyhow::Result<Tensor> {
            Ok(from_floats(state.floats(&format!("{prefix}.{name}"), &units)?, &units, &like)?)
        };
        self.running_mean = read("running_mean")?;
        self.running_var = read("running_var")?;
        self.batches = state.count(&format!("{prefix}.num_batches_tracked"))?;
        Ok(())
    }
}
