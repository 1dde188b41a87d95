//! A stopping rule on the command line: the body of its table.

use serde::Deserialize;

use crate::compare::label;
use crate::stopping::StoppingRule;

/// A rule with the text that names it in reports.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct WrittenRule {
    /// `patience(patience=5)`: the settings that were written.
    pub label: String,
    /// What they mean.
    pub rule: StoppingRule,
}

/// What the command line says for rules that do not say it themselves.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Defaults<'a> {
    /// `--monitor`.
    pub monitor: Option<&'a str>,
    /// `--mode`.
    pub mode: Option<&'a str>,
}

/// Reads a rule such as `kind = "patience", patience = 5`.
pub(super) fn parse_rule(text: &str, defaults: Defaults) -> Result<WrittenRule, String> {
    let refused = |problem: &dyn std::fmt::Display| {
        format!("`{text}` is no stopping rule: {}", problem.to_string().trim_end())
    };
    let document: toml::Table = format!("rule = {{ {text} }}")
        .parse()
        .map_err(|e: toml::de::Error| refused(&e.message()))?;
    let one_table = document.get("rule").cloned().filter(|_| document.len() == 1);
    let Some(toml::Value::Table(mut table)) = one_table else {
        return Err(refused(&"expected the keys of one table"));
    };
    let json = serde_json::to_value(kind_first(&toml::Value::Table(table.clone())));
    let label = match json.map_err(|e| refused(&e))? {
        serde_json::Value::Object(written) => label::of_table(&written),
        _ => return Err(refused(&"expected the keys of one table")),
    };
    for (key, value) in [("monitor", defaults.monitor), ("mode", defaults.mode)] {
        if let Some(value) = value {
            table.entry(key).or_insert_with(|| toml::Value::String(value.to_owned()));
        }
    }
    let rule = StoppingRule::deserialize(kind_first(&toml::Value::Table(table)))
        .map_err(|e| refused(&e.message()))?;
    Ok(WrittenRule { label, rule })
}

/// The same with `kind` before the other keys of every table, which is how tables with a kind are
/// read.
fn kind_first(value: &toml::Value) -> toml::Value {
    match value {
        toml::Value::Table(table) => {
            let (kind, others): (Vec<_>, Vec<_>) =
                table.iter().partition(|(key, _)| key.as_str() == "kind");
            let ordered = kind.into_iter().chain(others);
            toml::Value::Table(ordered.map(|(k, v)| (k.clone(), kind_first(v))).collect())
        }
        toml::Value::Array(values) => toml::Value::Array(values.iter().map(kind_first).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> WrittenRule {
        parse_rule(text, Defaults::default()).unwrap()
    }

    fn message(text: &str) -> String {
        parse_rule(text, Defaults::default()).unwrap_err()
    }

    #[test]
    fn a_rule_is_the_body_of_its_table_in_any_order() {
        let rule = parsed("patience = 5, kind = \"patience\"");
        assert_eq!(rule.label, "patience(patience=5)");
        assert_eq!(rule.rule.kind(), "patience");
        let any = parsed(
            "kind = \"any\", rules = [{ patience = 3, kind = \"patience\" }, \
             { kind = \"time_budget\", seconds = 1.5 }]",
        );
        assert_eq!(any.label, "any(rules=[patience(patience=3), time_budget(seconds=1.5)])");
    }

    #[test]
    fn a_rule_says_more_than_the_command_line() {
        let defaults = Defaults { monitor: Some("val_accuracy"), mode: Some("max") };
        let own = parse_rule("kind = \"patience\", monitor = \"val_f1\", mode = \"min\"", defaults);
        let own = own.unwrap().rule.monitored;
        assert_eq!((own.column.as_str(), own.maximize), ("val_f1", false));
        let given = parse_rule("kind = \"patience\"", defaults).unwrap();
        assert_eq!(given.label, "patience");
        assert_eq!(given.rule.monitored.column, "val_accuracy");
        let test = Defaults { monitor: Some("test_loss"), mode: None };
        assert!(parse_rule("kind = \"patience\"", test).unwrap_err().contains("test column"));
    }

    #[test]
    fn what_is_no_rule_is_refused_with_its_text() {
        assert!(message("kind = \"patince\"").contains("patince"));
        assert!(message("patience = 5").contains("`kind` is missing"));
        assert!(message("kind = \"patience\", patience = -1").contains("is no stopping rule"));
        assert!(message("kind = \"slope\", window = 5").contains("not yet built"));
        assert!(message("kind =").contains("`kind =` is no stopping rule"));
        assert!(message("} , x = {").contains("is no stopping rule"));
        assert!(message("kind = \"none\" }\nx = {").contains("the keys of one table"));
    }
}
