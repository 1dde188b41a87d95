//! A config as it was when its trainings were handed over, whatever becomes of its file.

use std::path::{Path, PathBuf, absolute};

use serde::{Deserialize, Serialize};

use crate::config::{ConfigError, Experiment, Overrides};

/// A config with what the command line changed of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frozen {
    /// What messages call it.
    file: String,
    /// The folder that its paths are relative to; none of the built-in experiment.
    base: Option<PathBuf>,
    #[serde(flatten)]
    overrides: Overrides,
    text: String,
}

impl Frozen {
    /// That of an experiment.
    #[must_use]
    pub fn of(experiment: &Experiment) -> Self {
        let file = &experiment.config.file_name;
        let path = experiment.config.path.as_ref();
        let base = path.map(|path| path.parent().unwrap_or(Path::new("")));
        Self {
            file: path.map_or_else(|| file.clone(), |path| path.display().to_string()),
            // A relative path of no part is the folder that bnes was called in.
            base: base.and_then(|base| absolute(Path::new(".").join(base)).ok()),
            overrides: experiment.overrides.clone(),
            text: experiment.config.text.clone(),
        }
    }

    /// The experiment again.
    ///
    /// # Errors
    /// Where this bnes refuses what an earlier one took.
    pub fn experiment(&self) -> Result<Experiment, ConfigError> {
        let base = self.base.as_deref().unwrap_or(Path::new(""));
        Experiment::parse(&self.file, &self.text, base, &self.overrides)
    }
}
