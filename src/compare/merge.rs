//! Plain experiments on the same data and split merged into one: what they differ in are the factors,
//! seeds aside.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use serde_json::{Map, Value};

use super::experiment::{Arm, Experiment, RULE, of_experiment};
use super::label;
use super::options::Pairing;
use super::setting::flatten;
use super::tuned::TunedValues;
use super::warning::{Warning, WarningKind};
use crate::config::{Factor, Factors, without_rule};
use crate::results::LoadedExperiment;

/// The repetition, which is not a factor.
const SEED: &str = "seed";

/// Up to this many experiments are all named; of more, the first few are.
const MOST_NAMES: usize = 8;
const NAMED: usize = 3;

/// A config as dotted keys and values.
type Flat = BTreeMap<String, Value>;

/// One experiment of all that have ended a training; `None` where only one has, or where they differ in
/// no key and no seed: those are stood side by side.
pub(super) fn merge<'a>(
    group: &[&'a LoadedExperiment],
    names: &HashMap<&Path, String>,
    warnings: &mut Vec<Warning>,
) -> Option<Experiment<'a>> {
    let group: Vec<&'a LoadedExperiment> =
        group.iter().copied().filter(|experiment| !experiment.runs.is_empty()).collect();
    if group.len() < 2 {
        return None;
    }
    let experiments: Vec<Experiment<'a>> =
        group.iter().map(|one| of_experiment(one, names, warnings)).collect();
    let rules: Vec<&Map<String, Value>> =
        experiments.iter().filter_map(|one| Some(one.arms.first()?.rule)).collect();
    // What each chose for itself tells no arms apart.
    let tuned = |key: &str| {
        let mut tunings = group.iter().map(|experiment| experiment.plan.tuning.as_ref());
        tunings.all(|tuning| tuning.is_some_and(|tuning| tuning.names(key)))
    };
    let configs: Vec<Flat> = group
        .iter()
        .zip(label::of_rules(&rules))
        .map(|(experiment, rule)| {
            let mut flat = flat(&experiment.runs[0].record.config);
            // It pairs the observations of arms and tells none apart.
            flat.remove(SEED);
            flat.insert(RULE.to_owned(), Value::String(rule));
            flat.retain(|key, _| !tuned(key));
            flat
        })
        .collect();
    // Of several paths given, what lies at the first is what the others are held against.
    let first = group.iter().map(|one| one.argument).min();
    let is_first = |one: &&LoadedExperiment| Some(one.argument) == first;
    let references: Vec<&Flat> = if group.iter().all(is_first) {
        Vec::new()
    } else {
        group.iter().zip(&configs).filter(|(one, _)| is_first(one)).map(|(_, flat)| flat).collect()
    };
    let factors = differing(&configs, &references);
    let seeds =
        |one: &LoadedExperiment| -> BTreeSet<u64> { one.runs.iter().map(|run| run.seed).collect() };
    let seeds_differ = group.iter().any(|one| seeds(one) != seeds(group[0]));
    if (factors.is_empty() && !seeds_differ) || rules.len() != group.len() {
        return None;
    }

    let mut arms: BTreeMap<Vec<usize>, Arm<'a>> = BTreeMap::new();
    let mut twice = 0;
    let mut chosen_values: Vec<TunedValues> = Vec::new();
    for (experiment, config) in experiments.into_iter().zip(&configs) {
        let level = |factor: &Factor| config.get(&factor.key).cloned().unwrap_or(Value::Null);
        let chosen: Factors = factors.iter().map(|f| (f.key.clone(), level(f))).collect();
        let levels: Vec<usize> = factors
            .iter()
            .map(|f| f.levels.iter().position(|l| *l == level(f)).unwrap_or(0))
            .collect();
        let own_factors = without_rule(&chosen);
        for tuned in experiment.tuned {
            let tuned = TunedValues { factors: own_factors.clone(), ..tuned };
            if !chosen_values.contains(&tuned) {
                chosen_values.push(tuned);
            }
        }
        for own in experiment.arms {
            let arm = arms.entry(levels.clone()).or_insert_with(|| Arm {
                factors: chosen.clone(),
                levels: levels.clone(),
                rule: own.rule,
                observations: BTreeMap::new(),
            });
            for (seed, observation) in own.observations {
                twice += usize::from(arm.observations.contains_key(&seed));
                arm.observations.entry(seed).or_insert(observation);
            }
        }
    }
    // Each was looked at for itself.
    let looks = group.iter().flat_map(|one| {
        let planned = one.plan.sequential.iter().flat_map(|plan| &plan.looks);
        planned.chain(&one.plan.looked_at).copied()
    });
    let looked_at = looks.collect::<BTreeSet<usize>>().into_iter().collect();
    let mut parts: Vec<&str> = group
        .iter()
        .map(|one| names.get(one.path.as_path()).unwrap_or(&one.plan.name).as_str())
        .collect();
    let more = if parts.len() > MOST_NAMES { parts.len() - NAMED } else { 0 };
    parts.truncate(parts.len() - more);
    let mut name = parts.join(" + ");
    if more > 0 {
        name.extend([" + ", &more.to_string(), " more"]);
    }
    if twice > 0 {
        warnings.push(Warning::of(&name, WarningKind::Duplicates { trainings: twice }));
    }
    Some(Experiment {
        name,
        factors,
        arms: arms.into_values().collect(),
        split_per_seed: Some(group.iter().all(|experiment| experiment.plan.split_per_seed)),
        pairing: Pairing::BySeed,
        foreign: None,
        is_merged: true,
        tuned: chosen_values,
        sequential: None,
        looked_at,
    })
}

fn flat(config: &Map<String, Value>) -> Flat {
    let mut flat = Flat::new();
    flatten("", config, &mut flat);
    // The rows and their split are the same, wherever they came from.
    flat.retain(|key, _| key != "data.source" && !key.starts_with("data.split."));
    flat
}

/// The keys in which configs differ, with their levels in natural order, behind the one that the references
/// have in common.
fn differing(configs: &[Flat], references: &[&Flat]) -> Vec<Factor> {
    let keys: BTreeSet<&String> = configs.iter().flat_map(Flat::keys).collect();
    let values = |key: &str| -> Vec<Option<&Value>> {
        let mut seen: Vec<Option<&Value>> = Vec::new();
        for config in configs {
            if !seen.contains(&config.get(key)) {
                seen.push(config.get(key));
            }
        }
        seen
    };
    let mut factors = Vec::new();
    for key in keys {
        let mut seen = values(key);
        // A setting that only one kind of a table has is no difference of its own.
        let kind = key.rsplit_once('.').map(|(table, _)| format!("{table}.kind"));
        if kind.is_some_and(|kind| kind != *key && values(&kind).len() > 1)
            && seen.iter().flatten().count() < 2
        {
            continue;
        }
        if seen.len() > 1 {
            let common = references.first().map(|reference| reference.get(key));
            let common =
                common.filter(|level| references.iter().all(|other| other.get(key) == *level));
            let is_other = |level: Option<&Value>| Some(level) != common;
            seen.sort_by(|a, b| is_other(*a).cmp(&is_other(*b)).then(natural(*a, *b)));
            let levels = seen.into_iter().map(|v| v.cloned().unwrap_or(Value::Null)).collect();
            factors.push(Factor { key: key.clone(), levels });
        }
    }
    factors
}

/// What is absent or switched off comes first, numbers by size, the rest by name.
fn natural(a: Option<&Value>, b: Option<&Value>) -> Ordering {
    let rank = |value: Option<&Value>| match value {
        None | Some(Value::Null) => 0,
        Some(Value::String(text)) if text == "none" => 1,
        Some(Value::Bool(value)) => 2 + u8::from(*value),
        Some(Value::Number(_)) => 4,
        Some(_) => 5,
    };
    let number = |value: Option<&Value>| value.and_then(Value::as_f64).unwrap_or(0.0);
    rank(a)
        .cmp(&rank(b))
        .then(number(a).total_cmp(&number(b)))
        .then_with(|| a.map(label::text).cmp(&b.map(label::text)))
}
