//! `batch_renorm`: over a batch, corrected towards the running statistics (Ioffe 2017).

use schemars::JsonSchema;
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::batch::BatchNorm;
use super::settings::{
    Along, Circumstances, EpsPlacement, NormSettings, NormTensor, Placement, Remark, Running,
    RunningStatistics, Statistics, table_of,
};
use crate::check;

/// Settings of `batch_renorm`.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default)]
pub struct BatchRenorm {
    /// On which side of the activation.
    pub placement: Placement,
    /// Keeps the division away from 0.
    #[serde(deserialize_with = "check::positive_in_single")]
    #[schemars(schema_with = "check::schema::positive_in_single")]
    pub eps: f64,
    /// Where `eps` is added.
    pub eps_placement: EpsPlacement,
    /// Weight of the new batch in the running statistics (`PyTorch`'s convention).
    #[serde(deserialize_with = "check::weight_in_single")]
    #[schemars(schema_with = "check::schema::weight_in_single")]
    pub momentum: f64,
    /// Learn a scale and a shift per unit.
    pub affine: bool,
    /// Where the statistics used outside of training come from.
    pub statistics: Statistics,
    /// Training rows that [`Statistics::Recalibrate`] measures at most.
    #[serde(deserialize_with = "check::at_least_two")]
    #[schemars(schema_with = "check::schema::at_least_two")]
    pub recalibrate_rows: usize,
    /// The correction of the standard deviation, at most this and at least its inverse.
    #[serde(deserialize_with = "check::one_or_more")]
    #[schemars(schema_with = "check::schema::one_or_more")]
    pub r_max: f64,
    /// The correction of the mean, at most this many standard deviations.
    #[serde(deserialize_with = "check::non_negative_in_single")]
    #[schemars(schema_with = "check::schema::non_negative_in_single")]
    pub d_max: f64,
    /// Share of all steps before anything is corrected.
    #[serde(deserialize_with = "check::share")]
    #[schemars(schema_with = "check::schema::share")]
    pub warmup: f64,
}

impl Serialize for BatchRenorm {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut table = serializer.serialize_map(None)?;
        table.serialize_entry("placement", &self.placement)?;
        table.serialize_entry("eps", &self.eps)?;
        table.serialize_entry("eps_placement", &self.eps_placement)?;
        self.running().write(&mut table, self.affine, true)?;
        table.serialize_entry("r_max", &self.r_max)?;
        table.serialize_entry("d_max", &self.d_max)?;
        table.serialize_entry("warmup", &self.warmup)?;
        table.end()
    }
}

impl NormSettings for BatchRenorm {
    fn along(&self) -> Along {
        Along::Batch
    }

    fn centres(&self) -> bool {
        true
    }

    fn placement(&self) -> Placement {
        self.placement
    }

    fn tensors(&self) -> Vec<NormTensor> {
        let mut tensors = NormTensor::affine(self.affine);
        tensors.extend(Running::tensors(true));
        tensors
    }

    fn running_statistics(&self) -> Option<RunningStatistics> {
        Some(self.running().source())
    }

    fn training_tensors(&self) -> Vec<NormTensor> {
        ["training_mean", "training_sd"]
            .map(|name| NormTensor::Statistic { name, start: 0.0 })
            .to_vec()
    }

    fn trains_by_momentum(&self) -> bool {
        true
    }

    #[allow(clippy::cast_precision_loss)] // steps are far below 2^53
    fn remarks(&self, training: &Circumstances) -> Vec<Remark> {
        let plain = self.warmup * training.steps as f64;
        // What the average holds by then is mostly noise of single batches.
        let needed = 1.0 / self.momentum;
        if plain >= needed {
            // Seven times the warm-up follow it.
            let reached = 1.0 + (self.r_max - 1.0) * (1.0 / self.warmup - 1.0) / 7.0;
            let ends = reached >= self.r_max || self.r_max == 1.0;
            let remark = || Remark {
                is_warning: false,
                key: "model.norm.warmup",
                message: format!(
                    "the limit of the correction rises for seven times the warm-up: within the {} steps to {reached:.1} of `r_max` {}",
                    training.steps, self.r_max
                ),
                help: "a `warmup` of 0.125 or less reaches it",
            };
            let mut remarks = if ends { Vec::new() } else { vec![remark()] };
            if training.may_stop && self.warmup > 0.0 {
                remarks.push(Remark {
                    is_warning: false,
                    key: "model.norm.warmup",
                    message: format!(
                        "the limits of the corrections rise until {:.0} % of `training.epochs`: what a rule stops before has trained closer to the norm `batch`",
                        (800.0 * self.warmup).min(100.0)
                    ),
                    help: "",
                });
            }
            return remarks;
        }
        vec![Remark {
            is_warning: true,
            key: "model.norm.warmup",
            message: format!(
                "the warm-up of {plain:.0} of {} steps is shorter than the {needed:.0} that running averages of momentum {} go back over: batches are corrected towards single ones",
                training.steps, self.momentum
            ),
            help: "train for more steps, or raise `warmup` or `momentum`",
        }]
    }

    fn same_as(&self, _: usize) -> Option<Value> {
        let batch = BatchNorm {
            placement: self.placement,
            eps: self.eps,
            eps_placement: self.eps_placement,
            momentum: self.momentum,
            affine: self.affine,
            statistics: self.statistics,
            recalibrate_rows: self.recalibrate_rows,
        };
        (self.r_max == 1.0 && self.d_max == 0.0).then(|| table_of("batch", &batch))
    }
}

impl BatchRenorm {
    /// How it keeps running statistics.
    #[must_use]
    pub fn running(&self) -> Running {
        let Self { statistics, momentum, recalibrate_rows: rows, .. } = *self;
        Running { statistics, momentum, rows }
    }

    /// The limits of both corrections at a step (from 0) of a training of so many: 1 and 0 in the
    /// warm-up, then on a straight line to `r_max` after seven times the warm-up more and to `d_max` after
    /// four times.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // steps are far below 2^53
    pub fn limits(&self, step: i64, steps: usize) -> (f64, f64) {
        let plain = self.warmup * steps as f64;
        let ramp = |lasts: f64| {
            let beyond = step as f64 - plain;
            if beyond < 0.0 {
                0.0
            } else if lasts > 0.0 {
                (beyond / lasts).min(1.0)
            } else {
                1.0
            }
        };
        (1.0 + (self.r_max - 1.0) * ramp(7.0 * plain), self.d_max * ramp(4.0 * plain))
    }

    /// What the values that the averages of training start from weigh after so many batches.
    #[must_use]
    pub fn start_weight(&self, batches: i64) -> f64 {
        1.0 - self.known_weight(batches)
    }

    /// What these batches weigh themselves.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // batches are far below 2^53
    pub fn known_weight(&self, batches: i64) -> f64 {
        // 1 - (1 - momentum)^batches, of which a small momentum would leave nothing.
        if batches == 0 { 0.0 } else { -(batches as f64 * (-self.momentum).ln_1p()).exp_m1() }
    }
}

impl Default for BatchRenorm {
    fn default() -> Self {
        Self {
            placement: Placement::BeforeActivation,
            eps: 1e-5,
            eps_placement: EpsPlacement::Variance,
            momentum: 0.1,
            affine: true,
            statistics: Statistics::Recalibrate,
            recalibrate_rows: 8192,
            r_max: 3.0,
            d_max: 5.0,
            warmup: 0.1,
        }
    }
}
