//! The results directory: what is in it, under which names, and what a finished training says.

pub mod record;

pub use record::{ArmRecord, FullRun, Plan, PlannedArm, PlannedRun, Provenance, RunRecord, Status};
