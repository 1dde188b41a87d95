//! What a plan makes one wonder about, before anything is trained.
//!
//! Nothing here stops a run. A warning says that something will not do what it looks like, a note
//! what there is to know when reading the results.

mod design;
mod engine;
mod rules;
mod sizes;
#[cfg(test)]
mod tests;

use std::fmt;

use super::compute::Compute;
use super::plan::{Planned, Task};
use crate::spec::{Arm, ConfigError, Experiment};

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Something will not do what it looks like.
    Warning,
    /// Something to know.
    Note,
}

/// Something noticed, with the place in the config that it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How much it matters.
    pub level: Level,
    /// What and where, in the shape of an error.
    pub about: ConfigError,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let level = match self.level {
            Level::Warning => "warning",
            Level::Note => "note",
        };
        write!(f, "{level}: {}", self.about)
    }
}

/// Everything noticed, warnings first, each once however many trainings it concerns.
#[must_use]
pub fn lint(experiment: &Experiment, planned: &Planned, compute: &Compute) -> Vec<Finding> {
    let mut findings = Findings { experiment, found: Vec::new() };
    // Seeds repeat what is known from the first.
    let first = planned.tasks.first().map(|task| task.trajectory.seed);
    for task in planned.tasks.iter().filter(|task| Some(task.trajectory.seed) == first) {
        sizes::lint(task, &mut findings);
        for arm in &task.arms {
            rules::lint(task, arm, &mut findings);
        }
        design::lint_arms(task, &mut findings);
    }
    let of_first = planned.tasks.iter().filter(|task| Some(task.trajectory.seed) == first);
    let of_first: Vec<&Task> = of_first.collect();
    design::lint_trainings(&of_first, &mut findings);
    engine::lint(&of_first, &|task| compute.lacks(task), &mut findings);
    design::lint(experiment, planned, &mut findings);
    let mut found = findings.found;
    found.sort_by_key(|finding| finding.level);
    found
}

/// Findings so far, and where they point into.
struct Findings<'a> {
    experiment: &'a Experiment,
    found: Vec<Finding>,
}

impl Findings<'_> {
    /// Adds what concerns a key of a task; the task's first arm tells in which cell.
    fn of_task(&mut self, level: Level, task: &Task, key: &str, message: String, help: &str) {
        if let Some(arm) = task.arms.first() {
            self.of_arm(level, arm, key, message, help);
        }
    }

    /// Adds what concerns a key of an arm; the cell is named where the key differs among arms.
    fn of_arm(&mut self, level: Level, arm: &Arm, key: &str, message: String, help: &str) {
        let help = (!help.is_empty()).then(|| help.to_owned());
        let about = self.experiment.error_where_varied(&arm.factors, key, message, help);
        self.add(level, about);
    }

    /// Adds what concerns the experiment.
    fn of_all(&mut self, level: Level, key: &str, message: String, help: &str) {
        let help = (!help.is_empty()).then(|| help.to_owned());
        let about = self.experiment.error_at(key, message, help);
        self.add(level, about);
    }

    fn add(&mut self, level: Level, about: ConfigError) {
        let same = |other: &Finding| {
            other.about.message() == about.message() && other.about.origin() == about.origin()
        };
        if !self.found.iter().any(same) {
            self.found.push(Finding { level, about });
        }
    }
}
