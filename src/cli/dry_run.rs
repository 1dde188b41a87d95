//! `bnes run --dry-run`: what would be trained, and from where.

use std::io::Write;

use anyhow::Result;
use serde_json::{Value, json};

use super::args::{RunArgs, RunFormat};
use super::run::identities;
use super::tune::find;
use crate::launch::{self, Loaded, Planned, Task, Tuning};
use crate::results::fresh::Fresh;
use crate::results::store::Store;
use crate::results::tuning::TUNE;
use crate::spec::Experiment;
use crate::text::counted;
use crate::train::Position;

/// What a run would make of a training.
enum Prospect {
    Done,
    Train(Option<Position>),
    /// What a newer bnes wrote lies in its place.
    Refuse,
}

impl Prospect {
    fn of(args: &RunArgs, store: &Store, fresh: Option<&Fresh>, task: &Task) -> Self {
        if !args.fresh && store.foreign(&task.dir).is_some() {
            return Self::Refuse;
        }
        let epochs = task.trajectory.training.epochs;
        let done = store.done(&task.dir, &task.identity, epochs, &task.arms).is_some();
        let anew = args.fresh && !fresh.is_some_and(|fresh| fresh.is_done(&task.dir));
        if done && !anew {
            return Self::Done;
        }
        // A fresh run that begins goes on from nothing.
        let begins = args.fresh && fresh.is_none();
        let at = if begins { None } else { launch::goes_on_at(task, &store.work(&task.dir)) };
        Self::Train(at)
    }

    fn status(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Train(_) => "to train",
            Self::Refuse => "of a newer bnes",
        }
    }
}

/// Tells of each training what would become of it; trains and writes nothing.
///
/// # Errors
/// Where `out` cannot be written.
pub fn dry_run(
    args: &RunArgs,
    experiment: &Experiment,
    (mut planned, tuning): (Planned, Option<Tuning>),
    loaded: &mut Loaded,
    out: &mut dyn Write,
) -> Result<()> {
    let store = Store::at(&args.results, &experiment.name);
    if let Some(mut tuning) = tuning {
        let tune = Store::at(store.dir(), TUNE);
        let settled = find(&tune, &mut tuning, args.fresh, loaded);
        let tasks = tuning.tasks();
        let to_do = list(args, &tune, &format!("{TUNE}/"), &tasks, out)?;
        if args.format == RunFormat::Text {
            let trainings = counted(tasks.len(), "training");
            let name = &experiment.name;
            writeln!(out, "{name}, tuning: {trainings}, {to_do} to train")?;
        }
        if !settled {
            return wait(args, &experiment.name, &planned, out);
        }
        planned = Planned::new(&tuning.chosen()?, loaded)?;
    }
    let tasks: Vec<&Task> = planned.tasks.iter().collect();
    let to_do = list(args, &store, "", &tasks, out)?;
    if args.format == RunFormat::Text {
        writeln!(out, "{}, {to_do} to train", counts(&experiment.name, &planned))?;
    }
    Ok(())
}

/// Tells of trainings what would become of them, and how many would be trained.
fn list(
    args: &RunArgs,
    store: &Store,
    prefix: &str,
    tasks: &[&Task],
    out: &mut dyn Write,
) -> Result<usize> {
    let fresh = Fresh::find(store.dir(), &identities(tasks.iter().copied()));
    let fresh = fresh.filter(|_| args.fresh);
    let mut to_do = 0;
    for task in tasks {
        let prospect = Prospect::of(args, store, fresh.as_ref(), task);
        to_do += usize::from(matches!(prospect, Prospect::Train(_)));
        match args.format {
            RunFormat::Text => writeln!(out, "{prefix}{}", line(task, &prospect))?,
            RunFormat::Json => {
                for arm in &task.arms {
                    let at = match prospect {
                        Prospect::Train(Some(Position { epoch, batch })) => {
                            json!({"epoch": epoch, "batch": batch})
                        }
                        _ => Value::Null,
                    };
                    let object = json!({
                        "run": format!("{prefix}{}", task.dir),
                        "dir": store.training(&task.dir).display().to_string(),
                        "factors": arm.factors,
                        "seed": task.trajectory.seed,
                        "status": prospect.status(),
                        "goes_on_at": at,
                    });
                    writeln!(out, "{object}")?;
                }
            }
        }
    }
    Ok(to_do)
}

/// Tells of what has no folder yet, since the tuning has not chosen its values.
fn wait(args: &RunArgs, name: &str, planned: &Planned, out: &mut dyn Write) -> Result<()> {
    match args.format {
        RunFormat::Text => {
            writeln!(out, "{}, once the tuning has chosen their values", counts(name, planned))?;
        }
        RunFormat::Json => {
            for task in &planned.tasks {
                for arm in &task.arms {
                    let object = json!({
                        "run": null,
                        "dir": null,
                        "factors": arm.factors,
                        "seed": task.trajectory.seed,
                        "status": "waits for the tuning",
                        "goes_on_at": null,
                    });
                    writeln!(out, "{object}")?;
                }
            }
        }
    }
    Ok(())
}

fn counts(name: &str, planned: &Planned) -> String {
    format!(
        "{name}: {} from {}",
        counted(planned.tasks.iter().map(|task| task.arms.len()).sum(), "arm"),
        counted(planned.tasks.len(), "training"),
    )
}

fn line(task: &Task, prospect: &Prospect) -> String {
    let at = match prospect {
        Prospect::Train(Some(at)) => format!(" from epoch {} on", at.epoch),
        _ => String::new(),
    };
    let rules: Vec<&str> = task.arms.iter().map(|arm| arm.rule.kind()).collect();
    format!(
        "{}  {}{at}, at most {} epochs, {} parameters, rules: {}",
        task.dir,
        prospect.status(),
        task.trajectory.training.epochs,
        task.parameters,
        rules.join(", ")
    )
}
