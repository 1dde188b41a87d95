//! How soon trainings reach a target, how low their curves are on the whole, and how far they
//! generalise: figures of whole curves, which no stopping rule changes.
//!
//! A training that does not reach the target is censored, not left out: it counts as later than any
//! that does. Curves are compared over the epochs that all of them have; none is extended. One that
//! diverged reaches nothing any more, so it takes no epoch from the others.

use std::collections::BTreeMap;

use serde::Serialize;

use super::curves::CurveOf;
use super::significance::CONFIDENCE;
use crate::config::{Factors, without_rule};
use crate::history::{CPU, ELAPSED, EpochTable};
use crate::results::recorded_training::has_diverged;
use crate::stats;
use crate::stopping::Monitored;

/// Evaluated on part of the training split, in evaluation mode.
const TRAINING: &str = "train_loss_eval";

/// Its counterpart on the validation split.
const VALIDATION: &str = "val_loss";

/// `--target COLUMN[=VALUE]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// What is to be reached.
    pub column: String,
    /// Its value; none: what the worse arm reaches at its best, on average.
    pub value: Option<f64>,
}

/// The trainings of an experiment against one target.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Speed {
    /// The experiment.
    pub experiment: String,
    /// What is to be reached.
    pub column: String,
    /// At which value.
    pub target: f64,
    /// Epochs that all trainings have, those aside that diverged.
    pub epochs: usize,
    /// The cells of the factors other than the rule's.
    pub cells: Vec<CellSpeed>,
}

/// One cell over its seeds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CellSpeed {
    /// Its levels.
    pub factors: Factors,
    /// The seeds, ascending.
    pub seeds: Vec<u64>,
    /// Trainings that reached the target.
    pub reached: usize,
    /// Trainings that diverged: censored unless they reached the target before, and without an area.
    pub diverged: usize,
    /// The first epoch that did, of each seed; none: censored.
    pub epochs_to_target: Vec<Option<usize>>,
    /// The middle epoch; none where half of the trainings or more are censored.
    pub median_epochs: Option<f64>,
    /// The same in seconds: of the processors where these are known of all cells, else elapsed.
    pub median_seconds: Option<f64>,
    /// Seeds in which this cell was sooner than the first; none of the first itself.
    pub sooner: Option<usize>,
    /// Seeds in which it was later.
    pub later: Option<usize>,
    /// The sign test's p-value of those; none below six seeds that differ.
    pub p_sign: Option<f64>,
    /// The mean of the column over all epochs in common.
    pub area: Option<f64>,
    /// Its interval over the seeds.
    pub area_ci95: Option<[f64; 2]>,
    /// `val_loss` minus `train_loss_eval` at the epoch with the best `val_loss`.
    pub generalization_gap: Option<f64>,
    /// Its interval over the seeds.
    pub generalization_gap_ci95: Option<[f64; 2]>,
}

/// The trainings of a cell by seed.
type Trainings<'a> = BTreeMap<u64, &'a EpochTable>;

/// Every experiment whose trainings have the column.
#[must_use]
pub fn speed(curves: &[(CurveOf, EpochTable)], target: &Target) -> Vec<Speed> {
    let mut experiments: Vec<(&str, Vec<(Factors, Trainings)>)> = Vec::new();
    for (curve, table) in curves {
        let index = experiments.iter().position(|(name, _)| *name == curve.experiment);
        let index = index.unwrap_or_else(|| {
            experiments.push((&curve.experiment, Vec::new()));
            experiments.len() - 1
        });
        let (_, cells) = &mut experiments[index];
        let factors = without_rule(&curve.factors);
        match cells.iter_mut().find(|(of, _)| *of == factors) {
            Some((_, trainings)) => {
                trainings.entry(curve.seed).or_insert(table);
            }
            None => cells.push((factors, Trainings::from([(curve.seed, table)]))),
        }
    }
    experiments.iter().filter_map(|(name, cells)| of_experiment(name, cells, target)).collect()
}

fn of_experiment(name: &str, cells: &[(Factors, Trainings)], target: &Target) -> Option<Speed> {
    let monitored = Monitored::new(&target.column);
    let tables = || cells.iter().flat_map(|(_, trainings)| trainings.values());
    let to_their_end = tables().filter(|table| !has_diverged(table)).map(|table| table.len()).min();
    let epochs = to_their_end.or_else(|| tables().map(|table| table.len()).max());
    let epochs = epochs.filter(|epochs| *epochs > 0)?;
    let best = |table: &EpochTable| monitored.best(&table.history(epochs)).map(|(_, value)| value);
    let bests = cells.iter().filter_map(|(_, trainings)| {
        stats::mean(&trainings.values().filter_map(|table| best(table)).collect::<Vec<_>>())
    });
    let worse = bests.reduce(|a, b| if monitored.better(a, b) { b } else { a })?;
    let value = target.value.unwrap_or(worse);
    let first = reaching(&cells.first()?.1, &monitored, value, epochs);
    let clock =
        if tables().all(|table| table.cell(CPU, table.len()).is_some()) { CPU } else { ELAPSED };
    let cells = cells.iter().enumerate().map(|(index, (factors, trainings))| {
        let reached = reaching(trainings, &monitored, value, epochs);
        let against = (index > 0).then(|| against(&reached, &first));
        cell(factors, trainings, &reached, against, (&target.column, clock), epochs)
    });
    Some(Speed {
        experiment: name.to_owned(),
        column: target.column.clone(),
        target: value,
        epochs,
        cells: cells.collect(),
    })
}

/// The first epoch at which each seed is at the target.
fn reaching(
    trainings: &Trainings,
    monitored: &Monitored,
    value: f64,
    epochs: usize,
) -> BTreeMap<u64, Option<usize>> {
    let first = |table: &EpochTable| {
        let cells = table.history(epochs).column(&monitored.column)?;
        let is_there = |cell: &Option<f64>| {
            cell.is_some_and(|cell| cell == value || monitored.better(cell, value))
        };
        cells.iter().position(is_there).map(|index| index + 1)
    };
    trainings.iter().map(|(seed, table)| (*seed, first(table))).collect()
}

/// Seeds in which one is sooner, and later, than the other.
fn against(
    one: &BTreeMap<u64, Option<usize>>,
    other: &BTreeMap<u64, Option<usize>>,
) -> (usize, usize) {
    let late = |epoch: &Option<usize>| epoch.unwrap_or(usize::MAX);
    let pairs = || one.iter().filter_map(|(seed, a)| Some((late(a), late(other.get(seed)?))));
    (pairs().filter(|(a, b)| a < b).count(), pairs().filter(|(a, b)| a > b).count())
}

#[allow(clippy::cast_precision_loss)] // epochs are far below 2^53
fn cell(
    factors: &Factors,
    trainings: &Trainings,
    reached: &BTreeMap<u64, Option<usize>>,
    against: Option<(usize, usize)>,
    (column, clock): (&str, &str),
    epochs: usize,
) -> CellSpeed {
    // Censored ones are infinite: in the middle they leave no median.
    let middle = |values: Vec<f64>| stats::median(&values).filter(|value| value.is_finite());
    let seconds = |(seed, epoch): (&u64, &Option<usize>)| {
        epoch.map_or(Some(f64::INFINITY), |epoch| trainings.get(seed)?.cell(clock, epoch))
    };
    let seconds: Option<Vec<f64>> = reached.iter().map(seconds).collect();
    let area = |table: &&EpochTable| {
        let cells = table.column(column)?.get(..epochs)?;
        let values: Option<Vec<f64>> =
            cells.iter().map(|cell| cell.filter(|value| value.is_finite())).collect();
        stats::mean(&values?)
    };
    let gap = |table: &&EpochTable| {
        let (best, value) = Monitored::new(VALIDATION).best(&table.history(table.len()))?;
        table.cell(TRAINING, best).map(|train| value - train).filter(|gap| gap.is_finite())
    };
    let areas: Vec<f64> = trainings.values().filter_map(area).collect();
    let gaps: Vec<f64> = trainings.values().filter_map(gap).collect();
    CellSpeed {
        factors: factors.clone(),
        seeds: reached.keys().copied().collect(),
        reached: reached.values().flatten().count(),
        diverged: trainings.values().filter(|table| has_diverged(table)).count(),
        epochs_to_target: reached.values().copied().collect(),
        median_epochs: middle(
            reached.values().map(|e| e.map_or(f64::INFINITY, |epoch| epoch as f64)).collect(),
        ),
        median_seconds: seconds.and_then(middle),
        sooner: against.map(|(sooner, _)| sooner),
        later: against.map(|(_, later)| later),
        p_sign: against.and_then(|(sooner, later)| stats::sign_test_p(sooner, later)),
        area: stats::mean(&areas),
        area_ci95: stats::t_interval(&areas, CONFIDENCE),
        generalization_gap: stats::mean(&gaps),
        generalization_gap_ci95: stats::t_interval(&gaps, CONFIDENCE),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::compare::label::text;

    fn curve(norm: &str, rule: &str, seed: u64, values: &[f64]) -> (CurveOf, EpochTable) {
        let names = ["val_loss", "train_loss_eval", "elapsed_s"].map(str::to_owned);
        let mut table = EpochTable::new(names.to_vec());
        let mut elapsed = 0.0;
        for value in values {
            elapsed += 0.5;
            table.push(&[Some(*value), Some(value - 0.1), Some(elapsed)]);
        }
        let of = CurveOf {
            experiment: "digits".to_owned(),
            factors: Factors::from_iter([
                ("norm".to_owned(), json!(norm)),
                ("early_stopping".to_owned(), json!(rule)),
            ]),
            seed,
            training: format!("{norm}-{seed}").into(),
            files: crate::results::Files::default(),
            curves: None,
            epochs: values.len(),
            stop_epoch: None,
            best_epoch: None,
            has_diverged: false,
        };
        (of, table)
    }

    fn two_arms() -> Vec<(CurveOf, EpochTable)> {
        let mut curves = Vec::new();
        for seed in 0..6 {
            // Of the slow arm one seed in six never comes to 0.4.
            let last = if seed == 5 { 0.45 } else { 0.35 };
            for rule in ["none", "patience"] {
                curves.push(curve("none", rule, seed, &[1.0, 0.8, 0.6, last]));
                curves.push(curve("batch", rule, seed, &[1.0, 0.3, 0.4, 0.5, 0.6]));
            }
        }
        curves
    }

    #[test]
    fn what_does_not_reach_the_target_is_censored_and_not_left_out() {
        let target = Target { column: "val_loss".to_owned(), value: Some(0.4) };
        let found = &speed(&two_arms(), &target)[0];
        let [slow, fast] = &found.cells[..] else { panic!("{found:?}") };
        assert_eq!((slow.seeds.len(), slow.reached, fast.reached), (6, 5, 6));
        assert_eq!(slow.epochs_to_target[5], None);
        assert_eq!((slow.median_epochs, fast.median_epochs), (Some(4.0), Some(2.0)));
        assert_eq!((slow.median_seconds, fast.median_seconds), (Some(2.0), Some(1.0)));
        assert_eq!((fast.sooner, fast.later, fast.p_sign), (Some(6), Some(0), Some(0.03125)));
        let never = Target { column: "val_loss".to_owned(), value: Some(0.1) };
        let never = &speed(&two_arms(), &never)[0].cells[0];
        assert_eq!((never.reached, never.median_epochs, never.median_seconds), (0, None, None));
    }

    #[test]
    fn what_diverged_is_counted_and_takes_no_epoch_from_the_others() {
        let mut curves = two_arms();
        for (of, table) in curves.iter_mut().filter(|(of, _)| of.seed == 0) {
            *table = curve(&text(&of.factors["norm"]), "none", 0, &[1.0, f64::NAN]).1;
        }
        let target = Target { column: "val_loss".to_owned(), value: Some(0.4) };
        let found = &speed(&curves, &target)[0];
        let [slow, fast] = &found.cells[..] else { panic!("{found:?}") };
        assert_eq!((found.epochs, slow.diverged, fast.diverged), (4, 1, 1));
        assert_eq!((slow.reached, fast.reached), (4, 5));
        assert_eq!(fast.epochs_to_target[0], None);
        assert!((fast.area.unwrap() - 0.55).abs() < 1e-12, "of those that have one");
        let all = curves.into_iter().filter(|(of, _)| of.seed == 0).collect::<Vec<_>>();
        assert_eq!(speed(&all, &target)[0].cells[0].area, None);
    }

    #[test]
    fn areas_are_over_the_epochs_that_all_have() {
        let target = Target { column: "val_loss".to_owned(), value: None };
        let found = &speed(&two_arms(), &target)[0];
        assert_eq!(found.epochs, 4);
        let mean = (5.0 * 0.35 + 0.45) / 6.0;
        assert!((found.target - mean).abs() < 1e-12, "the mean best of the worse arm");
        assert!((found.cells[1].area.unwrap() - 0.55).abs() < 1e-12);
        assert!((found.cells[1].generalization_gap.unwrap() - 0.1).abs() < 1e-12);
    }
}
