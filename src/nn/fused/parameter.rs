//! Numbers that training moves, with what the optimizer remembers of them.

use super::optimizer;
use crate::config::training::Optimizer;
use bnes_kernels::Isa;
use bnes_kernels::buffer::Buffer;
use bnes_kernels::update::{ApplyGradient, SquaredNorm, Step, Weights};

/// A panel of weights, or one number for each of its columns.
pub struct Parameter {
    /// Columns beyond the layer's width stay 0.
    pub values: Buffer,
    /// As long as `values`, or empty where no gradient is kept.
    pub gradient: Buffer,
    /// As long as `values` each.
    pub memory: Vec<Buffer>,
    /// Whether weight decay applies.
    pub decays: bool,
}

/// The two forms of an optimizer's step: with weight decay for the weights of a Linear, and without
/// for all else.
#[derive(Clone, Copy)]
pub struct Steps {
    decaying: Step,
    plain: Step,
}

impl Steps {
    /// Step number `number` (from 1).
    pub fn new(settings: &Optimizer, lr_factor: f64, number: i32) -> Self {
        let decaying = optimizer::step(settings, lr_factor, number);
        Self { decaying, plain: decaying.without_decay() }
    }

    /// The one for a parameter.
    pub fn of(&self, decays: bool) -> Step {
        if decays { self.decaying } else { self.plain }
    }
}

impl Parameter {
    /// Zeros before their first step; `keeps_gradient` where the gradient has to be there before the
    /// step.
    pub fn new(len: usize, settings: &Optimizer, decays: bool, keeps_gradient: bool) -> Self {
        let memory = optimizer::memory(settings).into_iter();
        Self {
            values: Buffer::zeros(len),
            gradient: Buffer::zeros(if keeps_gradient { len } else { 0 }),
            memory: memory.map(|start| Buffer::filled(len, start)).collect(),
            decays,
        }
    }

    /// Moves along the gradient that was kept; `columns` are those that are wanted.
    pub fn step(&mut self, isa: Isa, steps: &Steps, scale: f32, columns: usize) {
        let Self { values, gradient, memory, decays } = self;
        let weights = Weights { values, memory };
        ApplyGradient { step: steps.of(*decays), weights, gradient, scale, columns }.run(isa);
    }

    /// The squared norm of the gradient that was kept.
    pub fn squared_norm(&self, isa: Isa) -> f64 {
        SquaredNorm(&self.gradient).run(isa)
    }
}
