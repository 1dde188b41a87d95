//! All trainings of an experiment, some side by side and shared with other processes; one that
//! fails takes no other along.

use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Error, Result, bail};

use super::compute::{self, Compute};
use super::interrupt::Interrupt;
use super::outcome::{Outcome, guarded, note};
use super::plan::Task;
use super::run_one::{Ended, Finished, Setting, run_one};
use crate::event::{Event, Observer};
use crate::results::fresh::Fresh;
use crate::results::process::Process;
use crate::results::store::Store;
use crate::results::work::Claim;
use crate::results::{RunRecord, Status};
use crate::train::Position;

/// How often a claim is renewed, far below the silence after which it is void.
const BEAT: Duration = Duration::from_secs(2);

/// How often it is looked whether a signal came.
const WATCH: Duration = Duration::from_millis(50);

/// How long a training that another process is at work on is left alone.
const POLL: Duration = Duration::from_millis(100);

/// What trainings may use.
pub struct Resources {
    /// Trainings side by side.
    pub jobs: usize,
    /// What each computes with.
    pub compute: Compute,
}

/// Trainings side by side: as many as asked for, else one per core, at most as many as there are.
#[must_use]
pub fn jobs(asked: Option<usize>, trainings: usize) -> usize {
    asked.unwrap_or_else(compute::cores).min(trainings).max(1)
}

/// Trainings about to be done.
pub struct Sweep<'a> {
    /// What is trained.
    pub tasks: Vec<&'a Task>,
    /// Where results go.
    pub store: &'a Store,
    /// What may be used.
    pub resources: Resources,
    /// Asks all of them to end.
    pub interrupt: &'a Interrupt,
    /// `[checkpoint] every_s`.
    pub every_s: f64,
    /// Set where what is done is to be done again.
    pub fresh: Option<&'a Fresh>,
}

/// How one training is done: [`run_one`].
type Trainer<'a> =
    dyn Fn(&Task, Option<&Claim>, &Setting, &Sender<Event>) -> Result<Ended> + Sync + 'a;

/// What is said, once, when a signal comes.
pub(super) struct Hearing {
    is_said: AtomicBool,
    then: &'static str,
}

impl Hearing {
    /// `then`: what a signal does.
    pub fn new(then: &'static str) -> Self {
        Self { is_said: AtomicBool::new(false), then }
    }
}

/// The numbers of tasks not yet begun, and of those that another process is at work on.
#[derive(Default)]
struct Queue {
    next: VecDeque<usize>,
    waiting: VecDeque<usize>,
    /// Those of which it was said that they are waited for.
    told: HashSet<usize>,
}

impl Sweep<'_> {
    /// Trains all tasks, or waits where another process trains one. The outcomes are in the order of
    /// the tasks, whatever the order in which they ended.
    #[must_use]
    pub fn run(&self, events: &Sender<Event>) -> Vec<Outcome> {
        self.run_by(&run_one, events)
    }

    fn run_by(&self, trainer: &Trainer<'_>, events: &Sender<Event>) -> Vec<Outcome> {
        let count = self.tasks.len();
        let queue = Mutex::new(Queue { next: (0..count).collect(), ..Queue::default() });
        let outcomes: Mutex<Vec<Outcome>> =
            Mutex::new((0..count).map(|_| Outcome::NotBegun).collect());
        let claims: Mutex<Vec<Arc<Claim>>> = Mutex::default();
        let hearing = Hearing::new("the batches at hand end and all is saved");
        let (done, is_done) = channel::<()>();
        std::thread::scope(|scope| {
            let (claims, queue, outcomes, hearing) = (&claims, &queue, &outcomes, &hearing);
            let mut watched = events.clone();
            scope.spawn(move || self.watch(&is_done, claims, hearing, &mut watched));
            for _ in 0..self.resources.jobs.min(count) {
                let (mut events, done) = (events.clone(), done.clone());
                scope.spawn(move || {
                    let _done = done;
                    while !self.interrupt.is_asked()
                        && let Some((number, waited)) = take(queue)
                    {
                        let Some(outcome) = self.attempt(number, trainer, claims, &events) else {
                            lock(queue).waiting.push_back(number);
                            if waited {
                                self.tell_wait(number, queue, &mut events);
                                std::thread::sleep(POLL);
                            }
                            continue;
                        };
                        self.tell_signal(hearing, &mut events);
                        events.on_event(Event::Ended {
                            training: number,
                            outcome: outcome.in_words(self.tasks[number], self.store),
                            failed: matches!(outcome, Outcome::Failed(_)),
                        });
                        lock(outcomes)[number] = outcome;
                    }
                });
            }
            drop(done);
        });
        let mut outcomes = outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
        for number in &lock(&queue).waiting {
            outcomes[*number] = Outcome::Elsewhere;
        }
        outcomes
    }

    /// Renews the claims, and says that a signal was heard, until all is done.
    pub(super) fn watch(
        &self,
        is_done: &Receiver<()>,
        claims: &Mutex<Vec<Arc<Claim>>>,
        hearing: &Hearing,
        events: &mut Sender<Event>,
    ) {
        let mut beaten = Instant::now();
        while is_done.recv_timeout(WATCH) == Err(RecvTimeoutError::Timeout) {
            self.tell_signal(hearing, events);
            if beaten.elapsed() >= BEAT {
                beaten = Instant::now();
                for claim in lock(claims).iter() {
                    // A claim that cannot be renewed may be taken over, which does no harm.
                    let _ = claim.beat();
                }
            }
        }
    }

    /// Says, once, that a signal came.
    pub(super) fn tell_signal(&self, hearing: &Hearing, events: &mut Sender<Event>) {
        if self.interrupt.is_asked() && !hearing.is_said.swap(true, Ordering::Relaxed) {
            let (signal, _) = self.interrupt.told();
            let message = format!("{signal}: {}; a second signal ends it at once", hearing.then);
            events.on_event(Event::Note { message });
        }
    }

    /// Says, once of each, that nothing is left to do but to wait for another process.
    fn tell_wait(&self, number: usize, queue: &Mutex<Queue>, events: &mut Sender<Event>) {
        let dir = &self.tasks[number].dir;
        // Without a holder it ended just now.
        if let Some(holder) = self.store.work(dir).holder()
            && lock(queue).told.insert(number)
        {
            let Process { host, pid, .. } = holder.process;
            let message =
                format!("{dir}: waiting for process {pid} on {host}, which is at work on it");
            events.on_event(Event::Note { message });
        }
    }

    /// The record of a task that needs no training.
    #[must_use]
    pub fn done(&self, task: &Task) -> Option<RunRecord> {
        let anew = self.fresh.is_some_and(|fresh| !fresh.is_done(&task.dir));
        if anew { None } else { done(self.store, task) }
    }

    /// Trains a task; none while another process does.
    fn attempt(
        &self,
        number: usize,
        trainer: &Trainer<'_>,
        claims: &Mutex<Vec<Arc<Claim>>>,
        events: &Sender<Event>,
    ) -> Option<Outcome> {
        let task = self.tasks[number];
        let result = (|| {
            if self.fresh.is_none()
                && let Some(message) = self.store.foreign(&task.dir)
            {
                bail!(message);
            }
            if let Some(record) = self.done(task) {
                return Ok(Some(Outcome::Found(record)));
            }
            let Some(claim) = self.store.work(&task.dir).claim()? else { return Ok(None) };
            // It may have been finished between the last look and the claim.
            if let Some(record) = self.done(task) {
                self.store.finish(&task.dir, claim);
                return Ok(Some(Outcome::Found(record)));
            }
            let claim = Arc::new(claim);
            lock(claims).push(Arc::clone(&claim));
            let ended = self.train(number, trainer, &claim, events);
            lock(claims).retain(|other| !Arc::ptr_eq(other, &claim));
            let outcome = self.save(task, ended?)?;
            if let (Outcome::Trained(_) | Outcome::Found(_), Some(claim)) =
                (&outcome, Arc::into_inner(claim))
            {
                self.store.finish(&task.dir, claim);
            }
            Ok(Some(outcome))
        })();
        result.unwrap_or_else(|error: Error| {
            let record = note(task, Status::Failed, 0, Some(format!("{error:#}")));
            self.write_note(task, &record, events);
            Some(Outcome::Failed(error))
        })
    }

    fn train(
        &self,
        number: usize,
        trainer: &Trainer<'_>,
        claim: &Claim,
        events: &Sender<Event>,
    ) -> Result<Ended> {
        let (every_s, interrupt) = (self.every_s, self.interrupt);
        let Resources { jobs, compute } = &self.resources;
        let setting = Setting { number, compute, alone: *jobs == 1, every_s, interrupt };
        guarded(|| trainer(self.tasks[number], Some(claim), &setting, events))
    }

    /// Puts what was trained in its place, or notes that it was interrupted.
    fn save(&self, task: &Task, ended: Ended) -> Result<Outcome> {
        match ended {
            Ended::Finished(finished) => {
                let Finished { mut record, table, weights } = *finished;
                self.store.mark_exploratory(&task.dir, &mut record);
                let keeps = || self.done(task).is_some();
                let placed =
                    self.store.write_training(&task.dir, &record, &table, &weights, keeps)?;
                let first = if placed { None } else { self.done(task) };
                Ok(first.map_or(Outcome::Trained(record), Outcome::Found))
            }
            Ended::Interrupted { at: Position { epoch: 1, batch: 0 }, .. } => Ok(Outcome::NotBegun),
            Ended::Interrupted { at, saved } => {
                let record = note(task, Status::Interrupted, at.epoch - 1, None);
                // The checkpoint is what counts.
                let _ = self.store.write_note(&task.dir, &record);
                Ok(Outcome::Interrupted { at, saved })
            }
        }
    }

    fn write_note(&self, task: &Task, record: &RunRecord, events: &Sender<Event>) {
        if let Err(error) = self.store.write_note(&task.dir, record) {
            let message = format!("the failure could not be noted: {error:#}");
            events.clone().on_event(Event::Warning { message });
        }
    }
}

/// The record of a finished task, with today's arms written where they changed.
#[must_use]
pub fn done(store: &Store, task: &Task) -> Option<RunRecord> {
    let epochs = task.trajectory.training.epochs;
    let done = store.done(&task.dir, &task.identity, epochs, &task.arms)?;
    if done.changed {
        // What it says is known either way.
        let _ = store.write_record(&task.dir, &done.record);
    }
    Some(done.record)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The next task, and whether another process was at work on it.
fn take(queue: &Mutex<Queue>) -> Option<(usize, bool)> {
    let mut queue = lock(queue);
    let next = queue.next.pop_front().map(|number| (number, false));
    next.or_else(|| queue.waiting.pop_front().map(|number| (number, true)))
}

#[cfg(test)]
#[path = "sweep_tests.rs"]
mod tests;
