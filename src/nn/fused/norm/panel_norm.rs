//! What a norm does on the columns of one panel, over the batch or chunks of it.

use bnes_kernels::normalise::{Row, Settings};
use bnes_kernels::{Activation, Isa};

use super::pass::Pass;
use super::running::Running;
use crate::config::norm::EpsPlacement;

/// The part of a norm that belongs to one panel of units; its scale and shift come after it and are
/// [`Affine`](super::Affine).
pub trait Norm: Send + Sync {
    /// Of a training batch: `panel.x` becomes what [`back`](Self::back) needs, `panel.out` the
    /// output. Running statistics move, or are counted towards new ones.
    fn train(&mut self, isa: Isa, panel: Forward, pass: Pass);

    /// The gradients of the last training batch: with respect to the output, then to the input, in
    /// place; and those of scale and shift.
    fn back(&mut self, isa: Isa, panel: Back);

    /// Factor and addend of each column outside of training, scale and shift among them.
    fn evaluation(&self, isa: Isa, affine: (&[f32], &[f32])) -> (Row, Row);

    /// The running statistics.
    fn running(&self) -> &Running;

    /// The same, to be set.
    fn running_mut(&mut self) -> &mut Running;

    /// What training alone goes by, by last name.
    fn of_training(&self, _name: &str) -> Option<&Row> {
        None
    }

    /// The same, to be set.
    fn of_training_mut(&mut self, _name: &str) -> Option<&mut Row> {
        None
    }

    /// Sets what training alone goes by from running statistics that were just set.
    fn start_from_running(&mut self) {}

    /// What is measured in training, by last name.
    fn statistic(&self, name: &str) -> Option<&Row> {
        self.running().get(name).or_else(|| self.of_training(name))
    }

    /// The same, to be set.
    fn statistic_mut(&mut self, name: &str) -> Option<&mut Row> {
        if self.of_training(name).is_some() {
            return self.of_training_mut(name);
        }
        self.running_mut().get_mut(name)
    }
}

/// A panel on its way forward, `rows x PANEL` each.
pub struct Forward<'a> {
    /// What goes in.
    pub x: &'a mut [f32],
    /// What comes out, behind the activation.
    pub out: &'a mut [f32],
    /// Receives what the activation's slope is worked out from.
    pub saved: Option<&'a mut [f32]>,
    /// Scale and shift of each column; none where the norm has neither.
    pub affine: Option<(&'a [f32], &'a [f32])>,
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
    /// Of each column; none where the norm has neither scale nor shift.
    pub scale: Option<&'a [f32]>,
    /// Receives the gradient of the scale.
    pub scale_gradient: &'a mut [f32],
    /// Receives the gradient of the shift.
    pub shift_gradient: &'a mut [f32],
    /// Behind the norm.
    pub activation: Activation,
    /// Columns that are wanted.
    pub columns: usize,
}

/// The division of a norm as its kernels have it.
#[allow(clippy::cast_possible_truncation)] // as all arithmetic here
pub fn division(eps: f64, placement: EpsPlacement) -> Settings {
    Settings { eps: eps as f32, eps_outside: placement == EpsPlacement::Std, divides: true }
}
