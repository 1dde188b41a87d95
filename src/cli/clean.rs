//! `bnes clean`: removes what no config names, after asking.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;

use super::exit::{FAILED, UsageError};
use super::output::print;
use crate::console::eprintln;
use crate::report;
use crate::results::layout::{experiment_file, run_file};
use crate::storage::leftovers::{Leftover, leftovers};
use crate::text::size;

/// Arguments of `bnes clean`.
#[derive(Debug, Clone, clap::Args)]
pub struct CleanArgs {
    /// A results directory, or an experiment's below it
    #[arg(value_name = "DIR", default_value = "results")]
    pub dir: PathBuf,
    /// Remove without asking
    #[arg(short, long)]
    pub yes: bool,
}

/// Shows the trainings and the work that no config names, asks, and removes them.
///
/// # Errors
/// Where there are no results, or nobody can be asked.
pub fn clean(args: &CleanArgs, out: &mut dyn Write) -> Result<ExitCode> {
    if run_file(&args.dir).is_file() && !experiment_file(&args.dir).is_file() {
        let dir = args.dir.display();
        let message = format!("{dir} is a training: name the directory of its experiment");
        return Err(UsageError(message).into());
    }
    let (found, warnings) = leftovers(&args.dir)?;
    for warning in warnings {
        eprintln(format_args!("warning: {warning}"));
    }
    print(out, &report::leftovers::leftovers(&found))?;
    out.flush()?;
    if found.iter().all(|leftover| leftover.is_held) {
        return Ok(ExitCode::SUCCESS);
    }
    if !args.yes && !is_agreed()? {
        writeln!(out, "nothing removed")?;
        return Ok(ExitCode::SUCCESS);
    }
    // A run may have begun since, and its config name some of it.
    let (now, _) = leftovers(&args.dir)?;
    let shown = |leftover: &&Leftover| found.iter().any(|shown| shown.is_same(leftover));
    let (mut removed, mut bytes, mut code) = (0, 0, ExitCode::SUCCESS);
    for leftover in now.iter().filter(shown).filter(|leftover| !leftover.is_held) {
        match leftover.remove() {
            Ok(true) => {
                removed += 1;
                bytes += leftover.bytes;
            }
            Ok(false) => {
                let path = leftover.path();
                eprintln(format_args!(
                    "left, since something is at work there: {}",
                    path.display()
                ));
            }
            Err(error) => {
                eprintln(format_args!("error: {error:#}"));
                code = ExitCode::from(FAILED);
            }
        }
    }
    writeln!(out, "removed {removed}, {}", size(bytes))?;
    Ok(code)
}

/// Asks on the terminal.
fn is_agreed() -> Result<bool> {
    if !io::stdin().is_terminal() {
        let message =
            "nothing removed: there is no terminal to ask on; --yes removes without asking";
        return Err(UsageError(message.to_owned()).into());
    }
    write!(io::stderr(), "remove them? [y/N] ")?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}
