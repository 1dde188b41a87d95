//! Batch normalisation of chunks of a batch (Hoffer et al. 2017).

use super::batch::{back, fixed, normalise};
use super::panel_norm::{Back, Forward, Norm, division};
use super::pass::Pass;
use super::running::Running;
use crate::config::norm::GhostBatchNorm as GhostSettings;
use bnes_kernels::normalise::{Moments, Row, Settings};
use bnes_kernels::{Isa, PANEL};

/// Ghost batch normalisation of a panel of units.
pub struct GhostBatchNorm {
    config: GhostSettings,
    settings: Settings,
    /// Of each chunk.
    moments: Vec<Moments>,
    running: Running,
}

impl GhostBatchNorm {
    /// Before the first step.
    pub fn new(config: &GhostSettings) -> Self {
        Self {
            config: config.clone(),
            settings: division(config.eps, config.eps_placement),
            moments: Vec::new(),
            running: Running::new(config.running()),
        }
    }
}

impl Norm for GhostBatchNorm {
    fn train(&mut self, isa: Isa, panel: Forward, pass: Pass) {
        let Forward { mut x, mut out, mut saved, affine, activation, columns } = panel;
        let sizes = self.config.chunk_sizes(x.len() / PANEL);
        self.moments.resize_with(sizes.len(), Moments::default);
        for (rows, moments) in sizes.into_iter().zip(&mut self.moments) {
            let chunk = Forward {
                x: x.split_off_mut(..rows * PANEL).unwrap_or_default(),
                out: out.split_off_mut(..rows * PANEL).unwrap_or_default(),
                saved: saved.as_mut().and_then(|saved| saved.split_off_mut(..rows * PANEL)),
                affine,
                activation,
                columns,
            };
            normalise(isa, self.settings, moments, &mut self.running, chunk, pass);
        }
    }

    fn back(&mut self, isa: Isa, panel: Back) {
        let Back { mut x, mut saved, mut gradient, scale, activation, columns, .. } = panel;
        let (of_scale, of_shift) = (panel.scale_gradient, panel.shift_gradient);
        of_scale.fill(0.0);
        of_shift.fill(0.0);
        for (rows, moments) in
            self.config.chunk_sizes(gradient.len() / PANEL).into_iter().zip(&self.moments)
        {
            let (mut scale_gradient, mut shift_gradient) = ([0.0; PANEL], [0.0; PANEL]);
            let chunk = Back {
                x: x.split_off(..rows * PANEL).unwrap_or_default(),
                saved: saved.split_off(..rows * PANEL).unwrap_or_default(),
                gradient: gradient.split_off_mut(..rows * PANEL).unwrap_or_default(),
                scale,
                scale_gradient: &mut scale_gradient,
                shift_gradient: &mut shift_gradient,
                activation,
                columns,
            };
            back(isa, moments, chunk);
            for column in 0..PANEL {
                of_scale[column] += scale_gradient[column];
                of_shift[column] += shift_gradient[column];
            }
        }
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
