//! `mean_only_batch`: the mean over a batch is taken out, and nothing divided by (Salimans & Kingma 2016).

use schemars::JsonSchema;
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

use super::settings::{
    Along, Circumstances, NormSettings, NormTensor, Placement, Remark, Running, RunningStatistics,
    Statistics,
};
use super::weight::of_decay;
use crate::check;

/// Settings of `mean_only_batch`.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default)]
pub struct MeanOnlyBatchNorm {
    /// On which side of the activation.
    pub placement: Placement,
    /// Weight of the new batch in the running statistics (`PyTorch`'s convention).
    #[serde(deserialize_with = "check::weight")]
    #[schemars(schema_with = "check::schema::weight")]
    pub momentum: f64,
    /// Learn a shift per unit.
    pub affine: bool,
    /// Where the statistics used outside of training come from.
    pub statistics: Statistics,
    /// Training rows that [`Statistics::Recalibrate`] measures at most.
    #[serde(deserialize_with = "check::at_least_two")]
    #[schemars(schema_with = "check::schema::at_least_two")]
    pub recalibrate_rows: usize,
    /// Together with `weight`, as in the paper; else the mean alone.
    pub weight_norm: bool,
}

impl Serialize for MeanOnlyBatchNorm {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut table = serializer.serialize_map(None)?;
        table.serialize_entry("placement", &self.placement)?;
        self.running().write(&mut table, self.affine, false)?;
        table.serialize_entry("weight_norm", &self.weight_norm)?;
        table.end()
    }
}

impl NormSettings for MeanOnlyBatchNorm {
    fn along(&self) -> Along {
        Along::Batch
    }

    fn centres(&self) -> bool {
        true
    }

    fn divides(&self) -> bool {
        false
    }

    fn placement(&self) -> Placement {
        self.placement
    }

    fn tensors(&self) -> Vec<NormTensor> {
        let mut tensors = if self.affine { vec![NormTensor::Shift] } else { Vec::new() };
        tensors.extend(Running::tensors(false));
        tensors
    }

    fn running_statistics(&self) -> Option<RunningStatistics> {
        Some(self.running().source())
    }

    fn normalises_weights(&self) -> bool {
        self.weight_norm
    }

    fn remarks(&self, training: &Circumstances) -> Vec<Remark> {
        let has_lengths = self.weight_norm && !training.hidden.is_empty();
        if has_lengths { of_decay(training) } else { Vec::new() }
    }
}

impl MeanOnlyBatchNorm {
    /// How it keeps running statistics.
    #[must_use]
    pub fn running(&self) -> Running {
        let Self { statistics, momentum, recalibrate_rows: rows, .. } = *self;
        Running { statistics, momentum, rows }
    }
}

impl Default for MeanOnlyBatchNorm {
    fn default() -> Self {
        Self {
            placement: Placement::BeforeActivation,
            momentum: 0.1,
            affine: true,
            statistics: Statistics::Recalibrate,
            recalibrate_rows: 8192,
            weight_norm: true,
        }
    }
}
