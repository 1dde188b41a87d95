//! The results directory, as it is read: what is in it, under which names, and what a finished training
//! says.

pub mod curves;
pub mod epochs_csv;
pub mod layout;
pub mod load;
pub mod record;
pub mod reread;
mod sharing;
pub mod tuning;

pub use curves::{Curves, curves};
pub use load::{FailedRun, LoadError, LoadedExperiment, LoadedRun, load};
pub use record::{
    ArmRecord, FullRun, Plan, PlannedArm, PlannedRun, Provenance, Resumed, RunRecord, Shared,
    Status,
};

pub use tuning::{Tried, TunedArm, TuningRecord};

#[cfg(test)]
pub(crate) mod fixtures;
