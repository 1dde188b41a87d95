//! The command line: what can be asked for.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::check::CheckArgs;
use super::compare::CompareArgs;
use super::data::DataCommand;
use super::replay::ReplayArgs;
use super::status::StatusArgs;
use crate::launch::DeviceChoice;
use crate::spec::{ConfigError, Experiment, Overrides};

/// Settles what Batch Normalization and Early Stopping do to your network on your data.
#[derive(Debug, Parser)]
#[command(name = "bnes", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "First steps: `bnes run` trains the built-in digits experiment, \
                        `bnes compare results` shows what came out.")]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train what a config names and is not done yet
    Run(RunArgs),
    /// Where a sweep stands: done, running, interrupted, failed, missing
    Status(StatusArgs),
    /// Look a config over without training: what it comes to, what is doubtful
    Check(CheckArgs),
    /// Put results side by side, with intervals and a verdict
    Compare(CompareArgs),
    /// What a data file holds and how it would be taken
    #[command(subcommand)]
    Data(DataCommand),
    /// What other stopping rules would have done on recorded curves
    Replay(ReplayArgs),
}

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
    /// Where the config is refused.
    pub fn load(&self) -> Result<Experiment, ConfigError> {
        let overrides = Overrides { set: self.set.clone(), seeds: self.seeds };
        match &self.config {
            Some(path) => Experiment::load(path, &overrides),
            None => Experiment::builtin(&overrides),
        }
    }
}

/// What `bnes run` is told.
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools)] // each is a flag of its own
pub struct RunArgs {
    /// The experiment.
    #[command(flatten)]
    pub experiment: ExperimentArgs,
    /// Where results go, one folder per experiment
    #[arg(long, value_name = "DIR", default_value = "results")]
    pub results: PathBuf,
    /// Where tensors live: auto, cpu, cuda or cuda:N
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    pub device: DeviceChoice,
    /// Trainings side by side [default: one per core, at most as many as there are to do]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
    /// Show what would be trained, and from which epoch on; train and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Train anew what is done, too; it is replaced once the new training is finished. Broken off and
    /// run again, it goes on
    #[arg(long)]
    pub fresh: bool,
    /// Then train everything again, in memory, and name the first epoch, column or tensor that
    /// differs from what is on disk, which stays as it is
    #[arg(long)]
    pub verify: bool,
    /// For people, or one JSON object a line per arm and seed
    #[arg(long, value_enum, default_value = "text")]
    pub format: RunFormat,
    /// No progress, no notes: results and failures alone
    #[arg(short, long)]
    pub quiet: bool,
}

/// How `bnes run` tells what came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RunFormat {
    /// A few lines for people.
    Text,
    /// A JSON object per arm and seed.
    Json,
}
