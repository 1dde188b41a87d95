//! Arms over several data sets, by ranks: what is measured on one data set is not comparable to what
//! is measured on another, but which arm is better there is (Demsar 2006).
//!
//! A data set counts once: seeds, and experiments on the same rows, are no further data sets.

use std::collections::BTreeSet;

use super::label::text;
use super::number::{figure, p_value};
use super::study::{Cell, Study};
use super::{AcrossDataSets, Comparison, RankedArm, enumerated};
use crate::spec::Factors;
use crate::stats;
use crate::stopping::Monitored;

/// The level of the tests.
const ALPHA: f64 = 0.05;

/// Every group of studies with the same arms on different data, in one metric.
pub(super) fn across(
    studies: &[Study],
    comparison: &Comparison,
    asked: Option<&str>,
) -> Vec<AcrossDataSets> {
    let mut groups: Vec<(String, Vec<&Factors>, Vec<&Study>)> = Vec::new();
    for (study, summary) in studies.iter().zip(&comparison.experiments) {
        let metric = asked.unwrap_or(&summary.metric);
        let arms: Vec<&Factors> = study.cells.iter().map(|cell| &cell.factors).collect();
        let group = groups.iter_mut().find(|(of, cells, _)| of == metric && *cells == arms);
        match group {
            Some((_, _, members)) => members.push(study),
            None => groups.push((metric.to_owned(), arms, vec![study])),
        }
    }
    groups.iter().filter_map(|(metric, arms, members)| ranked(metric, arms, members)).collect()
}

fn ranked(metric: &str, arms: &[&Factors], studies: &[&Study]) -> Option<AcrossDataSets> {
    let mut known = BTreeSet::new();
    let sets: Vec<&&Study> = studies.iter().filter(|study| known.insert(digest(study))).collect();
    let sign = if Monitored::new(metric).maximize { -1.0 } else { 1.0 };
    let row = |study: &&&Study| -> Vec<f64> {
        study.cells.iter().map(|cell| mean_or_worst(cell, metric, sign)).collect()
    };
    let rows: Vec<Vec<f64>> = sets.iter().map(row).collect();
    let found = stats::friedman(&rows)?;
    let pairs: Vec<(f64, f64)> = rows
        .iter()
        .filter_map(|row| Some((*row.get(1)?, *row.first()?)))
        .filter(|(second, first)| !(second - first).is_nan())
        .collect();
    let of_two = arms.len() == 2 && pairs.len() >= stats::PAIRS_FOR_P;
    let runs = |study: &Study, arm: usize| signed(&study.cells[arm], metric, sign);
    let improvement = |arm: usize| {
        let of_set = |study: &&&Study| stats::probability_below(&runs(study, arm), &runs(study, 0));
        let of_sets: Vec<f64> = sets.iter().filter_map(of_set).collect();
        stats::mean(&of_sets).filter(|_| arm > 0)
    };
    let middle = |arm: usize| {
        let all: Vec<f64> = sets.iter().flat_map(|study| runs(study, arm)).collect();
        stats::interquartile_mean(&all).map(|mean| sign * mean).filter(|mean| mean.is_finite())
    };
    let arms = arms.iter().zip(&found.average_ranks).enumerate();
    Some(AcrossDataSets {
        experiments: sets.iter().map(|study| study.name.clone()).collect(),
        metric: metric.to_owned(),
        arms: arms
            .map(|(arm, (factors, rank))| RankedArm {
                factors: (*factors).clone(),
                average_rank: *rank,
                probability_of_improvement: improvement(arm),
                interquartile_mean: middle(arm),
            })
            .collect(),
        chi2: found.chi2,
        f: found.f,
        p: (rows.len() >= stats::PAIRS_FOR_P).then_some(found.p),
        critical_difference: found.critical_difference,
        p_wilcoxon: if of_two { stats::wilcoxon(&pairs).map(|(_, p)| p) } else { None },
    })
}

/// What was read, by content; the name where no record tells.
fn digest(study: &Study) -> String {
    let reading = study.cells.iter().find_map(|cell| cell.readings.values().next());
    let digest = reading.and_then(|reading| reading.run.data.get("digest")?.as_str());
    digest.unwrap_or(&study.name).to_owned()
}

/// A metric of every seed, smaller being better; infinite where it diverged, so that it ranks last.
fn signed(cell: &Cell, metric: &str, sign: f64) -> Vec<f64> {
    let values = cell.readings.values().map(|reading| reading.value(metric));
    values.map(|value| value.map_or(f64::INFINITY, |value| sign * value)).collect()
}

/// The mean of those.
fn mean_or_worst(cell: &Cell, metric: &str, sign: f64) -> f64 {
    stats::mean(&signed(cell, metric, sign)).unwrap_or(f64::INFINITY)
}

/// What the ranks say, in a sentence.
pub(super) fn sentence(across: &AcrossDataSets) -> String {
    let mut arms: Vec<&RankedArm> = across.arms.iter().collect();
    arms.sort_by(|a, b| a.average_rank.total_cmp(&b.average_rank));
    let named = |arm: &&RankedArm| {
        let levels: Vec<String> = arm.factors.values().map(text).collect();
        format!("{} {}", levels.join(" "), figure(arm.average_rank, 3))
    };
    let ranks: Vec<String> = arms.iter().map(named).collect();
    let sets = across.experiments.len();
    let said = format!(
        "Over {sets} data sets ({}), mean ranks in {}: {}",
        enumerated(&across.experiments),
        across.metric,
        enumerated(&ranks)
    );
    let Some(p) = across.p_wilcoxon.or(across.p) else {
        return format!(
            "{said}; below {} data sets no test can tell them apart.",
            stats::PAIRS_FOR_P
        );
    };
    let test = if across.p_wilcoxon.is_some() { "Wilcoxon" } else { "Friedman, Iman-Davenport" };
    let told = if p >= ALPHA {
        "no difference can be told".to_owned()
    } else if arms.len() == 2 {
        "they differ".to_owned()
    } else {
        format!(
            "ranks that are closer than {} cannot be told apart (Nemenyi)",
            figure(across.critical_difference, 3)
        )
    };
    format!("{said} ({test}: p = {}); {told}.", p_value(p)).replace("p = <", "p < ")
}

#[cfg(test)]
mod tests {
    use super::super::study::studies;
    use super::super::{Options, compare};
    use super::*;
    use crate::results::LoadedExperiment;
    use crate::results::fixtures::two_by_two_of;

    /// Experiments with the same arms, each on data of its own.
    fn experiments(names: &[&str]) -> Vec<LoadedExperiment> {
        let with_name = |name: &&str| {
            let mut experiment = two_by_two_of(3);
            experiment.plan.name = (*name).to_owned();
            experiment.plan.comparable = (*name).to_owned();
            experiment.path = name.into();
            for run in &mut experiment.runs {
                run.record.data.insert("digest".to_owned(), (*name).into());
            }
            experiment
        };
        names.iter().map(with_name).collect()
    }

    fn found(experiments: &[LoadedExperiment]) -> Vec<AcrossDataSets> {
        let comparison = compare(experiments, &Options::default()).unwrap();
        let (studies, _) = studies(experiments);
        across(&studies, &comparison, None)
    }

    #[test]
    fn arms_are_ranked_over_data_sets_and_not_tested_over_few() {
        let found = found(&experiments(&["a", "b", "c"]));
        assert_eq!(found.len(), 1);
        let across = &found[0];
        assert_eq!(across.experiments, ["a", "b", "c"]);
        assert_eq!(across.arms.len(), 4);
        let ranks: f64 = across.arms.iter().map(|arm| arm.average_rank).sum();
        assert!((ranks - 10.0).abs() < 1e-12, "{ranks}");
        let improved: Vec<_> =
            across.arms.iter().map(|arm| arm.probability_of_improvement.is_some()).collect();
        assert_eq!(improved, [false, true, true, true]);
        assert!(across.arms.iter().all(|arm| arm.interquartile_mean.is_some_and(|m| m < 0.5)));
        assert_eq!((across.p, across.p_wilcoxon), (None, None));
        let text = sentence(across);
        assert!(text.starts_with("Over 3 data sets (a, b and c), mean ranks in test_loss: "));
        assert!(text.ends_with("below 6 data sets no test can tell them apart."), "{text}");
    }

    #[test]
    fn from_six_data_sets_on_there_is_a_p_value() {
        let found = found(&experiments(&["a", "b", "c", "d", "e", "f"]));
        // All rank the arms alike: by chance one time in (4!)^5.
        assert!(found[0].p.is_some_and(|p| p < 1e-6), "{found:?}");
        assert!(sentence(&found[0]).contains("p < 0.001"), "{}", sentence(&found[0]));
    }

    #[test]
    fn the_same_rows_are_one_data_set() {
        let mut experiments = experiments(&["a", "b"]);
        for run in &mut experiments[1].runs {
            run.record.data.insert("digest".to_owned(), "a".into());
        }
        assert_eq!(found(&experiments), []);
    }

    #[test]
    fn a_diverged_seed_ranks_last() {
        let mut experiments = experiments(&["a", "b", "c"]);
        for experiment in &mut experiments {
            for run in &mut experiment.runs {
                let arm = &mut run.record.arms[0];
                if arm.factors.values().any(|level| level == "batch") {
                    arm.metrics.insert("test_loss".to_owned(), serde_json::Value::Null);
                }
            }
        }
        let found = found(&experiments);
        let worst = found[0].arms.iter().max_by(|a, b| a.average_rank.total_cmp(&b.average_rank));
        let worst = worst.unwrap();
        assert!(worst.factors.values().any(|level| level == "batch"), "{worst:?}");
    }
}
