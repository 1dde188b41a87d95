//! From the command line to the rooms and back: parses, calls, prints, and gives the exit code.

mod args;
pub mod check;
pub mod compare;
pub mod data;
mod dry_run;
mod gate;
pub mod replay;
mod rule;
mod run;
pub mod status;
mod tally;
mod tune;

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;

use crate::compare::CompareError;
use crate::console::tell;
use crate::data::DataError;
use crate::launch::PlanError;
use crate::replay::ReplayError;
use crate::spec::ConfigError;
use args::{Cli, Command};

/// Something failed at run time.
const FAILED: u8 = 1;
/// The command line or the config is wrong.
const USAGE: u8 = 2;

/// The command line asks for what cannot be.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(String);

/// The width of a terminal that says nothing about itself.
const WIDTH: usize = 100;

/// The narrowest that tables are fitted to.
const NARROWEST: usize = 40;

/// Columns of the terminal that shows standard output, by `COLUMNS` where that is set; none where
/// no terminal does, so that lines may be of any length.
fn columns() -> Option<usize> {
    let said = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let asked = || terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| width.0.into());
    let of_terminal = || io::stdout().is_terminal().then_some(WIDTH);
    said.filter(|columns| *columns >= NARROWEST)
        .or_else(|| asked().filter(|columns| *columns > 0))
        .or_else(of_terminal)
        .map(|columns| columns.max(NARROWEST))
}

/// Columns for text that is broken into lines anyway.
fn width() -> usize {
    columns().unwrap_or(WIDTH)
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
        Command::Compare(args) => compare::compare(args, &mut out),
        Command::Status(args) => status::status(args, &mut out).map(|()| ExitCode::SUCCESS),
        Command::Check(args) => check::check(args, &mut out).map(|()| ExitCode::SUCCESS),
        Command::Data(command) => data::data(command, &mut out).map(|()| ExitCode::SUCCESS),
        Command::Replay(args) => replay::replay(args, &mut out).map(|damaged| {
            for problem in &damaged {
                tell(format_args!("warning: not replayed: {problem}"));
            }
            if damaged.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FAILED) }
        }),
    };
    let result = result.and_then(|code| match out.flush() {
        // What went wrong before is told, whether anyone still reads the results or not.
        Err(error) if code == ExitCode::SUCCESS => Err(error.into()),
        _ => Ok(code),
    });
    result.unwrap_or_else(|error| {
        if is_closed_pipe(&error) {
            // `bnes compare … | head` is no fault.
            return ExitCode::SUCCESS;
        }
        tell(format_args!("error: {error:#}"));
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
    let is_config = |error: Option<&DataError>| error.is_some_and(|error| error.key().is_some());
    let is_usage = |cause: &(dyn std::error::Error + 'static)| {
        cause.is::<ConfigError>()
            || cause.is::<UsageError>()
            || is_config(cause.downcast_ref())
            || cause.downcast_ref().is_some_and(CompareError::is_usage)
            || matches!(cause.downcast_ref(), Some(ReplayError::NoColumn { .. }))
            || match cause.downcast_ref() {
                Some(PlanError::Config(_)) => true,
                Some(PlanError::Data(error)) => is_config(Some(error)),
                None => false,
            }
    };
    if error.chain().any(is_usage) { USAGE } else { FAILED }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_wrongly_is_a_usage_error_and_what_is_not_there_is_none() {
        let text = String::new;
        let column = ReplayError::NoColumn { column: "loss".to_owned(), columns: None };
        let in_context = anyhow::Error::from(column).context("log.csv: patience");
        let usage: [anyhow::Error; 5] = [
            in_context,
            CompareError::UnknownFactor { key: text(), factors: None }.into(),
            CompareError::UnknownLevel { key: text(), value: text(), levels: text() }.into(),
            CompareError::UnknownMetric { metric: text(), metrics: text() }.into(),
            CompareError::NoArm.into(),
        ];
        assert!(usage.iter().all(|error| exit_code(error) == USAGE));
        assert_eq!(exit_code(&CompareError::NothingDone(Vec::new()).into()), FAILED);
        assert_eq!(exit_code(&ReplayError::NoEpoch.into()), FAILED);
    }
}
