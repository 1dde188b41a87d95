//! `bnes run --report FILE`: the page of `bnes report`, kept up to date while trainings go on.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::Result;

use super::compared::ComparedArgs;
use super::compared_logs::LogArgs;
use super::exit::UsageError;
use super::output;
use super::report::page;
use crate::compare::CompareError;
use crate::console::eprintln;
use crate::event::Event;
use crate::report::page::{Preview, waiting};
use crate::results::{self, LoadError};
use crate::storage::atomic::write_with;

/// A page is at least this old before the next.
const EVERY: Duration = Duration::from_secs(5);

/// Of the time, the part that pages take at most: one in so many.
const SHARE: u32 = 30;

/// A page that follows the trainings of an experiment.
#[derive(Debug, Clone)]
pub(super) struct LiveReport {
    file: PathBuf,
    /// The experiment's directory, as people name it.
    results: PathBuf,
}

impl LiveReport {
    /// Of the results in a directory.
    ///
    /// # Errors
    /// Where the file is something other than a page.
    pub fn new(file: &Path, results: PathBuf) -> Result<Self, UsageError> {
        output::is_page(file, "--report")?;
        Ok(Self { file: file.to_owned(), results })
    }

    /// Passes events on; a page is written as trainings end, in a thread of its own, until the last sender is
    /// gone.
    pub fn follow(&self, events: &Receiver<Event>, onward: &Sender<Event>) {
        let (sender, ended) = channel();
        std::thread::scope(|scope| {
            scope.spawn(move || self.keep_up(&ended));
            for event in events {
                if matches!(event, Event::Begun { .. } | Event::Ended { .. }) {
                    let _ = sender.send(());
                }
                let _ = onward.send(event);
            }
            drop(sender);
        });
    }

    /// Writes pages, the first at once.
    fn keep_up(&self, ended: &Receiver<()>) {
        let (mut is_told, mut is_behind) = (false, false);
        while is_behind || ended.recv().is_ok() {
            while ended.try_recv().is_ok() {}
            let started = Instant::now();
            if let Err(error) = self.write(Some(true))
                && !std::mem::replace(&mut is_told, true)
            {
                let file = self.file.display();
                eprintln(format_args!("warning: {file} was not written: {error:#}"));
            }
            // What takes long is done less often.
            let until = Instant::now() + EVERY.max(started.elapsed() * SHARE);
            is_behind = false;
            loop {
                match ended.recv_timeout(until.saturating_duration_since(Instant::now())) {
                    Ok(()) => is_behind = true,
                    Err(RecvTimeoutError::Timeout) => break,
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        }
    }

    /// The last page: that of `bnes report`, or one that says what is missing where a signal or an error came.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn finish(&self, is_interrupted: bool) -> Result<()> {
        self.write(is_interrupted.then_some(false))
    }

    /// Writes the page: a preview that goes on or not, or what `bnes report` writes.
    fn write(&self, goes_on: Option<bool>) -> Result<()> {
        // Of one thread: the others are at work.
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
        let text = pool.install(|| self.text(goes_on))?;
        write_with(&self.file, |file| output::print(file, &text))
    }

    fn text(&self, goes_on: Option<bool>) -> Result<String> {
        let args = ComparedArgs {
            paths: vec![self.results.clone()],
            metric: None,
            filters: Vec::new(),
            logs: LogArgs::default(),
        };
        let every_s = EVERY.as_secs();
        let nothing = |done, all| {
            let goes_on = goes_on.unwrap_or(false);
            let name = self.results.file_name().unwrap_or_default().to_string_lossy();
            waiting(&name, &Preview { done, all, goes_on, every_s })
        };
        let experiments = match results::load(&args.paths) {
            Ok(experiments) => experiments,
            Err(LoadError::NoResults(_) | LoadError::NoSuchPath(_)) => return Ok(nothing(0, 0)),
            Err(error) => return Err(error.into()),
        };
        let done = experiments.iter().map(|one| one.runs.len()).sum();
        let all = experiments.iter().map(|one| one.plan.trainings.len()).sum();
        let mut compared = match args.compare(experiments, None) {
            Ok(compared) => compared,
            Err(CompareError::NothingDone(_)) => return Ok(nothing(done, all)),
            Err(error) => return Err(error.into()),
        };
        let preview = goes_on.map(|goes_on| Preview { done, all, goes_on, every_s });
        Ok(page(&mut compared, &args, preview)?.0)
    }
}
