//! The weights of a Linear, and what training moves of them.

use candle_core::{Result, Tensor, Var};

use super::norm::Like;
use super::tensors::{from_floats, to_floats};
use crate::nn::layout::{DIRECTION, LENGTH};
use crate::nn::state::StateDict;

/// Weights, outputs x inputs: themselves, or a length times a direction for each output.
pub struct Weight {
    /// The weights, or their directions `v`, of any length.
    var: Var,
    length: Option<Length>,
}

/// Weights `g v / |v|` (Salimans & Kingma 2016).
struct Length {
    /// `g`, outputs x 1.
    var: Var,
    /// The weights as they are after the last step.
    folded: Tensor,
}

impl Weight {
    /// Zeros.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn zeros(shape: (usize, usize), normalised: bool, like: &Like) -> Result<Self> {
        let var = Var::zeros(shape, like.dtype, like.device)?;
        let length = if normalised {
            let folded = var.as_detached_tensor();
            Some(Length { var: Var::zeros((shape.0, 1), like.dtype, like.device)?, folded })
        } else {
            None
        };
        Ok(Self { var, length })
    }

    /// With their graph.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn in_training(&self) -> Result<Tensor> {
        match &self.length {
            None => Ok(self.var.as_tensor().clone()),
            Some(length) => {
                let factor = (length.var.as_tensor() / norms(&self.var)?)?;
                self.var.broadcast_mul(&factor)
            }
        }
    }

    /// As they are after the last step.
    pub fn in_effect(&self) -> &Tensor {
        self.length.as_ref().map_or(self.var.as_tensor(), |length| &length.folded)
    }

    /// Takes note of a step.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn fold(&mut self) -> Result<()> {
        if self.length.is_some() {
            let folded = self.in_training()?.detach();
            self.length.iter_mut().for_each(|length| length.folded = folded.clone());
        }
        Ok(())
    }

    /// Divides the weights of each output; a direction stays as it is.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn divide(&mut self, by: &Tensor) -> Result<()> {
        let var = self.length.as_ref().map_or(&self.var, |length| &length.var);
        var.set(&var.broadcast_div(&by.unsqueeze(1)?)?.detach())?;
        self.fold()
    }

    /// What training moves: last name, tensor, and whether weight decay applies. That of a direction's
    /// length changes no weight, so it does not.
    pub fn parameters(&self) -> Vec<(&'static str, &Var, bool)> {
        match &self.length {
            None => vec![("weight", &self.var, true)],
            Some(length) => vec![(LENGTH, &length.var, true), (DIRECTION, &self.var, false)],
        }
    }

    /// Reads the weights of a Linear of this number; they are their own directions.
    ///
    /// # Errors
    /// Where they are missing or of another shape, or the device fails.
    pub fn load(&mut self, number: usize, state: &StateDict) -> anyhow::Result<()> {
        set(&self.var, &format!("{number}.weight"), state)?;
        if let Some(length) = &self.length {
            length.var.set(&norms(&self.var)?.detach())?;
        }
        Ok(self.fold()?)
    }

    /// Writes lengths and directions, where these are what training moves.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn save_training(&self, number: usize, state: &mut StateDict) -> anyhow::Result<()> {
        if self.length.is_some() {
            for (name, var, _) in self.parameters() {
                state.push(format!("{number}.{name}"), var.dims(), to_floats(var)?);
            }
        }
        Ok(())
    }

    /// Reads lengths and directions, where these are what training moves.
    ///
    /// # Errors
    /// Where one is missing or of another shape, or the device fails.
    pub fn load_training(&mut self, number: usize, state: &StateDict) -> anyhow::Result<()> {
        if self.length.is_some() {
            for (name, var, _) in self.parameters() {
                set(var, &format!("{number}.{name}"), state)?;
            }
        }
        if let Some(length) = &mut self.length {
            // Bit for bit, whichever engine folded them.
            let weights = state.floats(&format!("{number}.weight"), length.folded.dims())?;
            length.folded = from_floats(weights, length.folded.shape(), &self.var)?;
        }
        Ok(())
    }
}

/// The Euclidean norm of each row, rows x 1.
fn norms(rows: &Tensor) -> Result<Tensor> {
    rows.sqr()?.sum_keepdim(1)?.sqrt()
}

fn set(var: &Var, name: &str, state: &StateDict) -> anyhow::Result<()> {
    let values = state.floats(name, var.dims())?;
    var.set(&from_floats(values, var.shape(), var.as_tensor())?)?;
    Ok(())
}
