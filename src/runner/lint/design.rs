//! What the arms can show: arms that cannot differ, too few seeds, one learning rate for all.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::finding::{Findings, Level};
use crate::compare::{RATE, needs_own_rate};
use crate::config::training::Schedule;
use crate::config::{Arm, Experiment, Factor, Tune, is_of_rule, is_within};
use crate::runner::PreparedTraining;
use crate::stats::{PAIRS_FOR_INTERVAL, PAIRS_FOR_P};
use crate::text::quoted;
use crate::train::batches::ranges;

/// Keys of a model that say nothing where it has no hidden layer.
const OF_HIDDEN_LAYERS: [&str; 3] = ["model.norm", "model.activation", "model.dropout"];

/// Arms of one training that read it alike whatever comes out.
pub(super) fn equal_arms(training: &PreparedTraining, findings: &mut Findings) {
    let epochs = training.config.training.epochs;
    let mut seen: Vec<(Value, &Arm)> = Vec::new();
    for arm in &training.arms {
        let acts = acts_as(arm, epochs);
        if let Some((_, earlier)) = seen.iter().find(|(other, _)| *other == acts) {
            let message = format!(
                "this arm can never differ from {}: both rules read every training alike",
                in_words(earlier)
            );
            findings.of_arm(Level::Warning, arm, "early_stopping", message, "");
        }
        seen.push((acts, arm));
    }
}

/// A rule as far as it can make a difference within these epochs.
fn acts_as(arm: &Arm, epochs: usize) -> Value {
    let rule = &arm.rule;
    let criterion = if rule.criterion.inner().earliest() > epochs {
        json!("none")
    } else {
        let mut table = json!(rule.criterion);
        if let Some(patience) = table.get("patience").and_then(Value::as_u64) {
            table["patience"] = patience.max(1).into();
        }
        if table.get("min_delta").and_then(Value::as_f64) == Some(0.0) {
            table["min_delta_mode"] = Value::Null;
        }
        table
    };
    json!([criterion, rule.monitored.column, rule.monitored.maximize, rule.restore_best])
}

/// Trainings that go alike whatever comes out: they were told apart by keys that change nothing.
pub(super) fn equal_trainings(
    _: &Experiment,
    trainings: &[PreparedTraining],
    findings: &mut Findings,
) {
    let mut seen: HashMap<String, &PreparedTraining> = HashMap::new();
    for training in trainings {
        let trains = trains_as(training, trainings).to_string();
        let Some(earlier) = seen.get(&trains).copied() else {
            seen.insert(trains, training);
            continue;
        };
        if let Some((arm, earlier)) = training.arms.first().zip(earlier.arms.first()) {
            let differs =
                |key: &&String| !is_of_rule(key) && arm.factors[*key] != earlier.factors[*key];
            let keys: Vec<&str> = arm.factors.keys().filter(differs).map(String::as_str).collect();
            let message = format!(
                "{} changes nothing here: this arm can never differ from {}",
                quoted(&keys),
                in_words(earlier)
            );
            let key = keys.last().copied().unwrap_or("matrix");
            findings.of_arm(Level::Warning, arm, key, message, "leave the level out");
        }
    }
}

/// A training as far as its keys can make a difference; data counts by what it comes to.
fn trains_as(training: &PreparedTraining, trainings: &[PreparedTraining]) -> Value {
    let mut config = json!(training.config);
    let optimizer = &mut config["training"]["optimizer"];
    // They part where weight decay goes.
    if optimizer["kind"] == "adamw" && optimizer["weight_decay"] == 0.0 {
        optimizer["kind"] = "adam".into();
    }
    let settings = &training.config.training;
    let schedule = &settings.schedule;
    if let Schedule::Step(step) = &schedule.schedule
        && schedule.warmup_epochs.saturating_add(step.every) >= settings.epochs
    {
        let warmup_epochs = schedule.warmup_epochs;
        config["training"]["schedule"] =
            json!({ "kind": "constant", "warmup_epochs": warmup_epochs });
    }
    let batches = ranges(training.data.splits.train.len(), settings.batch_size);
    let largest = batches.iter().map(ExactSizeIterator::len).max().unwrap_or(0);
    if let Some(same) = training.config.model.norm_same_as(largest) {
        config["model"]["norm"] = same;
    }
    let same = |other: &PreparedTraining| {
        let (a, b) = (&other.data, &training.data);
        Arc::ptr_eq(a, b)
            || a.digest == b.digest && a.splits == b.splits && a.preprocessing == b.preprocessing
    };
    config["data"] = json!(trainings.iter().position(same));
    config
}

fn in_words(arm: &Arm) -> String {
    let levels: Vec<String> =
        arm.factors.iter().map(|(key, level)| format!("{key} = {level}")).collect();
    levels.join(", ")
}

/// A factor of the hidden layers where a model has none.
pub(super) fn no_hidden_layer(
    experiment: &Experiment,
    trainings: &[PreparedTraining],
    findings: &mut Findings,
) {
    let is_varied =
        |factor: &&Factor| OF_HIDDEN_LAYERS.iter().any(|table| is_within(&factor.key, table));
    // A norm of the inputs is there all the same.
    let has_norm = trainings.iter().any(|of| of.config.model.input_norm().is_some());
    let counts = |factor: &&Factor| !(has_norm && is_within(&factor.key, "model.norm"));
    let linear = |training: &&PreparedTraining| training.config.model.hidden.is_empty();
    if let (Some(factor), Some(training)) =
        (experiment.factors.iter().filter(is_varied).find(counts), trainings.iter().find(linear))
    {
        let message = format!(
            "the model has no hidden layer, so `{}` makes no difference: these arms cannot differ",
            factor.key
        );
        findings.of_training(
            Level::Warning,
            training,
            "model.hidden",
            message,
            "give it hidden layers",
        );
        return;
    }
    let stands_nowhere = |training: &&PreparedTraining| {
        let model = &training.config.model;
        model.norm.settings().is_some() && model.norm_in_use().is_none()
    };
    if let Some(training) = trainings.iter().find(stands_nowhere) {
        let message = format!(
            "the norm `{}` stands in hidden layers, and the model has none",
            training.config.model.norm.kind()
        );
        let help = "give it hidden layers, or put the norm on the inputs with `at`";
        findings.of_training(Level::Warning, training, "model.norm.kind", message, help);
    }
}

/// Arms of which some start from data and some do not, where that is not what is varied.
pub(super) fn unlike_starts(
    experiment: &Experiment,
    trainings: &[PreparedTraining],
    findings: &mut Findings,
) {
    const KEY: &str = "model.init.data_dependent";
    let starts = |from_data: bool| {
        trainings.iter().find(|training| training.config.model.starts_from_data() == from_data)
    };
    let is_varied = |factor: &Factor| is_within(KEY, &factor.key);
    let (Some(from_data), Some(_)) = (starts(true), starts(false)) else { return };
    if experiment.factors.iter().any(is_varied) {
        return;
    }
    let message = format!(
        "the norm `{}` starts from data and other arms do not: what tells them apart may be the start",
        from_data.config.model.norm.kind()
    );
    let help = "let all arms start alike: model.init.data_dependent = true";
    findings.of_all(Level::Warning, KEY, message, help);
}

/// That not all trainings of a seed were looked at.
pub(super) fn looked_at(experiment: &Experiment, count: usize, findings: &mut Findings) {
    let all = experiment.trainings.of_one_seed();
    if count < all {
        let message = format!(
            "a seed has {all} trainings, of which {count} were looked at for warnings such as these: those in which \
             one key has another than its first level, and others evenly spread"
        );
        findings.of_all(Level::Note, "matrix", message, "");
    }
}

/// Too few seeds for an interval or a p-value.
pub(super) fn few_seeds(experiment: &Experiment, _: &[PreparedTraining], findings: &mut Findings) {
    let seeds = experiment.trainings.seeds();
    if experiment.factors.is_empty() || seeds.len() >= PAIRS_FOR_P {
        return;
    }
    let lacks = if seeds.len() < PAIRS_FOR_INTERVAL { "no interval and " } else { "" };
    let message = format!("{} seeds give {lacks}no p-value", seeds.len())
        .replace("1 seeds give", "1 seed gives");
    let help = format!("take {PAIRS_FOR_P} or more: --seeds 10");
    findings.of_all(Level::Note, "seed", message, &help);
}

/// Arms that differ in what a learning rate suits, at one rate that nobody tunes.
pub(super) fn one_rate(
    experiment: &Experiment,
    trainings: &[PreparedTraining],
    findings: &mut Findings,
) {
    let is_several = |factor: &&Factor| factor.levels.len() > 1 && needs_own_rate(&factor.key);
    let Some(factor) = experiment.factors.iter().find(is_several) else { return };
    let is_tuned = |tune: &Tune| tune.keys().any(|key| RATE.starts_with(key));
    let mut rates = trainings.iter().map(|training| training.config.training.optimizer.lr());
    let first = rates.next();
    if experiment.tune.as_ref().is_some_and(is_tuned) || rates.any(|rate| Some(rate) != first) {
        return;
    }
    let message = format!(
        "all levels of `{}` train at one learning rate, which may suit one of them better than the others",
        factor.key
    );
    findings.of_all(
        Level::Note,
        RATE,
        message,
        "choose one per arm: [tune] \"training.optimizer.lr\" = [1e-4, 1e-3, 1e-2, 1e-1]; or vary it in [matrix]",
    );
}
