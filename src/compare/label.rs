//! How levels and rules are called.

use serde_json::{Map, Value};

use crate::config::label::of_settings;

/// Keys of a rule's table that say which column and weights it is about, not when it fires.
const SHARED: [&str; 3] = ["monitor", "mode", "restore_best"];

/// A level as text: a string without quotes, anything else as JSON.
#[must_use]
pub fn text(level: &Value) -> String {
    match level {
        Value::String(text) => text.clone(),
        Value::Null => "absent".to_owned(),
        other => other.to_string(),
    }
}

/// Whether `wanted` is this level: the same value, or the text that results write for it.
#[must_use]
pub fn names_level(wanted: &Value, level: &Value) -> bool {
    match (wanted, level) {
        (Value::Array(wanted), Value::Array(level)) => {
            wanted.len() == level.len() && wanted.iter().zip(level).all(|(w, l)| names_level(w, l))
        }
        (wanted, Value::Number(number)) => {
            text(wanted).parse::<f64>().ok().is_some_and(|wanted| number.as_f64() == Some(wanted))
        }
        _ => text(wanted) == text(level),
    }
}

/// Whether settings have every key of `wanted`, at its value.
#[must_use]
pub fn have_settings(settings: &Map<String, Value>, wanted: &Map<String, Value>) -> bool {
    wanted.iter().all(|(key, wanted)| match (settings.get(key), wanted) {
        (Some(Value::Object(settings)), Value::Object(wanted)) => have_settings(settings, wanted),
        (Some(value), wanted) => names_level(wanted, value),
        (None, _) => false,
    })
}

fn kind(table: &Map<String, Value>) -> &str {
    table.get("kind").and_then(Value::as_str).unwrap_or("none")
}

/// The names of rules beside each other: the kind of each where that is unique, else with the
/// settings in which the rules of that kind differ.
#[must_use]
pub fn of_rules(rules: &[&Map<String, Value>]) -> Vec<String> {
    // Many experiments share a few rules.
    let mut distinct: Vec<&Map<String, Value>> = Vec::new();
    for rule in rules {
        if !distinct.contains(rule) {
            distinct.push(rule);
        }
    }
    rules
        .iter()
        .map(|rule| {
            let alike: Vec<_> = distinct
                .iter()
                .filter(|other| kind(other) == kind(rule) && *other != rule)
                .collect();
            let differs = |key: &str| alike.iter().any(|other| other.get(key) != rule.get(key));
            let own: Vec<&str> =
                rule.keys().map(String::as_str).filter(|key| differs(key)).collect();
            let (shared, mut keys): (Vec<&str>, Vec<&str>) =
                own.into_iter().partition(|key| SHARED.contains(key));
            keys.extend(shared);
            of_settings(rule, keys.into_iter())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::label::value_of;
    use crate::results::fixtures::map;

    #[test]
    fn a_rule_is_its_kind_where_that_is_unique_else_what_it_differs_in() {
        let none = map(json!({"kind": "none", "monitor": "val_loss"}));
        let five = map(json!({"kind": "patience", "patience": 5, "min_delta": 0.0}));
        let ten = map(json!({"kind": "patience", "patience": 10, "min_delta": 0.0}));
        assert_eq!(of_rules(&[&none, &five]), ["none", "patience"]);
        assert_eq!(
            of_rules(&[&none, &five, &ten]),
            ["none", "patience(patience=5)", "patience(patience=10)"]
        );
    }

    #[test]
    fn rules_of_one_kind_are_told_apart_as_they_were_written() {
        let of = |seconds: f64| {
            map(json!({"kind": "any", "rules": [
                {"kind": "patience", "patience": 5}, {"kind": "time_budget", "seconds": seconds}]}))
        };
        assert_eq!(
            of_rules(&[&of(2.5), &of(5.0)]),
            [
                "any(rules=[patience(patience=5), time_budget(seconds=2.5)])",
                "any(rules=[patience(patience=5), time_budget(seconds=5.0)])"
            ]
        );
    }

    #[test]
    fn a_number_is_named_by_its_value() {
        let names_level = |written: &str, level: Value| names_level(&value_of(written), &level);
        assert!(names_level("1e-3", json!(0.001)) && names_level("32", json!(32)));
        assert!(names_level("batch", json!("batch")) && names_level("\"batch\"", json!("batch")));
        assert!(names_level("true", json!(true)) && !names_level("1", json!(true)));
        assert!(names_level("patience(patience=2)", json!("patience(patience=2)")));
        assert!(names_level("[8, 4]", json!([8, 4])) && names_level("[8,4]", json!([8, 4])));
        assert!(names_level("[8.0, 4]", json!([8, 4])) && !names_level("[8]", json!([8, 4])));
    }

    #[test]
    fn settings_are_named_by_some_of_their_keys() {
        let rule = map(json!({"kind": "any", "rules": [1, 2], "of": {"a": 1, "b": 2.0}}));
        let has = |wanted: Value| have_settings(&rule, &map(wanted));
        assert!(has(json!({"kind": "any"})) && has(json!({"of": {"b": 2}, "rules": [1.0, 2]})));
        assert!(!has(json!({"kind": "any", "count": 1})) && !has(json!({"of": {"a": 2}})));
    }
}
