//! From an experiment to finished trainings: what is to be done, one training, many at once.

mod device;
mod interrupt;
mod keeper;
mod plan;
mod provenance;
mod run_one;
mod sweep;
mod verify;

pub use device::DeviceChoice;
pub use interrupt::Interrupt;
pub use plan::{PlanError, Planned, Task};
pub use run_one::Finished;
pub use sweep::{Outcome, Resources, Sweep, done, note, threads};

/// How many threads one training's matrix products may use; candle reads it, too.
pub const THREADS_VARIABLE: &str = "RAYON_NUM_THREADS";
