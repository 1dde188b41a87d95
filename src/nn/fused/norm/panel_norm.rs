//! What a norm does on the columns of one panel, over the batch or chunks of it.
//!
//! One that looks along the rows needs all panels of a layer at once: its place is a phase of its own
//! between a layer's product and its activation.

use bnes_kernels::normalise::Row;
use bnes_kernels::{Activation, Isa};

use crate::nn::fused::parameter::Parameter;

/// The part of a norm that belongs to one panel of units.
pub trait Norm: Send + Sync {
    /// Of a training batch: `panel.x` becomes what [`back`](Self::back) needs, `panel.out` the
    /// output. Running statistics move, or are counted towards new ones.
    fn train(&mut self, isa: Isa, panel: Forward, pass: Pass);

    /// The gradients of the last training batch: with respect to the output, then to the input, in
    /// place; those of the parameters are kept.
    fn back(&mut self, isa: Isa, panel: Back);

    /// Factor and addend of each column outside of training.
    fn evaluation(&self, isa: Isa) -> (Row, Row);

    /// Puts what a recalibration counted in place of the running statistics, or forgets it.
    fn finish_recalibration(&mut self, put: bool);

    /// The last names of what training moves.
    fn parameters(&self) -> &'static [&'static str];

    /// One of [`parameters`](Self::parameters).
    fn parameter(&self, name: &str) -> Option<&Parameter>;

    /// The same, to be moved.
    fn parameter_mut(&mut self, name: &str) -> Option<&mut Parameter>;

    /// What is measured in training and used outside of it, by last name.
    fn statistic(&self, name: &str) -> Option<&Row>;

    /// The same, to be set.
    fn statistic_mut(&mut self, name: &str) -> Option<&mut Row>;

    /// The numbers of a parameter or a statistic, by last name.
    fn tensor(&self, name: &str) -> Option<&[f32]> {
        let parameter = self.parameter(name).map(|parameter| &*parameter.values);
        parameter.or_else(|| self.statistic(name).map(|row| &row[..]))
    }

    /// The same, to be set.
    fn tensor_mut(&mut self, name: &str) -> Option<&mut [f32]> {
        if self.parameter(name).is_some() {
            return self.parameter_mut(name).map(|parameter| &mut *parameter.values);
        }
        self.statistic_mut(name).map(|row| &mut row[..])
    }

    /// Training batches counted in the running statistics.
    fn batches(&self) -> i64;

    /// The same, to be set.
    fn set_batches(&mut self, batches: i64);
}

/// Whether a forward pass trains or recalibrates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// Running statistics move.
    Train,
    /// Batches are counted towards new statistics.
    Recalibrate,
}

/// A panel on its way forward, `rows x PANEL` each.
pub struct Forward<'a> {
    /// What goes in.
    pub x: &'a mut [f32],
    /// What comes out, behind the activation.
    pub out: &'a mut [f32],
    /// Receives what the activation's slope is worked out from.
    pub saved: Option<&'a mut [f32]>,
    /// Behind the norm.
    pub activation: Activation,
    /// Columns that are wanted.
    pub columns: usize,
}

/// A panel on its way back, `rows x PANEL` each.
pub struct Back<'a> {
    /// What [`Norm::train`] made of `x`.
    pub x: &'a [f32],
    /// What the activation's slope is worked out from.
    pub saved: &'a [f32],
    /// With respect to the output, then to the input.
    pub gradient: &'a mut [f32],
    /// Behind the norm.
    pub activation: Activation,
    /// Columns that are wanted.
    pub columns: usize,
}
