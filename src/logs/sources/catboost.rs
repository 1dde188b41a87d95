//! `CatBoost`: `catboost_info`, with `catboost_training.json` or a table a split.

use std::path::Path;

use crate::logs::assemble;
use crate::logs::error::{Fault, LogError};
use crate::logs::input::Origin;
use crate::logs::json::Json;
use crate::logs::source::{Claim, Drafts, Source};
use crate::logs::training::Draft;

/// `CatBoost`.
pub(in crate::logs) struct CatBoost;

const TRAINING: &str = "catboost_training.json";
const LEARN: &str = "learn_error.tsv";
const ITERATION: &str = "iteration";

/// The end of the name of a table of a split.
const ERROR: &str = "_error.tsv";

impl Source for CatBoost {
    fn tool(&self) -> &'static str {
        "catboost"
    }

    fn takes_table(&self, names: &[String], _: &Origin) -> bool {
        names.first().is_some_and(|name| name == "iter") && names.len() > 1
    }

    fn finish(&self, draft: &mut Draft, origin: &Origin) {
        // The first metric is the one that is watched.
        if !origin.file_name().starts_with("time_left") {
            draft.monitor = draft.rows.names().get(1).cloned();
        }
        let meta = origin.beside(TRAINING).and_then(|bytes| Json::parse(&bytes).ok());
        if let Some(json) = meta {
            let all = directions(&json).into_iter();
            draft.directions = all
                .filter_map(|(name, larger)| Some((name.split_once('.')?.1.to_owned(), larger)))
                .collect();
        }
    }

    fn json(&self, json: &Json, origin: &Origin) -> Option<Drafts> {
        json.get("meta")?.get("learn_metrics").or(json.get("meta")?.get("test_metrics"))?;
        Some(training(json, origin))
    }

    fn folder(&self, path: &Path, names: &[String]) -> Option<Claim> {
        let has = |wanted: &str| names.iter().any(|name| name == wanted);
        if has(TRAINING) {
            return Some(Claim::All(vec![path.join(TRAINING)]));
        }
        let tables = names.iter().filter(|name| name.ends_with(ERROR));
        has(LEARN).then(|| Claim::All(tables.map(|name| path.join(name)).collect()))
    }

    fn of_folder(&self, path: &Path, drafts: Vec<Draft>) -> Drafts {
        if drafts.len() < 2 { Ok(drafts) } else { joined(path, &drafts) }
    }
}

/// The metrics of each set, as columns, with whether larger is better.
fn directions(json: &Json) -> Vec<(String, bool)> {
    let Some(meta) = json.get("meta") else { return Vec::new() };
    let mut found = Vec::new();
    for (sets, metrics) in [("learn_sets", "learn_metrics"), ("test_sets", "test_metrics")] {
        for set in meta.get(sets).and_then(Json::list).unwrap_or_default() {
            for metric in meta.get(metrics).and_then(Json::list).unwrap_or_default() {
                let (Some(set), Some(name)) = (set.text(), metric.get("name").and_then(Json::text))
                else {
                    continue;
                };
                match metric.get("best_value").and_then(Json::text) {
                    Some("Max") => found.push((format!("{set}.{name}"), true)),
                    Some("Min") => found.push((format!("{set}.{name}"), false)),
                    _ => {}
                }
            }
        }
    }
    found
}

fn training(json: &Json, origin: &Origin) -> Drafts {
    let damaged = |problem: String| LogError::at(Fault::Damaged, &origin.file, problem);
    let meta = json.get("meta");
    let names = |key: &str| -> Vec<&str> {
        let list = meta.and_then(|meta| meta.get(key)).and_then(Json::list).unwrap_or_default();
        list.iter().filter_map(|item| item.text().or_else(|| item.get("name")?.text())).collect()
    };
    let (learn, tests) = (names("learn_sets"), names("test_sets"));
    let metrics = [names("learn_metrics"), names("test_metrics")];
    let iterations = json.get("iterations").and_then(Json::list).unwrap_or_default();
    let mut rows = origin.rows();
    let iteration = rows.column(ITERATION);
    let mut monitor = None;
    for (at, item) in iterations.iter().enumerate() {
        rows.begin(at as u64 + 1);
        let counted = item.get(ITERATION).and_then(Json::number);
        let counted = counted.ok_or_else(|| damaged(format!("iteration {at} has no number")))?;
        rows.put(iteration, counted)?;
        for (sets, metrics) in [(&learn, &metrics[0]), (&tests, &metrics[1])] {
            for set in sets {
                let Some(values) = item.get(set).and_then(Json::numbers) else { continue };
                for (metric, value) in metrics.iter().zip(values) {
                    let column = rows.column(&format!("{set}.{metric}"));
                    if let Some(value) = value {
                        rows.put(column, value)?;
                    }
                }
            }
        }
        if let Some(passed) = item.get("passed_time").and_then(Json::number) {
            let column = rows.column("passed_time");
            rows.put(column, passed)?;
        }
    }
    if let (Some(set), Some(metric)) = (tests.first(), metrics[1].first()) {
        monitor = Some(format!("{set}.{metric}"));
    }
    let name = meta.and_then(|meta| meta.get("name")).and_then(Json::text);
    let mut draft = Draft::new(
        name.filter(|name| !name.is_empty()).unwrap_or(&origin.stem),
        CatBoost.tool(),
        origin.path.clone(),
        rows,
    );
    draft.monitor = monitor;
    draft.directions = directions(json);
    draft.planned = meta.and_then(|meta| meta.get("iteration_count")).and_then(Json::number);
    Ok(vec![draft])
}

/// One training of a table a split.
fn joined(path: &Path, tables: &[Draft]) -> Drafts {
    let mut columns: Vec<(String, Vec<Option<f64>>)> = Vec::new();
    let mut iterations: Vec<Option<f64>> = Vec::new();
    let mut bytes = 0;
    for table in tables {
        let rows = &table.rows;
        let name = Origin::new(&table.path, 0).file_name();
        let set = name.trim_end_matches(ERROR);
        bytes += 2 * rows.values() as u64;
        let column = |at: usize| (0..rows.len()).map(|row| rows.cell(row, at)).collect::<Vec<_>>();
        for (at, metric) in rows.names().iter().enumerate() {
            if metric != "iter" {
                columns.push((format!("{set}.{metric}"), column(at)));
            } else if rows.len() > iterations.len() {
                iterations = column(at);
            }
        }
    }
    let origin = Origin::new(path, bytes);
    let monitor = columns.iter().find(|(name, _)| name.starts_with("test")).map(|(n, _)| n.clone());
    columns.insert(0, (ITERATION.to_owned(), iterations));
    let rows = assemble::columns(&origin, &columns, 2)?;
    let mut draft = Draft::new(&origin.stem, CatBoost.tool(), path.to_owned(), rows);
    draft.monitor = monitor;
    Ok(vec![draft])
}
