//! One `bnes run`: an experiment, its results, and what is to be done about each of its trainings.
//!
//! A session decides and reports by events and summaries; it prints nothing. Where the trainings of a
//! folder are handed to something other than the threads of this process, [`Needs`] says which.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::mpsc::Sender;

use anyhow::Result;
use rayon::prelude::*;

use super::compute::{Compute, cores};
use super::dataset_cache::DatasetCache;
use super::device::DeviceChoice;
use super::interrupt::Interrupt;
use super::lying::{Lying, nothing_lies};
use super::need::{Need, Needs, identities};
use super::outcome::Outcome;
use super::prepared_experiment::PreparedExperiment;
use super::prepared_training::PreparedTraining;
use super::replaced::{self, Replaced};
use super::summary::Summary;
use super::sweep::{Resources, Sweep, jobs, write_event_files};
use super::tuning::Tuning;
use super::verify::{Verdict, Verification};
use crate::config::Experiment;
use crate::event::Event;
use crate::results::archive;
use crate::results::tuning::{TUNE, tune_dir};
use crate::results::{Plan, PlannedTraining, SequentialPlan, Status, TrainingRecord, TuningRecord};
use crate::storage::{FreshRun, Store, Twins, WorkDir, experiments_beside};
use crate::text::counted;
use crate::train::Position;

/// How a session is to go about it.
pub struct Options<'a> {
    /// The results directory.
    pub results: &'a Path,
    /// Where tensors live.
    pub device: DeviceChoice,
    /// Trainings side by side.
    pub jobs: Option<usize>,
    /// Whether what is done is trained again.
    pub fresh: bool,
    /// Whether what is done is to be verified: it is taken as it is.
    pub verify: bool,
}

/// Seeds whose splits are read to tell what there is to do; those of all are where it is done.
pub(super) const SEEDS_LOOKED_AT: usize = 32;

/// An experiment about to be run.
pub struct Session<'a> {
    pub(super) experiment: &'a Experiment,
    pub(super) options: Options<'a>,
    compute: Compute,
    interrupt: &'a Interrupt,
    pub(super) cache: DatasetCache,
    pub(super) prepared: PreparedExperiment,
    pub(super) tuning: Option<Tuning<'a>>,
    /// What the tuning has come to, where there is one.
    pub(super) tuned: Option<TuningRecord>,
    looks: Option<SequentialPlan>,
    /// Where the config lies, from the folder of the experiment.
    source: Option<String>,
    /// What was there before, where a tuning will write over it; else it is read when it is asked for.
    earlier: Option<Plan>,
    /// How each training ended where all stand, once that was asked for.
    standing: OnceLock<Option<Vec<Status>>>,
}

/// What would become of a training.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prospect {
    /// It is done, maybe under another name.
    Done,
    /// It would be trained, from this place where it has a checkpoint.
    Train(Option<Position>),
    /// What a newer bnes wrote lies in its place.
    Newer,
}

/// What would become of the trainings of a tuning.
pub struct TuningProspects {
    /// Of each.
    pub prospects: Vec<Prospect>,
    /// Whether all that the choice needs is done.
    pub is_settled: bool,
}

/// What a tuning came to.
pub struct Tuned {
    /// Its trainings, and the values chosen.
    pub record: TuningRecord,
    /// Trainings that this process trained for it.
    pub trained: usize,
    /// Set where it did not come to its end: a signal came, or a training failed.
    pub unfinished: Option<Summary>,
}

impl<'a> Session<'a> {
    /// Reads the data and lays out the trainings; writes nothing.
    ///
    /// # Errors
    /// Where the device, the environment, the config or the data is at fault.
    pub fn open(
        experiment: &'a Experiment,
        options: Options<'a>,
        interrupt: &'a Interrupt,
    ) -> Result<Self> {
        let device = options.device.open()?;
        // What the environment asks for is refused before anything is written.
        let compute = Compute::new(device, 1)?;
        let mut cache = DatasetCache::of(experiment);
        let prepared = PreparedExperiment::new(experiment, &mut cache, SEEDS_LOOKED_AT)?;
        let tuning = Tuning::new(experiment, &mut cache)?;
        let store = Store::at(options.results, &experiment.name);
        let source = replaced::source(&experiment.config, store.dir());
        let earlier = tuning.as_ref().and_then(|_| store.plan());
        Ok(Self {
            experiment,
            options,
            compute,
            interrupt,
            cache,
            prepared,
            tuning,
            tuned: None,
            looks: None,
            source,
            earlier,
            standing: OnceLock::new(),
        })
    }

    /// The experiment of another config that was in this one's place when the session began. While values are
    /// being tuned, the trainings are not known yet.
    #[must_use]
    pub fn replaced(&self) -> Option<Replaced> {
        if self.tuning.is_some() || self.standing().is_some() {
            return None;
        }
        let store = self.store();
        let earlier =
            self.earlier.clone().or_else(|| store.plan().filter(|_| self.tuned.is_none()));
        let earlier = earlier.filter(|earlier| earlier.source != self.source)?;
        Replaced::find(&earlier, &self.prepared.plan(), store.dir())
    }

    /// Lays down when the results are looked at.
    pub fn plan_looks(&mut self, looks: Option<SequentialPlan>) {
        self.looks = looks;
    }

    /// What the experiment comes to: before its tuning with the first of the values to choose from,
    /// after it with those chosen.
    #[must_use]
    pub fn prepared(&self) -> &PreparedExperiment {
        &self.prepared
    }

    /// What one training at a time would compute with.
    #[must_use]
    pub fn compute(&self) -> &Compute {
        &self.compute
    }

    /// The tuning, where there is one that has not come to its end.
    #[must_use]
    pub fn tuning(&self) -> Option<&Tuning<'a>> {
        self.tuning.as_ref()
    }

    /// Where the results of the experiment are, or will be.
    #[must_use]
    pub fn store(&self) -> Store {
        Store::at(self.options.results, &self.experiment.name)
    }

    /// What is wrong with the archives in which trainings are looked up, a sentence each.
    #[must_use]
    pub fn damage(&self) -> Vec<String> {
        let store = self.store();
        let tune_store = self.tuning.as_ref().map(|_| Store::at(store.dir(), TUNE));
        tune_store.iter().chain([&store]).filter_map(damage).collect()
    }

    /// What would become of the trainings of the tuning, in their order. Where all that it needs is
    /// done, the session goes on with the values chosen.
    ///
    /// # Errors
    /// None in practice: what was trained was accepted.
    pub fn look_at_tuning(&mut self) -> Result<Option<TuningProspects>> {
        let beside = self.tunings_beside();
        let Some(tuning) = &mut self.tuning else { return Ok(None) };
        let store = Store::at(&self.options.results.join(&self.experiment.name), TUNE);
        let fresh = self.options.fresh;
        let twins = Twins::new(&store, BTreeSet::new(), beside);
        let mut known = HashMap::new();
        let is_settled =
            tuning.find(&store, Some(&twins), fresh, &mut self.cache, |needs, training, need| {
                known.insert(training.dir.clone(), prospect(needs, training, need));
            });
        // Those that the last look added to the grid.
        let trainings = tuning.trainings();
        let added = trainings.iter().copied().filter(|training| !known.contains_key(&training.dir));
        let needs = Needs::look(&store, added.collect(), fresh).with(&twins);
        for training in &needs.trainings {
            known.insert(training.dir.clone(), prospect(&needs, training, &needs.of(training)));
        }
        let prospects =
            trainings.iter().filter_map(|training| known.get(&training.dir).copied()).collect();
        if is_settled {
            self.prepared =
                PreparedExperiment::new(&tuning.chosen()?, &mut self.cache, usize::MAX)?;
        }
        Ok(Some(TuningProspects { prospects, is_settled }))
    }

    /// Tells of each training, in order, what would become of it; how many would be trained. Those of which
    /// nothing can lie anywhere are counted alone once `is_told` has enough.
    ///
    /// # Errors
    /// As `tell` has them.
    pub fn prospects(
        &mut self,
        is_told: impl Fn(usize) -> bool,
        mut tell: impl FnMut(&PreparedTraining, Prospect) -> Result<()>,
    ) -> Result<usize> {
        let (store, fresh) = (self.store(), self.options.fresh);
        let (results, name) = (self.options.results, &self.experiment.name);
        let count = self.prepared.training_count();
        // The splits of seeds that nobody asks about need not be made.
        if fresh || is_told(count - 1) {
            self.prepared = self.prepared.with_all_seeds(&mut self.cache)?;
        }
        let found = if nothing_lies(&store, results, name) {
            None
        } else {
            let planned = self.prepared.plan().trainings;
            let lying = Lying::new(&store, results, name, &planned);
            // A fresh run is known by all of them.
            let all = if fresh { self.prepared.all_trainings() } else { Vec::new() };
            let needs = Needs::look(&store, all.iter().collect(), fresh).with(&lying.twins);
            let look = |(number, planned): (usize, &PlannedTraining)| {
                let training = || self.prepared.named(number);
                let Some(training) = lying.has(&planned.dir).then(training).flatten() else {
                    return Prospect::Train(None);
                };
                let PreparedTraining { dir, identity, arms, .. } = &training;
                let quick = (!fresh).then(|| store.stands(dir, identity, arms)).flatten();
                let closer = || prospect(&needs, &training, &needs.of(&training));
                quick.map_or_else(closer, |_| Prospect::Done)
            };
            Some(planned.par_iter().enumerate().map(look).collect::<Vec<Prospect>>())
        };
        for number in (0..count).filter(|number| is_told(*number)) {
            if let Some(training) = self.prepared.training(number) {
                let prospect = found.as_ref().map(|found| found[number]);
                tell(&training, prospect.unwrap_or(Prospect::Train(None)))?;
            }
        }
        let is_due = |prospect: &&Prospect| matches!(prospect, Prospect::Train(_));
        Ok(found.map_or(count, |found| found.iter().filter(is_due).count()))
    }

    /// Trains what values are chosen by, round by round; then the session goes on with those values.
    /// None where there is nothing to tune.
    ///
    /// # Errors
    /// Where the results directory cannot be written.
    pub fn tune(&mut self, events: &Sender<Event>) -> Result<Option<Tuned>> {
        let Some(mut tuning) = self.tuning.take() else { return Ok(None) };
        let store = Store::create(self.options.results, &self.experiment.name)?;
        let tune_store = Store::create(store.dir(), TUNE)?;
        warn_of_damage(&tune_store, events);
        if !self.options.fresh {
            tuning.find(&tune_store, None, false, &mut self.cache, |_, _, _| {});
        }
        let mut trained = 0;
        while !tuning.choose(&mut self.cache) {
            self.tuned = Some(tuning.record());
            // What is to be trained then is not known before.
            self.write_plan(&store, self.prepared.outline(), events)?;
            let open = tuning.open();
            let trainings = counted(open.len(), "training");
            let message = format!("tuning: {trainings} in {}", tune_store.dir().display());
            let _ = events.send(Event::Note { message });
            let named = tuning.trainings().iter().map(|training| training.dir.clone()).collect();
            let dirs: Vec<String> = open.iter().map(|training| training.dir.clone()).collect();
            let twins = Twins::new(&tune_store, named, self.tunings_beside());
            let summary = self.train_in(&tune_store, Some(&twins), open, None, events)?;
            tune_store.clean();
            trained += summary.trained;
            if summary.interrupted() > 0 || summary.failed > 0 {
                let record = tuning.record();
                return Ok(Some(Tuned { record, trained, unfinished: Some(summary) }));
            }
            let records = dirs.into_iter().zip(summary.records);
            tuning.note(records.filter_map(|(dir, record)| Some((dir, record?))));
        }
        let record = tuning.record();
        self.prepared = PreparedExperiment::new(&tuning.chosen()?, &mut self.cache, usize::MAX)?;
        self.tuned = Some(record.clone());
        Ok(Some(Tuned { record, trained, unfinished: None }))
    }

    /// Trains what is not done yet.
    ///
    /// # Errors
    /// Where the results directory cannot be written; a training that fails is in the summary.
    pub fn train(&mut self, events: &Sender<Event>) -> Result<Summary> {
        let store = Store::create(self.options.results, &self.experiment.name)?;
        warn_of_damage(&store, events);
        let events_of = self.events_of();
        if let Some(standing) = self.standing().filter(|_| events_of.is_none()) {
            let summary = Summary::of_standing(standing.to_vec());
            store.clean();
            FreshRun::tidy(store.dir());
            return Ok(summary);
        }
        self.prepared = self.prepared.with_all_seeds(&mut self.cache)?;
        self.write_plan(&store, self.prepared.plan(), events)?;
        let trainings = self.prepared.all_trainings();
        let trainings: Vec<&PreparedTraining> = trainings.iter().collect();
        let twins = self.twins(&store, &trainings);
        let summary =
            self.train_in(&store, Some(&twins), trainings.clone(), self.events_of(), events)?;
        // Others that were at work here may have been killed meanwhile.
        store.clean();
        FreshRun::tidy(store.dir());
        if self.options.fresh && FreshRun::find(store.dir(), &identities(&trainings)).is_none() {
            // Until here, the tuning of a fresh run that is interrupted would have been gone on with.
            FreshRun::tidy(&tune_dir(store.dir()));
        }
        Ok(summary)
    }

    /// Writes the config and what it comes to into the folder of the experiment; what was written.
    pub(super) fn write_plan(
        &self,
        store: &Store,
        plan: Plan,
        events: &Sender<Event>,
    ) -> Result<Plan> {
        let plan = self.plan(store, plan);
        for message in store.write_plan(&self.experiment.config, &plan)? {
            let _ = events.send(Event::Warning { message });
        }
        Ok(plan)
    }

    /// Where else trainings of the experiment may lie.
    pub(super) fn twins(&self, store: &Store, trainings: &[&PreparedTraining]) -> Twins {
        let named = trainings.iter().map(|training| training.dir.clone()).collect();
        let beside = experiments_beside(self.options.results, &self.experiment.name);
        Twins::new(store, named, beside)
    }

    /// The tunings of other experiments, whose trainings those of this one may be.
    pub(super) fn tunings_beside(&self) -> Vec<PathBuf> {
        let beside = experiments_beside(self.options.results, &self.experiment.name);
        beside.iter().map(|experiment| tune_dir(experiment)).collect()
    }

    /// How each training ended, where all of them stand as they are and the folder says just what the experiment
    /// comes to: a quick look at what is done.
    fn standing(&self) -> Option<&[Status]> {
        let look = || {
            let is_known = self.tuning.is_none() && self.tuned.is_none();
            let outline = Plan {
                sequential: self.looks.clone(),
                source: self.source.clone(),
                ..self.prepared.outline()
            };
            let store = self.store();
            let is_quick = is_known && !self.options.fresh && !self.options.verify;
            let planned = is_quick.then(|| store.planned(&self.experiment.config, &outline))??;
            let works: HashSet<String> = WorkDir::all(store.dir()).into_iter().collect();
            let status = |(number, planned): (usize, &String)| {
                let training = self.prepared.named(number)?;
                let PreparedTraining { dir, identity, arms, .. } = &training;
                let is_at_rest = dir == planned && !works.contains(dir);
                is_at_rest.then(|| store.stands(dir, identity, arms))?
            };
            let is_whole = planned.len() == self.prepared.training_count();
            let look = || planned.par_iter().enumerate().map(status).collect();
            is_whole.then(|| on_every_core(look))?
        };
        self.standing.get_or_init(look).as_deref()
    }

    /// What the experiment comes to, with what an earlier plan in its place says of looks at it. That is kept
    /// whatever is trained again: the same seeds come to the same.
    fn plan(&self, store: &Store, mut plan: Plan) -> Plan {
        plan.tuning.clone_from(&self.tuned);
        plan.sequential.clone_from(&self.looks);
        plan.source.clone_from(&self.source);
        let Some(earlier) = store.plan() else { return plan };
        let is_same = |plan: &Plan| (plan.factors.clone(), plan.comparable.clone());
        if is_same(&earlier) != is_same(&plan) {
            return plan;
        }
        plan.looked_at.clone_from(&earlier.looked_at);
        let (before, now) = (earlier.seeds(), plan.seeds());
        let could_be_seen =
            || earlier.trainings.iter().any(|training| store.is_done(&training.dir));
        if self.looks.is_none() && now.is_subset(&before) || now.is_empty() {
            // Nothing new is seen: what was laid down holds.
            if now.len() < before.len() && self.looks.is_none() && could_be_seen() {
                plan.looked_at.push(before.len());
            }
            plan.sequential = earlier.sequential.or(plan.sequential);
        } else if self.looks.is_none() || self.looks != earlier.sequential {
            // What is done could be looked at, and there is more to come or another plan.
            if could_be_seen() {
                let planned = earlier.sequential.iter().flat_map(|plan| &plan.looks).copied();
                let reached = planned.filter(|look| *look < before.len());
                plan.looked_at.extend(reached.chain([before.len()]));
            }
        }
        plan.looked_at.sort_unstable();
        plan.looked_at.dedup();
        plan
    }

    /// The name under which TensorBoard is to have event files, where it is.
    pub(super) fn events_of(&self) -> Option<&str> {
        self.experiment.log.tensorboard.then_some(self.experiment.name.as_str())
    }

    /// Trains what of these is not done yet, into a folder of the experiment, where `twins` are given not even
    /// under another name; with event files for TensorBoard where they are `events_of` an experiment.
    pub(super) fn train_in(
        &self,
        store: &Store,
        twins: Option<&Twins>,
        trainings: Vec<&PreparedTraining>,
        events_of: Option<&str>,
        events: &Sender<Event>,
    ) -> Result<Summary> {
        let Options { fresh, verify, .. } = self.options;
        let needs = Needs::begin(store, trainings, fresh, verify)?;
        let needs = match twins {
            Some(twins) => needs.with(twins),
            None => needs,
        };
        // Its process may have ended between putting a training in its place and tidying up.
        let works: HashSet<String> = WorkDir::all(store.dir()).into_iter().collect();
        let found = |training: &&PreparedTraining| match needs.of(training) {
            Need::Nothing(done) => {
                if works.contains(&training.dir) {
                    store.tidy(&training.dir);
                }
                let record = store.keep(&training.dir, *done);
                if let Some(experiment) = events_of {
                    write_event_files(store, &training.dir, experiment, &record, events);
                }
                Some(Outcome::Found(record))
            }
            // Of what a newer bnes wrote, the sweep says so.
            Need::Move(_) | Need::Training | Need::Newer(_) => None,
        };
        let outcomes: Vec<Option<Outcome>> = needs.trainings.par_iter().map(found).collect();
        let open = needs.trainings.iter().zip(&outcomes).filter(|(_, outcome)| outcome.is_none());
        let open: Vec<&PreparedTraining> = open.map(|(training, _)| *training).collect();
        let resources = self.resources(&open, events)?;
        let every_s = self.experiment.checkpoint.every_s;
        let sweep =
            Sweep::new(&needs, open, &resources, self.interrupt, every_s).with_events_of(events_of);
        let mut trained = sweep.run(events).into_iter();
        let outcome = |found: Option<Outcome>| found.or_else(|| trained.next());
        let outcomes = outcomes.into_iter().filter_map(outcome).collect();
        Ok(Summary::of(&needs.trainings, outcomes))
    }

    /// Trains finished trainings again, in memory, and compares; `summary` is that of
    /// [`Session::train`].
    ///
    /// # Errors
    /// Where the environment says nothing sensible.
    pub fn verify(&self, summary: &Summary, events: &Sender<Event>) -> Result<Vec<Verdict>> {
        let is_finished =
            |record: &Option<TrainingRecord>| record.as_ref().is_some_and(|r| !r.arms.is_empty());
        let trainings = self.prepared.all_trainings();
        let all = trainings.iter().zip(&summary.records);
        let finished: Vec<&PreparedTraining> =
            all.filter(|(_, record)| is_finished(record)).map(|(training, _)| training).collect();
        let resources = self.resources(&finished, events)?;
        let store = self.store();
        Ok(Verification::new(&store, finished, &resources, self.interrupt).run(events))
    }

    /// What trainings that are about to be done may use; says that they are.
    fn resources(
        &self,
        trainings: &[&PreparedTraining],
        events: &Sender<Event>,
    ) -> Result<Resources> {
        let jobs = jobs(self.options.jobs, trainings.len());
        let compute = Compute::new(self.compute.device().clone(), jobs)?;
        let names = trainings.iter().map(|training| training.label().to_owned()).collect();
        let _ = events.send(Event::Begun { names });
        Ok(Resources { jobs, compute })
    }
}

/// Says so where the archive of a folder is damaged.
fn warn_of_damage(store: &Store, events: &Sender<Event>) {
    if let Some(message) = damage(store) {
        let _ = events.send(Event::Warning { message });
    }
}

fn damage(store: &Store) -> Option<String> {
    let damage = archive::damage(store.dir())?;
    Some(format!("{damage}; what it holds is taken for missing"))
}

fn prospect(needs: &Needs, training: &PreparedTraining, need: &Need) -> Prospect {
    match need {
        Need::Nothing(_) | Need::Move(_) => Prospect::Done,
        Need::Training => Prospect::Train(needs.resumes_at(training)),
        Need::Newer(_) => Prospect::Newer,
    }
}

/// Has work done on every core. Rayon's own pool has one thread here: candle's products take their number from the
/// variable by which it would decide.
fn on_every_core<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    match rayon::ThreadPoolBuilder::new().num_threads(cores()).build() {
        Ok(pool) => pool.install(work),
        Err(_) => work(),
    }
}
