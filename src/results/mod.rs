//! The results directory: what is in it, under which names, and what a finished training says.

pub mod curves;
pub mod epochs_csv;
pub mod fresh;
pub mod layout;
pub mod load;
pub mod process;
pub mod record;
pub mod reread;
pub mod standing;
pub mod store;
pub mod tuning;
pub mod whole;
pub mod work;

pub use curves::{Curves, curves};
pub use load::{FailedRun, LoadError, LoadedExperiment, LoadedRun, load};
pub use record::{
    ArmRecord, FullRun, Plan, PlannedArm, PlannedRun, Provenance, Resumed, RunRecord, Status,
};

pub use tuning::{Tried, TunedArm, TuningRecord};

#[cfg(test)]
pub(crate) mod fixtures;
