//! What the arithmetic of a norm gives the graph engine.

use candle_core::{Result, Tensor};

use super::pass::Pass;
use super::running::Running;
use crate::config::norm::EpsPlacement;

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

    /// The running statistics; none where it keeps none.
    fn running(&self) -> Option<&Running> {
        None
    }

    /// The same, to be set.
    fn running_mut(&mut self) -> Option<&mut Running> {
        None
    }

    /// What training alone goes by, by last name.
    fn of_training(&self, _name: &str) -> Option<&Tensor> {
        None
    }

    /// The same, to be set.
    fn of_training_mut(&mut self, _name: &str) -> Option<&mut Tensor> {
        None
    }

    /// Sets what training alone goes by from running statistics that were just set.
    ///
    /// # Errors
    /// Where the device fails.
    fn start_from_running(&mut self) -> Result<()> {
        Ok(())
    }

    /// Puts what a recalibration counted in place of the running statistics, or forgets it.
    ///
    /// # Errors
    /// Where the device fails.
    fn finish_recalibration(&mut self, put: bool) -> Result<()> {
        self.running_mut().map_or(Ok(()), |running| running.finish_recalibration(put))
    }

    /// What is measured in training, by last name.
    fn statistic(&self, name: &str) -> Option<&Tensor> {
        let running = self.running().and_then(|running| running.get(name));
        running.or_else(|| self.of_training(name))
    }

    /// The same, to be set.
    fn statistic_mut(&mut self, name: &str) -> Option<&mut Tensor> {
        if self.of_training(name).is_some() {
            return self.of_training_mut(name);
        }
        self.running_mut()?.get_mut(name)
    }

    /// Training batches counted in the running statistics.
    fn batches(&self) -> i64 {
        self.running().map_or(0, |running| running.batches)
    }

    /// The same, to be set.
    fn set_batches(&mut self, batches: i64) {
        if let Some(running) = self.running_mut() {
            running.batches = batches;
        }
    }
}

/// sqrt(var + eps), or sqrt(var) + eps.
///
/// # Errors
/// Where the device fails.
pub fn sd(var: &Tensor, eps: f64, placement: EpsPlacement) -> Result<Tensor> {
    match placement {
        EpsPlacement::Variance => (var + eps)?.sqrt(),
        EpsPlacement::Std => {
            // The root has no derivative at 0, where the variance has derivative 0: adding 1
            // before and subtracting it after keeps the value and makes the product 0.
            let flat = var.eq(0.0)?.to_dtype(var.dtype())?;
            ((var + &flat)?.sqrt()? - &flat)? + eps
        }
    }
}
