//! `bnes run --dry-run`: what would be trained, and from where.

use std::io::Write;

use anyhow::Result;
use serde_json::{Value, json};

use super::run_args::RunFormat;
use super::run_text::counts;
use crate::config::Arm;
use crate::console::eprintln;
use crate::results::tuning::TUNE;
use crate::runner::{PreparedExperiment, PreparedTraining, Prospect, Session, Tuning};
use crate::storage::Store;
use crate::text::counted;
use crate::train::Position;

/// Trainings of which each gets a line of text; of more, only the first few do.
const LISTED: usize = 1000;

/// The first few.
const HEAD: usize = 20;

/// Tells of each training what would become of it; trains and writes nothing.
///
/// # Errors
/// Where `out` cannot be written.
pub fn dry_run(
    name: &str,
    session: &mut Session,
    format: RunFormat,
    out: &mut dyn Write,
) -> Result<()> {
    let store = session.store();
    for damage in session.damage() {
        eprintln(format_args!("warning: {damage}"));
    }
    if let Some(looked) = session.look_at_tuning()? {
        let trainings = session.tuning().map(Tuning::trainings).unwrap_or_default();
        let tune_store = Store::at(store.dir(), TUNE);
        let prefix = format!("{TUNE}/");
        let to_do = list(&tune_store, &prefix, &trainings, &looked.prospects, format, out)?;
        if format == RunFormat::Text {
            let trainings = counted(trainings.len(), "training");
            writeln!(out, "{name}, tuning: {trainings}, {to_do} to train")?;
        }
        if !looked.is_settled {
            return wait(name, session.prepared(), format, out);
        }
    }
    let count = session.prepared().training_count();
    let is_told = |number| format == RunFormat::Json || count <= LISTED || number < HEAD;
    let to_do = session.prospects(is_told, |training, prospect| {
        tell(&store, "", training, prospect, format, out)
    })?;
    if format == RunFormat::Text {
        if count > LISTED {
            writeln!(out, "and {} more, which --format json lists", count - HEAD)?;
        }
        writeln!(out, "{}, {to_do} to train", counts(name, session.prepared()))?;
    }
    Ok(())
}

/// Tells of trainings what would become of them, and how many would be trained.
fn list(
    store: &Store,
    prefix: &str,
    trainings: &[&PreparedTraining],
    prospects: &[Prospect],
    format: RunFormat,
    out: &mut dyn Write,
) -> Result<usize> {
    for (training, prospect) in trainings.iter().zip(prospects) {
        tell(store, prefix, training, *prospect, format, out)?;
    }
    let is_due = |prospect: &&Prospect| matches!(prospect, Prospect::Train(_));
    Ok(prospects.iter().filter(is_due).count())
}

/// Tells of a training what would become of it.
fn tell(
    store: &Store,
    prefix: &str,
    training: &PreparedTraining,
    prospect: Prospect,
    format: RunFormat,
    out: &mut dyn Write,
) -> Result<()> {
    match format {
        RunFormat::Text => writeln!(out, "{prefix}{}", line(training, prospect))?,
        RunFormat::Json => {
            let dir = store.training(&training.dir).display().to_string();
            let place = Some((format!("{prefix}{}", training.dir), dir));
            // Of a tuning training the arms are rules of one choice, and none is a result.
            let arms = if training.tunes { &training.arms[..1] } else { &training.arms };
            for arm in arms {
                writeln!(out, "{}", object(training, arm, place.as_ref(), prospect))?;
            }
        }
    }
    Ok(())
}

/// Tells of what has no folder yet, since the tuning has not chosen its values.
fn wait(
    name: &str,
    prepared: &PreparedExperiment,
    format: RunFormat,
    out: &mut dyn Write,
) -> Result<()> {
    match format {
        RunFormat::Text => {
            writeln!(out, "{}, once the tuning has chosen their values", counts(name, prepared))?;
        }
        RunFormat::Json => {
            for training in prepared.trainings() {
                for arm in &training.arms {
                    let mut object = object(&training, arm, None, Prospect::Train(None));
                    object["status"] = json!("waits for the tuning");
                    writeln!(out, "{object}")?;
                }
            }
        }
    }
    Ok(())
}

/// An arm for programs; `place` is the name of its training and where that lies.
fn object(
    training: &PreparedTraining,
    arm: &Arm,
    place: Option<&(String, String)>,
    prospect: Prospect,
) -> Value {
    let at = match prospect {
        Prospect::Train(Some(Position { epoch, batch })) => json!({"epoch": epoch, "batch": batch}),
        _ => Value::Null,
    };
    json!({
        "run": place.map(|(run, _)| run),
        "dir": place.map(|(_, dir)| dir),
        "factors": arm.factors,
        "seed": training.config.seed,
        "status": status(prospect),
        "goes_on_at": at,
    })
}

fn line(training: &PreparedTraining, prospect: Prospect) -> String {
    let at = match prospect {
        Prospect::Train(Some(at)) => format!(" from epoch {} on", at.epoch),
        _ => String::new(),
    };
    let rules: Vec<&str> = training.arms.iter().map(|arm| arm.rule.kind()).collect();
    format!(
        "{}  {}{at}, at most {} epochs, {} parameters, rules: {}",
        training.dir,
        status(prospect),
        training.config.training.epochs,
        training.parameters,
        rules.join(", ")
    )
}

fn status(prospect: Prospect) -> &'static str {
    match prospect {
        Prospect::Done => "done",
        Prospect::Train(_) => "to train",
        Prospect::Newer => "of a newer bnes",
    }
}
