//! `bnes run`: trains what is not done yet.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Instant;

use anyhow::Result;
use serde_json::{Value, json};

use super::FAILED;
use super::args::{RunArgs, RunFormat};
use super::dry_run::dry_run;
use super::tally::Tally;
use super::tune::{Tuned, tune};
use crate::console::tell;
use crate::event::Event;
use crate::launch::lint::{Level, lint};
use crate::launch::{
    self, Compute, Interrupt, Loaded, Outcome, Planned, Resources, Sweep, Task, Tuning, Verdict,
};
use crate::observers::{Progress, Style};
use crate::results::fresh::{self, Fresh};
use crate::results::store::Store;
use crate::results::tuning::tune_dir;
use crate::results::{RunRecord, Status};
use crate::spec::Experiment;
use crate::text::counted;

/// A task and what is known of it.
pub(super) struct Line<'a> {
    pub task: &'a Task,
    pub record: Option<RunRecord>,
}

/// Trains what the config names and is not done yet, and tells what came out.
///
/// # Errors
/// Where the config, the data, the device or the results directory is at fault; a training that
/// fails is told and gives exit code 1.
pub fn run(args: &RunArgs, out: &mut dyn Write) -> Result<ExitCode> {
    // From here on a signal ends the batch at hand, not the process.
    let interrupt = Interrupt::listen()?;
    let experiment = args.experiment.load()?;
    let device = args.device.open()?;
    // What the environment asks for is refused before anything is written.
    Compute::new(device.clone(), 1)?;
    let mut loaded = Loaded::of(&experiment);
    let planned = Planned::new(&experiment, &mut loaded)?;
    let tuning = Tuning::new(&experiment, &mut loaded)?;
    if !args.quiet {
        for note in &planned.notes {
            tell(note);
        }
        let findings = lint(&experiment, &planned);
        for warning in findings.iter().filter(|finding| finding.level == Level::Warning) {
            tell(warning);
        }
    }
    if args.dry_run {
        dry_run(args, &experiment, (planned, tuning), &mut loaded, out)?;
        return Ok(ExitCode::SUCCESS);
    }
    let store = Store::create(&args.results, &experiment.name)?;
    let started = Instant::now();
    let work = Work { args, store: &store, experiment: &experiment, interrupt: &interrupt, device };
    let planned = match tuning {
        None => planned,
        Some(tuning) => match tune(&work, planned, tuning, &mut loaded, out)? {
            Tuned::Settled(planned) => *planned,
            Tuned::Ended(code) => return Ok(code),
        },
    };
    store.write_plan(&experiment.config, &planned.plan)?;

    let (lines, tally) = work.train(&store, &planned.tasks.iter().collect::<Vec<_>>())?;
    fresh::tidy(store.dir());
    if args.fresh && Fresh::find(store.dir(), &identities(&planned.tasks)).is_none() {
        // Until here, the tuning of a fresh run that is broken off would have been gone on with.
        fresh::tidy(&tune_dir(store.dir()));
    }
    warn(&lines);
    let reported = match args.format {
        RunFormat::Json => lines.iter().try_for_each(|line| write_json(&store, line, out)),
        RunFormat::Text => {
            let seconds = started.elapsed().as_secs_f64();
            let done = summary(&experiment.name, &lines, &tally, seconds);
            writeln!(out, "{done}\nresults: {}\n{}", store.dir().display(), next(args, &tally))
                .map_err(Into::into)
        }
    };
    if tally.interrupted() > 0 {
        // Whoever read the results may be gone by the same signal: the exit code still tells.
        let (signal, code) = interrupt.told();
        tell(tally.in_words(signal));
        return Ok(ExitCode::from(code));
    }
    reported?;
    let mut verified = true;
    if args.verify {
        let finished = |line: &&Line| line.record.as_ref().is_some_and(|r| !r.arms.is_empty());
        let tasks: Vec<&Task> = lines.iter().filter(finished).map(|line| line.task).collect();
        let sweep = work.sweep(&store, tasks, None)?;
        verified = verify(args, &sweep, out)?;
        if interrupt.is_asked() {
            let (signal, code) = interrupt.told();
            tell(format_args!(
                "interrupted by {signal}: nothing to save; the same command verifies from the start"
            ));
            return Ok(ExitCode::from(code));
        }
    }
    Ok(if tally.failed > 0 || !verified { ExitCode::from(FAILED) } else { ExitCode::SUCCESS })
}

/// What all trainings of a run share.
pub(super) struct Work<'a> {
    pub args: &'a RunArgs,
    /// Of the experiment.
    pub store: &'a Store,
    pub experiment: &'a Experiment,
    pub interrupt: &'a Interrupt,
    pub device: candle_core::Device,
}

impl Work<'_> {
    /// Trains what of these is not done yet, into a folder of the experiment.
    pub fn train<'t>(&self, store: &Store, tasks: &[&'t Task]) -> Result<(Vec<Line<'t>>, Tally)> {
        let fresh = if self.args.fresh { Some(begin_fresh(store, tasks)?) } else { None };
        let mut lines = found(store, tasks, fresh.as_ref(), self.args.verify);
        let open = lines.iter().filter(|line| line.record.is_none()).map(|line| line.task);
        let sweep = self.sweep(store, open.collect(), fresh.as_ref())?;
        let outcomes = watched(self.args, &sweep, |events| sweep.run(events));
        // Others that were at work here may have been killed meanwhile.
        store.clean();
        let tally = Tally::of(&outcomes);
        for (line, outcome) in lines.iter_mut().filter(|line| line.record.is_none()).zip(outcomes) {
            line.record = record(line.task, outcome);
        }
        Ok((lines, tally))
    }

    fn sweep<'s>(
        &'s self,
        store: &'s Store,
        tasks: Vec<&'s Task>,
        fresh: Option<&'s Fresh>,
    ) -> Result<Sweep<'s>> {
        Ok(Sweep {
            resources: resources(self.args, self.device.clone(), tasks.len())?,
            tasks,
            store,
            interrupt: self.interrupt,
            every_s: self.experiment.checkpoint.every_s,
            fresh,
        })
    }
}

/// The line that counts what was done.
fn summary(name: &str, lines: &[Line], tally: &Tally, seconds: f64) -> String {
    format!(
        "{name}: {} from {} ({})",
        counted(lines.iter().map(|line| line.task.arms.len()).sum(), "arm"),
        counted(lines.len(), "training"),
        done_and_to_go(lines.len(), tally, seconds),
    )
}

/// Of all trainings, those trained, found done and to go.
pub(super) fn done_and_to_go(all: usize, tally: &Tally, seconds: f64) -> String {
    let to_go = match tally.interrupted() {
        0 => String::new(),
        count => format!(", {count} to go"),
    };
    format!(
        "{} trained in {seconds:.1} s, {} found done{to_go}",
        tally.trained,
        tally.found_done(all)
    )
}

/// What to do now.
pub(super) fn next(args: &RunArgs, tally: &Tally) -> String {
    if tally.interrupted() > 0 {
        "next:    the same command again, which goes on from here".to_owned()
    } else {
        format!("next:    bnes compare {}", args.results.display())
    }
}

/// Directory and identity of each training.
pub fn identities<'a>(tasks: impl IntoIterator<Item = &'a Task>) -> Vec<(&'a str, &'a str)> {
    tasks.into_iter().map(|task| (&*task.dir, &*task.identity)).collect()
}

/// Begins or goes on with a fresh run; where it begins, no checkpoint is gone on from.
fn begin_fresh(store: &Store, tasks: &[&Task]) -> Result<Fresh> {
    let (fresh, begins) = Fresh::begin(store.dir(), &identities(tasks.iter().copied()))?;
    if begins {
        for task in tasks {
            let work = store.work(&task.dir);
            if work.exists()
                && let Some(claim) = work.claim()?
            {
                claim.discard();
            }
        }
    }
    Ok(fresh)
}

/// What a line says of a training once it ended.
fn record(task: &Task, outcome: Outcome) -> Option<RunRecord> {
    match outcome {
        Outcome::Found(record) | Outcome::Trained(record) => Some(record),
        Outcome::Interrupted { at, .. } => {
            Some(launch::note(task, Status::Interrupted, at.epoch - 1, None))
        }
        Outcome::Failed(error) => {
            Some(launch::note(task, Status::Failed, 0, Some(format!("{error:#}"))))
        }
        Outcome::Elsewhere | Outcome::NotBegun => None,
    }
}

/// The trainings that need no work.
fn found<'a>(
    store: &Store,
    tasks: &[&'a Task],
    fresh: Option<&Fresh>,
    verify: bool,
) -> Vec<Line<'a>> {
    // What is to be verified is neither made again nor corrected first.
    let recorded = |task: &Task| {
        if verify { store.recorded(&task.dir, &task.identity, &task.arms) } else { None }
    };
    let line = |task: &'a Task| {
        let anew = fresh.is_some_and(|fresh| !fresh.is_done(&task.dir));
        // Where a newer bnes wrote it, the sweep says so.
        let foreign = store.foreign(&task.dir).is_some();
        let record = if anew || foreign {
            None
        } else {
            recorded(task).or_else(|| launch::done(store, task))
        };
        let work = store.work(&task.dir);
        if record.is_some()
            && work.exists()
            && let Ok(Some(claim)) = work.claim()
        {
            // Its process ended between putting the training in place and tidying up.
            store.finish(&task.dir, claim);
        }
        Line { task, record }
    };
    tasks.iter().copied().map(line).collect()
}

fn resources(args: &RunArgs, device: candle_core::Device, pending: usize) -> Result<Resources> {
    let jobs = launch::jobs(args.jobs.map(usize::from), pending);
    Ok(Resources { jobs, compute: Compute::new(device, jobs)? })
}

/// Trains finished trainings again and compares; whether all came out the same.
fn verify(args: &RunArgs, sweep: &Sweep, out: &mut dyn Write) -> Result<bool> {
    let verdicts = watched(args, sweep, |events| sweep.verify(events));
    let count = |is: fn(&Verdict) -> bool| verdicts.iter().filter(|verdict| is(verdict)).count();
    let same = count(|verdict| matches!(verdict, Verdict::Same));
    let not_reached = count(|verdict| matches!(verdict, Verdict::NotReached));
    if args.format == RunFormat::Text {
        let all = counted(verdicts.len(), "training");
        let rest = match not_reached {
            0 => String::new(),
            count => format!(", {count} not reached"),
        };
        writeln!(out, "verified: {same} of {all} came out the same again{rest}")?;
    }
    Ok(same == verdicts.len())
}

/// Works while the events of it are shown.
fn watched<T>(args: &RunArgs, sweep: &Sweep, work: impl FnOnce(&mpsc::Sender<Event>) -> T) -> T {
    let style = match (args.quiet, std::io::stderr().is_terminal()) {
        (true, _) => Style::Quiet,
        (false, true) => Style::Bars,
        (false, false) => Style::Lines,
    };
    let names = sweep.tasks.iter().map(|task| task.label().to_owned()).collect();
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(move || Progress::new(style, names).watch(&receiver));
        let result = work(&sender);
        drop(sender);
        result
    })
}

/// Says what did not go as it should, whatever the format of the results.
pub(super) fn warn(lines: &[Line]) {
    let number = |status| {
        lines.iter().filter_map(|line| line.record.as_ref()).filter(|r| r.status == status).count()
    };
    let diverged = number(Status::Diverged);
    if diverged > 0 {
        tell(format_args!("warning: {} diverged", counted(diverged, "training")));
    }
    let failed = number(Status::Failed);
    if failed > 0 {
        let trainings = counted(failed, "training");
        tell(format_args!("{trainings} failed; the same command tries again"));
    }
}

fn write_json(store: &Store, line: &Line, out: &mut dyn Write) -> Result<()> {
    let Some(record) = &line.record else { return Ok(()) };
    let dir = store.training(&line.task.dir).display().to_string();
    let common = |factors: &Value| json!({"run": line.task.dir, "dir": dir, "factors": factors, "seed": record.seed});
    let mut objects = Vec::new();
    if record.arms.is_empty() {
        for arm in &line.task.arms {
            let mut object = common(&json!(arm.factors));
            object["status"] = json!(record.status);
            object["stop_reason"] = Value::Null;
            // Where a failed one stood is not known.
            let stood = (record.status == Status::Interrupted).then_some(record.epochs);
            object["epochs"] = json!(stood);
            object["best_epoch"] = Value::Null;
            object["metrics"] = json!({});
            object["error"] = json!(record.error);
            objects.push(object);
        }
    }
    for arm in &record.arms {
        let mut object = common(&json!(arm.factors));
        object["status"] = json!(arm.status);
        object["stop_reason"] = json!(arm.stop_reason);
        object["epochs"] = json!(arm.epochs);
        object["best_epoch"] = json!(arm.best_epoch);
        object["metrics"] = json!(arm.metrics);
        objects.push(object);
    }
    for object in objects {
        writeln!(out, "{object}")?;
    }
    Ok(())
}
