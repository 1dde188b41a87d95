//! Writing below a results directory: whole or not at all, by one process at a time.
//!
//! Files appear by rename (`atomic`); a process claims a training before it trains it (`claim`)
//! and leaves its checkpoints in the training's [`WorkDir`]; a `--fresh` that is interrupted goes on
//! ([`FreshRun`]). [`mod@status`] tells how far each training is, and writes nothing; [`leftovers`] are what no config names.

pub mod atomic;
mod claim;
mod fresh_run;
mod integrity;
pub mod leftovers;
pub mod pack;
mod process;
pub mod status;
mod store;
mod tensorboard;
mod twins;
mod unpack;
mod work_dir;

pub use claim::{Claim, Holder};
pub use fresh_run::FreshRun;
pub use integrity::Integrity;
pub use process::Process;
pub use store::{Done, Store};
pub use tensorboard::write_events;
pub use twins::{Twin, Twins, experiments_beside};
pub use work_dir::WorkDir;
