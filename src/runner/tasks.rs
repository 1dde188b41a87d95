//! An experiment whose trainings others are to train: what there is to hand over, and a part of it trained.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use anyhow::Result;

use super::lying::Lying;
use super::need::{Need, Needs};
use super::prepare_error::PrepareError;
use super::prepared_experiment::PreparedExperiment;
use super::prepared_training::PreparedTraining;
use super::session::{SEEDS_LOOKED_AT, Session};
use super::summary::Summary;
use super::tuning::Tuning;
use crate::config::ConfigError;
use crate::event::Event;
use crate::results::tuning::TUNE;
use crate::results::{PlannedTraining, Status, TrainingRecord};
use crate::storage::{Claim, Holder, Store, Twin, Twins};
use crate::train::Position;

/// What is still to be trained of an experiment.
#[derive(Default)]
pub struct Open {
    /// In the experiment's order.
    pub tasks: Vec<OpenTask>,
    /// Trainings that are done.
    pub done: usize,
    /// Whether they are to choose values by, so that the experiment's own are not known yet.
    pub is_tuning: bool,
}

/// A training still to be trained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenTask {
    /// Its directory below the experiment's.
    pub training: String,
    /// Its place among all trainings of the experiment, or of its tuning.
    pub place: usize,
    /// Whether the last attempt ended with an error.
    pub has_failed: bool,
    /// Whether a process is at work on it.
    pub is_running: bool,
}

/// What became of some trainings of an experiment.
pub struct TasksEnded {
    /// Of each.
    pub summary: Summary,
    /// Whether anything is further than before.
    pub has_progressed: bool,
}

/// Where each training would go on.
type Positions = Vec<Option<Position>>;

impl Session<'_> {
    /// Writes down what the experiment comes to, puts what is done elsewhere in its place, and says what is left
    /// to train.
    ///
    /// # Errors
    /// Where the results directory cannot be written.
    pub fn lay_out(&mut self, events: &Sender<Event>) -> Result<Open> {
        let store = Store::create(self.options.results, &self.experiment.name)?;
        for message in self.damage() {
            let _ = events.send(Event::Warning { message });
        }
        if !self.settle_tuning(&store)? {
            let tune_store = Store::at(store.dir(), TUNE);
            self.tuned = self.tuning.as_ref().map(Tuning::record);
            self.write_plan(&store, self.prepared.outline(), events)?;
            let trainings = self.tuning.as_ref().map(Tuning::trainings).unwrap_or_default();
            let needs = Needs::look(&tune_store, trainings, false);
            let mut open = Open { is_tuning: true, ..Open::default() };
            for (place, training) in needs.trainings.iter().enumerate() {
                open.look(&needs, place, training, events)?;
            }
            for task in &mut open.tasks {
                task.training.insert_str(0, &format!("{TUNE}/"));
            }
            return Ok(open);
        }
        let plan = self.write_plan(&store, self.prepared.plan(), events)?;
        self.open_of(&store, plan.trainings, events)
    }

    /// What is left to train of the experiment, whose trainings are `planned`. Those of which nothing lies anywhere
    /// are told by their names alone.
    fn open_of(
        &self,
        store: &Store,
        planned: Vec<PlannedTraining>,
        events: &Sender<Event>,
    ) -> Result<Open> {
        let lying = Lying::new(store, self.options.results, &self.experiment.name, &planned);
        let needs = Needs::look(store, Vec::new(), false).with(&lying.twins);
        let mut open = Open { tasks: Vec::with_capacity(planned.len()), ..Open::default() };
        for (place, PlannedTraining { dir, .. }) in planned.into_iter().enumerate() {
            if lying.has(&dir) {
                let training = self.prepared.named(place);
                training.map_or(Ok(()), |training| open.look(&needs, place, &training, events))?;
            } else {
                open.tasks.push(OpenTask::new(dir, place));
            }
        }
        Ok(open)
    }

    /// Of the trainings that [`Open`] tells of, those at these places, or others that differ from them in their seed
    /// alone, so that no further split has to be made.
    #[must_use]
    pub fn alike(&self, places: impl Iterator<Item = usize>) -> Vec<PreparedTraining> {
        if let Some(tuning) = &self.tuning {
            let all = tuning.trainings();
            return places.filter_map(|place| all.get(place).map(|one| (*one).clone())).collect();
        }
        let of_one_seed = self.prepared.of_one_seed();
        places.filter_map(|place| self.prepared.training(place % of_one_seed)).collect()
    }

    /// Bytes of the splits that one process holds which trains those at these places, in ascending order; at most.
    #[must_use]
    pub fn split_bytes(&self, places: &[usize]) -> usize {
        if let Some(tuning) = &self.tuning {
            let all = tuning.trainings();
            let known = places.iter().filter_map(|place| all.get(*place));
            let splits: HashMap<_, usize> =
                known.map(|one| (Arc::as_ptr(&one.data), one.data.own_bytes())).collect();
            return splits.values().sum();
        }
        let of_one_seed = self.prepared.of_one_seed();
        let seeds = places.chunk_by(|a, b| a / of_one_seed == b / of_one_seed).count();
        self.prepared.split_bytes(seeds)
    }

    /// The trainings at these places.
    fn laid_out(&mut self, places: &[usize]) -> Result<Vec<PreparedTraining>, PrepareError> {
        // The splits of other seeds need not even be made.
        self.prepared = self.prepared.with_trainings(places, &mut self.cache)?;
        Ok(places.iter().filter_map(|place| self.prepared.training(*place)).collect())
    }

    /// Trains those of these trainings that are not done, given by their directories below the experiment's and their
    /// places, and leaves alone what the experiment comes to.
    ///
    /// # Errors
    /// Where one of them is none of the experiment, or the results directory cannot be written.
    pub fn train_tasks(
        &mut self,
        tasks: &[(&str, usize)],
        events: &Sender<Event>,
    ) -> Result<TasksEnded> {
        let prefix = format!("{TUNE}/");
        let is_tuning = tasks.iter().all(|(name, _)| name.starts_with(&prefix));
        let tune_store = Store::at(self.store().dir(), TUNE);
        for message in self.damage() {
            let _ = events.send(Event::Warning { message });
        }
        if let Some(tuning) = &mut self.tuning {
            let is_settled = tuning.find(&tune_store, None, false, &mut self.cache, |_, _, _| {});
            if is_settled && !is_tuning {
                self.prepared = PreparedExperiment::new(&tuning.chosen()?, &mut self.cache, 0)?;
                self.tuning = None;
            }
        }
        let store = if is_tuning { tune_store } else { self.store() };
        let places: Vec<usize> = tasks.iter().map(|(_, place)| *place).collect();
        let known: Vec<PreparedTraining> = if let Some(tuning) = &self.tuning {
            // From round to round there are more, and their places are others.
            tuning.trainings().into_iter().cloned().collect()
        } else {
            self.laid_out(&places)?
        };
        let known: HashMap<&str, &PreparedTraining> =
            known.iter().map(|training| (training.dir.as_str(), training)).collect();
        let find = |(name, _): &(&str, usize)| {
            let dir = if is_tuning { &name[prefix.len()..] } else { name };
            known.get(dir).copied().ok_or_else(|| {
                ConfigError::new(format!(
                    "{}: no such training comes of the config and the data any more",
                    store.dir().join(dir).display()
                ))
                .help("the data or bnes changed since the tasks were written: launch the experiment again")
            })
        };
        let trainings = tasks.iter().map(find).collect::<Result<Vec<_>, _>>()?;
        let needs = Needs::look(&store, trainings.clone(), false);
        let positions =
            || -> Positions { trainings.iter().map(|one| needs.resumes_at(one)).collect() };
        let before = positions();
        let events_of = self.events_of().filter(|_| !is_tuning);
        let summary = self.train_in(&store, None, trainings.clone(), events_of, events)?;
        let has_progressed = summary.trained > 0 || positions() != before;
        Ok(TasksEnded { summary, has_progressed })
    }

    /// Takes into account what of a tuning is done, here or beside; whether nothing is left to choose.
    fn settle_tuning(&mut self, store: &Store) -> Result<bool> {
        let beside = self.tunings_beside();
        let Some(tuning) = &mut self.tuning else { return Ok(true) };
        let tune_store = Store::create(store.dir(), TUNE)?;
        loop {
            if tuning.find(&tune_store, None, false, &mut self.cache, |_, _, _| {}) {
                break;
            }
            let named = tuning.trainings().iter().map(|training| training.dir.clone()).collect();
            let twins = Twins::new(&tune_store, named, beside.clone());
            let needs = Needs::look(&tune_store, tuning.open(), false).with(&twins);
            let mut moved = false;
            for training in &needs.trainings {
                if let Need::Move(twin) = needs.of(training) {
                    moved |= take_over(&needs, training, &twin.0)?;
                }
            }
            if !moved {
                return Ok(false);
            }
        }
        let record = tuning.record();
        self.prepared =
            PreparedExperiment::new(&tuning.chosen()?, &mut self.cache, SEEDS_LOOKED_AT)?;
        self.tuned = Some(record);
        self.tuning = None;
        Ok(true)
    }
}

/// Puts what is done under another name in its place; whether it is there now.
fn take_over(needs: &Needs, training: &PreparedTraining, twin: &Twin) -> Result<bool> {
    let Some(claim) = Claim::acquire(&needs.store.work_dir(&training.dir))? else {
        return Ok(false);
    };
    let moved = twin.take_over(needs.store, &training.dir)?;
    needs.store.finish(&training.dir, claim);
    Ok(moved)
}

impl Open {
    /// Takes a training into account, by what lies in its place or elsewhere.
    fn look(
        &mut self,
        needs: &Needs,
        place: usize,
        training: &PreparedTraining,
        events: &Sender<Event>,
    ) -> Result<()> {
        let is_done = match needs.of(training) {
            Need::Nothing(done) => {
                let _ = needs.store.keep(&training.dir, *done);
                true
            }
            Need::Move(twin) => take_over(needs, training, &twin.0)?,
            Need::Training => false,
            Need::Newer(message) => {
                let _ = events.send(Event::Warning { message });
                return Ok(());
            }
        };
        if is_done {
            self.done += 1;
            return Ok(());
        }
        let record = TrainingRecord::read(&needs.store.training(&training.dir));
        self.tasks.push(OpenTask {
            has_failed: record.is_some_and(|record| record.status == Status::Failed),
            is_running: Holder::of(&needs.store.work_dir(&training.dir)).is_some(),
            ..OpenTask::new(training.dir.clone(), place)
        });
        Ok(())
    }
}

impl OpenTask {
    /// Of a training that nobody has begun.
    fn new(training: String, place: usize) -> Self {
        Self { training, place, has_failed: false, is_running: false }
    }
}
