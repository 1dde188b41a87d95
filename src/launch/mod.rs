//! From an experiment to finished trainings: what is to be done, one training, many at once.

mod device;
pub mod lint;
mod plan;
mod pool;
mod provenance;
mod run_one;
pub mod timing;

pub use device::{DeviceChoice, name as device_name};
pub use plan::{PlanError, Planned, Task};
pub use pool::{Outcome, Resources, jobs, run_all, threads};
pub use run_one::{Finished, run_one};

/// How many threads one training's matrix products may use; candle reads it, too.
pub const THREADS_VARIABLE: &str = "RAYON_NUM_THREADS";
