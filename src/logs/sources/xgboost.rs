//! What `XGBoost` and `LightGBM` print, and their tables of cross-validation.

use crate::logs::assemble::{self, column};
use crate::logs::input::Origin;
use crate::logs::json::Json;
use crate::logs::names::{is_measure, split};
use crate::logs::source::{Drafts, Source, TextLine};
use crate::logs::training::Draft;
use crate::stopping::{Split, is_spread};

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
        // Training stops by the last metric of the last set; a text or a table of `cv` has means beside deviations.
        let mut means = draft.rows.names().iter().filter(|name| name.starts_with("test-"));
        if let Some(mean) = means.rfind(|name| name.ends_with("-mean")) {
            draft.monitor = Some(mean.clone());
            draft.notes.push(OF_FOLDS.to_owned());
        }
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

/// What is said of cross-validation.
const OF_FOLDS: &str = "cross-validation: each value is the mean over the folds";

/// `LightGBM`.
pub(in crate::logs) struct LightGbm;

/// `LightGBM` stops by every metric of every set that is not learnt from, however that is called; the last is monitored.
pub(super) fn watch(draft: &mut Draft) {
    let is_it = |name: &&String| {
        is_measure(name) && !is_spread(name) && split(name) != Some(Split::Training)
    };
    draft.watched = draft.rows.names().iter().filter(is_it).cloned().collect();
    draft.monitor = draft.watched.last().cloned();
}

impl Source for LightGbm {
    fn tool(&self) -> &'static str {
        "lightgbm"
    }

    fn finish(&self, draft: &mut Draft, _: &Origin) {
        watch(draft);
    }

    /// What `cv` returns: `valid auc-mean` and `valid auc-stdv`.
    fn json(&self, json: &Json, origin: &Origin) -> Option<Drafts> {
        let entries = json.entries()?;
        if !entries.iter().any(|(name, _)| name.ends_with("-stdv")) {
            return None;
        }
        let columns: Vec<(&str, Vec<Option<f64>>)> = entries
            .iter()
            .map(|(name, values)| Some((&**name, column(values)?)))
            .collect::<Option<_>>()?;
        let rows = assemble::columns(origin, &columns, 1);
        Some(rows.map(|rows| {
            let mut draft = Draft::new(&origin.stem, self.tool(), origin.path.clone(), rows);
            draft.rows_are_epochs = true;
            draft.notes.push(OF_FOLDS.to_owned());
            self.finish(&mut draft, origin);
            vec![draft]
        }))
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
