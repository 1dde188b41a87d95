//! What limits the conclusions: trainings that are not there, seeds that do not pair, one split.

use super::contrasts::Contrasts;
use super::label::text;
use super::study::names;
use super::{ArmSummary, Contrast, ContrastKind, ExperimentSummary, counted};
use crate::results::LoadedExperiment;
use crate::stats::{PAIRS_FOR_INTERVAL, PAIRS_FOR_P};

/// Most names in a warning; the rest is counted.
const NAMED: usize = 3;

/// What is wrong with the files of experiments.
pub(super) fn of_files(experiments: &[LoadedExperiment]) -> Vec<String> {
    let names = names(experiments);
    let mut warnings = Vec::new();
    for experiment in experiments {
        let name = names.get(experiment.path.as_path()).unwrap_or(&experiment.plan.name);
        let all = experiment.plan.trainings.len();
        warnings.extend(experiment.warnings.iter().cloned());
        if experiment.plan.tuning.as_ref().is_some_and(|tuning| !tuning.is_settled()) {
            warnings.push(format!(
                "{name}: its tuning is not at its end, and no training begins before: run it again"
            ));
        }
        if !experiment.missing.is_empty() {
            let dirs: Vec<&str> = experiment.missing.iter().map(|run| run.dir.as_str()).collect();
            warnings.push(format!(
                "{name}: {} of {} {} missing: {}",
                dirs.len(),
                counted(all, "training"),
                are(dirs.len()),
                some_of(&dirs)
            ));
        }
        if !experiment.failed.is_empty() {
            let said: Vec<String> = experiment
                .failed
                .iter()
                .map(|run| format!("{} ({})", run.dir, run.error.lines().next().unwrap_or("")))
                .collect();
            let said: Vec<&str> = said.iter().map(String::as_str).collect();
            warnings.push(format!(
                "{name}: {} of {} failed: {}",
                said.len(),
                counted(all, "training"),
                some_of(&said)
            ));
        }
        if !experiment.left_out.is_empty() {
            let dirs: Vec<&str> = experiment.left_out.iter().map(String::as_str).collect();
            warnings.push(format!(
                "{name}: {} that the config no longer names {} left out: {}",
                counted(dirs.len(), "training"),
                are(dirs.len()),
                some_of(&dirs)
            ));
        }
    }
    warnings
}

/// What limits the figures of one study.
pub(super) fn of_figures(
    study: &ExperimentSummary,
    arms: &[ArmSummary],
    contrasts: &Contrasts,
) -> Vec<String> {
    let mut warnings = Vec::new();
    let name = &study.name;
    for arm in arms.iter().filter(|arm| arm.diverged > 0) {
        warnings.push(format!(
            "{name}: {} of {} of {} diverged",
            arm.diverged,
            counted(arm.n, "training"),
            arm_name(arm)
        ));
    }
    if contrasts.p_left_out {
        warnings.push(format!(
            "{name}: so many contrasts of so many seeds have p-values for {} alone: --metric asks \
             for those of another metric",
            study.metric
        ));
    }
    let told = || contrasts.told.iter().map(|told| &contrasts.all[told.place]);
    let primary = || told().filter(|contrast| contrast.kind == ContrastKind::Main);
    // Levels that miss as many seeds against the same one are said together.
    let mut missing: Vec<(&Contrast, Vec<String>)> = Vec::new();
    for contrast in primary().filter(|contrast| contrast.unpaired > 0) {
        let alike = |(other, _): &&mut (&Contrast, Vec<String>)| {
            let of =
                |one: &Contrast| (one.name.clone(), one.levels[0].clone(), one.unpaired, one.n);
            of(other) == of(contrast)
        };
        let level = text(&contrast.levels[1]);
        match missing.iter_mut().find(alike) {
            Some((_, levels)) => levels.push(level),
            None => missing.push((contrast, vec![level])),
        }
    }
    for (contrast, levels) in missing {
        let levels: Vec<&str> = levels.iter().map(String::as_str).collect();
        warnings.push(format!(
            "{name}: {} {} against {}: {} of {} {} left out, without a finite {} in every arm",
            contrast.name,
            some_of(&levels),
            text(&contrast.levels[0]),
            contrast.unpaired,
            counted(contrast.unpaired + contrast.n, "seed"),
            are(contrast.unpaired),
            contrast.metric
        ));
    }
    if let Some(fewest) = primary().map(|contrast| contrast.n).min() {
        if fewest < PAIRS_FOR_INTERVAL {
            warnings.push(format!(
                "{name}: {}: no interval below {PAIRS_FOR_INTERVAL}, no p-value below {PAIRS_FOR_P}",
                counted(fewest, "paired seed")
            ));
        } else if fewest < PAIRS_FOR_P {
            let pairs = counted(fewest, "paired seed");
            warnings.push(format!("{name}: {pairs}: no p-value below {PAIRS_FOR_P}"));
        }
        if !study.split_per_seed {
            warnings.push(format!(
                "{name}: all seeds share one split: the intervals are about initial values and \
                 batch order, not about other rows (data.split.seed = \"seed\" draws a split per \
                 seed)"
            ));
        }
    }
    warnings
}

/// `model.norm.kind=batch, early_stopping=none`.
pub(super) fn arm_name(arm: &ArmSummary) -> String {
    let levels: Vec<String> =
        arm.factors.iter().map(|(key, level)| format!("{key}={}", text(level))).collect();
    if levels.is_empty() { "the one arm".to_owned() } else { levels.join(", ") }
}

fn are(n: usize) -> &'static str {
    if n == 1 { "is" } else { "are" }
}

fn some_of(names: &[&str]) -> String {
    let shown = names.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
