//! `bnes logs`: what trainings the logs of other tools hold.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::logs::{Nan, Training};
use crate::report;
use crate::storage::atomic::write_with;

/// Arguments of `bnes logs`.
#[derive(Debug, Clone, clap::Args)]
pub struct LogsArgs {
    /// Logs and stores of other tools, folders of them, or `-` for standard input. `.gz` is unpacked.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// How to print what is found, a line or an object a training.
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
    /// Also write every curve into one wide CSV file: `training`, `epoch` by position from 1, then the
    /// columns of the logs under their own names.
    #[arg(long, value_name = "FILE")]
    pub curves: Option<PathBuf>,
    /// What a NaN is.
    #[command(flatten)]
    pub nan: NanArgs,
}

/// How what logs hold, or a replay, is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Aligned columns.
    Table,
    /// For programs.
    Json,
    /// For tables of other programs.
    Csv,
}

/// What a NaN is.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub struct NanArgs {
    /// What a NaN in a log is that finite values follow; by default by what the tool means by it: in
    /// tables nothing was measured, elsewhere the training diverged.
    #[arg(long, value_enum, value_name = "MEANING")]
    pub nan: Option<NanArg>,
}

/// The meanings of a NaN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum NanArg {
    /// Nothing was measured.
    Missing,
    /// The training diverged.
    Diverged,
}

impl NanArgs {
    /// As the reader takes it.
    pub(super) fn meaning(self) -> Nan {
        match self.nan {
            None => Nan::ByTool,
            Some(NanArg::Missing) => Nan::Missing,
            Some(NanArg::Diverged) => Nan::Diverged,
        }
    }
}

/// Reads, prints, and gives what could not be read, a message each.
///
/// # Errors
/// Where nothing can be read, or a file or `out` cannot be written.
pub fn logs(args: &LogsArgs, out: &mut dyn Write) -> Result<Vec<String>> {
    let mut trainings: Vec<Training> = Vec::new();
    let mut damaged: Vec<String> = Vec::new();
    for path in &args.paths {
        match crate::logs::read(path, args.nan.meaning()) {
            Ok(found) => {
                trainings.extend(found.trainings);
                damaged.extend(found.problems.iter().map(ToString::to_string));
                damaged.extend(found.ours.iter().map(|dir| {
                    format!("{}: results of bnes: `bnes compare` shows them", dir.display())
                }));
            }
            Err(error) => damaged.push(error.to_string()),
        }
    }
    if trainings.is_empty() {
        bail!("{}", damaged.join("\n"));
    }
    crate::logs::tell_apart(&mut trainings);
    if let Some(path) = &args.curves {
        write_with(path, |out| Ok(report::logs::curves(&trainings, out)?))?;
    }
    let text = match args.format {
        Format::Table => report::logs::table(&trainings, super::output::columns()),
        Format::Json => report::logs::json(&trainings)?,
        Format::Csv => report::logs::csv(&trainings)?,
    };
    super::output::print(out, &text)?;
    Ok(damaged)
}
