//! Arms and references over their seeds.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::experiment::{Arm, Experiment, finite};
use super::monitor::Monitor;
use super::setting::Setting;
use super::significance::CONFIDENCE;
use crate::config::{Factors, without_rule};
use crate::results::Status;
use crate::stats;

/// The reference that every full run gives.
const BEST_CHECKPOINT: &str = "best_checkpoint_of_full_run";

/// An arm, or a reference, over its seeds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ArmSummary {
    /// The experiment.
    pub experiment: String,
    /// Its level of each factor.
    pub factors: Factors,
    /// What it is, where it is no arm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<&'static str>,
    /// The column that chose a reference's epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monitor: Option<String>,
    /// The seeds with a training that ended, ascending.
    pub seeds: Vec<u64>,
    /// How many these are.
    pub n: usize,
    /// How many of them diverged; they stay in.
    pub diverged: usize,
    /// Of the weights kept.
    pub metrics: Metrics,
    /// What they were measured under.
    #[serde(skip)]
    pub setting: Setting,
}

/// Metrics by name, in the order of `run.json`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Metrics(pub Vec<(String, MetricSummary)>);

impl Metrics {
    /// A metric by name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&MetricSummary> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, metric)| metric)
    }
}

impl Serialize for Metrics {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, metric)| (name, metric)))
    }
}

/// One metric over the seeds of an arm.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MetricSummary {
    /// Over the finite values, as all that follows.
    pub mean: Option<f64>,
    /// With n - 1.
    pub sd: Option<f64>,
    /// The middle value.
    pub median: Option<f64>,
    /// Student's t interval of the mean; none below three values.
    pub ci95: Option<[f64; 2]>,
    /// In the order of the seeds; `None` where not finite.
    pub values: Vec<Option<f64>>,
}

/// The metrics of each seed; none where the training diverged and left no best checkpoint.
type BySeed<'a> = BTreeMap<u64, Option<&'a Map<String, Value>>>;

/// Each arm of an experiment.
pub(super) fn summaries(experiment: &Experiment) -> Vec<ArmSummary> {
    experiment
        .arms
        .iter()
        .map(|arm| {
            let metrics: Vec<Option<&Map<String, Value>>> = arm
                .observations
                .values()
                .map(|observation| Some(&observation.arm.metrics))
                .collect();
            let diverged = arm.observations.values().filter(|o| o.arm.status == Status::Diverged);
            ArmSummary {
                experiment: experiment.name.clone(),
                factors: arm.factors.clone(),
                reference: None,
                monitor: None,
                seeds: arm.observations.keys().copied().collect(),
                n: arm.observations.len(),
                diverged: diverged.count(),
                metrics: summarise(&metrics),
                setting: Setting::of(arm),
            }
        })
        .collect()
}

/// Of each cell of the factors other than the rule's: the best checkpoint of the full run, once
/// for every monitored column. It separates what the checkpoint gives from what stopping saves.
pub(super) fn references(experiment: &Experiment) -> Vec<ArmSummary> {
    let mut index: HashMap<(Vec<usize>, Monitor), usize> = HashMap::new();
    // With its first arm, the metrics of each seed.
    let mut groups: Vec<(&Arm, Monitor, BySeed)> = Vec::new();
    let mut diverged: Vec<BTreeSet<u64>> = Vec::new();
    // An arm that is the best epoch of its run needs none to be held against.
    for arm in experiment.arms.iter().filter(|arm| !arm.is_best_epoch()) {
        let monitor = Monitor::of(arm.rule);
        let group =
            *index.entry((experiment.rest_levels(arm), monitor.clone())).or_insert_with(|| {
                groups.push((arm, monitor, BySeed::new()));
                diverged.push(BTreeSet::new());
                groups.len() - 1
            });
        for (seed, observation) in &arm.observations {
            let full = observation.arm.full_run.as_ref().map(|full| &full.metrics);
            let has_diverged = observation.run.status == Status::Diverged;
            if has_diverged {
                diverged[group].insert(*seed);
            }
            if full.is_some() || has_diverged {
                let known = groups[group].2.entry(*seed).or_default();
                *known = known.or(full);
            }
        }
    }
    groups
        .into_iter()
        .zip(diverged)
        .filter(|((_, _, by_seed), _)| by_seed.values().any(Option::is_some))
        .map(|((arm, monitor, by_seed), diverged)| {
            let metrics: Vec<Option<&Map<String, Value>>> = by_seed.values().copied().collect();
            ArmSummary {
                experiment: experiment.name.clone(),
                factors: without_rule(&arm.factors),
                reference: Some(BEST_CHECKPOINT),
                monitor: Some(monitor.column),
                seeds: by_seed.keys().copied().collect(),
                n: metrics.len(),
                diverged: diverged.len(),
                metrics: summarise(&metrics),
                setting: Setting::of(arm),
            }
        })
        .collect()
}

fn summarise(tables: &[Option<&Map<String, Value>>]) -> Metrics {
    let mut names: Vec<&String> = Vec::new();
    for name in tables.iter().flatten().flat_map(|table| table.keys()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let summary = |name: &str| {
        let values: Vec<Option<f64>> = tables.iter().map(|table| finite((*table)?, name)).collect();
        let there: Vec<f64> = values.iter().flatten().copied().collect();
        MetricSummary {
            mean: stats::mean(&there),
            sd: stats::sd(&there),
            median: stats::median(&there),
            ci95: stats::t_interval(&there, CONFIDENCE),
            values,
        }
    };
    Metrics(names.into_iter().map(|name| (name.clone(), summary(name))).collect())
}
