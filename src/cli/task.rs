//! `bnes run --sweep DIR --task-id N`: trainings that were handed over, here and now.

use std::ops::Range;
use std::path::{Path, absolute};
use std::process::ExitCode;

use anyhow::{Context, Result};

use super::exit::FAILED;
use super::run_args::RunArgs;
use super::run_text::print_warnings;
use super::watched::watched;
use crate::console::eprintln;
use crate::launch::TaskList;
use crate::runner::{Interrupt, Options, REQUEUE, Session};

/// Trains tasks of a list, those that are not done.
///
/// # Errors
/// Where there are no such tasks, their data or config is not what it was, or the results cannot be written; a
/// training that fails is reported and gives exit code 1.
pub fn task(
    args: &RunArgs,
    sweep: &Path,
    numbers: &Range<usize>,
    interrupt: &Interrupt,
) -> Result<ExitCode> {
    let sweep = absolute(sweep).with_context(|| format!("{}", sweep.display()))?;
    let tasks = TaskList::at(&sweep).with(numbers)?;
    let own = tasks.of(numbers);
    let mut experiment = tasks.config.experiment()?;
    // The folder may have been moved since.
    experiment.name = sweep.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let options = Options { results: sweep.parent().unwrap_or(Path::new("/")), ..args.options() };
    let mut session = Session::open(&experiment, options, interrupt)?;
    let own: Vec<(&str, usize)> =
        own.iter().map(|(training, place)| (training.as_str(), *place)).collect();
    let ended = watched(args, None, |events| session.train_tasks(&own, events))?;
    print_warnings(&ended.summary);
    if ended.summary.interrupted() > 0 {
        let (signal, code) = interrupt.signal();
        eprintln(ended.summary.interruption(signal));
        if code == REQUEUE && !ended.has_progressed {
            eprintln(
                "no progress since this task was started, so it does not ask to be started again: give it more time",
            );
            return Ok(ExitCode::from(FAILED));
        }
        return Ok(ExitCode::from(code));
    }
    Ok(if ended.summary.failed > 0 { ExitCode::from(FAILED) } else { ExitCode::SUCCESS })
}
