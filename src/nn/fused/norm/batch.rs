//! Batch normalisation (Ioffe & Szegedy 2015, algorithms 1 and 2).

use super::panel_norm::{Back, Forward, Norm, Pass};
use crate::config::norm::{BatchNorm as BatchSettings, EpsPlacement, Statistics};
use crate::config::training::Optimizer;
use crate::nn::fused::parameter::Parameter;
use bnes_kernels::normalise::{Fixed, Moments, Normalise, NormaliseBack, Row, Settings};
use bnes_kernels::{Isa, PANEL};

/// Batch normalisation of a panel of units.
pub struct BatchNorm {
    config: BatchSettings,
    settings: Settings,
    scale: Parameter,
    shift: Parameter,
    running_mean: Row,
    running_var: Row,
    /// Training batches counted in the running statistics.
    batches: i64,
    moments: Moments,
    recalibration: Recalibration,
}

/// Batches counted, and the sums of their means and unbiased variances.
#[derive(Default)]
struct Recalibration {
    batches: f64,
    mean: [f64; PANEL],
    var: [f64; PANEL],
}

impl BatchNorm {
    /// The identity up to the batch's statistics.
    pub fn new(config: &BatchSettings, optimizer: &Optimizer) -> Self {
        let parameter = |start: f32| {
            let mut parameter = Parameter::new(PANEL, optimizer, false, true);
            parameter.values.fill(start);
            parameter
        };
        #[allow(clippy::cast_possible_truncation)] // as all arithmetic here
        let eps = config.eps as f32;
        Self {
            config: config.clone(),
            settings: Settings { eps, eps_outside: config.eps_placement == EpsPlacement::Std },
            scale: parameter(1.0),
            shift: parameter(0.0),
            running_mean: [0.0; PANEL],
            running_var: [1.0; PANEL],
            batches: 0,
            moments: Moments::default(),
            recalibration: Recalibration::default(),
        }
    }

    /// Moves the running statistics towards those of a batch of this many rows.
    #[allow(clippy::cast_possible_truncation)] // as all arithmetic here
    #[allow(clippy::cast_precision_loss)] // rows and batches are far below 2^53
    fn count(&mut self, rows: usize, pass: Pass) {
        // A batch of one row has no variance; it counts for neither statistic, so that the
        // cumulative average is one of real variances alone.
        if rows < 2 {
            return;
        }
        let unbiased = (rows as f64 / (rows as f64 - 1.0)) as f32;
        let Moments { mean, var, .. } = &self.moments;
        if pass == Pass::Recalibrate {
            let Recalibration { batches, mean: means, var: vars } = &mut self.recalibration;
            *batches += 1.0;
            for column in 0..PANEL {
                means[column] += f64::from(mean[column]);
                vars[column] += f64::from(var[column] * unbiased);
            }
            return;
        }
        self.batches += 1;
        let weight = match self.config.statistics {
            Statistics::Ema | Statistics::Recalibrate => self.config.momentum,
            Statistics::Cumulative => 1.0 / self.batches as f64,
        };
        let (new, old) = (weight as f32, (1.0 - weight) as f32);
        for column in 0..PANEL {
            self.running_mean[column] = old * self.running_mean[column] + new * mean[column];
            self.running_var[column] =
                old * self.running_var[column] + new * (var[column] * unbiased);
        }
    }
}

impl Norm for BatchNorm {
    fn train(&mut self, isa: Isa, panel: Forward, pass: Pass) {
        let Forward { x, out, saved, activation, columns } = panel;
        let rows = x.len() / PANEL;
        let affine = self.config.affine.then_some((&*self.scale.values, &*self.shift.values));
        let (settings, moments) = (self.settings, &mut self.moments);
        Normalise { settings, x, out, saved, affine, activation, moments, columns }.run(isa);
        self.count(rows, pass);
    }

    fn back(&mut self, isa: Isa, panel: Back) {
        let Back { x, saved, gradient, activation, columns } = panel;
        NormaliseBack {
            normalised: x,
            saved,
            gradient,
            scale: self.config.affine.then_some(&*self.scale.values),
            activation,
            moments: &self.moments,
            scale_gradient: &mut self.scale.gradient,
            shift_gradient: &mut self.shift.gradient,
            columns,
        }
        .run(isa);
    }

    fn evaluation(&self, isa: Isa) -> (Row, Row) {
        Fixed {
            settings: self.settings,
            mean: &self.running_mean,
            var: &self.running_var,
            // 1 and 0 where the norm is not affine: nothing moves them.
            scale: &self.scale.values,
            shift: &self.shift.values,
        }
        .run(isa)
    }

    #[allow(clippy::cast_possible_truncation)] // statistics are f32
    fn finish_recalibration(&mut self, put: bool) {
        let Recalibration { batches, mean, var } = std::mem::take(&mut self.recalibration);
        if put && batches > 0.0 {
            self.running_mean = mean.map(|sum| (sum / batches) as f32);
            self.running_var = var.map(|sum| (sum / batches) as f32);
        }
    }

    fn parameters(&self) -> &'static [&'static str] {
        if self.config.affine { &["weight", "bias"] } else { &[] }
    }

    fn parameter(&self, name: &str) -> Option<&Parameter> {
        match name {
            "weight" => Some(&self.scale),
            "bias" => Some(&self.shift),
            _ => None,
        }
    }

    fn parameter_mut(&mut self, name: &str) -> Option<&mut Parameter> {
        match name {
            "weight" => Some(&mut self.scale),
            "bias" => Some(&mut self.shift),
            _ => None,
        }
    }

    fn statistic(&self, name: &str) -> Option<&Row> {
        match name {
            "running_mean" => Some(&self.running_mean),
            "running_var" => Some(&self.running_var),
            _ => None,
        }
    }

    fn statistic_mut(&mut self, name: &str) -> Option<&mut Row> {
        match name {
            "running_mean" => Some(&mut self.running_mean),
            "running_var" => Some(&mut self.running_var),
            _ => None,
        }
    }

    fn batches(&self) -> i64 {
        self.batches
    }

    fn set_batches(&mut self, batches: i64) {
        self.batches = batches;
    }
}
