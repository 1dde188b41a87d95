//! `bnes run`: trains what is not done yet.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Instant;

use anyhow::Result;
use serde_json::{Value, json};

use super::FAILED;
use super::args::{RunArgs, RunFormat};
use crate::compare::counted;
use crate::console::tell;
use crate::event::Event;
use crate::launch::lint::{Level, lint};
use crate::launch::{self, Interrupt, Outcome, Planned, Resources, Sweep, Task};
use crate::observers::{Progress, Style};
use crate::results::fresh::Fresh;
use crate::results::store::Store;
use crate::results::{RunRecord, Status};
use crate::spec::Experiment;

/// A task and what is known of it.
struct Line<'a> {
    task: &'a Task,
    record: Option<RunRecord>,
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
    let planned = Planned::new(&experiment)?;
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
        dry_run(args, &experiment, &planned, out)?;
        return Ok(ExitCode::SUCCESS);
    }
    let store = Store::create(&args.results, &experiment.name)?;
    store.write_plan(&experiment.config, &planned.plan)?;

    let started = Instant::now();
    let fresh = if args.fresh { Some(begin_fresh(&store, &planned)?) } else { None };
    let mut lines = found(&store, &planned, fresh.as_ref());
    let tasks: Vec<&Task> =
        lines.iter().filter(|line| line.record.is_none()).map(|line| line.task).collect();
    let sweep = Sweep {
        resources: resources(args, device, tasks.len()),
        tasks,
        store: &store,
        interrupt: &interrupt,
        every_s: experiment.checkpoint.every_s,
        fresh: fresh.as_ref(),
    };
    let outcomes = watched(args, &sweep, |events| sweep.run(events));
    // Others that were at work here may have been killed meanwhile.
    store.clean();
    let tally = Tally::of(&outcomes);
    for (line, outcome) in lines.iter_mut().filter(|line| line.record.is_none()).zip(outcomes) {
        line.record = record(line.task, outcome);
    }
    let trained = tally.trained;
    if let Some(fresh) = fresh.as_ref().filter(|_| tally.is_whole()) {
        fresh.end();
    }
    warn(&lines);
    match args.format {
        RunFormat::Json => {
            for line in &lines {
                write_json(&store, line, out)?;
            }
        }
        RunFormat::Text => {
            writeln!(
                out,
                "{}: {} from {} ({trained} trained in {:.1} s, {} found done)",
                experiment.name,
                counted(lines.iter().map(|line| line.task.arms.len()).sum(), "arm"),
                counted(lines.len(), "training"),
                started.elapsed().as_secs_f64(),
                tally.found_done(lines.len()),
            )?;
            writeln!(out, "results: {}", store.dir().display())?;
            writeln!(out, "next:    bnes compare {}", args.results.display())?;
        }
    }
    if interrupt.is_asked() && !tally.is_whole() {
        let (signal, code) = interrupt.told();
        tell(tally.interrupted(signal));
        return Ok(ExitCode::from(code));
    }
    let mut verified = true;
    if args.verify {
        let finished = |line: &&Line| line.record.as_ref().is_some_and(|r| !r.arms.is_empty());
        let tasks: Vec<&Task> = lines.iter().filter(finished).map(|line| line.task).collect();
        let resources = resources(args, sweep.resources.device.clone(), tasks.len());
        let sweep = Sweep { tasks, resources, fresh: None, ..sweep };
        verified = verify(args, &sweep, out)?;
        if interrupt.is_asked() {
            return Ok(ExitCode::from(interrupt.told().1));
        }
    }
    Ok(if tally.failed > 0 || !verified { ExitCode::from(FAILED) } else { ExitCode::SUCCESS })
}

/// How many trainings came to which end.
#[derive(Default)]
struct Tally {
    trained: usize,
    found: usize,
    saved: usize,
    lost: usize,
    not_begun: usize,
    failed: usize,
}

impl Tally {
    fn of(outcomes: &[Outcome]) -> Self {
        let mut tally = Self::default();
        for outcome in outcomes {
            *match outcome {
                Outcome::Trained(_) => &mut tally.trained,
                Outcome::Found(_) => &mut tally.found,
                Outcome::Interrupted { saved: true, .. } => &mut tally.saved,
                Outcome::Interrupted { saved: false, .. } => &mut tally.lost,
                Outcome::NotBegun => &mut tally.not_begun,
                Outcome::Failed(_) => &mut tally.failed,
            } += 1;
        }
        tally
    }

    /// Of all, those that needed no training here.
    fn found_done(&self, all: usize) -> usize {
        all - self.trained - self.saved - self.lost - self.not_begun - self.failed
    }

    fn is_whole(&self) -> bool {
        self.saved + self.lost + self.not_begun + self.failed == 0
    }

    fn interrupted(&self, signal: &str) -> String {
        let mut parts = vec![format!("{} in progress saved", self.saved)];
        if self.lost > 0 {
            parts.push(format!("{} in progress NOT saved since their last checkpoint", self.lost));
        }
        parts.push(format!("{} not begun", self.not_begun));
        format!("interrupted by {signal}: {}; the same command goes on from here", parts.join(", "))
    }
}

/// Begins or goes on with a fresh run; where it begins, no checkpoint is gone on from.
fn begin_fresh(store: &Store, planned: &Planned) -> Result<Fresh> {
    let (fresh, begins) = Fresh::begin(store.dir())?;
    if begins {
        for task in &planned.tasks {
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
        Outcome::NotBegun => None,
    }
}

/// The trainings that need no work.
fn found<'a>(store: &Store, planned: &'a Planned, fresh: Option<&Fresh>) -> Vec<Line<'a>> {
    let line = |task: &'a Task| {
        let anew = fresh.is_some_and(|fresh| !fresh.is_done(&task.dir));
        // Where a newer bnes wrote it, the sweep says so.
        let foreign = store.foreign(&task.dir).is_some();
        let record = if anew || foreign { None } else { launch::done(store, task) };
        let work = store.work(&task.dir);
        if record.is_some()
            && work.exists()
            && let Ok(Some(claim)) = work.claim()
        {
            // Its process ended between putting the training in place and tidying up.
            claim.finish();
        }
        Line { task, record }
    };
    planned.tasks.iter().map(line).collect()
}

fn resources(args: &RunArgs, device: candle_core::Device, pending: usize) -> Resources {
    let jobs = launch::jobs(args.jobs.map(usize::from), pending);
    Resources { jobs, threads: launch::threads(), device }
}

/// Trains finished trainings again and compares; whether all came out the same.
fn verify(args: &RunArgs, sweep: &Sweep, out: &mut dyn Write) -> Result<bool> {
    let differences = watched(args, sweep, |events| sweep.verify(events));
    let mut same = 0;
    for (task, difference) in sweep.tasks.iter().zip(&differences) {
        match difference {
            Ok(None) => same += 1,
            Ok(Some(difference)) => tell(format_args!("{}: DIFFERS: {difference}", task.dir)),
            Err(error) => tell(format_args!("{}: not verified: {error:#}", task.dir)),
        }
    }
    if args.format == RunFormat::Text {
        writeln!(out, "verified: {same} of {} trainings are the same again", differences.len())?;
    }
    Ok(same == differences.len())
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
fn warn(lines: &[Line]) {
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
            for key in ["stop_reason", "epochs", "best_epoch"] {
                object[key] = Value::Null;
            }
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

fn dry_run(
    args: &RunArgs,
    experiment: &Experiment,
    planned: &Planned,
    out: &mut dyn Write,
) -> Result<()> {
    let store = Store::at(&args.results, &experiment.name);
    let mut to_do = 0;
    for task in &planned.tasks {
        let epochs = task.trajectory.training.epochs;
        let done = store.done(&task.dir, &task.identity, epochs, &task.arms).is_some();
        to_do += usize::from(!done);
        let state = if done { "done" } else { "to train" };
        match args.format {
            RunFormat::Text => {
                let rules: Vec<&str> = task.arms.iter().map(|arm| arm.rule.kind()).collect();
                writeln!(
                    out,
                    "{}  {state}, at most {epochs} epochs, {} parameters, rules: {}",
                    task.dir,
                    task.parameters,
                    rules.join(", ")
                )?;
            }
            RunFormat::Json => {
                for arm in &task.arms {
                    let object = json!({
                        "run": task.dir,
                        "dir": store.training(&task.dir).display().to_string(),
                        "factors": arm.factors,
                        "seed": task.trajectory.seed,
                        "status": state,
                    });
                    writeln!(out, "{object}")?;
                }
            }
        }
    }
    if args.format == RunFormat::Text {
        writeln!(
            out,
            "{}: {} from {}, {to_do} to train",
            experiment.name,
            counted(planned.tasks.iter().map(|task| task.arms.len()).sum(), "arm"),
            counted(planned.tasks.len(), "training"),
        )?;
    }
    Ok(())
}
