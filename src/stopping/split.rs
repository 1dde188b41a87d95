//! Which split of the rows the name of a column tells of.

use super::words;
use crate::history::TEST_PREFIX;

const VALIDATION: [&str; 6] = ["val", "valid", "validation", "eval", "dev", "validset"];
const TRAINING: [&str; 4] = ["train", "training", "learn", "tr"];
const TEST: [&str; 1] = ["test"];

/// Which rows a metric was measured on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// Those that are learnt from.
    Training,
    /// Those by which something is chosen.
    Validation,
    /// Those that nothing is chosen by.
    Test,
}

impl Split {
    /// By the words of a name; none where they tell of none.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        let words = words(name);
        // `validation_0` and `valid_1` are words with a number; `testing` is none.
        let has = |known: &[&str]| words.iter().any(|word| known.contains(&word.as_str()));
        if has(&VALIDATION) {
            Some(Self::Validation)
        } else if has(&TEST) || name.starts_with(TEST_PREFIX) {
            Some(Self::Test)
        } else {
            has(&TRAINING).then_some(Self::Training)
        }
    }
}

/// Whether a column is the spread over folds that cross-validation has beside a mean.
#[must_use]
pub fn is_spread(name: &str) -> bool {
    words(name).last().is_some_and(|word| ["std", "stdv"].contains(&word.as_str()))
}

/// What a name says besides the data set that it is of: `binary_logloss` of `valid_1.binary_logloss`, whatever the set is
/// called before a point.
#[must_use]
pub fn metric(name: &str) -> Vec<String> {
    let mut words = words(name.rsplit_once('.').map_or(name, |(_, metric)| metric));
    words.retain(|word| {
        let is_set =
            [&VALIDATION[..], &TRAINING, &TEST].iter().any(|set| set.contains(&word.as_str()));
        !is_set && !word.chars().all(|c| c.is_ascii_digit()) && word != "s"
    });
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_the_same_on_whatever_set() {
        for (one, other) in [
            ("valid_0.binary_logloss", "valid_1.binary_logloss"),
            ("valid_0's auc", "training's auc"),
            ("val_loss", "val_loss"),
            ("eval.l2", "test.l2"),
        ] {
            assert_eq!(metric(one), metric(other));
        }
        assert_ne!(metric("valid_0.auc"), metric("valid_0.binary_logloss"));
        assert_ne!(metric("valid_0.l1"), metric("valid_0.l2"));
    }
}
