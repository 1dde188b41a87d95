//! Median differences and ratios of means with their bootstrap intervals, where they are asked for.

use super::naming::effect_label;
use super::number::{decimals, fixed};
use super::table::{Align, Table};
use super::tables::{first, levels, more};
use crate::compare::{
    Comparison, Contrast, ExperimentSummary, PAIRS_FOR_BOOTSTRAP, ROBUST_DESIGNS, Robust,
};
use crate::stats::EXACT_PAIRS;

/// A figure and its interval.
type Figure = fn(&Robust) -> (Option<f64>, Option<[f64; 2]>);

/// `Medians and ratios of test_loss, by the bootstrap (BCa)`.
pub(super) fn heading(experiment: &ExperimentSummary, comparison: &Comparison) -> String {
    let own = comparison.contrasts.iter().filter(|c| c.experiment == experiment.name);
    let (many, few): (Vec<_>, Vec<_>) = own.partition(|contrast| contrast.n > EXACT_PAIRS);
    let by = match (few.is_empty(), many.is_empty()) {
        (true, false) => "large-sample formulas".to_owned(),
        (false, false) => {
            format!("the bootstrap (BCa), above {EXACT_PAIRS} pairs by large-sample formulas")
        }
        (_, true) => "the bootstrap (BCa)".to_owned(),
    };
    format!("Medians and ratios of {}, by {by}", experiment.metric)
}

/// Why there are none.
pub(super) fn none() -> String {
    format!(
        "none: they take {PAIRS_FOR_BOOTSTRAP} pairs of one unit, and no more than {ROBUST_DESIGNS} \
         effects"
    )
}

/// A row for each main and simple effect in the primary metric.
pub(super) fn robust(experiment: &ExperimentSummary, comparison: &Comparison) -> Table {
    let has_it = |c: &&Contrast| {
        c.experiment == experiment.name && c.metric == experiment.metric && c.robust.is_some()
    };
    let (rows, left_out) = first(comparison.contrasts.iter().filter(has_it));
    let column = |cell: &dyn Fn(&Contrast) -> String| rows.iter().map(|c| cell(c)).collect();
    let mut table = Table::new();
    let effects: Vec<_> = rows.iter().map(|c| effect_label(experiment, &c.name)).collect();
    table.push("effect", Align::Left, 0, effects);
    table.push("levels", Align::Left, 1, column(&levels));
    let figures: [(&str, Figure); 2] = [
        ("median", |robust| (Some(robust.median), robust.median_ci95)),
        ("ratio", |robust| (robust.ratio, robust.ratio_ci95)),
    ];
    for (heading, figure) in figures {
        let of = |contrast: &Contrast| contrast.robust.as_ref().map(figure);
        let widths = rows.iter().filter_map(|c| of(c)?.1).map(|[low, high]| high - low);
        let least = widths.filter(|width| *width > 0.0).fold(f64::INFINITY, f64::min);
        let digits = decimals(least, 3);
        let value = |c: &Contrast| of(c)?.0.map(|value| fixed(value, digits));
        table.push(heading, Align::Right, 0, column(&|c| value(c).unwrap_or_default()));
        let interval = |c: &Contrast| {
            let [low, high] = of(c)?.1?;
            Some(format!("{} to {}", fixed(low, digits), fixed(high, digits)))
        };
        let cells = column(&|c| interval(c).unwrap_or_default());
        table.push("95 % interval", Align::Left, 0, cells);
    }
    table.more = more(left_out, "effect");
    table
}

#[cfg(test)]
mod tests {
    use crate::compare::{Comparison, Options, compare};
    use crate::report::format::Style;
    use crate::report::{markdown, text};
    use crate::results::fixtures::two_by_two_of;

    fn text(comparison: &Comparison, medians: bool) -> String {
        (text::FORMAT.write)(comparison, &Style { medians, ..Style::default() }).unwrap()
    }

    fn markdown(comparison: &Comparison, medians: bool) -> String {
        (markdown::FORMAT.write)(comparison, &Style { medians, ..Style::default() }).unwrap()
    }

    fn asked() -> Options {
        Options { robust: true, ..Options::default() }
    }

    #[test]
    fn medians_and_ratios_are_shown_where_they_are_asked_for() {
        let comparison = compare(&[two_by_two_of(16)], &asked()).unwrap();
        let plain = text(&comparison, false);
        assert!(!plain.contains("ratio"), "{plain}");
        let shown = text(&comparison, true);
        let heading = "\nMedians and ratios of test_loss, by the bootstrap (BCa)\n\n";
        let table = shown.split(heading).nth(1).unwrap();
        let table = table.split("\n\n").next().unwrap();
        let lines: Vec<&str> = table.lines().collect();
        let headings: Vec<&str> = lines[0].split("  ").filter(|word| !word.is_empty()).collect();
        let figures = ["median", "95 % interval", "ratio", "95 % interval"];
        assert_eq!(headings[2..].iter().map(|word| word.trim()).collect::<Vec<_>>(), figures);
        assert_eq!(lines.len(), 1 + 6, "two main effects and four simple ones: {table}");
        // No other line changes.
        assert_eq!(shown.replace(&format!("{heading}{table}\n"), ""), plain);
        let robust = comparison.contrasts[0].robust.as_ref().unwrap();
        let ratio = robust.ratio.unwrap();
        let is_ratio = |word: &str| word.parse().is_ok_and(|word: f64| (word - ratio).abs() < 1e-3);
        assert!(lines[1].split(' ').any(is_ratio), "{ratio}: {table}");
        let markdown = markdown(&comparison, true);
        assert!(markdown.contains("\n#### Medians and ratios of test_loss, by"), "{markdown}");
        assert!(markdown.lines().any(|line| line.split([' ', '|']).any(is_ratio)), "{markdown}");
    }

    #[test]
    fn too_few_pairs_are_said() {
        let comparison = compare(&[two_by_two_of(8)], &asked()).unwrap();
        for shown in [text(&comparison, true), markdown(&comparison, true)] {
            assert!(shown.contains("(BCa)\n\nnone: they take 10 pairs of one unit"), "{shown}");
        }
    }
}
