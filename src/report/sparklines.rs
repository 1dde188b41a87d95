//! The curve of each arm in one line of characters.

use super::document::{Block, Section};
use super::figures::suitable;
use super::naming::factor_label;
use super::number::{figure, fixed};
use super::plot::COLUMN;
use super::table::{Align, Table};
use super::tables::{first, more};
use crate::compare::{Comparison, ExperimentSummary, MeanCurve, label};
use crate::draw::{Characters, Kind, sparkline};

/// The most characters of a curve.
const WIDTH: usize = 24;

/// The mean of the validation loss by epoch, a line an arm, all on one scale; none where no curve was read.
pub(super) fn sparklines(
    experiment: &ExperimentSummary,
    comparison: &Comparison,
    characters: Characters,
) -> Option<Section> {
    let is_shown = |of: &&MeanCurve| of.experiment == experiment.name && of.column == COLUMN;
    let (curves, left_out) = first(comparison.curves.iter().filter(is_shown));
    let means = || curves.iter().flat_map(|of| &of.epochs).filter_map(|epoch| epoch.mean);
    let kind = suitable(means());
    let height = |value: f64| if kind == Kind::Log { value.ln() } else { value };
    let (low, high) = means()
        .map(height)
        .fold((f64::INFINITY, f64::NEG_INFINITY), |ends, at| (ends.0.min(at), ends.1.max(at)));
    if low > high {
        return None;
    }
    let epochs = curves.iter().map(|curve| curve.epochs.len()).max().unwrap_or(0);
    let line = |curve: &MeanCurve| {
        let mut heights: Vec<Option<f64>> =
            curve.epochs.iter().map(|epoch| epoch.mean.map(height)).collect();
        // Equal lengths are equal numbers of epochs.
        heights.resize(epochs, None);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // an epoch
        let stop = mean(&curve.stops).map(|stop| (stop.round() as usize).saturating_sub(1));
        let line = sparkline(&heights, [low, high], WIDTH, stop, characters);
        line.trim_end().to_owned()
    };
    let column = |cell: &dyn Fn(&MeanCurve) -> String| curves.iter().map(|of| cell(of)).collect();
    let mut table = Table::new();
    for factor in &experiment.factors {
        let level = |of: &MeanCurve| of.factors.get(&factor.key).map_or(String::new(), label::text);
        table.push(factor_label(experiment, &factor.key), Align::Left, 0, column(&level));
    }
    table.push_drawn(&format!("epochs 1 to {epochs}"), column(&line));
    let lowest = |of: &MeanCurve| lowest(of).map_or(String::new(), |(_, value)| figure(value, 3));
    table.push("lowest", Align::Right, 0, column(&lowest));
    let at =
        |of: &MeanCurve| self::lowest(of).map_or(String::new(), |(epoch, _)| epoch.to_string());
    table.push("at epoch", Align::Right, 1, column(&at));
    table.push("stopped", Align::Right, 1, column(&stopped));
    table.more = more(left_out, "arm");
    let mark = if characters == Characters::Ascii { '|' } else { '┃' };
    let scale = if kind == Kind::Log { "; heights are logarithmic" } else { "" };
    let stops = if curves.iter().any(|curve| !curve.stops.is_empty()) {
        format!("; {mark}: where the rule stopped on average")
    } else {
        String::new()
    };
    let note = format!("mean of the seeds that reached each epoch{stops}{scale}");
    let heading = format!("Mean {COLUMN} by epoch");
    Some(Section::of(heading, vec![Block::Table(table), Block::Note(note)]))
}

/// The lowest mean of all seeds and its epoch.
fn lowest(curve: &MeanCurve) -> Option<(usize, f64)> {
    let whole = (1..).zip(&curve.epochs).take_while(|(_, epoch)| epoch.n == curve.trainings);
    whole.filter_map(|(at, epoch)| Some((at, epoch.mean?))).min_by(|a, b| a.1.total_cmp(&b.1))
}

/// `31.5`, or `31.5 (8 of 10)` where some went on to the end.
fn stopped(curve: &MeanCurve) -> String {
    let Some(stop) = mean(&curve.stops) else { return String::new() };
    let stop = fixed(stop, 1);
    match curve.stops.len() {
        all if all == curve.trainings => stop,
        some => format!("{stop} ({some} of {})", curve.trainings),
    }
}

#[allow(clippy::cast_precision_loss)] // epochs
fn mean(epochs: &[usize]) -> Option<f64> {
    let sum: usize = epochs.iter().sum();
    (!epochs.is_empty()).then(|| sum as f64 / epochs.len() as f64)
}

#[cfg(test)]
mod tests {
    use crate::compare::{Comparison, EpochMean, MeanCurve, Options, compare};
    use crate::draw::Characters;
    use crate::report::{Style, format};
    use crate::results::fixtures::two_by_two;

    /// Curves that fall to a tenth, those with a rule cut off after 60 of 100 epochs.
    fn comparison() -> Comparison {
        let mut comparison = compare(&[two_by_two()], &Options::default()).unwrap();
        let curve = |arm: &crate::compare::ArmSummary| {
            let stops = if arm.factors["early_stopping"] == "none" { vec![] } else { vec![50; 8] };
            let epochs = if stops.is_empty() { 100 } else { 50 };
            let mean = |epoch: u32| EpochMean {
                n: 8,
                mean: Some(f64::from(101 - epoch) / 100.0),
                ci95: None,
            };
            MeanCurve {
                experiment: arm.experiment.clone(),
                factors: arm.factors.clone(),
                column: "val_loss".to_owned(),
                epochs: (1..=epochs).map(mean).collect(),
                trainings: 8,
                stops,
                best_epoch: None,
            }
        };
        comparison.curves = comparison.arms.iter().map(curve).collect();
        comparison
    }

    fn shown(name: &str, style: &Style) -> String {
        (format(name).unwrap().write)(&comparison(), style).unwrap()
    }

    #[test]
    fn a_line_an_arm_is_aligned_by_epochs_marks_the_stop_and_fits_80_columns() {
        let text = shown("table", &Style { width: Some(80), ..Style::default() });
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        let of = |line: &str, end: &str| line.starts_with("batch ") && line.ends_with(end);
        let full = text.lines().find(|line| of(line, "100")).unwrap();
        let cut = text.lines().find(|line| of(line, "50.0")).unwrap();
        let place = |line: &str, letter: char| line.chars().position(|c| c == letter);
        assert_eq!(place(full, '█'), place(cut, '█'), "{text}");
        let drawn = |line: &str| line.chars().filter(|c| ('▁'..='█').contains(c)).count();
        assert_eq!((drawn(full), drawn(cut)), (24, 12 - 1), "{text}");
        assert_eq!(place(cut, '┃'), place(cut, '█').map(|at| at + 11), "{text}");
    }

    #[test]
    fn ascii_and_markdown_have_them_and_what_programs_read_does_not() {
        let ascii = shown("table", &Style { characters: Characters::Ascii, ..Style::default() });
        let line = ascii.lines().find(|line| line.ends_with("50.0")).unwrap();
        assert!(line.is_ascii() && line.contains("^|"), "{line}");
        let markdown =
            shown("markdown", &Style { characters: Characters::Ascii, ..Style::default() });
        assert!(markdown.contains("| `█") && markdown.contains("┃` "), "{markdown}");
        for name in ["csv", "json", "latex"] {
            assert!(!shown(name, &Style::default()).contains('█'), "{name}");
        }
    }
}
