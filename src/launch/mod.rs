//! From an experiment to finished trainings: what is to be done, one training, many at once.

mod device;
mod plan;
mod pool;
mod provenance;
mod run_one;

pub use device::DeviceChoice;
pub use plan::{PlanError, Planned, Task};
pub use pool::{Outcome, run_all};
pub use run_one::{Finished, run_one};
