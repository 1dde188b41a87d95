//! The columns of gradients, complexity and what is inside, measured on weights as they are.
//!
//! A probe looks at a fixed part of the training rows in evaluation mode: norms use their running
//! statistics, since only then has a row a gradient of its own. Where a column is about training mode
//! they use those of the rows at hand. Nothing is dropped in either. It works on a copy of an
//! engine's [`StateDict`], whichever engine that is, and in double precision; a training is the same
//! with it and without.

mod chain;
mod complexity;
mod function;
mod gradients;
mod inside;
mod loss;
mod matrix;
mod norm;
mod stop;
#[cfg(test)]
mod tests;

use anyhow::{Error, Result};

use self::chain::Chain;
use self::gradients::Sums;
use self::matrix::Matrix;
use self::norm::Mode;
use self::stop::{GoOn, Stop};
use super::layout::Layout;
use super::start::start;
use super::{Network, StateDict};
use crate::config::evaluation::Inside;
use crate::config::model::{Along, ModelConfig, NormSettings};
use crate::config::training::{BatchSize, ClassWeights};
use crate::data::Inputs;
use crate::history::ON_DEMAND;
use bnes_kernels::Isa;

/// Training rows that are looked at, at most.
const ROWS: usize = 4096;

/// Batches whose gradients are held against each other (Forouzesh & Thiran 2021).
const BATCHES: usize = 5;

/// Rows that go forward and back at a time.
const BLOCK: usize = 256;

/// The measures of complexity.
const MEASURES: [&str; 4] = ["weight_norm", "path_norm", "spectral_norm", "distance_from_init"];

/// What the gradients by what is trained tell.
const GRADIENTS: [&str; 3] = ["evidence", "grad_norm", "grad_disparity"];

/// Columns that are measured together.
type Cells<const COUNT: usize> = [(&'static str, Option<f64>); COUNT];

/// The columns of [`ON_DEMAND`] that can be measured of a network.
#[must_use]
pub fn columns_of(model: &ModelConfig) -> Vec<&'static str> {
    ON_DEMAND.into_iter().filter(|column| lacking(column, model).is_none()).collect()
}

/// Why a column of [`ON_DEMAND`] cannot be measured of a network; none where it can.
#[must_use]
pub fn lacking(column: &str, model: &ModelConfig) -> Option<&'static str> {
    let moves_lengths = model.hidden_norm().is_some_and(NormSettings::normalises_weights);
    if MEASURES.contains(&column) && model.norm_along() == Some(Along::Row) {
        return Some("the norm has a factor of each row, which does not fold into the weights");
    }
    if GRADIENTS.contains(&column) && moves_lengths {
        return Some("the gradient by lengths and directions of weights is not measured");
    }
    let of = Inside::ALL.into_iter().find(|what| what.columns().contains(&column));
    of.and_then(|what| what.lacking(model))
}

/// Measures some of the columns of [`ON_DEMAND`].
pub struct Probe<'a> {
    network: Network<'a>,
    layout: Layout,
    isa: Isa,
    columns: Vec<&'static str>,
    /// The training rows that are looked at, in a random order that never changes.
    rows: Vec<u32>,
    /// Rows of each of the batches that are held against each other.
    batch: usize,
    /// Rows of a batch in training, or all where there are not as many.
    training_batch: usize,
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
        let Network { training, data, seed, .. } = *network;
        let layout = Layout::of(network);
        let mut rows = data.splits.train.clone();
        seed.stream("probe", 0).shuffle(&mut rows);
        rows.truncate(ROWS);
        let fifth = (rows.len() / BATCHES).max(1);
        let batch = match training.batch_size {
            BatchSize::Rows(size) => size.min(fifth),
            BatchSize::Full => fifth,
        };
        let training_batch = training.batch_size.rows(rows.len()).max(1);
        let class_weights = match training.class_weights {
            None => None,
            Some(ClassWeights::Balanced) => data.balanced_weights(),
        };
        let start = if columns.contains(&"distance_from_init") {
            complexity::folded(&Chain::new(&layout, &start(network)?)?)
        } else {
            None
        };
        let isa = Isa::chosen().map_err(Error::msg)?;
        let network = *network;
        Ok(Self {
            network,
            layout,
            isa,
            columns,
            rows,
            batch,
            training_batch,
            class_weights,
            start,
        })
    }

    /// The cells of its columns for these weights, at the learning rate of the epoch; none where
    /// `go_on`, asked every few rows, says no.
    ///
    /// # Errors
    /// Where the weights are not those of the network.
    pub fn measure(
        &self,
        state: &StateDict,
        lr: f64,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Option<Vec<Option<f64>>>> {
        let chain = Chain::new(&self.layout, state)?;
        let go_on = || if go_on() { Ok(()) } else { Err(Stop::Interrupted) };
        let measured = match self.families(&chain, lr, &go_on) {
            Ok(measured) => measured,
            Err(Stop::Interrupted) => return Ok(None),
            Err(Stop::Failed(error)) => return Err(error),
        };
        let cell = |column: &&str| measured.iter().find(|(name, _)| name == column)?.1;
        Ok(Some(self.columns.iter().map(cell).collect()))
    }

    /// Every family of columns of which it has one, none but these.
    fn families(
        &self,
        chain: &Chain,
        lr: f64,
        go_on: GoOn,
    ) -> Result<Vec<(&'static str, Option<f64>)>, Stop> {
        let reads = |names: &[&str]| names.iter().any(|name| self.columns.contains(name));
        let asks = |what: Inside| reads(what.columns());
        let mut measured = Vec::new();
        let squares = reads(&["evidence"]);
        if squares || reads(&["grad_norm"]) {
            let sums = self.gradients(chain, &self.rows, squares, go_on)?;
            measured.push(("evidence", sums.evidence()));
            measured.push(("grad_norm", Some(sums.norm())));
        }
        if reads(&["grad_disparity"]) {
            measured.extend(self.disparity(chain, go_on)?);
        }
        if reads(&MEASURES) {
            measured.extend(self.complexity(chain));
        }
        if asks(Inside::Preactivations) {
            measured.extend(self.preactivations(chain, go_on)?);
        }
        if asks(Inside::Modes) {
            measured.extend(self.modes(chain, go_on)?);
        }
        if asks(Inside::Drift) {
            measured.extend(self.drift(chain, go_on)?);
        }
        if asks(Inside::Landscape) {
            measured.extend(self.landscape(chain, lr, go_on)?);
        }
        Ok(measured)
    }

    fn disparity(&self, chain: &Chain, go_on: GoOn) -> Result<Cells<1>, Stop> {
        let batches = self.rows.chunks_exact(self.batch).take(BATCHES);
        let of_batch = |rows| Ok(self.gradients(chain, rows, false, go_on)?.mean());
        let of_batches: Vec<Vec<f64>> = batches.map(of_batch).collect::<Result<_, Stop>>()?;
        Ok([("grad_disparity", gradients::disparity(&of_batches))])
    }

    fn complexity(&self, chain: &Chain) -> Cells<4> {
        let weights = complexity::folded(chain);
        let weights = weights.as_deref();
        let cells = [
            weights.map(complexity::weight_norm),
            weights.map(complexity::path_norm),
            weights.map(complexity::spectral_norm),
            weights.zip(self.start.as_deref()).map(|(now, start)| complexity::distance(now, start)),
        ];
        std::array::from_fn(|index| (MEASURES[index], cells[index]))
    }

    /// The gradients of these rows, added up, and of their squares where they are wanted.
    fn gradients(
        &self,
        chain: &Chain,
        rows: &[u32],
        squares: bool,
        go_on: GoOn,
    ) -> Result<Sums, Stop> {
        let Network { loss, data, .. } = self.network;
        let weights = self.class_weights.as_deref();
        let mut sums = Sums::new(chain.parameters(), squares);
        for rows in rows.chunks(BLOCK) {
            let mode = Mode::Evaluation;
            let passed = chain.forward(self.inputs(rows), mode, self.isa, go_on)?;
            let (_, delta) = loss::by_outputs(loss, &passed.outputs, &data.targets, rows, weights);
            let Sums { of_gradients, of_squares, .. } = &mut sums;
            let of_squares = of_squares.as_deref_mut();
            chain.back(&passed, delta, of_gradients, of_squares, self.isa)?;
            sums.rows += rows.len();
        }
        Ok(sums)
    }

    /// What the network takes of these rows.
    fn inputs(&self, rows: &[u32]) -> Matrix {
        let inputs = &self.network.data.inputs;
        let width = inputs.width();
        let mut gathered = Vec::with_capacity(rows.len() * width);
        for row in rows {
            match inputs {
                Inputs::Table(table) => {
                    gathered.extend(table.row(*row as usize).iter().map(|v| f64::from(*v)));
                }
                Inputs::Images { bytes, scale, shift, .. } => {
                    let (scale, shift) = (f64::from(*scale), f64::from(*shift));
                    let bytes = &bytes[*row as usize * width..][..width];
                    gathered.extend(bytes.iter().map(|byte| f64::from(*byte) * scale + shift));
                }
            }
        }
        Matrix::new(rows.len(), width, gathered)
    }
}
