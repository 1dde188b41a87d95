//! What `compare`, `plot` and `report` begin with: results loaded, compared, and their curves read.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use rayon::prelude::*;

use super::compared_logs::{self, LogArgs};
use crate::compare::curves::CurveOf;
use crate::compare::{CompareError, Comparison, Filter, MeanCurve, MeanCurves, Options};
use crate::config::label::value_of;
use crate::console::eprintln;
use crate::history::EpochTable;
use crate::report::sentences;
use crate::results::epochs_csv;
use crate::results::layout::{EPOCHS_FILE, epochs_file};
use crate::results::{LoadedExperiment, archive};
use crate::text::counted;

/// Which results, and what of them.
#[derive(Debug, Clone, clap::Args)]
pub struct ComparedArgs {
    /// Results directories, experiments' directories or trainings' directories; logs of other tools
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// The metric of the verdict; default: `test_loss`, without test split `val_loss`
    #[arg(long, value_name = "METRIC")]
    pub metric: Option<String>,
    /// Only arms with this level of a factor: its name, or its value in TOML; may be given several times
    #[arg(long = "where", value_name = "KEY=VALUE", value_parser = filter)]
    pub filters: Vec<Filter>,
    /// How logs of other tools are compared.
    #[command(flatten)]
    pub logs: LogArgs,
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
        let (experiments, primary) =
            compared_logs::load(&self.paths, &self.logs, self.metric.as_deref())?;
        match self.compare(experiments, primary) {
            Err(error @ CompareError::NothingDone(_)) => bail!(sentences::error(&error)),
            compared => Ok(compared?),
        }
    }

    /// Compares what was loaded; `primary` is the metric where none is asked for.
    ///
    /// # Errors
    /// Where nothing has ended, or an option names what is not there.
    pub(super) fn compare(
        &self,
        mut experiments: Vec<LoadedExperiment>,
        primary: Option<String>,
    ) -> Result<Compared, CompareError> {
        experiments.iter_mut().for_each(LoadedExperiment::read_test_rows);
        let options = Options {
            metric: self.metric.clone().or(primary),
            filters: self.filters.clone(),
            no_clocks: true,
            pairing: self.logs.pairing(),
            ..Options::default()
        };
        let comparison = crate::compare::compare(&experiments, &options)?;
        Ok(Compared { experiments, comparison })
    }
}

/// Trainings whose files are read at once.
const AT_ONCE: usize = 64;

/// Hands over every curve of a comparison: training by training, in the order in which the arms first read
/// them, and within each the arms that read it; a file that cannot be read is named and left out. Each file is read once, and few are in memory at a time; of one
/// column alone, where one is named.
pub(super) fn each_curve(
    curves: &[CurveOf],
    only: Option<&str>,
    mut take: impl FnMut(&CurveOf, &EpochTable),
) {
    let mut trainings: Vec<Vec<&CurveOf>> = Vec::new();
    // A log may hold several trainings.
    let mut places: HashMap<(&Path, Option<*const EpochTable>), usize> = HashMap::new();
    for curve in curves {
        let of_log = curve.curves.as_ref().map(Arc::as_ptr);
        let place = *places.entry((&curve.training, of_log)).or_insert(trainings.len());
        if place == trainings.len() {
            trainings.push(Vec::new());
        }
        trainings[place].push(curve);
    }
    let mut left_out = LeftOut::default();
    for some in trainings.chunks(AT_ONCE) {
        let tables: Vec<Result<EpochTable>> =
            some.par_iter().map(|readers| table_of(readers[0], only)).collect();
        for (readers, table) in some.iter().zip(tables) {
            if let Some(table) = left_out.unless(table) {
                for curve in readers {
                    take(curve, &table);
                }
            }
        }
    }
}

/// Curves that cannot be read: they are named and left out.
#[derive(Default)]
pub(super) struct LeftOut(usize);

impl LeftOut {
    /// As many are named.
    const NAMED: usize = 10;

    /// A curve, where it could be read.
    pub(super) fn unless(&mut self, table: Result<EpochTable>) -> Option<EpochTable> {
        let error = match table {
            Ok(table) => return Some(table),
            Err(error) => error,
        };
        self.0 += 1;
        if self.0 <= Self::NAMED {
            eprintln(format_args!("warning: a curve is left out: {error:#}"));
        }
        None
    }
}

impl Drop for LeftOut {
    fn drop(&mut self) {
        if let Some(more) = self.0.checked_sub(Self::NAMED).filter(|more| *more > 0) {
            let verb = if more == 1 { "is" } else { "are" };
            eprintln(format_args!("warning: {} more {verb} left out", counted(more, "curve")));
        }
    }
}

/// Means over the seeds of each arm; of one column alone, where one is named.
pub(super) fn means(curves: &[CurveOf], only: Option<&str>) -> Vec<MeanCurve> {
    let mut means = MeanCurves::of(curves, only);
    each_curve(curves, only, |curve, table| means.push(curve, table));
    means.finish()
}

/// The recorded epochs of a training; of one column alone, where one is named.
pub(super) fn table_of(curve: &CurveOf, only: Option<&str>) -> Result<EpochTable> {
    if let Some(curves) = &curve.curves {
        return Ok(curves.as_ref().clone());
    }
    let file = epochs_file(&curve.training);
    let name = file.display().to_string();
    let read = || {
        let bytes = archive::read(&file)?;
        curve.files.check(EPOCHS_FILE, &bytes)?;
        Ok(String::from_utf8(bytes)?)
    };
    let text: Result<String> = read();
    let text = text.with_context(|| format!("cannot read {name}"))?;
    let is_asked = |column: &str| only.is_none_or(|only| only == column);
    Ok(epochs_csv::read_columns(&text, &name, is_asked)?)
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
    // A pool that is there already stays.
    rayon::ThreadPoolBuilder::new().num_threads(crate::runner::cores()).build_global().ok();
}
