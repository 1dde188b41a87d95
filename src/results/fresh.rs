//! `--fresh`, over any number of starts: which trainings have been trained anew so far.
//!
//! A fresh run that is killed, or requeued by a batch system, goes on when it is run again: what it
//! has replaced is noted in `.fresh` until all is done.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The folder of notes, in the experiment's directory.
const FRESH: &str = ".fresh";

/// A fresh run at work.
pub struct Fresh {
    dir: PathBuf,
}

impl Fresh {
    /// Begins one, or goes on with the one that was broken off; whether it begins.
    ///
    /// # Errors
    /// Where the folder cannot be created.
    pub fn begin(experiment: &Path) -> Result<(Self, bool)> {
        let dir = experiment.join(FRESH);
        let begins = match fs::create_dir(&dir) {
            Ok(()) => true,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => false,
            Err(error) => {
                return Err(error)
                    .with_context(|| format!("cannot create the folder {}", dir.display()));
            }
        };
        Ok((Self { dir }, begins))
    }

    /// Whether a training was trained anew, by this process or another.
    #[must_use]
    pub fn is_done(&self, training: &str) -> bool {
        // Without the folder another process has come to the end of the whole run.
        self.dir.join(training).exists() || !self.dir.exists()
    }

    /// Notes that a training was trained anew.
    pub fn mark(&self, training: &str) {
        // Without the note it may be trained once more, to the same bytes.
        let _ = fs::write(self.dir.join(training), "");
    }

    /// All is done: the next fresh run begins from the first training.
    pub fn end(&self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_run_goes_on_until_it_is_whole_and_then_begins_again() {
        let place = tempfile::tempdir().unwrap();
        let (fresh, begins) = Fresh::begin(place.path()).unwrap();
        assert!(begins && !fresh.is_done("a"));
        fresh.mark("a");
        let (again, begins) = Fresh::begin(place.path()).unwrap();
        assert!(!begins && again.is_done("a") && !again.is_done("b"));
        fresh.end();
        assert!(again.is_done("b"));
        assert!(Fresh::begin(place.path()).unwrap().1);
    }
}
