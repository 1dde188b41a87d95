//! A replay for a terminal: a row per training and rule.

use super::table::{Align, Table};
use crate::compare::number::figure;
use crate::compare::replay::Replayed;

/// The table that `bnes replay` prints, for a terminal of this width.
#[must_use]
pub fn replay(rows: &[Replayed], width: usize) -> String {
    let column = |cell: &dyn Fn(&Replayed) -> String| rows.iter().map(cell).collect();
    let number = |value: Option<usize>| value.map_or("-".to_owned(), |v| v.to_string());
    let mut table = Table::new();
    table.push("path", Align::Left, 0, column(&|r| r.path.clone()));
    table.push("criterion", Align::Left, 0, column(&|r| r.criterion.clone()));
    table.push("stop", Align::Right, 0, column(&|r| number(r.stop_epoch)));
    table.push("reason", Align::Left, 4, column(&|r| r.stop_reason.unwrap_or("-").to_owned()));
    table.push("best", Align::Right, 0, column(&|r| number(r.best_epoch)));
    table.push("monitor", Align::Left, 2, column(&|r| r.monitor.clone()));
    table.push(
        "best value",
        Align::Right,
        1,
        column(&|r| r.best_value.map_or("-".to_owned(), |value| figure(value, 4))),
    );
    table.push(
        "epochs saved",
        Align::Right,
        3,
        column(&|r| {
            r.epochs_saved.map_or(String::new(), |share| format!("{:.0} %", 100.0 * share))
        }),
    );
    table.push(
        "regret",
        Align::Right,
        0,
        column(&|r| {
            let at_least = if r.truncated { ">= " } else { "" };
            r.regret.map_or("-".to_owned(), |value| format!("{at_least}{}", figure(value, 3)))
        }),
    );
    let mut text = table.render(width);
    if rows.iter().any(|row| row.truncated) {
        text.push_str("\n>=: the training had itself been stopped, so the regret may be larger\n");
    }
    text
}
