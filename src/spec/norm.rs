//! `[model.norm]`: the normalisation of each hidden layer.
//!
//! To add a norm, write its settings here, add one line to the list of [`Norm`], and give it its
//! arithmetic in `nn/graph/norm/`.

use serde::ser::{SerializeStruct, Serializer};
use serde::{Deserialize, Serialize};

use crate::check;
use crate::kinds;
use crate::kinds::NoSettings;

/// What the layers around a norm have to know of it.
pub trait NormSettings {
    /// On which side of the activation it stands.
    fn placement(&self) -> Placement {
        Placement::BeforeActivation
    }

    /// Whether it subtracts the batch's mean, so that a bias right before it would do nothing.
    fn centres_over_the_batch(&self) -> bool {
        false
    }

    /// Its tensors, in the order of a `state_dict`; none: there is no norm.
    fn tensors(&self) -> Vec<NormTensor>;

    /// Whether its statistics are measured anew before each evaluation.
    fn recalibrates(&self) -> bool {
        false
    }
}

/// One tensor of a norm: one number per unit, or a count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NormTensor {
    /// Moved by training.
    Parameter {
        /// Its last name: `weight`.
        name: &'static str,
        /// Of every unit before the first step.
        start: f32,
    },
    /// Measured in training, used outside of it.
    Statistic {
        /// Its last name: `running_mean`.
        name: &'static str,
        /// Of every unit before the first step.
        start: f32,
    },
    /// A whole number that starts at 0.
    Count {
        /// Its last name: `num_batches_tracked`.
        name: &'static str,
    },
}

impl NormSettings for NoSettings {
    fn tensors(&self) -> Vec<NormTensor> {
        Vec::new()
    }
}

kinds! {
    /// `[model.norm]`: the normalisation of each hidden layer.
    pub enum Norm: "norm", default Some("none"), each a NormSettings;
    /// No normalisation
    "none" => None(NoSettings),
    /// Over the batch (Ioffe & Szegedy 2015)
    "batch" => Batch(BatchNorm),
    later ["layer", "group", "rms", "weight", "mean_only_batch", "batch_renorm", "ghost_batch"]
    with keys ["groups", "ghost_size", "r_max", "d_max", "warmup"]
}

/// Settings of `batch`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
pub struct BatchNorm {
    /// On which side of the activation.
    pub placement: Placement,
    /// Keeps the division away from 0.
    #[serde(deserialize_with = "check::positive_in_single")]
    pub eps: f64,
    /// Where `eps` is added.
    pub eps_placement: EpsPlacement,
    /// Weight of the new batch in the running statistics (`PyTorch`'s convention).
    #[serde(deserialize_with = "check::weight")]
    pub momentum: f64,
    /// Learn a scale and a shift per unit.
    pub affine: bool,
    /// Where the statistics used outside of training come from.
    pub statistics: Statistics,
}

impl Serialize for BatchNorm {
    /// Without `momentum` where no average has one: what changes nothing tells no trainings apart.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { placement, eps, eps_placement, momentum, affine, statistics } = self;
        let averages = *statistics == Statistics::Ema;
        let mut table = serializer.serialize_struct("BatchNorm", 5 + usize::from(averages))?;
        table.serialize_field("placement", placement)?;
        table.serialize_field("eps", eps)?;
        table.serialize_field("eps_placement", eps_placement)?;
        if averages {
            table.serialize_field("momentum", momentum)?;
        }
        table.serialize_field("affine", affine)?;
        table.serialize_field("statistics", statistics)?;
        table.end()
    }
}

impl NormSettings for BatchNorm {
    fn placement(&self) -> Placement {
        self.placement
    }

    fn centres_over_the_batch(&self) -> bool {
        true
    }

    fn tensors(&self) -> Vec<NormTensor> {
        let mut tensors = Vec::new();
        if self.affine {
            tensors.push(NormTensor::Parameter { name: "weight", start: 1.0 });
            tensors.push(NormTensor::Parameter { name: "bias", start: 0.0 });
        }
        tensors.push(NormTensor::Statistic { name: "running_mean", start: 0.0 });
        tensors.push(NormTensor::Statistic { name: "running_var", start: 1.0 });
        tensors.push(NormTensor::Count { name: "num_batches_tracked" });
        tensors
    }

    fn recalibrates(&self) -> bool {
        self.statistics == Statistics::Recalibrate
    }
}

impl Default for BatchNorm {
    fn default() -> Self {
        Self {
            placement: Placement::BeforeActivation,
            eps: 1e-5,
            eps_placement: EpsPlacement::Variance,
            momentum: 0.1,
            affine: true,
            statistics: Statistics::Ema,
        }
    }
}

/// On which side of the activation a norm stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Placement {
    /// Linear, norm, activation: the paper's.
    BeforeActivation,
    /// Linear, activation, norm.
    AfterActivation,
}

/// Where `eps` is added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EpsPlacement {
    /// sqrt(var + eps)
    Variance,
    /// sqrt(var) + eps
    Std,
}

/// Where the statistics used outside of training come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Statistics {
    /// An exponential average over the training batches.
    Ema,
    /// The plain average over all training batches so far.
    Cumulative,
    /// A pass over the training split with the weights frozen, before each evaluation.
    Recalibrate,
}
