//! One picture of a comparison: as SVG for paper, or in the characters of a terminal.

use std::fmt;

use super::figures;
use crate::compare::{Comparison, Contrast, ContrastKind, ExperimentSummary};
use crate::draw::{self, Characters, Kind, Lines, Size};

/// What can be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Plot {
    /// Mean and 95 % interval of a column by epoch, a curve per arm
    Curves,
    /// Every effect with its interval
    Forest,
    /// Both levels of an effect, seed by seed
    Pairs,
    /// Quality of each arm against the epochs it trained
    Pareto,
    /// Mean ranks over several data sets, with the critical difference
    Ranks,
}

/// What of it is asked for.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// The column of curves; `val_loss` where none is named.
    pub column: Option<String>,
    /// The effect of pairs; the first main effect where none is named.
    pub effect: Option<String>,
    /// How heights are divided; by the values where nothing is said.
    pub heights: Option<Kind>,
}

/// Why there is no picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoPicture(String);

impl fmt::Display for NoPicture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NoPicture {}

/// The column that is drawn where none is named.
pub const COLUMN: &str = "val_loss";

/// A picture as SVG.
///
/// # Errors
/// Where there is nothing of the kind to be drawn.
pub fn svg(
    plot: Plot,
    comparison: &Comparison,
    asked: &Asked,
    size: Size,
) -> Result<String, NoPicture> {
    if plot == Plot::Ranks {
        let across = comparison.data_sets.first().ok_or_else(|| {
            NoPicture(
                "ranks take the same arms on several data sets: name the results of all".to_owned(),
            )
        })?;
        return Ok(figures::ranks(across).svg(size));
    }
    let experiment = one(comparison)?;
    Ok(match plot {
        Plot::Curves => lines(comparison, asked)?.svg(size),
        Plot::Forest => {
            let forest = figures::forest(experiment, comparison);
            if forest.rows.is_empty() {
                return Err(nothing_to_contrast());
            }
            if forest.rows.iter().all(|row| row.estimate.is_none()) {
                let why = "no effect has an estimate: seeds diverged, or units differ";
                return Err(NoPicture(why.to_owned()));
            }
            forest.svg(size)
        }
        Plot::Pairs => figures::pairs(experiment, effect(experiment, comparison, asked)?).svg(size),
        Plot::Pareto => figures::pareto(experiment, comparison).svg(size),
        Plot::Ranks => String::new(),
    })
}

/// Curves in the characters of a terminal.
///
/// # Errors
/// If no training recorded the column.
pub fn in_terminal(
    comparison: &Comparison,
    asked: &Asked,
    [width, height]: [usize; 2],
    characters: Characters,
    colour: bool,
) -> Result<String, NoPicture> {
    let mut chart = lines(comparison, asked)?;
    if characters == Characters::Ascii {
        let plain = |text: &mut String| {
            *text = text.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect();
        };
        plain(&mut chart.x.label);
        plain(&mut chart.y.label);
        chart.series.iter_mut().for_each(|series| plain(&mut series.name));
    }
    Ok(draw::in_terminal(&chart, width, height, characters, colour))
}

fn lines(comparison: &Comparison, asked: &Asked) -> Result<Lines, NoPicture> {
    let experiment = one(comparison)?;
    let column = asked.column.as_deref().unwrap_or(COLUMN);
    let chart = figures::curves(experiment, comparison, column, asked.heights);
    if chart.series.is_empty() {
        let mut arms =
            comparison.arms.iter().filter(|arm| arm.experiment == experiment.name).peekable();
        if arms.peek().is_some() && arms.all(|arm| arm.diverged == arm.n) {
            return Err(NoPicture(format!(
                "every training of {} diverged before {column} had a finite value: there is no curve to draw",
                experiment.name
            )));
        }
        let mut known: Vec<&str> = comparison
            .curves
            .iter()
            .filter(|curve| curve.experiment == experiment.name)
            .map(|curve| curve.column.as_str())
            .collect();
        known.sort_unstable();
        known.dedup();
        let known = crate::text::quoted(&known);
        return Err(NoPicture(format!(
            "no training recorded the column `{column}`; there are {known}"
        )));
    }
    Ok(chart)
}

/// The one experiment that a picture is of.
fn one(comparison: &Comparison) -> Result<&ExperimentSummary, NoPicture> {
    match &comparison.experiments[..] {
        [one] => Ok(one),
        [] => Err(NoPicture("there is nothing to draw".to_owned())),
        several => {
            let names: Vec<&str> = several.iter().map(|one| one.name.as_str()).collect();
            Err(NoPicture(format!(
                "a picture is of one experiment, and here are {}: name the directory of one",
                crate::text::quoted(&names)
            )))
        }
    }
}

fn without_pairs(experiment: &ExperimentSummary, comparison: &Comparison) -> NoPicture {
    let mut own = comparison.contrasts.iter().filter(|one| one.experiment == experiment.name);
    if own.clone().any(|one| one.samples.is_some()) {
        let problem = "seeds are not paired, so there are no pairs to draw: --kind forest shows the differences";
        return NoPicture(problem.to_owned());
    }
    if own.next().is_some() {
        return NoPicture("no seed has a finite value at both levels of an effect".to_owned());
    }
    nothing_to_contrast()
}

fn nothing_to_contrast() -> NoPicture {
    NoPicture("there is one arm, and nothing to contrast".to_owned())
}

/// The contrast whose pairs are asked for, in the primary metric.
fn effect<'c>(
    experiment: &ExperimentSummary,
    comparison: &'c Comparison,
    asked: &Asked,
) -> Result<&'c Contrast, NoPicture> {
    let shown = comparison.contrasts.iter().filter(|contrast| {
        contrast.experiment == experiment.name
            && contrast.metric == experiment.metric
            && !contrast.by_seed.is_empty()
    });
    let mut shown: Vec<&Contrast> = shown.collect();
    shown.sort_by_key(|contrast| contrast.kind != ContrastKind::Main);
    match &asked.effect {
        None => shown.first().copied().ok_or_else(|| without_pairs(experiment, comparison)),
        Some(name) => {
            let full = |contrast: &Contrast| {
                let to = contrast.levels.last().map(crate::compare::label::text);
                format!("{}={}", contrast.name, to.unwrap_or_default())
            };
            let is_it = |contrast: &&&Contrast| contrast.name == *name || full(contrast) == *name;
            let found = shown.iter().find(is_it).copied();
            found.ok_or_else(|| {
                let names: Vec<String> = shown.iter().map(|contrast| full(contrast)).collect();
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                let known = crate::text::quoted(&names);
                NoPicture(format!("there is no effect `{name}` of two levels; there are {known}"))
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::{EpochMean, MeanCurve, Options, compare};
    use crate::results::fixtures::two_by_two;

    fn comparison() -> Comparison {
        let mut comparison = compare(&[two_by_two()], &Options::default()).unwrap();
        comparison.curves = means(&comparison);
        comparison
    }

    fn means(comparison: &Comparison) -> Vec<MeanCurve> {
        let curve = |arm: &crate::compare::ArmSummary| MeanCurve {
            experiment: arm.experiment.clone(),
            factors: arm.factors.clone(),
            column: COLUMN.to_owned(),
            epochs: (1..=30)
                .map(|epoch| EpochMean {
                    n: if epoch > 20 { 3 } else { 8 },
                    mean: Some(1.0 / f64::from(epoch)),
                    ci95: Some([0.9 / f64::from(epoch), 1.1 / f64::from(epoch)]),
                })
                .collect(),
            trainings: 8,
            stops: vec![20, 25],
            best_epoch: Some(18.0),
        };
        comparison.arms.iter().map(curve).collect()
    }

    #[test]
    fn every_picture_is_an_svg_of_the_width_asked_for_and_names_what_it_shows() {
        let comparison = comparison();
        for (plot, part) in [
            (Plot::Curves, "batch norm, patience (n = 8)"),
            (Plot::Forest, "norm: none → batch"),
            (Plot::Pairs, "seed 7: "),
            (Plot::Pareto, "no norm, patience"),
        ] {
            let asked = Asked::default();
            let svg = svg(plot, &comparison, &asked, Size::paper(85.0)).unwrap();
            assert!(svg.contains(part), "{part}: {svg}");
            assert!(svg.contains("width=\"85mm\"") && svg.contains("<desc>"), "{svg}");
            assert!(!svg.contains("NaN"), "{svg}");
        }
    }

    #[test]
    fn what_is_not_there_is_told_with_what_is() {
        let comparison = comparison();
        let failed = |plot, asked: Asked| {
            svg(plot, &comparison, &asked, Size::page()).unwrap_err().to_string()
        };
        let column = Asked { column: Some("val_f1".to_owned()), ..Asked::default() };
        assert!(failed(Plot::Curves, column).ends_with("there are `val_loss`"));
        let mut diverged = comparison.clone();
        diverged.curves.clear();
        diverged.arms.iter_mut().for_each(|arm| arm.diverged = arm.n);
        let size = Size::page();
        let told = svg(Plot::Curves, &diverged, &Asked::default(), size).unwrap_err().to_string();
        assert!(told.contains("every training of digits diverged before val_loss"), "{told}");
        let effect = Asked { effect: Some("lr".to_owned()), ..Asked::default() };
        assert!(failed(Plot::Pairs, effect).contains("`model.norm.kind=batch`"));
        assert!(failed(Plot::Ranks, Asked::default()).contains("several data sets"));
    }
}
