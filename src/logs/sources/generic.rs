//! Any table, and any JSON in which columns or rows can be told.

use crate::logs::assemble::{column, columns, put_object};
use crate::logs::input::Origin;
use crate::logs::json::Json as Value;
use crate::logs::source::{Drafts, Source};
use crate::logs::training::Draft;

/// Any table.
pub(in crate::logs) struct Csv;

impl Source for Csv {
    fn tool(&self) -> &'static str {
        "csv"
    }
}

/// Any JSON: a list of objects, which are rows, or an object of lists, which are columns.
pub(in crate::logs) struct Json;

impl Source for Json {
    fn tool(&self) -> &'static str {
        "json"
    }

    fn takes_table(&self, _: &[String], origin: &Origin) -> bool {
        let name = origin.file_name().to_lowercase();
        [".json", ".jsonl", ".ndjson"].iter().any(|ending| name.ends_with(ending))
    }

    fn json(&self, json: &Value, origin: &Origin) -> Option<Drafts> {
        let rows = match json {
            Value::List(items) if items.iter().all(|item| item.entries().is_some()) => {
                let mut rows = origin.rows();
                let put = items.iter().enumerate().try_for_each(|(at, item)| {
                    rows.begin(at as u64 + 1);
                    put_object(&mut rows, "", item)
                });
                put.map(|()| rows)
            }
            Value::Object(entries) => {
                let found: Vec<_> = entries
                    .iter()
                    .filter_map(|(name, value)| Some((&**name, column(value)?)))
                    .collect();
                let longest = found.iter().map(|(_, values)| values.len()).max()?;
                if found.iter().any(|(_, values)| values.len() != longest) || longest < 2 {
                    return None;
                }
                columns(origin, &found, 1)
            }
            // A single object of a JSON lines log is a row.
            _ => return None,
        };
        if rows.as_ref().is_ok_and(|rows| rows.names().is_empty()) {
            return None;
        }
        Some(rows.map(|rows| {
            let mut draft = Draft::new(&origin.stem, self.tool(), origin.path.clone(), rows);
            draft.rows_are_epochs = json.entries().is_some();
            vec![draft]
        }))
    }
}
