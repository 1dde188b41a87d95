//! What each training of a folder needs: nothing, training, or to be left alone.

use anyhow::Result;

use super::prepared_training::PreparedTraining;
use super::resume::resumes_at;
use crate::storage::{Claim, Done, FreshRun, Store, Twin, Twins};
use crate::train::Position;

/// What a training needs.
pub enum Need {
    /// Nothing: it is done.
    Nothing(Box<Done>),
    /// To be put in its place: it is done, under another name.
    Move(Box<(Twin, Done)>),
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
    pub trainings: Vec<&'a PreparedTraining>,
    fresh: Fresh,
    /// Whether what is done is to be verified, and so neither made again nor corrected first.
    verify: bool,
    /// Where else what is done may lie; none where that is not to be looked for.
    twins: Option<&'a Twins>,
}

impl<'a> Needs<'a> {
    /// Looks without writing.
    #[must_use]
    pub fn look(store: &'a Store, trainings: Vec<&'a PreparedTraining>, fresh: bool) -> Self {
        let fresh = match FreshRun::find(store.dir(), &identities(&trainings)).filter(|_| fresh) {
            Some(run) => Fresh::Runs(run),
            None if fresh => Fresh::Begins,
            None => Fresh::No,
        };
        Self { store, trainings, fresh, verify: false, twins: None }
    }

    /// Looks in order to train; where a fresh run begins, no checkpoint is resumed from.
    ///
    /// # Errors
    /// Where the notes of a fresh run cannot be written.
    pub fn begin(
        store: &'a Store,
        trainings: Vec<&'a PreparedTraining>,
        fresh: bool,
        verify: bool,
    ) -> Result<Self> {
        if !fresh {
            return Ok(Self { store, trainings, fresh: Fresh::No, verify, twins: None });
        }
        let (run, begins) = FreshRun::begin(store.dir(), &identities(&trainings))?;
        for training in trainings.iter().filter(|_| begins) {
            let work_dir = store.work_dir(&training.dir);
            if work_dir.exists()
                && let Some(claim) = Claim::acquire(&work_dir)?
            {
                claim.discard();
            }
        }
        Ok(Self { store, trainings, fresh: Fresh::Runs(run), verify, twins: None })
    }

    /// Looks under other names too, unless all is to be trained again.
    #[must_use]
    pub fn with(self, twins: &'a Twins) -> Self {
        Self { twins: Some(twins).filter(|_| matches!(self.fresh, Fresh::No)), ..self }
    }

    /// What a training needs, as things stand now.
    #[must_use]
    pub fn of(&self, training: &PreparedTraining) -> Need {
        if matches!(self.fresh, Fresh::No)
            && let Some(problem) = self.store.newer(&training.dir)
        {
            return Need::Newer(problem);
        }
        if let Some(done) = self.done(training) {
            return Need::Nothing(Box::new(done));
        }
        let PreparedTraining { dir, identity, arms, .. } = training;
        let epochs = training.config.training.epochs;
        let twin = self.twins.and_then(|twins| twins.find(dir, identity, epochs, arms));
        twin.map_or(Need::Training, |twin| Need::Move(Box::new(twin)))
    }

    fn done(&self, training: &PreparedTraining) -> Option<Done> {
        let is_due = match &self.fresh {
            Fresh::No => false,
            Fresh::Begins => true,
            Fresh::Runs(run) => !run.is_done(&training.dir),
        };
        if is_due {
            return None;
        }
        let PreparedTraining { dir, identity, arms, .. } = training;
        if self.verify
            && let Some(record) = self.store.recorded(dir, identity, arms)
        {
            return Some(Done { record, changed: false });
        }
        self.store.done(dir, identity, training.config.training.epochs, arms)
    }

    /// Where a training would go on; none where it would begin with its first epoch.
    #[must_use]
    pub fn resumes_at(&self, training: &PreparedTraining) -> Option<Position> {
        match self.fresh {
            Fresh::Begins => None,
            _ => resumes_at(training, &self.store.work_dir(&training.dir)),
        }
    }
}

/// Directory and identity of each training.
pub fn identities<'a>(trainings: &[&'a PreparedTraining]) -> Vec<(&'a str, &'a str)> {
    trainings.iter().map(|training| (&*training.dir, &*training.identity)).collect()
}
