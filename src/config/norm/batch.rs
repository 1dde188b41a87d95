//! `batch`: over the rows of a batch (Ioffe & Szegedy 2015).

use schemars::JsonSchema;
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

use super::settings::{
    Along, EpsPlacement, NormSettings, NormTensor, Placement, Running, RunningStatistics,
    Statistics,
};
use crate::check;

/// Settings of `batch`.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default)]
pub struct BatchNorm {
    /// On which side of the activation.
    pub placement: Placement,
    /// Keeps the division away from 0.
    #[serde(deserialize_with = "check::positive_in_single")]
    #[schemars(schema_with = "check::schema::positive_in_single")]
    pub eps: f64,
    /// Where `eps` is added.
    pub eps_placement: EpsPlacement,
    /// Weight of the new batch in the running statistics (`PyTorch`'s convention).
    #[serde(deserialize_with = "check::weight")]
    #[schemars(schema_with = "check::schema::weight")]
    pub momentum: f64,
    /// Learn a scale and a shift per unit.
    pub affine: bool,
    /// Where the statistics used outside of training come from.
    pub statistics: Statistics,
    /// Training rows that [`Statistics::Recalibrate`] measures at most.
    #[serde(deserialize_with = "check::at_least_two")]
    #[schemars(schema_with = "check::schema::at_least_two")]
    pub recalibrate_rows: usize,
}

impl Serialize for BatchNorm {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut table = serializer.serialize_map(None)?;
        table.serialize_entry("placement", &self.placement)?;
        table.serialize_entry("eps", &self.eps)?;
        table.serialize_entry("eps_placement", &self.eps_placement)?;
        self.running().write(&mut table, self.affine, false)?;
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
        tensors.extend(Running::tensors(true));
        tensors
    }

    fn running_statistics(&self) -> Option<RunningStatistics> {
        Some(self.running().source())
    }
}

impl BatchNorm {
    /// How it keeps running statistics.
    #[must_use]
    pub fn running(&self) -> Running {
        let Self { statistics, momentum, recalibrate_rows: rows, .. } = *self;
        Running { statistics, momentum, rows }
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
