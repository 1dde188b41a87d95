//! What may decide a comparison beside what it is about: one learning rate for all, losses of two
//! modes, unlike machines, a rule made to fit.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::study::{Reading, Study};
use super::{enumerated, label};
use crate::results::Provenance;
use crate::spec::is_within;

/// The key of the learning rate.
pub(crate) const RATE: &str = "training.optimizer.lr";

/// How long a training is changes nothing about the rate that suits it.
const EPOCHS: &str = "training.epochs";

/// Rules that hold `val_loss` against a loss of the training rows.
const AGAINST_TRAINING: [&str; 2] = ["gap", "correlation"];

/// What is told of where a training ran.
type OfProvenance = fn(&Provenance) -> BTreeSet<&str>;

/// What makes a study less than fair, a sentence each with what to do.
pub(super) fn warnings(study: &Study, metric: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    found.extend(one_rate(study));
    found.extend(super::tuning::doubts(&study.tuned));
    found.extend(two_modes(study, metric));
    found.extend(unlike_machines(study));
    found.extend(exploratory(study));
    found.into_iter().map(|text| format!("{}: {text}", study.name)).collect()
}

fn readings<'s>(study: &'s Study) -> impl Iterator<Item = &'s Reading<'s>> {
    study.cells.iter().flat_map(|cell| cell.readings.values())
}

/// The first factor with several levels of which this holds.
fn varied<'s>(study: &'s Study, holds: impl Fn(&str) -> bool) -> Option<&'s str> {
    let mut several = study.factors.iter().filter(|factor| factor.levels.len() > 1);
    several.find(|factor| holds(&factor.key)).map(|factor| factor.key.as_str())
}

/// Whether another learning rate may suit each level of a key: of all that is trained and how.
pub(crate) fn needs_own_rate(key: &str) -> bool {
    let is_treatment = is_within(key, "model") || is_within(key, "training");
    is_treatment && key != RATE && key != EPOCHS
}

fn one_rate(study: &Study) -> Option<String> {
    let tuned = study.tuned.iter().any(|tuned| tuned.values.contains_key(RATE));
    let is_factor = study.factors.iter().any(|factor| factor.key == RATE);
    let of = varied(study, needs_own_rate).filter(|_| !tuned && !is_factor)?;
    let rate = |reading: &'_ Reading| -> Option<Value> {
        let optimizer = reading.run.config.get("training")?.get("optimizer")?;
        optimizer.get("lr").filter(|rate| rate.is_number()).cloned()
    };
    let mut rates = readings(study).map(rate);
    let rate = rates.next().flatten()?;
    rates.all(|other| other.as_ref() == Some(&rate)).then(|| {
        format!(
            "the levels of {of} were compared at one learning rate, {rate}, that no one tuned and that \
             may suit one of them better: choose one per arm, [tune] \"{RATE}\" = [1e-4, 1e-3, 1e-2, \
             1e-1]"
        )
    })
}

fn two_modes(study: &Study, metric: &str) -> Vec<String> {
    let as_met = "train_loss as it was met in training, with dropout and the statistics of batches";
    let mut found = Vec::new();
    if metric == "train_loss"
        && let Some(key) = varied(study, |key| is_within(key, "model"))
    {
        found.push(format!(
            "the levels of {key} are compared by {as_met}, which differ among them: ask for --metric \
             train_loss_eval"
        ));
    }
    let unevaluated = |reading: &&Reading| {
        let evaluation = reading.run.config.get("evaluation");
        evaluation.and_then(|table| table.get("train")) == Some(&Value::Bool(false))
    };
    let mut rules = readings(study).filter(unevaluated);
    let rule = rules.find_map(|reading| against_training(&reading.arm.rule));
    found.extend(rule.map(|rule| {
        format!(
            "the rule {rule} held val_loss, which is in evaluation mode, against {as_met}: set \
             evaluation.train = true"
        )
    }));
    found
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

fn unlike_machines(study: &Study) -> Option<String> {
    let kinds: [(&str, OfProvenance); 4] = [
        ("devices", |p| BTreeSet::from([p.device.as_str()])),
        ("versions of bnes", |p| BTreeSet::from([p.version.as_str()])),
        ("engines", Provenance::engines),
        ("instruction sets", Provenance::instruction_sets),
    ];
    let mut mixed = Vec::new();
    for (what, of) in kinds {
        let mut values = BTreeSet::new();
        values.extend(readings(study).flat_map(|reading| of(&reading.run.provenance)));
        values.remove("");
        if values.len() > 1 {
            let values: Vec<&str> = values.into_iter().collect();
            mixed.push(format!("{what} ({})", values.join(", ")));
        }
    }
    (!mixed.is_empty()).then(|| {
        format!(
            "the trainings ran on several {}, which may be what arms differ by: train all of them on \
             one, with --fresh",
            enumerated(&mixed)
        )
    })
}

fn exploratory(study: &Study) -> Option<String> {
    let exploratory = study
        .cells
        .iter()
        .filter(|cell| cell.readings.values().any(|reading| reading.arm.exploratory));
    let rules: Vec<&Map<String, Value>> = exploratory.map(|cell| cell.rule).collect();
    let mut names: Vec<String> = Vec::new();
    for name in label::of_rules(&rules) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let (rule, was) = if names.len() == 1 { ("rule", "was") } else { ("rules", "were") };
    (!names.is_empty()).then(|| {
        format!(
            "the {rule} {} {was} added once the trainings were there to be seen, so what is said of \
             it is exploratory: confirm it on new seeds",
            enumerated(&names)
        )
    })
}
