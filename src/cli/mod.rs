//! From the command line to the rooms and back: parses, calls, prints, and gives the exit code.

mod again;
mod args;
pub mod check;
mod check_json;
pub mod clean;
pub mod compare;
mod compared;
mod compared_logs;
pub mod completions;
pub mod data;
mod dry_run;
mod exit;
mod experiment_args;
mod explain;
pub mod export;
#[cfg(feature = "fetch")]
pub mod fetch;
#[cfg(test)]
mod fuzz;
mod gate;
mod init;
mod kept;
mod launch_args;
mod launch_settings;
mod live_report;
pub mod logs;
mod look;
mod output;
pub mod pack;
pub mod paper;
mod plot;
pub mod predict;
mod recorded;
pub mod replay;
pub mod report;
mod rule;
mod run;
mod run_args;
mod run_json;
mod run_text;
pub mod status;
mod task;
mod template;
mod watched;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::console::eprintln;
use args::{Cli, Command};
use exit::{FAILED, exit_code, is_closed_pipe};

/// Runs the command line.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let stdout = io::stdout();
    let mut out = io::BufWriter::new(stdout.lock());
    let result = match &cli.command {
        Command::Run(args) => run::run(args, &mut out),
        Command::Compare(args) => compare::compare(args, &mut out),
        Command::Report(args) => report::report(args, &mut out),
        Command::Plot(args) => plot::plot(args, &mut out),
        Command::Status(args) => status::status(args, &mut out),
        Command::Clean(args) => clean::clean(args, &mut out),
        Command::Pack(args) => pack::pack(args, &mut out).map(|()| ExitCode::SUCCESS),
        Command::Check(args) => check::check(args, &mut out),
        Command::Data(command) => data::data(command, &mut out).map(|()| ExitCode::SUCCESS),
        Command::Logs(args) => logs::logs(args, &mut out).map(|damaged| told(&damaged, "read")),
        Command::Replay(args) => {
            replay::replay(args, &mut out).map(|damaged| told(&damaged, "replayed"))
        }
        Command::Init(args) => init::init(args, &mut out).map(|()| ExitCode::SUCCESS),
        Command::Explain(args) => explain::explain(args, &mut out).map(|()| ExitCode::SUCCESS),
        Command::Schema => explain::schema(&mut out).map(|()| ExitCode::SUCCESS),
        Command::Predict(args) => predict::predict(args, &mut out).map(|()| ExitCode::SUCCESS),
        Command::Export(args) => export::export(args, &mut out).map(|()| ExitCode::SUCCESS),
        Command::Completions(args) => {
            completions::completions(args, Cli::command(), &mut out).map(|()| ExitCode::SUCCESS)
        }
        Command::Man(args) => {
            completions::man(args, Cli::command(), &mut out).map(|()| ExitCode::SUCCESS)
        }
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
        eprintln(format_args!("error: {error:#}"));
        ExitCode::from(exit_code(&error))
    })
}

/// Tells what could not be done, which cost the rest nothing, and gives the exit code.
fn told(damaged: &[String], done: &str) -> ExitCode {
    for problem in damaged {
        eprintln(format_args!("warning: not {done}: {problem}"));
    }
    if damaged.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FAILED) }
}
