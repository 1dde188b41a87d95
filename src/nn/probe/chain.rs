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
use super::norm::{Mode, NormStep};
use super::stop::{GoOn, Stop};
use crate::nn::layout::{LayerLayout, Layout};
use crate::nn::state::StateDict;
use crate::spec::model::{Activation, Placement};
use bnes_kernels::Isa;

/// Steps from a row's inputs to its outputs.
#[derive(Clone)]
pub struct Chain {
    /// In the order of a pass; that of their parameters is the same.
    pub steps: Vec<Step>,
}

/// A forward pass.
pub struct Passed {
    /// What went into each step.
    pub inputs: Vec<Matrix>,
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
        let mut passed = Passed { inputs: Vec::with_capacity(self.steps.len()), outputs: inputs };
        for step in &self.steps {
            go_on()?;
            let outputs = step.forward(&passed.outputs, mode, isa)?;
            passed.inputs.push(std::mem::replace(&mut passed.outputs, outputs));
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
    /// `squares` where they are wanted, which they can only be in evaluation mode. `inputs` are
    /// those of a forward pass in the same mode, `delta` the derivative of each row's loss by its outputs.
    ///
    /// # Errors
    /// Where the arithmetic of a norm fails.
    pub fn back(
        &self,
        inputs: &[Matrix],
        mut delta: Matrix,
        mode: Mode,
        sums: &mut [f64],
        mut squares: Option<&mut [f64]>,
        isa: Isa,
    ) -> Result<()> {
        let mut end = self.parameters();
        for (index, step) in self.steps.iter().enumerate().rev() {
            let inputs = &inputs[index];
            let place = end - step.parameters()..end;
            end = place.start;
            if !place.is_empty() {
                let factors = step.factors(inputs, mode)?;
                let factors = factors.as_ref().unwrap_or(inputs);
                step.accumulate(factors, &delta, &mut sums[place.clone()], isa);
                if let Some(squares) = &mut squares {
                    let (factors, delta) = (factors.squared(), delta.squared());
                    step.accumulate(&factors, &delta, &mut squares[place], isa);
                }
            }
            if index > 0 {
                delta = step.back(inputs, delta, mode, isa)?;
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
                bias.iter_mut().for_each(|bias| along(bias));
            }
            Self::Norm(NormStep { scale, shift, .. }) => {
                scale.iter_mut().chain(shift).for_each(|values| along(values));
            }
            Self::Activation(_) => {}
        }
    }

    fn forward(&self, inputs: &Matrix, mode: Mode, isa: Isa) -> Result<Matrix> {
        Ok(match self {
            Self::Linear { transposed, bias, .. } => {
                let mut outputs = inputs.times(transposed, isa);
                if let Some(bias) = bias {
                    outputs.by_row_mut().for_each(|row| add(row, bias));
                }
                outputs
            }
            Self::Norm(norm) => norm.forward(inputs, mode)?,
            Self::Activation(activation) => inputs.map(|x| function::value(*activation, x)),
        })
    }

    /// One batch in blocks, in training mode: a norm takes them all at once.
    ///
    /// # Errors
    /// Where `go_on`, asked at every block, says no.
    pub fn train(&self, blocks: &mut Vec<Matrix>, isa: Isa, go_on: GoOn) -> Result<(), Stop> {
        if let (Self::Norm(norm), Some(first)) = (self, blocks.first()) {
            go_on()?;
            let batch = norm.forward(&Matrix::stacked(blocks), Mode::Training)?;
            *blocks = batch.in_blocks(first.rows);
            return Ok(());
        }
        for block in blocks {
            go_on()?;
            *block = self.forward(block, Mode::Training, isa)?;
        }
        Ok(())
    }

    /// What a row's derivatives are multiplied by to give its gradient, where it is not the inputs.
    fn factors(&self, inputs: &Matrix, mode: Mode) -> Result<Option<Matrix>> {
        match self {
            Self::Norm(norm) => norm.normalised(inputs, mode).map(Some),
            Self::Linear { .. } | Self::Activation(_) => Ok(None),
        }
    }

    /// Adds the products of factors and derivatives over all rows.
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
    fn back(&self, inputs: &Matrix, mut delta: Matrix, mode: Mode, isa: Isa) -> Result<Matrix> {
        Ok(match self {
            Self::Linear { weights, .. } => delta.times(weights, isa),
            Self::Norm(norm) => norm.back(inputs, delta, mode)?,
            Self::Activation(activation) => {
                for (delta, x) in delta.values.iter_mut().zip(&inputs.values) {
                    *delta *= function::slope(*activation, *x);
                }
                delta
            }
        })
    }
}

fn linear(layer: &LayerLayout, state: &StateDict) -> Result<Step> {
    let LayerLayout { linear, inputs, outputs, bias, .. } = layer;
    let weights = state.doubles(&format!("{linear}.weight"), &[*outputs, *inputs])?;
    let bias = bias.then(|| state.doubles(&format!("{linear}.bias"), &[*outputs]));
    Ok(Step::linear(Matrix::new(*outputs, *inputs, weights), bias.transpose()?))
}
