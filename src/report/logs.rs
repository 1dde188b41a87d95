//! What logs of other tools hold: a line per training, and every curve in one wide table.

use std::collections::{BTreeSet, HashMap};
use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Map, Value};

use super::csv::float;
use super::table::{Align, Table, narrow};
use crate::history::EPOCH;
use crate::logs::{Ended, Training};

/// The column of the logs' own epochs, beside those counted by position.
const OWN: &str = "epoch_of_log";

/// Columns named in a line of the table.
const NAMED: usize = 6;

#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    tool: &'a str,
    path: String,
    epochs: usize,
    columns: Vec<&'a str>,
    parameters: &'a Map<String, Value>,
    seed: Option<u64>,
    status: Option<Ended>,
    notes: &'a [String],
}

fn line(training: &Training) -> Line<'_> {
    Line {
        name: &training.name,
        tool: training.tool,
        path: training.path.display().to_string(),
        epochs: training.table.len(),
        columns: training.columns(),
        parameters: &training.parameters,
        seed: training.seed(),
        status: training.ended,
        notes: &training.notes,
    }
}

/// A list of objects, one a training.
///
/// # Errors
/// Where the text cannot be put together.
pub fn json(trainings: &[Training]) -> Result<String, serde_json::Error> {
    super::json::json(&trainings.iter().map(line).collect::<Vec<_>>())
}

fn ended(status: Option<Ended>) -> &'static str {
    match status {
        None => "",
        Some(Ended::Completed) => "completed",
        Some(Ended::Stopped) => "stopped",
        Some(Ended::Interrupted) => "interrupted",
        Some(Ended::Failed) => "failed",
    }
}

/// The text of a parameter.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Of parameters, those that differ from training to training, in the order in which they appear.
fn varying(trainings: &[Training]) -> Vec<&str> {
    let mut seen: HashMap<&str, (&Value, usize, bool)> = HashMap::new();
    let mut order: Vec<&str> = Vec::new();
    for (key, value) in trainings.iter().flat_map(|training| &training.parameters) {
        let (first, count, differs) = seen.entry(key).or_insert_with(|| {
            order.push(key);
            (value, 0, false)
        });
        *count += 1;
        *differs |= *first != value;
    }
    order.retain(|key| {
        seen.get(key).is_some_and(|(_, count, differs)| *differs || *count < trainings.len())
    });
    order
}

/// A line per training for a terminal, and beneath it what was noticed.
#[must_use]
pub fn table(trainings: &[Training], width: Option<usize>) -> String {
    let column = |cell: &dyn Fn(&Training) -> String| trainings.iter().map(cell).collect();
    let shown = varying(trainings);
    let parameters = |training: &Training| {
        let entries = training.parameters.iter();
        let mut entries: Vec<(&str, &Value)> =
            entries.map(|(key, value)| (key.as_str(), value)).collect();
        if trainings.len() > 1 {
            entries.retain(|(key, _)| shown.contains(key));
        }
        let more = entries.len().saturating_sub(NAMED);
        let mut parts: Vec<String> = entries
            .iter()
            .take(NAMED)
            .map(|(key, value)| format!("{key}={}", text(value)))
            .collect();
        if more > 0 {
            parts.push(format!("{more} more"));
        }
        parts.join(" ")
    };
    let columns = |training: &Training| {
        let all = training.columns();
        let mut parts: Vec<String> = all
            .iter()
            .take(NAMED)
            .map(|name| if name.is_empty() { "(unnamed)" } else { name }.to_owned())
            .collect();
        if all.len() > NAMED {
            parts.push(format!("{} more", all.len() - NAMED));
        }
        parts.join(" ")
    };
    let mut table = Table::new();
    table.push("training", Align::Left, 0, column(&|t| t.name.clone()));
    table.push("tool", Align::Left, 2, column(&|t| t.tool.to_owned()));
    table.push("epochs", Align::Right, 0, column(&|t| t.table.len().to_string()));
    table.push("ended", Align::Left, 1, column(&|t| ended(t.ended).to_owned()));
    table.push("parameters", Align::Left, 3, column(&parameters));
    table.push("columns", Align::Left, 4, column(&columns));
    let left_out = table.fit(width);
    let mut text = table.render();
    let noted: Vec<String> = trainings
        .iter()
        .flat_map(|training| {
            training.notes.iter().map(move |note| format!("{}: {note}", training.name))
        })
        .collect();
    if !noted.is_empty() {
        text.push('\n');
    }
    for note in noted {
        text.push_str(&super::wrap::wrap(&note, width.unwrap_or(usize::MAX), "  "));
    }
    if !left_out.is_empty() {
        text.extend(["\n", &narrow(&left_out), "\n"]);
    }
    text
}

/// A row per training; parameters have a column each.
///
/// # Errors
/// Where the text cannot be put together.
pub fn csv(trainings: &[Training]) -> Result<String, csv::Error> {
    let mut keys: Vec<&str> = Vec::new();
    let mut known = BTreeSet::new();
    for key in trainings.iter().flat_map(|training| training.parameters.keys()) {
        if known.insert(key) {
            keys.push(key);
        }
    }
    let mut table = csv::Writer::from_writer(Vec::new());
    let first = ["name", "tool", "path", "epochs", "columns", "seed", "status"];
    table.write_record(
        first
            .iter()
            .map(|name| (*name).to_owned())
            .chain(keys.iter().map(|k| format!("parameters.{k}"))),
    )?;
    for training in trainings {
        let own = [
            training.name.clone(),
            training.tool.to_owned(),
            training.path.display().to_string(),
            training.table.len().to_string(),
            training.columns().join(" "),
            training.seed().map(|seed| seed.to_string()).unwrap_or_default(),
            ended(training.ended).to_owned(),
        ];
        let of_key = |key: &&str| training.parameters.get(*key).map(text).unwrap_or_default();
        table.write_record(own.into_iter().chain(keys.iter().map(of_key)))?;
    }
    let bytes = table.into_inner().map_err(csv::IntoInnerError::into_error)?;
    String::from_utf8(bytes).map_err(|error| io::Error::other(error).into())
}

/// Every curve in one table: `training`, `epoch` by position from 1, and the columns of the logs under their own
/// names, where `epoch` of a log is called `epoch_of_log`. Columns without any value are left out.
///
/// # Errors
/// Where `out` cannot be written.
pub fn curves(trainings: &[Training], out: &mut dyn Write) -> Result<(), csv::Error> {
    let mut names: Vec<&str> = Vec::new();
    let mut known = BTreeSet::new();
    for training in trainings {
        for name in training.table.names().iter().skip(1) {
            if known.insert(name) {
                names.push(name);
            }
        }
    }
    let has_own = trainings.iter().any(|training| training.own_epochs.is_some());
    let mut table = csv::Writer::from_writer(out);
    let own = has_own.then_some(OWN);
    // A log's column may have the name of one of ours.
    let header = |name: &str| {
        if ["training", EPOCH, OWN].contains(&name) {
            format!("{name}_of_log")
        } else {
            name.to_owned()
        }
    };
    let ours = ["training", EPOCH].into_iter().chain(own).map(str::to_owned);
    table.write_record(ours.chain(names.iter().map(|name| header(name))))?;
    for training in trainings {
        let columns: Vec<Option<&[Option<f64>]>> =
            names.iter().map(|name| training.table.column_of_its_own(name)).collect();
        for epoch in 0..training.table.len() {
            let cell = |cells: Option<&[Option<f64>]>| {
                cells.and_then(|cells| *cells.get(epoch)?).map(float).unwrap_or_default()
            };
            let first = [training.name.clone(), (epoch + 1).to_string()];
            let own = has_own.then(|| cell(training.own_epochs.as_deref()));
            let rest = columns.iter().map(|cells| cell(*cells));
            table.write_record(first.into_iter().chain(own).chain(rest))?;
        }
    }
    table.flush()?;
    Ok(())
}
