//! `--verify`: a training trained again in memory, and the first thing in which it differs.

use std::sync::Mutex;
use std::sync::mpsc::Sender;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::plan::Task;
use super::run_one::{Ended, Finished, Setting, run_one};
use super::sweep::{Sweep, guarded};
use crate::event::{Event, Observer};
use crate::history::EpochTable;
use crate::nn::StateDict;
use crate::results::layout::{epochs_file, run_file, weights_file_name};
use crate::results::{RunRecord, epochs_csv};

impl Sweep<'_> {
    /// Trains finished trainings again, without a file being written, and compares them with what
    /// is on disk. Of each, the first difference; none where there is none.
    #[must_use]
    pub fn verify(&self, events: &Sender<Event>) -> Vec<Result<Option<String>>> {
        let next = Mutex::new(0..self.tasks.len());
        let verified = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..self.resources.jobs.min(self.tasks.len()) {
                let mut events = events.clone();
                let (next, verified) = (&next, &verified);
                scope.spawn(move || {
                    while let Some(number) = next.lock().ok().and_then(|mut next| next.next()) {
                        let result = self.again(number, &events);
                        let dir = &self.tasks[number].dir;
                        events.on_event(Event::Ended {
                            training: number,
                            outcome: match &result {
                                Ok(None) => format!("{dir}: the same again"),
                                Ok(Some(difference)) => format!("{dir}: DIFFERS: {difference}"),
                                Err(error) => format!("{dir}: not verified: {error:#}"),
                            },
                            failed: !matches!(result, Ok(None)),
                        });
                        if let Ok(mut verified) = verified.lock() {
                            verified.push((number, result));
                        }
                    }
                });
            }
        });
        let mut verified = verified.into_inner().unwrap_or_default();
        verified.sort_by_key(|(number, _)| *number);
        verified.into_iter().map(|(_, result)| result).collect()
    }

    fn again(&self, number: usize, events: &Sender<Event>) -> Result<Option<String>> {
        let task = self.tasks[number];
        let setting = Setting {
            number,
            device: &self.resources.device,
            threads: self.resources.threads,
            clock: None,
            every_s: self.every_s,
            interrupt: self.interrupt,
        };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(setting.threads).build()?;
        let ended = guarded(|| pool.install(|| run_one(task, None, &setting, events)))?;
        let Ended::Finished(again) = ended else { bail!("interrupted before it was verified") };
        difference(&self.store.training(&task.dir), task, &again)
    }
}

/// The first epoch, column or tensor in which a training on disk differs from one trained again.
fn difference(dir: &std::path::Path, task: &Task, again: &Finished) -> Result<Option<String>> {
    let read = |path: &std::path::Path| {
        std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
    };
    let file = epochs_file(dir);
    let text = String::from_utf8(read(&file)?).context("epochs.csv is no text")?;
    let table = epochs_csv::read(&text, &file.display().to_string())?;
    if let Some(difference) = of_curves(&table, &again.table) {
        return Ok(Some(difference));
    }
    for (epoch, bytes) in &again.weights {
        let name = weights_file_name(*epoch);
        let present = read(&dir.join(&name))?;
        if present != *bytes {
            return of_weights(&name, &present, bytes).map(Some);
        }
    }
    let record: RunRecord = serde_json::from_slice(&read(&run_file(dir))?)?;
    for (arm, (was, is)) in task.arms.iter().zip(record.arms.iter().zip(&again.record.arms)) {
        for (name, value) in is.metrics.iter().filter(|(name, _)| !name.ends_with("_s")) {
            let was = was.metrics.get(name).unwrap_or(&Value::Null);
            if was != value {
                let rule = arm.rule.kind();
                return Ok(Some(format!(
                    "run.json, rule {rule}, metric `{name}`: {was} on disk, {value} again"
                )));
            }
        }
    }
    Ok(None)
}

/// A curve on disk may be longer than today's rules need.
fn of_curves(was: &EpochTable, is: &EpochTable) -> Option<String> {
    for epoch in 1..=is.len() {
        if epoch > was.len() {
            return Some(format!("epoch {epoch}: is not on disk"));
        }
        for name in is.names().iter().filter(|name| !name.ends_with("_s")) {
            let cells = [was, is].map(|table| table.cell(name, epoch));
            let [was, is] = cells.map(|cell| cell.map(f64::to_bits));
            let nan = cells.iter().all(|cell| cell.is_some_and(f64::is_nan));
            if was != is && !nan {
                let [was, is] =
                    cells.map(|cell| cell.map_or("empty".to_owned(), |value| value.to_string()));
                return Some(format!("epoch {epoch}, column `{name}`: {was} on disk, {is} again"));
            }
        }
    }
    None
}

fn of_weights(file: &str, was: &[u8], is: &[u8]) -> Result<String> {
    let was = StateDict::from_safetensors(was).with_context(|| format!("{file} on disk"))?;
    let mut is = StateDict::from_safetensors(is)?.tensors;
    is.sort_by(|a, b| a.name.cmp(&b.name));
    for tensor in &is {
        if was.get(&tensor.name).ok().is_none_or(|was| was != tensor) {
            return Ok(format!("{file}, tensor `{}`", tensor.name));
        }
    }
    Ok(format!("{file}, its metadata"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_cell_that_differs_is_named_and_clocks_are_not_looked_at() {
        let table = |loss, elapsed| {
            let mut table = EpochTable::new(vec!["val_loss".into(), "elapsed_s".into()]);
            table.push(&[Some(f64::NAN), Some(elapsed)]);
            table.push(&[Some(loss), Some(elapsed)]);
            table
        };
        assert_eq!(of_curves(&table(1.0, 2.0), &table(1.0, 3.0)), None);
        let found = of_curves(&table(1.0, 2.0), &table(1.5, 2.0)).unwrap();
        assert_eq!(found, "epoch 2, column `val_loss`: 1 on disk, 1.5 again");
    }
}
