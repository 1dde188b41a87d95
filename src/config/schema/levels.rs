//! `[matrix]` and `[tune]`: every key below, with a list of what may be written there.

use serde_json::{Map, Value, json};

use super::entry::Entry;

/// What is of the whole experiment, and cannot be varied.
const FIXED: [&str; 7] = ["name", "seed", "matrix", "tune", "gate", "checkpoint", "log"];
/// What is varied and not tuned.
const NOT_TUNED: [&str; 3] = ["data", "evaluation", "early_stopping"];
/// Keys whose values are no levels of one experiment, or no values to choose from.
const NO_LEVELS: [&str; 1] = ["data.split.seed"];
const NO_VALUES: [&str; 2] = ["training.epochs", "training.loss"];

/// Adds both tables to the schema of a config, and says what is required only where neither may give it.
pub(super) fn add(root: &mut Value) {
    let tables = root["properties"].clone();
    let mut defs = root["$defs"].as_object().cloned().unwrap_or_default();
    let mut whole = Map::new();
    for (name, table) in tables.as_object().into_iter().flatten() {
        if FIXED.contains(&name.as_str()) {
            continue;
        }
        define(name, table, &mut defs);
        let mut lenient = table.clone();
        if let Some(required) = take_required(&mut lenient) {
            whole.insert(name.clone(), required);
        }
        root["properties"][name] = lenient;
    }
    let matrix = lists(&tables, "", &|key| !FIXED.contains(&key) && !NO_LEVELS.contains(&key));
    let tune = lists(&tables, "", &|key| {
        !FIXED.contains(&key) && !NOT_TUNED.contains(&key) && !NO_VALUES.contains(&key)
    });
    for (name, mut lists, seed) in [("matrix", matrix, "seed"), ("tune", tune, "seeds")] {
        if name == "tune" {
            // Whole tables of it hold keys that are not tuned.
            lists["training"]["type"] = "object".into();
        }
        lists.insert(seed.to_owned(), seeds());
        let table = &mut root["properties"][name];
        table["properties"] = Value::Object(lists);
        table["additionalProperties"] = false.into();
    }
    root["$defs"] = Value::Object(defs);
    let varied = json!({ "anyOf": [{ "required": ["matrix"] }, { "required": ["tune"] }] });
    let required = root.as_object_mut().and_then(|root| root.remove("required"));
    root["allOf"] = json!([{
        "if": varied,
        "else": { "required": required, "properties": whole },
    }]);
}

fn is_table(schema: &Value) -> bool {
    schema["type"] == "object"
}

/// The name of what defines the list of a key's levels.
fn levels_of(path: &str) -> String {
    format!("levels of {path}")
}

fn list_of(path: &str) -> Value {
    json!({
        "description": format!("What `{path}` is in turn."),
        "type": "array",
        "items": reference(path),
        "minItems": 1,
        "uniqueItems": true,
    })
}

fn reference(path: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{path}").replace(' ', "%20") })
}

fn joined(around: &str, name: &str) -> String {
    if around.is_empty() { name.to_owned() } else { format!("{around}.{name}") }
}

/// A definition of every key and table from this one down.
fn define(path: &str, schema: &Value, defs: &mut Map<String, Value>) {
    let mut definition = schema.clone();
    for Entry { name, forms } in Entry::of(schema) {
        let path = joined(path, name);
        match &forms[..] {
            [form] => {
                define(&path, form.schema, defs);
                if form.kinds.is_empty() {
                    definition["properties"][name] = reference(&path);
                }
            }
            several => {
                let mut any: Vec<&Value> = several.iter().map(|form| form.schema).collect();
                any.dedup();
                defs.insert(levels_of(&path), list_of(&path));
                defs.insert(path, json!({ "anyOf": any }));
            }
        }
    }
    if !is_table(schema) {
        defs.insert(levels_of(path), list_of(path));
    }
    defs.insert(path.to_owned(), definition);
}

/// By key, as they stand below `around`, dotted or in tables: the list of what may be written.
fn lists(table: &Value, around: &str, is_listed: &dyn Fn(&str) -> bool) -> Map<String, Value> {
    let mut lists = Map::new();
    let mut add = |name: &str, schema: Option<&Value>| {
        let path = joined(around, name);
        if !is_listed(&path) {
            return;
        }
        if let Some(table) = schema.filter(|schema| is_table(schema)) {
            let mut list = list_of(&path);
            let below = self::lists(table, &path, is_listed);
            let dotted: Vec<_> =
                below.iter().map(|(key, list)| (format!("{name}.{key}"), list.clone())).collect();
            list["type"] = json!(["array", "object"]);
            list["properties"] = Value::Object(below);
            list["additionalProperties"] = false.into();
            lists.insert(name.to_owned(), list);
            lists.extend(dotted);
        } else {
            lists.insert(name.to_owned(), reference(&levels_of(&path)));
        }
    };
    if around.is_empty() {
        for (name, schema) in table.as_object().into_iter().flatten() {
            add(name, Some(schema));
        }
    } else {
        for entry in Entry::of(table) {
            add(entry.name, entry.table());
        }
    }
    lists
}

fn seeds() -> Value {
    json!({
        "description": "A list of seeds, or \"a..b\" for a to b - 1.",
        "anyOf": [
            { "type": "string", "pattern": r"^\s*\d+\s*\.\.\s*\d+\s*$" },
            { "type": "array", "items": { "type": "integer", "minimum": 0 }, "minItems": 1, "uniqueItems": true }
        ]
    })
}

/// Takes out of a table, and of those in it, what has to be there; a schema that asks for just that.
fn take_required(table: &mut Value) -> Option<Value> {
    let mut whole = Map::new();
    let table = table.as_object_mut()?;
    for word in ["required", "oneOf"] {
        if let Some(required) = table.remove(word) {
            whole.insert(word.to_owned(), required);
        }
    }
    let mut properties = Map::new();
    for (name, schema) in
        table.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten()
    {
        if is_table(schema)
            && let Some(required) = take_required(schema)
        {
            properties.insert(name.clone(), required);
        }
    }
    if !properties.is_empty() {
        whole.insert("properties".to_owned(), Value::Object(properties));
    }
    let mut branches = Vec::new();
    for branch in table.get_mut("allOf").and_then(Value::as_array_mut).into_iter().flatten() {
        let is = branch["if"].clone();
        if let Some(required) = take_required(&mut branch["then"]) {
            branches.push(json!({ "if": is, "then": required }));
        }
    }
    if !branches.is_empty() {
        whole.insert("allOf".to_owned(), Value::Array(branches));
    }
    (!whole.is_empty()).then_some(Value::Object(whole))
}
