//! What trainings compute with: a device, an engine, threads.

use anyhow::Result;
use candle_core::Device;

use super::prepared_training::PreparedTraining;
use crate::config::ConfigError;
use crate::nn::start::start;
use crate::nn::{Engine, FusedEngine, GraphEngine, Isa, Lacking, Layout, Network};

/// The environment variable that says how many threads a training runs on, in place of a number
/// that suits its size.
pub const THREADS_VARIABLE: &str = "BNES_THREADS";

/// The environment variable that picks the engine: `fused`, or `graph` for candle's autograd.
pub const ENGINE_VARIABLE: &str = "BNES_ENGINE";

/// More threads than any machine has cores; each is one of the system's from the first step on.
const MOST_THREADS: usize = 1024;

/// What each training computes with.
pub struct Compute {
    device: Device,
    /// The instructions of the fused engine; none where candle's autograd is asked for instead.
    fused: Option<Isa>,
    threads: Threads,
}

/// The engine of a training.
#[derive(Debug, PartialEq, Eq)]
enum Choice {
    Fused(Isa),
    Graph,
    /// The graph engine, since the fused one cannot train it.
    StandIn(Lacking),
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
        let isa = Isa::chosen().map_err(|problem| ConfigError::new(&problem))?;
        let fused = match variable(ENGINE_VARIABLE).as_deref() {
            None | Some("fused") => Some(isa),
            Some("graph") => None,
            Some(other) => {
                let message = format!("{ENGINE_VARIABLE}={other}: expected `fused` or `graph`");
                return Err(ConfigError::new(&message).into());
            }
        };
        let threads = match variable(THREADS_VARIABLE) {
            None => Threads::UpTo((cores() / jobs.max(1)).max(1)),
            Some(text) => match text.parse() {
                Ok(threads) if (1..=MOST_THREADS).contains(&threads) => Threads::Exactly(threads),
                _ => {
                    let message = format!(
                        "{THREADS_VARIABLE}={text}: expected a number of threads, 1 to {MOST_THREADS}"
                    );
                    return Err(ConfigError::new(&message).into());
                }
            },
        };
        Ok(Self { device, fused, threads })
    }

    /// Where tensors live.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// What the fused engine does not have to train this with, so that the graph engine stands in.
    #[must_use]
    pub fn lacks(&self, training: &PreparedTraining) -> Option<Lacking> {
        match self.choice(FusedEngine::lacks(&training.fit_inputs().network())) {
            Choice::StandIn(lacking) => Some(lacking),
            Choice::Fused(_) | Choice::Graph => None,
        }
    }

    /// The engine for a network of which the fused one lacks this.
    fn choice(&self, lacking: Option<Lacking>) -> Choice {
        match (self.fused.filter(|_| self.device.is_cpu()), lacking) {
            (Some(isa), None) => Choice::Fused(isa),
            (Some(_), Some(lacking)) => Choice::StandIn(lacking),
            (None, _) => Choice::Graph,
        }
    }

    /// An engine for a training, before its first step.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn engine(&self, training: &PreparedTraining) -> Result<Box<dyn Engine>> {
        let mut engine = self.before_data(training)?;
        let network = training.fit_inputs().network();
        if network.model.starts_from_data() {
            engine.load_training(&start(&network)?)?;
        }
        Ok(engine)
    }

    /// The same as its weights are drawn.
    fn before_data(&self, training: &PreparedTraining) -> Result<Box<dyn Engine>> {
        let network = training.fit_inputs().network();
        let rows = network.training.batch_size.rows(training.data.splits.train.len());
        self.built(&network, training.parameters, rows)
    }

    /// An engine for a network that is not trained any further, to evaluate rows.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn evaluator(&self, network: &Network) -> Result<Box<dyn Engine>> {
        let parameters = Layout::of(network).parameters();
        self.built(network, parameters, network.data.inputs.rows())
    }

    /// An engine for a network of so many parameters that takes so many rows at a time.
    fn built(&self, network: &Network, parameters: usize, rows: usize) -> Result<Box<dyn Engine>> {
        let Choice::Fused(isa) = self.choice(FusedEngine::lacks(network)) else {
            return Ok(Box::new(GraphEngine::new(network, &self.device)?));
        };
        let threads = match self.threads {
            Threads::Exactly(threads) => threads,
            Threads::UpTo(most) => FusedEngine::suitable_threads(parameters, rows).min(most),
        };
        Ok(Box::new(FusedEngine::with_isa(network, threads, isa)?))
    }
}

/// Cores that this process may use: in a job of Slurm as many as it asked for, whether or not the cluster confines it
/// to those.
pub fn cores() -> usize {
    let there = std::thread::available_parallelism().map_or(1, usize::from);
    share(there, variable("SLURM_CPUS_PER_TASK").as_deref())
}

fn share(there: usize, asked: Option<&str>) -> usize {
    let asked = asked.and_then(|text| text.parse().ok()).filter(|asked| *asked > 0);
    asked.map_or(there, |asked: usize| asked.min(there))
}

fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compute(fused: Option<Isa>) -> Compute {
        Compute { device: Device::Cpu, fused, threads: Threads::Exactly(1) }
    }

    #[test]
    fn a_job_of_slurm_uses_the_cores_it_asked_for_and_no_more_than_there_are() {
        let shares =
            [None, Some("2"), Some("64"), Some("0"), Some("x")].map(|asked| share(8, asked));
        assert_eq!(shares, [8, 2, 8, 8, 8]);
    }

    #[test]
    fn the_graph_engine_stands_in_where_the_fused_one_is_wanted_and_lacks_something() {
        let (isa, lacking) = (Isa::Portable, Lacking("a norm to come"));
        assert_eq!(compute(Some(isa)).choice(None), Choice::Fused(isa));
        assert_eq!(compute(Some(isa)).choice(Some(lacking)), Choice::StandIn(lacking));
        assert_eq!(compute(None).choice(Some(lacking)), Choice::Graph);
    }
}
