//! What launchers that train elsewhere have in common: which trainings they send, and how a command names them.

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf, absolute};
use std::sync::mpsc::Sender;

use anyhow::{Context, Result};

use super::launcher::Settings;
use super::squeue::{Queued, queued};
use super::task_list::TaskList;
use crate::config::ConfigError;
use crate::event::Event;
use crate::runner::{DeviceChoice, Session};
use crate::text::{counted, shell_word};

/// Trainings about to be handed over.
pub struct Ready {
    /// Of each, its directory below the experiment's and its place in [`Session::laid_out`].
    pub trainings: Vec<(String, usize)>,
    /// What there is to know.
    pub notes: Vec<String>,
}

/// How a task is run: the program and the experiment's directory, both absolute.
pub struct Runner {
    bnes: String,
    sweep: String,
    device: DeviceChoice,
}

impl Runner {
    /// For the experiment of a session.
    ///
    /// # Errors
    /// Where a path cannot be written as a line of text, or this build cannot use the device anywhere.
    pub fn new(session: &Session, device: DeviceChoice) -> Result<Self> {
        device.check_build()?;
        let bnes = std::env::current_exe().context("where this program lies is not known")?;
        let sweep = absolute(session.store().dir())?;
        Ok(Self { bnes: line(&bnes)?, sweep: line(&sweep)?, device })
    }

    /// The experiment's directory.
    #[must_use]
    pub fn sweep(&self) -> PathBuf {
        PathBuf::from(&self.sweep)
    }

    /// The words of a shell that run tasks; `numbers` is put in as it is.
    #[must_use]
    pub fn command(&self, numbers: &str) -> String {
        let Self { bnes, sweep, device } = self;
        let device = match device {
            DeviceChoice::Auto => String::new(),
            device => format!(" --device={device}"),
        };
        let (bnes, sweep) = (shell_word(bnes), shell_word(sweep));
        format!("{bnes} run --sweep={sweep} --task-id={numbers}{device}")
    }
}

/// Task numbers as `--task-id` takes them.
#[must_use]
pub fn task_id(numbers: &Range<usize>) -> String {
    if numbers.len() == 1 {
        numbers.start.to_string()
    } else {
        format!("{}..{}", numbers.start, numbers.end)
    }
}

/// A path that a shell and a queue take as one line.
fn line(path: &Path) -> Result<String, ConfigError> {
    let line = path.to_str().filter(|text| !text.contains(char::is_control));
    line.map(str::to_owned).ok_or_else(|| {
        let message = format!(
            "`{}` has a line break, another control character or bytes that are no UTF-8 in it, and cannot be \
             named in a line of commands",
            path.to_string_lossy().escape_debug()
        );
        ConfigError::new(message).help("choose another place with --results")
    })
}

/// Lays the experiment out and finds what is to be sent: what is missing, neither at work nor in a queue, and of
/// what failed only what is asked for.
///
/// # Errors
/// Where the results directory cannot be written.
pub fn ready(session: &mut Session, settings: &Settings, events: &Sender<Event>) -> Result<Ready> {
    let open = session.lay_out(events)?;
    let list = TaskList::at(session.store().dir());
    let (in_queue, unknown) = match queued(&list) {
        Ok(in_queue) => (in_queue, None),
        Err(problem) => (HashMap::new(), Some(problem)),
    };
    let (mut running, mut waiting, mut failed) = (0, 0, 0);
    let mut trainings = Vec::with_capacity(open.tasks.len());
    for task in open.tasks {
        if task.is_running {
            running += 1;
        } else if let Some(queued) = in_queue.get(&task.training)
            && (!task.has_failed || settings.retry_failed || *queued == Queued::Waits)
        {
            waiting += 1;
        } else if task.has_failed && !settings.retry_failed {
            failed += 1;
        } else {
            trainings.push((task.training, task.place));
        }
    }
    let all = open.done + running + waiting + failed + trainings.len();
    let counts = [
        (open.done, "done"),
        (running, "running"),
        (waiting, "queued"),
        (failed, "failed"),
        (trainings.len(), "to send"),
    ];
    let counts = counts.iter().filter(|(count, _)| *count > 0);
    let counts: Vec<String> = counts.map(|(count, what)| format!("{count} {what}")).collect();
    let what = if open.is_tuning { ", tuning" } else { "" };
    let name = &settings.experiment.name;
    let mut notes =
        vec![format!("{name}{what}: {}: {}", counted(all, "training"), counts.join(", "))];
    if open.is_tuning {
        notes.push("once these are done, the same command sends what comes next".to_owned());
    }
    if failed > 0 {
        notes.push(
            "--retry-failed sends what failed again; `bnes status` says why it did".to_owned(),
        );
    }
    if let Some(problem) = unknown.filter(|_| !trainings.is_empty()) {
        notes.push(format!("what is queued is not known, and may be sent twice: {problem}"));
    }
    Ok(Ready { trainings, notes })
}
