//! Several trainings side by side in this process; one that fails takes no other along.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::mpsc::Sender;

use anyhow::{Context, Result, anyhow};
use candle_core::Device;

use super::THREADS_VARIABLE;
use super::plan::Task;
use super::provenance::CpuClock;
use super::run_one::{Finished, run_one};
use crate::event::{Event, Observer};
use crate::results::Status;

/// What trainings may use.
pub struct Resources {
    /// Trainings side by side.
    pub jobs: usize,
    /// Threads of each.
    pub threads: usize,
    /// Where tensors live.
    pub device: Device,
}

/// Threads of one training, by the environment; 1 where that says nothing sensible.
#[must_use]
pub fn threads() -> usize {
    let number = std::env::var(THREADS_VARIABLE).ok().and_then(|text| text.parse().ok());
    number.filter(|threads| *threads > 0).unwrap_or(1)
}

/// Trainings side by side: as many as asked for, else one per core, at most as many as there are.
#[must_use]
pub fn jobs(asked: Option<usize>, trainings: usize) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    asked.unwrap_or_else(cores).min(trainings).max(1)
}

/// What became of a task.
pub struct Outcome {
    /// Its place among the tasks given.
    pub task: usize,
    /// What was trained and saved, or why not.
    pub result: Result<Finished>,
}

/// Trains `tasks`, some at a time, and hands each to `save` as it ends.
///
/// The outcomes are in the order of the tasks, whatever the order in which they ended.
pub fn run_all(
    tasks: &[&Task],
    resources: &Resources,
    events: &Sender<Event>,
    save: impl Fn(&Task, &Finished) -> Result<()> + Sync,
) -> Vec<Outcome> {
    let next = Mutex::new(0..tasks.len());
    let outcomes = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..resources.jobs.min(tasks.len()) {
            let mut events = events.clone();
            let (next, outcomes, save) = (&next, &outcomes, &save);
            scope.spawn(move || {
                while let Some(number) = next.lock().ok().and_then(|mut next| next.next()) {
                    let task = tasks[number];
                    let result = train_and_save(task, number, resources, &mut events, save);
                    events.on_event(Event::Ended {
                        training: number,
                        outcome: in_words(task, &result),
                        failed: result.is_err(),
                    });
                    if let Ok(mut outcomes) = outcomes.lock() {
                        outcomes.push(Outcome { task: number, result });
                    }
                }
            });
        }
    });
    let mut outcomes = outcomes.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    outcomes.sort_by_key(|outcome| outcome.task);
    outcomes
}

fn train_and_save(
    task: &Task,
    number: usize,
    resources: &Resources,
    events: &mut Sender<Event>,
    save: &(impl Fn(&Task, &Finished) -> Result<()> + Sync),
) -> Result<Finished> {
    let Resources { jobs, threads, device } = resources;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(*threads)
        .build()
        .context("cannot start the threads of a training")?;
    let train = || {
        let clock = match (jobs, threads) {
            (_, 1) => Some(CpuClock::of_thread()),
            (1, _) => Some(CpuClock::of_process()),
            // Several threads of one process among others: the system keeps no such account.
            _ => None,
        };
        run_one(task, number, device, *threads, clock, events)
    };
    let finished = catch_unwind(AssertUnwindSafe(|| pool.install(train)))
        .unwrap_or_else(|panic| Err(anyhow!("a fault in bnes: {}", panic_message(&*panic))))?;
    save(task, &finished)?;
    Ok(finished)
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "unknown".to_owned())
}

fn in_words(task: &Task, result: &Result<Finished>) -> String {
    let finished = match result {
        Ok(finished) => finished,
        Err(error) => return format!("{}: failed: {error:#}", task.dir),
    };
    let record = &finished.record;
    let how = match record.status {
        Status::Diverged => "diverged at",
        Status::Stopped => "stopped after",
        _ => "completed",
    };
    format!("{}: {how} epoch {}, {:.1} s", task.dir, record.epochs, record.provenance.wall_s)
}
