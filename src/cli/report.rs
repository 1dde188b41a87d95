//! `bnes report`: a comparison as one page that opens from disk.

use std::collections::HashMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use serde_json::Value;

use super::compared::{Compared, ComparedArgs, each_curve};
use super::output::{self, is_page};
use crate::compare::runs::{RunOf, each_run};
use crate::compare::{CompareError, Comparison, Filter, MeanCurves};
use crate::config::Factors;
use crate::console::eprintln;
use crate::report::page::{Origin, Page, PageData, Preview, RunRow, SECOND};
use crate::results::{LoadedExperiment, Status};
use crate::storage::atomic::write_with;
use crate::text::shell_word;

/// Arguments of `bnes report`.
#[derive(Debug, Clone, clap::Args)]
pub struct ReportArgs {
    /// What the page shows.
    #[command(flatten)]
    pub compared: ComparedArgs,
    /// The page to write
    #[arg(long, value_name = "FILE", default_value = "report.html")]
    pub output: PathBuf,
}

/// Writes the page and says where it is.
///
/// # Errors
/// Where nothing can be loaded or compared, or the page cannot be written.
pub fn report(args: &ReportArgs, out: &mut dyn Write) -> Result<ExitCode> {
    is_page(&args.output, "--output")?;
    let mut compared = args.compared.load()?;
    let (page, is_full) = page(&mut compared, &args.compared, None)?;
    if is_full {
        eprintln(
            "note: the page has the means of all curves, and single ones of the first 1000 trainings alone",
        );
    }
    write_with(&args.output, |file| output::print(file, &page))?;
    writeln!(out, "report: {}", args.output.display())
        .context("the report could not be written")?;
    Ok(ExitCode::SUCCESS)
}

/// The page of results, and whether it has single curves of some trainings alone; a preview, where there is
/// more to come.
///
/// # Errors
/// Where a curve cannot be read.
pub(super) fn page(
    compared: &mut Compared,
    args: &ComparedArgs,
    preview: Option<Preview>,
) -> Result<(String, bool)> {
    let Compared { experiments, comparison } = compared;
    let numbers = Numbers::of(comparison);
    let curves = crate::compare::curves::curves(experiments, &args.filters)?;
    let (mut means, mut data) = (MeanCurves::of(&curves, None), PageData::of(&curves));
    let mut is_full = false;
    each_curve(&curves, None, |curve, table| {
        means.push(curve, table);
        is_full |= !data.training(numbers.get(&curve.experiment, &curve.factors), curve, table);
    });
    comparison.curves = means.finish();
    let mut runs = Vec::new();
    let mut configs = vec![Value::Null; comparison.arms.len()];
    each_run(experiments, &args.filters, |run| {
        let row = row(comparison, &numbers, &run);
        if let Some(config) = configs.get_mut(row.arm).filter(|config| config.is_null()) {
            *config = config_of(&run);
        }
        runs.push(row);
    })?;
    let origins = origins(experiments, &args.filters)?;
    let page = Page { comparison, data, runs, origins, configs, command: command(args), preview };
    Ok((page.write()?, is_full))
}

/// The places of arms in a comparison, by experiment and levels.
struct Numbers(HashMap<(String, String), usize>);

impl Numbers {
    fn of(comparison: &Comparison) -> Self {
        let arms = comparison.arms.iter().enumerate();
        Self(arms.map(|(at, arm)| (Self::key(&arm.experiment, &arm.factors), at)).collect())
    }

    fn key(experiment: &str, factors: &Factors) -> (String, String) {
        (experiment.to_owned(), Value::Object(factors.clone()).to_string())
    }

    fn get(&self, experiment: &str, factors: &Factors) -> usize {
        self.0.get(&Self::key(experiment, factors)).copied().unwrap_or(0)
    }
}

fn row(comparison: &Comparison, numbers: &Numbers, run: &RunOf) -> RunRow {
    let metric = comparison.experiments.iter().find(|one| one.name == run.experiment);
    let metric = metric.map_or("", |one| one.metric.as_str());
    let value = |name: &str| run.arm.metrics.get(name).and_then(Value::as_f64);
    let ended = match (&run.arm.status, &run.arm.stop_reason) {
        (Status::Diverged, _) => "diverged".to_owned(),
        (_, Some(reason)) => format!("stopped by {reason}"),
        _ => "completed".to_owned(),
    };
    RunRow {
        experiment: run.experiment.to_owned(),
        arm: numbers.get(run.experiment, run.factors),
        seed: run.seed,
        ended,
        epochs: run.arm.epochs,
        best_epoch: run.arm.best_epoch,
        metrics: [value(metric), value(SECOND)],
    }
}

/// All that fixes a training but its seed, and the rule of the arm.
fn config_of(run: &RunOf) -> Value {
    let mut config: serde_json::Map<String, Value> = run.record.config.clone().into();
    config.remove("seed");
    config.insert("early_stopping".to_owned(), Value::Object(run.arm.rule.clone().into()));
    Value::Object(config)
}

/// Where the figures of each experiment come from, as its first training tells it.
///
/// # Errors
/// Where a filter names what is not there.
pub(super) fn origins(
    experiments: &[LoadedExperiment],
    filters: &[Filter],
) -> Result<Vec<Origin>, CompareError> {
    let mut origins: Vec<Origin> = Vec::new();
    each_run(experiments, filters, |run| {
        if origins.last().is_none_or(|last| last.experiment != run.experiment) {
            origins.push(origin(&run));
        }
    })?;
    Ok(origins)
}

fn origin(run: &RunOf) -> Origin {
    let provenance = &run.record.provenance;
    let text = |key: &str| run.record.data.get(key).and_then(Value::as_str).map(str::to_owned);
    let all = [
        ("data", text("summary")),
        ("digest of the data", text("digest")),
        ("bnes", Some(provenance.version.clone())),
        ("commit", provenance.git_commit.clone()),
        ("processor", Some(provenance.cpu.clone())),
        // Other tools do not tell.
        (
            "engine",
            (!provenance.engine.is_empty())
                .then(|| format!("{} ({})", provenance.engine, provenance.instruction_set)),
        ),
        ("device", Some(provenance.device.clone())),
    ];
    let there = |(name, value): (&'static str, Option<String>)| {
        value.filter(|value| !value.is_empty()).map(|value| (name, value))
    };
    Origin {
        experiment: run.experiment.to_owned(),
        config: Value::Object(run.record.config.clone().into()),
        facts: all.into_iter().filter_map(there).collect(),
    }
}

/// The command that recreates the page.
fn command(args: &ComparedArgs) -> String {
    let mut words = vec!["bnes".to_owned(), "report".to_owned()];
    words.extend(args.paths.iter().map(|path| shell_word(&path.display().to_string())));
    if let Some(metric) = &args.metric {
        words.push(format!("--metric {}", shell_word(metric)));
    }
    let filters = args.filters.iter();
    let filters = filters.map(|filter| shell_word(&format!("{}={}", filter.key, filter.level)));
    words.extend(filters.map(|filter| format!("--where {filter}")));
    words.extend(args.logs.words());
    words.join(" ")
}
