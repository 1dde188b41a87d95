//! What there is to doubt about data that can be read: what was noticed, how much it weighs, and what to
//! do. `bnes data describe`, `check`, `run` and `compare` tell of the same doubts.

use std::fmt;

use serde::Serialize;
use serde_json::{Value, json};

/// How much a doubt weighs. What weighs more is a [`DataError`](super::DataError).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// The results may not mean what they seem to.
    Warning,
    /// Something to know.
    Note,
}

/// Something about the data that a user has to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Doubt {
    /// What it is about, whichever columns and however many rows: one of a kind is enough to say.
    pub kind: &'static str,
    /// How much it weighs.
    pub weight: Weight,
    /// The key of the config that it concerns.
    pub key: &'static str,
    /// What was noticed, with its figures.
    pub message: String,
    /// What to do: a line of TOML where a key of the config helps. Empty where nothing is to be done.
    pub advice: String,
}

impl Doubt {
    pub(super) fn note(kind: &'static str, key: &'static str, message: String) -> Self {
        Self { kind, weight: Weight::Note, key, message, advice: String::new() }
    }

    pub(super) fn warning(kind: &'static str, key: &'static str, message: String) -> Self {
        Self { weight: Weight::Warning, ..Self::note(kind, key, message) }
    }

    pub(super) fn advise(self, advice: impl Into<String>) -> Self {
        Self { advice: advice.into(), ..self }
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.weight == Weight::Warning {
            f.write_str("warning: ")?;
        }
        f.write_str(&self.message)?;
        if self.advice.is_empty() { Ok(()) } else { write!(f, "; {}", self.advice) }
    }
}

/// A line of TOML that sets `key` to a list of what is in it now and what comes to it.
pub(super) fn with(key: &str, now: &[String], more: &[String]) -> String {
    // The escapes of JSON are TOML's, too.
    let words = now.iter().chain(more).map(|word| json!(word));
    let words: Vec<String> = words.map(|word: Value| word.to_string()).collect();
    format!("{key} = [{}]", words.join(", "))
}
