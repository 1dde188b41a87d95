//! What others ask of a norm, and the settings that several norms share.

use serde::{Deserialize, Serialize};

/// What the layers around a norm, and all who look at one, have to know of it.
pub trait NormSettings {
    /// What it takes its statistics over.
    fn along(&self) -> Along;

    /// Whether it subtracts the mean of what it looks [along](Self::along).
    fn centres(&self) -> bool;

    /// Its tensors, in the order of a `state_dict`. A norm that learns and keeps nothing has none,
    /// and is a norm all the same.
    fn tensors(&self) -> Vec<NormTensor>;

    /// On which side of the activation it stands.
    fn placement(&self) -> Placement {
        Placement::BeforeActivation
    }

    /// Where the statistics that it uses outside of training come from; none where it uses none.
    fn running_statistics(&self) -> Option<RunningStatistics> {
        None
    }

    /// Whether a bias of the Linear before it would do nothing: the mean over the batch takes it
    /// out again.
    fn replaces_bias(&self) -> bool {
        self.along() == Along::Batch
            && self.centres()
            && self.placement() == Placement::BeforeActivation
    }
}

/// What a norm takes its statistics over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Along {
    /// Each unit over the rows of a batch. Outside of training it goes by running statistics and is
    /// a scale and a shift of each unit.
    Batch,
    /// Each row over its units, in training and outside of it.
    Row,
    /// The weights of the Linear, whatever the rows.
    Weights,
}

/// One tensor of a norm: one number per unit, or a count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NormTensor {
    /// What each unit is multiplied by at the end, moved by training.
    Scale,
    /// What is then added, moved by training.
    Shift,
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

impl NormTensor {
    /// Scale and shift where a norm is affine.
    #[must_use]
    pub fn affine(affine: bool) -> Vec<Self> {
        if affine { vec![Self::Scale, Self::Shift] } else { Vec::new() }
    }

    /// Its last name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Scale => "weight",
            Self::Shift => "bias",
            Self::Statistic { name, .. } | Self::Count { name } => name,
        }
    }

    /// Whether training moves it.
    #[must_use]
    pub fn is_parameter(self) -> bool {
        matches!(self, Self::Scale | Self::Shift)
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

/// The key `statistics`: where those used outside of training come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Statistics {
    /// An exponential average over the training batches.
    Ema,
    /// The plain average over all training batches so far.
    Cumulative,
    /// A pass over training rows with the weights frozen, before each evaluation.
    Recalibrate,
}

/// The statistics that a norm uses outside of training, with the setting that belongs to them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RunningStatistics {
    /// [`Statistics::Ema`]
    Ema {
        /// Weight of the new batch.
        momentum: f64,
    },
    /// [`Statistics::Cumulative`]
    Cumulative,
    /// [`Statistics::Recalibrate`]
    Recalibrate {
        /// Training rows at most.
        rows: usize,
    },
}
