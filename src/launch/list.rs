//! `--launcher list`: one command a line, for HyperQueue, GNU parallel, xargs, Kubernetes or whatever runs commands.

use std::sync::mpsc::Sender;

use anyhow::Result;

use super::frozen::Frozen;
use super::hand_over::{Ready, Runner, ready, task_id};
use super::launcher::{HandedOver, Launched, Launcher, Settings};
use super::packing::jobs;
use super::task_list::TaskList;
use crate::event::Event;
use crate::runner::Session;

/// Lines at most, unless otherwise asked: each command reads the config and the data for itself.
const MOST_LINES: usize = 10_000;

/// Prints commands.
#[derive(Debug)]
pub struct List;

impl Launcher for List {
    fn name(&self) -> &'static str {
        "list"
    }

    fn help(&self) -> &'static str {
        "Print one command a line, for GNU parallel, HyperQueue, xargs or Kubernetes to run"
    }

    fn heeds(&self) -> &'static [&'static str] {
        &["retry-failed", "tasks-per-job"]
    }

    fn launch(
        &self,
        session: &mut Session,
        settings: &Settings,
        events: &Sender<Event>,
    ) -> Result<Launched> {
        let runner = Runner::new(session, settings.device)?;
        let Ready { trainings, mut notes } = ready(session, settings, events)?;
        let mut lines = Vec::new();
        if !trainings.is_empty() {
            let per_job =
                settings.tasks_per_job.unwrap_or_else(|| trainings.len().div_ceil(MOST_LINES));
            if per_job > 1 && settings.tasks_per_job.is_none() {
                notes.push(format!(
                    "--tasks-per-job {per_job}, so that there are at most {MOST_LINES} lines"
                ));
            }
            let list = TaskList::at(&runner.sweep());
            let tasks = list.add(Frozen::of(settings.experiment), trainings)?;
            let commands = jobs(tasks.first..tasks.end(), per_job);
            lines.extend(commands.map(|numbers| runner.command(&task_id(&numbers))));
        }
        Ok(Launched::HandedOver(HandedOver { lines, notes }))
    }
}
