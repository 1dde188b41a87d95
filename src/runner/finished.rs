//! A training as it goes to disk: its record, its curve, its weights.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use candle_core::Device;
use serde_json::{Map, Value, json};

use super::checkpointer::Notes;
use super::device;
use super::prepared_training::PreparedTraining;
use super::provenance;
use crate::data::Weight;
use crate::history::{CPU, ELAPSED, EpochTable};
use crate::metrics;
use crate::nn::Engine;
use crate::results::layout::weights_file_name;
use crate::results::recorded_training::{RecordedTraining, has_diverged};
use crate::results::{Files, Provenance, Status, TestRows, TrainingRecord};
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
    /// `test_rows.safetensors`, where there are test rows.
    pub test_rows: Option<Vec<u8>>,
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
    let rows = if training.tunes { Vec::new() } else { data.splits.test.clone() };
    let mut test_rows = TestRows { rows, values: BTreeMap::new() };
    let mut measured = BTreeSet::new();
    for (index, outcome) in trained.arms.iter().enumerate() {
        let Some(Kept { epoch, state }) = outcome.kept.clone() else { continue };
        // What follows the arms are references, whose weights are not kept.
        if index < training.arms.len() && !weights.contains_key(&epoch) {
            weights.insert(epoch, state.to_safetensors(&data.preprocessing)?);
        }
        if test_rows.rows.is_empty() || !measured.insert(epoch) {
            continue;
        }
        engine.load(&state)?;
        let (scores, of_rows) = recorder.test_scores(engine.as_mut())?;
        if test_is_left {
            test_metrics.insert(Some(weights_file_name(epoch)), scores);
        }
        #[allow(clippy::cast_possible_truncation)] // intervals need no more digits
        let narrow = |values: Vec<f64>| values.into_iter().map(|value| value as f32).collect();
        let of_epoch = of_rows.into_iter();
        test_rows
            .values
            .extend(of_epoch.map(|(name, values)| ((epoch, name.to_owned()), narrow(values))));
    }
    let test_rows = if test_rows.values.is_empty() { None } else { Some(test_rows.encode()?) };
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
        wall_s: trained.table.cell(ELAPSED, trained.table.len()).unwrap_or(0.0),
        cpu_s: trained.table.cell(CPU, trained.table.len()),
        checkpoint_s: notes.checkpoint_s,
        resumed: notes.resumed,
        id: random_id()?,
        ..provenance::of_machine(device::name(device))
    };
    let record = TrainingRecord {
        // Known once they are written.
        files: Files::default(),
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
    Ok(Finished { record, table: trained.table.clone(), weights, test_rows })
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

/// The test metrics of the best answer that does not look at the inputs.
fn chance(training: &PreparedTraining) -> Map<String, Value> {
    let PreparedTraining { data, loss, tunes, .. } = training;
    let (train, test) = (&data.splits.train, &data.splits.test);
    if *tunes || test.is_empty() {
        return Map::new();
    }
    let constant = metrics::constant_outputs(*loss, &data.targets, train);
    let outputs: Vec<f64> =
        constant.iter().copied().cycle().take(constant.len() * test.len()).collect();
    let scores = metrics::score(*loss, &outputs, constant.len(), &data.targets, test);
    let named = scores.metrics.into_iter().map(|(name, value)| (format!("test_{name}"), value));
    let loss = ("test_loss".to_owned(), Some(scores.loss));
    let finite = std::iter::once(loss).chain(named).filter_map(|(name, value)| {
        Some((name, Value::from(value.filter(|value| value.is_finite())?)))
    });
    finite.collect()
}

fn data_record(training: &PreparedTraining) -> Map<String, Value> {
    let data = &training.data;
    let mut map = Map::new();
    map.insert("digest".to_owned(), data.digest.clone().into());
    map.insert("summary".to_owned(), data.summary.clone().into());
    map.insert("inputs".to_owned(), data.inputs.width().into());
    map.insert("outputs".to_owned(), training.outputs.into());
    map.insert("task".to_owned(), json!(data.targets.task()));
    let chance = chance(training);
    if !chance.is_empty() {
        map.insert("chance".to_owned(), chance.into());
    }
    for (name, rows) in [
        ("train_rows", &data.splits.train),
        ("validation_rows", &data.splits.validation),
        ("test_rows", &data.splits.test),
    ] {
        map.insert(name.to_owned(), rows.len().into());
    }
    let warnings = data.doubts.iter().filter(|doubt| doubt.weight == Weight::Warning);
    let warnings: Vec<Value> = warnings.map(|doubt| json!(doubt)).collect();
    if !warnings.is_empty() {
        map.insert("warnings".to_owned(), warnings.into());
    }
    map
}
