//! Trackio: a database of `SQLite` a project.

use std::collections::HashMap;

use crate::logs::assemble::put_object;
use crate::logs::error::{Fault, LogError};
use crate::logs::input::Origin;
use crate::logs::json::Json;
use crate::logs::source::{Drafts, Source};
use crate::logs::sqlite::Database;
use crate::logs::training::Draft;

/// Trackio.
pub(in crate::logs) struct Trackio;

impl Source for Trackio {
    fn tool(&self) -> &'static str {
        "trackio"
    }

    fn database(&self, database: &Database, origin: &Origin) -> Option<Drafts> {
        let is_it = database.has("metrics", &["run_name", "step", "metrics"]);
        is_it.then(|| of_database(database, origin))
    }
}

fn of_database(database: &Database, origin: &Origin) -> Drafts {
    let mut drafts: Vec<Draft> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut line = 0;
    database.rows("metrics", &mut |row| {
        line += 1;
        let Some(name) = row.text("run_name") else { return Ok(()) };
        let id = row.text("run_id").unwrap_or_else(|| name.clone());
        let place = *places.entry(id).or_insert_with(|| {
            let (path, rows) = (origin.path.clone(), origin.rows());
            drafts.push(Draft::new(&name, Trackio.tool(), path, rows));
            drafts.len() - 1
        });
        let text = row.text("metrics").unwrap_or_default();
        let json = Json::parse(text.as_bytes()).map_err(|error| {
            let problem = format!("row {line} of its metrics: not valid JSON: {}", error.problem);
            LogError::at(Fault::Damaged, &origin.file, problem)
        })?;
        let rows = &mut drafts[place].rows;
        rows.begin(line);
        if let Some(step) = row.get("step").number() {
            let column = rows.column("step");
            rows.put(column, step)?;
        }
        put_object(rows, "", &json)
    })?;
    database.rows("configs", &mut |row| {
        let id = row.text("run_id").or_else(|| row.text("run_name"));
        let config = row.text("config").and_then(|text| Json::parse(text.as_bytes()).ok());
        if let (Some(place), Some(config)) = (id.and_then(|id| places.get(&id)), config) {
            drafts[*place].parameters = config.parameters();
            drafts[*place].parameters.retain(|key, _| !key.starts_with('_'));
        }
        Ok(())
    })?;
    if drafts.is_empty() {
        return Err(LogError::at(
            Fault::NoCurves,
            &origin.file,
            "no run of this project logged a metric",
        ));
    }
    Ok(drafts)
}
