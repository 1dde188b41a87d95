//! From an experiment to finished trainings: what is to be done, one training, many at once.

mod compute;
mod device;
mod interrupt;
mod keeper;
pub mod lint;
mod outcome;
mod plan;
mod provenance;
mod run_one;
mod sweep;
pub mod timing;
mod tuning;
mod verify;

pub use compute::{Compute, THREADS_VARIABLE};
pub use device::{DeviceChoice, name as device_name};
pub use interrupt::Interrupt;
pub use keeper::position as saved_at;
pub use outcome::{Outcome, note};
pub use plan::{Loaded, PlanError, Planned, Task};
pub use run_one::{Finished, goes_on_at};
pub use sweep::{Resources, Sweep, done, jobs};
pub use tuning::Tuning;
pub use verify::Verdict;
