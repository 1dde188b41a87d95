//! What `compare`, `plot` and `report` begin with: results loaded, compared, and their curves read.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::compare::curves::CurveOf;
use crate::compare::{CompareError, Comparison, Filter, MeanCurve, MeanCurves, Options};
use crate::config::label::value_of;
use crate::history::EpochTable;
use crate::report::sentences;
use crate::results::epochs_csv;
use crate::results::layout::epochs_file;
use crate::results::{self, LoadedExperiment};

/// Which results, and what of them.
#[derive(Debug, Clone, clap::Args)]
pub struct ComparedArgs {
    /// Results directories, experiments' directories or trainings' directories
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// The metric of the verdict; default: `test_loss`, without test split `val_loss`
    #[arg(long, value_name = "METRIC")]
    pub metric: Option<String>,
    /// Only arms with this level of a factor: its name, or its value in TOML; may be given several times
    #[arg(long = "where", value_name = "KEY=VALUE", value_parser = filter)]
    pub filters: Vec<Filter>,
}

/// Results side by side.
pub(super) struct Compared {
    pub experiments: Vec<LoadedExperiment>,
    pub comparison: Comparison,
}

impl ComparedArgs {
    /// Loads and compares.
    ///
    /// # Errors
    /// Where nothing can be loaded or compared.
    pub(super) fn load(&self) -> Result<Compared> {
        on_every_core();
        let mut experiments = results::load(&self.paths)?;
        experiments.iter_mut().for_each(LoadedExperiment::read_test_rows);
        let options = Options {
            metric: self.metric.clone(),
            filters: self.filters.clone(),
            no_clocks: true,
            ..Options::default()
        };
        match crate::compare::compare(&experiments, &options) {
            Err(error @ CompareError::NothingDone(_)) => bail!(sentences::error(&error)),
            comparison => Ok(Compared { comparison: comparison?, experiments }),
        }
    }
}

impl Compared {
    /// Means over the seeds of each arm. Trainings are read one at a time: all of them need not fit into memory.
    pub fn means(&self, filters: &[Filter]) -> Result<Vec<MeanCurve>> {
        let mut means = MeanCurves::default();
        each_curve(&self.experiments, filters, |curve, table| {
            means.push(curve, table);
            Ok(())
        })?;
        Ok(means.finish())
    }
}

/// Hands over every curve of a comparison, experiment by experiment, arm by arm, seed by seed. Arms that read the
/// same training each read its file.
pub(super) fn each_curve(
    experiments: &[LoadedExperiment],
    filters: &[Filter],
    mut take: impl FnMut(&CurveOf, &EpochTable) -> Result<()>,
) -> Result<()> {
    for curve in &crate::compare::curves::curves(experiments, filters)? {
        take(curve, &table_of(curve)?)?;
    }
    Ok(())
}

/// The recorded epochs of a training.
pub(super) fn table_of(curve: &CurveOf) -> Result<EpochTable> {
    let file = epochs_file(&curve.training);
    let name = file.display().to_string();
    let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {name}"))?;
    Ok(epochs_csv::read(&text, &name)?)
}

/// `KEY=VALUE` of `--where`.
pub(super) fn filter(text: &str) -> Result<Filter, String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => {
            Ok(Filter { key: key.trim().to_owned(), level: value_of(value.trim()) })
        }
        _ => Err("expected KEY=VALUE, such as model.norm.kind=batch".to_owned()),
    }
}

/// Has trainings read and contrasts worked out on every core. The variable by which rayon would
/// decide stands at one thread: candle's products take their number from it, see `main`.
pub(super) fn on_every_core() {
    let cores = std::thread::available_parallelism().map_or(1, Into::into);
    // A pool that is there already stays.
    rayon::ThreadPoolBuilder::new().num_threads(cores).build_global().ok();
}
