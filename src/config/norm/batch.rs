//! `batch`: over the rows of a batch (Ioffe & Szegedy 2015).

use serde::ser::{SerializeStruct, Serializer};
use serde::{Deserialize, Serialize};

use super::settings::{
    Along, EpsPlacement, NormSettings, NormTensor, Placement, RunningStatistics, Statistics,
};
use crate::check;

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
    /// Training rows that [`Statistics::Recalibrate`] measures at most.
    #[serde(deserialize_with = "check::at_least_two")]
    pub recalibrate_rows: usize,
}

impl Serialize for BatchNorm {
    /// `momentum` and `recalibrate_rows` only where they are read: what changes nothing tells no trainings apart.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { placement, eps, eps_placement, momentum, affine, statistics, recalibrate_rows } =
            self;
        let fields = if *statistics == Statistics::Cumulative { 5 } else { 6 };
        let mut table = serializer.serialize_struct("BatchNorm", fields)?;
        table.serialize_field("placement", placement)?;
        table.serialize_field("eps", eps)?;
        table.serialize_field("eps_placement", eps_placement)?;
        if *statistics == Statistics::Ema {
            table.serialize_field("momentum", momentum)?;
        }
        table.serialize_field("affine", affine)?;
        table.serialize_field("statistics", statistics)?;
        if *statistics == Statistics::Recalibrate {
            table.serialize_field("recalibrate_rows", recalibrate_rows)?;
        }
        table.end()
    }
}

impl NormSettings for BatchNorm {
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
        tensors.push(NormTensor::Statistic { name: "running_mean", start: 0.0 });
        tensors.push(NormTensor::Statistic { name: "running_var", start: 1.0 });
        tensors.push(NormTensor::Count { name: "num_batches_tracked" });
        tensors
    }

    fn running_statistics(&self) -> Option<RunningStatistics> {
        Some(match self.statistics {
            Statistics::Ema => RunningStatistics::Ema { momentum: self.momentum },
            Statistics::Cumulative => RunningStatistics::Cumulative,
            Statistics::Recalibrate => {
                RunningStatistics::Recalibrate { rows: self.recalibrate_rows }
            }
        })
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
            statistics: Statistics::Recalibrate,
            recalibrate_rows: 8192,
        }
    }
}
