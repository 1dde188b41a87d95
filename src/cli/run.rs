//! `bnes run`: trains what is not done yet.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Instant;

use anyhow::Result;
use serde_json::{Value, json};

use super::FAILED;
use super::args::{RunArgs, RunFormat};
use crate::console::tell;
use crate::launch::lint::{Level, lint};
use crate::launch::{self, Finished, Outcome, Planned, Resources, Task};
use crate::observers::{Progress, Style};
use crate::results::store::Store;
use crate::results::{Provenance, RunRecord, Status};
use crate::spec::{Experiment, Overrides};

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
    let overrides = Overrides { set: args.set.clone(), seeds: args.seeds };
    let experiment = match &args.config {
        Some(path) => Experiment::load(path, &overrides)?,
        None => Experiment::builtin(&overrides)?,
    };
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
    let mut lines = found(&store, &planned)?;
    let pending: Vec<&Task> =
        lines.iter().filter(|line| line.record.is_none()).map(|line| line.task).collect();
    let to_do = pending.len();
    let outcomes = train(args, &device, &store, &pending);
    let mut failures = 0;
    let mut outcomes = outcomes.into_iter();
    for line in lines.iter_mut().filter(|line| line.record.is_none()) {
        let Some(outcome) = outcomes.next() else { break };
        let record = match outcome.result {
            Ok(finished) => finished.record,
            Err(error) => {
                failures += 1;
                failed(&store, line.task, &error)
            }
        };
        line.record = Some(record);
    }
    warn(&lines);
    let trained = to_do - failures;
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
                lines.len() - trained - failures,
            )?;
            writeln!(out, "results: {}", store.dir().display())?;
            writeln!(out, "next:    bnes compare {}", args.results.display())?;
        }
    }
    Ok(if failures > 0 { ExitCode::from(FAILED) } else { ExitCode::SUCCESS })
}

/// The trainings that need no work, with today's arms written where they changed.
fn found<'a>(store: &Store, planned: &'a Planned) -> Result<Vec<Line<'a>>> {
    let mut lines = Vec::with_capacity(planned.tasks.len());
    for task in &planned.tasks {
        let epochs = task.trajectory.training.epochs;
        let done = store.done(&task.dir, &task.identity, epochs, &task.arms);
        if let Some(done) = done.as_ref().filter(|done| done.changed) {
            store.write_record(&task.dir, &done.record)?;
        }
        lines.push(Line { task, record: done.map(|done| done.record) });
    }
    Ok(lines)
}

fn train(
    args: &RunArgs,
    device: &candle_core::Device,
    store: &Store,
    pending: &[&Task],
) -> Vec<Outcome> {
    let jobs = launch::jobs(args.jobs.map(usize::from), pending.len());
    let resources = Resources { jobs, threads: launch::threads(), device: device.clone() };
    let style = match (args.quiet, std::io::stderr().is_terminal()) {
        (true, _) => Style::Quiet,
        (false, true) => Style::Bars,
        (false, false) => Style::Lines,
    };
    let names = pending.iter().map(|task| task.label().to_owned()).collect();
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(move || Progress::new(style, names).watch(&receiver));
        let save = |task: &Task, finished: &Finished| {
            store.write_training(&task.dir, &finished.record, &finished.table, &finished.weights)
        };
        let outcomes = launch::run_all(pending, &resources, &sender, save);
        drop(sender);
        outcomes
    })
}

/// The record of a training that failed, written where nothing better stands.
fn failed(store: &Store, task: &Task, error: &anyhow::Error) -> RunRecord {
    let record = RunRecord {
        status: Status::Failed,
        seed: task.trajectory.seed.0,
        epochs: 0,
        identity: task.identity.clone(),
        parameters: task.parameters,
        error: Some(format!("{error:#}")),
        arms: Vec::new(),
        config: task.config.clone(),
        data: serde_json::Map::new(),
        provenance: Provenance::default(),
    };
    if let Err(error) = store.write_failure(&task.dir, &record) {
        tell(format_args!("warning: the failure could not be noted: {error:#}"));
    }
    record
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

/// `1 arm`, `2 arms`.
fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
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
