//! What of an experiment's trainings lies in its folder, and in those of other experiments.

use std::collections::HashSet;
use std::path::Path;

use crate::results::PlannedTraining;
use crate::results::archive;
use crate::results::layout::run_file;
use crate::results::load::trainings;
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
        let here = trainings(store.dir()).into_iter().chain(WorkDir::all(store.dir())).collect();
        let here: HashSet<String> = here;
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
        let records = trainings(folder).into_iter().map(|name| run_file(&folder.join(name)));
        !records.into_iter().any(|record| archive::is_file(&record))
    };
    WorkDir::all(store.dir()).is_empty()
        && is_bare(store.dir())
        && experiments_beside(results, name).iter().all(|folder| is_bare(folder))
}
