//! Where a sweep stands, for a terminal: a row per training and a line that counts them.

use super::table::{Align, Table, narrow, wrap};
use crate::results::standing::{Standing, State};

fn name(state: State) -> &'static str {
    match state {
        State::Done => "done",
        State::Running => "running",
        State::Interrupted => "interrupted",
        State::Failed => "failed",
        State::Missing => "missing",
    }
}

/// The table that `bnes status` prints, for a terminal of this width where there is one.
#[must_use]
pub fn status(standings: &[Standing], width: Option<usize>) -> String {
    let column = |cell: &dyn Fn(&Standing) -> String| standings.iter().map(cell).collect();
    let mut table = Table::new();
    table.push("experiment", Align::Left, 1, column(&|s| s.experiment.clone()));
    table.push("training", Align::Left, 0, column(&|s| s.training.clone()));
    table.push("state", Align::Left, 0, column(&|s| name(s.state).to_owned()));
    let epoch = |s: &Standing| s.epoch.map_or(String::new(), |epoch| epoch.to_string());
    table.push("epoch", Align::Right, 0, column(&epoch));
    table.push("", Align::Left, 0, column(&details));
    let left_out = table.fit(width);
    let mut text = table.render();
    if !left_out.is_empty() {
        text.push_str(&wrap(&narrow(&left_out), width.unwrap_or(usize::MAX), "  "));
    }
    let states = [State::Done, State::Running, State::Interrupted, State::Failed, State::Missing];
    let counts = states.iter().filter_map(|state| {
        let count = standings.iter().filter(|standing| standing.state == *state).count();
        (count > 0).then(|| format!("{count} {}", name(*state)))
    });
    let counts: Vec<String> = counts.collect();
    text.extend(["\n", &format!("{} trainings: {}\n", standings.len(), counts.join(", "))]);
    text
}

fn details(standing: &Standing) -> String {
    let Standing { host, pid, running_s, error, log, .. } = standing;
    if let (Some(host), Some(pid)) = (host, pid) {
        let time = running_s.map_or(String::new(), |s| format!(", for {}", duration(s)));
        return format!("on {host}, process {pid}{time}");
    }
    match (error, log) {
        (Some(error), Some(log)) => {
            let first = error.lines().next().unwrap_or_default();
            format!("{first} ({})", log.display())
        }
        _ => String::new(),
    }
}

fn duration(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3600),
    }
}
