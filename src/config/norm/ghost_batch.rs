//! `ghost_batch`: over chunks of a batch (Hoffer et al. 2017).

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

/// Settings of `ghost_batch`.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default)]
pub struct GhostBatchNorm {
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
    /// Rows of a chunk; the last takes what is left over.
    #[serde(deserialize_with = "check::at_least_two")]
    #[schemars(schema_with = "check::schema::at_least_two")]
    pub ghost_size: usize,
}

impl Serialize for GhostBatchNorm {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut table = serializer.serialize_map(None)?;
        table.serialize_entry("placement", &self.placement)?;
        table.serialize_entry("eps", &self.eps)?;
        table.serialize_entry("eps_placement", &self.eps_placement)?;
        self.running().write(&mut table, self.affine, false)?;
        table.serialize_entry("ghost_size", &self.ghost_size)?;
        table.end()
    }
}

impl NormSettings for GhostBatchNorm {
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

    fn remarks(&self, training: &Circumstances) -> Vec<Remark> {
        let chunks = self.chunks(training.batch);
        if chunks == 1 {
            return vec![Remark {
                is_warning: true,
                key: "model.norm.ghost_size",
                message: format!(
                    "no batch has rows for two chunks of {}: this is the norm `batch`",
                    self.ghost_size
                ),
                help: "take a smaller `ghost_size`, or larger batches",
            }];
        }
        let mut remarks = Vec::new();
        if self.ghost_size == 2 {
            remarks.push(Remark {
                is_warning: true,
                key: "model.norm.ghost_size",
                message: "of two rows each unit comes out as +1 and -1, whatever goes in"
                    .to_owned(),
                help: "take chunks of more rows",
            });
        }
        if self.statistics != Statistics::Ema {
            return remarks;
        }
        #[allow(clippy::cast_precision_loss)] // chunks of a batch
        let effective = 1.0 - (1.0 - self.momentum).powf(chunks as f64);
        remarks.push(Remark {
            is_warning: false,
            key: "model.norm.momentum",
            message: format!(
                "the running statistics move once for each of the {chunks} chunks of a batch: at a momentum of {} a batch weighs {effective:.2} in them",
                self.momentum
            ),
            help: "",
        });
        remarks
    }

    fn same_as(&self, rows: usize) -> Option<Value> {
        let Self {
            placement,
            eps,
            eps_placement,
            momentum,
            affine,
            statistics,
            recalibrate_rows,
            ..
        } = *self;
        let batch = BatchNorm {
            placement,
            eps,
            eps_placement,
            momentum,
            affine,
            statistics,
            recalibrate_rows,
        };
        (self.chunks(rows) == 1).then(|| table_of("batch", &batch))
    }
}

impl GhostBatchNorm {
    /// How it keeps running statistics.
    #[must_use]
    pub fn running(&self) -> Running {
        let Self { statistics, momentum, recalibrate_rows: rows, .. } = *self;
        Running { statistics, momentum, rows }
    }

    /// The chunks of a batch of so many rows: as many of `ghost_size` rows as there are, at least one.
    #[must_use]
    pub fn chunks(&self, rows: usize) -> usize {
        (rows / self.ghost_size.max(1)).max(1)
    }

    /// The rows of each chunk; the last takes what is left over.
    #[must_use]
    pub fn chunk_sizes(&self, rows: usize) -> Vec<usize> {
        let chunks = self.chunks(rows);
        let mut sizes = vec![self.ghost_size; chunks];
        sizes[chunks - 1] = rows - (chunks - 1) * self.ghost_size;
        sizes
    }
}

impl Default for GhostBatchNorm {
    fn default() -> Self {
        Self {
            placement: Placement::BeforeActivation,
            eps: 1e-5,
            eps_placement: EpsPlacement::Variance,
            momentum: 0.1,
            affine: true,
            statistics: Statistics::Recalibrate,
            recalibrate_rows: 8192,
            ghost_size: 16,
        }
    }
}
