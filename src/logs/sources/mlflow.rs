//! `MLflow`: the folder `mlruns`, and its database in `SQLite`.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

use crate::logs::assemble::{flat_yaml, put_steps, scalar};
use crate::logs::error::{Fault, LogError};
use crate::logs::input::{Origin, small};
use crate::logs::source::{Claim, Drafts, Source, TextLine};
use crate::logs::sqlite::Database;
use crate::logs::training::{Draft, Ended, whole};

/// `MLflow`.
pub(in crate::logs) struct Mlflow;

const META: &str = "meta.yaml";

/// A value of a metric: step, time, value.
type Point = (i64, i64, f64);

impl Source for Mlflow {
    fn tool(&self) -> &'static str {
        "mlflow"
    }

    fn text(&self, line: &str) -> Option<TextLine> {
        let (step, _, value) = point(line)?;
        // A time in milliseconds tells such a line from others.
        let time: u64 = line.split(' ').next()?.parse().ok()?;
        #[allow(clippy::cast_precision_loss)] // steps are far below 2^53
        (time > 100_000_000_000).then(|| TextLine {
            counter: ("step", step as f64),
            values: vec![(String::new(), value)],
        })
    }

    fn database(&self, database: &Database, origin: &Origin) -> Option<Drafts> {
        let is_it = database.has("runs", &["run_uuid", "status"])
            && database.has("metrics", &["key", "value", "run_uuid", "step"]);
        is_it.then(|| of_database(database, origin))
    }

    fn folder(&self, path: &Path, names: &[String]) -> Option<Claim> {
        let has = |wanted: &str| names.iter().any(|name| name == wanted);
        if !has("metrics/") {
            return None;
        }
        if !has(META) {
            // A run whose file is lost: what it logged is there, how it ended is not.
            let is_run = has("params/") && has("tags/");
            return is_run.then(|| {
                Claim::Read(of_folder(path, &Map::new()).map(|mut drafts| {
                    let note = format!("the run has no {META}: how it ended is not known");
                    for draft in &mut drafts {
                        draft.notes.push(note.clone());
                    }
                    drafts
                }))
            });
        }
        let meta = flat_yaml(&small(&path.join(META))?);
        meta.get("run_id").or(meta.get("run_uuid"))?;
        Some(Claim::Read(of_folder(path, &meta)))
    }
}

/// A line of a file of a metric: time, value, step; then what data set it was measured on. The oldest
/// files have no step.
fn point(line: &str) -> Option<Point> {
    let parts: Vec<&str> = line.split(' ').collect();
    let (time, value, step) = match parts.as_slice() {
        [time, value] => (time, value, "0"),
        [time, value, step] | [time, value, step, _, _] => (time, value, *step),
        _ => return None,
    };
    Some((step.parse().ok()?, time.parse().ok()?, value.parse().ok()?))
}

fn ended(status: &str) -> Option<Ended> {
    match status {
        "3" | "FINISHED" => Some(Ended::Completed),
        "4" | "FAILED" => Some(Ended::Failed),
        "1" | "2" | "5" | "RUNNING" | "SCHEDULED" | "KILLED" => Some(Ended::Interrupted),
        _ => None,
    }
}

/// A training of the metrics of a run.
fn training(
    name: &str,
    origin: &Origin,
    metrics: BTreeMap<String, Vec<Point>>,
) -> Result<Draft, LogError> {
    let mut rows = origin.rows();
    let step_column = rows.column("step");
    let mut steps: BTreeMap<i64, Vec<(usize, f64)>> = BTreeMap::new();
    let mut counted = Vec::new();
    let mut held = 0;
    for (metric, mut points) in metrics {
        points.sort_by_key(|(step, time, _)| (*step, *time));
        held += points.len();
        if !rows.budget().allows(held) {
            return Err(rows.too_large());
        }
        // Without a step, all are at 0.
        let is_counted = points.len() > 1 && points.iter().all(|(step, _, _)| *step == points[0].0);
        let column = rows.column(&metric);
        if is_counted {
            counted.push(metric);
        }
        for (at, (step, _, value)) in (0..).zip(points) {
            steps.entry(if is_counted { at } else { step }).or_default().push((column, value));
        }
    }
    put_steps(&mut rows, step_column, steps)?;
    let mut draft = Draft::new(name, Mlflow.tool(), origin.path.clone(), rows);
    if !counted.is_empty() {
        let names: Vec<&str> = counted.iter().map(String::as_str).collect();
        draft.notes.push(format!(
            "logged without a step, counted instead: {}",
            crate::text::quoted(&names)
        ));
    }
    Ok(draft)
}

/// A run of the file store.
fn of_folder(path: &Path, meta: &Map<String, Value>) -> Drafts {
    let text = |key: &str| {
        meta.get(key).map(|value| value.as_str().map_or(value.to_string(), str::to_owned))
    };
    if text("lifecycle_stage").as_deref() == Some("deleted") {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    files_below(&path.join("metrics"), "", &mut files);
    let mut metrics = BTreeMap::new();
    let mut bytes = 0;
    for (name, file) in files {
        let content = fs::read(&file).map_err(|error| LogError::unreadable(&file, &error))?;
        bytes += content.len() as u64;
        let content = String::from_utf8_lossy(&content).into_owned();
        let mut points = Vec::new();
        for (number, line) in (1..).zip(content.lines()) {
            let is_last = !content.ends_with('\n') && content.lines().count() as u64 == number;
            match point(line) {
                Some(point) => points.push(point),
                None if line.is_empty() || is_last => {}
                None => {
                    let problem = "expected a time, a value and a step";
                    return Err(LogError::at_line(&file.display().to_string(), number, problem));
                }
            }
        }
        metrics.insert(name, points);
    }
    let mut origin = Origin::new(path, bytes);
    origin.file = path.display().to_string();
    let tag = small(&path.join("tags").join("mlflow.runName"));
    let tag = tag.map(|tag| String::from_utf8_lossy(&tag).into_owned());
    let name = tag.or_else(|| text("run_name")).filter(|name| !name.is_empty());
    let mut draft = training(name.as_deref().unwrap_or(&origin.stem), &origin, metrics)?;
    let mut params = Vec::new();
    files_below(&path.join("params"), "", &mut params);
    for (key, file) in params {
        if let Some(value) = small(&file) {
            draft.parameters.insert(key, scalar(String::from_utf8_lossy(&value).trim_end()));
        }
    }
    draft.ended = text("status").and_then(|status| ended(&status));
    Ok(vec![draft])
}

/// The files below a folder, by their names from there, which may hold `/`.
fn files_below(path: &Path, prefix: &str, found: &mut Vec<(String, std::path::PathBuf)>) {
    let mut entries: Vec<_> = fs::read_dir(path).into_iter().flatten().flatten().collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && prefix.len() < 1000 => {
                files_below(&entry.path(), &format!("{name}/"), found);
            }
            Ok(kind) if kind.is_file() => found.push((name, entry.path())),
            _ => {}
        }
    }
}

fn of_database(database: &Database, origin: &Origin) -> Drafts {
    struct Run {
        name: String,
        ended: Option<Ended>,
        metrics: BTreeMap<String, Vec<Point>>,
        parameters: Map<String, Value>,
    }
    let mut runs: Vec<Run> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    database.rows("runs", &mut |row| {
        let Some(id) = row.text("run_uuid") else { return Ok(()) };
        if row.text("lifecycle_stage").as_deref() == Some("deleted") {
            return Ok(());
        }
        let name = row.text("name").filter(|name| !name.is_empty());
        let ended = row.text("status").and_then(|status| ended(&status));
        places.insert(id.clone(), runs.len());
        runs.push(Run {
            name: name.unwrap_or(id),
            ended,
            metrics: BTreeMap::new(),
            parameters: Map::new(),
        });
        Ok(())
    })?;
    database.rows("metrics", &mut |row| {
        let run = row.text("run_uuid").and_then(|id| places.get(&id));
        let (Some(run), Some(key), Some(value)) = (run, row.text("key"), row.get("value").number())
        else {
            return Ok(());
        };
        // A NaN is a 0 with a mark, and the infinities are the largest numbers.
        let value = match value {
            _ if row.get("is_nan").whole() == Some(1) => f64::NAN,
            f64::MAX => f64::INFINITY,
            f64::MIN => f64::NEG_INFINITY,
            value => value,
        };
        let [step, time] = ["step", "timestamp"].map(|name| row.get(name).whole().unwrap_or(0));
        runs[*run].metrics.entry(key).or_default().push((step, time, value));
        Ok(())
    })?;
    database.rows("params", &mut |row| {
        if let (Some(run), Some(key), Some(value)) = (
            row.text("run_uuid").and_then(|id| places.get(&id)),
            row.text("key"),
            row.text("value"),
        ) {
            runs[*run].parameters.insert(key, scalar(&value));
        }
        Ok(())
    })?;
    // The seed may be logged as a tag.
    database.rows("tags", &mut |row| {
        if let (Some(run), Some(key), Some(value)) = (
            row.text("run_uuid").and_then(|id| places.get(&id)),
            row.text("key"),
            row.text("value"),
        ) && !key.starts_with("mlflow.")
            && crate::logs::SEED_KEYS.contains(&key.as_str())
            && whole(&Value::from(value.clone())).is_some()
        {
            runs[*run].parameters.entry(key).or_insert_with(|| scalar(&value));
        }
        Ok(())
    })?;
    let mut drafts = Vec::new();
    for run in runs {
        if run.metrics.is_empty() {
            continue;
        }
        let mut draft = training(&run.name, origin, run.metrics)?;
        (draft.ended, draft.parameters) = (run.ended, run.parameters);
        drafts.push(draft);
    }
    if drafts.is_empty() {
        return Err(LogError::at(
            Fault::NoCurves,
            &origin.file,
            "no run of this store logged a metric",
        ));
    }
    Ok(drafts)
}
