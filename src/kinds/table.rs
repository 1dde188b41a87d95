//! The JSON Schema of a table with a `kind`.
//!
//! As the table is read, so it is described: the keys of the kind are checked, those of its siblings may
//! hold anything, and there are no others.

use schemars::Schema;
use serde_json::{Map, Value, json};

use crate::text::with_article;

/// A kind with the JSON Schema of its settings.
#[derive(Debug, Clone)]
pub struct KindSchema {
    /// Its name.
    pub kind: &'static str,
    /// What it does, in a line.
    pub does: &'static str,
    /// Of its own keys.
    pub settings: Schema,
}

/// The schema of a table that has a kind, the keys of that kind and keys that all kinds share; `what` such a kind is
/// called, `default` the kind of a table that names none.
///
/// Beside what JSON Schema has words for, `kind` says in `kinds` what each does.
#[must_use]
pub fn table_schema(
    what: &str,
    default: Option<&str>,
    schemas: Vec<KindSchema>,
    shared: &Schema,
) -> Schema {
    let names: Vec<&str> = schemas.iter().map(|schema| schema.kind).collect();
    let does: Map<String, Value> =
        schemas.iter().map(|schema| (schema.kind.to_owned(), schema.does.into())).collect();
    let mut kind = json!({
        "description": format!("The name of {}.", with_article(what)),
        "enum": names,
        "kinds": does,
    });
    if let Some(default) = default {
        kind["default"] = default.into();
    }
    let mut properties = Map::from_iter([("kind".to_owned(), kind)]);
    let mut branches = Vec::new();
    for KindSchema { kind, settings, .. } in schemas {
        let own = settings.get("properties").and_then(Value::as_object);
        for key in own.into_iter().flat_map(Map::keys) {
            properties.entry(key.clone()).or_insert_with(|| json!({}));
        }
        let mut is = json!({ "properties": { "kind": { "const": kind } } });
        if default != Some(kind) {
            is["required"] = json!(["kind"]);
        }
        let mut then = Map::new();
        for part in ["properties", "required", "oneOf"] {
            if let Some(value) = settings.get(part) {
                then.insert(part.to_owned(), value.clone());
            }
        }
        if !then.is_empty() {
            branches.push(json!({ "if": is, "then": then }));
        }
    }
    if let Some(shared) = shared.get("properties").and_then(Value::as_object) {
        properties.extend(shared.clone());
    }
    let mut table = json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "allOf": branches,
    });
    if default.is_none() {
        table["required"] = json!(["kind"]);
    }
    let table = if let Value::Object(table) = table { table } else { Map::new() };
    Schema::from(table)
}
