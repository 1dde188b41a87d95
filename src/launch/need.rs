//! What each training of a folder needs: nothing, training, or to be left alone.

use anyhow::Result;

use super::plan::Task;
use super::resume::resumes_at;
use crate::storage::{Claim, Done, FreshRun, Store};
use crate::train::Position;

/// What a training needs.
pub enum Need {
    /// Nothing: it is done.
    Nothing(Done),
    /// To be trained.
    Training,
    /// To be left alone, and why: a newer bnes wrote what lies in its place.
    Newer(String),
}

/// Whether what is done is to be done again.
enum Fresh {
    No,
    /// `--fresh`, which has not begun.
    Begins,
    /// `--fresh`, at its first start or a later one.
    Runs(FreshRun),
}

/// Some trainings of one folder, with what is known of them there.
pub struct Needs<'a> {
    /// The folder.
    pub store: &'a Store,
    /// The trainings.
    pub tasks: Vec<&'a Task>,
    fresh: Fresh,
    /// Whether what is done is to be verified, and so neither made again nor corrected first.
    verify: bool,
}

impl<'a> Needs<'a> {
    /// Looks without writing.
    #[must_use]
    pub fn look(store: &'a Store, tasks: Vec<&'a Task>, fresh: bool) -> Self {
        let fresh = match FreshRun::find(store.dir(), &identities(&tasks)).filter(|_| fresh) {
            Some(run) => Fresh::Runs(run),
            None if fresh => Fresh::Begins,
            None => Fresh::No,
        };
        Self { store, tasks, fresh, verify: false }
    }

    /// Looks in order to train; where a fresh run begins, no checkpoint is resumed from.
    ///
    /// # Errors
    /// Where the notes of a fresh run cannot be written.
    pub fn begin(
        store: &'a Store,
        tasks: Vec<&'a Task>,
        fresh: bool,
        verify: bool,
    ) -> Result<Self> {
        if !fresh {
            return Ok(Self { store, tasks, fresh: Fresh::No, verify });
        }
        let (run, begins) = FreshRun::begin(store.dir(), &identities(&tasks))?;
        for task in tasks.iter().filter(|_| begins) {
            let work_dir = store.work_dir(&task.dir);
            if work_dir.exists()
                && let Some(claim) = Claim::acquire(&work_dir)?
            {
                claim.discard();
            }
        }
        Ok(Self { store, tasks, fresh: Fresh::Runs(run), verify })
    }

    /// What a training needs, as things stand now.
    #[must_use]
    pub fn of(&self, task: &Task) -> Need {
        if matches!(self.fresh, Fresh::No)
            && let Some(problem) = self.store.newer(&task.dir)
        {
            return Need::Newer(problem);
        }
        self.done(task).map_or(Need::Training, Need::Nothing)
    }

    fn done(&self, task: &Task) -> Option<Done> {
        let is_due = match &self.fresh {
            Fresh::No => false,
            Fresh::Begins => true,
            Fresh::Runs(run) => !run.is_done(&task.dir),
        };
        if is_due {
            return None;
        }
        let Task { dir, identity, arms, .. } = task;
        if self.verify
            && let Some(record) = self.store.recorded(dir, identity, arms)
        {
            return Some(Done { record, changed: false });
        }
        self.store.done(dir, identity, task.trajectory.training.epochs, arms)
    }

    /// Where a training would go on; none where it would begin with its first epoch.
    #[must_use]
    pub fn resumes_at(&self, task: &Task) -> Option<Position> {
        match self.fresh {
            Fresh::Begins => None,
            _ => resumes_at(task, &self.store.work_dir(&task.dir)),
        }
    }
}

/// Directory and identity of each training.
pub fn identities<'a>(tasks: &[&'a Task]) -> Vec<(&'a str, &'a str)> {
    tasks.iter().map(|task| (&*task.dir, &*task.identity)).collect()
}
