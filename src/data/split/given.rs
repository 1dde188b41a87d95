//! Splits that come along with a source.

use crate::data::doubt::Doubt;

/// Where a row belongs before anything is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// To what is drawn.
    Pool,
    Train,
    Validation,
    Test,
}

impl Part {
    /// The split that a word names.
    pub fn named(word: &[u8]) -> Option<Self> {
        let is =
            |words: &[&str]| words.iter().any(|known| word.eq_ignore_ascii_case(known.as_bytes()));
        if is(&["train", "training"]) {
            Some(Self::Train)
        } else if is(&["valid", "validation", "val"]) {
            Some(Self::Validation)
        } else if is(&["test"]) {
            Some(Self::Test)
        } else {
            None
        }
    }
}

/// What a source says about its splits.
#[derive(Debug, Clone, PartialEq)]
pub enum Given {
    Nothing,
    /// The rows from this one on are the test split.
    TestFrom(usize),
    /// Of each row.
    Parts(Vec<Part>),
}

impl Given {
    /// Of rows that name their splits; where none is for validation, it is drawn from those that
    /// train. Also says what is missing.
    pub fn named(mut parts: Vec<Part>, by: &str) -> (Self, Vec<Doubt>) {
        let mut doubts = Vec::new();
        let mut note = |message| doubts.push(Doubt::note("split not named", "data.split", message));
        if !parts.contains(&Part::Validation) {
            for part in parts.iter_mut().filter(|part| **part == Part::Train) {
                *part = Part::Pool;
            }
            note(format!("{by} names no validation row: drawn from the training rows"));
        }
        if !parts.contains(&Part::Test) {
            note(format!("{by} names no test row: there is no test split"));
        }
        (Self::Parts(parts), doubts)
    }

    /// Where a row belongs.
    pub fn part(&self, row: usize) -> Part {
        match self {
            Self::Nothing => Part::Pool,
            Self::TestFrom(first) if row < *first => Part::Pool,
            Self::TestFrom(_) => Part::Test,
            Self::Parts(parts) => parts.get(row).copied().unwrap_or(Part::Pool),
        }
    }

    /// Whether the source decides on the test split.
    pub fn decides(&self) -> bool {
        *self != Self::Nothing
    }

    /// Whether nothing is left to draw.
    pub fn is_complete(&self) -> bool {
        matches!(self, Self::Parts(parts) if !parts.contains(&Part::Pool))
    }
}
