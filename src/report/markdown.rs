//! A comparison as Markdown, fit for a pull request.

use super::naming::Naming;
use super::robust::{self, robust};
use super::tables::{
    self, REFERENCE, SPEED, arms, contrasts, has_references, more, reaching, savings, shown, split,
};
use crate::compare::Comparison;

/// Headings, tables, warnings and the verdict in GitHub's Markdown. With `medians`, these and ratios
/// follow the differences.
#[must_use]
pub fn comparison(comparison: &Comparison, medians: bool) -> String {
    let mut text = String::new();
    for study in &comparison.experiments {
        text.extend(["### ", &plain(&study.name), " (", split(study), ")\n\n"]);
        let (table, left_out) = arms(study, comparison, Naming::Full);
        text.push_str(&table.markdown());
        text.push_str(&beyond(left_out, "arm"));
        if has_references(study, comparison) {
            text.extend(["\n", REFERENCE, "\n"]);
        }
        let (contrasts, left_out) = contrasts(study, comparison, Naming::Short);
        let contrasts = contrasts.markdown();
        if !contrasts.is_empty() {
            let metric = plain(&study.metric);
            text.extend(["\n#### Differences in ", &metric, ", paired by seed\n\n", &contrasts]);
            text.push_str(&beyond(left_out, "effect"));
            if medians {
                let (table, left_out) = robust(study, comparison, Naming::Short);
                text.extend(["\n#### ", &plain(&robust::heading(study)), "\n\n"]);
                match table.markdown() {
                    table if table.is_empty() => text.extend([robust::none().as_str(), "\n"]),
                    table => text.extend([table, beyond(left_out, "effect")]),
                }
            }
        }
        let (savings, left_out) = savings(study, comparison);
        let savings = savings.markdown();
        if !savings.is_empty() {
            text.extend(["\n#### Stopping rules against the full run\n\n", &savings]);
            text.push_str(&beyond(left_out, "row"));
        }
        for speed in comparison.speed.iter().filter(|speed| speed.experiment == study.name) {
            let table = tables::speed(speed).markdown();
            text.extend(["\n#### ", &plain(&reaching(speed)), "\n\n", &table, "\n", SPEED, "\n"]);
        }
        text.push('\n');
    }
    for warning in shown(&comparison.warnings, "warning") {
        text.extend(["> warning: ", &plain(&warning), "\n>\n"]);
    }
    if !comparison.warnings.is_empty() {
        text.truncate(text.len() - 2);
        text.push('\n');
    }
    for sentence in shown(&comparison.verdict, "sentence") {
        text.extend(["- ", &plain(&sentence), "\n"]);
    }
    text
}

/// What follows a table that does not show all its rows.
fn beyond(left_out: usize, what: &str) -> String {
    if left_out == 0 { String::new() } else { format!("\n{}", more(left_out, what)) }
}

/// A sentence on one line that means in Markdown what it says; underscores within words are safe.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let opens_tag = character == '<' && characters.peek().is_some_and(|c| c.is_alphabetic());
        if character == '*' || opens_tag {
            plain.push('\\');
        }
        plain.push(if character == '\n' { ' ' } else { character });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::{Options, compare};
    use crate::results::fixtures::two_by_two;

    #[test]
    fn a_comparison_can_be_pasted_into_a_pull_request() {
        let options = Options { no_clocks: true, ..Options::default() };
        let text = comparison(&compare(&[two_by_two()], &options).unwrap(), false);
        assert!(!text.contains("seconds") && !text.contains(" s of "), "{text}");
        insta::assert_snapshot!(text);
    }
}
