//! A replay for a terminal: a row per training and rule.

use super::table::{Align, Table, narrow};
use crate::compare::number::figure;
use crate::compare::replay::Replayed;

/// The table that `bnes replay` prints, for a terminal of this width; whole where there is none.
#[must_use]
pub fn replay(rows: &[Replayed], width: Option<usize>) -> String {
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
    let left_out = table.fit(width);
    let mut text = table.render();
    if !left_out.is_empty() {
        text.extend(["\n", &narrow(&left_out), "\n"]);
    }
    if rows.iter().any(|row| row.truncated) {
        text.push_str("\n>=: the training had itself been stopped, so the regret may be larger\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_terminal_is_told_what_it_does_not_see() {
        let row = Replayed {
            path: "results/digits/batch-seed0-0a1b2c3d4e5f".to_owned(),
            criterion: "patience(patience=5)".to_owned(),
            monitor: "val_loss".to_owned(),
            stop_epoch: Some(17),
            stop_reason: Some("patience"),
            best_epoch: Some(12),
            best_value: Some(0.25),
            epochs: 17,
            epochs_saved: Some(0.83),
            regret: Some(0.0),
            truncated: false,
        };
        let narrow = replay(std::slice::from_ref(&row), Some(90));
        assert!(narrow.lines().all(|line| line.chars().count() <= 90), "{narrow}");
        assert!(
            narrow.ends_with(
                "\ntoo narrow for: reason, monitor, best value, epochs saved (a file or a pipe gets all)\n"
            ),
            "{narrow}"
        );
        let whole = replay(&[row], None);
        assert!(whole.contains("reason") && whole.contains("epochs saved"), "{whole}");
        assert_eq!(whole.lines().count(), 2);
    }
}
