//! Findings: what was noticed, how much it matters, and where in the config it points.

use std::fmt;

use crate::config::{Arm, ConfigError, Experiment};
use crate::runner::PreparedTraining;

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

/// Findings so far, and where they point into.
pub struct Findings<'a> {
    /// Where keys are written.
    pub experiment: &'a Experiment,
    found: Vec<Finding>,
}

impl<'a> Findings<'a> {
    /// None yet.
    pub(super) fn new(experiment: &'a Experiment) -> Self {
        Self { experiment, found: Vec::new() }
    }

    /// All of them, warnings first.
    pub(super) fn sorted(mut self) -> Vec<Finding> {
        self.found.sort_by_key(|finding| finding.level);
        self.found
    }

    /// Adds what concerns a key of a training; the training's first arm tells in which cell.
    pub fn of_training(
        &mut self,
        level: Level,
        training: &PreparedTraining,
        key: &str,
        message: String,
        help: &str,
    ) {
        if let Some(arm) = training.arms.first() {
            self.of_arm(level, arm, key, message, help);
        }
    }

    /// Adds what concerns a key of an arm; the cell is named where the key differs among arms.
    pub fn of_arm(&mut self, level: Level, arm: &Arm, key: &str, message: String, help: &str) {
        let help = (!help.is_empty()).then(|| help.to_owned());
        let about = self.experiment.error_where_varied(&arm.factors, key, message, help);
        self.add(level, about);
    }

    /// Adds what concerns the experiment.
    pub fn of_all(&mut self, level: Level, key: &str, message: String, help: &str) {
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
