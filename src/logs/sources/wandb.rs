//! Weights & Biases: charts exported as CSV, `run.history()` and `wandb-history.jsonl`.

use crate::logs::input::Origin;
use crate::logs::source::{SideBySide, Source};
use crate::logs::training::Draft;

/// Weights & Biases.
pub(in crate::logs) struct Wandb;

/// Between a run and its metric.
const BETWEEN: &str = " - ";

/// The ends of the columns with the least and the most of several values.
const RANGE: [&str; 2] = ["__MIN", "__MAX"];

/// Rows that `run.history()` samples unless told otherwise.
const SAMPLED: usize = 500;

impl Source for Wandb {
    fn tool(&self) -> &'static str {
        "wandb"
    }

    fn side_by_side(&self, names: &[String]) -> Option<SideBySide> {
        let (axis, rest) = names.split_first()?;
        let is_of_run = |name: &String| name.contains(BETWEEN);
        if rest.is_empty() || axis.contains(BETWEEN) || !rest.iter().all(is_of_run) {
            return None;
        }
        let mut taken: Vec<&String> = Vec::new();
        let column = |name: &'_ String| {
            let (run, metric) = name.rsplit_once(BETWEEN)?;
            Some((run.to_owned(), metric.to_owned()))
        };
        let mut found: SideBySide = vec![None];
        for name in rest {
            let twice = taken.iter().filter(|other| **other == name).count();
            taken.push(name);
            found.push(column(name).map(|(run, metric)| {
                // Two runs of the same name.
                (if twice == 0 { run } else { format!("{run} ({})", twice + 1) }, metric)
            }));
        }
        Some(found)
    }

    fn takes_table(&self, names: &[String], _: &Origin) -> bool {
        let has = |wanted: &str| names.iter().any(|name| name == wanted);
        self.side_by_side(names).is_some()
            || (has("_step") && (has("_runtime") || has("_timestamp")))
    }

    fn finish(&self, draft: &mut Draft, _: &Origin) {
        let rows = &draft.rows;
        let differ = |name: &String| {
            let [Some(least), Some(most)] = RANGE.map(|end| rows.find(&format!("{name}{end}")))
            else {
                return false;
            };
            (0..rows.len()).any(|row| rows.cell(row, least) != rows.cell(row, most))
        };
        let is_range = |name: &String| RANGE.iter().any(|end| name.ends_with(end));
        let grouped: Vec<String> = rows
            .names()
            .iter()
            .filter(|name| !is_range(name))
            .filter(|n| differ(n))
            .cloned()
            .collect();
        for name in &grouped {
            draft.notes.push(format!(
                "`{name}` is the mean of a sample or of several runs: its MIN and MAX differ, so this is no \
                 curve of one training"
            ));
        }
        if grouped.is_empty() {
            let ranges: Vec<String> =
                rows.names().iter().filter(|n| is_range(n)).cloned().collect();
            for name in &ranges {
                draft.rows.remove(name);
            }
        }
        if draft.rows.find("_step").is_some() && draft.rows.len() == SAMPLED {
            draft.notes.push(
                "500 rows are what `run.history()` samples by default: `run.scan_history()` has all".into(),
            );
        }
    }
}
