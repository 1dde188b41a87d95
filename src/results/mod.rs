//! The results directory, as it is read: what is in it, under which names, and what a finished training
//! says.

pub mod archive;
pub mod curves;
pub mod epochs_csv;
mod files;
pub mod layout;
pub mod load;
pub mod plan;
pub mod record;
pub mod recorded_training;
pub mod seal;
mod sharing;
pub mod tensorboard;
mod test_rows;
pub mod tuning;

pub use curves::{Curves, curves, is_ours};
pub use files::Files;
pub use load::{FailedTraining, Foreign, LoadError, LoadedExperiment, LoadedTraining, load};
pub use plan::{Plan, PlannedArm, PlannedTraining, SequentialPlan};
pub use record::{ArmRecord, FullRun, Provenance, Resumed, Shared, Status, TrainingRecord};
pub use test_rows::TestRows;
pub use tuning::{Tried, TunedArm, TuningRecord};

#[cfg(test)]
pub(crate) mod fixtures;
