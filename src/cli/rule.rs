//! A stopping rule on the command line: the body of its table.

use std::sync::Arc;

use crate::config::ConfigError;
use crate::config::decode::decode;
use crate::config::label;
use crate::config::node::{Key, Node, Origin, Source, Value};
use crate::config::parse::parse_toml_body;
use crate::replay::Candidate;

/// What the command line says for rules that do not say it themselves.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Defaults<'a> {
    /// `--monitor`.
    pub monitor: Option<&'a str>,
    /// `--mode`.
    pub mode: Option<&'a str>,
}

/// Reads a rule such as `kind = "patience", patience = 5`; a list of values, where a rule takes one,
/// is a rule for each: `patience = [3, 5, 10]`.
pub(super) fn parse_rules(text: &str, defaults: Defaults) -> Result<Vec<Candidate>, ConfigError> {
    let table = parse_toml_body(&source("--criterion", text))?;
    expanded(&table).into_iter().map(|table| parse_one(table, defaults)).collect()
}

fn parse_one(mut table: Node, defaults: Defaults) -> Result<Candidate, ConfigError> {
    let label = label::written(&table);
    if let Value::Table(entries) = &mut table.value {
        for (option, key, value) in
            [("--monitor", "monitor", defaults.monitor), ("--mode", "mode", defaults.mode)]
        {
            let Some(value) = value else { continue };
            if entries.iter().all(|(entry, _)| entry.name != key) {
                let source = source(option, value);
                let origin = Origin::new(&source, 0..value.len());
                let name = Key { name: key.to_owned(), origin: origin.clone() };
                entries.push((name, Node { value: Value::Str(value.to_owned()), origin }));
            }
        }
    }
    Ok(Candidate { label, rule: decode(&table)? })
}

/// The key whose value is a list by itself.
const RULES: &str = "rules";

/// Every table that a table with lists of values stands for; the last list varies fastest.
fn expanded(table: &Node) -> Vec<Node> {
    let Value::Table(entries) = &table.value else { return vec![table.clone()] };
    let mut tables: Vec<Vec<(Key, Node)>> = vec![Vec::new()];
    for (key, node) in entries {
        let values = match &node.value {
            Value::List(rules) if key.name == RULES => product(rules)
                .into_iter()
                .map(|rules| Node { value: Value::List(rules), origin: node.origin.clone() })
                .collect(),
            Value::List(values) if !values.is_empty() => values.iter().flat_map(expanded).collect(),
            _ => expanded(node),
        };
        tables = tables
            .iter()
            .flat_map(|table| {
                let with =
                    |value: &Node| [table.as_slice(), &[(key.clone(), value.clone())]].concat();
                values.iter().map(with).collect::<Vec<_>>()
            })
            .collect();
    }
    let whole = |entries| Node { value: Value::Table(entries), origin: table.origin.clone() };
    tables.into_iter().map(whole).collect()
}

/// The choices of one expansion of each rule.
fn product(rules: &[Node]) -> Vec<Vec<Node>> {
    rules.iter().fold(vec![Vec::new()], |lists, rule| {
        let choices = expanded(rule);
        let with = |list: &Vec<Node>| {
            let longer = |rule: &Node| [list.as_slice(), std::slice::from_ref(rule)].concat();
            choices.iter().map(longer).collect::<Vec<_>>()
        };
        lists.iter().flat_map(with).collect()
    })
}

fn source(option: &str, text: &str) -> Arc<Source> {
    Arc::new(Source { name: option.to_owned(), text: text.to_owned(), command_line: true })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Candidate {
        let mut rules = parse_rules(text, Defaults::default()).unwrap();
        assert_eq!(rules.len(), 1);
        rules.remove(0)
    }

    fn labels(text: &str) -> Vec<String> {
        let rules = parse_rules(text, Defaults::default()).unwrap();
        rules.into_iter().map(|rule| rule.label).collect()
    }

    #[test]
    fn a_list_of_values_is_a_rule_for_each() {
        assert_eq!(
            labels("kind = \"patience\", patience = [3, 5], min_delta = [0.0, 0.1]"),
            [
                "patience(patience=3, min_delta=0.0)",
                "patience(patience=3, min_delta=0.1)",
                "patience(patience=5, min_delta=0.0)",
                "patience(patience=5, min_delta=0.1)",
            ]
        );
        assert_eq!(labels("kind = [\"keras\", \"lightning\"]"), ["keras", "lightning"]);
        assert_eq!(
            labels(
                "kind = \"any\", rules = [{ kind = \"patience\", patience = [3, 5] }, \
                 { kind = \"divergence\", factor = 2.0 }]"
            ),
            [
                "any(rules=[patience(patience=3), divergence(factor=2.0)])",
                "any(rules=[patience(patience=5), divergence(factor=2.0)])",
            ]
        );
        let wrong = message("kind = \"patience\", patience = [3, -1]");
        assert!(wrong.contains("-1"), "{wrong}");
        assert!(message("kind = \"patience\", patience = []").contains("patience"));
    }

    fn message(text: &str) -> String {
        parse_rules(text, Defaults::default()).unwrap_err().to_string()
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
        let own =
            parse_rules("kind = \"patience\", monitor = \"val_f1\", mode = \"min\"", defaults);
        let own = own.unwrap().remove(0).rule.monitored;
        assert_eq!((own.column.as_str(), own.maximize), ("val_f1", false));
        let given = parse_rules("kind = \"patience\"", defaults).unwrap().remove(0);
        assert_eq!(given.label, "patience");
        assert_eq!(given.rule.monitored.column, "val_accuracy");
        let test = Defaults { monitor: Some("test_loss"), mode: None };
        assert!(
            parse_rules("kind = \"patience\"", test)
                .unwrap_err()
                .to_string()
                .contains("test column")
        );
    }

    #[test]
    fn what_is_no_rule_is_refused_at_its_place() {
        let typo = message("kind = \"patince\"");
        assert!(typo.contains("--criterion kind = \"patince\"") || typo.contains("--criterion"));
        assert!(typo.contains("`patience`"), "{typo}");
        assert!(message("patience = 5").contains("`kind` is missing"));
        assert!(message("kind = \"patience\", patience = -1").contains("-1"));
        let missing = message("kind = \"slope\", window = 5");
        assert!(missing.contains("`min_slope` is missing"), "{missing}");
        let short = message("kind = \"slope\", window = 1, min_slope = 0");
        assert!(
            short.contains("1 is out of range: expected a whole number of at least 2"),
            "{short}"
        );
        assert!(message("kind =").contains("not valid TOML"));
        assert!(message("} , x = {").contains("not valid TOML"));
    }
}
