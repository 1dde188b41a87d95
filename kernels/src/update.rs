//! Gradients of weights, and the steps of the optimizers along them, with `PyTorch`'s update rules.

use super::buffer::Buffer;
use super::normalise::Row;
use super::product::Block;
use super::{Kernel, PANEL, Simd, columns_of, entry_points};

entry_points!(
    Update => (),
    UpdateDirections => (),
    WeightGradient => (),
    ApplyGradient => (),
    SquaredNorm => f64,
);

/// A step of an optimizer, its constants worked out once.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    /// `adam` and `adamw` without weight decay.
    Adam(Adam),
    /// `adam` and `adamw` with weight decay.
    DecayingAdam(DecayingAdam),
    /// `sgd`.
    Sgd(Sgd),
    /// `rmsprop`.
    RmsProp(RmsProp),
    /// `rprop`.
    Rprop(Rprop),
}

/// The constants of a step of `adam` or `adamw`.
#[derive(Debug, Clone, Copy)]
pub struct Adam {
    /// lr / (1 - beta1^t)
    pub rate: f32,
    /// Of the mean.
    pub beta1: f32,
    /// 1 - beta1
    pub beta1_rest: f32,
    /// Of the mean square.
    pub beta2: f32,
    /// 1 - beta2
    pub beta2_rest: f32,
    /// 1 / sqrt(1 - beta2^t)
    pub correction: f32,
    /// Added to the root.
    pub eps: f32,
}

/// The constants of a step of `adam` or `adamw` with weight decay.
#[derive(Debug, Clone, Copy)]
pub struct DecayingAdam {
    /// The step without it.
    pub adam: Adam,
    /// Added to the gradient, times the weight: `adam`.
    pub decay: f32,
    /// Factor of the weight before the step: `adamw`.
    pub keep: f32,
}

/// The constants of a step of `sgd`.
#[derive(Debug, Clone, Copy)]
pub struct Sgd {
    /// The learning rate.
    pub rate: f32,
    /// Added to the gradient, times the weight.
    pub decay: f32,
    /// 0 in the first step, whose velocity is the gradient itself.
    pub momentum: f32,
    /// How much of the velocity the weight moves along.
    pub along_velocity: f32,
    /// How much of the gradient.
    pub along_gradient: f32,
}

/// The constants of a step of `rmsprop`.
#[derive(Debug, Clone, Copy)]
pub struct RmsProp {
    /// The learning rate.
    pub rate: f32,
    /// Added to the gradient, times the weight.
    pub decay: f32,
    /// Of the mean square.
    pub alpha: f32,
    /// 1 - alpha
    pub alpha_rest: f32,
    /// Added to the root.
    pub eps: f32,
}

/// The constants of a step of `rprop`.
#[derive(Debug, Clone, Copy)]
pub struct Rprop {
    /// Of the step: what a schedule makes of the learning rate.
    pub factor: f32,
    /// Added to the gradient, times the weight.
    pub decay: f32,
    /// Factor of the step size where the gradient changed its sign.
    pub eta_minus: f32,
    /// Factor where it did not.
    pub eta_plus: f32,
    /// The least step size.
    pub step_min: f32,
    /// The largest.
    pub step_max: f32,
}

impl Step {
    /// The same step for a parameter that does not decay.
    #[must_use]
    pub fn without_decay(self) -> Self {
        match self {
            Self::Adam(adam) | Self::DecayingAdam(DecayingAdam { adam, .. }) => Self::Adam(adam),
            Self::Sgd(sgd) => Self::Sgd(Sgd { decay: 0.0, ..sgd }),
            Self::RmsProp(rmsprop) => Self::RmsProp(RmsProp { decay: 0.0, ..rmsprop }),
            Self::Rprop(rprop) => Self::Rprop(Rprop { decay: 0.0, ..rprop }),
        }
    }
}

/// One optimizer's step on one register of weights.
trait Rule: Copy {
    /// The weights and the memory after the step; memory that the optimizer does not have is read
    /// as 0 and not written.
    fn step<S: Simd>(self, simd: S, w: S::V, g: S::V, memory: [S::V; 2]) -> (S::V, [S::V; 2]);
}

impl Rule for Adam {
    #[inline(always)]
    fn step<S: Simd>(self, simd: S, w: S::V, g: S::V, [m, v]: [S::V; 2]) -> (S::V, [S::V; 2]) {
        let m = simd.mul_add(m, simd.splat(self.beta1), simd.mul(g, simd.splat(self.beta1_rest)));
        let square = simd.mul(g, g);
        let v =
            simd.mul_add(v, simd.splat(self.beta2), simd.mul(square, simd.splat(self.beta2_rest)));
        // The root keeps the divider busy while the quotient's steps of Newton's multiply.
        let spread = simd.mul_add(simd.sqrt(v), simd.splat(self.correction), simd.splat(self.eps));
        let inverse = simd.fast_inverse(spread);
        (simd.mul_sub_from(simd.mul(m, simd.splat(self.rate)), inverse, w), [m, v])
    }
}

impl Rule for DecayingAdam {
    #[inline(always)]
    fn step<S: Simd>(self, simd: S, w: S::V, g: S::V, memory: [S::V; 2]) -> (S::V, [S::V; 2]) {
        let g = simd.mul_add(w, simd.splat(self.decay), g);
        self.adam.step(simd, simd.mul(w, simd.splat(self.keep)), g, memory)
    }
}

impl Rule for Sgd {
    #[inline(always)]
    fn step<S: Simd>(self, simd: S, w: S::V, g: S::V, [u, none]: [S::V; 2]) -> (S::V, [S::V; 2]) {
        let g = simd.mul_add(w, simd.splat(self.decay), g);
        let u = simd.mul_add(u, simd.splat(self.momentum), g);
        let along = simd.mul_add(
            u,
            simd.splat(self.along_velocity),
            simd.mul(g, simd.splat(self.along_gradient)),
        );
        (simd.mul_sub_from(along, simd.splat(self.rate), w), [u, none])
    }
}

impl Rule for RmsProp {
    #[inline(always)]
    fn step<S: Simd>(self, simd: S, w: S::V, g: S::V, [v, none]: [S::V; 2]) -> (S::V, [S::V; 2]) {
        let g = simd.mul_add(w, simd.splat(self.decay), g);
        let square = simd.mul(g, g);
        let v =
            simd.mul_add(v, simd.splat(self.alpha), simd.mul(square, simd.splat(self.alpha_rest)));
        let inverse = simd.fast_inverse(simd.add(simd.sqrt(v), simd.splat(self.eps)));
        (simd.mul_sub_from(simd.mul(g, simd.splat(self.rate)), inverse, w), [v, none])
    }
}

impl Rule for Rprop {
    /// A parameter whose gradient changed sign stays for this step and forgets the gradient.
    #[inline(always)]
    fn step<S: Simd>(
        self,
        simd: S,
        w: S::V,
        g: S::V,
        [last, size]: [S::V; 2],
    ) -> (S::V, [S::V; 2]) {
        let (zero, one) = (simd.splat(0.0), simd.splat(1.0));
        let g = simd.mul_add(w, simd.splat(self.decay), g);
        let agreement = simd.mul(g, last);
        let factor = simd.if_greater(agreement, zero, simd.splat(self.eta_plus), one);
        let factor = simd.if_greater(zero, agreement, simd.splat(self.eta_minus), factor);
        let size = simd.max(simd.mul(size, factor), simd.splat(self.step_min));
        let size = simd.min(size, simd.splat(self.step_max));
        let g = simd.if_greater(zero, agreement, zero, g);
        let sign = simd.if_greater(g, zero, one, zero);
        let sign = simd.if_greater(zero, g, simd.splat(-1.0), sign);
        let step = simd.mul(size, simd.splat(self.factor));
        (simd.mul_sub_from(sign, step, w), [g, size])
    }
}

/// Puts the constants of a [`Step`] in for a [`Rule`].
macro_rules! with_rule {
    ($step:expr, $rule:ident => $call:expr) => {
        match $step {
            Step::Adam($rule) => $call,
            Step::DecayingAdam($rule) => $call,
            Step::Sgd($rule) => $call,
            Step::RmsProp($rule) => $call,
            Step::Rprop($rule) => $call,
        }
    };
}

/// Weights and what an optimizer remembers of them.
pub struct Weights<'a> {
    /// Whole registers of them.
    pub values: &'a mut [f32],
    /// As many floats each, in the order in which the optimizer has them.
    pub memory: &'a mut [Buffer],
}

#[inline(always)]
fn update<S: Simd, R: Rule>(
    simd: S,
    rule: R,
    values: &mut [f32],
    memory: [&mut [f32]; 2],
    gradient: &[f32],
    scale: f32,
    columns: usize,
) {
    let gradient = &gradient[..values.len()];
    match memory {
        [[], _] => update_with::<S, R, 0>(simd, rule, values, [], gradient, scale, columns),
        [first, []] => update_with(simd, rule, values, [first], gradient, scale, columns),
        [first, second] => {
            update_with(simd, rule, values, [first, second], gradient, scale, columns);
        }
    }
}

#[inline(always)]
fn update_with<S: Simd, R: Rule, const MEMORY: usize>(
    simd: S,
    rule: R,
    values: &mut [f32],
    mut memory: [&mut [f32]; MEMORY],
    gradient: &[f32],
    scale: f32,
    columns: usize,
) {
    let len = values.len();
    assert!(gradient.len() == len && memory.iter().all(|memory| memory.len() == len));
    let scale = simd.splat(scale);
    // Registers of a row that are wanted; where all are, rows follow each other without a gap.
    let (stride, wanted) = match columns.next_multiple_of(S::LANES) {
        PANEL => (len, len),
        wanted => (PANEL, wanted),
    };
    for row in (0..len).step_by(stride.max(1)) {
        for at in (row..row + wanted).step_by(S::LANES) {
            let g = simd.mul(simd.read(&gradient[at..]), scale);
            let mut remembered = [simd.splat(0.0); 2];
            for (value, memory) in remembered.iter_mut().zip(&memory) {
                *value = simd.read(&memory[at..]);
            }
            let (w, remembered) = rule.step(simd, simd.read(&values[at..]), g, remembered);
            simd.write(&mut values[at..], w);
            for (memory, value) in memory.iter_mut().zip(remembered) {
                simd.write(&mut memory[at..], value);
            }
        }
    }
}

/// The floats `from..from + len` of each memory; empty where there is none.
#[inline(always)]
fn part(memory: &mut [Buffer], from: usize, len: usize) -> [&mut [f32]; 2] {
    match memory {
        [] => [&mut [], &mut []],
        [first] => [&mut first[from..from + len], &mut []],
        [first, second, ..] => [&mut first[from..from + len], &mut second[from..from + len]],
    }
}

/// Moves weights along a gradient that is there already.
pub struct ApplyGradient<'a> {
    /// How.
    pub step: Step,
    /// What.
    pub weights: Weights<'a>,
    /// As many floats.
    pub gradient: &'a [f32],
    /// Factor of the gradient.
    pub scale: f32,
    /// Columns that are wanted.
    pub columns: usize,
}

impl Kernel for ApplyGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn compute<S: Simd>(self, simd: S) {
        let Self { step, weights: Weights { values, memory }, gradient, scale, columns } = self;
        let len = values.len();
        let memory = part(memory, 0, len);
        with_rule!(step, rule => update(simd, rule, values, memory, gradient, scale, columns));
    }
}

/// The gradient of a panel of weights: `inputs turned around x outputs`.
pub struct Gradient<'a> {
    /// Panels of what went into the layer, `rows x inputs`.
    pub inputs: &'a [Buffer],
    /// Columns of them.
    pub depth: usize,
    /// The gradient of what came out, a panel, `rows x PANEL`.
    pub outputs: &'a [f32],
    /// Rows of the batch.
    pub rows: usize,
    /// Columns that are wanted.
    pub columns: usize,
}

/// Rows that are summed before the sum joins the total: rows of a table may repeat, and equal terms are
/// all rounded the same way, so that a single sum over a million of them is off by a hundredth.
const RUN: usize = 512;

impl Gradient<'_> {
    /// Block `index`, and how many of its floats there are.
    #[inline(always)]
    fn block<S: Simd>(&self, simd: S, index: usize, out: &mut Scratch) -> usize {
        if self.rows <= RUN {
            self.run_of(simd, index, 0, out);
        } else {
            // No panel of a step that long notices the room.
            let mut total = vec![0.0; PANEL * PANEL];
            for from in (0..self.rows).step_by(RUN) {
                self.run_of(simd, index, from, out);
                total.iter_mut().zip(&out.0).for_each(|(total, sum)| *total += sum);
            }
            out.0.copy_from_slice(&total);
        }
        columns_of(self.depth, index) * PANEL
    }

    /// The part of a block that the rows from this one on have in it.
    #[inline(always)]
    fn run_of<S: Simd>(&self, simd: S, index: usize, from: usize, out: &mut Scratch) {
        let block = Block {
            left: &self.inputs[index][from * PANEL..],
            right: &self.outputs[from * PANEL..],
            terms: RUN.min(self.rows - from),
            rows: columns_of(self.depth, index),
            columns: self.columns,
        };
        block.sum(simd, &mut out.0);
    }
}

/// A block of a gradient, in the first cache.
#[repr(align(64))]
struct Scratch([f32; PANEL * PANEL]);

/// Works out a gradient and moves the weights along it at once.
pub struct Update<'a> {
    /// Which.
    pub gradient: Gradient<'a>,
    /// How.
    pub step: Step,
    /// `depth x PANEL`.
    pub weights: Weights<'a>,
}

impl Kernel for Update<'_> {
    type Output = ();

    #[inline(always)]
    fn compute<S: Simd>(self, simd: S) {
        let Self { gradient, step, weights: Weights { values, memory } } = self;
        let mut scratch = Scratch([0.0; PANEL * PANEL]);
        for index in 0..gradient.depth.div_ceil(PANEL) {
            let len = gradient.block(simd, index, &mut scratch);
            let from = index * PANEL * PANEL;
            let values = &mut values[from..from + len];
            let memory = part(memory, from, len);
            let columns = gradient.columns;
            with_rule!(step, rule => {
                update(simd, rule, values, memory, &scratch.0, 1.0, columns);
            });
        }
    }
}

/// The same for directions of weights ([`weight_norm`](super::weight_norm)), with their lengths anew.
pub struct UpdateDirections<'a> {
    /// That of the products of inputs and directions.
    pub gradient: Gradient<'a>,
    /// How.
    pub step: Step,
    /// `depth x PANEL`.
    pub weights: Weights<'a>,
    /// How much of a direction is taken off the gradient of each column.
    pub shares: &'a Row,
    /// Receives the lengths after the step.
    pub norms: &'a mut Row,
}

impl Kernel for UpdateDirections<'_> {
    type Output = ();

    #[inline(always)]
    fn compute<S: Simd>(self, simd: S) {
        let Self { gradient, step, weights: Weights { values, memory }, shares, norms } = self;
        let mut scratch = Scratch([0.0; PANEL * PANEL]);
        let mut squares = [0.0; PANEL];
        let wanted = gradient.columns.next_multiple_of(S::LANES);
        for index in 0..gradient.depth.div_ceil(PANEL) {
            let len = gradient.block(simd, index, &mut scratch);
            let from = index * PANEL * PANEL;
            let values = &mut values[from..from + len];
            for column in (0..wanted).step_by(S::LANES) {
                let share = simd.read(&shares[column..]);
                for at in (column..len).step_by(PANEL) {
                    let rest = simd.mul_sub_from(
                        simd.read(&values[at..]),
                        share,
                        simd.read(&scratch.0[at..]),
                    );
                    simd.write(&mut scratch.0[at..], rest);
                }
            }
            let memory = part(memory, from, len);
            let columns = gradient.columns;
            with_rule!(step, rule => {
                update(simd, rule, values, memory, &scratch.0, 1.0, columns);
            });
            // While the block is in the first cache, and in the order of `Norms`.
            for column in (0..wanted).step_by(S::LANES) {
                let mut sum = simd.splat(0.0);
                for at in (column..len).step_by(PANEL) {
                    let v = simd.read(&values[at..]);
                    sum = simd.mul_add(v, v, sum);
                }
                let total = simd.add(simd.read(&squares[column..]), sum);
                simd.write(&mut squares[column..], total);
            }
        }
        for column in (0..wanted).step_by(S::LANES) {
            simd.write(&mut norms[column..], simd.sqrt(simd.read(&squares[column..])));
        }
    }
}

/// Works out a gradient and keeps it.
pub struct WeightGradient<'a> {
    /// Which.
    pub gradient: Gradient<'a>,
    /// Receives it, `depth x PANEL`.
    pub kept: &'a mut [f32],
}

impl Kernel for WeightGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn compute<S: Simd>(self, simd: S) {
        let Self { gradient, kept } = self;
        let mut scratch = Scratch([0.0; PANEL * PANEL]);
        for index in 0..gradient.depth.div_ceil(PANEL) {
            let len = gradient.block(simd, index, &mut scratch);
            kept[index * PANEL * PANEL..][..len].copy_from_slice(&scratch.0[..len]);
        }
    }
}

/// The sum of the squares of floats, in double precision.
pub struct SquaredNorm<'a>(pub &'a [f32]);

impl Kernel for SquaredNorm<'_> {
    type Output = f64;

    #[inline(always)]
    fn compute<S: Simd>(self, simd: S) -> f64 {
        let mut total = 0.0;
        for part in self.0.chunks(PANEL * PANEL) {
            let mut sum = simd.splat(0.0);
            for values in part.chunks_exact(S::LANES) {
                let values = simd.read(values);
                sum = simd.mul_add(values, values, sum);
            }
            total += simd.total(sum);
        }
        total
    }
}
