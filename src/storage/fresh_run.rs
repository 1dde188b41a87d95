//! `--fresh`, over any number of starts: which trainings have been trained again so far.
//!
//! A fresh run that is killed, or requeued by a batch system, resumes when it is run again.
//! `.fresh/KEY.json` notes, from its first start to its end, the id of the training that lay in the
//! place of each of its own: one is done when a training of another id lies there, whoever trained
//! it. The key is that of the trainings, so that runs with other settings have notes of their own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use super::atomic::write_new;
use crate::results::TrainingRecord;
use crate::text::hex;

/// The folder of notes, in the experiment's directory.
const FRESH: &str = ".fresh";

/// How notes end, with the number of their format: those of another are not read, so that a fresh run which an
/// earlier version began begins again.
const ENDING: &str = ".2.json";

/// By training, the id of the one to be replaced; none where none was there or it has no id, as those
/// of earlier versions.
type Before = BTreeMap<String, Option<String>>;

/// A fresh run that is not at its end.
pub struct FreshRun {
    experiment: PathBuf,
    file: PathBuf,
    before: Before,
}

impl FreshRun {
    /// Begins one of trainings given by directory and identity, or resumes the one that was
    /// interrupted; whether it begins.
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
            .map(|(training, _)| ((*training).to_owned(), id(experiment, training)))
            .collect();
        if write_new(&file, |out| Ok(serde_json::to_writer_pretty(out, &before)?))? {
            return Ok((Self { experiment: experiment.to_owned(), file, before }, true));
        }
        // Another process was faster.
        let fresh = Self::read(experiment, file.clone());
        let fresh = fresh.with_context(|| format!("cannot read {}", file.display()))?;
        Ok((fresh, false))
    }

    /// The one of these trainings that was interrupted, where there is one.
    #[must_use]
    pub fn find(experiment: &Path, trainings: &[(&str, &str)]) -> Option<Self> {
        Self::read(experiment, file(experiment, trainings))
    }

    /// All of an experiment's directory.
    #[must_use]
    pub fn all(experiment: &Path) -> Vec<Self> {
        let entries = fs::read_dir(experiment.join(FRESH)).into_iter().flatten().flatten();
        let is_ours = |file: &PathBuf| file.to_string_lossy().ends_with(ENDING);
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_ours).collect();
        files.sort();
        files.into_iter().filter_map(|file| Self::read(experiment, file)).collect()
    }

    fn read(experiment: &Path, file: PathBuf) -> Option<Self> {
        let before = serde_json::from_slice(&fs::read(&file).ok()?).ok()?;
        Some(Self { experiment: experiment.to_owned(), file, before })
    }

    /// The file of its notes.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
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

    /// Whether it has a training yet to be trained again.
    #[must_use]
    pub fn wants(&self, training: &str) -> bool {
        self.names(training) && !self.is_done(training)
    }

    /// Whether one of its trainings was trained again, by this process or another.
    #[must_use]
    pub fn is_done(&self, training: &str) -> bool {
        let now = id(&self.experiment, training);
        now.is_some() && self.before.get(training).is_some_and(|before| *before != now)
    }

    /// Whether a fresh run has yet to train a training again, whose checkpoints are then kept.
    #[must_use]
    pub fn is_wanted(experiment: &Path, training: &str) -> bool {
        Self::all(experiment).iter().any(|fresh| fresh.wants(training))
    }

    /// Removes the notes of fresh runs that are through: the next one begins from the first training.
    pub fn tidy(experiment: &Path) {
        for fresh in Self::all(experiment) {
            if fresh.trainings().all(|training| fresh.is_done(training)) {
                // Notes that stay say that nothing is left to do, once.
                let _ = fs::remove_file(&fresh.file);
            }
        }
        // Goes where nothing is left in it.
        let _ = fs::remove_dir(experiment.join(FRESH));
    }
}

fn file(experiment: &Path, trainings: &[(&str, &str)]) -> PathBuf {
    let mut trainings = trainings.to_vec();
    trainings.sort_unstable();
    let mut hash = Sha256::new();
    for (training, identity) in trainings {
        hash.update(format!("{training}\0{identity}\n"));
    }
    experiment.join(FRESH).join(format!("{}{ENDING}", &hex(hash.finalize())[..16]))
}

/// Of the training that lies in a place.
fn id(experiment: &Path, training: &str) -> Option<String> {
    TrainingRecord::id(&experiment.join(training))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::layout::run_file;

    const ONE: &[(&str, &str)] = &[("a", "1"), ("b", "2")];
    const OTHER: &[(&str, &str)] = &[("b", "2"), ("c", "3")];

    fn train(place: &Path, training: &str, id: &str) {
        let dir = place.join(training);
        fs::create_dir_all(&dir).unwrap();
        let record = serde_json::json!({ "provenance": { "id": id } });
        fs::write(run_file(&dir), record.to_string()).unwrap();
    }

    #[test]
    fn a_fresh_run_goes_on_until_it_is_whole_and_then_begins_again() {
        let place = tempfile::tempdir().unwrap();
        train(place.path(), "a", "id 1");
        let (fresh, begins) = FreshRun::begin(place.path(), ONE).unwrap();
        assert!(begins && !fresh.is_done("a") && !fresh.is_done("b"));
        train(place.path(), "a", "id 2");
        FreshRun::tidy(place.path());
        let (again, begins) = FreshRun::begin(place.path(), ONE).unwrap();
        assert!(!begins && again.is_done("a") && again.wants("b"));
        train(place.path(), "b", "id 3");
        FreshRun::tidy(place.path());
        assert!(again.is_done("b") && !place.path().join(FRESH).exists());
        assert!(FreshRun::begin(place.path(), ONE).unwrap().1);
    }

    #[test]
    fn fresh_runs_of_other_trainings_end_each_for_itself() {
        let place = tempfile::tempdir().unwrap();
        for training in ["a", "b", "c"] {
            train(place.path(), training, "id 1");
        }
        let (one, _) = FreshRun::begin(place.path(), ONE).unwrap();
        let (other, begins) = FreshRun::begin(place.path(), OTHER).unwrap();
        assert!(begins);
        train(place.path(), "a", "id 2");
        train(place.path(), "b", "id 2");
        FreshRun::tidy(place.path());
        assert!(one.is_done("a") && one.is_done("b") && other.is_done("b"));
        assert!(!other.is_done("c") && FreshRun::is_wanted(place.path(), "c"));
        assert!(FreshRun::find(place.path(), ONE).is_none());
        assert!(FreshRun::find(place.path(), OTHER).is_some());
    }

    #[test]
    fn a_training_without_an_id_is_trained_anew_once_another_with_one_lies_there() {
        let place = tempfile::tempdir().unwrap();
        let record = |text: &str| fs::write(run_file(&place.path().join("a")), text).unwrap();
        train(place.path(), "a", "");
        for old in [r#"{ "provenance": { "version": "0.0.9" } }"#, "{", r#"{ "provenance": {} }"#] {
            record(old);
            let (fresh, begins) = FreshRun::begin(place.path(), &ONE[..1]).unwrap();
            assert!(begins && fresh.wants("a"));
            train(place.path(), "a", "id 1");
            assert!(fresh.is_done("a"));
            FreshRun::tidy(place.path());
        }
    }

    #[test]
    fn notes_that_are_gone_make_nothing_done() {
        let place = tempfile::tempdir().unwrap();
        train(place.path(), "a", "id 1");
        let (fresh, _) = FreshRun::begin(place.path(), ONE).unwrap();
        fs::remove_dir_all(place.path().join(FRESH)).unwrap();
        assert!(!fresh.is_done("a") && !fresh.is_done("b"));
    }
}
