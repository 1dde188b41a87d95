//! Sources and splits that were read, so that each is read once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::json;

use super::prepare_error::PrepareError;
use crate::config::data::{DataConfig, SplitSeed};
use crate::config::{Arm, Config, Experiment};
use crate::data::{DataError, Dataset, Doubt, Source, Weight};
use crate::seed::Seed;

/// The number of a `[data]` table and the seed of the split.
type DatasetKey = (usize, Seed);

/// Sources and splits that were read, so that each is read once.
pub struct DatasetCache {
    /// The `[data]` tables met so far, by their text.
    tables: HashMap<String, usize>,
    /// Which datasets will be made of each source.
    due: HashMap<String, HashSet<DatasetKey>>,
    sources: HashMap<String, Source>,
    datasets: HashMap<DatasetKey, Arc<Dataset>>,
    notes: Vec<String>,
}

impl DatasetCache {
    /// Nothing yet, of all that the experiment and its tuning will read.
    #[must_use]
    pub fn of(experiment: &Experiment) -> Self {
        let mut cache = Self {
            tables: HashMap::new(),
            due: HashMap::new(),
            sources: HashMap::new(),
            datasets: HashMap::new(),
            notes: Vec::new(),
        };
        let tuned = experiment.tune.iter().flat_map(|tune| &tune.seeds).copied().map(Seed);
        let seeds: Vec<Seed> = experiment.trainings.seeds().into_iter().chain(tuned).collect();
        for data in experiment.trainings.data() {
            let table = cache.table(&data);
            let keys =
                split_seeds(&data, &seeds).iter().map(|seed| (table, data.split_seed(*seed)));
            cache.due.entry(source_key(&data)).or_default().extend(keys);
        }
        cache
    }

    fn table(&mut self, data: &DataConfig) -> usize {
        let next = self.tables.len();
        *self.tables.entry(json!(data).to_string()).or_insert(next)
    }

    /// The rows of a training that these arms read.
    pub(super) fn dataset(
        &mut self,
        experiment: &Experiment,
        config: &Config,
        arms: &[Arm],
    ) -> Result<Arc<Dataset>, PrepareError> {
        self.read(experiment, config).map_err(|error| placed(experiment, arms, error))
    }

    fn read(
        &mut self,
        experiment: &Experiment,
        config: &Config,
    ) -> Result<Arc<Dataset>, DataError> {
        let (data, split_seed) = (&config.data, config.split_seed());
        let data_key = (self.table(data), split_seed);
        if let Some(dataset) = self.datasets.get(&data_key) {
            return Ok(Arc::clone(dataset));
        }
        let source_key = source_key(data);
        let source = match self.sources.remove(&source_key) {
            Some(source) => source,
            None => Source::open(data, &experiment.base)?,
        };
        let due = self.due.entry(source_key.clone()).or_default();
        due.remove(&data_key);
        let dataset = Arc::new(if due.is_empty() {
            source.into_dataset(data, split_seed)?
        } else {
            let dataset = source.dataset(data, split_seed)?;
            self.sources.insert(source_key, source);
            dataset
        });
        let notes = dataset.doubts.iter().filter(|doubt| doubt.weight == Weight::Note);
        for note in std::iter::once(dataset.summary.clone()).chain(notes.map(Doubt::to_string)) {
            // With a split per seed one line stands for all.
            let said = data.split.seed == SplitSeed::PerSeed && !self.datasets.is_empty();
            if !said && !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
        self.datasets.insert(data_key, Arc::clone(&dataset));
        Ok(dataset)
    }

    /// A line for each set of data, and what there is to know of it; warnings are for those who look at
    /// a training.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}

/// By what a source is told apart from others.
fn source_key(data: &DataConfig) -> String {
    json!(data.reading()).to_string()
}

/// Those of the seeds that make splits of their own: all, or where the split is fixed, any one.
pub(super) fn split_seeds<'a>(data: &DataConfig, seeds: &'a [Seed]) -> &'a [Seed] {
    match data.split.seed {
        SplitSeed::Fixed(_) => &seeds[..seeds.len().min(1)],
        SplitSeed::PerSeed => seeds,
    }
}

/// A fault of the config that shows once the data is read, at its place in the config.
fn placed(experiment: &Experiment, arms: &[Arm], error: DataError) -> PrepareError {
    let (Some(key), Some(arm)) = (error.key(), arms.first()) else { return error.into() };
    let is_missing = matches!(error, DataError::UnknownSource { .. });
    let help = is_missing.then(|| "a path is relative to the folder of the config".to_owned());
    experiment.error_where_varied(&arm.factors, key, error.to_string(), help).into()
}
