//! Arms and references over their seeds.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value};

use super::savings::Monitor;
use super::study::{Cell, Study, finite};
use super::{ArmSummary, LEVEL, MetricSummary, Metrics};
use crate::results::Status;
use crate::spec::without_rule;
use crate::stats;

/// The reference that every full run gives.
const BEST_CHECKPOINT: &str = "best_checkpoint_of_full_run";

/// The metrics of each seed; none where the training diverged and left no best checkpoint.
type BySeed<'a> = BTreeMap<u64, Option<&'a Map<String, Value>>>;

/// Each arm of a study.
pub(super) fn summaries(study: &Study) -> Vec<ArmSummary> {
    study
        .cells
        .iter()
        .map(|cell| {
            let metrics: Vec<Option<&Map<String, Value>>> =
                cell.readings.values().map(|reading| Some(&reading.arm.metrics)).collect();
            let diverged = cell.readings.values().filter(|r| r.arm.status == Status::Diverged);
            ArmSummary {
                experiment: study.name.clone(),
                factors: cell.factors.clone(),
                reference: None,
                monitor: None,
                seeds: cell.readings.keys().copied().collect(),
                n: cell.readings.len(),
                diverged: diverged.count(),
                metrics: summarise(&metrics),
            }
        })
        .collect()
}

/// Of each cell of the factors other than the rule's: the best checkpoint of the full run, once
/// for every monitored column. It separates what the checkpoint gives from what stopping saves.
pub(super) fn references(study: &Study) -> Vec<ArmSummary> {
    let mut index: HashMap<(Vec<usize>, Monitor), usize> = HashMap::new();
    // With its first cell, the metrics of each seed.
    let mut groups: Vec<(&Cell, Monitor, BySeed)> = Vec::new();
    let mut diverged: Vec<BTreeSet<u64>> = Vec::new();
    for cell in &study.cells {
        let monitor = Monitor::of(cell.rule);
        let group = *index.entry((study.rest_levels(cell), monitor.clone())).or_insert_with(|| {
            groups.push((cell, monitor, BySeed::new()));
            diverged.push(BTreeSet::new());
            groups.len() - 1
        });
        for (seed, reading) in &cell.readings {
            let full = reading.arm.full_run.as_ref().map(|full| &full.metrics);
            let has_diverged = reading.run.status == Status::Diverged;
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
        .map(|((cell, monitor, by_seed), diverged)| {
            let metrics: Vec<Option<&Map<String, Value>>> = by_seed.values().copied().collect();
            ArmSummary {
                experiment: study.name.clone(),
                factors: without_rule(&cell.factors),
                reference: Some(BEST_CHECKPOINT),
                monitor: Some(monitor.column),
                seeds: by_seed.keys().copied().collect(),
                n: metrics.len(),
                diverged: diverged.len(),
                metrics: summarise(&metrics),
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
            ci95: stats::t_interval(&there, LEVEL),
            values,
        }
    };
    Metrics(names.into_iter().map(|name| (name.clone(), summary(name))).collect())
}
