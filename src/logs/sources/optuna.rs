//! Optuna: the intermediate values of trials, in a storage of `SQLite` or in a journal.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};

use crate::logs::assemble::put_steps;
use crate::logs::error::{Fault, LogError};
use crate::logs::input::Origin;
use crate::logs::json::Json;
use crate::logs::source::{Drafts, Lines, Source};
use crate::logs::sqlite::Database;
use crate::logs::training::{Draft, Ended};

/// Optuna.
pub(in crate::logs) struct Optuna;

/// The column of what trials report.
const INTERMEDIATE: &str = "intermediate";

/// A trial, however it is stored.
#[derive(Default)]
struct Trial {
    study: i64,
    number: i64,
    ended: Option<Ended>,
    parameters: Map<String, Value>,
    values: BTreeMap<i64, f64>,
}

impl Source for Optuna {
    fn tool(&self) -> &'static str {
        "optuna"
    }

    fn database(&self, database: &Database, origin: &Origin) -> Option<Drafts> {
        let is_it = database.has("trials", &["trial_id", "study_id", "state"])
            && database.has("trial_intermediate_values", &["trial_id", "step"]);
        is_it.then(|| of_database(database, origin))
    }

    fn lines(&self, first: &Json, origin: &Origin) -> Option<Box<dyn Lines>> {
        first.get("op_code")?.number()?;
        Some(Box::new(Journal::new(origin)))
    }
}

/// A value of a parameter, which is an index where it is one of several choices.
fn parameter(value: f64, distribution: &str) -> Value {
    let distribution = Json::parse(distribution.as_bytes()).ok();
    let attributes = distribution.as_ref().and_then(|json| json.get("attributes"));
    let choices = attributes.and_then(|attributes| attributes.get("choices"));
    let choices = choices.map(Json::value);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // an index
    let chosen = choices.as_ref().and_then(Value::as_array).and_then(|all| all.get(value as usize));
    let is_whole = distribution
        .as_ref()
        .and_then(|json| json.get("name")?.text())
        .is_some_and(|n| n.starts_with("Int"));
    #[allow(clippy::cast_possible_truncation)] // a whole number
    let number = || if is_whole { Value::from(value as i64) } else { Value::from(value) };
    chosen.cloned().unwrap_or_else(number)
}

fn ended(state: &str) -> Option<Ended> {
    match state {
        "COMPLETE" | "1" => Some(Ended::Completed),
        "PRUNED" | "2" => Some(Ended::Stopped),
        "FAIL" | "3" => Some(Ended::Failed),
        "RUNNING" | "0" => Some(Ended::Interrupted),
        _ => None,
    }
}

/// The trainings of trials; `directions` say of each study whether larger is better.
fn drafts(
    origin: &Origin,
    trials: impl IntoIterator<Item = Trial>,
    directions: &HashMap<i64, bool>,
    names: &HashMap<i64, String>,
) -> Drafts {
    let mut drafts = Vec::new();
    for trial in trials.into_iter().filter(|trial| !trial.values.is_empty()) {
        let mut rows = origin.rows();
        let step = rows.column("step");
        let column = rows.column(INTERMEDIATE);
        let steps = trial.values.into_iter().map(|(step, value)| (step, vec![(column, value)]));
        put_steps(&mut rows, step, steps.collect())?;
        let study = names.get(&trial.study).filter(|_| names.len() > 1);
        let study = study.map(|name| format!("{name} ")).unwrap_or_default();
        let name = format!("{study}trial {}", trial.number);
        let mut draft = Draft::new(&name, Optuna.tool(), origin.path.clone(), rows);
        draft.parameters = trial.parameters;
        draft.ended = trial.ended;
        draft.monitor = Some(INTERMEDIATE.to_owned());
        draft.directions = directions
            .get(&trial.study)
            .map(|larger| (INTERMEDIATE.to_owned(), *larger))
            .into_iter()
            .collect();
        drafts.push(draft);
    }
    if drafts.is_empty() {
        let problem = "no trial of this study reported intermediate values (`trial.report`), so there are no curves";
        return Err(LogError::at(Fault::NoCurves, &origin.file, problem));
    }
    Ok(drafts)
}

fn of_database(database: &Database, origin: &Origin) -> Drafts {
    let mut trials: BTreeMap<i64, Trial> = BTreeMap::new();
    database.rows("trials", &mut |row| {
        if let (Some(id), Some(study)) = (row.get("trial_id").whole(), row.get("study_id").whole())
        {
            let number = row.get("number").whole().unwrap_or(id);
            let ended = row.text("state").and_then(|state| ended(&state));
            trials.insert(id, Trial { study, number, ended, ..Trial::default() });
        }
        Ok(())
    })?;
    database.rows("trial_intermediate_values", &mut |row| {
        let trial = row.get("trial_id").whole().and_then(|id| trials.get_mut(&id));
        let (Some(trial), Some(step)) = (trial, row.get("step").whole()) else { return Ok(()) };
        let value = match row.text("intermediate_value_type").as_deref() {
            Some("NAN") => Some(f64::NAN),
            Some("INF_POS") => Some(f64::INFINITY),
            Some("INF_NEG") => Some(f64::NEG_INFINITY),
            _ => row.get("intermediate_value").number(),
        };
        // Before there was a type, a NaN was NULL.
        trial.values.insert(step, value.unwrap_or(f64::NAN));
        Ok(())
    })?;
    database.rows("trial_params", &mut |row| {
        let trial = row.get("trial_id").whole().and_then(|id| trials.get_mut(&id));
        if let (Some(trial), Some(name), Some(value)) =
            (trial, row.text("param_name"), row.get("param_value").number())
        {
            let distribution = row.text("distribution_json").unwrap_or_default();
            trial.parameters.insert(name, parameter(value, &distribution));
        }
        Ok(())
    })?;
    let mut directions = HashMap::new();
    database.rows("study_directions", &mut |row| {
        if let (Some(study), Some(0)) = (row.get("study_id").whole(), row.get("objective").whole())
        {
            directions.insert(study, row.text("direction").as_deref() == Some("MAXIMIZE"));
        }
        Ok(())
    })?;
    let mut names = HashMap::new();
    database.rows("studies", &mut |row| {
        names.extend(row.get("study_id").whole().zip(row.text("study_name")));
        Ok(())
    })?;
    drafts(origin, trials.into_values(), &directions, &names)
}

/// A journal: an operation a line.
struct Journal {
    origin: Origin,
    trials: BTreeMap<i64, Trial>,
    directions: HashMap<i64, bool>,
    names: HashMap<i64, String>,
    numbers: HashMap<i64, i64>,
    values: usize,
}

impl Journal {
    fn new(origin: &Origin) -> Self {
        Self {
            origin: origin.clone(),
            trials: BTreeMap::new(),
            directions: HashMap::new(),
            names: HashMap::new(),
            numbers: HashMap::new(),
            values: 0,
        }
    }
}

impl Lines for Journal {
    fn line(&mut self, _: u64, json: &Json) -> Result<(), LogError> {
        #[allow(clippy::cast_possible_truncation)] // codes, numbers and steps
        let whole = |key: &str| json.get(key).and_then(Json::number).map(|value| value as i64);
        self.values += 8;
        if !self.origin.budget.allows(self.values) {
            return Err(self.origin.rows().too_large());
        }
        match whole("op_code") {
            Some(0) => {
                #[allow(clippy::cast_possible_wrap)] // few studies
                let study = self.names.len() as i64;
                let name = json.get("study_name").and_then(Json::text).unwrap_or_default();
                self.names.insert(study, name.to_owned());
                let direction = json.get("directions").and_then(Json::numbers);
                let direction = direction.and_then(|all| all.first().copied().flatten());
                if let Some(direction) = direction.filter(|direction| *direction > 0.0) {
                    self.directions.insert(study, direction == 2.0);
                }
            }
            Some(4) => {
                #[allow(clippy::cast_possible_wrap)] // far fewer
                let id = self.trials.len() as i64;
                let study = whole("study_id").unwrap_or(0);
                let number = self.numbers.entry(study).or_default();
                let ended =
                    whole("state").map_or(Some(Ended::Interrupted), |s| ended(&s.to_string()));
                self.trials.insert(id, Trial { study, number: *number, ended, ..Trial::default() });
                *number += 1;
            }
            Some(5..=7) => {
                let trial = whole("trial_id").and_then(|id| self.trials.get_mut(&id));
                let Some(trial) = trial else { return Ok(()) };
                if let (Some(name), Some(value)) = (
                    json.get("param_name").and_then(Json::text),
                    json.get("param_value_internal").and_then(Json::number),
                ) {
                    let distribution =
                        json.get("distribution").and_then(Json::text).unwrap_or_default();
                    trial.parameters.insert(name.to_owned(), parameter(value, distribution));
                }
                if let Some(state) = whole("state") {
                    trial.ended = ended(&state.to_string());
                }
                if let (Some(step), Some(value)) =
                    (whole("step"), json.get("intermediate_value").and_then(Json::number))
                {
                    trial.values.insert(step, value);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Drafts {
        drafts(&self.origin, self.trials.into_values(), &self.directions, &self.names)
    }
}
