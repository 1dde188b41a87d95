//! The columns that rules on gradients and complexity read, measured on weights as they are.
//!
//! A probe looks at a fixed part of the training rows in evaluation mode: norms use their running
//! statistics and nothing is dropped, since only then has a row a gradient of its own. It works on a
//! copy of an engine's [`StateDict`], whichever engine that is, and in double precision; a training
//! is the same with it and without.

mod chain;
mod complexity;
mod function;
mod gradients;
mod loss;
mod matrix;
#[cfg(test)]
mod tests;

use anyhow::{Error, Result};

use self::chain::Chain;
use self::gradients::Sums;
use self::matrix::Matrix;
use super::fused::kernels::Isa;
use super::init::initial_state;
use super::layout::Layout;
use super::{Network, StateDict};
use crate::data::{Dataset, Inputs};
use crate::spec::training::{BatchSize, ClassWeights};

/// Training rows that are looked at, at most.
const ROWS: usize = 4096;

/// Batches whose gradients are held against each other (Forouzesh & Thiran 2021).
const BATCHES: usize = 5;

/// Rows that go forward and back at a time.
const BLOCK: usize = 256;

/// Measures some of the columns of [`ON_DEMAND`](crate::history::ON_DEMAND).
pub struct Probe<'a> {
    network: Network<'a>,
    layout: Layout,
    isa: Isa,
    columns: Vec<&'static str>,
    /// The training rows that are looked at, in a random order that never changes.
    rows: Vec<u32>,
    /// Rows of each of the batches that are held against each other.
    batch: usize,
    /// What a row of each class counts.
    class_weights: Option<Vec<f64>>,
    /// The weights before the first step, norms folded in, where a column is about them.
    start: Option<Vec<Matrix>>,
}

impl<'a> Probe<'a> {
    /// For these columns of trainings of a network.
    ///
    /// # Errors
    /// Where `BNES_ISA` names instructions that this processor does not have.
    pub fn new(network: &Network<'a>, columns: Vec<&'static str>) -> Result<Self> {
        let Network { model, training, outputs, data, seed, .. } = *network;
        let layout = Layout::new(model, data.inputs.width(), outputs);
        let mut rows = data.splits.train.clone();
        seed.stream("probe", 0).shuffle(&mut rows);
        rows.truncate(ROWS);
        let fifth = (rows.len() / BATCHES).max(1);
        let batch = match training.batch_size {
            BatchSize::Rows(size) => size.min(fifth),
            BatchSize::Full => fifth,
        };
        let class_weights = match training.class_weights {
            None => None,
            Some(ClassWeights::Balanced) => data.balanced_weights(),
        };
        let start = if columns.contains(&"distance_from_init") {
            let state = initial_state(&layout, &model.init, seed);
            Some(complexity::folded(&Chain::new(&layout, &state)?))
        } else {
            None
        };
        let isa = Isa::chosen().map_err(Error::msg)?;
        Ok(Self { network: *network, layout, isa, columns, rows, batch, class_weights, start })
    }

    /// The cells of its columns for these weights; none where `go_on`, asked every few rows, says no.
    ///
    /// # Errors
    /// Where the weights are not those of the network.
    pub fn measure(
        &self,
        state: &StateDict,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Option<Vec<Option<f64>>>> {
        let chain = Chain::new(&self.layout, state)?;
        let weights = complexity::folded(&chain);
        let reads = |column| self.columns.contains(&column);
        let squares = reads("evidence");
        let sums = if squares || reads("grad_norm") {
            let Some(sums) = self.gradients(&chain, &self.rows, squares, go_on) else {
                return Ok(None);
            };
            Some(sums)
        } else {
            None
        };
        let mut of_batches = Vec::new();
        if reads("grad_disparity") {
            for rows in self.rows.chunks_exact(self.batch).take(BATCHES) {
                let Some(sums) = self.gradients(&chain, rows, false, go_on) else {
                    return Ok(None);
                };
                of_batches.push(sums.mean());
            }
        }
        let cell = |column: &&str| match *column {
            "evidence" => sums.as_ref()?.evidence(),
            "grad_norm" => Some(sums.as_ref()?.norm()),
            "grad_disparity" => gradients::disparity(&of_batches),
            "weight_norm" => Some(complexity::weight_norm(&weights)),
            "path_norm" => Some(complexity::path_norm(&weights)),
            "spectral_norm" => Some(complexity::spectral_norm(&weights)),
            "distance_from_init" => Some(complexity::distance(&weights, self.start.as_ref()?)),
            _ => None,
        };
        Ok(Some(self.columns.iter().map(cell).collect()))
    }

    /// The gradients of these rows, added up, and of their squares where they are wanted.
    fn gradients(
        &self,
        chain: &Chain,
        rows: &[u32],
        squares: bool,
        go_on: &dyn Fn() -> bool,
    ) -> Option<Sums> {
        let Network { loss, data, .. } = self.network;
        let weights = self.class_weights.as_deref();
        let mut sums = Sums::new(chain.parameters(), squares);
        for rows in rows.chunks(BLOCK) {
            if !go_on() {
                return None;
            }
            let mut passed = chain.forward(inputs(data, rows), self.isa);
            let outputs = passed.pop()?;
            let delta = loss::by_outputs(loss, &outputs, &data.targets, rows, weights);
            let Sums { of_gradients, of_squares, .. } = &mut sums;
            chain.back(&passed, delta, of_gradients, of_squares.as_deref_mut(), self.isa);
            sums.rows += rows.len();
        }
        Some(sums)
    }
}

/// What the network takes of these rows.
fn inputs(data: &Dataset, rows: &[u32]) -> Matrix {
    let width = data.inputs.width();
    let mut gathered = Vec::with_capacity(rows.len() * width);
    for row in rows {
        let at = *row as usize * width;
        match &data.inputs {
            Inputs::Table { values, .. } => {
                gathered.extend(values[at..at + width].iter().map(|value| f64::from(*value)));
            }
            Inputs::Images { bytes, scale, shift, .. } => {
                let (scale, shift) = (f64::from(*scale), f64::from(*shift));
                gathered
                    .extend(bytes[at..at + width].iter().map(|b| f64::from(*b) * scale + shift));
            }
        }
    }
    Matrix::new(rows.len(), width, gathered)
}
