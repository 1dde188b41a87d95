//! A network that a training kept, with what it was trained on and how.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::config::data::{DataConfig, Task};
use crate::config::model::ModelConfig;
use crate::config::training::{Loss, TrainingConfig};
use crate::data::{Answers, Dataset, InputCoding, NewRows, Preprocessing, TargetCoding};
use crate::metrics;
use crate::nn::{Engine, Layout, Network, StateDict};
use crate::results::archive;
use crate::results::layout::{RUN_FILE, run_file};
use crate::results::{ArmRecord, TrainingRecord};
use crate::seed::Seed;

/// A weights file, and what its training's `run.json` says of the network.
pub struct KeptNetwork {
    /// The weights file.
    pub file: PathBuf,
    /// The layers.
    pub model: ModelConfig,
    /// What training made small.
    pub loss: Loss,
    /// From rows to inputs, and from outputs to answers.
    pub preprocessing: Preprocessing,
    /// The tensors.
    pub state: StateDict,
    /// The test metrics that were recorded, without `test_`; none where there was no test split.
    pub recorded: Vec<String>,
    /// `[data]`, as the training had it.
    data: Map<String, Value>,
}

/// How good a network is on rows with answers.
pub struct Measured {
    /// Rows that hold the target.
    pub rows: usize,
    /// By name; `None`: undefined.
    pub metrics: Vec<(String, Option<f64>)>,
}

/// Rows that are evaluated at a time.
const ROWS: usize = 8192;

impl KeptNetwork {
    /// Reads a weights file and the `run.json` beside it, in a training's folder or an archive.
    ///
    /// # Errors
    /// Where one of them is missing or damaged, or they do not belong together.
    pub fn read(file: &Path) -> Result<Self> {
        let name = || file.display().to_string();
        let bytes = archive::read(file).with_context(name)?;
        let training = file.parent().unwrap_or(Path::new(""));
        let Some(record) = TrainingRecord::read(training) else {
            bail!(
                "{}: there is no {RUN_FILE} of a training beside it, which says how the layers go together: keep the files of a training in one folder",
                file.display()
            );
        };
        let own = file.file_name().and_then(|own| own.to_str()).unwrap_or_default();
        record.files.check(own, &bytes).with_context(|| {
            format!("{}: `bnes run` sets it aside and trains again", file.display())
        })?;
        let state = StateDict::from_safetensors(&bytes).with_context(name)?;
        let preprocessing = StateDict::preprocessing(&bytes).with_context(name)?;
        let preprocessing = Preprocessing::deserialize(preprocessing)
            .with_context(|| format!("{}: its metadata `preprocessing`", file.display()))?;
        let of_record = || run_file(training).display().to_string();
        let table = |name: &str| record.config.get(name).cloned().unwrap_or_default();
        let model: ModelConfig = read_as(table("model")).with_context(of_record)?;
        let loss: Loss = read_as(table("training")["loss"].clone()).with_context(of_record)?;
        let data = table("data").as_object().cloned().unwrap_or_default();
        let recorded = record.arms.first().map(recorded_metrics).unwrap_or_default();
        let file = file.to_owned();
        let kept = Self { file, model, loss, preprocessing, state, recorded, data };
        kept.check()?;
        Ok(kept)
    }

    /// The layers, as the preprocessing needs them.
    #[must_use]
    pub fn layout(&self) -> Layout {
        Layout::new(&self.model, self.preprocessing.inputs.width(), self.outputs())
    }

    /// Numbers that it puts out for a row.
    #[must_use]
    pub fn outputs(&self) -> usize {
        match (&self.preprocessing.target, self.loss) {
            (_, Loss::Bce) => 1,
            (TargetCoding::Classes { classes, .. }, _) => classes.len(),
            (TargetCoding::Values { columns }, _) => columns.len(),
        }
    }

    /// Refuses weights of another network than `run.json` tells of.
    fn check(&self) -> Result<()> {
        for layer in &self.layout().layers {
            let name = format!("{}.weight", layer.linear);
            let fits = self.state.floats(&name, &[layer.outputs, layer.inputs]);
            fits.with_context(|| {
                format!("{}: does not belong to the {RUN_FILE} beside it", self.file.display())
            })?;
        }
        Ok(())
    }

    /// Reads rows to predict: a file, a folder of images or a built-in set.
    ///
    /// # Errors
    /// Where they cannot be read or do not suit the network.
    pub fn rows(&self, source: &str) -> Result<NewRows> {
        let mut config = DataConfig::new(source);
        config.delimiter =
            self.data.get("delimiter").and_then(Value::as_str).and_then(|text| text.chars().next());
        config.header = self.data.get("header").and_then(Value::as_bool);
        config.task = Some(match self.preprocessing.target {
            TargetCoding::Classes { .. } => Task::Classification,
            TargetCoding::Values { .. } => Task::Regression,
        });
        if let InputCoding::Table { missing, columns } = &self.preprocessing.inputs {
            config.missing.clone_from(missing);
            // Columns that have names are found by them, so the first line holds names.
            let is_named = |name: &str| {
                name.strip_prefix('c').is_none_or(|place| place.parse::<usize>().is_err())
            };
            if columns.iter().any(|column| is_named(&column.name)) {
                config.header = Some(true);
            }
        }
        Ok(NewRows::read(&config, &self.preprocessing)?)
    }

    /// As an engine is built from it, to evaluate these rows.
    #[must_use]
    pub fn network<'a>(
        &'a self,
        training: &'a TrainingConfig,
        data: &'a Arc<Dataset>,
    ) -> Network<'a> {
        let Self { model, loss, .. } = self;
        Network { model, training, loss: *loss, outputs: self.outputs(), data, seed: Seed(0) }
    }

    /// What it puts out for all rows of an engine, row by row.
    ///
    /// # Errors
    /// Where the engine refuses the weights or fails.
    pub fn evaluate(&self, engine: &mut dyn Engine, rows: &NewRows) -> Result<Vec<f32>> {
        engine.load(&self.state).with_context(|| self.file.display().to_string())?;
        let count = u32::try_from(rows.data.inputs.rows())?;
        let all: Vec<u32> = (0..count).collect();
        let mut outputs = Vec::with_capacity(all.len() * self.outputs());
        for part in all.chunks(ROWS) {
            outputs.extend(engine.evaluate(part)?);
        }
        ensure!(outputs.len() == all.len() * self.outputs(), "an output for each row is expected");
        Ok(outputs)
    }

    /// The loss and the metrics of outputs; those that were recorded, where any were. None where no row holds the
    /// target.
    #[must_use]
    pub fn measured(&self, rows: &NewRows, outputs: &[f32]) -> Option<Measured> {
        let Answers::Of(answered) = &rows.answers else { return None };
        if answered.is_empty() {
            return None;
        }
        let width = self.outputs();
        let of_row = |row: &u32| &outputs[*row as usize * width..][..width];
        let outputs: Vec<f32> = answered.iter().flat_map(of_row).copied().collect();
        let scores = metrics::score(self.loss, &outputs, width, &rows.data.targets, answered);
        let loss = ("loss".to_owned(), Some(scores.loss));
        let named = scores.metrics.into_iter().map(|(name, value)| (name.to_owned(), value));
        let is_wanted = |name: &str| {
            self.recorded.is_empty() || self.recorded.iter().any(|known| known == name)
        };
        let metrics = std::iter::once(loss).chain(named).filter(|(name, _)| is_wanted(name));
        Some(Measured { rows: answered.len(), metrics: metrics.collect() })
    }
}

/// What is recorded of the test split.
fn recorded_metrics(arm: &ArmRecord) -> Vec<String> {
    let names = arm.metrics.keys().filter_map(|name| name.strip_prefix("test_"));
    names.map(str::to_owned).collect()
}

/// What a record holds, as this version knows it.
fn read_as<T: DeserializeOwned>(value: Value) -> Result<T> {
    Ok(T::deserialize(value)?)
}
