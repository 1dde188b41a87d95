//! The command line: what can be asked for.

use clap::{Parser, Subcommand};

use super::check::CheckArgs;
use super::clean::CleanArgs;
use super::compare::CompareArgs;
use super::completions::{CompletionsArgs, ManArgs};
use super::data::DataCommand;
use super::explain::ExplainArgs;
use super::export::ExportArgs;
use super::init::InitArgs;
use super::logs::LogsArgs;
use super::pack::PackArgs;
use super::plot::PlotArgs;
use super::predict::PredictArgs;
use super::replay::ReplayArgs;
use super::report::ReportArgs;
use super::run_args::RunArgs;
use super::status::StatusArgs;

/// Settles what Batch Normalization and Early Stopping do to your network on your data.
#[derive(Debug, Parser)]
#[command(name = "bnes", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "First steps: `bnes run` trains the built-in digits experiment, \
                        `bnes compare results` compares the results, `bnes init` writes a config to start from.")]
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
    /// Where a sweep stands: done, running, queued, interrupted, failed, missing
    Status(StatusArgs),
    /// Remove trainings and work that no config names, after asking
    Clean(CleanArgs),
    /// Move finished trainings into one archive an experiment, which everything reads as it reads their folders
    Pack(PackArgs),
    /// Look a config over without training: what it comes to, what is doubtful
    Check(CheckArgs),
    /// Put results side by side, with intervals and a verdict
    Compare(CompareArgs),
    /// The same as a page with curves, effects and every training, which opens from disk
    Report(ReportArgs),
    /// Draw a comparison: curves, effects, pairs, ranks, as SVG, PNG or in the terminal
    Plot(PlotArgs),
    /// What a data file holds and how it would be taken; public data sets
    #[command(subcommand)]
    Data(DataCommand),
    /// What trainings the logs of other tools hold
    Logs(LogsArgs),
    /// What other stopping rules would have done on recorded curves
    Replay(ReplayArgs),
    /// Write a config to start from, with what a data file holds filled in
    Init(InitArgs),
    /// What a key of a config means, its default and its range; without a key, what tables there are
    Explain(ExplainArgs),
    /// Print the JSON Schema of a config, by which editors complete and check it
    Schema,
    /// The weights that a training kept, on other rows: a class or a value for each
    Predict(PredictArgs),
    /// The weights that a training kept as a model for other programs, preprocessing and all
    Export(ExportArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Print a page of the manual, or write all of them into a folder
    Man(ManArgs),
}
