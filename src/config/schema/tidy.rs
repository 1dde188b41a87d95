//! What derives write, as a person would have written it.

use serde_json::{Map, Value, json};

use crate::text::quoted;

/// Takes out what is of Rust alone, and says in words what is expected where nothing does.
pub(super) fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(table) => {
            for word in ["format", "title"] {
                if table.get(word).is_some_and(Value::is_string) {
                    table.remove(word);
                }
            }
            without_null(table);
            words(table);
            if let Some(Value::String(text)) = table.get_mut("description") {
                *text = plain(text);
            }
            expect(table);
            for value in table.values_mut() {
                tidy(value);
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(tidy),
        _ => {}
    }
}

/// A key that may be left out is not one that may be null: neither TOML nor a config in JSON has it.
fn without_null(table: &mut Map<String, Value>) {
    if table.get("default").is_some_and(Value::is_null) {
        table.remove("default");
    }
    if let Some(Value::Array(types)) = table.get_mut("type") {
        types.retain(|one| one != "null");
        if let [one] = &types[..] {
            let one = one.clone();
            table.insert("type".to_owned(), one);
        }
    }
    if let Some(Value::Array(any)) = table.get_mut("anyOf") {
        any.retain(|one| one["type"] != "null");
        if let [Value::Object(one)] = &any[..] {
            let one = one.clone();
            table.remove("anyOf");
            for (key, value) in one {
                table.entry(key).or_insert(value);
            }
        }
    }
}

/// Words with a description each become an `enum`, which editors complete, and their descriptions `words`.
fn words(table: &mut Map<String, Value>) {
    let Some(Value::Array(all)) = table.get("oneOf") else { return };
    let mut names = Vec::new();
    let mut does = Map::new();
    for one in all {
        match (one.get("const"), one.get("enum").and_then(Value::as_array)) {
            (Some(name), _) => {
                let text = one["description"].as_str().map(plain);
                does.insert(name.as_str().unwrap_or_default().to_owned(), json!(text));
                names.push(name.clone());
            }
            (None, Some(several)) => names.extend(several.iter().cloned()),
            (None, None) => return,
        }
    }
    table.remove("oneOf");
    table.insert("type".to_owned(), "string".into());
    table.insert("enum".to_owned(), Value::Array(names));
    table.insert("words".to_owned(), Value::Object(does));
}

/// A description without links into the source, on one line.
fn plain(text: &str) -> String {
    let plain = text.replace('\n', " ").replace("[`", "`").replace("`]", "`");
    plain.replace("`Statistics::Recalibrate`", "`recalibrate`")
}

fn expect(table: &mut Map<String, Value>) {
    if table.contains_key("expected") || table.contains_key("properties") {
        return;
    }
    let least = table.get("minimum").and_then(Value::as_u64).unwrap_or(0);
    let expected = match (table.get("type").and_then(Value::as_str), table.get("enum")) {
        (_, Some(Value::Array(names))) => {
            let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
            format!("one of {}", quoted(&names))
        }
        (Some("integer"), _) => format!("a whole number of at least {least}"),
        (Some("boolean"), _) => "true or false".to_owned(),
        (Some("string"), _) => "a string".to_owned(),
        (Some("number"), _) => "a number".to_owned(),
        (Some("array"), _) => match table["items"]["enum"].as_array() {
            Some(names) => {
                let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
                format!("a list of {}", quoted(&names))
            }
            None => "a list".to_owned(),
        },
        _ => return,
    };
    table.insert("expected".to_owned(), expected.into());
}

/// Puts all that is known of a key into its description, which is what editors show.
pub(super) fn describe(schema: &mut Value) {
    match schema {
        Value::Object(table) => {
            let mut text = Vec::new();
            if let Some(Value::String(description)) = table.get("description") {
                text.push(format!("{}.", description.trim_end_matches('.')));
            }
            if let Some(Value::String(expected)) = table.remove("expected") {
                text.push(format!("Expected: {expected}."));
            }
            if let Some(default) = table.get("default") {
                text.push(format!("Default: `{default}`."));
            }
            let mut text = text.join(" ");
            for list in ["words", "kinds"] {
                if let Some(Value::Object(words)) = table.remove(list) {
                    for (word, does) in words {
                        if let Some(does) = does.as_str() {
                            text.extend(["\n- `", word.as_str(), "`: ", does]);
                        }
                    }
                }
            }
            if !text.is_empty() && !table.contains_key("properties") {
                table.insert("description".to_owned(), text.into());
            }
            for value in table.values_mut() {
                describe(value);
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(describe),
        _ => {}
    }
}
