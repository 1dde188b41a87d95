//! What may decide a comparison beside what it is about: one learning rate for all, losses of two
//! modes, statistics that lag, unlike machines, a rule made to fit.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::experiment::{Experiment, Observation};
use super::label;
use super::running_statistics::{self, model};
use super::tuning;
use super::warning::{Aspect, Mixed, Warning, WarningKind};
use crate::config::{is_within, without_rule};
use crate::results::{FullRun, Provenance};

/// The key of the learning rate.
pub(crate) const RATE: &str = "training.optimizer.lr";

/// The table of the norm.
const NORM: &str = "model.norm";

/// The key by which hidden layers start from data.
const DATA_DEPENDENT: &str = "model.init.data_dependent";

/// How long a training is changes nothing about the rate that suits it.
const EPOCHS: &str = "training.epochs";

/// Rules that hold `val_loss` against a loss of the training rows.
const AGAINST_TRAINING: [&str; 2] = ["gap", "correlation"];

/// What is recorded of where a training ran.
type OfProvenance = fn(&Provenance) -> BTreeSet<&str>;

/// What makes an experiment less than fair.
pub(super) fn warnings(experiment: &Experiment, metric: &str) -> Vec<Warning> {
    let mut found: Vec<WarningKind> = Vec::new();
    found.extend(one_rate(experiment));
    found.extend(unlike_starts(experiment));
    found.extend(tuning::warnings(&experiment.tuned));
    found.extend(training_mode_metric(experiment, metric));
    found.extend(rule_on_training_mode(experiment));
    found.extend(running_statistics::warnings(experiment));
    found.extend(still_improving(experiment));
    found.extend(unlike_machines(experiment));
    found.extend(exploratory(experiment));
    if let Some(plan) = experiment.sequential {
        found.push(WarningKind::Sequential { looks: plan.looks.clone() });
    }
    if !experiment.looked_at.is_empty() {
        found.push(WarningKind::LookedAt { seeds: experiment.looked_at.clone() });
    }
    found.into_iter().map(|kind| Warning::of(&experiment.name, kind)).collect()
}

/// The first factor with several levels of which this holds.
fn varied<'e>(experiment: &'e Experiment, holds: impl Fn(&str) -> bool) -> Option<&'e str> {
    let mut several = experiment.factors.iter().filter(|factor| factor.levels.len() > 1);
    several.find(|factor| holds(&factor.key)).map(|factor| factor.key.as_str())
}

/// Whether another learning rate may suit each level of a key: of all that is trained and how.
pub(crate) fn needs_own_rate(key: &str) -> bool {
    let is_treatment = is_within(key, "model") || is_within(key, "training");
    is_treatment && key != RATE && key != EPOCHS
}

fn one_rate(experiment: &Experiment) -> Option<WarningKind> {
    let tuned = experiment.tuned.iter().any(|tuned| tuned.values.contains_key(RATE));
    let is_factor = experiment.factors.iter().any(|factor| factor.key == RATE);
    let factor = varied(experiment, needs_own_rate).filter(|_| !tuned && !is_factor)?;
    let rate = |observation: &'_ Observation| -> Option<Value> {
        let optimizer = observation.run.config.get("training")?.get("optimizer")?;
        optimizer.get("lr").filter(|rate| rate.is_number()).cloned()
    };
    let mut rates = experiment.observations().map(rate);
    let rate = rates.next().flatten()?;
    let is_one = rates.all(|other| other.as_ref() == Some(&rate));
    is_one.then(|| WarningKind::OneLearningRate { factor: factor.to_owned(), rate })
}

/// Some arms that start from data and some that do not, where the norm is a factor and the start is none.
fn unlike_starts(experiment: &Experiment) -> Option<WarningKind> {
    let is_of_norm = |key: &str| is_within(key, NORM) || is_within(NORM, key);
    let factor = varied(experiment, is_of_norm)?;
    let (mut from_data, mut all_do) = (Vec::new(), true);
    for arm in &experiment.arms {
        let Some(observation) = arm.observations.values().next() else { continue };
        if model(observation.run)?.starts_from_data() {
            let factors = without_rule(&arm.factors);
            if !from_data.contains(&factors) {
                from_data.push(factors);
            }
        } else {
            all_do = false;
        }
    }
    let is_meant = varied(experiment, |key| is_within(DATA_DEPENDENT, key)).is_some();
    let is_told = !from_data.is_empty() && !all_do && !is_meant;
    is_told.then(|| WarningKind::UnlikeStarts { factor: factor.to_owned(), arms: from_data })
}

fn training_mode_metric(experiment: &Experiment, metric: &str) -> Option<WarningKind> {
    let factor = varied(experiment, |key| is_within(key, "model"))?;
    let factor = factor.to_owned();
    (metric == "train_loss").then_some(WarningKind::TrainingModeMetric { factor })
}

fn rule_on_training_mode(experiment: &Experiment) -> Option<WarningKind> {
    let unevaluated = |observation: &&Observation| {
        let evaluation = observation.run.config.get("evaluation");
        evaluation.and_then(|table| table.get("train")) == Some(&Value::Bool(false))
    };
    let mut rules = experiment.observations().filter(unevaluated);
    let rule = rules.find_map(|observation| against_training(&observation.arm.rule))?;
    Some(WarningKind::RuleOnTrainingMode { rule: rule.to_owned() })
}

/// The kind of a rule, or of one within it, that looks at a loss of the training rows.
fn against_training(rule: &Map<String, Value>) -> Option<&str> {
    let own = rule.get("kind").and_then(Value::as_str);
    let own = own.filter(|kind| AGAINST_TRAINING.contains(kind));
    own.or_else(|| {
        let mut within = rule.get("rules")?.as_array()?.iter();
        within.find_map(|rule| against_training(rule.as_object()?))
    })
}

/// Arms that mostly ended at their best epoch. Where the learning rate falls to the end, that is as it should be.
fn still_improving(experiment: &Experiment) -> Option<WarningKind> {
    let falls = |observation: &Observation| {
        let schedule =
            observation.run.config.get("training").and_then(|table| table.get("schedule"));
        let kind = schedule.and_then(|table| table.get("kind")).and_then(Value::as_str);
        kind.is_some_and(|kind| kind != "constant")
    };
    let (mut arms, mut most) = (Vec::new(), 0);
    for arm in &experiment.arms {
        let full = arm.observations.values().filter(|one| !falls(one) && !one.has_diverged());
        let full: Vec<&FullRun> = full.filter_map(|one| one.arm.full_run.as_ref()).collect();
        let at_the_end = full.iter().filter(|full| full.best_epoch == full.epochs).count();
        let factors = without_rule(&arm.factors);
        if 2 * at_the_end > full.len() && !arms.contains(&factors) {
            most = full.iter().map(|full| full.epochs).max().unwrap_or(0).max(most);
            arms.push(factors);
        }
    }
    let is_foreign = experiment.foreign.is_some();
    (!arms.is_empty()).then_some(WarningKind::StillImproving { arms, epochs: most, is_foreign })
}

fn unlike_machines(experiment: &Experiment) -> Option<WarningKind> {
    let aspects: [(Aspect, OfProvenance); 4] = [
        (Aspect::Device, |p| BTreeSet::from([p.device.as_str()])),
        (Aspect::Version, |p| BTreeSet::from([p.version.as_str()])),
        (Aspect::Engine, Provenance::engines),
        (Aspect::InstructionSet, Provenance::instruction_sets),
    ];
    let mut mixed = Vec::new();
    for (aspect, of) in aspects {
        let mut values = BTreeSet::new();
        values.extend(experiment.observations().flat_map(|one| of(&one.run.provenance)));
        values.remove("");
        if values.len() > 1 {
            mixed.push(Mixed { aspect, values: values.into_iter().map(str::to_owned).collect() });
        }
    }
    (!mixed.is_empty()).then_some(WarningKind::MixedMachines(mixed))
}

fn exploratory(experiment: &Experiment) -> Option<WarningKind> {
    let exploratory = experiment
        .arms
        .iter()
        .filter(|arm| arm.observations.values().any(|one| one.arm.exploratory));
    let tables: Vec<&Map<String, Value>> = exploratory.map(|arm| arm.rule).collect();
    let mut rules: Vec<String> = Vec::new();
    for name in label::of_rules(&tables) {
        if !rules.contains(&name) {
            rules.push(name);
        }
    }
    (!rules.is_empty()).then_some(WarningKind::ExploratoryRules { rules })
}
