//! One training from its task to what is written: the only place that assembles a training.

use std::collections::BTreeMap;

use anyhow::Result;
use candle_core::Device;
use serde_json::{Map, Value, json};

use super::device;
use super::plan::Task;
use super::provenance::{self, CpuClock};
use crate::event::{Event, Observer};
use crate::history::EpochTable;
use crate::nn::{Engine, GraphEngine};
use crate::results::layout::weights_file_name;
use crate::results::reread::{Reread, has_diverged};
use crate::results::{Provenance, RunRecord, Status};
use crate::train::{self, Job, Kept, Recorder};

/// A training as it goes to disk.
pub struct Finished {
    /// `run.json`.
    pub record: RunRecord,
    /// `epochs.csv`.
    pub table: EpochTable,
    /// The weights files by epoch.
    pub weights: BTreeMap<usize, Vec<u8>>,
}

/// Trains one task on a device.
///
/// # Errors
/// Where the device fails or the weights cannot be encoded.
pub fn run_one(
    task: &Task,
    number: usize,
    device: &Device,
    threads: usize,
    clock: Option<CpuClock>,
    observer: &mut dyn Observer,
) -> Result<Finished> {
    let Task { trajectory, data, loss, .. } = task;
    observer.on_event(Event::Started { training: number, epochs: trajectory.training.epochs });
    let mut engine = GraphEngine::new(
        &trajectory.model,
        &trajectory.training,
        *loss,
        task.outputs,
        data,
        trajectory.seed,
        device,
    )?;
    let rules = task.arms.iter().map(|arm| &arm.rule).collect();
    let job = Job { trajectory, loss: *loss, data, rules, number };
    let fitted = train::fit(&mut engine, &job, None, &mut train::NoKeeper, observer)?;
    let train::Fitted::Done(trained) = fitted else { anyhow::bail!("interrupted") };

    let recorder = Recorder::new(data, *loss, &trajectory.evaluation);
    let mut weights = BTreeMap::new();
    let mut test_metrics = BTreeMap::new();
    for Kept { epoch, state } in trained.arms.iter().filter_map(|arm| arm.kept.clone()) {
        if weights.contains_key(&epoch) {
            continue;
        }
        weights.insert(epoch, state.to_safetensors(&data.preprocessing)?);
        if !trajectory.evaluation.test {
            engine.load(&state)?;
            test_metrics.insert(weights_file_name(epoch), recorder.test_scores(&mut engine)?);
        }
    }
    let reread = Reread {
        table: &trained.table,
        epochs: trajectory.training.epochs,
        test_metrics: &test_metrics,
    };
    let arms = task
        .arms
        .iter()
        .zip(&trained.arms)
        .map(|(arm, outcome)| {
            let kept = outcome.kept.as_ref().map(|kept| kept.epoch);
            reread.arm(&arm.factors, &arm.rule, &outcome.reading, kept)
        })
        .collect();
    let provenance = Provenance {
        threads,
        wall_s: trained.table.cell("elapsed_s", trained.table.len()).unwrap_or(0.0),
        cpu_s: clock.map(CpuClock::elapsed_s),
        ..provenance::of_machine(device::name(device))
    };
    let record = RunRecord {
        status: status(&trained.table, trajectory.training.epochs),
        seed: trajectory.seed.0,
        epochs: trained.table.len(),
        identity: task.identity.clone(),
        parameters: task.parameters,
        error: None,
        arms,
        config: task.config.clone(),
        data: data_record(task),
        provenance,
    };
    Ok(Finished { record, table: trained.table, weights })
}

/// How the training as a whole ended.
fn status(table: &EpochTable, epochs: usize) -> Status {
    if has_diverged(table) {
        Status::Diverged
    } else if table.len() < epochs {
        Status::Stopped
    } else {
        Status::Completed
    }
}

fn data_record(task: &Task) -> Map<String, Value> {
    let data = &task.data;
    let mut map = Map::new();
    map.insert("digest".to_owned(), data.digest.clone().into());
    map.insert("summary".to_owned(), data.summary.clone().into());
    map.insert("inputs".to_owned(), data.inputs.width().into());
    map.insert("outputs".to_owned(), task.outputs.into());
    map.insert("task".to_owned(), json!(data.targets.task()));
    for (name, rows) in [
        ("train_rows", &data.splits.train),
        ("validation_rows", &data.splits.validation),
        ("test_rows", &data.splits.test),
    ] {
        map.insert(name.to_owned(), rows.len().into());
    }
    map
}
