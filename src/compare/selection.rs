//! Which experiments are compared: what belongs together, how each is called, which arms are asked
//! for.

use std::collections::HashMap;
use std::path::Path;

use super::experiment::{Experiment, of_experiment};
use super::label::text;
use super::merge::merge;
use super::options::{CompareError, Filter};
use super::warning::Warning;
use super::warnings::of_files;
use crate::config::Factor;
use crate::results::LoadedExperiment;

/// The experiments with something to show, of the arms that filters leave, and what was odd on the way.
///
/// # Errors
/// Where nothing has ended, or a filter names what is not there.
pub(super) fn select<'a>(
    loaded: &'a [LoadedExperiment],
    filters: &[Filter],
) -> Result<(Vec<Experiment<'a>>, Vec<Warning>), CompareError> {
    let (mut experiments, warnings) = grouped(loaded);
    filter(&mut experiments, filters)?;
    experiments.retain(Experiment::has_observations);
    if experiments.is_empty() {
        return Err(CompareError::NothingDone(of_files(loaded, &names(loaded))));
    }
    Ok((experiments, warnings))
}

/// The experiments as they are compared, plain ones of the same data as one, and what was odd on the
/// way.
pub(super) fn grouped(loaded: &[LoadedExperiment]) -> (Vec<Experiment<'_>>, Vec<Warning>) {
    let names = names(loaded);
    let mut warnings = Vec::new();
    let mut order: Vec<&LoadedExperiment> = loaded.iter().collect();
    order.sort_by(|a, b| (&a.plan.name, &a.path).cmp(&(&b.plan.name, &b.path)));
    let mut experiments = Vec::new();
    let mut plain: Vec<(&str, Vec<&LoadedExperiment>)> = Vec::new();
    for experiment in order {
        let key = experiment.plan.comparable.as_str();
        if !experiment.plan.factors.is_empty() || key.is_empty() {
            experiments.push(of_experiment(experiment, &names, &mut warnings));
        } else if let Some((_, group)) = plain.iter_mut().find(|(k, _)| *k == key) {
            group.push(experiment);
        } else {
            plain.push((key, vec![experiment]));
        }
    }
    for (_, group) in plain {
        match merge(&group, &names, &mut warnings) {
            Some(experiment) => experiments.push(experiment),
            None => experiments
                .extend(group.iter().map(|one| of_experiment(one, &names, &mut warnings))),
        }
    }
    for experiment in &mut experiments {
        experiment.tidy();
    }
    (experiments, warnings)
}

/// What each experiment is called: its name, its path where another has the same name.
pub(super) fn names(experiments: &[LoadedExperiment]) -> HashMap<&Path, String> {
    let mut count: HashMap<&str, usize> = HashMap::new();
    for experiment in experiments {
        *count.entry(experiment.plan.name.as_str()).or_default() += 1;
    }
    experiments
        .iter()
        .map(|experiment| {
            let name = experiment.plan.name.as_str();
            let unique = count.get(name) == Some(&1);
            let name = if unique { name.into() } else { experiment.path.to_string_lossy() };
            (experiment.path.as_path(), name.into_owned())
        })
        .collect()
}

/// Leaves the arms that have the levels asked for.
pub(super) fn filter(
    experiments: &mut Vec<Experiment>,
    filters: &[Filter],
) -> Result<(), CompareError> {
    for filter in filters {
        let factors = || {
            experiments
                .iter()
                .flat_map(|experiment| &experiment.factors)
                .filter(|f| f.key == filter.key)
        };
        if factors().next().is_none() {
            let known: Vec<String> = experiments
                .iter()
                .flat_map(|experiment| &experiment.factors)
                .map(describe)
                .collect();
            return Err(CompareError::UnknownFactor {
                key: filter.key.clone(),
                factors: (!known.is_empty()).then(|| known.join("; ")),
            });
        }
        if !experiments.iter().flat_map(|experiment| &experiment.arms).any(|arm| arm.is_at(filter))
        {
            let mut levels: Vec<String> = Vec::new();
            for level in factors().flat_map(|factor| factor.levels.iter().map(text)) {
                if !levels.contains(&level) {
                    levels.push(level);
                }
            }
            return Err(CompareError::UnknownLevel {
                key: filter.key.clone(),
                value: text(&filter.level),
                levels: levels.join(", "),
            });
        }
        for experiment in experiments.iter_mut() {
            experiment.arms.retain(|arm| arm.is_at(filter));
            let tuned = std::mem::take(&mut experiment.tuned);
            experiment.tuned = tuned.into_iter().filter(|tuned| experiment.has(tuned)).collect();
            experiment.tidy();
        }
        experiments.retain(|experiment| !experiment.arms.is_empty());
    }
    if experiments.is_empty() && !filters.is_empty() { Err(CompareError::NoArm) } else { Ok(()) }
}

fn describe(factor: &Factor) -> String {
    let levels: Vec<String> = factor.levels.iter().map(text).collect();
    format!("`{}` ({})", factor.key, levels.join(", "))
}
