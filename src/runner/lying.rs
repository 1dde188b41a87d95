//! What of an experiment's trainings lies in its folder, and in those of other experiments.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use crate::results::PlannedTraining;
use crate::results::archive;
use crate::results::layout::run_file;
use crate::storage::{Store, Twins, WorkDir, experiments_beside};

/// Names of what lies there, so that of a million trainings nobody has begun, none has to be looked for.
pub struct Lying {
    /// In the folder of the experiment.
    here: HashSet<String>,
    /// Elsewhere, or under another name.
    pub twins: Twins,
}

impl Lying {
    /// Of the trainings that an experiment comes to.
    pub fn new(store: &Store, results: &Path, name: &str, planned: &[PlannedTraining]) -> Self {
        let here: HashSet<String> =
            names(store.dir()).into_iter().chain(WorkDir::all(store.dir())).collect();
        let named = planned.iter().map(|training| &training.dir);
        let named = named.filter(|dir| here.contains(*dir)).cloned().collect();
        Self { twins: Twins::new(store, named, experiments_beside(results, name)), here }
    }

    /// Whether anything may be there of a training in this directory.
    pub fn has(&self, dir: &str) -> bool {
        self.here.contains(dir) || self.twins.may_hold(dir)
    }
}

/// Whether there is nothing at all, of whatever training.
pub fn nothing_lies(store: &Store, results: &Path, name: &str) -> bool {
    let is_bare = |folder: &Path| {
        let mut records = names(folder).into_iter().map(|name| run_file(&folder.join(name)));
        !records.any(|record| archive::is_file(&record))
    };
    WorkDir::all(store.dir()).is_empty()
        && is_bare(store.dir())
        && experiments_beside(results, name).iter().all(|folder| is_bare(folder))
}

/// The names of whatever lies in a folder and its archive; a training may be a link.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.chain(archive::packed_trainings(folder)).collect()
}
