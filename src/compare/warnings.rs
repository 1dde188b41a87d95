//! What limits the conclusions: trainings that are not there, seeds that do not pair, one split.

use std::collections::HashMap;
use std::path::Path;

use serde_json::Value;

use super::arms::ArmSummary;
use super::contrast::{Contrast, ContrastKind};
use super::contrasts::Contrasts;
use super::summary::ExperimentSummary;
use super::warning::{Warning, WarningKind};
use crate::results::LoadedExperiment;
use crate::stats::PAIRS_FOR_P;

/// What is wrong with the files of experiments, which are called by these names.
pub(super) fn of_files(
    experiments: &[LoadedExperiment],
    names: &HashMap<&Path, String>,
) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for experiment in experiments {
        let name = names.get(experiment.path.as_path()).unwrap_or(&experiment.plan.name);
        let planned = experiment.plan.trainings.len();
        let of_file =
            |text: &String| Warning { experiment: None, kind: WarningKind::File(text.clone()) };
        warnings.extend(experiment.warnings.iter().map(of_file));
        let mut push = |kind| warnings.push(Warning::of(name, kind));
        of_data(experiment).into_iter().for_each(&mut push);
        if experiment.plan.tuning.as_ref().is_some_and(|tuning| !tuning.is_settled()) {
            push(WarningKind::TuningUnfinished);
        }
        if !experiment.missing.is_empty() {
            let trainings = experiment.missing.iter().map(|run| run.dir.clone()).collect();
            push(WarningKind::Missing { planned, trainings });
        }
        if !experiment.failed.is_empty() {
            push(WarningKind::Failed { planned, trainings: experiment.failed.clone() });
        }
        if !experiment.left_out.is_empty() {
            push(WarningKind::NoLongerNamed(experiment.left_out.clone()));
        }
    }
    warnings
}

/// The doubts about its data that trainings recorded: of each kind the first.
fn of_data(experiment: &LoadedExperiment) -> Vec<WarningKind> {
    let (mut kinds, mut found) = (Vec::new(), Vec::new());
    let recorded = experiment.runs.iter().filter_map(|run| run.record.data.get("warnings"));
    for warning in recorded.filter_map(Value::as_array).flatten() {
        let text = |key: &str| warning.get(key).and_then(Value::as_str).unwrap_or("");
        if !kinds.contains(&text("kind")) {
            kinds.push(text("kind"));
            let parts = [text("message"), text("advice")];
            let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
            found.push(WarningKind::Data(parts.join("; ")));
        }
    }
    found
}

/// What limits the figures of one experiment.
pub(super) fn of_figures(
    experiment: &ExperimentSummary,
    arms: &[ArmSummary],
    contrasts: &Contrasts,
) -> Vec<Warning> {
    let mut kinds = disagreements(experiment, contrasts);
    for arm in arms.iter().filter(|arm| arm.diverged > 0) {
        let (arm, diverged, n) = (arm.factors.clone(), arm.diverged, arm.n);
        kinds.push(WarningKind::Diverged { arm, diverged, n });
    }
    if contrasts.p_left_out {
        kinds.push(WarningKind::PValuesLeftOut { metric: experiment.metric.clone() });
    }
    let compared = contrasts.primary.iter().map(|of| &contrasts.all[of.compared]);
    let main: Vec<&Contrast> =
        compared.filter(|contrast| contrast.kind == ContrastKind::Main).collect();
    kinds.extend(not_shared(&main));
    kinds.extend(unpaired(&main));
    if let Some(pairs) = main.iter().map(|contrast| contrast.n).min() {
        if pairs < PAIRS_FOR_P {
            let unpaired = main.iter().any(|contrast| contrast.samples.is_some());
            kinds.push(WarningKind::FewPairs { pairs, unpaired });
        }
        if experiment.split_per_seed == Some(false) {
            kinds.push(WarningKind::OneSplit);
        }
    }
    kinds.into_iter().map(|kind| Warning::of(&experiment.name, kind)).collect()
}

/// Metrics that are clear with opposite signs: losses of two splits, or a loss and the accuracy.
fn disagreements(experiment: &ExperimentSummary, contrasts: &Contrasts) -> Vec<WarningKind> {
    let mut kinds = Vec::new();
    let primary = &experiment.metric;
    let main = |contrast: &&Contrast| {
        contrast.kind == ContrastKind::Main && contrast.is_clear() && contrast.n >= PAIRS_FOR_P
    };
    let direction =
        |contrast: &Contrast| contrast.direction().better(contrast.estimate.unwrap_or(0.0), 0.0);
    let clear: Vec<&Contrast> = contrasts.all.iter().filter(main).collect();
    for contrast in clear.iter().filter(|contrast| contrast.metric == *primary) {
        let other = clear.iter().find(|other| {
            let is_same = other.name == contrast.name && other.levels == contrast.levels;
            let is_quality = ["test_", "val_"].iter().any(|part| other.metric.starts_with(part));
            is_same && is_quality && direction(other) != direction(contrast)
        });
        let Some(other) = other else { continue };
        let metrics = [contrast.metric.clone(), other.metric.clone()];
        let [better, worse] = if direction(contrast) {
            metrics
        } else {
            let [first, second] = metrics;
            [second, first]
        };
        kinds.push(WarningKind::MetricsDisagree {
            factor: contrast.name.clone(),
            levels: contrast.levels.clone(),
            better,
            worse,
        });
    }
    kinds
}

/// Seeds that arms do not share.
fn not_shared(main: &[&Contrast]) -> Vec<WarningKind> {
    let lacks = main.iter().filter(|contrast| contrast.not_shared.iter().any(|of| !of.is_empty()));
    lacks
        .map(|contrast| WarningKind::NotShared {
            factor: contrast.name.clone(),
            levels: contrast.levels.clone(),
            only_first: contrast.not_shared[0].clone(),
            only_second: contrast.not_shared[1].clone(),
            shared: contrast.pairs() + contrast.unpaired,
        })
        .collect()
}

/// Seeds that do not pair; levels that miss as many of them against the same one together.
fn unpaired(main: &[&Contrast]) -> Vec<WarningKind> {
    let mut groups: Vec<(&Contrast, Vec<&Contrast>)> = Vec::new();
    for contrast in main.iter().filter(|contrast| contrast.unpaired > 0) {
        let of = |one: &Contrast| (one.name.clone(), one.levels[0].clone(), one.unpaired, one.n);
        match groups.iter_mut().find(|(first, _)| of(first) == of(contrast)) {
            Some((_, group)) => group.push(contrast),
            None => groups.push((contrast, vec![contrast])),
        }
    }
    let of_group = |(first, group): (&Contrast, Vec<&Contrast>)| WarningKind::Unpaired {
        factor: first.name.clone(),
        levels: group.iter().map(|contrast| contrast.levels[1].clone()).collect(),
        reference: first.levels[0].clone(),
        unpaired: first.unpaired,
        n: first.n,
        metric: first.metric.clone(),
    };
    groups.into_iter().map(of_group).collect()
}
