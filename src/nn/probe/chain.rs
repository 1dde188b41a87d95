//! A network as a chain of steps, forward and back, in double precision.
//!
//! In evaluation mode no row knows of another, so every row has a gradient of its own, and for each
//! step the gradient by a parameter is a product of two numbers of that row: what came into it and
//! the derivative of the loss by what went out. Sums over rows of the gradients and of their squares
//! are therefore the same sum, of the numbers and of their squares. A chain that has
//! [settled](Chain::settle) on some rows is in training mode for them: its norms have their
//! statistics.

use anyhow::Result;

use super::function;
use super::matrix::{Matrix, add, multiply};
use super::norming::Norming;
use crate::nn::layout::{LayerLayout, Layout, NormLayout};
use crate::nn::state::StateDict;
use crate::spec::model::{Activation, Norm, Placement};
use bnes_kernels::Isa;

/// Steps from a row's inputs to its outputs.
#[derive(Clone)]
pub struct Chain {
    /// In the order of a pass; that of their parameters is the same.
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Clone)]
pub enum Step {
    /// x W^T + b
    Linear {
        /// outputs x inputs
        weights: Matrix,
        /// inputs x outputs
        turned: Matrix,
        /// Per output.
        bias: Option<Vec<f64>>,
    },
    /// scale (x - mean) / spread + shift, unit by unit
    Norm(Norming),
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
            let norm = layer.norm().map(|norm| norming(norm, layer, state));
            let norm = norm.transpose()?.flatten().map(Step::Norm);
            if layer.placement() == Placement::AfterActivation {
                steps.push(activation);
                steps.extend(norm);
            } else {
                steps.extend(norm);
                steps.push(activation);
            }
        }
        Ok(Self { steps })
    }

    /// Gives every norm the statistics of these rows, which come in blocks, as training on them as
    /// one batch would; dropout aside. Their outputs; none where `go_on`, asked at every block of
    /// every step, says no.
    pub fn settle(
        &mut self,
        mut blocks: Vec<Matrix>,
        isa: Isa,
        go_on: &dyn Fn() -> bool,
    ) -> Option<Vec<Matrix>> {
        for step in &mut self.steps {
            if let Step::Norm(norm) = step {
                norm.settle(&blocks);
            }
            for block in &mut blocks {
                if !go_on() {
                    return None;
                }
                *block = step.forward(block, isa);
            }
        }
        Some(blocks)
    }

    /// The norms from the first layer to the last.
    pub fn norms(&self) -> impl Iterator<Item = &Norming> {
        self.steps.iter().filter_map(|step| match step {
            Step::Norm(norm) => Some(norm),
            Step::Linear { .. } | Step::Activation(_) => None,
        })
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

    /// What goes into each step, and what comes out of the last.
    pub fn forward(&self, inputs: Matrix, isa: Isa) -> Vec<Matrix> {
        let mut passed = vec![inputs];
        for step in &self.steps {
            let next = step.forward(&passed[passed.len() - 1], isa);
            passed.push(next);
        }
        passed
    }

    /// Adds the sum over rows of each parameter's gradient to `sums`, and that of its squares to
    /// `squares` where they are wanted. `passed` is a forward pass, `delta` the derivative of each
    /// row's loss by its outputs.
    pub fn back(
        &self,
        passed: &[Matrix],
        mut delta: Matrix,
        sums: &mut [f64],
        mut squares: Option<&mut [f64]>,
        isa: Isa,
    ) {
        let mut end = self.parameters();
        for (index, step) in self.steps.iter().enumerate().rev() {
            let inputs = &passed[index];
            let place = end - step.parameters()..end;
            end = place.start;
            if !place.is_empty() {
                let factors = step.factors(inputs);
                let factors = factors.as_ref().unwrap_or(inputs);
                step.accumulate(factors, &delta, &mut sums[place.clone()], isa);
                if let Some(squares) = &mut squares {
                    let (factors, delta) = (factors.squared(), delta.squared());
                    step.accumulate(&factors, &delta, &mut squares[place], isa);
                }
            }
            if index > 0 {
                delta = step.back(inputs, delta, isa);
            }
        }
    }
}

impl Step {
    /// A Linear of these weights, outputs x inputs.
    pub fn linear(weights: Matrix, bias: Option<Vec<f64>>) -> Self {
        Self::Linear { turned: weights.turned(), weights, bias }
    }

    fn parameters(&self) -> usize {
        match self {
            Self::Linear { weights, bias, .. } => {
                weights.values.len() + bias.as_ref().map_or(0, Vec::len)
            }
            Self::Norm(norm) => norm.affine.as_ref().map_or(0, |(scale, _)| 2 * scale.len()),
            Self::Activation(_) => 0,
        }
    }

    /// Adds `by` times `direction` to the parameters.
    fn shift(&mut self, direction: &[f64], by: f64) {
        let along = |values: &mut [f64], direction: &[f64]| {
            values.iter_mut().zip(direction).for_each(|(value, d)| *value += by * d);
        };
        match self {
            Self::Linear { weights, turned, bias } => {
                let (of_weights, of_bias) = direction.split_at(weights.values.len());
                along(&mut weights.values, of_weights);
                *turned = weights.turned();
                if let Some(bias) = bias {
                    along(bias, of_bias);
                }
            }
            Self::Norm(norm) => {
                if let Some((scale, shift)) = &mut norm.affine {
                    let (of_scale, of_shift) = direction.split_at(scale.len());
                    along(scale, of_scale);
                    along(shift, of_shift);
                }
            }
            Self::Activation(_) => {}
        }
    }

    fn forward(&self, inputs: &Matrix, isa: Isa) -> Matrix {
        match self {
            Self::Linear { turned, bias, .. } => {
                let mut outputs = inputs.times(turned, isa);
                if let Some(bias) = bias {
                    outputs.by_row_mut().for_each(|row| add(row, bias));
                }
                outputs
            }
            Self::Norm(norm) => {
                let mut outputs = norm.normalised(inputs);
                if let Some((scale, shift)) = &norm.affine {
                    for row in outputs.by_row_mut() {
                        multiply(row, scale);
                        add(row, shift);
                    }
                }
                outputs
            }
            Self::Activation(activation) => inputs.map(|x| function::value(*activation, x)),
        }
    }

    /// What a row's derivatives are multiplied by to give its gradient, where it is not the inputs.
    fn factors(&self, inputs: &Matrix) -> Option<Matrix> {
        match self {
            Self::Norm(norm) => Some(norm.normalised(inputs)),
            Self::Linear { .. } | Self::Activation(_) => None,
        }
    }

    /// Adds the products of factors and derivatives over all rows.
    fn accumulate(&self, factors: &Matrix, delta: &Matrix, sums: &mut [f64], isa: Isa) {
        match self {
            Self::Linear { weights, bias, .. } => {
                let (of_weights, of_bias) = sums.split_at_mut(weights.values.len());
                delta.add_turned_times(factors, of_weights, isa);
                if bias.is_some() {
                    delta.by_row().for_each(|row| add(of_bias, row));
                }
            }
            Self::Norm(norm) => {
                let (of_scale, of_shift) = sums.split_at_mut(norm.mean.len());
                for (factors, delta) in factors.by_row().zip(delta.by_row()) {
                    add(of_shift, delta);
                    for ((sum, factor), delta) in of_scale.iter_mut().zip(factors).zip(delta) {
                        *sum += factor * delta;
                    }
                }
            }
            Self::Activation(_) => {}
        }
    }

    /// The derivatives by what went in.
    fn back(&self, inputs: &Matrix, mut delta: Matrix, isa: Isa) -> Matrix {
        match self {
            Self::Linear { weights, .. } => delta.times(weights, isa),
            Self::Norm(norm) => {
                norm.back(inputs, &mut delta);
                delta
            }
            Self::Activation(activation) => {
                for (delta, x) in delta.values.iter_mut().zip(&inputs.values) {
                    *delta *= function::slope(*activation, *x);
                }
                delta
            }
        }
    }
}

fn doubles(state: &StateDict, name: &str, shape: &[usize]) -> Result<Vec<f64>> {
    Ok(state.floats(name, shape)?.iter().map(|value| f64::from(*value)).collect())
}

fn linear(layer: &LayerLayout, state: &StateDict) -> Result<Step> {
    let LayerLayout { linear, inputs, outputs, bias, .. } = layer;
    let weights = doubles(state, &format!("{linear}.weight"), &[*outputs, *inputs])?;
    let bias = bias.then(|| doubles(state, &format!("{linear}.bias"), &[*outputs]));
    Ok(Step::linear(Matrix::new(*outputs, *inputs, weights), bias.transpose()?))
}

/// A layer's norm as it is in evaluation mode; none where there is none.
fn norming(norm: &NormLayout, layer: &LayerLayout, state: &StateDict) -> Result<Option<Norming>> {
    let read = |name: &str| doubles(state, &format!("{}.{name}", norm.number), &[layer.outputs]);
    match &norm.kind {
        Norm::None(_) => Ok(None),
        Norm::Batch(settings) => {
            let affine =
                if settings.affine { Some((read("weight")?, read("bias")?)) } else { None };
            let (mean, var) = (read("running_mean")?, read("running_var")?);
            Ok(Some(Norming::new(settings, mean, var, affine)))
        }
    }
}
