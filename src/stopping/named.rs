//! Rules named after their sources: `evidence`, `gradient_norm`, `gradient_disparity`, `complexity`.
//!
//! Each is a general rule on a column that is measured only where a rule reads it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::counted::Side;
use super::curve::{five, one};
use super::threshold::Limit;
use super::{Increases, Monitored, Readable, RelativeToFirst, Rule, Threshold};
use crate::check;
use crate::history::History;

/// A rule that is a general one on a column of its own.
trait Named {
    /// The general rule.
    type General: Rule;

    /// The column that it reads.
    fn column(&self) -> &str;

    /// The rule that this one is.
    fn general(&self) -> Self::General;
}

impl<T: Named> Rule for T {
    fn fires(&self, monitored: &Monitored, history: &History) -> bool {
        self.general().fires(monitored, history)
    }

    fn columns(&self) -> Vec<&str> {
        vec![self.column()]
    }

    fn reads_monitored(&self) -> bool {
        false
    }

    fn earliest(&self) -> usize {
        self.general().earliest()
    }

    fn postponed_by(&self) -> &'static str {
        self.general().postponed_by()
    }

    fn state(&self, monitored: &Monitored, history: &History) -> String {
        self.general().state(monitored, history)
    }
}

/// Settings of `evidence` (Mahsereci et al. 2017): the gradient is no more than noise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// Epochs in a row at which the evidence is above 0.
    #[serde(default = "one", deserialize_with = "check::at_least_one")]
    #[schemars(schema_with = "check::schema::at_least_one")]
    pub count: usize,
}

impl Named for Evidence {
    type General = Threshold;

    fn column(&self) -> &'static str {
        "evidence"
    }

    fn general(&self) -> Threshold {
        Threshold { column: self.column().to_owned(), limit: Limit::Above(0.0), count: self.count }
    }
}

/// Settings of `gradient_norm`: the gradient is a small part of what it was at first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GradientNorm {
    /// Training ends where the norm is below this part of the first.
    #[serde(default = "tenth", deserialize_with = "check::positive")]
    #[schemars(schema_with = "check::schema::positive")]
    pub factor: f64,
    /// Epochs in a row.
    #[serde(default = "one", deserialize_with = "check::at_least_one")]
    #[schemars(schema_with = "check::schema::at_least_one")]
    pub count: usize,
}

fn tenth() -> f64 {
    0.1
}

impl Named for GradientNorm {
    type General = RelativeToFirst;

    fn column(&self) -> &'static str {
        "grad_norm"
    }

    fn general(&self) -> RelativeToFirst {
        RelativeToFirst {
            column: self.column().to_owned(),
            side: Side::Below,
            factor: self.factor,
            count: self.count,
        }
    }
}

/// Settings of `gradient_disparity` (Forouzesh & Thiran 2021): the gradients of batches part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GradientDisparity {
    /// Increases from one epoch to the next after which training ends.
    #[serde(default = "five", deserialize_with = "check::at_least_one")]
    #[schemars(schema_with = "check::schema::at_least_one")]
    pub count: usize,
    /// Only those in a row, rather than all since the first epoch.
    #[serde(default)]
    pub consecutive: bool,
}

impl Named for GradientDisparity {
    type General = Increases;

    fn column(&self) -> &'static str {
        "grad_disparity"
    }

    fn general(&self) -> Increases {
        Increases {
            column: Readable(self.column().to_owned()),
            count: self.count,
            consecutive: self.consecutive,
        }
    }
}

/// Settings of `complexity`: the network has grown beyond a factor of what it was at first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Complexity {
    /// Of what.
    pub measure: Measure,
    /// Training ends where the measure is above this factor of the first.
    #[serde(deserialize_with = "check::positive")]
    #[schemars(schema_with = "check::schema::positive")]
    pub factor: f64,
    /// Epochs in a row.
    #[serde(default = "one", deserialize_with = "check::at_least_one")]
    #[schemars(schema_with = "check::schema::at_least_one")]
    pub count: usize,
}

/// How complex a network is, norms folded into its weights; the name is the column's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Root of the sum of squared weights.
    WeightNorm,
    /// Root of the sum over paths of products of squared weights.
    PathNorm,
    /// Product of the layers' largest singular values.
    SpectralNorm,
    /// Euclidean distance of the weights from their initial values.
    DistanceFromInit,
}

impl Named for Complexity {
    type General = RelativeToFirst;

    fn column(&self) -> &'static str {
        match self.measure {
            Measure::WeightNorm => "weight_norm",
            Measure::PathNorm => "path_norm",
            Measure::SpectralNorm => "spectral_norm",
            Measure::DistanceFromInit => "distance_from_init",
        }
    }

    fn general(&self) -> RelativeToFirst {
        RelativeToFirst {
            column: self.column().to_owned(),
            side: Side::Above,
            factor: self.factor,
            count: self.count,
        }
    }
}
