//! Warnings and notes about an experiment, before anything is trained.
//!
//! Nothing here stops a run. A warning says that something will not do what it looks like, a note
//! what there is to know when reading the results. A new one is a function and a line in a list below; what needs to know the engine is called in [`lint`].

mod data;
mod design;
mod engine;
mod finding;
mod norm;
mod rules;
mod sizes;
mod statistics;
#[cfg(test)]
mod tests;

use super::compute::Compute;
use super::prepared_experiment::PreparedExperiment;
use super::prepared_training::PreparedTraining;
use crate::config::{Arm, Experiment};

pub use finding::{Finding, Findings, Level};

/// Trainings of a seed that are looked at, at most.
const LOOKED_AT: usize = 1000;

/// What looks at the trainings of a seed together.
const OF_EXPERIMENT: &[fn(&Experiment, &[PreparedTraining], &mut Findings)] = &[
    sizes::inside,
    design::equal_trainings,
    design::no_hidden_layer,
    design::few_seeds,
    design::unlike_starts,
    design::one_rate,
];

/// What looks at each training.
const OF_TRAINING: &[fn(&PreparedTraining, &mut Findings)] = &[
    sizes::batches,
    sizes::splits,
    sizes::classes,
    norm::remarks,
    norm::levels,
    statistics::lag,
    statistics::settings,
    arms,
    design::equal_arms,
];

/// What looks at each arm.
const OF_ARM: &[fn(&PreparedTraining, &Arm, &mut Findings)] =
    &[rules::criterion, rules::monitor, rules::evidence, rules::few_rows, statistics::early_rule];

/// Everything noticed, warnings first, each once however many trainings it concerns.
#[must_use]
pub fn lint(
    experiment: &Experiment,
    prepared: &PreparedExperiment,
    compute: &Compute,
) -> Vec<Finding> {
    let mut findings = Findings::new(experiment);
    let looked_at = prepared.sample(LOOKED_AT);
    for training in &looked_at {
        for lint in OF_TRAINING {
            lint(training, &mut findings);
        }
    }
    let lacking = looked_at.iter().filter_map(|one| Some((one, compute.lacks(one)?)));
    engine::stand_ins(lacking, &mut findings);
    data::doubts(prepared.of_each_dataset(), &mut findings);
    for lint in OF_EXPERIMENT {
        lint(experiment, &looked_at, &mut findings);
    }
    design::looked_at(experiment, looked_at.len(), &mut findings);
    findings.sorted()
}

fn arms(training: &PreparedTraining, findings: &mut Findings) {
    for arm in &training.arms {
        for lint in OF_ARM {
            lint(training, arm, findings);
        }
    }
}
