//! What trainings compute with: a device, an engine, threads.

use anyhow::Result;
use candle_core::Device;

use super::plan::Task;
use crate::nn::{Engine, FusedEngine, GraphEngine};
use crate::spec::ConfigError;

/// The environment variable that says how many threads a training runs on, in place of a number
/// that suits its size.
pub const THREADS_VARIABLE: &str = "BNES_THREADS";

/// The environment variable that picks the engine: `fused`, or `graph` for candle's autograd.
pub const ENGINE_VARIABLE: &str = "BNES_ENGINE";

/// What each training computes with.
pub struct Compute {
    device: Device,
    /// Whether candle's autograd is asked for where the fused engine would do.
    graph: bool,
    threads: Threads,
}

/// Threads of a training.
enum Threads {
    /// As asked for.
    Exactly(usize),
    /// As many as suit its size, up to its share of the cores.
    UpTo(usize),
}

impl Compute {
    /// For `jobs` trainings side by side, as the environment has it.
    ///
    /// # Errors
    /// Where a variable of the environment says nothing sensible.
    pub fn new(device: Device, jobs: usize) -> Result<Self> {
        let graph = match variable(ENGINE_VARIABLE).as_deref() {
            None | Some("fused") => false,
            Some("graph") => true,
            Some(other) => {
                let message = format!("{ENGINE_VARIABLE}={other}: expected `fused` or `graph`");
                return Err(ConfigError::new(&message).into());
            }
        };
        let threads = match variable(THREADS_VARIABLE) {
            None => Threads::UpTo((cores() / jobs.max(1)).max(1)),
            Some(text) => match text.parse() {
                Ok(threads) if threads > 0 => Threads::Exactly(threads),
                _ => {
                    let message = format!(
                        "{THREADS_VARIABLE}={text}: expected a number of threads, at least 1"
                    );
                    return Err(ConfigError::new(&message).into());
                }
            },
        };
        Ok(Self { device, graph, threads })
    }

    /// Where tensors live.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// An engine for a training, before its first step.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn engine(&self, task: &Task) -> Result<Box<dyn Engine>> {
        let network = task.network();
        if self.graph || !self.device.is_cpu() {
            return Ok(Box::new(GraphEngine::new(&network, &self.device)?));
        }
        let threads = match self.threads {
            Threads::Exactly(threads) => threads,
            Threads::UpTo(most) => {
                let rows = network.training.batch_size.rows(task.data.splits.train.len());
                FusedEngine::suitable_threads(task.parameters, rows).min(most)
            }
        };
        Ok(Box::new(FusedEngine::new(&network, threads)?))
    }
}

/// Cores that this process may use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}
