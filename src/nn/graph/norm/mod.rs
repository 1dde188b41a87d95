//! Norms on candle's autograd, the arithmetic of each in a file of its own.

mod alone;
mod batch;
mod batch_renorm;
mod mean_only_batch;
mod moments;
mod normalise;
mod pass;
mod row;
mod running;

use anyhow::{Context, bail};
use candle_core::{Result, Tensor, Var};

pub use self::alone::{Fixed, NormAlone, WayBack};
pub use self::normalise::Normalise;
pub use self::pass::{Like, Pass};
use super::tensors::{from_floats, to_floats};
use crate::config::norm::{Norm as Kind, NormTensor};
use crate::nn::layout::NormLayout;
use crate::nn::state::StateDict;

/// The arithmetic of a norm before the first step.
///
/// # Errors
/// Where the device fails, or there is no norm of what a Linear puts out.
fn build(layout: &NormLayout, units: usize, like: &Like) -> anyhow::Result<Box<dyn Normalise>> {
    Ok(match &layout.kind {
        Kind::Batch(settings) => Box::new(batch::BatchNorm::new(settings, units, like)?),
        Kind::GhostBatch(settings) => Box::new(batch::BatchNorm::of_chunks(settings, units, like)?),
        Kind::MeanOnlyBatch(settings) => {
            Box::new(mean_only_batch::MeanOnlyBatchNorm::new(settings, units, like)?)
        }
        Kind::BatchRenorm(settings) => {
            Box::new(batch_renorm::BatchRenorm::new(settings, layout.steps, units, like)?)
        }
        Kind::Layer(settings) => Box::new(row::RowNorm(settings.by_row())),
        Kind::Group(settings) => Box::new(row::RowNorm(settings.by_row())),
        Kind::Rms(settings) => Box::new(row::RowNorm(settings.by_row())),
        // What the latter does is in the weights.
        Kind::None(_) | Kind::Weight(_) => {
            bail!("the graph engine does not have the norm `{}`", layout.kind.kind())
        }
    })
}

/// A norm over rows x units: its arithmetic, then scale and shift where it has them.
pub struct Norm {
    /// Its number in the Sequential.
    number: usize,
    units: usize,
    tensors: Vec<NormTensor>,
    /// In checkpoints alone.
    training_tensors: Vec<NormTensor>,
    /// Scale and shift aside.
    pub arithmetic: Box<dyn Normalise>,
    /// `[units]`
    scale: Option<Var>,
    /// `[units]`
    shift: Option<Var>,
}

impl Norm {
    /// Before the first step.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn new(layout: &NormLayout, units: usize, like: &Like) -> anyhow::Result<Self> {
        let NormLayout { number, tensors, training_tensors, .. } = layout;
        let has = |tensor| tensors.contains(&tensor);
        let Like { dtype, device } = *like;
        Ok(Self {
            number: *number,
            units,
            tensors: tensors.clone(),
            training_tensors: training_tensors.clone(),
            arithmetic: build(layout, units, like)?,
            scale: has(NormTensor::Scale).then(|| Var::ones(units, dtype, device)).transpose()?,
            shift: has(NormTensor::Shift).then(|| Var::zeros(units, dtype, device)).transpose()?,
        })
    }

    /// A training batch, with gradients; `pass` says what becomes of the running statistics.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn train(&mut self, x: &Tensor, pass: Pass) -> Result<Tensor> {
        let normalised = self.arithmetic.train(x, pass)?;
        self.affine(normalised)
    }

    /// Outside of training.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn evaluate(&self, x: &Tensor) -> Result<Tensor> {
        self.affine(self.arithmetic.evaluate(x)?)
    }

    fn affine(&self, normalised: Tensor) -> Result<Tensor> {
        let scaled = match &self.scale {
            Some(scale) => normalised.broadcast_mul(scale)?,
            None => normalised,
        };
        match &self.shift {
            Some(shift) => scaled.broadcast_add(shift),
            None => Ok(scaled),
        }
    }

    /// What training moves, by name.
    pub fn parameters(&self) -> impl Iterator<Item = (String, &Var)> {
        let both = [(NormTensor::Scale, &self.scale), (NormTensor::Shift, &self.shift)];
        both.into_iter().filter_map(|(tensor, var)| Some((self.name(tensor), var.as_ref()?)))
    }

    fn name(&self, tensor: NormTensor) -> String {
        format!("{}.{}", self.number, tensor.name())
    }

    /// Writes all that a weights file holds.
    ///
    /// # Errors
    /// Where the device fails, or the arithmetic lacks a tensor that the settings name.
    pub fn save(&self, state: &mut StateDict) -> anyhow::Result<()> {
        self.save_some(&self.tensors, state)
    }

    /// Writes what training goes by besides.
    ///
    /// # Errors
    /// Where the device fails, or the arithmetic lacks a tensor that the settings name.
    pub fn save_training(&self, state: &mut StateDict) -> anyhow::Result<()> {
        self.save_some(&self.training_tensors, state)
    }

    fn save_some(&self, tensors: &[NormTensor], state: &mut StateDict) -> anyhow::Result<()> {
        for tensor in tensors {
            let name = self.name(*tensor);
            let values = match tensor {
                NormTensor::Scale => self.scale.as_deref(),
                NormTensor::Shift => self.shift.as_deref(),
                NormTensor::Statistic { name, .. } => self.arithmetic.statistic(name),
                NormTensor::Count { .. } => {
                    state.push_count(name, self.arithmetic.batches());
                    continue;
                }
            };
            let values = to_floats(values.with_context(|| lacks(&name))?)?;
            state.push(name, &[self.units], values);
        }
        Ok(())
    }

    /// Reads all that a weights file holds, and what training goes by besides from that.
    ///
    /// # Errors
    /// Where one is missing or has another shape, or the device fails.
    pub fn load(&mut self, state: &StateDict) -> anyhow::Result<()> {
        self.load_some(&self.tensors.clone(), state)?;
        Ok(self.arithmetic.start_from_running()?)
    }

    /// Reads what training goes by besides.
    ///
    /// # Errors
    /// Where one is missing or has another shape, or the device fails.
    pub fn load_training(&mut self, state: &StateDict) -> anyhow::Result<()> {
        self.load_some(&self.training_tensors.clone(), state)
    }

    fn load_some(&mut self, tensors: &[NormTensor], state: &StateDict) -> anyhow::Result<()> {
        let shape = [self.units];
        for tensor in tensors {
            let name = self.name(*tensor);
            match tensor {
                NormTensor::Scale | NormTensor::Shift => {
                    let var = if *tensor == NormTensor::Scale { &self.scale } else { &self.shift };
                    let var = var.as_ref().with_context(|| lacks(&name))?;
                    var.set(&from_floats(state.floats(&name, &shape)?, &shape, var)?)?;
                }
                NormTensor::Statistic { name: last, .. } => {
                    let values = state.floats(&name, &shape)?;
                    let place =
                        self.arithmetic.statistic_mut(last).with_context(|| lacks(&name))?;
                    *place = from_floats(values, &shape, place)?;
                }
                NormTensor::Count { .. } => self.arithmetic.set_batches(state.count(&name)?),
            }
        }
        Ok(())
    }
}

fn lacks(name: &str) -> String {
    format!("the graph engine has no `{name}`")
}
