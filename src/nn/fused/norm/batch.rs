//! Batch normalisation (Ioffe & Szegedy 2015, algorithms 1 and 2).

use super::panel_norm::{Back, Forward, Norm, division};
use super::pass::Pass;
use super::running::Running;
use crate::config::norm::{BatchNorm as BatchSettings, MeanOnlyBatchNorm};
use bnes_kernels::Isa;
use bnes_kernels::normalise::{Fixed, Moments, Normalise, NormaliseBack, Row, Settings};

/// Batch normalisation of a panel of units.
pub struct BatchNorm {
    settings: Settings,
    moments: Moments,
    running: Running,
}

impl BatchNorm {
    /// Mean and variance.
    pub fn new(settings: &BatchSettings) -> Self {
        Self {
            settings: division(settings.eps, settings.eps_placement),
            moments: Moments::default(),
            running: Running::new(settings.running()),
        }
    }

    /// The mean alone (Salimans & Kingma 2016).
    pub fn of_mean(settings: &MeanOnlyBatchNorm) -> Self {
        Self {
            settings: Settings { eps: 0.0, eps_outside: false, divides: false },
            moments: Moments::default(),
            running: Running::new(settings.running()),
        }
    }
}

impl Norm for BatchNorm {
    fn train(&mut self, isa: Isa, panel: Forward, pass: Pass) {
        normalise(isa, self.settings, &mut self.moments, &mut self.running, panel, pass);
    }

    fn back(&mut self, isa: Isa, panel: Back) {
        back(isa, &self.moments, panel);
    }

    fn evaluation(&self, isa: Isa, affine: (&[f32], &[f32])) -> (Row, Row) {
        fixed(isa, self.settings, &self.running, affine)
    }

    fn running(&self) -> &Running {
        &self.running
    }

    fn running_mut(&mut self) -> &mut Running {
        &mut self.running
    }
}

/// Some rows by their own mean and variance.
pub fn normalise(
    isa: Isa,
    settings: Settings,
    moments: &mut Moments,
    running: &mut Running,
    panel: Forward,
    pass: Pass,
) {
    let Forward { x, out, saved, affine, activation, columns } = panel;
    let rows = x.len() / bnes_kernels::PANEL;
    Normalise { settings, x, out, saved, affine, activation, moments, columns }.run(isa);
    running.take(moments, rows, pass);
}

/// The gradients behind [`normalise`].
pub fn back(isa: Isa, moments: &Moments, panel: Back) {
    let Back { x, saved, gradient, scale, scale_gradient, shift_gradient, activation, columns } =
        panel;
    NormaliseBack {
        normalised: x,
        saved,
        gradient,
        scale,
        activation,
        moments,
        scale_gradient,
        shift_gradient,
        columns,
    }
    .run(isa);
}

/// Factor and addend by running statistics.
pub fn fixed(
    isa: Isa,
    settings: Settings,
    running: &Running,
    (scale, shift): (&[f32], &[f32]),
) -> (Row, Row) {
    let Running { mean, var, .. } = running;
    Fixed { settings, mean, var, scale, shift }.run(isa)
}
