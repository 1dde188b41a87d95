//! Where a sweep stands, for a terminal: a row per training and a line that counts them.

use std::path::Path;

use super::table::{Align, Table, narrow};
use super::wrap::wrap;
use crate::storage::Integrity;
use crate::storage::status::{State, TrainingStatus};
use crate::text::{counted, size};

fn name(state: State) -> &'static str {
    match state {
        State::Done => "done",
        State::Running => "running",
        State::Queued => "queued",
        State::Interrupted => "interrupted",
        State::Failed => "failed",
        State::Missing => "missing",
    }
}

/// The table that `bnes status DIR` prints, for a terminal of this width where there is one.
#[must_use]
pub fn status(statuses: &[TrainingStatus], dir: &Path, width: Option<usize>) -> String {
    // What is done and no config names has a line of its own, as it may be much more than the rest.
    let is_leftover = |status: &TrainingStatus| !status.named && status.state == State::Done;
    let (leftovers, statuses): (Vec<_>, Vec<_>) =
        statuses.iter().partition(|status| is_leftover(status));
    let column =
        |cell: &dyn Fn(&TrainingStatus) -> String| statuses.iter().map(|one| cell(one)).collect();
    let mut table = Table::new();
    table.push("experiment", Align::Left, 1, column(&|s| s.experiment.clone()));
    table.push("training", Align::Left, 0, column(&|s| s.training.clone()));
    table.push("state", Align::Left, 0, column(&|s| name(s.state).to_owned()));
    let epoch = |s: &TrainingStatus| s.epoch.map_or(String::new(), |epoch| epoch.to_string());
    table.push("epoch", Align::Right, 0, column(&epoch));
    table.push("", Align::Left, 0, column(&details));
    let left_out = table.fit(width);
    let mut text = table.render();
    if !left_out.is_empty() {
        text.push_str(&wrap(&narrow(&left_out), width.unwrap_or(usize::MAX), "  "));
    }
    let states = [
        State::Done,
        State::Running,
        State::Queued,
        State::Interrupted,
        State::Failed,
        State::Missing,
    ];
    let named = || statuses.iter().filter(|status| status.named);
    let counts = states.iter().filter_map(|state| {
        let count = named().filter(|status| status.state == *state).count();
        (count > 0).then(|| format!("{count} {}", name(*state)))
    });
    let counts: Vec<String> = counts.collect();
    text.extend(["\n", &counted(named().count(), "training"), ": ", &counts.join(", "), "\n"]);
    let unnamed = statuses.len() - named().count();
    if unnamed > 0 {
        let trainings = counted(unnamed, "training");
        let line = format!("unfinished work on {trainings} that the config no longer names\n");
        text.push_str(&line);
    }
    if !leftovers.is_empty() {
        let trainings = counted(leftovers.len(), "finished training");
        let bytes = leftovers.iter().filter_map(|leftover| leftover.bytes).sum();
        let (bytes, dir) = (size(bytes), dir.display());
        let line = format!(
            "{trainings} that the config does not name, {bytes}: `bnes clean {dir}` removes them\n"
        );
        text.push_str(&line);
    }
    text.push_str(&time_left(&statuses).unwrap_or_default());
    let fresh: Vec<bool> = statuses.iter().filter_map(|status| status.fresh).collect();
    if !fresh.is_empty() {
        let done = fresh.iter().filter(|done| **done).count();
        let all = counted(fresh.len(), "training");
        let line = format!(
            "--fresh: {done} of {all} trained again so far; the same command with --fresh resumes\n"
        );
        text.push_str(&line);
    }
    text
}

/// What `bnes status --check` found, in a line or two.
#[must_use]
pub fn integrity(found: &Integrity) -> String {
    let Integrity { trainings, files, unchecked, damaged } = found;
    let (files, of) = (counted(*files, "file"), counted(*trainings, "training"));
    let mut text = match damaged.values().map(Vec::len).sum() {
        0 => format!("checked: {files} of {of}, all whole\n"),
        1 => format!("checked: {files} of {of}, 1 damaged: `bnes run` makes it again\n"),
        more => format!("checked: {files} of {of}, {more} damaged: `bnes run` makes them again\n"),
    };
    if *unchecked > 0 {
        let trainings = counted(*unchecked, "training");
        let line = format!("{trainings} of an earlier version without checksums: not checked\n");
        text.push_str(&line);
    }
    text
}

/// How long what is not done takes, about, with as many trainings side by side as there are now.
fn time_left(statuses: &[&TrainingStatus]) -> Option<String> {
    let left: Vec<f64> = statuses.iter().filter_map(|status| status.left_s).collect();
    if left.is_empty() {
        return None;
    }
    let running = statuses.iter().filter(|status| status.state == State::Running).count();
    let side_by_side = running.clamp(1, left.len());
    #[allow(clippy::cast_precision_loss)] // a few
    let seconds = left.iter().sum::<f64>() / side_by_side as f64;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // not negative, and rounded
    let time = duration(seconds.ceil() as u64);
    Some(match running {
        0 | 1 => format!("about {time} left, one training at a time\n"),
        _ => format!("about {time} left, {side_by_side} trainings at a time\n"),
    })
}

fn details(status: &TrainingStatus) -> String {
    let TrainingStatus { host, pid, running_s, error, log, job_log, .. } = status;
    let mut parts = Vec::new();
    if let (Some(host), Some(pid)) = (host, pid) {
        let time = running_s.map_or(String::new(), |s| format!(", for {}", duration(s)));
        parts.push(format!("on {host}, process {pid}{time}"));
    }
    if status.state == State::Interrupted && status.epoch.is_none() {
        parts.push("no checkpoint, starts again".to_owned());
    }
    if let (Some(error), Some(log)) = (error, log) {
        let first = error.lines().next().unwrap_or_default();
        parts.push(format!("{first} ({})", log.display()));
    }
    if let Some(log) = job_log {
        parts.push(format!("its job printed {}", log.display()));
    }
    if status.fresh == Some(false) {
        parts.push("to be trained again".to_owned());
    }
    if !status.named {
        parts.push("no longer in the config".to_owned());
    }
    parts.join("; ")
}

fn duration(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3600),
    }
}
