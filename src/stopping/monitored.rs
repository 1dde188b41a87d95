//! The column that a rule watches, and in which direction it is better.

use serde::{Deserialize, Deserializer, Serialize, de::Error};

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
    /// A column in the direction that its name implies.
    #[must_use]
    pub fn new(column: &str) -> Self {
        Self { column: column.to_owned(), maximize: larger_is_better(column) }
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

/// Words of a column's name that make larger values better ones, as frameworks name such metrics.
const LARGER: [&str; 10] =
    ["acc", "accuracy", "auc", "auroc", "f1", "fbeta", "fmeasure", "precision", "r2", "recall"];

/// Words that make smaller values better ones, whatever else is in the name.
const SMALLER: [&str; 2] = ["loss", "error"];

/// Whether larger values of a metric column are better, by the words of its name: `val_accuracy`,
/// `valid/acc1`, `val_f1_score`.
#[must_use]
pub fn larger_is_better(column: &str) -> bool {
    let column = column.to_lowercase();
    let has = |known: &[&str]| {
        let mut words = column.split(|c: char| !c.is_alphanumeric());
        // `acc1` is an accuracy, while the digit of `f1` is its own.
        let plain = |word: &'_ str| word.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        words.any(|word| known.contains(&word) || known.contains(&&word[..plain(word)]))
    };
    has(&LARGER) && !has(&SMALLER)
}

/// The mode of `monitor`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The direction for a column.
    #[must_use]
    pub fn of(self, column: &str) -> Monitored {
        match self {
            Self::Auto => Monitored::new(column),
            Self::Min => Monitored { column: column.to_owned(), maximize: false },
            Self::Max => Monitored { column: column.to_owned(), maximize: true },
        }
    }
}

/// A column that a rule may read: any but the test's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Readable(pub String);

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
