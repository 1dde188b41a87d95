//! `bnes run`: trains what is not done yet.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::mpsc::{Sender, channel};
use std::time::Instant;

use anyhow::Result;

use super::dry_run::dry_run;
use super::exit::FAILED;
use super::run_args::{RunArgs, RunFormat};
use super::run_json;
use super::run_text::{
    counts, done_and_to_go, next, next_of_tuning, print_choice, print_warnings, verdicts,
};
use crate::console::eprintln;
use crate::event::Event;
use crate::observers::{Progress, Style};
use crate::runner::lint::{Level, lint};
use crate::runner::{Interrupt, Session, Summary, Verdict};
use crate::text::counted;

/// Trains what the config names and is not done yet, and tells what came out.
///
/// # Errors
/// Where the config, the data, the device or the results directory is at fault; a training that
/// fails is reported and gives exit code 1.
pub fn run(args: &RunArgs, out: &mut dyn Write) -> Result<ExitCode> {
    // From here on a signal ends the current batch, not the process.
    let interrupt = Interrupt::listen()?;
    let experiment = args.experiment.load()?;
    let mut session = Session::open(&experiment, args.options(), &interrupt)?;
    if !args.quiet {
        for note in &session.prepared().notes {
            eprintln(note);
        }
        let findings = lint(&experiment, session.prepared(), session.compute());
        for warning in findings.iter().filter(|finding| finding.level == Level::Warning) {
            eprintln(warning);
        }
    }
    if args.dry_run {
        dry_run(&experiment.name, &mut session, args.format, out)?;
        return Ok(ExitCode::SUCCESS);
    }
    let started = Instant::now();
    let name = &experiment.name;
    let results = session.store().dir().to_owned();
    if let Some(tuned) = watched(args, |events| session.tune(events))? {
        let seconds = started.elapsed().as_secs_f64();
        if let Some(summary) = &tuned.unfinished {
            print_warnings(summary);
            let trainings = counted(summary.records.len(), "training");
            let printed = match args.format {
                // Tuning trainings are no results.
                RunFormat::Json => Ok(()),
                RunFormat::Text => writeln!(
                    out,
                    "{name}, tuning: {trainings} ({})\nresults: {}\n{}",
                    done_and_to_go(summary, seconds),
                    results.display(),
                    next_of_tuning(&args.results, summary)
                ),
            };
            return ended(&interrupt, summary, printed.map_err(Into::into));
        }
        if !args.quiet {
            print_choice(&tuned, seconds);
        }
    }
    let summary = watched(args, |events| session.train(events))?;
    print_warnings(&summary);
    let printed = match args.format {
        RunFormat::Json => run_json::write(&session, &summary, out),
        RunFormat::Text => writeln!(
            out,
            "{} ({})\nresults: {}\n{}",
            counts(name, session.prepared()),
            done_and_to_go(&summary, started.elapsed().as_secs_f64()),
            results.display(),
            next(&args.results, &summary)
        )
        .map_err(Into::into),
    };
    if summary.interrupted() > 0 || !args.verify {
        return ended(&interrupt, &summary, printed);
    }
    printed?;
    let found = watched(args, |events| session.verify(&summary, events))?;
    if args.format == RunFormat::Text {
        writeln!(out, "{}", verdicts(&found))?;
    }
    if interrupt.is_asked() {
        let (signal, code) = interrupt.signal();
        eprintln(format_args!(
            "interrupted by {signal}: nothing to save; the same command verifies from the start"
        ));
        return Ok(ExitCode::from(code));
    }
    let verified = found.iter().all(|verdict| matches!(verdict, Verdict::Same));
    Ok(if summary.failed > 0 || !verified { ExitCode::from(FAILED) } else { ExitCode::SUCCESS })
}

/// How the program ends, where the results were `printed` or not: after a signal the exit code says so
/// either way, since whoever read the results may be gone by the same signal.
fn ended(interrupt: &Interrupt, summary: &Summary, printed: Result<()>) -> Result<ExitCode> {
    if summary.interrupted() > 0 {
        let (signal, code) = interrupt.signal();
        eprintln(summary.interruption(signal));
        return Ok(ExitCode::from(code));
    }
    printed?;
    Ok(if summary.failed > 0 { ExitCode::from(FAILED) } else { ExitCode::SUCCESS })
}

/// Works while the events of it are shown.
fn watched<T>(args: &RunArgs, work: impl FnOnce(&Sender<Event>) -> T) -> T {
    let style = match (args.quiet, std::io::stderr().is_terminal()) {
        (true, _) => Style::Quiet,
        (false, true) => Style::Bars,
        (false, false) => Style::Lines,
    };
    let (sender, receiver) = channel();
    std::thread::scope(|scope| {
        scope.spawn(move || Progress::new(style).watch(&receiver));
        let result = work(&sender);
        drop(sender);
        result
    })
}
