//! A network as a chain of steps, forward and back, in double precision.
//!
//! In evaluation mode no row knows of another, so every row has a gradient of its own, and for each
//! step the gradient by a parameter is a product of two numbers of that row: what came into it and
//! the derivative of the loss by what went out. Sums over rows of the gradients and of their squares
//! are therefore the same sum, of the numbers and of their squares. In training mode all rows of a
//! pass are one batch.

use anyhow::Result;

use super::function;
use super::matrix::{Matrix, add};
use super::norm::{Kept, Mode, NormStep};
use super::stop::{GoOn, Stop};
use crate::config::model::{Activation, Placement};
use crate::nn::layout::{LayerLayout, Layout};
use crate::nn::state::StateDict;
use bnes_kernels::Isa;

/// Steps from a row's inputs to its outputs.
#[derive(Clone)]
pub struct Chain {
    /// In the order of a pass; that of their parameters is the same.
    pub steps: Vec<Step>,
}

/// A forward pass.
pub struct Passed {
    /// Of each step.
    kept: Vec<Kept>,
    /// What came out of the last.
    pub outputs: Matrix,
}

/// One step.
#[derive(Clone)]
pub enum Step {
    /// x W^T + b
    Linear {
        /// outputs x inputs
        weights: Matrix,
        /// inputs x outputs
        transposed: Matrix,
        /// Per output.
        bias: Option<Vec<f64>>,
    },
    /// Normalised, scaled and shifted.
    Norm(NormStep),
    /// A function of each unit.
    Activation(Activation),
}

impl Chain {
    /// The network that `state` holds.
    ///
    /// # Errors
    /// Where a tensor is missing or has another shape.
    pub fn new(layout: &Layout, state: &StateDict) -> Result<Self> {
        let mut steps = Vec::new();
        if let (Some(norm), Some(first)) = (&layout.input_norm, layout.layers.first()) {
            steps.push(Step::Norm(NormStep::new(norm, first.inputs, state)?));
        }
        for layer in &layout.layers {
            steps.push(linear(layer, state)?);
            let Some(hidden) = &layer.hidden else { continue };
            let activation = Step::Activation(hidden.activation);
            let norm = layer.norm().map(|norm| NormStep::new(norm, layer.outputs, state));
            let norm = norm.transpose()?.map(Step::Norm);
            match layer.placement() {
                Placement::BeforeActivation => steps.extend(norm.into_iter().chain([activation])),
                Placement::AfterActivation => steps.extend([activation].into_iter().chain(norm)),
            }
        }
        Ok(Self { steps })
    }

    /// The chain after a step along `direction`, which has a number for each parameter.
    pub fn moved(&self, direction: &[f64], by: f64) -> Self {
        let mut moved = self.clone();
        let mut rest = direction;
        for step in &mut moved.steps {
            let (own, others) = rest.split_at(step.parameters());
            step.shift(own, by);
            rest = others;
        }
        moved
    }

    /// Numbers that training moves.
    pub fn parameters(&self) -> usize {
        self.steps.iter().map(Step::parameters).sum()
    }

    /// Takes rows through all steps.
    ///
    /// # Errors
    /// Where `go_on`, asked at every step, says no.
    pub fn forward(
        &self,
        inputs: Matrix,
        mode: Mode,
        isa: Isa,
        go_on: GoOn,
    ) -> Result<Passed, Stop> {
        let mut passed = Passed { kept: Vec::with_capacity(self.steps.len()), outputs: inputs };
        for step in &self.steps {
            go_on()?;
            let (outputs, kept) = step.keep(passed.outputs, mode, isa)?;
            passed.outputs = outputs;
            passed.kept.push(kept);
        }
        Ok(passed)
    }

    /// What comes out of the last step, of one batch in blocks in training mode; dropout aside.
    ///
    /// # Errors
    /// Where `go_on`, asked at every block of every step, says no.
    pub fn train(
        &self,
        mut blocks: Vec<Matrix>,
        isa: Isa,
        go_on: GoOn,
    ) -> Result<Vec<Matrix>, Stop> {
        for step in &self.steps {
            step.train(&mut blocks, isa, go_on)?;
        }
        Ok(blocks)
    }

    /// Adds the sum over rows of each parameter's gradient to `sums`, and that of its squares to
    /// `squares` where they are wanted, which they can only be in evaluation mode. `delta` is the
    /// derivative of each row's loss by its outputs.
    ///
    /// # Errors
    /// Where the arithmetic of a norm fails.
    pub fn back(
        &self,
        passed: &Passed,
        mut delta: Matrix,
        sums: &mut [f64],
        mut squares: Option<&mut [f64]>,
        isa: Isa,
    ) -> Result<()> {
        let mut end = self.parameters();
        for (index, step) in self.steps.iter().enumerate().rev() {
            let kept = &passed.kept[index];
            let place = end - step.parameters()..end;
            end = place.start;
            if !place.is_empty() {
                let factors = &kept.rows;
                step.accumulate(factors, &delta, &mut sums[place.clone()], isa);
                if let Some(squares) = &mut squares {
                    let (factors, delta) = (factors.squared(), delta.squared());
                    step.accumulate(&factors, &delta, &mut squares[place], isa);
                }
            }
            if index > 0 {
                delta = step.back(kept, delta, isa)?;
            }
        }
        Ok(())
    }
}

impl Step {
    /// A Linear of these weights, outputs x inputs.
    pub fn linear(weights: Matrix, bias: Option<Vec<f64>>) -> Self {
        Self::Linear { transposed: weights.transposed(), weights, bias }
    }

    fn parameters(&self) -> usize {
        match self {
            Self::Linear { weights, bias, .. } => {
                weights.values.len() + bias.as_ref().map_or(0, Vec::len)
            }
            Self::Norm(norm) => norm.parameters(),
            Self::Activation(_) => 0,
        }
    }

    /// Adds `by` times `direction` to the parameters.
    fn shift(&mut self, direction: &[f64], by: f64) {
        let mut rest = direction;
        let mut along = |values: &mut [f64]| {
            let (own, others) = rest.split_at(values.len());
            values.iter_mut().zip(own).for_each(|(value, d)| *value += by * d);
            rest = others;
        };
        match self {
            Self::Linear { weights, transposed, bias } => {
                along(&mut weights.values);
                *transposed = weights.transposed();
                if let Some(bias) = bias {
                    along(bias);
                }
            }
            Self::Norm(NormStep { scale, shift, .. }) => {
                scale.iter_mut().chain(shift).for_each(|values| along(values));
            }
            Self::Activation(_) => {}
        }
    }

    /// What comes out, and what the way back needs.
    fn keep(&self, inputs: Matrix, mode: Mode, isa: Isa) -> Result<(Matrix, Kept)> {
        let (outputs, rows) = match self {
            Self::Linear { transposed, bias, .. } => {
                (product(&inputs, transposed, bias.as_deref(), isa), inputs)
            }
            Self::Norm(norm) => {
                let kept = norm.normalise(inputs, mode)?;
                return Ok((norm.affine(kept.rows.clone()), kept));
            }
            Self::Activation(activation) => (activate(*activation, &inputs), inputs),
        };
        Ok((outputs, Kept { rows, way_back: None }))
    }

    /// One batch in blocks, in training mode: a norm takes them all at once.
    ///
    /// # Errors
    /// Where `go_on`, asked at every block, says no.
    pub fn train(&self, blocks: &mut Vec<Matrix>, isa: Isa, go_on: GoOn) -> Result<(), Stop> {
        let mut each = |forward: &dyn Fn(&Matrix) -> Matrix| {
            blocks.iter_mut().try_for_each(|block| {
                go_on()?;
                *block = forward(block);
                Ok(())
            })
        };
        match self {
            Self::Linear { transposed, bias, .. } => {
                each(&|block| product(block, transposed, bias.as_deref(), isa))
            }
            Self::Activation(activation) => each(&|block| activate(*activation, block)),
            Self::Norm(norm) => {
                go_on()?;
                let rows = blocks.first().map_or(1, |block| block.rows);
                *blocks = norm.train(&Matrix::stacked(blocks))?.in_blocks(rows);
                Ok(())
            }
        }
    }

    /// Adds the products of factors, which are what was kept, and derivatives over all rows.
    fn accumulate(&self, factors: &Matrix, delta: &Matrix, sums: &mut [f64], isa: Isa) {
        match self {
            Self::Linear { weights, bias, .. } => {
                let (of_weights, of_bias) = sums.split_at_mut(weights.values.len());
                delta.add_transposed_times(factors, of_weights, isa);
                if bias.is_some() {
                    delta.by_row().for_each(|row| add(of_bias, row));
                }
            }
            Self::Norm(norm) => norm.accumulate(factors, delta, sums),
            Self::Activation(_) => {}
        }
    }

    /// The derivatives by what went in.
    fn back(&self, kept: &Kept, mut delta: Matrix, isa: Isa) -> Result<Matrix> {
        Ok(match self {
            Self::Linear { weights, .. } => delta.times(weights, isa),
            Self::Norm(norm) => norm.back(kept, delta)?,
            Self::Activation(activation) => {
                for (delta, x) in delta.values.iter_mut().zip(&kept.rows.values) {
                    *delta *= function::slope(*activation, *x);
                }
                delta
            }
        })
    }
}

/// The outputs of a Linear.
fn product(inputs: &Matrix, transposed: &Matrix, bias: Option<&[f64]>, isa: Isa) -> Matrix {
    let mut outputs = inputs.times(transposed, isa);
    if let Some(bias) = bias {
        outputs.by_row_mut().for_each(|row| add(row, bias));
    }
    outputs
}

fn activate(activation: Activation, inputs: &Matrix) -> Matrix {
    inputs.map(|x| function::value(activation, x))
}

fn linear(layer: &LayerLayout, state: &StateDict) -> Result<Step> {
    let LayerLayout { linear, inputs, outputs, bias, .. } = layer;
    let weights = state.doubles(&format!("{linear}.weight"), &[*outputs, *inputs])?;
    let bias = bias.then(|| state.doubles(&format!("{linear}.bias"), &[*outputs]));
    Ok(Step::linear(Matrix::new(*outputs, *inputs, weights), bias.transpose()?))
}
