//! `bnes run`: trains what is not done yet.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc::Sender;
use std::time::Instant;

use anyhow::Result;

use super::dry_run::dry_run;
use super::exit::{FAILED, UsageError};
use super::live_report::LiveReport;
use super::run_args::{RunArgs, RunFormat};
use super::run_json;
use super::run_text::{
    counts, done_and_to_go, next, next_of_tuning, print_choice, print_warnings, replaced, verdicts,
};
use super::task::task;
use super::watched::watched;
use crate::compare::{self, ALPHA, CompareError, Effect, Finding, Margin};
use crate::config::Experiment;
use crate::console::eprintln;
use crate::event::Event;
use crate::launch::{HandedOver, Launched};
use crate::results::{self, LoadedExperiment, SequentialPlan};
use crate::runner::lint::{Level, lint};
use crate::runner::{DeviceChoice, Interrupt, Options, Session, Summary, Verdict};
use crate::stats::Looks;
use crate::storage::Store;
use crate::text::counted;

/// Trains what the config names and is not done yet, and tells what came out.
///
/// # Errors
/// Where the config, the data, the device or the results directory is at fault; a training that
/// fails is reported and gives exit code 1.
pub fn run(args: &RunArgs, out: &mut dyn Write) -> Result<ExitCode> {
    // From here on a signal ends the current batch, not the process.
    let interrupt = Interrupt::listen()?;
    if let (Some(sweep), Some(numbers)) = (&args.launch.sweep, &args.launch.task_id) {
        return task(args, sweep, numbers, &interrupt);
    }
    args.check_launcher()?;
    let args = &args.in_place()?;
    let report = args.report.as_ref().map(|file| -> Result<LiveReport> {
        Ok(LiveReport::new(file, args.results.join(&args.load_with(args.experiment.seeds)?.name))?)
    });
    let report = report.transpose()?;
    let ended = if args.until_decided {
        until_decided(args, report.as_ref(), &interrupt, out)
    } else {
        let experiment = args.load_with(args.experiment.seeds)?;
        run_once(&experiment, None, true, args, report.as_ref(), &interrupt, out)
    };
    let Some(report) = report else { return ended };
    let Err(error) = report.finish(interrupt.is_asked()) else { return ended };
    match ended {
        Ok(ExitCode::SUCCESS) => Err(error.context("the trainings are done; the page is not")),
        // How it ended matters more.
        ended => {
            eprintln(format_args!("warning: the page was not written: {error:#}"));
            ended
        }
    }
}

/// Trains with more and more seeds, by a plan of looks, until every effect is decided.
fn until_decided(
    args: &RunArgs,
    report: Option<&LiveReport>,
    interrupt: &Interrupt,
    out: &mut dyn Write,
) -> Result<ExitCode> {
    if args.experiment.seeds.is_some() {
        let message = "--seeds and --until-decided contradict each other: give --max-seeds";
        return Err(UsageError(message.to_owned()).into());
    }
    if args.fresh {
        let message = "--fresh and --until-decided contradict each other: which seeds a look adds depends on \
                       those before; remove the results of the experiment to start over";
        return Err(UsageError(message.to_owned()).into());
    }
    let most = usize::from(args.max_seeds);
    let looks = Looks::until(most);
    let plan = SequentialPlan { alpha: ALPHA, looks: looks.seeds().to_vec() };
    let mut is_first = true;
    for (index, seeds) in looks.seeds().iter().enumerate() {
        let experiment = args.load_with(Some(*seeds as u64))?;
        if experiment.factors.is_empty() {
            let message = "--until-decided: there is no effect to decide on: give a key several levels in \
                           [matrix], such as \"model.norm.kind\" = [\"none\", \"batch\"]";
            return Err(UsageError(message.to_owned()).into());
        }
        // An earlier run by the same plan has come as far as it has.
        let earlier = Store::at(&args.results, &experiment.name).plan();
        let earlier = earlier.filter(|earlier| earlier.sequential.as_ref() == Some(&plan));
        if is_first && earlier.is_some_and(|earlier| earlier.seeds().len() > *seeds) {
            continue;
        }
        // What is told of the trainings is told once, at the end of each look on standard error.
        let mut told: Vec<u8> = Vec::new();
        let code = run_once(
            &experiment,
            Some(plan.clone()),
            is_first,
            args,
            report,
            interrupt,
            &mut told,
        )?;
        is_first = false;
        let is_last = index + 1 == looks.seeds().len();
        let state = decided(&args.results.join(&experiment.name), args.margin)?;
        let is_done = state.open.is_empty() || is_last;
        if is_done || code != ExitCode::SUCCESS {
            out.write_all(&told)?;
        }
        if code != ExitCode::SUCCESS {
            return Ok(code);
        }
        if is_done {
            if args.format == RunFormat::Text {
                writeln!(out, "{}", state.sentence(*seeds, most))?;
            }
            return Ok(code);
        }
        if !args.quiet {
            eprintln(state.sentence(*seeds, most));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Which effects are decided.
struct Decided {
    /// All effects.
    effects: usize,
    /// Those that are not.
    open: Vec<String>,
}

impl Decided {
    fn sentence(&self, seeds: usize, most: usize) -> String {
        let effects = counted(self.effects, "effect");
        match self.open.len() {
            0 => format!("decided: {effects} after {seeds} of at most {most} seeds"),
            open if seeds == most => format!(
                "not decided: {open} of {effects} cannot be told with {most} seeds ({})",
                self.open.join(", ")
            ),
            open => format!(
                "{seeds} seeds: {open} of {effects} not decided yet ({}); adding seeds",
                self.open.join(", ")
            ),
        }
    }
}

/// The main effects of an experiment in its directory, and those still open.
fn decided(experiment: &Path, margin: Option<Margin>) -> Result<Decided> {
    let mut loaded = results::load(&[experiment.to_owned()])?;
    loaded.iter_mut().for_each(LoadedExperiment::read_test_rows);
    let options = compare::Options { margin, no_clocks: true, ..compare::Options::default() };
    let comparison = match compare::compare(&loaded, &options) {
        Ok(comparison) => comparison,
        // Nothing has ended: a signal came.
        Err(CompareError::NothingDone(_)) => return Ok(Decided { effects: 0, open: Vec::new() }),
        Err(error) => return Err(error.into()),
    };
    let effects = comparison.conclusions.iter().filter_map(|one| match &one.finding {
        Finding::Effect(effect) => Some(effect),
        _ => None,
    });
    let effects: Vec<&Effect> = effects.collect();
    let open = effects.iter().filter(|effect| !effect.verdict.is_decided());
    let open = open.map(|effect| effect.contrast.name.clone()).collect();
    Ok(Decided { effects: effects.len(), open })
}

/// One run of an experiment, with the plan of its looks if it has one. Only the first of several prints notes on
/// data and config.
fn run_once(
    experiment: &Experiment,
    sequential: Option<SequentialPlan>,
    is_first: bool,
    args: &RunArgs,
    report: Option<&LiveReport>,
    interrupt: &Interrupt,
    out: &mut dyn Write,
) -> Result<ExitCode> {
    let launcher = args.launch.launcher;
    let settings = args.launch_settings(experiment);
    // What others train needs no GPU here.
    let device = if launcher.trains_here() { args.device } else { DeviceChoice::Cpu };
    let options = Options { device, ..args.options() };
    let mut session = Session::open(experiment, options, interrupt)?;
    session.plan_looks(sequential);
    if is_first && !args.quiet {
        for note in &session.prepared().notes {
            eprintln(note);
        }
        let findings = lint(experiment, session.prepared(), session.compute());
        for warning in findings.iter().filter(|finding| finding.level == Level::Warning) {
            eprintln(warning);
        }
        warn_of_replaced(&session);
    }
    if args.dry_run {
        dry_run(&experiment.name, &mut session, args.format, out)?;
        return Ok(ExitCode::SUCCESS);
    }
    let started = Instant::now();
    let name = &experiment.name;
    let results = session.store().dir().to_owned();
    if launcher.trains_here()
        && let Some(tuned) = watched(args, report, |events| session.tune(events))?
    {
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
            return ended(interrupt, summary, printed.map_err(Into::into));
        }
        if !args.quiet {
            print_choice(&tuned, seconds);
            warn_of_replaced(&session);
        }
    }
    let launch = |events: &Sender<Event>| launcher.launch(&mut session, &settings, events);
    let summary = match watched(args, report, launch)? {
        Launched::Trained(summary) => summary,
        Launched::HandedOver(handed_over) => {
            print_handed_over(&handed_over, args.quiet, out)?;
            return Ok(ExitCode::SUCCESS);
        }
    };
    print_warnings(&summary);
    let printed = match args.format {
        RunFormat::Json => run_json::write(&session, &summary, out),
        RunFormat::Text => writeln!(
            out,
            "{} ({})\nresults: {}\n{}",
            counts(name, session.prepared()),
            done_and_to_go(&summary, started.elapsed().as_secs_f64()),
            results.display(),
            next(&results, &summary)
        )
        .map_err(Into::into),
    };
    if summary.interrupted() > 0 || !args.verify {
        return ended(interrupt, &summary, printed);
    }
    printed?;
    let found = watched(args, None, |events| session.verify(&summary, events))?;
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

/// Prints commands that others are to run, for them to read, and what people may want to know of it.
fn print_handed_over(handed_over: &HandedOver, is_quiet: bool, out: &mut dyn Write) -> Result<()> {
    for note in handed_over.notes.iter().filter(|_| !is_quiet) {
        eprintln(note);
    }
    for line in &handed_over.lines {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// Says so where the config is another one than that whose results it joins.
fn warn_of_replaced(session: &Session) {
    if let Some(other) = session.replaced() {
        eprintln(replaced(&other, session.store().dir()));
    }
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
