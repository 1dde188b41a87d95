//! Puts results side by side: records in, a [`Comparison`] out, and what other rules would have
//! done.
//!
//! Everything here is a pure function of what was loaded: nothing is read from disk, and text is
//! made of figures only for the sentences of the verdict. The statistics are those of
//! [`stats`](crate::stats); what is compared with what is decided here.

mod across;
mod arms;
mod comparison;
mod contrasts;
pub mod curves;
mod fairness;
pub mod gate;
mod joined;
pub mod label;
pub mod number;
mod options;
pub mod replay;
mod robust;
mod savings;
pub mod speed;
mod study;
pub mod tuning;
mod units;
mod verdict;
mod warnings;
pub mod what_if;

use crate::results::LoadedExperiment;
use study::Study;

pub use contrasts::ROBUST_DESIGNS;
pub(crate) use fairness::{RATE, needs_own_rate};
pub use robust::PAIRS_FOR_BOOTSTRAP;

pub use comparison::{
    AcrossDataSets, ArmSummary, Comparison, Contrast, ContrastKind, ExperimentSummary,
    MetricSummary, Metrics, RankedArm, Robust, Saving,
};
pub use options::{CLOCK_SUFFIX, CompareError, Filter, Options};

/// Coverage of every interval.
pub const LEVEL: f64 = 0.95;

/// The metric that the verdict is about, where it was recorded.
const PRIMARY: &str = "test_loss";

/// The metric that the verdict is about where there is no test split.
const FALLBACK: &str = "val_loss";

/// The metrics that contrasts are made of, beside the primary one: with all, most of a report would
/// be figures that nobody asked for, and `--metric` asks for any.
const CONTRASTED: [&str; 14] = [
    PRIMARY,
    FALLBACK,
    "test_accuracy",
    "test_balanced_accuracy",
    "test_f1",
    "test_auc",
    "test_r2",
    "test_mae",
    "test_rmse",
    "val_accuracy",
    "val_r2",
    "val_rmse",
    "epochs",
    "elapsed_s",
];

/// Compares experiments.
///
/// # Errors
/// Where nothing has ended, or an option names what is not there.
pub fn compare(
    experiments: &[LoadedExperiment],
    options: &Options,
) -> Result<Comparison, CompareError> {
    let (studies, mut notes) = asked_for(experiments, &options.filters)?;
    check_metric(&studies, options.metric.as_deref())?;

    let mut comparison = Comparison {
        arms: Vec::new(),
        references: Vec::new(),
        contrasts: Vec::new(),
        early_stopping: Vec::new(),
        data_sets: Vec::new(),
        speed: Vec::new(),
        warnings: warnings::of_files(experiments),
        verdict: Vec::new(),
        experiments: Vec::new(),
    };
    comparison.warnings.append(&mut notes);
    let several = studies.len() > 1;
    for study in &studies {
        let mut metrics = study.metrics(options.metric.as_deref());
        metrics.retain(|metric| !options.leaves_out(metric));
        let Some(primary) = metrics.first().cloned() else { continue };
        let summary = ExperimentSummary {
            name: study.name.clone(),
            metric: primary,
            factors: study.factors.clone(),
            split_per_seed: study.split_per_seed,
            tuning: study.tuned.clone(),
        };
        let mut arms = arms::summaries(study);
        let mut references = arms::references(study);
        for arm in arms.iter_mut().chain(&mut references) {
            arm.metrics.0.retain(|(metric, _)| !options.leaves_out(metric));
        }
        metrics.retain(|metric| *metric == summary.metric || CONTRASTED.contains(&metric.as_str()));
        let contrasts = contrasts::contrasts(study, &metrics, options.robust);
        let mut savings = savings::savings(study);
        if options.no_clocks {
            savings.iter_mut().for_each(Saving::forget_clocks);
        }
        comparison.warnings.extend(warnings::of_figures(&summary, &arms, &contrasts));
        comparison.warnings.extend(fairness::warnings(study, &summary.metric));
        let mut sentences = verdict::verdict(&summary, &arms, &contrasts, &savings);
        if let [arm] = &arms[..] {
            sentences.insert(0, verdict::one_arm(arm, !options.filters.is_empty()));
        }
        sentences.extend(tuning::sentences(&study.tuned));
        let prefix = if several { format!("{}: ", summary.name) } else { String::new() };
        comparison.verdict.extend(sentences.iter().map(|text| format!("{prefix}{text}")));
        comparison.arms.extend(arms);
        comparison.references.extend(references);
        comparison.contrasts.extend(contrasts.all);
        comparison.early_stopping.extend(savings);
        comparison.experiments.push(summary);
    }
    let across = across::across(&studies, &comparison, options.metric.as_deref());
    comparison.verdict.extend(across.iter().map(across::sentence));
    comparison.data_sets = across;
    Ok(comparison)
}

/// The arms alone, as a gate judges them.
///
/// # Errors
/// Where nothing has ended, or a filter names what is not there.
pub fn arms(
    experiments: &[LoadedExperiment],
    filters: &[Filter],
) -> Result<Vec<ArmSummary>, CompareError> {
    let (studies, _) = asked_for(experiments, filters)?;
    Ok(studies.iter().flat_map(arms::summaries).collect())
}

/// The studies with something to show, and what was odd on the way.
fn asked_for<'a>(
    experiments: &'a [LoadedExperiment],
    filters: &[Filter],
) -> Result<(Vec<Study<'a>>, Vec<String>), CompareError> {
    let (mut studies, notes) = study::studies(experiments);
    study::filter(&mut studies, filters)?;
    studies.retain(Study::has_readings);
    if studies.is_empty() {
        let problems = warnings::of_files(experiments);
        return Err(CompareError::NothingDone(problems.join("; ")));
    }
    Ok((studies, notes))
}

fn check_metric(studies: &[Study], asked: Option<&str>) -> Result<(), CompareError> {
    let Some(asked) = asked else { return Ok(()) };
    let mut known: Vec<String> = Vec::new();
    for name in studies.iter().flat_map(|study| study.metrics(None)) {
        if !known.contains(&name) {
            known.push(name);
        }
    }
    if known.iter().any(|name| name == asked) {
        return Ok(());
    }
    let names: Vec<&str> = known.iter().map(String::as_str).collect();
    Err(CompareError::UnknownMetric {
        metric: asked.to_owned(),
        metrics: crate::kinds::list(&names),
    })
}

pub use crate::text::{counted, enumerated};

#[cfg(test)]
mod tests;
