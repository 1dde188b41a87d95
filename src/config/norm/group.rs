//! `group`: each row over groups of its units (Wu & He 2018).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::layer::LayerNorm;
use super::settings::{
    Along, ByRow, Circumstances, EpsPlacement, NormSettings, NormTensor, Placement, Remark, Unfit,
    table_of,
};
use crate::check;

/// Settings of `group`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct GroupNorm {
    /// On which side of the activation.
    pub placement: Placement,
    /// Keeps the division away from 0.
    #[serde(deserialize_with = "check::positive_in_single")]
    #[schemars(schema_with = "check::schema::positive_in_single")]
    pub eps: f64,
    /// Where `eps` is added.
    pub eps_placement: EpsPlacement,
    /// Learn a scale and a shift per unit.
    pub affine: bool,
    /// Groups of neighbouring units, all as wide.
    #[serde(deserialize_with = "check::at_least_one")]
    #[schemars(schema_with = "check::schema::at_least_one")]
    pub groups: usize,
}

impl NormSettings for GroupNorm {
    fn along(&self) -> Along {
        Along::Row
    }

    fn centres(&self) -> bool {
        true
    }

    fn placement(&self) -> Placement {
        self.placement
    }

    fn tensors(&self) -> Vec<NormTensor> {
        NormTensor::affine(self.affine)
    }

    fn unfit(&self, layers: &[usize]) -> Option<Unfit> {
        self.by_row().unfit(layers)
    }

    fn remarks(&self, training: &Circumstances) -> Vec<Remark> {
        self.by_row().remarks(training)
    }

    fn same_as(&self, _: usize) -> Option<Value> {
        let Self { placement, eps, eps_placement, affine, groups } = *self;
        let layer = LayerNorm { placement, eps, eps_placement, affine };
        (groups == 1).then(|| table_of("layer", &layer))
    }
}

impl GroupNorm {
    /// How it normalises a row.
    #[must_use]
    pub fn by_row(&self) -> ByRow {
        let Self { eps, eps_placement, .. } = *self;
        ByRow { groups: self.groups, centres: true, eps, eps_placement }
    }
}

impl Default for GroupNorm {
    fn default() -> Self {
        Self {
            placement: Placement::BeforeActivation,
            eps: 1e-5,
            eps_placement: EpsPlacement::Variance,
            affine: true,
            groups: 8,
        }
    }
}
