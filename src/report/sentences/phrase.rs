//! What several sentences name alike: arms, numbers of things, the first of many.

use serde_json::Value;

use crate::compare::label::text;
use crate::config::Factors;

/// Most names in a sentence; the rest is counted.
const NAMED: usize = 3;

/// `model.norm.kind=batch, early_stopping=none`.
pub(super) fn arm_name(factors: &Factors) -> String {
    if factors.is_empty() { "the one arm".to_owned() } else { levels(factors) }
}

/// `model.norm.kind=batch`; `all` of a cell without factors.
#[must_use]
pub fn cell_name(cell: &Factors) -> String {
    if cell.is_empty() { "all".to_owned() } else { levels(cell) }
}

fn levels(factors: &Factors) -> String {
    let levels: Vec<String> =
        factors.iter().map(|(key, level)| format!("{key}={}", text(level))).collect();
    levels.join(", ")
}

/// `batch, 0.1`: the levels without their keys.
pub(super) fn level_names(factors: &Factors) -> String {
    factors.values().map(text).collect::<Vec<_>>().join(", ")
}

/// `64 (batch)`: a value with the arm that it is of; the value alone where there is one arm.
pub(super) fn of_arm(value: &str, factors: &Factors) -> String {
    if factors.is_empty() {
        value.to_owned()
    } else {
        format!("{value} ({})", level_names(factors))
    }
}

pub(super) fn texts(values: &[Value]) -> Vec<String> {
    values.iter().map(text).collect()
}

pub(super) fn are(n: usize) -> &'static str {
    if n == 1 { "is" } else { "are" }
}

/// `a, b, c and 2 more`.
pub(super) fn first_of<T: AsRef<str>>(names: &[T]) -> String {
    let shown: Vec<&str> = names.iter().take(NAMED).map(AsRef::as_ref).collect();
    let shown = shown.join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
