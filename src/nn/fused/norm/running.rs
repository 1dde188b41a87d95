//! Statistics measured in training and used outside of it.

use super::pass::Pass;
use crate::config::norm::Running as Settings;
use bnes_kernels::PANEL;
use bnes_kernels::normalise::{Moments, Row};

/// Running averages of the mean and the variance of each unit over batches.
pub struct Running {
    settings: Settings,
    /// Of each column.
    pub mean: Row,
    /// Of each column; stays 1 where a norm has none.
    pub var: Row,
    /// Training batches counted.
    pub batches: i64,
    recalibration: Recalibration,
}

/// Batches counted, and the sums of their means and unbiased variances.
#[derive(Default)]
struct Recalibration {
    batches: f64,
    mean: [f64; PANEL],
    var: [f64; PANEL],
}

impl Running {
    /// With the mean 0 and the variance 1.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            mean: [0.0; PANEL],
            var: [1.0; PANEL],
            batches: 0,
            recalibration: Recalibration::default(),
        }
    }

    /// Moves the averages towards a batch of this many rows, or counts it towards new ones.
    #[allow(clippy::cast_possible_truncation)] // as all arithmetic here
    #[allow(clippy::cast_precision_loss)] // rows are far below 2^53
    pub fn take(&mut self, moments: &Moments, rows: usize, pass: Pass) {
        // A batch of one row has no variance; it counts for neither statistic, so that the
        // cumulative average is one of real variances alone.
        if rows < 2 {
            return;
        }
        let unbiased = (rows as f64 / (rows as f64 - 1.0)) as f32;
        let Moments { mean, var, .. } = moments;
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
        let weight = self.settings.weight_of_batch(self.batches);
        let (new, old) = (weight as f32, (1.0 - weight) as f32);
        for column in 0..PANEL {
            self.mean[column] = old * self.mean[column] + new * mean[column];
            self.var[column] = old * self.var[column] + new * (var[column] * unbiased);
        }
    }

    /// Puts what a recalibration counted in place of the averages, or forgets it.
    #[allow(clippy::cast_possible_truncation)] // statistics are f32
    pub fn finish_recalibration(&mut self, put: bool) {
        let Recalibration { batches, mean, var } = std::mem::take(&mut self.recalibration);
        if put && batches > 0.0 {
            self.mean = mean.map(|sum| (sum / batches) as f32);
            self.var = var.map(|sum| (sum / batches) as f32);
        }
    }

    /// An average by last name.
    pub fn get(&self, name: &str) -> Option<&Row> {
        match name {
            "running_mean" => Some(&self.mean),
            "running_var" => Some(&self.var),
            _ => None,
        }
    }

    /// The same, to be set.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Row> {
        match name {
            "running_mean" => Some(&mut self.mean),
            "running_var" => Some(&mut self.var),
            _ => None,
        }
    }
}
