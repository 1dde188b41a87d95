//! The config as a JSON Schema, from the types that read it.
//!
//! [`reference()`] has every key with its description, `default`, and in words what is `expected`; [`schema()`] is
//! that for editors, where a description holds all of it, with `[matrix]` and `[tune]`.

mod entry;
mod levels;
mod tidy;

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

pub use entry::{Entry, Form};

use super::cell::Cell;
use crate::stopping::Criterion;

/// What is written where a schema is asked for by name.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Every key of a config, `[matrix]` and `[tune]` aside, as a JSON Schema with a few words more.
#[must_use]
pub fn reference() -> Value {
    let mut generator = SchemaSettings::draft2020_12()
        .with(|settings| {
            settings.meta_schema = None;
            settings.inline_subschemas = true;
        })
        .into_generator();
    let rule = generator.subschema_for::<Criterion>().to_value();
    let mut root = generator.into_root_schema_for::<Cell>().to_value();
    root["$defs"] = json!({ "rule": rule });
    tidy::tidy(&mut root);
    root
}

/// The JSON Schema of a config (draft 2020-12).
#[must_use]
pub fn schema() -> Value {
    let mut root = reference();
    tidy::describe(&mut root);
    levels::add(&mut root);
    let mut schema = json!({
        "$schema": DIALECT,
        "title": "bnes",
        "description": "An experiment of bnes: a config in TOML or JSON.",
    });
    if let (Value::Object(schema), Value::Object(root)) = (&mut schema, root) {
        let rest = root.into_iter().filter(|(key, _)| key != "title" && key != "description");
        schema.extend(rest);
    }
    schema
}
