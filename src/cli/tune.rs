//! `[tune]` in `bnes run`: trains what values are chosen by, round by round, and says the choice.

use std::io::Write;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;

use super::FAILED;
use super::args::RunFormat;
use super::run::{Line, Work, done_and_to_go, identities, next, warn};
use super::tally::Tally;
use crate::compare::{self, TunedValues};
use crate::console::tell;
use crate::launch::{Loaded, Planned, Task, Tuning};
use crate::report::sentences;
use crate::results::fresh::Fresh;
use crate::results::store::Store;
use crate::results::tuning::TUNE;
use crate::text::counted;

/// How a tuning ended.
pub(super) enum Tuned {
    /// Every arm has its values: what is to be trained with them.
    Settled(Box<Planned>),
    /// A signal came, or a training failed.
    Ended(ExitCode),
}

/// Tunes an experiment; `planned` is what it comes to before.
///
/// # Errors
/// Where the results directory or `out` cannot be written.
pub(super) fn tune(
    work: &Work,
    mut planned: Planned,
    mut tuning: Tuning,
    loaded: &mut Loaded,
    out: &mut dyn Write,
) -> Result<Tuned> {
    let Work { args, experiment, .. } = *work;
    let store = Store::create(work.store.dir(), TUNE)?;
    if !args.fresh {
        find(&store, &mut tuning, false, loaded);
    }
    let started = Instant::now();
    let mut trained = 0;
    while !tuning.choose(loaded) {
        // What is to be trained then is not known before.
        planned.plan.trainings.clear();
        planned.plan.tuning = Some(tuning.record());
        work.store.write_plan(&experiment.config, &planned.plan)?;
        let tasks: Vec<&Task> = tuning.open();
        if !args.quiet {
            let trainings = counted(tasks.len(), "training");
            tell(format_args!("tuning: {trainings} in {}", store.dir().display()));
        }
        let (lines, tally) = work.train(&store, &tasks)?;
        trained += tally.trained;
        if tally.interrupted() > 0 || tally.failed > 0 {
            warn(&lines);
            let seconds = started.elapsed().as_secs_f64();
            return ended(work, &lines, &tally, seconds, out).map(Tuned::Ended);
        }
        let records: Vec<_> = lines
            .into_iter()
            .filter_map(|line| Some((line.task.dir.clone(), line.record?)))
            .collect();
        tuning.note(records);
    }
    let record = tuning.record();
    if !args.quiet {
        let tuned = TunedValues::all(&record);
        for finding in compare::tuning::findings(&tuned) {
            tell(format_args!("tuning: {}", sentences::finding(&finding)));
        }
        for doubt in compare::tuning::warnings(&tuned) {
            tell(format_args!("warning: {}", sentences::warning_kind(&doubt)));
        }
        if trained > 0 {
            let seconds = started.elapsed().as_secs_f64();
            tell(format_args!("tuning: {} in {seconds:.1} s", counted(trained, "training")));
        }
    }
    let mut planned = Planned::new(&tuning.chosen()?, loaded)?;
    planned.plan.tuning = Some(record);
    Ok(Tuned::Settled(Box::new(planned)))
}

/// Takes what is done already into account, as far as one round leads to the next; whether every arm
/// has its values. Where it is to be done `anew`, what a fresh run has done so far.
pub(super) fn find(store: &Store, tuning: &mut Tuning, anew: bool, loaded: &mut Loaded) -> bool {
    loop {
        let open = tuning.open();
        let count = open.len();
        let fresh = Fresh::find(store.dir(), &identities(open.iter().copied()));
        let done = |task: &&Task| {
            if anew && !fresh.as_ref().is_some_and(|fresh| fresh.is_done(&task.dir)) {
                return None;
            }
            let epochs = task.trajectory.training.epochs;
            let done = store.done(&task.dir, &task.identity, epochs, &task.arms)?;
            Some((task.dir.clone(), done.record))
        };
        let records: Vec<_> = open.iter().filter_map(done).collect();
        let all = records.len() == count;
        tuning.note(records);
        if tuning.choose(loaded) {
            return true;
        }
        if !all {
            return false;
        }
    }
}

/// Says where a tuning stands that did not come to its end.
fn ended(
    work: &Work,
    lines: &[Line],
    tally: &Tally,
    seconds: f64,
    out: &mut dyn Write,
) -> Result<ExitCode> {
    let reported = match work.args.format {
        // Tuning trainings are no results.
        RunFormat::Json => Ok(()),
        RunFormat::Text => {
            let name = &work.experiment.name;
            let trainings = counted(lines.len(), "training");
            let done = done_and_to_go(lines.len(), tally, seconds);
            let dir = work.store.dir().display();
            let next = match tally.interrupted() {
                0 => "next:    the same command again, once the cause is gone".to_owned(),
                _ => next(work.args, tally),
            };
            writeln!(out, "{name}, tuning: {trainings} ({done})\nresults: {dir}\n{next}")
        }
    };
    if tally.interrupted() > 0 {
        let (signal, code) = work.interrupt.told();
        tell(tally.in_words(signal));
        return Ok(ExitCode::from(code));
    }
    reported?;
    Ok(ExitCode::from(FAILED))
}
