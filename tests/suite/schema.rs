//! The schema of configs says what serde reads: its keys, limits, words and defaults are those of the types, and the
//! reference in the docs has them all.

use std::fs;
use std::path::Path;

use bnes::config::schema::{Entry, reference, schema};
use bnes::config::{Experiment, Overrides};
use serde_json::{Value, json};

use crate::common::Place;

/// A key of a table, for one of its kinds where it has any.
struct Key {
    table: String,
    name: String,
    kind: Option<String>,
    schema: Value,
    /// Of its kind, what else has to be there.
    others: Vec<(String, Value)>,
}

/// A table where it stands in a config; of gates there is a list.
fn within(path: &str, table: Value) -> Value {
    let names = path.split('.').rev().filter(|name| !name.is_empty());
    names.fold(table, |table, name| {
        let table = if name == "gate" { json!([table]) } else { table };
        json!({ name: table })
    })
}

impl Key {
    fn path(&self) -> String {
        if self.table.is_empty() {
            self.name.clone()
        } else {
            format!("{}.{}", self.table, self.name)
        }
    }

    /// What a config with this value is refused for.
    fn refused(&self, value: &Value) -> Option<String> {
        let mut table = json!({ self.name.clone(): value });
        if let Some(kind) = &self.kind {
            table["kind"] = kind.as_str().into();
        }
        for (name, value) in &self.others {
            table[name] = value.clone();
        }
        let mut table = within(&self.table, table);
        if table["data"]["source"].is_null() {
            if table["data"].is_null() {
                table["data"] = json!({});
            }
            table["data"]["source"] = "digits".into();
        }
        parse(&table).err()
    }
}

fn parse(config: &Value) -> Result<Experiment, String> {
    let text = config.to_string();
    Experiment::parse("a.json", &text, Path::new(""), &Overrides::default())
        .map_err(|error| error.to_string())
}

/// A value that a schema takes.
fn sample(schema: &Value) -> Value {
    if let Some(words) = schema["enum"].as_array() {
        return words[0].clone();
    }
    match schema["type"].as_str() {
        Some("integer") => json!(3),
        Some("number") => [0.5, 1.5]
            .map(|number| json!(number))
            .into_iter()
            .find(|n| is_within(schema, n))
            .unwrap(),
        Some("array") => json!([{ "kind": "none" }]),
        _ => json!("val_loss"),
    }
}

fn is_within(schema: &Value, number: &Value) -> bool {
    let number = number.as_f64().unwrap();
    let holds = |word: &str, holds: fn(f64, f64) -> bool| {
        schema[word].as_f64().is_none_or(|limit| holds(number, limit))
    };
    holds("minimum", |n, limit| n >= limit)
        && holds("exclusiveMinimum", |n, limit| n > limit)
        && holds("maximum", |n, limit| n <= limit)
        && holds("exclusiveMaximum", |n, limit| n < limit)
}

/// Every key of every kind.
fn keys() -> Vec<Key> {
    fn collect(table: &Value, path: &str, keys: &mut Vec<Key>) {
        for entry in Entry::of(table) {
            if let Some(inner) = entry.table() {
                let path = if path.is_empty() {
                    entry.name.to_owned()
                } else {
                    format!("{path}.{}", entry.name)
                };
                collect(inner, &path, keys);
                continue;
            }
            for form in &entry.forms {
                let of_kinds: Vec<Option<&str>> = match &form.kinds[..] {
                    [] if table["required"] == json!(["kind"]) => vec![Some("none")],
                    [] => vec![None],
                    kinds => kinds.iter().copied().map(Some).collect(),
                };
                for kind in of_kinds {
                    let others = others(table, kind, entry.name);
                    keys.push(Key {
                        table: path.to_owned(),
                        name: entry.name.to_owned(),
                        kind: kind.map(str::to_owned),
                        schema: form.schema.clone(),
                        others,
                    });
                }
            }
        }
    }
    let mut keys = Vec::new();
    collect(&reference(), "", &mut keys);
    keys.retain(|key| {
        key.name != "kind" && !["name", "matrix", "tune"].contains(&key.name.as_str())
    });
    assert!(keys.len() > 150, "{}", keys.len());
    keys
}

/// What a kind requires beside a key.
fn others(table: &Value, kind: Option<&str>, name: &str) -> Vec<(String, Value)> {
    let branches = table["allOf"].as_array().into_iter().flatten();
    let mut branches =
        branches.filter(|branch| branch["if"]["properties"]["kind"]["const"].as_str() == kind);
    let Some(then) = branches.next().map(|branch| &branch["then"]).filter(|_| kind.is_some())
    else {
        return Vec::new();
    };
    let mut names: Vec<&str> = Vec::new();
    names.extend(then["required"].as_array().into_iter().flatten().filter_map(Value::as_str));
    let choices = || {
        then["oneOf"].as_array().into_iter().flatten().filter_map(|one| one["required"][0].as_str())
    };
    if !choices().any(|choice| choice == name) {
        names.extend(choices().next());
    }
    let names = names.into_iter().filter(|other| *other != name);
    names.map(|name| (name.to_owned(), sample(&then["properties"][name]))).collect()
}

#[test]
fn a_number_is_out_of_range_where_the_schema_says_so() {
    let mut looked_at = 0;
    for key in keys() {
        let schema = &key.schema;
        let numbers: Vec<Value> = match schema["type"].as_str() {
            Some("integer") => [0, 1, 2].map(|n| json!(n)).into(),
            Some("number") => {
                [-1.0, 0.0, 1e-300, 1e-39, 1e-37, 0.5, 1.0, 1.5, 2.0, 1e39].map(|n| json!(n)).into()
            }
            _ => continue,
        };
        for number in numbers {
            let refused =
                key.refused(&number).is_some_and(|error| error.contains("is out of range"));
            // 0 < n < 1.2e-38 is the one gap inside of limits that a schema leaves open.
            let tiny = number.as_f64().is_some_and(|n| n > 0.0 && n < 1e-38);
            if tiny && is_within(schema, &number) {
                continue;
            }
            assert_eq!(
                refused,
                !is_within(schema, &number),
                "{} of {:?}: {number}, {schema:#}",
                key.path(),
                key.kind
            );
            looked_at += 1;
        }
    }
    assert!(looked_at > 500, "{looked_at}");
}

#[test]
fn a_default_written_out_changes_nothing() {
    let mut looked_at = 0;
    for key in keys() {
        let Some(default) = key.schema.get("default") else { continue };
        assert_eq!(key.refused(default), None, "{}", key.path());
        let whole = |with: bool| {
            let mut table = json!({});
            if let Some(kind) = &key.kind {
                table["kind"] = kind.as_str().into();
            }
            for (name, value) in &key.others {
                table[name] = value.clone();
            }
            if with {
                table[&key.name] = default.clone();
            }
            let mut table = within(&key.table, table);
            if table["data"].is_null() {
                table["data"] = json!({});
            }
            table["data"]["source"] = "digits".into();
            let experiment = parse(&table).unwrap();
            let first = experiment.trainings.first().unwrap();
            let rules: Vec<Value> = first.arms.iter().map(|arm| json!(arm.rule)).collect();
            (
                json!(first.config.table()),
                rules,
                format!("{:?}{:?}", experiment.checkpoint, experiment.log),
            )
        };
        assert_eq!(whole(true), whole(false), "{} of {:?}", key.path(), key.kind);
        looked_at += 1;
    }
    assert!(looked_at > 80, "{looked_at}");
}

#[test]
fn every_word_of_the_schema_is_one_and_no_other_is() {
    for key in keys() {
        let words = key.schema["enum"].as_array().cloned().unwrap_or_default();
        for word in &words {
            let refused = key.refused(word).is_some_and(|error| error.contains("unknown value"));
            assert!(!refused, "{}: {word}", key.path());
        }
        if !words.is_empty() {
            // serde lists the words that it knows.
            let error = key.refused(&json!("nonesuch")).unwrap();
            let help = error
                .lines()
                .find(|line| line.contains("There are: "))
                .unwrap_or_else(|| panic!("{error}"));
            assert_eq!(help.matches('`').count(), 2 * words.len(), "{}: {help}", key.path());
        }
        assert!(!key.schema["description"].is_null(), "{} says nothing of itself", key.path());
        assert!(!key.schema["expected"].is_null(), "{} does not say what is expected", key.path());
    }
}

/// The dotted keys of a table, with the elements of lists of tables.
fn dotted(table: &Value, around: &str, keys: &mut Vec<String>) {
    for (name, value) in table.as_object().unwrap() {
        let path = if around.is_empty() { name.clone() } else { format!("{around}.{name}") };
        if value.is_object() { dotted(value, &path, keys) } else { keys.push(path) }
    }
}

#[test]
fn every_key_that_serde_knows_is_in_the_schema() {
    let known: Vec<String> = keys().iter().map(Key::path).collect();
    for key in keys() {
        let mut wrong = json!({ "nonesuch": 0 });
        if let Some(kind) = &key.kind {
            wrong["kind"] = kind.as_str().into();
        }
        let wrong = within(&key.table, wrong);
        if key.table.is_empty() {
            continue;
        }
        let error = parse(&wrong).unwrap_err();
        // serde lists the keys that it knows in this table.
        let help = error
            .lines()
            .find(|line| line.contains("There are: "))
            .unwrap_or_else(|| panic!("{error}"));
        for listed in help.split('`').skip(1).step_by(2).filter(|name| *name != "kind") {
            let path = format!("{}.{listed}", key.table);
            let root = reference();
            let schema = path.split('.').fold(&root, |at, name| {
                let of_each = &at["items"]["properties"][name];
                if of_each.is_null() { &at["properties"][name] } else { of_each }
            });
            let is_table = schema["type"] == "object";
            assert!(known.contains(&path) || is_table, "{path}");
        }
    }
    // And so are those of the config that `bnes check` prints.
    let place = Place::new();
    for norm in ["none", "batch", "batch_renorm", "ghost_batch", "mean_only_batch", "group"] {
        let args = ["check", "--format", "json", "--set", "matrix={}", "--set"];
        let norm = format!("model.norm={{kind=\"{norm}\"}}");
        let json: Value =
            serde_json::from_str(&place.succeeds(&[&args[..], &[&norm]].concat())).unwrap();
        let config: toml::Value = toml::from_str(json["config"].as_str().unwrap()).unwrap();
        let mut written = Vec::new();
        dotted(&json!(config), "", &mut written);
        for path in
            written.iter().filter(|path| path.rsplit('.').next() != Some("kind") && *path != "name")
        {
            assert!(known.contains(path), "{path}");
        }
    }
}

#[test]
fn the_reference_in_the_docs_has_every_key_with_its_default() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let page = fs::read_to_string(docs.join("config.md")).unwrap();
    let rules = fs::read_to_string(docs.join("rules.md")).unwrap();
    for key in keys() {
        let place = format!("`{}`", key.path());
        let text = page.clone() + &rules;
        let short = key.path().split_once('.').map_or(key.path(), |(_, rest)| rest.to_owned());
        let is_there = [&key.name, &short].iter().any(|name| {
            text.contains(&format!("`{name}`")) || text.contains(&format!("`{name} = "))
        });
        assert!(is_there, "{place} is in neither docs/config.md nor docs/rules.md");
        let Some(default) = key.schema.get("default").filter(|_| key.kind.is_none()) else {
            continue;
        };
        let row = |name: &str| {
            let is_of = |cell: &str| cell.contains(&format!("`{name}`"));
            page.lines().find(|line| line.split('|').nth(1).is_some_and(is_of))
        };
        let row = row(&short).or_else(|| row(&key.name));
        let Some(row) = row else { continue };
        let defaults = row.split('|').nth(2).unwrap();
        let shown = default.to_string().replace(',', ", ");
        assert!(
            defaults.contains(&format!("`{shown}`")),
            "{place}: {shown} is not the default in docs/config.md:{defaults}"
        );
    }
}

/// What a reference names is there, and no word of ours is left.
fn look(value: &Value, root: &Value) {
    match value {
        Value::Object(table) => {
            for word in ["expected", "words", "kinds"] {
                assert!(
                    !table.get(word).is_some_and(|word| word.is_string() || word.is_object()),
                    "{value:#}"
                );
            }
            if let Some(Value::String(name)) = table.get("$ref") {
                let name = &name.strip_prefix("#/$defs/").unwrap().replace("%20", " ");
                assert!(!root["$defs"][name].is_null(), "{name}");
            }
            table.values().for_each(|value| look(value, root));
        }
        Value::Array(elements) => elements.iter().for_each(|value| look(value, root)),
        _ => {}
    }
}

#[test]
fn the_schema_stands_by_itself() {
    let schema = schema();
    look(&schema, &schema);
    for key in keys().iter().filter(|key| key.path() != "seed" && key.path() != "data.split.seed") {
        let is_varied = !schema["properties"]["matrix"]["properties"][key.path()].is_null();
        assert_eq!(
            is_varied,
            !["gate", "checkpoint", "log"].contains(&key.table.as_str()),
            "{}",
            key.path()
        );
    }
}
