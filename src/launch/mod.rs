//! Where the trainings of an experiment go: to this process, to Slurm, or to whatever else runs commands.
//!
//! A launcher keeps no process and no state of its own. What is to be trained is numbered and frozen in the
//! results directory ([`TaskList`]), and what became of it is read there; a cluster is asked for its limits and
//! for what its queue holds, and for nothing else.

mod frozen;
mod hand_over;
mod job_status;
mod launcher;
mod list;
mod local;
mod packing;
mod slurm;
mod slurm_limits;
mod slurm_options;
mod squeue;
mod task_list;

pub use frozen::Frozen;
pub use job_status::add_jobs;
pub use launcher::{HandedOver, Launched, Launcher, Settings};
pub use task_list::{TaskList, Tasks};

/// The launchers, in the order of `--help`.
pub const LAUNCHERS: &[&dyn Launcher] = &[&local::Local, &slurm::Slurm, &list::List];

/// A launcher by its name.
#[must_use]
pub fn launcher(name: &str) -> Option<&'static dyn Launcher> {
    LAUNCHERS.iter().copied().find(|launcher| launcher.name() == name)
}
