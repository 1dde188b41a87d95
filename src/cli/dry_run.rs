//! `bnes run --dry-run`: what would be trained, and from where.

use std::io::Write;

use anyhow::Result;
use serde_json::{Value, json};

use super::args::{RunArgs, RunFormat};
use super::run::identities;
use crate::compare::counted;
use crate::launch::{self, Planned, Task};
use crate::results::fresh::Fresh;
use crate::results::store::Store;
use crate::spec::Experiment;
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
    planned: &Planned,
    out: &mut dyn Write,
) -> Result<()> {
    let store = Store::at(&args.results, &experiment.name);
    let fresh = Fresh::find(store.dir(), &identities(planned)).filter(|_| args.fresh);
    let mut to_do = 0;
    for task in &planned.tasks {
        let prospect = Prospect::of(args, &store, fresh.as_ref(), task);
        to_do += usize::from(matches!(prospect, Prospect::Train(_)));
        match args.format {
            RunFormat::Text => writeln!(out, "{}", line(task, &prospect))?,
            RunFormat::Json => {
                for arm in &task.arms {
                    let at = match prospect {
                        Prospect::Train(Some(Position { epoch, batch })) => {
                            json!({"epoch": epoch, "batch": batch})
                        }
                        _ => Value::Null,
                    };
                    let object = json!({
                        "run": task.dir,
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
