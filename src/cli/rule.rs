//! A stopping rule on the command line: the body of its table.

use std::sync::Arc;

use crate::spec::ConfigError;
use crate::spec::decode::decode;
use crate::spec::label;
use crate::spec::node::{Key, Node, Origin, Source, Value};
use crate::spec::parse::parse_toml_body;
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
pub(super) fn parse_rule(text: &str, defaults: Defaults) -> Result<WrittenRule, ConfigError> {
    let mut table = parse_toml_body(&source("--criterion", text))?;
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
    Ok(WrittenRule { label, rule: decode(&table)? })
}

fn source(option: &str, text: &str) -> Arc<Source> {
    Arc::new(Source { name: option.to_owned(), text: text.to_owned(), command_line: true })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> WrittenRule {
        parse_rule(text, Defaults::default()).unwrap()
    }

    fn message(text: &str) -> String {
        parse_rule(text, Defaults::default()).unwrap_err().to_string()
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
        assert!(
            parse_rule("kind = \"patience\"", test)
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
