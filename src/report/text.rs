//! A comparison for a terminal: arms, contrasts, what stopping saved, warnings, the verdict.

use super::naming::Naming;
use super::table::{Table, wrap};
use super::tables::{REFERENCE, arms, contrasts, has_references, savings, split};
use crate::compare::Comparison;

/// The table that `bnes compare` prints, for a terminal of this width.
#[must_use]
pub fn comparison(comparison: &Comparison, width: usize) -> String {
    let mut text = String::new();
    for study in &comparison.experiments {
        text.extend([study.name.as_str(), " (", split(study), ")\n\n"]);
        text.push_str(&fitting(width, |naming| arms(study, comparison, naming)));
        if has_references(study, comparison) {
            text.extend([REFERENCE, "\n"]);
        }
        let contrasts = fitting(width, |naming| contrasts(study, comparison, naming));
        if !contrasts.is_empty() {
            let metric = study.metric.as_str();
            text.extend(["\nDifferences in ", metric, ", paired by seed\n\n", &contrasts]);
        }
        let savings = savings(study, comparison).render(width);
        if savings.lines().count() > 1 {
            text.extend(["\nStopping rules against the full run\n\n", &savings]);
        }
        text.push('\n');
    }
    for warning in &comparison.warnings {
        text.push_str(&wrap(&format!("warning: {warning}"), width, "  "));
    }
    if !comparison.warnings.is_empty() {
        text.push('\n');
    }
    for sentence in &comparison.verdict {
        text.push_str(&wrap(sentence, width, "  "));
    }
    text
}

/// A table with the factors' whole keys where that fits, else with their ends, else with fewer
/// columns; nothing where it has no rows.
fn fitting(width: usize, table: impl Fn(Naming) -> Table) -> String {
    let full = table(Naming::Full);
    let table = if full.width() > width { table(Naming::Short) } else { full };
    let text = table.render(width);
    if text.lines().count() > 1 { text } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::{Options, compare};
    use crate::results::fixtures::two_by_two;

    #[test]
    fn a_comparison_fits_a_terminal_of_100_columns() {
        let text = comparison(&compare(&[two_by_two()], &Options::default()).unwrap(), 100);
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        insta::assert_snapshot!(text);
    }

    #[test]
    fn a_narrow_terminal_gets_fewer_columns() {
        let text = comparison(&compare(&[two_by_two()], &Options::default()).unwrap(), 60);
        let heading = text.lines().nth(2).unwrap();
        assert_eq!(heading, "norm.kind  early_stopping  n  test_loss      95 % interval");
    }
}
