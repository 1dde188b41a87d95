//! What a comparison is asked for, and why it may not be made.

use serde_json::Value;

use super::warning::Warning;

/// The columns that a clock fills end with this.
pub const CLOCK_SUFFIX: &str = "_s";

/// What a comparison is asked for.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Options {
    /// The metric of the verdict; default: `test_loss`, without test split `val_loss`.
    pub metric: Option<String>,
    /// Only arms whose factor `key` has this level.
    pub filters: Vec<Filter>,
    /// Leave out what a clock said, unless it is the metric asked for: the same trainings on
    /// another day give the same report.
    pub no_clocks: bool,
    /// Work out medians and ratios, too, which takes its time.
    pub robust: bool,
    /// Every pair of levels of a factor, rather than each level against the first.
    pub all_pairs: bool,
    /// How the trainings of arms are held against each other.
    pub pairing: Pairing,
    /// Differences below this do not matter.
    pub margin: Option<Margin>,
}

/// How the trainings of arms are held against each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pairing {
    /// Seed by seed.
    #[default]
    BySeed,
    /// Those of each arm as a sample of their own.
    Unpaired,
}

/// The smallest difference that matters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Margin {
    /// In the metric's own unit.
    Absolute(f64),
    /// As a share of the mean at the first level.
    Share(f64),
}

impl Margin {
    /// In the metric's own unit, with the mean at the first level.
    #[must_use]
    pub fn of(self, first_level: Option<f64>) -> Option<f64> {
        match self {
            Self::Absolute(margin) => Some(margin),
            Self::Share(share) => first_level.map(|mean| share * mean.abs()),
        }
    }
}

impl Options {
    /// Whether a metric is left out.
    pub(super) fn leaves_out(&self, metric: &str) -> bool {
        self.no_clocks && metric.ends_with(CLOCK_SUFFIX) && self.metric.as_deref() != Some(metric)
    }
}

/// `--where KEY=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// A factor.
    pub key: String,
    /// A level of it: its value, as results name it, or a table of some of its settings.
    pub level: Value,
}

/// Why a comparison cannot be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CompareError {
    /// A filter on something that no experiment varies.
    #[error("`{key}` is not a factor here: {}", .factors.as_deref().map_or_else(
        || "no experiment varies anything".to_owned(), |f| format!("the factors are {f}")))]
    UnknownFactor {
        /// What was asked for.
        key: String,
        /// The factors with their levels.
        factors: Option<String>,
    },
    /// A filter on a level that a factor does not have.
    #[error("`{key}` has no level `{value}`: the levels are {levels}")]
    UnknownLevel {
        /// The factor.
        key: String,
        /// What was asked for.
        value: String,
        /// The levels there are.
        levels: String,
    },
    /// A metric that no arm has.
    #[error("no arm has the metric `{metric}`: the metrics are {metrics}")]
    UnknownMetric {
        /// What was asked for.
        metric: String,
        /// The metrics there are.
        metrics: String,
    },
    /// No arm is left after the filters.
    #[error("no arm has all the levels asked for")]
    NoArm,
    /// Not one training has ended; why.
    #[error("nothing to compare: no training has ended yet")]
    NothingDone(Vec<Warning>),
}

impl CompareError {
    /// Whether it was asked wrongly, rather than that nothing is there yet.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        !matches!(self, Self::NothingDone(_))
    }
}
