//! The options that name an experiment, of every command that is about one.

use std::path::PathBuf;

use clap::Args;

use crate::config::{ConfigErrors, Experiment, Overrides};

/// Which experiment a command is about.
#[derive(Debug, Clone, Args)]
pub struct ExperimentArgs {
    /// The experiment, TOML or JSON [default: the built-in digits experiment: 2 norms x 2 rules x
    /// 10 seeds]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Set a key of the config: a TOML value, or a bare word
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Seeds 0 to N-1: `[matrix] seed = "0..N"`
    #[arg(long, value_name = "N")]
    pub seeds: Option<u64>,
}

impl ExperimentArgs {
    /// Reads the experiment with what the command line changes of it.
    ///
    /// # Errors
    /// Where the config is refused, with all that is wrong with it.
    pub fn load(&self) -> Result<Experiment, ConfigErrors> {
        self.load_with(self.seeds)
    }

    /// The same with seeds 0 to N-1.
    ///
    /// # Errors
    /// Where the config is refused.
    pub fn load_with(&self, seeds: Option<u64>) -> Result<Experiment, ConfigErrors> {
        let overrides = Overrides { set: self.set.clone(), seeds };
        let path = self.config.as_deref();
        let read = match path {
            Some(path) => Experiment::load(path, &overrides),
            None => Experiment::builtin(&overrides),
        };
        read.map_err(|_| ConfigErrors::of(path, &overrides))
    }
}
