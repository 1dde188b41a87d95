//! What `[tune]` chose.

use serde::Serialize;

use crate::config::Factors;
use crate::results::{TunedArm, TuningRecord};

/// The values that were chosen for arms that differ only in their rule.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TunedValues {
    /// Their level of each factor that is not about the rule.
    pub factors: Factors,
    /// By tuned key.
    pub values: Factors,
    /// By key: what was tried beyond the grid, because the best lay on its edge.
    pub added: Factors,
    /// The keys for which the value is the smallest or the largest that was tried.
    pub on_edge: Vec<String>,
    /// Mean over the tuning seeds of the `val_loss` that they are judged by; none where all diverged.
    pub val_loss: Option<f64>,
    /// Each value tried and that mean of it, in the order of the list, then of what was added.
    pub tried: Vec<(Factors, Option<f64>)>,
    /// Trainings spent on it.
    pub trainings: usize,
}

impl TunedValues {
    /// Of an arm, once a value is chosen.
    #[must_use]
    pub fn of(arm: &TunedArm) -> Option<Self> {
        Some(Self {
            factors: arm.factors.clone(),
            values: arm.chosen.clone()?,
            added: arm.added(),
            on_edge: arm.on_edge.clone(),
            val_loss: arm.best()?.mean,
            tried: arm.tried.iter().map(|tried| (tried.values.clone(), tried.mean)).collect(),
            trainings: arm.tried.iter().map(|tried| tried.trainings.len()).sum(),
        })
    }

    /// Of all arms.
    #[must_use]
    pub fn all(record: &TuningRecord) -> Vec<Self> {
        record.arms.iter().filter_map(Self::of).collect()
    }
}
