//! Batch renormalisation (Ioffe 2017, algorithm 1).

use super::batch::{back, fixed};
use super::panel_norm::{Back, Forward, Norm, division};
use super::pass::Pass;
use super::running::Running;
use crate::config::norm::{BatchRenorm as RenormSettings, EpsPlacement, Statistics};
use bnes_kernels::normalise::{Apply, Measure, Moments, Row, Settings};
use bnes_kernels::{Isa, PANEL};

/// Batch renormalisation of a panel of units. What is normalised, z, is corrected to r z + d, which goes into
/// scale and shift: `scale (r z + d) + shift`.
pub struct BatchRenorm {
    config: RenormSettings,
    settings: Settings,
    /// Of the whole training.
    steps: usize,
    moments: Moments,
    r: Row,
    d: Row,
    /// The average of the batches' means, from 0.
    mean: Row,
    /// That of their standard deviations, eps in them.
    sd: Row,
    running: Running,
}

impl BatchRenorm {
    /// Of a training of so many steps.
    pub fn new(config: &RenormSettings, steps: usize) -> Self {
        Self {
            config: config.clone(),
            settings: division(config.eps, config.eps_placement),
            steps,
            moments: Moments::default(),
            r: [1.0; PANEL],
            d: [0.0; PANEL],
            mean: [0.0; PANEL],
            sd: [0.0; PANEL],
            running: Running::new(config.running()),
        }
    }

    /// Works out the corrections of the batch that was measured.
    #[allow(clippy::cast_possible_truncation)] // as all arithmetic here
    fn correct(&mut self, rows: usize) {
        // One row has no variance, and nothing to correct.
        if rows < 2 {
            (self.r, self.d) = ([1.0; PANEL], [0.0; PANEL]);
            return;
        }
        let left = self.config.start_weight(self.running.batches) as f32;
        let (r_max, d_max) = self.config.limits(self.running.batches, self.steps);
        let (r_min, r_max, d_max) = ((1.0 / r_max) as f32, r_max as f32, d_max as f32);
        for column in 0..PANEL {
            let (mean, sd) = (self.moments.mean[column], 1.0 / self.moments.inverse[column]);
            let mean_before = self.mean[column] + left * mean;
            let sd_before = self.sd[column] + left * sd;
            self.r[column] = (sd / sd_before).max(r_min).min(r_max);
            self.d[column] = ((mean - mean_before) / sd_before).max(-d_max).min(d_max);
        }
    }

    /// Moves the averages of training towards the batch, and those of evaluation along.
    #[allow(clippy::cast_possible_truncation)] // as all arithmetic here
    fn count(&mut self, rows: usize, pass: Pass) {
        if rows < 2 || pass == Pass::Recalibrate {
            return self.running.take(&self.moments, rows, pass);
        }
        let RenormSettings { momentum, statistics, eps_placement, .. } = self.config;
        let (new, old) = (momentum as f32, (1.0 - momentum) as f32);
        for column in 0..PANEL {
            let (mean, inverse) = (self.moments.mean[column], self.moments.inverse[column]);
            self.mean[column] = old * self.mean[column] + new * mean;
            self.sd[column] = old * self.sd[column] + new * (1.0 / inverse);
        }
        if statistics == Statistics::Cumulative {
            return self.running.take(&self.moments, rows, pass);
        }
        self.running.batches += 1;
        let known = self.config.known_weight(self.running.batches) as f32;
        let eps = self.settings.eps;
        self.running.mean = self.mean.map(|mean| mean / known);
        self.running.var = self.sd.map(|sd| {
            let sd = sd / known;
            match eps_placement {
                EpsPlacement::Variance => (sd * sd - eps).max(0.0),
                EpsPlacement::Std => (sd - eps).max(0.0).powi(2),
            }
        });
    }
}

impl Norm for BatchRenorm {
    fn train(&mut self, isa: Isa, panel: Forward, pass: Pass) {
        let Forward { x, out, saved, affine, activation, columns } = panel;
        let rows = x.len() / PANEL;
        let (settings, moments) = (self.settings, &mut self.moments);
        Measure { settings, x, moments, columns }.run(isa);
        self.correct(rows);
        let (mut scale, mut shift) = (self.r, self.d);
        if let Some((own_scale, own_shift)) = affine {
            for column in 0..PANEL {
                scale[column] *= own_scale[column];
                // Rounded twice: `mul_add` is a call where the processor is not known to have it.
                shift[column] = own_scale[column] * shift[column] + own_shift[column];
            }
        }
        let (affine, moments) = ((&scale[..], &shift[..]), &self.moments);
        Apply { x, out, saved, affine, activation, moments, columns }.run(isa);
        self.count(rows, pass);
    }

    fn back(&mut self, isa: Isa, panel: Back) {
        let mut scale = self.r;
        if let Some(own) = panel.scale {
            scale.iter_mut().zip(own).for_each(|(scale, own)| *scale *= own);
        }
        let (scale_gradient, shift_gradient) = (panel.scale_gradient, panel.shift_gradient);
        let by_z = Back {
            scale: Some(&scale),
            scale_gradient: &mut *scale_gradient,
            shift_gradient: &mut *shift_gradient,
            ..panel
        };
        back(isa, &self.moments, by_z);
        for column in 0..PANEL {
            scale_gradient[column] =
                self.r[column] * scale_gradient[column] + self.d[column] * shift_gradient[column];
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

    fn of_training(&self, name: &str) -> Option<&Row> {
        match name {
            "training_mean" => Some(&self.mean),
            "training_sd" => Some(&self.sd),
            _ => None,
        }
    }

    fn of_training_mut(&mut self, name: &str) -> Option<&mut Row> {
        match name {
            "training_mean" => Some(&mut self.mean),
            "training_sd" => Some(&mut self.sd),
            _ => None,
        }
    }

    #[allow(clippy::cast_possible_truncation)] // as all arithmetic here
    fn start_from_running(&mut self) {
        let known = self.config.known_weight(self.running.batches) as f32;
        let eps = self.settings.eps;
        self.mean = self.running.mean.map(|mean| mean * known);
        self.sd = self.running.var.map(|var| {
            let sd = if self.settings.eps_outside { var.sqrt() + eps } else { (var + eps).sqrt() };
            sd * known
        });
    }
}
