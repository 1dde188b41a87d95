//! `bnes status`: where a sweep stands.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;

use super::compared::on_every_core;
use super::exit::FAILED;
use super::output::{columns, print};
use crate::console::eprintln;
use crate::launch::add_jobs;
use crate::report;
use crate::runner;
use crate::storage::Integrity;
use crate::storage::status::statuses;

/// Arguments of `bnes status`.
#[derive(Debug, Clone, clap::Args)]
pub struct StatusArgs {
    /// A results directory, or an experiment's below it.
    #[arg(value_name = "DIR", default_value = "results")]
    pub dir: PathBuf,
    /// Read every file and hold it against its checksum: each that is damaged is named, and the exit code is 1
    #[arg(long)]
    pub check: bool,
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

/// Looks and prints; claims nothing and writes nothing, but that `--check` sets the time of a damaged file.
///
/// # Errors
/// Where there are no results, or `out` cannot be written.
pub fn status(args: &StatusArgs, out: &mut dyn Write) -> Result<ExitCode> {
    on_every_core();
    let saved_at =
        |checkpoints: &[PathBuf]| runner::saved_at(checkpoints).map(|position| position.epoch);
    let (mut statuses, warnings) = statuses(&args.dir, &saved_at)?;
    let unknown = add_jobs(&mut statuses);
    for warning in warnings.iter().chain(&unknown) {
        eprintln(format_args!("warning: {warning}"));
    }
    let integrity = args.check.then(|| Integrity::of(&args.dir)).transpose()?;
    if let Some(integrity) = &integrity {
        for (folder, name, error) in damaged(integrity) {
            eprintln(format_args!("warning: {}: {error}", folder.join(name).display()));
        }
        for status in &mut statuses {
            let files = integrity.damaged.get(&status.folder.join(&status.training));
            let names = files.into_iter().flatten().map(|(name, _)| name.clone());
            status.damaged = Some(names.collect());
        }
    }
    match args.format {
        StatusFormat::Table => {
            print(out, &report::status::status(&statuses, &args.dir, columns()))?;
            if let Some(integrity) = &integrity {
                print(out, &report::status::integrity(integrity))?;
            }
        }
        StatusFormat::Json => print(out, &report::json::json(&statuses)?)?,
    }
    let is_whole = integrity.is_none_or(|integrity| integrity.damaged.is_empty());
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

fn damaged(integrity: &Integrity) -> impl Iterator<Item = (&Path, &str, &io::Error)> {
    let folders = integrity.damaged.iter();
    folders
        .flat_map(|(folder, files)| files.iter().map(|(name, error)| (&**folder, &**name, error)))
}
