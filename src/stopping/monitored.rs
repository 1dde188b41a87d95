//! The column that a rule watches, and in which direction it is better.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de::Error};

use super::direction::larger_is_better;
use crate::check::written_as;
use crate::history::{History, TEST_PREFIX};

/// A column and the direction in which it is better.
#[derive(Debug, Clone, PartialEq)]
pub struct Monitored {
    /// The column's name.
    pub column: String,
    /// Whether larger is better.
    pub maximize: bool,
}

impl Monitored {
    /// A column in the direction that its name tells; where it tells none, smaller is better.
    #[must_use]
    pub fn new(column: &str) -> Self {
        let maximize = larger_is_better(column).unwrap_or(false);
        Self { column: column.to_owned(), maximize }
    }

    /// Whether `value` is strictly better than `reference`.
    #[must_use]
    pub fn better(&self, value: f64, reference: f64) -> bool {
        if self.maximize { value > reference } else { value < reference }
    }

    /// Whether `value` is better than `reference` by more than `delta`, in the form of Keras.
    #[must_use]
    pub fn better_by(&self, value: f64, reference: f64, delta: f64) -> bool {
        // `reference - value > delta` rounds differently and moves stops on a plateau.
        if self.maximize { value > reference + delta } else { value < reference - delta }
    }

    /// The recorded values, empty cells included; an empty slice where there is no such column.
    #[must_use]
    pub fn values<'a>(&self, history: &History<'a>) -> &'a [Option<f64>] {
        history.column(&self.column).unwrap_or(&[])
    }

    /// The first epoch (from 1) with the strictly best finite value, and that value.
    #[must_use]
    pub fn best(&self, history: &History) -> Option<(usize, f64)> {
        let mut best: Option<(usize, f64)> = None;
        for (index, value) in self.values(history).iter().enumerate() {
            if let Some(value) = value.filter(|v| v.is_finite())
                && best.is_none_or(|(_, b)| self.better(value, b))
            {
                best = Some((index + 1, value));
            }
        }
        best
    }
}

/// The mode of `monitor`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// By the column's name.
    Auto,
    /// Smaller is better.
    Min,
    /// Larger is better.
    Max,
}

impl Mode {
    /// Whether larger values of a column are better; none where neither this nor its name tells.
    #[must_use]
    pub fn is_larger_better(self, column: &str) -> Option<bool> {
        match self {
            Self::Auto => larger_is_better(column),
            Self::Min => Some(false),
            Self::Max => Some(true),
        }
    }
}

/// A column that a rule may read: any but the test's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Readable(pub String);

written_as!(Readable: "the name of a column other than those of the test split", {
    "type": "string",
    "not": { "pattern": "^test_" }
});

impl<'de> Deserialize<'de> for Readable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        if name.starts_with(TEST_PREFIX) {
            return Err(D::Error::custom(format_args!(
                "`{name}` is a test column, which no rule may read: use a column of the validation \
                 or the training split"
            )));
        }
        Ok(Self(name))
    }
}
