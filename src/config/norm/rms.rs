//! `rms`: each row by the root of its mean square (Zhang & Sennrich 2019).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::settings::{
    Along, ByRow, Circumstances, EpsPlacement, NormSettings, NormTensor, Placement, Remark, Unfit,
};
use crate::check;

/// Settings of `rms`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RmsNorm {
    /// On which side of the activation.
    pub placement: Placement,
    /// Keeps the division away from 0.
    #[serde(deserialize_with = "check::positive_in_single")]
    #[schemars(schema_with = "check::schema::positive_in_single")]
    pub eps: f64,
    /// Where `eps` is added.
    pub eps_placement: EpsPlacement,
    /// Learn a scale per unit.
    pub affine: bool,
}

impl NormSettings for RmsNorm {
    fn along(&self) -> Along {
        Along::Row
    }

    fn centres(&self) -> bool {
        false
    }

    fn placement(&self) -> Placement {
        self.placement
    }

    fn tensors(&self) -> Vec<NormTensor> {
        if self.affine { vec![NormTensor::Scale] } else { Vec::new() }
    }

    fn unfit(&self, layers: &[usize]) -> Option<Unfit> {
        self.by_row().unfit(layers)
    }

    fn remarks(&self, training: &Circumstances) -> Vec<Remark> {
        self.by_row().remarks(training)
    }
}

impl RmsNorm {
    /// How it normalises a row.
    #[must_use]
    pub fn by_row(&self) -> ByRow {
        let Self { eps, eps_placement, .. } = *self;
        ByRow { groups: 1, centres: false, eps, eps_placement }
    }
}

impl Default for RmsNorm {
    fn default() -> Self {
        Self {
            placement: Placement::BeforeActivation,
            eps: 1e-5,
            eps_placement: EpsPlacement::Variance,
            affine: true,
        }
    }
}
