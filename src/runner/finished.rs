//! A training as it goes to disk: its record, its curve, its weights.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use candle_core::Device;
use serde_json::{Map, Value, json};

use super::checkpointer::Notes;
use super::device;
use super::prepared_training::PreparedTraining;
use super::provenance;
use crate::history::EpochTable;
use crate::nn::Engine;
use crate::results::layout::weights_file_name;
use crate::results::recorded_training::{RecordedTraining, has_diverged};
use crate::results::{Provenance, Status, TrainingRecord};
use crate::stopping::StopStatus;
use crate::text::hex;
use crate::train::{ArmOutcome, Kept, Recorder, Trained};

/// A finished training.
pub struct Finished {
    /// `run.json`.
    pub record: TrainingRecord,
    /// `epochs.csv`.
    pub table: EpochTable,
    /// The weights files by epoch.
    pub weights: BTreeMap<usize, Vec<u8>>,
}

/// What is to be written of a training, with the engine that trained it on a device.
///
/// # Errors
/// Where the device fails, the weights cannot be encoded or the system provides no random numbers.
pub fn finished(
    training: &PreparedTraining,
    trained: &Trained,
    mut engine: Box<dyn Engine>,
    device: &Device,
    notes: Notes,
) -> Result<Finished> {
    let PreparedTraining { config, data, loss, .. } = training;
    // For the test split alone, which no rule reads.
    let recorder = Recorder::new(data, *loss, config, &[]);
    let mut weights = BTreeMap::new();
    let test_is_left = !config.evaluation.test && !training.tunes;
    let mut test_metrics = BTreeMap::new();
    if test_is_left {
        test_metrics.insert(None, recorder.no_test_scores());
    }
    for Kept { epoch, state } in trained.arms.iter().filter_map(|arm| arm.kept.clone()) {
        if weights.contains_key(&epoch) {
            continue;
        }
        weights.insert(epoch, state.to_safetensors(&data.preprocessing)?);
        if test_is_left {
            engine.load(&state)?;
            let scores = recorder.test_scores(engine.as_mut())?;
            test_metrics.insert(Some(weights_file_name(epoch)), scores);
        }
    }
    let of_training = RecordedTraining {
        table: &trained.table,
        epochs: config.training.epochs,
        test_metrics: &test_metrics,
    };
    let arms = training
        .arms
        .iter()
        .zip(&trained.arms)
        .map(|(arm, outcome)| {
            let kept = outcome.kept.as_ref().map(|kept| kept.epoch);
            of_training.arm(&arm.factors, &arm.rule, &outcome.stop, kept)
        })
        .collect();
    let runs_on = engine.runs_on();
    let provenance = Provenance {
        engine: notes.engine,
        instruction_set: notes.instruction_set,
        threads: runs_on.threads,
        wall_s: trained.table.cell("elapsed_s", trained.table.len()).unwrap_or(0.0),
        cpu_s: notes.cpu_s,
        checkpoint_s: notes.checkpoint_s,
        resumed: notes.resumed,
        id: random_id()?,
        ..provenance::of_machine(device::name(device))
    };
    let record = TrainingRecord {
        status: status(trained, config.training.epochs),
        seed: config.seed.0,
        epochs: trained.table.len(),
        identity: training.identity.clone(),
        parameters: training.parameters,
        error: None,
        arms,
        config: training.config.table().into(),
        data: data_record(training).into(),
        provenance,
    };
    Ok(Finished { record, table: trained.table.clone(), weights })
}

/// 128 random bits in hex: no two trainings share them.
fn random_id() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).context("the system provides no random numbers")?;
    Ok(hex(bytes))
}

/// How the training as a whole ended.
fn status(trained: &Trained, epochs: usize) -> Status {
    let diverged = |arm: &ArmOutcome| arm.stop.status == StopStatus::Diverged;
    if has_diverged(&trained.table) || trained.arms.iter().all(diverged) {
        Status::Diverged
    } else if trained.table.len() < epochs {
        Status::Stopped
    } else {
        Status::Completed
    }
}

fn data_record(training: &PreparedTraining) -> Map<String, Value> {
    let data = &training.data;
    let mut map = Map::new();
    map.insert("digest".to_owned(), data.digest.clone().into());
    map.insert("summary".to_owned(), data.summary.clone().into());
    map.insert("inputs".to_owned(), data.inputs.width().into());
    map.insert("outputs".to_owned(), training.outputs.into());
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
