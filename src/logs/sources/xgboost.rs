//! What `XGBoost` and `LightGBM` print, and their tables of cross-validation.

use crate::logs::input::Origin;
use crate::logs::source::{Source, TextLine};
use crate::logs::training::Draft;

/// `XGBoost`.
pub(in crate::logs) struct Xgboost;

/// The number in the brackets at the start of a line, and the cells behind it.
fn counted(line: &str) -> Option<(f64, std::str::Split<'_, char>)> {
    let (number, rest) = line.strip_prefix('[')?.split_once(']')?;
    let number: u32 = number.trim().parse().ok()?;
    Some((f64::from(number), rest.strip_prefix('\t')?.split('\t')))
}

impl Source for Xgboost {
    fn tool(&self) -> &'static str {
        "xgboost"
    }

    fn takes_table(&self, names: &[String], _: &Origin) -> bool {
        let is_mean = |name: &String| name.starts_with("test-") && name.ends_with("-mean");
        names.first().is_some_and(String::is_empty) && names.iter().any(is_mean)
    }

    fn finish(&self, draft: &mut Draft, _: &Origin) {
        let mut means = draft.rows.names().iter().filter(|name| name.starts_with("test-"));
        draft.monitor = means.rfind(|name| name.ends_with("-mean")).cloned();
        draft.notes.push("cross-validation: each value is the mean over the folds".to_owned());
    }

    fn text(&self, line: &str) -> Option<TextLine> {
        let (round, cells) = counted(line)?;
        let values: Option<Vec<(String, f64)>> = cells
            .map(|cell| {
                let (name, value) = cell.rsplit_once(':')?;
                // `cv` prints the mean and the deviation.
                let value = value.split('+').next()?;
                Some((name.to_owned(), value.trim().parse().ok()?))
            })
            .collect();
        let values =
            values.filter(|values| values.iter().all(|(name, _)| !name.contains("'s ")))?;
        Some(TextLine { counter: ("iteration", round), values })
    }
}

/// `LightGBM`.
pub(in crate::logs) struct LightGbm;

impl Source for LightGbm {
    fn tool(&self) -> &'static str {
        "lightgbm"
    }

    fn text(&self, line: &str) -> Option<TextLine> {
        let (round, cells) = counted(line)?;
        let values: Option<Vec<(String, f64)>> = cells
            .map(|cell| {
                let (name, value) = cell.rsplit_once(": ")?;
                let (set, metric) = name.split_once("'s ")?;
                let value = value.split(" + ").next()?;
                Some((format!("{set}.{metric}"), value.trim().parse().ok()?))
            })
            .collect();
        Some(TextLine { counter: ("iteration", round), values: values? })
    }
}
