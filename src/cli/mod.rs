//! From the command line to the rooms and back: parses, calls, prints, and gives the exit code.

mod args;
pub mod compare;
pub mod replay;
mod rule;
mod run;
pub mod status;

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;

use crate::launch::PlanError;
use crate::spec::ConfigError;
use args::{Cli, Command};

/// Something failed at run time.
const FAILED: u8 = 1;
/// The command line or the config is wrong.
const USAGE: u8 = 2;

/// The width of a terminal that says nothing about itself.
const WIDTH: usize = 100;

/// Columns of the terminal, by `COLUMNS` where that is set.
fn width() -> usize {
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    columns.filter(|columns| *columns >= 40).unwrap_or(WIDTH)
}

/// Writes a report as it is.
fn print(out: &mut dyn Write, text: &str) -> anyhow::Result<()> {
    out.write_all(text.as_bytes()).context("the report could not be written")
}

/// Runs the command line.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let stdout = io::stdout();
    let mut out = io::BufWriter::new(stdout.lock());
    let result = match &cli.command {
        Command::Run(args) => run::run(args, &mut out),
        Command::Compare(args) => compare::compare(args, &mut out).map(|()| ExitCode::SUCCESS),
        Command::Status(args) => status::status(args, &mut out).map(|()| ExitCode::SUCCESS),
        Command::Replay(args) => replay::replay(args, &mut out).map(|()| ExitCode::SUCCESS),
    };
    let result = result.and_then(|code| {
        out.flush()?;
        Ok(code)
    });
    result.unwrap_or_else(|error| {
        if is_closed_pipe(&error) {
            // `bnes compare … | head` is no fault.
            return ExitCode::SUCCESS;
        }
        eprintln!("error: {error:#}");
        ExitCode::from(exit_code(&error))
    })
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let io_kind = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<io::Error>().map(io::Error::kind)
    };
    error.chain().any(|cause| io_kind(cause) == Some(ErrorKind::BrokenPipe))
}

fn exit_code(error: &anyhow::Error) -> u8 {
    let is_usage = |cause: &(dyn std::error::Error + 'static)| {
        cause.is::<ConfigError>()
            || match cause.downcast_ref() {
                Some(PlanError::Config(_)) => true,
                Some(PlanError::Data(error)) => error.is_config(),
                None => false,
            }
    };
    if error.chain().any(is_usage) { USAGE } else { FAILED }
}
