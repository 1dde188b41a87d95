//! Results side by side: records in, arms, contrasts, savings, warnings and conclusions out.

use super::across::{AcrossDataSets, across};
use super::arms::{ArmSummary, references, summaries};
use super::conclusion::{Conclusion, Finding};
use super::contrast::Contrast;
use super::contrasts::contrasts;
use super::experiment::Experiment;
use super::gate::GateResult;
use super::mean_curves::MeanCurve;
use super::metric::CONTRASTED;
use super::options::{CompareError, Options};
use super::savings::{Saving, savings};
use super::selection::{names, select};
use super::speed::Speed;
use super::summary::{DataSummary, ExperimentSummary};
use super::verdict::Drawn;
use super::warning::Warning;
use super::{confounders, tuning, warnings};
use crate::results::LoadedExperiment;
use crate::text::quoted;

/// Results side by side.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Every choice of levels, in the order of the matrix.
    pub arms: Vec<ArmSummary>,
    /// What arms may be held against without being one.
    pub references: Vec<ArmSummary>,
    /// What a change of level changes, the primary metric first.
    pub contrasts: Vec<Contrast>,
    /// What each rule saved and cost.
    pub early_stopping: Vec<Saving>,
    /// Arms that several data sets have in common, by their ranks.
    pub data_sets: Vec<AcrossDataSets>,
    /// How soon trainings reach a target, where one is asked for.
    pub speed: Vec<Speed>,
    /// Limits that the results have to keep, where there are any.
    pub gates: Vec<GateResult>,
    /// What limits the conclusions.
    pub warnings: Vec<Warning>,
    /// The conclusions.
    pub conclusions: Vec<Conclusion>,
    /// What was compared.
    pub experiments: Vec<ExperimentSummary>,
    /// Curves over the seeds of each arm, where they were read.
    pub curves: Vec<MeanCurve>,
}

/// Compares experiments.
///
/// # Errors
/// Where nothing has ended, or an option names what is not there.
pub fn compare(loaded: &[LoadedExperiment], options: &Options) -> Result<Comparison, CompareError> {
    let (mut experiments, mut odd) = select(loaded, &options.filters)?;
    for experiment in &mut experiments {
        experiment.pairing = options.pairing;
    }
    check_metric(&experiments, options.metric.as_deref())?;

    let mut comparison = Comparison {
        arms: Vec::new(),
        references: Vec::new(),
        contrasts: Vec::new(),
        early_stopping: Vec::new(),
        data_sets: Vec::new(),
        speed: Vec::new(),
        gates: Vec::new(),
        warnings: warnings::of_files(loaded, &names(loaded)),
        conclusions: Vec::new(),
        experiments: Vec::new(),
        curves: Vec::new(),
    };
    comparison.warnings.append(&mut odd);
    let mut ranked = Vec::new();
    for experiment in &experiments {
        if let Some(metric) = comparison.add(experiment, options) {
            ranked.push((experiment, options.metric.clone().unwrap_or(metric)));
        }
    }
    let ranked: Vec<_> = ranked.iter().map(|(one, metric)| (*one, metric.as_str())).collect();
    comparison.data_sets = across(&ranked);
    let ranks = comparison.data_sets.iter().cloned().map(Finding::Ranks);
    comparison.conclusions.extend(ranks.map(|finding| Conclusion { experiment: None, finding }));
    Ok(comparison)
}

impl Comparison {
    /// Whether differences of an experiment are between samples, rather than within seeds.
    #[must_use]
    pub fn is_unpaired(&self, experiment: &str) -> bool {
        let mut own = self.contrasts.iter().filter(|one| one.experiment == experiment);
        own.any(|one| one.samples.is_some())
    }

    /// Adds an experiment and gives its primary metric; nothing where it has none.
    fn add(&mut self, experiment: &Experiment, options: &Options) -> Option<String> {
        let mut metrics = experiment.metrics(options.metric.as_deref());
        metrics.retain(|metric| !options.leaves_out(metric));
        let primary = metrics.first()?.clone();
        let summary = ExperimentSummary {
            name: experiment.name.clone(),
            metric: primary.clone(),
            data: experiment.observations().next().and_then(|first| DataSummary::of(first.run)),
            factors: experiment.factors.clone(),
            maximize: experiment.direction(&primary).maximize,
            split_per_seed: experiment.split_per_seed,
            kept: experiment.foreign.map(|foreign| foreign.kept.clone()),
            tuning: experiment.tuned.clone(),
        };
        let (mut arms, mut references) = (summaries(experiment), references(experiment));
        for arm in arms.iter_mut().chain(&mut references) {
            arm.metrics.0.retain(|(metric, _)| !options.leaves_out(metric));
        }
        metrics.retain(|metric| *metric == primary || CONTRASTED.contains(&metric.as_str()));
        let contrasts = contrasts(experiment, &metrics, options);
        let mut savings = savings(experiment);
        if options.no_clocks {
            savings.iter_mut().for_each(Saving::forget_clocks);
        }
        self.warnings.extend(warnings::of_figures(&summary, &arms, &contrasts));
        self.warnings.extend(confounders::warnings(experiment, &primary));
        let drawn = Drawn {
            experiment,
            summary: &summary,
            arms: &arms,
            contrasts: &contrasts,
            savings: &savings,
            options,
        };
        let mut findings = drawn.findings();
        findings.extend(tuning::findings(&experiment.tuned));
        let name = || Some(summary.name.clone());
        let conclusions = findings.into_iter();
        self.conclusions
            .extend(conclusions.map(|finding| Conclusion { experiment: name(), finding }));
        self.arms.append(&mut arms);
        self.references.append(&mut references);
        self.contrasts.extend(contrasts.all);
        self.early_stopping.append(&mut savings);
        self.experiments.push(summary);
        Some(primary)
    }
}

fn check_metric(experiments: &[Experiment], asked: Option<&str>) -> Result<(), CompareError> {
    let Some(asked) = asked else { return Ok(()) };
    let mut known: Vec<String> = Vec::new();
    for name in experiments.iter().flat_map(|experiment| experiment.metrics(None)) {
        if !known.contains(&name) {
            known.push(name);
        }
    }
    if known.iter().any(|name| name == asked) {
        return Ok(());
    }
    let names: Vec<&str> = known.iter().map(String::as_str).collect();
    Err(CompareError::UnknownMetric { metric: asked.to_owned(), metrics: quoted(&names) })
}
