//! A start that depends on data (Salimans & Kingma 2016, section 3).

use anyhow::Result;
use candle_core::{DType, Device, Tensor};

use super::norm::Pass;
use super::{GraphEngine, Layer};
use crate::nn::{Engine, Network, StateDict};

/// Rows that it depends on.
const ROWS: usize = 500;

/// A standard deviation below this share of the length of a unit's weights is none: the unit stays as it is, with
/// the bias 0.
const LEAST_SD: f64 = 1e-6;

impl GraphEngine {
    /// A training state before the first step in which every unit of a hidden layer puts out mean 0 and sd 1 on
    /// the first rows of the first epoch, layer by layer from the bottom, with dropout off. Computed in double
    /// precision on the CPU, so that all engines and devices start alike.
    ///
    /// # Errors
    /// Where candle fails.
    pub fn start_from_data(network: &Network) -> Result<StateDict> {
        let mut engine = Self::with_dtype(network, &Device::Cpu, DType::F64)?;
        let mut rows = network.data.epoch_order(network.seed, 1);
        rows.truncate(ROWS);
        let rows = Tensor::from_slice(&rows, rows.len(), &engine.device)?;
        let inputs = engine.data.inputs(&rows, engine.dtype)?;
        // A norm of the inputs, too, normalises these rows as one batch.
        let mut x = engine.normalise_inputs(inputs, Pass::Recalibrate)?.detach();
        for layer in engine.layers.iter_mut().filter(|layer| layer.hidden.is_some()) {
            layer.standardise(&x)?;
            // The norm behind it normalises these rows as one batch, and forgets them again.
            x = layer.train(&x, Pass::Recalibrate)?.detach();
        }
        engine.finish_recalibration(false)?;
        engine.training_state()
    }
}

impl Layer {
    /// Scales the weights and sets the bias so that the outputs of these rows have mean 0 and sd 1.
    pub(super) fn standardise(&mut self, x: &Tensor) -> Result<()> {
        let y = self.linear(x, self.weight.in_effect())?.detach();
        let mean = y.mean_keepdim(0)?;
        let sd = y.broadcast_sub(&mean)?.sqr()?.mean_keepdim(0)?.sqrt()?;
        let length = self.weight.in_effect().sqr()?.sum(1)?.sqrt()?.unsqueeze(0)?;
        let varies = sd.gt(&(length * LEAST_SD)?)?.to_dtype(sd.dtype())?;
        // 1 where there is no standard deviation to speak of.
        let divisor = ((&sd * &varies)? + (1.0 - &varies)?)?;
        self.weight.divide(&divisor.squeeze(0)?)?;
        if let Some(bias) = &self.bias {
            let moved = (bias.broadcast_sub(&mean.squeeze(0)?)? / divisor.squeeze(0)?)?;
            bias.set(&(moved * varies.squeeze(0)?)?.detach())?;
        }
        Ok(())
    }
}
