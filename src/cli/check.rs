//! `bnes check`: all that can be known of an experiment without training it.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Result;
use rayon::prelude::*;
use serde_json::{Map, Value, json};

use super::check_json;
use super::exit::{FAILED, exit_code, is_closed_pipe};
use super::experiment_args::ExperimentArgs;
use crate::config::{Experiment, without_rule};
use crate::console::eprintln;
use crate::report;
use crate::report::plan::{Estimate, PlanReport, TrainingLine, TuningLine};
use crate::runner::lint::{Level, lint};
use crate::runner::{
    self, Compute, DatasetCache, DeviceChoice, PreparedExperiment, PreparedTraining, Tuning, timing,
};
use crate::text::counted;
use crate::train::batches::ranges;

/// Arguments of `bnes check`.
#[derive(Debug, Clone, clap::Args)]
pub struct CheckArgs {
    /// The experiment.
    #[command(flatten)]
    pub experiment: ExperimentArgs,
    /// What the estimate of the time is for: auto, cpu, cuda or cuda:N
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    pub device: DeviceChoice,
    /// Trainings side by side in the estimate [default: one per core, at most as many as there are]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
    /// For people, or all of it for programs
    #[arg(long, value_enum, default_value = "text")]
    pub format: CheckFormat,
    /// Exit with code 1 where there is a warning
    #[arg(long)]
    pub strict: bool,
}

/// How a check is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum CheckFormat {
    /// The effective config, tables, and findings on standard error.
    Text,
    /// One object, errors and findings included, with their lines and columns.
    Json,
}

/// Trainings of a seed that are listed and timed; of more, as many that stand for the others.
const LISTED: usize = 1000;

/// Validates an experiment, looks it over and prints what it comes to; trains and writes nothing.
///
/// # Errors
/// Where the config or the data is refused, the device fails, or `out` cannot be written. With JSON the first
/// three are printed as such.
pub fn check(args: &CheckArgs, out: &mut dyn Write) -> Result<ExitCode> {
    match look_over(args, out) {
        Err(error) if args.format == CheckFormat::Json && !is_closed_pipe(&error) => {
            let json = json!({ "errors": check_json::errors(&error) });
            super::output::print(out, &report::json::json(&json)?)?;
            Ok(ExitCode::from(exit_code(&error)))
        }
        outcome => outcome,
    }
}

fn look_over(args: &CheckArgs, out: &mut dyn Write) -> Result<ExitCode> {
    let experiment = args.experiment.load()?;
    let device = args.device.open()?;
    let mut cache = DatasetCache::of(&experiment);
    let prepared = PreparedExperiment::new(&experiment, &mut cache, usize::MAX)?;
    let tuning = Tuning::new(&experiment, &mut cache)?;
    let tuned = tuning.as_ref().map(Tuning::trainings).unwrap_or_default();
    let of_a_seed = prepared.sample(LISTED);
    let count = prepared.training_count();
    let jobs = runner::jobs(args.jobs.map(usize::from), count.max(tuned.len()));
    let compute = Compute::new(device, jobs)?;
    let findings = lint(&experiment, &prepared, &compute);
    let listed: Vec<&PreparedTraining> = of_a_seed.iter().collect();
    #[allow(clippy::cast_precision_loss)] // counts of trainings
    let times = count as f64 / listed.len() as f64;
    let all = timing::estimate(&tuned, &compute)? + times * timing::estimate(&listed, &compute)?;
    #[allow(clippy::cast_precision_loss)] // a few
    let seconds = all / jobs as f64;
    let estimate = Estimate { seconds, jobs, device: runner::device_name(compute.device()) };
    let report = plan_report(&experiment, &prepared, &of_a_seed, &tuned, estimate);
    let count = |level| findings.iter().filter(|finding| finding.level == level).count();
    match args.format {
        CheckFormat::Json => {
            let mut json = json!(report);
            json["errors"] = json!([]);
            json["findings"] = check_json::findings(&findings);
            super::output::print(out, &report::json::json(&json)?)?;
        }
        CheckFormat::Text => {
            super::output::print(out, &report::plan::plan(&report, super::output::columns()))?;
            out.flush()?;
            for finding in &findings {
                eprintln(format_args!("\n{finding}"));
            }
            let told = format!(
                "check: no error, {}, {}\n",
                counted(count(Level::Warning), "warning"),
                counted(count(Level::Note), "note")
            );
            super::output::print(out, &told)?;
        }
    }
    let is_refused = args.strict && count(Level::Warning) > 0;
    Ok(if is_refused { ExitCode::from(FAILED) } else { ExitCode::SUCCESS })
}

fn plan_report(
    experiment: &Experiment,
    prepared: &PreparedExperiment,
    of_a_seed: &[PreparedTraining],
    tuned: &[&PreparedTraining],
    estimate: Estimate,
) -> PlanReport {
    let seeds: Vec<u64> = experiment.trainings.seeds().iter().map(|seed| seed.0).collect();
    let trainings: Vec<TrainingLine> = of_a_seed.iter().map(line).collect();
    let steps =
        |training: &PreparedTraining| steps_per_epoch(training) * training.config.training.epochs;
    let per_seed: usize = prepared.of_first_seed().map(|training| steps(&training)).sum();
    let data = of_a_seed.first().map(|training| &training.data);
    PlanReport {
        name: experiment.name.clone(),
        config: report::effective::effective(experiment, &cells(of_a_seed)),
        data: prepared.notes.clone(),
        inputs: data.map_or_else(Vec::new, |data| {
            report::plan::inputs(&data.preprocessing, data.inputs.width())
        }),
        steps: per_seed * seeds.len(),
        training_count: prepared.training_count(),
        arm_count: prepared.arm_count(),
        trainings,
        seeds,
        tuning: experiment.tune.as_ref().map(|tune| TuningLine {
            keys: tune.keys().map(str::to_owned).collect(),
            arms: experiment.tuned_together().len(),
            values: tune.grid().len(),
            seeds: tune.seeds.clone(),
            training_count: tuned.len(),
            steps: tuned.iter().map(|training| steps(training)).sum(),
        }),
        estimate: Some(estimate),
    }
}

fn steps_per_epoch(training: &PreparedTraining) -> usize {
    ranges(training.data.splits.train.len(), training.config.training.batch_size).len()
}

fn line(training: &PreparedTraining) -> TrainingLine {
    TrainingLine {
        factors: training.arms.first().map(|arm| without_rule(&arm.factors)).unwrap_or_default(),
        parameters: training.parameters,
        steps_per_epoch: steps_per_epoch(training),
        epochs: training.config.training.epochs,
        rules: training.arms.iter().map(|arm| arm.rule.kind().to_owned()).collect(),
    }
}

/// The effective config of every arm.
fn cells(trainings: &[PreparedTraining]) -> Vec<Map<String, Value>> {
    let of_task = |training: &PreparedTraining| {
        let config = training.config.table();
        training
            .arms
            .iter()
            .map(move |arm| {
                let mut cell = config.clone();
                cell.insert("early_stopping".to_owned(), json!(arm.rule));
                cell
            })
            .collect::<Vec<_>>()
    };
    trainings.iter().flat_map(of_task).collect()
}
