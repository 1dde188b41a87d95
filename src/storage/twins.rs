//! Finished trainings that lie under another name than today's: the config had other factors when they were
//! trained, or the experiment another name.
//!
//! Names of directories end with the seed and the identity, so that one listing finds them; their
//! `run.json` has the last word.

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, DirEntry};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{Context, Result};

use super::atomic::{partial_dir, place, sync_dir, write_unplaced};
use super::{Claim, Done, Store};
use crate::config::Arm;
use crate::results::archive;
use crate::results::layout::{RUN_FILE, experiment_file, is_training_file, run_file};
use crate::results::load::{directories, trainings};

/// A finished training of the same identity in another directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Twin {
    /// The folder that it lies in.
    pub folder: PathBuf,
    /// Its directory there.
    pub name: String,
    /// Whether it is nobody's any more: of the same experiment, whose config does not name it.
    pub may_move: bool,
}

impl Twin {
    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder.join(&self.name)
    }

    /// Puts it in the place of a training, in one step: moved where the config no longer names it and nobody
    /// is at work on it, else copied. The place has to be claimed. Whether it is there; not where another
    /// process replaced or moved the twin meanwhile.
    ///
    /// # Errors
    /// Where a file cannot be copied.
    pub fn take_over(&self, store: &Store, dir: &str) -> Result<bool> {
        let (from, to) = (self.path(), store.training(dir));
        if self.may_move
            && let Some(claim) = Claim::acquire(&store.work_dir(&self.name))?
            // Fails where a note of a failure or another result has the place.
            && fs::rename(&from, &to).is_ok()
        {
            sync_dir(store.dir());
            store.finish(&self.name, claim);
            return Ok(true);
        }
        let Ok(record) = archive::read(&run_file(&from)) else { return Ok(false) };
        let partial = partial_dir(store.dir())?;
        for file in files(&from) {
            let (source, copy) = (from.join(&file), partial.path().join(&file));
            let failed = || format!("cannot copy {}", source.display());
            let bytes = match archive::read(&source) {
                // Another process moved, replaced or removed it meanwhile.
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
                bytes => bytes.with_context(failed)?,
            };
            write_unplaced(&copy, &bytes)?;
        }
        write_unplaced(&run_file(partial.path()), &record)?;
        // Files of two trainings may have been met where one replaced the other.
        if archive::read(&run_file(&from)).ok().as_ref() != Some(&record) {
            return Ok(false);
        }
        place(partial, &to, || false)
    }
}

/// The names of a training's files, its `run.json` aside; links are none.
fn files(training: &Path) -> Vec<String> {
    let entries = fs::read_dir(training).into_iter().flatten().flatten();
    let is_file = |entry: &DirEntry| entry.file_type().is_ok_and(|kind| kind.is_file());
    let names = entries.filter(is_file).filter_map(|entry| entry.file_name().into_string().ok());
    let names = names.chain(archive::packed_files(training));
    names.filter(|name| is_training_file(name) && name != RUN_FILE).collect()
}

/// Where twins of the trainings of a folder may lie.
pub struct Twins {
    folder: PathBuf,
    named: BTreeSet<String>,
    beside: Vec<PathBuf>,
    /// By the end of the name; listed when first asked for.
    index: OnceLock<HashMap<String, Vec<Twin>>>,
}

impl Twins {
    /// Those in the folder of a store, of which today's config names `named`, and in the folders `beside`.
    #[must_use]
    pub fn new(store: &Store, named: BTreeSet<String>, beside: Vec<PathBuf>) -> Self {
        Self { folder: store.dir().to_owned(), named, beside, index: OnceLock::new() }
    }

    /// One of a training that answers all of `arms`, and its record for them.
    #[must_use]
    pub fn find(
        &self,
        dir: &str,
        identity: &str,
        epochs: usize,
        arms: &[Arm],
    ) -> Option<(Twin, Done)> {
        let index = self.index.get_or_init(|| self.list());
        let twins = index.get(end(dir)).into_iter().flatten();
        let others = twins.filter(|twin| twin.name != dir || twin.folder != self.folder);
        others.into_iter().find_map(|twin| {
            let store = Store::of(twin.folder.clone());
            if store.newer(&twin.name).is_some() {
                return None;
            }
            Some((twin.clone(), store.done(&twin.name, identity, epochs, arms)?))
        })
    }

    /// Whether there may be one of a training: whether a directory has its seed and identity.
    #[must_use]
    pub fn may_hold(&self, dir: &str) -> bool {
        self.index.get_or_init(|| self.list()).contains_key(end(dir))
    }

    /// Those of the folder first: they need no copy.
    fn list(&self) -> HashMap<String, Vec<Twin>> {
        let mut index: HashMap<String, Vec<Twin>> = HashMap::new();
        for folder in std::iter::once(&self.folder).chain(&self.beside) {
            for name in trainings(folder) {
                let may_move = *folder == self.folder && !self.named.contains(&name);
                let twin = Twin { folder: folder.clone(), name, may_move };
                index.entry(end(&twin.name).to_owned()).or_default().push(twin);
            }
        }
        index
    }
}

/// The experiments of a results directory but the one of this name.
#[must_use]
pub fn experiments_beside(results: &Path, name: &str) -> Vec<PathBuf> {
    let others = directories(results).into_iter().filter(|other| other != name);
    let others = others.map(|other| results.join(other));
    others.filter(|other| experiment_file(other).is_file()).collect()
}

/// `seed3-0a1b2c3d4e5f` of `batch-seed3-0a1b2c3d4e5f`.
fn end(name: &str) -> &str {
    name.rmatch_indices('-').nth(1).map_or(name, |(at, _)| &name[at + 1..])
}

#[cfg(test)]
mod tests {
    use super::end;

    #[test]
    fn names_of_one_seed_and_identity_have_one_end_whatever_the_levels() {
        let ends = ["a-b-seed3-0a1b", "seed3-0a1b", "-seed3-0a1b"].map(end);
        assert_eq!(ends, ["seed3-0a1b"; 3]);
        assert_ne!(end("a-seed13-0a1b"), end("a-seed3-0a1b"));
        assert_eq!(end("tune"), "tune");
    }
}
