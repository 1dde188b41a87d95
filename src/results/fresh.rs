//! `--fresh`, over any number of starts: which trainings have been trained anew so far.
//!
//! A fresh run that is killed, or requeued by a batch system, goes on when it is run again.
//! `.fresh/KEY.json` notes, from its first start to its end, what each of its trainings was before:
//! one is done when something else lies in its place, whoever trained that. The key is that of the
//! trainings, so that runs with other settings have notes of their own.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use super::layout::epochs_file;
use super::whole::write_new;

/// The folder of notes, in the experiment's directory.
const FRESH: &str = ".fresh";

/// By training, the digest of the curve to be replaced; none where there was none.
type Before = BTreeMap<String, Option<String>>;

/// A fresh run that is not at its end.
pub struct Fresh {
    experiment: PathBuf,
    file: PathBuf,
    before: Before,
}

impl Fresh {
    /// Begins one of trainings given by directory and identity, or goes on with the one that was
    /// broken off; whether it begins.
    ///
    /// # Errors
    /// Where the notes cannot be written.
    pub fn begin(experiment: &Path, trainings: &[(&str, &str)]) -> Result<(Self, bool)> {
        if let Some(fresh) = Self::find(experiment, trainings) {
            return Ok((fresh, false));
        }
        let file = file(experiment, trainings);
        let dir = experiment.join(FRESH);
        fs::create_dir_all(&dir)
            .with_context(|| format!("cannot create the folder {}", dir.display()))?;
        let before: Before = trainings
            .iter()
            .map(|(training, _)| ((*training).to_owned(), digest(experiment, training)))
            .collect();
        if write_new(&file, &serde_json::to_vec_pretty(&before)?)? {
            return Ok((Self { experiment: experiment.to_owned(), file, before }, true));
        }
        // Another process was faster.
        let fresh = Self::read(experiment, file.clone());
        let fresh = fresh.with_context(|| format!("cannot read {}", file.display()))?;
        Ok((fresh, false))
    }

    /// The one of these trainings that was broken off, where there is one.
    #[must_use]
    pub fn find(experiment: &Path, trainings: &[(&str, &str)]) -> Option<Self> {
        Self::read(experiment, file(experiment, trainings))
    }

    /// All of an experiment's directory.
    #[must_use]
    pub fn all(experiment: &Path) -> Vec<Self> {
        let entries = fs::read_dir(experiment.join(FRESH)).into_iter().flatten().flatten();
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        files.sort();
        files.into_iter().filter_map(|file| Self::read(experiment, file)).collect()
    }

    fn read(experiment: &Path, file: PathBuf) -> Option<Self> {
        let before = serde_json::from_slice(&fs::read(&file).ok()?).ok()?;
        Some(Self { experiment: experiment.to_owned(), file, before })
    }

    /// Its trainings.
    pub fn trainings(&self) -> impl Iterator<Item = &str> {
        self.before.keys().map(String::as_str)
    }

    /// Whether a training is one of its.
    #[must_use]
    pub fn names(&self, training: &str) -> bool {
        self.before.contains_key(training)
    }

    /// Whether it has a training yet to be trained anew.
    #[must_use]
    pub fn wants(&self, training: &str) -> bool {
        self.names(training) && !self.is_done(training)
    }

    /// Whether one of its trainings was trained anew, by this process or another.
    #[must_use]
    pub fn is_done(&self, training: &str) -> bool {
        let now = digest(&self.experiment, training);
        now.is_some() && self.before.get(training).is_some_and(|before| *before != now)
    }
}

/// Whether a fresh run has yet to train a training anew, whose checkpoints are then kept.
#[must_use]
pub fn is_wanted(experiment: &Path, training: &str) -> bool {
    Fresh::all(experiment).iter().any(|fresh| fresh.wants(training))
}

/// Removes the notes of fresh runs that are through: the next one begins from the first training.
pub fn tidy(experiment: &Path) {
    for fresh in Fresh::all(experiment) {
        if fresh.trainings().all(|training| fresh.is_done(training)) {
            // Notes that stay say that nothing is left to do, once.
            let _ = fs::remove_file(&fresh.file);
        }
    }
    // Goes where nothing is left in it.
    let _ = fs::remove_dir(experiment.join(FRESH));
}

fn file(experiment: &Path, trainings: &[(&str, &str)]) -> PathBuf {
    let mut trainings = trainings.to_vec();
    trainings.sort_unstable();
    let mut hash = Sha256::new();
    for (training, identity) in trainings {
        hash.update(format!("{training}\0{identity}\n"));
    }
    experiment.join(FRESH).join(format!("{}.json", &hex(&hash.finalize())[..16]))
}

/// Of a training's curve. Its clock columns tell two trainings apart that are otherwise the same.
fn digest(experiment: &Path, training: &str) -> Option<String> {
    let bytes = fs::read(epochs_file(&experiment.join(training))).ok()?;
    Some(hex(&Sha256::digest(bytes)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &[(&str, &str)] = &[("a", "1"), ("b", "2")];
    const OTHER: &[(&str, &str)] = &[("b", "2"), ("c", "3")];

    fn train(place: &Path, training: &str, elapsed_s: &str) {
        fs::create_dir_all(place.join(training)).unwrap();
        fs::write(epochs_file(&place.join(training)), elapsed_s).unwrap();
    }

    #[test]
    fn a_fresh_run_goes_on_until_it_is_whole_and_then_begins_again() {
        let place = tempfile::tempdir().unwrap();
        train(place.path(), "a", "0.1");
        let (fresh, begins) = Fresh::begin(place.path(), ONE).unwrap();
        assert!(begins && !fresh.is_done("a") && !fresh.is_done("b"));
        train(place.path(), "a", "0.2");
        tidy(place.path());
        let (again, begins) = Fresh::begin(place.path(), ONE).unwrap();
        assert!(!begins && again.is_done("a") && again.wants("b"));
        train(place.path(), "b", "0.3");
        tidy(place.path());
        assert!(again.is_done("b") && !place.path().join(FRESH).exists());
        assert!(Fresh::begin(place.path(), ONE).unwrap().1);
    }

    #[test]
    fn fresh_runs_of_other_trainings_end_each_for_itself() {
        let place = tempfile::tempdir().unwrap();
        for training in ["a", "b", "c"] {
            train(place.path(), training, "0.1");
        }
        let (one, _) = Fresh::begin(place.path(), ONE).unwrap();
        let (other, begins) = Fresh::begin(place.path(), OTHER).unwrap();
        assert!(begins);
        train(place.path(), "a", "0.2");
        train(place.path(), "b", "0.2");
        tidy(place.path());
        assert!(one.is_done("a") && one.is_done("b") && other.is_done("b"));
        assert!(!other.is_done("c") && is_wanted(place.path(), "c"));
        assert!(Fresh::find(place.path(), ONE).is_none());
        assert!(Fresh::find(place.path(), OTHER).is_some());
    }

    #[test]
    fn notes_that_are_gone_make_nothing_done() {
        let place = tempfile::tempdir().unwrap();
        train(place.path(), "a", "0.1");
        let (fresh, _) = Fresh::begin(place.path(), ONE).unwrap();
        fs::remove_dir_all(place.path().join(FRESH)).unwrap();
        assert!(!fresh.is_done("a") && !fresh.is_done("b"));
    }
}
