//! What several sentences name alike: arms, numbers of things, the first of many.

use serde_json::Value;

use crate::compare::label::text;
use crate::config::Factors;

/// Keys whose levels have names of their own.
const NORM: &str = "model.norm.kind";
const RULE: &str = "early_stopping";

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

/// A level of a factor as people call it: `batch norm`, `early stopping (patience)`, else its key with it.
pub(super) fn level_of(factor: &str, level: &Value) -> String {
    let name = text(level);
    match factor {
        NORM => norm_name(&name),
        RULE if name == "none" => "no early stopping".to_owned(),
        RULE => format!("early stopping ({name})"),
        _ => format!("{factor} {name}"),
    }
}

/// A kind of `model.norm` as people call it: `no norm`, `batch norm`, `batch renorm`.
#[must_use]
pub fn norm_name(kind: &str) -> String {
    let name = kind.trim_end_matches("_norm").replace('_', " ");
    match kind {
        "none" => "no norm".to_owned(),
        _ if name.ends_with("norm") => name,
        _ => format!("{name} norm"),
    }
}

/// What a change of level is: `batch norm instead of no norm`.
pub(super) fn change(factor: &str, levels: &[Value]) -> String {
    let [from, to] = levels else { return factor.to_owned() };
    match factor {
        // What is kept without a rule is the best epoch, so that what the stop did is left.
        RULE if text(from) == "none" => {
            format!("{} instead of the best checkpoint of the full run", level_of(factor, to))
        }
        NORM | RULE => format!("{} instead of {}", level_of(factor, to), level_of(factor, from)),
        _ => format!("{factor} {} instead of {}", text(to), text(from)),
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
