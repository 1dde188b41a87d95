//! `[evaluation]`: what is measured after each epoch.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::model::{Along, ModelConfig, NormSettings};

/// `[evaluation]`: what is measured after each epoch besides the validation split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EvaluationConfig {
    /// The loss and metrics of a fixed part of the training split, in evaluation mode.
    pub train: bool,
    /// The test split, which no rule can read.
    pub test: bool,
    /// What is looked at inside of the network. Where nothing is, a training is written, and so
    /// identified, as it was before there was anything to ask for.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub inside: BTreeSet<Inside>,
}

impl Default for EvaluationConfig {
    fn default() -> Self {
        Self { train: true, test: true, inside: BTreeSet::new() }
    }
}

/// Something inside of a network that has columns of its own.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Inside {
    /// What comes into a typical unit of the last hidden layer (Ioffe & Szegedy 2015, figure 1).
    Preactivations,
    /// The loss by the batches' statistics against that by the running ones.
    Modes,
    /// How far the running statistics are from those of the training rows.
    Drift,
    /// Loss and gradient along the gradient (Santurkar et al. 2018).
    Landscape,
}

impl Inside {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Preactivations, Self::Modes, Self::Drift, Self::Landscape];

    /// Its name in a config.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Preactivations => "preactivations",
            Self::Modes => "modes",
            Self::Drift => "drift",
            Self::Landscape => "landscape",
        }
    }

    /// Its columns.
    #[must_use]
    pub fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Preactivations => &["preact_p15", "preact_p50", "preact_p85"],
            Self::Modes => &["loss_train_mode", "loss_eval_mode"],
            Self::Drift => &["drift_mean", "drift_spread"],
            Self::Landscape => &["ls_min", "ls_max", "gp_min", "gp_max", "beta_eff"],
        }
    }

    /// Why a model has nothing of the kind; none where it has.
    #[must_use]
    pub fn lacking(self, model: &ModelConfig) -> Option<&'static str> {
        match self {
            // A step along it moves lengths and directions, which a chain of layers does not have.
            Self::Landscape => model
                .hidden_norm()
                .is_some_and(NormSettings::normalises_weights)
                .then_some("the gradient by lengths and directions of weights is not measured"),
            Self::Modes | Self::Drift if model.norm_along() == Some(Along::Batch) => None,
            _ if model.hidden.is_empty() => Some("there is no hidden layer"),
            Self::Modes | Self::Drift => Some("no norm keeps running statistics"),
            Self::Preactivations => None,
        }
    }
}
