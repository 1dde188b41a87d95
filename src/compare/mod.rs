//! Puts results side by side: records in, a [`Comparison`] out, with its conclusions and what limits
//! them as data.
//!
//! Everything here is a pure function of what was loaded: nothing is read from disk, and no sentence
//! is made. The statistics are those of [`stats`](crate::stats); what is compared with what is decided
//! here.

mod across;
mod arms;
mod baseline;
mod best;
mod comparison;
mod conclusion;
mod confounders;
mod contrast;
mod contrasts;
pub mod curves;
mod designs;
mod experiment;
pub mod foreign;
pub mod gate;
pub mod label;
mod mean_curves;
mod merge;
mod metric;
mod monitor;
mod options;
mod robust;
mod running_statistics;
pub mod runs;
mod savings;
mod selection;
pub mod setting;
mod significance;
pub mod speed;
mod summary;
#[cfg(test)]
mod tests;
mod tuned;
pub mod tuning;
mod units;
mod unpaired;
mod values;
mod verdict;
mod warning;
mod warnings;

pub use across::{AcrossDataSets, RankedArm};
pub use arms::{ArmSummary, MetricSummary, Metrics};
pub use baseline::BaselineArm;
pub use comparison::{Comparison, compare};
pub use conclusion::{
    Best, Conclusion, Detectable, Effect, Finding, Interaction, Scope, Scores, UnitsDiffer, Verdict,
};
pub(crate) use confounders::{RATE, needs_own_rate};
pub use contrast::{Contrast, ContrastKind, Divergences, SeedPair, SequentialLook};
pub use contrasts::ROBUST_DESIGNS;
pub use mean_curves::{EpochMean, MeanCurve, MeanCurves};
pub use metric::PRIMARY;
pub use options::{CLOCK_SUFFIX, CompareError, Filter, Margin, Options, Pairing};
pub use robust::{PAIRS_FOR_BOOTSTRAP, Robust};
pub use savings::Saving;
pub use significance::ALPHA;
pub use summary::{DataSummary, ExperimentSummary};
pub use tuned::TunedValues;
pub use warning::{Aspect, Mixed, Warning, WarningKind};
