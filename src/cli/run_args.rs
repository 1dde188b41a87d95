//! The options of `bnes run`.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};

use super::again;
use super::experiment_args::ExperimentArgs;
use super::launch_args::LaunchArgs;
use crate::compare::Margin;
use crate::config::Experiment;
use crate::runner::{DeviceChoice, Options};

/// What `bnes run` is told.
#[derive(Debug, Clone, Args)]
#[allow(clippy::struct_excessive_bools)] // each is a flag of its own
pub struct RunArgs {
    /// The experiment.
    #[command(flatten)]
    pub experiment: ExperimentArgs,
    /// Train what is missing of the experiment in this folder, results/NAME: by the config that lies there, with the
    /// --set and --seeds of then, beyond which others may be given
    #[arg(long, value_name = "DIR", conflicts_with_all = ["config", "results", "sweep"])]
    pub again: Option<PathBuf>,
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
    /// Train again what is already done; each result is replaced once the new training is finished.
    /// Interrupted, the same command resumes
    #[arg(long)]
    pub fresh: bool,
    /// Then train everything again, in memory, and name the first epoch, column or tensor that
    /// differs from what is on disk, which stays as it is
    #[arg(long)]
    pub verify: bool,
    /// Add seeds, from 6 on, until every effect is told, is smaller than --margin, or --max-seeds are done.
    /// The p-values allow for all looks, which are laid down before the first
    #[arg(long, conflicts_with_all = ["dry_run", "verify"])]
    pub until_decided: bool,
    /// Seeds at most, with --until-decided
    #[arg(long, value_name = "N", default_value_t = 50, requires = "until_decided",
        value_parser = clap::value_parser!(u16).range(6..))]
    pub max_seeds: u16,
    /// The smallest difference that matters, with --until-decided: 0.01, or 5% of the first level's mean
    #[arg(long, value_name = "MARGIN", requires = "until_decided", value_parser = super::compare::margin)]
    pub margin: Option<Margin>,
    /// Keep this page up to date while it trains: that of `bnes report`, which reloads itself until all trainings
    /// have ended
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run")]
    pub report: Option<PathBuf>,
    /// For people, or one JSON object a line per arm and seed
    #[arg(long, value_enum, default_value = "text")]
    pub format: RunFormat,
    /// No progress, no notes: results and failures alone
    #[arg(short, long)]
    pub quiet: bool,
    /// Where trainings go.
    #[command(flatten)]
    pub launch: LaunchArgs,
}

impl RunArgs {
    /// Reads the experiment, with seeds 0 to N-1 where these are given.
    ///
    /// # Errors
    /// Where the config is refused, or --again names no experiment.
    pub fn load_with(&self, seeds: Option<u64>) -> Result<Experiment> {
        match &self.again {
            Some(dir) => again::experiment(dir, &self.experiment.set, seeds),
            None => Ok(self.experiment.load_with(seeds)?),
        }
    }

    /// The same with the results directory that --again names.
    ///
    /// # Errors
    /// Where it names none.
    pub fn in_place(&self) -> Result<Self> {
        let results = self.again.as_deref().map(again::place).transpose()?;
        let results = results.map_or_else(|| self.results.clone(), |(results, _)| results);
        Ok(Self { results, ..self.clone() })
    }

    /// What a session is told of them.
    pub fn options(&self) -> Options<'_> {
        Options {
            results: &self.results,
            device: self.device,
            jobs: self.jobs.map(usize::from),
            fresh: self.fresh,
            verify: self.verify,
        }
    }
}

/// How `bnes run` tells what came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RunFormat {
    /// A few lines for people.
    Text,
    /// A JSON object per arm and seed.
    Json,
}
