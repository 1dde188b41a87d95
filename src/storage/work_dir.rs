//! The work directory of a training: `DIR/<experiment>/.work/<training>/`, there while it is unfinished.

use std::fs;
use std::path::{Path, PathBuf};

/// The folder of all work directories, beside the trainings.
const WORK: &str = ".work";

/// The work directory of a training, which may not be there.
#[derive(Debug, Clone)]
pub struct WorkDir {
    path: PathBuf,
}

impl WorkDir {
    /// Of a training of an experiment's directory.
    #[must_use]
    pub fn of(experiment: &Path, training: &str) -> Self {
        Self { path: experiment.join(WORK).join(training) }
    }

    /// The trainings of an experiment's directory that have one.
    #[must_use]
    pub fn all(experiment: &Path) -> Vec<String> {
        let entries = fs::read_dir(experiment.join(WORK)).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether anything of it is there.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.path.is_dir()
    }

    /// The checkpoints, newest first.
    #[must_use]
    pub fn checkpoints(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.path).into_iter().flatten().flatten();
        let mut found: Vec<(u64, PathBuf)> = entries
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                let number = name.strip_prefix("checkpoint-")?.strip_suffix(".safetensors")?;
                Some((number.parse().ok()?, entry.path()))
            })
            .collect();
        found.sort_unstable();
        found.into_iter().rev().map(|(_, path)| path).collect()
    }
}
