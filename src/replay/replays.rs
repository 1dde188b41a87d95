//! Candidate rules over many trainings, one training at a time: all curves need not fit into memory.

use super::finding::{Finding, findings};
use super::outcome::ReplayError;
use super::row::{Candidate, RecordedTraining, Row, rows};
use super::summary::{RuleSummary, mark_front, summarize};
use crate::config::Factors;
use crate::stopping::{Monitored, larger_is_better};

/// What quality is judged by where rules monitor different columns.
const COMMON: &str = "val_loss";

/// What candidate rules would have done over all trainings.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// A row per training and rule.
    pub rows: Vec<Row>,
    /// Per rule: all trainings, then each cell where there are several.
    pub rules: Vec<RuleSummary>,
    /// The column by which quality is judged; none where there is none in common.
    pub quality: Option<String>,
    /// What there is to conclude.
    pub findings: Vec<Finding>,
}

/// The replays of candidate rules so far.
pub struct Replays<'a> {
    candidates: &'a [Candidate],
    quality: Monitored,
    /// Whether all rules are asked of one column, which may have another name in some trainings.
    is_one_column: bool,
    /// The columns that quality was judged by.
    judged_by: Vec<String>,
    rows: Vec<Row>,
}

impl<'a> Replays<'a> {
    /// Begins with rules and no training.
    #[must_use]
    pub fn new(candidates: &'a [Candidate]) -> Self {
        let monitored = || candidates.iter().map(|candidate| &candidate.rule.monitored);
        let common = Monitored::new(COMMON);
        let first = monitored().next().unwrap_or(&common);
        let is_one_column = monitored().all(|other| other == first);
        let quality = if is_one_column {
            first.clone()
        } else if monitored().all(|other| other.column == first.column)
            && let Some(maximize) = larger_is_better(&first.column)
        {
            // Rules that take it in opposite directions cannot both say which is better.
            Monitored { column: first.column.clone(), maximize }
        } else {
            common
        };
        Self { candidates, quality, is_one_column, judged_by: Vec::new(), rows: Vec::new() }
    }

    /// Replays every rule on a training; `own` are the same rules, which may watch another column in this one.
    ///
    /// # Errors
    /// Where a rule cannot be [replayed](super::replay); with the rule.
    pub fn add(
        &mut self,
        training: &RecordedTraining,
        own: &[Candidate],
    ) -> Result<(), (String, ReplayError)> {
        let watched = own.first().map(|candidate| &candidate.rule.monitored);
        let all_watch_it =
            |watched: &&Monitored| own.iter().all(|one| one.rule.monitored == **watched);
        let is_there = training.table.column(&self.quality.column).is_some();
        let quality = watched
            .filter(|_| self.is_one_column || !is_there)
            .filter(all_watch_it)
            .unwrap_or(&self.quality);
        self.rows.extend(rows(training, own, quality)?);
        if !self.judged_by.contains(&quality.column) {
            self.judged_by.push(quality.column.clone());
        }
        Ok(())
    }

    /// What came of them over all trainings.
    #[must_use]
    pub fn summarize(self) -> Summary {
        let mut cells: Vec<&Factors> = Vec::new();
        for row in &self.rows {
            if !cells.contains(&&row.cell) {
                cells.push(&row.cell);
            }
        }
        let mut rules = Vec::new();
        for (index, candidate) in self.candidates.iter().enumerate() {
            let rows: Vec<&Row> =
                self.rows.iter().skip(index).step_by(self.candidates.len()).collect();
            rules.push(summarize(candidate, None, &rows));
            for cell in cells.iter().filter(|_| cells.len() > 1) {
                let rows: Vec<&Row> = rows.iter().copied().filter(|r| r.cell == **cell).collect();
                rules.push(summarize(candidate, Some((*cell).clone()), &rows));
            }
        }
        let is_judged = self.rows.iter().any(|row| row.given_up.is_some());
        if is_judged {
            mark_front(&mut rules);
        }
        let quality = match self.judged_by.as_slice() {
            [column] => column.clone(),
            _ => "the monitored column".to_owned(),
        };
        let quality = is_judged.then_some(quality);
        let findings = findings(&rules, &self.rows, quality.as_deref());
        Summary { rows: self.rows, rules, quality, findings }
    }
}
