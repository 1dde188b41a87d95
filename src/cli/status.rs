//! `bnes status`: where a sweep stands.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;

use super::compared::on_every_core;
use super::output::{columns, print};
use crate::console::eprintln;
use crate::launch::add_jobs;
use crate::report;
use crate::runner;
use crate::storage::status::statuses;

/// Arguments of `bnes status`.
#[derive(Debug, Clone, clap::Args)]
pub struct StatusArgs {
    /// A results directory, or an experiment's below it.
    #[arg(value_name = "DIR", default_value = "results")]
    pub dir: PathBuf,
    /// How to print it.
    #[arg(long, value_enum, default_value = "table")]
    pub format: StatusFormat,
}

/// How `bnes status` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum StatusFormat {
    /// For people.
    Table,
    /// A list of objects.
    Json,
}

/// Looks and prints; claims nothing and writes nothing.
///
/// # Errors
/// Where there are no results, or `out` cannot be written.
pub fn status(args: &StatusArgs, out: &mut dyn Write) -> Result<()> {
    on_every_core();
    let saved_at =
        |checkpoints: &[PathBuf]| runner::saved_at(checkpoints).map(|position| position.epoch);
    let (mut statuses, warnings) = statuses(&args.dir, &saved_at)?;
    let unknown = add_jobs(&mut statuses);
    for warning in warnings.iter().chain(&unknown) {
        eprintln(format_args!("warning: {warning}"));
    }
    match args.format {
        StatusFormat::Table => print(out, &report::status::status(&statuses, &args.dir, columns())),
        StatusFormat::Json => print(out, &report::json::json(&statuses)?),
    }
}
