//! `bnes run --format json`: an object a line per arm and seed.

use std::io::Write;

use anyhow::Result;
use serde_json::{Value, json};

use crate::results::{Status, TrainingRecord};
use crate::runner::{PreparedTraining, Session, Summary};
use crate::storage::Store;

/// Writes the lines of every training of which there is something to say.
///
/// # Errors
/// Where `out` cannot be written.
pub fn write(session: &Session, summary: &Summary, out: &mut dyn Write) -> Result<()> {
    let store = session.store();
    for (number, training) in session.prepared().trainings().enumerate() {
        let read = match summary.records.get(number) {
            Some(_) => None,
            None => TrainingRecord::read(&store.training(&training.dir)),
        };
        let record = summary.records.get(number).and_then(Option::as_ref).or(read.as_ref());
        for object in record.into_iter().flat_map(|record| objects(&store, &training, record)) {
            writeln!(out, "{object}")?;
        }
    }
    Ok(())
}

fn objects(store: &Store, training: &PreparedTraining, record: &TrainingRecord) -> Vec<Value> {
    let dir = store.training(&training.dir).display().to_string();
    let common = |factors: &Value| json!({"run": training.dir, "dir": dir, "factors": factors, "seed": record.seed});
    let mut objects = Vec::new();
    if record.arms.is_empty() {
        for arm in &training.arms {
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
    objects
}
