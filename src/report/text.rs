//! A comparison for a terminal: arms, contrasts, what stopping saved, warnings, the verdict.

use super::naming::Naming;
use super::robust::{self, robust};
use super::table::{Table, narrow, wrap};
use super::tables::{
    self, REFERENCE, SPEED, arms, contrasts, has_references, more, reaching, savings, shown, split,
};
use crate::compare::Comparison;

/// Columns that sentences are broken at where no terminal says how wide it is.
const WIDTH: usize = 100;

/// The table that `bnes compare` prints, for a terminal of this width; whole where there is none.
/// With `medians`, these and ratios follow the differences.
#[must_use]
pub fn comparison(comparison: &Comparison, width: Option<usize>, medians: bool) -> String {
    let mut text = String::new();
    let mut too_narrow: Vec<String> = Vec::new();
    let mut rendered = |mut table: Table| {
        for heading in table.fit(width) {
            if !too_narrow.contains(&heading) {
                too_narrow.push(heading);
            }
        }
        table.render()
    };
    for study in &comparison.experiments {
        text.extend([study.name.as_str(), " (", split(study), ")\n\n"]);
        let (table, left_out) = named(width, |naming| arms(study, comparison, naming));
        text.extend([rendered(table), more(left_out, "arm")]);
        if has_references(study, comparison) {
            text.push_str(&wrap(REFERENCE, width.unwrap_or(WIDTH), "  "));
        }
        let (table, left_out) = named(width, |naming| contrasts(study, comparison, naming));
        let contrasts = rendered(table);
        if !contrasts.is_empty() {
            let metric = study.metric.as_str();
            text.extend(["\nDifferences in ", metric, ", paired by seed\n\n", &contrasts]);
            text.push_str(&more(left_out, "effect"));
            if medians {
                let (table, left_out) = named(width, |naming| robust(study, comparison, naming));
                text.extend(["\n", &robust::heading(study), "\n\n"]);
                match rendered(table) {
                    table if table.is_empty() => text.extend([robust::none().as_str(), "\n"]),
                    table => text.extend([table, more(left_out, "effect")]),
                }
            }
        }
        let (table, left_out) = savings(study, comparison);
        let savings = rendered(table);
        if !savings.is_empty() {
            text.extend(["\nStopping rules against the full run\n\n", &savings]);
            text.push_str(&more(left_out, "row"));
        }
        for speed in comparison.speed.iter().filter(|speed| speed.experiment == study.name) {
            text.extend(["\n", &reaching(speed), "\n\n", &rendered(tables::speed(speed))]);
            text.push_str(&wrap(SPEED, width.unwrap_or(WIDTH), "  "));
        }
        text.push('\n');
    }
    let width = width.unwrap_or(WIDTH);
    if !too_narrow.is_empty() {
        text.push_str(&wrap(&narrow(&too_narrow), width, "  "));
        text.push('\n');
    }
    for warning in shown(&comparison.warnings, "warning") {
        text.push_str(&wrap(&format!("warning: {warning}"), width, "  "));
    }
    if !comparison.warnings.is_empty() {
        text.push('\n');
    }
    for sentence in shown(&comparison.verdict, "sentence") {
        text.push_str(&wrap(&sentence, width, "  "));
    }
    text
}

/// A table with the factors' whole keys where that fits, else with their ends.
fn named(width: Option<usize>, table: impl Fn(Naming) -> (Table, usize)) -> (Table, usize) {
    let full = table(Naming::Full);
    if width.is_some_and(|width| full.0.width() > width) { table(Naming::Short) } else { full }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::compare::{Options, compare};
    use crate::results::fixtures::{arm, experiment, run, two_by_two};

    #[test]
    fn a_comparison_fits_a_terminal_of_100_columns() {
        let text =
            comparison(&compare(&[two_by_two()], &Options::default()).unwrap(), Some(100), false);
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        insta::assert_snapshot!(text);
    }

    #[test]
    fn a_narrow_terminal_gets_fewer_columns() {
        let text =
            comparison(&compare(&[two_by_two()], &Options::default()).unwrap(), Some(60), false);
        assert!(text.lines().all(|line| line.chars().count() <= 60), "{text}");
        let heading = text.lines().nth(2).unwrap();
        assert_eq!(heading, "norm.kind  early_stopping  n  test_loss      95 % interval");
        let said = "too narrow for: test_accuracy, epochs, seconds, levels, p, Holm, better, n, \
                    seconds saved, test_loss regret (a file or a pipe gets all)";
        assert!(text.replace("\n  ", " ").contains(said), "{text}");
    }

    #[test]
    fn the_effects_fit_a_terminal_of_80_columns() {
        let text =
            comparison(&compare(&[two_by_two()], &Options::default()).unwrap(), Some(80), false);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(text.contains("too narrow for: "), "{text}");
    }

    #[test]
    fn where_no_terminal_shows_it_nothing_is_left_out() {
        let text = comparison(&compare(&[two_by_two()], &Options::default()).unwrap(), None, false);
        assert!(text.contains("model.norm.kind*early_stopping"), "{text}");
        assert!(text.contains("Holm") && text.contains("seconds saved"), "{text}");
        assert!(!text.contains("too narrow"), "{text}");
    }

    #[test]
    fn many_arms_are_counted_beyond_the_first() {
        let runs = (0..70).map(|level| {
            let arm = arm(
                json!({"training.batch_size": level}),
                json!({"kind": "none"}),
                json!({"test_loss": f64::from(level)}),
                None,
            );
            run(0, json!({}), vec![arm])
        });
        let levels = json!((0..70).collect::<Vec<i32>>());
        let many = experiment("many", &[("training.batch_size", levels)], runs.collect());
        let comparison = compare(&[many], &Options::default()).unwrap();
        let text = super::comparison(&comparison, None, false);
        assert!(text.contains("\nand 20 arms more: --format json has them all\n"), "{text}");
        assert!(text.contains("\nand 19 effects more: --format json has them all\n"), "{text}");
        assert!(text.lines().count() < 250, "{text}");
        let markdown = crate::report::markdown::comparison(&comparison, false);
        assert!(markdown.contains("|\n\nand 20 arms more"), "{markdown}");
    }
}
