//! Which column a stopping rule watches.

use serde_json::{Map, Value};

use crate::stopping::larger_is_better;

/// What a rule's table watches.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Monitor {
    pub column: String,
    pub maximize: bool,
}

impl Monitor {
    pub fn of(rule: &Map<String, Value>) -> Self {
        let text = |key: &str| rule.get(key).and_then(Value::as_str);
        let column = text("monitor").unwrap_or("val_loss").to_owned();
        let maximize = match text("mode") {
            Some("max") => true,
            Some("min") => false,
            _ => larger_is_better(&column).unwrap_or(false),
        };
        Self { column, maximize }
    }
}
