//! A replay for a terminal, as a row per training and rule or as a row per rule over all trainings,
//! and as CSV.

use std::io;

use super::csv::float;
use super::number::figure;
use super::sentences::{cell_name, percent, replay};
use super::table::{Align, Table, narrow};
use super::wrap::wrap;
use crate::replay::Logged;
use crate::replay::{Row, RuleOutcome, RuleSummary, Summary};

/// The rows that `bnes replay` prints, for a terminal of this width; whole where there is none.
#[must_use]
pub fn rows(rows: &[Row], width: Option<usize>) -> String {
    let outcomes = || rows.iter().map(|row| &row.outcome);
    let column = |cell: &dyn Fn(&RuleOutcome) -> String| outcomes().map(cell).collect();
    let number = |value: Option<usize>| value.map_or("-".to_owned(), |v| v.to_string());
    let mut table = Table::new();
    table.push("path", Align::Left, 0, column(&|r| r.path.clone()));
    table.push(
        "criterion",
        Align::Left,
        0,
        rows.iter().map(|r| starred(&r.outcome.criterion, r.exploratory)).collect(),
    );
    let stop = |r: &RuleOutcome| with_logged(&number(r.stop_epoch), r, |logged| logged.stop);
    table.push("stop", Align::Right, 0, column(&stop));
    table.push("reason", Align::Left, 4, column(&|r| r.stop_reason.unwrap_or("-").to_owned()));
    let best = |r: &RuleOutcome| with_logged(&number(r.best_epoch), r, |logged| logged.best);
    table.push("best", Align::Right, 0, column(&best));
    table.push("monitor", Align::Left, 2, column(&|r| r.monitor.clone()));
    table.push(
        "best value",
        Align::Right,
        1,
        column(&|r| r.best_value.map_or("-".to_owned(), |value| figure(value, 4))),
    );
    table.push("epochs saved", Align::Right, 3, column(&|r| share(r.epochs_saved)));
    table.push(
        "regret",
        Align::Right,
        0,
        column(&|r| {
            let at_least = if r.truncated { ">= " } else { "" };
            r.regret.map_or("-".to_owned(), |value| format!("{at_least}{}", figure(value, 3)))
        }),
    );
    let mut text = fitted(table, width);
    if outcomes().any(|row| row.truncated) {
        text.push_str("\n>=: the training had itself been stopped, so the regret may be larger\n");
    }
    text
}

/// An epoch by position, with what the log calls it: `4 (step 2100)`.
fn with_logged(epoch: &str, outcome: &RuleOutcome, of: fn(&Logged) -> Option<f64>) -> String {
    let logged = outcome.logged.as_ref().and_then(|logged| Some((&logged.counter, of(logged)?)));
    logged.map_or(epoch.to_owned(), |(counter, value)| format!("{epoch} ({counter} {value})"))
}

/// The rules over all trainings, and what there is to conclude.
#[must_use]
pub fn rules(summary: &Summary, width: Option<usize>) -> String {
    let rules = &summary.rules;
    let column = |cell: &dyn Fn(&RuleSummary) -> String| rules.iter().map(cell).collect();
    let number = |value: Option<f64>| value.map_or(String::new(), |value| figure(value, 3));
    let is_split = rules.iter().any(|rule| rule.cell.is_some());
    let mut table = Table::new();
    table.push("criterion", Align::Left, 0, column(&|r| starred(&r.criterion, r.exploratory)));
    let cell = |rule: &RuleSummary| rule.cell.as_ref().map_or("all".to_owned(), cell_name);
    table.push(
        "trainings",
        Align::Left,
        0,
        column(&|r| if is_split { cell(r) } else { String::new() }),
    );
    table.push("n", Align::Right, 5, column(&|r| r.n.to_string()));
    table.push("fired", Align::Right, 4, column(&|r| r.fired.to_string()));
    let diverged = rules.iter().any(|rule| rule.diverged > 0);
    table.push(
        "diverged",
        Align::Right,
        4,
        column(&|r| if diverged { r.diverged.to_string() } else { String::new() }),
    );
    table.push("epochs", Align::Right, 2, column(&|r| number(r.epochs)));
    table.push("saved", Align::Right, 0, column(&|r| share(r.epochs_saved)));
    table.push("seconds saved", Align::Right, 7, column(&|r| number(r.seconds_saved)));
    table.push("regret", Align::Right, 3, column(&|r| number(r.regret)));
    table.push("test regret", Align::Right, 6, column(&|r| number(r.test_regret)));
    table.push("gives up", Align::Right, 0, column(&|r| r.given_up.map_or(String::new(), percent)));
    table.push("slowness", Align::Right, 2, column(&|r| number(r.slowness)));
    table.push(
        "badness",
        Align::Right,
        2,
        column(&|r| r.badness.map_or(String::new(), |b| format!("{b:.3}"))),
    );
    table.push("good", Align::Right, 8, column(&|r| share(r.good)));
    table.push("front", Align::Left, 1, column(&|r| if r.on_front { "<" } else { "" }.to_owned()));
    let mut text = fitted(table, width);
    text.push('\n');
    let wide = width.unwrap_or(usize::MAX);
    for line in legend(summary).into_iter().chain(summary.findings.iter().map(replay)) {
        text.push_str(&wrap(&line, wide, "  "));
    }
    text
}

/// What the columns of [`rules`] mean.
fn legend(summary: &Summary) -> Vec<String> {
    let any = |holds: fn(&RuleSummary) -> bool| summary.rules.iter().any(holds);
    let mut lines = Vec::new();
    if let Some(quality) = &summary.quality {
        lines.push(format!(
            "gives up: share of {quality} against the best epoch of the whole training. <: no other \
             rule both costs less and gives up less."
        ));
    }
    if any(|rule| rule.badness.is_some()) {
        lines.push(
            "slowness, badness: epochs and test_loss over those of the rule with the lowest test_loss \
             in the same training; good: trainings with a badness below 1.05."
                .to_owned(),
        );
    }
    if any(|rule| rule.exploratory) {
        lines.push("*: not declared by the config, so exploratory.".to_owned());
    }
    lines
}

fn starred(criterion: &str, exploratory: bool) -> String {
    format!("{criterion}{}", if exploratory { " *" } else { "" })
}

fn share(share: Option<f64>) -> String {
    share.map_or(String::new(), |share| format!("{:.0} %", 100.0 * share))
}

fn fitted(mut table: Table, width: Option<usize>) -> String {
    let left_out = table.fit(width);
    let mut text = table.render();
    if !left_out.is_empty() {
        text.extend(["\n", &narrow(&left_out), "\n"]);
    }
    text
}

/// A cell of a CSV column.
type Cell = fn(&Row) -> Option<String>;

/// A row per training and rule; a column in which no cell applies is left out.
///
/// # Errors
/// Where the text cannot be put together.
pub fn csv(summary: &Summary) -> Result<String, csv::Error> {
    let columns: [(&str, Cell); 17] = [
        ("path", |row| Some(row.outcome.path.clone())),
        ("trainings", |row| (!row.cell.is_empty()).then(|| cell_name(&row.cell))),
        ("criterion", |row| Some(row.outcome.criterion.clone())),
        ("exploratory", |row| Some(row.exploratory.to_string())),
        ("monitor", |row| Some(row.outcome.monitor.clone())),
        ("stop_epoch", |row| row.outcome.stop_epoch.map(|epoch| epoch.to_string())),
        ("stop_reason", |row| row.outcome.stop_reason.map(str::to_owned)),
        ("best_epoch", |row| row.outcome.best_epoch.map(|epoch| epoch.to_string())),
        ("best_value", |row| row.outcome.best_value.map(float)),
        ("epochs", |row| Some(row.outcome.epochs.to_string())),
        ("epochs_saved", |row| row.outcome.epochs_saved.map(float)),
        ("seconds_saved", |row| row.seconds_saved.map(float)),
        ("regret", |row| row.outcome.regret.map(float)),
        ("test_regret", |row| row.test_regret.map(float)),
        ("slowness", |row| row.slowness.map(float)),
        ("badness", |row| row.badness.map(float)),
        ("truncated", |row| Some(row.outcome.truncated.to_string())),
    ];
    let applies = |cell: &Cell| summary.rows.iter().any(|row| cell(row).is_some());
    let columns: Vec<_> = columns.into_iter().filter(|(_, cell)| applies(cell)).collect();
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(columns.iter().map(|(name, _)| *name))?;
    for row in &summary.rows {
        table.write_record(columns.iter().map(|(_, cell)| cell(row).unwrap_or_default()))?;
    }
    let bytes = table.into_inner().map_err(csv::IntoInnerError::into_error)?;
    String::from_utf8(bytes).map_err(|error| io::Error::other(error).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_terminal_is_told_what_it_does_not_see() {
        let outcome = RuleOutcome {
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
            logged: None,
        };
        let row = Row {
            outcome,
            cell: crate::config::Factors::new(),
            exploratory: false,
            seconds_saved: None,
            test_regret: None,
            given_up: None,
            slowness: None,
            badness: None,
        };
        let narrow = rows(std::slice::from_ref(&row), Some(90));
        assert!(narrow.lines().all(|line| line.chars().count() <= 90), "{narrow}");
        assert!(
            narrow.ends_with(
                "\nno room for: reason, monitor, best value, epochs saved (a file or a pipe gets all)\n"
            ),
            "{narrow}"
        );
        let whole = rows(&[row], None);
        assert!(whole.contains("reason") && whole.contains("epochs saved"), "{whole}");
        assert_eq!(whole.lines().count(), 2);
    }
}
