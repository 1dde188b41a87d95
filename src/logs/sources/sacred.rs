//! sacred: a folder a run, with `metrics.json`, `config.json` and `run.json`.

use std::collections::BTreeMap;
use std::path::Path;

use crate::logs::assemble::put_steps;
use crate::logs::error::{Fault, LogError};
use crate::logs::input::Origin;
use crate::logs::json::Json;
use crate::logs::source::{Claim, Drafts, Source};
use crate::logs::training::{Draft, Ended};

/// sacred.
pub(in crate::logs) struct Sacred;

const METRICS: &str = "metrics.json";
const STEPS: &str = "steps";
const VALUES: &str = "values";

impl Source for Sacred {
    fn tool(&self) -> &'static str {
        "sacred"
    }

    fn json(&self, json: &Json, origin: &Origin) -> Option<Drafts> {
        let is_metric = |(_, metric): &(Box<str>, Json)| {
            metric.get(STEPS).is_some() && metric.get(VALUES).is_some()
        };
        let metrics = json.entries().filter(|entries| !entries.is_empty())?;
        metrics.iter().all(is_metric).then(|| run(metrics, origin))
    }

    fn folder(&self, path: &Path, names: &[String]) -> Option<Claim> {
        let has = |wanted: &str| names.iter().any(|name| name == wanted);
        let is_run = has(METRICS) && has("run.json") && !has("epochs.csv");
        is_run.then(|| Claim::All(vec![path.join(METRICS)]))
    }
}

fn run(metrics: &[(Box<str>, Json)], origin: &Origin) -> Drafts {
    let mut steps: BTreeMap<i64, Vec<(usize, f64)>> = BTreeMap::new();
    let mut rows = origin.rows();
    let step_column = rows.column("step");
    for (name, metric) in metrics {
        let damaged = || {
            let problem = format!("`{name}` has not as many steps as values, all of them numbers");
            LogError::at(Fault::Damaged, &origin.file, problem)
        };
        let list = |key: &str| metric.get(key).and_then(Json::numbers).ok_or_else(damaged);
        let (at, values) = (list(STEPS)?, list(VALUES)?);
        if at.len() != values.len() {
            return Err(damaged());
        }
        let column = rows.column(name);
        for (step, value) in at.into_iter().zip(values) {
            let (Some(step), Some(value)) = (step, value) else { continue };
            #[allow(clippy::cast_possible_truncation)] // steps are far below 2^63
            steps.entry(step as i64).or_default().push((column, value));
        }
    }
    put_steps(&mut rows, step_column, steps)?;
    let of_folder = origin.folder_name().filter(|_| origin.file_name() == METRICS);
    let name = of_folder.unwrap_or_else(|| origin.stem.clone());
    let mut draft = Draft::new(&name, Sacred.tool(), origin.path.clone(), rows);
    let parsed = |name: &str| Json::parse(&origin.beside(name)?).ok();
    if origin.file_name() == METRICS {
        if let Some(config) = parsed("config.json") {
            draft.parameters = config.parameters();
        }
        if let Some(run) = parsed("run.json") {
            draft.ended = match run.get("status").and_then(Json::text) {
                Some("COMPLETED") => Some(Ended::Completed),
                Some("FAILED") => Some(Ended::Failed),
                Some("RUNNING" | "INTERRUPTED" | "TIMEOUT" | "QUEUED") => Some(Ended::Interrupted),
                _ => None,
            };
        }
    }
    Ok(vec![draft])
}
