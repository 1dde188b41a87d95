//! A layer's norm by itself, in double precision and on plain numbers: what the probe asks of it.

use std::sync::Arc;

use anyhow::{Context, Result};
use candle_core::{DType, Device, Tensor, Var};

use super::{Like, Norm, Pass};
use crate::nn::layout::NormLayout;
use crate::nn::state::StateDict;

/// A norm as a state holds it, scale and shift aside. Nothing that passes through moves it.
#[derive(Clone)]
pub struct NormAlone {
    layout: NormLayout,
    units: usize,
    /// Whether the state has what training alone goes by.
    is_training: bool,
    state: Arc<StateDict>,
}

/// What every row goes by outside of training, unit by unit: (x - mean) / sd.
#[derive(Debug, Clone, PartialEq)]
pub struct Fixed {
    /// Of each unit.
    pub mean: Vec<f64>,
    /// Of each unit, eps in it.
    pub sd: Vec<f64>,
}

impl Fixed {
    /// Mean and standard deviation of each unit.
    pub fn by_unit(&self) -> impl Iterator<Item = (f64, f64)> {
        self.mean.iter().copied().zip(self.sd.iter().copied())
    }
}

impl NormAlone {
    /// The norm of this place in a state.
    ///
    /// # Errors
    /// Where the state lacks a tensor of it.
    pub fn new(layout: &NormLayout, units: usize, state: &StateDict) -> Result<Self> {
        let mut own = StateDict::default();
        for tensor in &layout.tensors {
            let name = format!("{}.{}", layout.number, tensor.name());
            own.tensors.push(state.get(&name)?.clone());
        }
        // A weights file does not have these; then they follow from what it has.
        let names =
            layout.training_tensors.iter().map(|t| format!("{}.{}", layout.number, t.name()));
        let of_training: Vec<_> =
            names.filter_map(|name| Some(state.get(&name).ok()?.clone())).collect();
        let is_training = of_training.len() == layout.training_tensors.len();
        own.tensors.extend(of_training);
        let alone = Self { layout: layout.clone(), units, is_training, state: Arc::new(own) };
        alone.norm()?;
        Ok(alone)
    }

    /// The graph's norm, built for each use: a pass through it moves its statistics.
    fn norm(&self) -> Result<Norm> {
        let like = Like { dtype: DType::F64, device: &Device::Cpu };
        let mut norm = Norm::new(&self.layout, self.units, &like)?;
        norm.load(&self.state)?;
        if self.is_training {
            norm.load_training(&self.state)?;
        }
        Ok(norm)
    }

    fn tensor(&self, rows: &[f64]) -> Result<Tensor> {
        let shape = (rows.len() / self.units, self.units);
        Ok(Tensor::from_slice(rows, shape, &Device::Cpu)?)
    }

    /// What it goes by outside of training; none where each row goes by its own.
    ///
    /// # Errors
    /// Where candle fails.
    pub fn fixed(&self) -> Result<Option<Fixed>> {
        fixed(&self.norm()?)
    }

    /// These rows normalised as one batch in training, and what it would go by outside of training
    /// after a recalibration on them.
    ///
    /// # Errors
    /// Where candle fails.
    pub fn recalibrated(&self, rows: &[f64]) -> Result<(Vec<f64>, Option<Fixed>)> {
        let mut norm = self.norm()?;
        let normalised = norm.arithmetic.train(&self.tensor(rows)?, Pass::Recalibrate)?;
        norm.arithmetic.finish_recalibration(true)?;
        Ok((numbers(&normalised)?, fixed(&norm)?))
    }

    /// These rows normalised, as one batch in training.
    ///
    /// # Errors
    /// Where candle fails.
    pub fn normalised(&self, rows: &[f64]) -> Result<Vec<f64>> {
        numbers(&self.norm()?.arithmetic.train(&self.tensor(rows)?, Pass::Train)?)
    }

    /// The same with their graph, to go back by.
    ///
    /// # Errors
    /// Where candle fails.
    pub fn trained(&self, rows: &[f64]) -> Result<(Vec<f64>, WayBack)> {
        let rows = Var::from_tensor(&self.tensor(rows)?)?;
        let normalised = self.norm()?.arithmetic.train(&rows, Pass::Train)?;
        Ok((numbers(&normalised)?, WayBack { rows, normalised }))
    }
}

/// The graph from rows to what they were normalised to, as one batch in training.
pub struct WayBack {
    rows: Var,
    normalised: Tensor,
}

impl WayBack {
    /// The derivatives by the rows, from those by what they were normalised to.
    ///
    /// # Errors
    /// Where candle fails, or has no backward pass for an operation of the norm.
    pub fn back(&self, by_normalised: &[f64]) -> Result<Vec<f64>> {
        let by_normalised =
            Tensor::from_slice(by_normalised, self.normalised.shape(), &Device::Cpu)?;
        let mut gradients = (&self.normalised * by_normalised)?.sum_all()?.backward()?;
        // Some operations have no backward pass and drop gradients without a word.
        let by_rows = gradients.remove(&self.rows).context("a norm passes no gradient on")?;
        numbers(&by_rows)
    }
}

fn numbers(tensor: &Tensor) -> Result<Vec<f64>> {
    Ok(tensor.flatten_all()?.to_vec1()?)
}

fn fixed(norm: &Norm) -> Result<Option<Fixed>> {
    let Some((mean, sd)) = norm.arithmetic.fixed()? else { return Ok(None) };
    Ok(Some(Fixed { mean: mean.to_vec1()?, sd: sd.to_vec1()? }))
}
