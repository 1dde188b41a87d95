//! Arms over several data sets, by ranks: what is measured on one data set is not comparable to what
//! is measured on another, but which arm is better there is (Demsar 2006).
//!
//! A data set counts once: seeds, and experiments on the same rows, such as one for each fold, are no further
//! data sets, and their means are averaged.

use serde::Serialize;

use super::experiment::{Arm, Experiment};
use super::significance::ALPHA;
use crate::config::Factors;
use crate::stats;

/// Arms over several data sets (Demsar 2006); the smallest rank is the best.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AcrossDataSets {
    /// The experiments, the first of each data set.
    pub experiments: Vec<String>,
    /// What is ranked: its mean over the seeds, a diverged one as the worst of all.
    pub metric: String,
    /// The arms with their mean ranks.
    pub arms: Vec<RankedArm>,
    /// Friedman's statistic.
    pub chi2: f64,
    /// Iman and Davenport's; none where all data sets rank the arms alike.
    pub f: Option<f64>,
    /// Its p-value; none below six data sets.
    pub p: Option<f64>,
    /// Nemenyi's critical difference of mean ranks at the level 0.05.
    pub critical_difference: f64,
    /// Of two arms from six data sets on: the p-value of Wilcoxon's signed-rank test, exact.
    pub p_wilcoxon: Option<f64>,
}

impl AcrossDataSets {
    /// The p-value of the arms' differing: Wilcoxon's of two arms, else Friedman's; none where there
    /// are too few data sets.
    #[must_use]
    pub fn p_value(&self) -> Option<f64> {
        self.p_wilcoxon.or(self.p)
    }

    /// Whether the arms can be told apart at all; none where there are too few data sets.
    #[must_use]
    pub fn differs(&self) -> Option<bool> {
        self.p_value().map(|p| p < ALPHA)
    }
}

/// An arm over data sets.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RankedArm {
    /// Its level of each factor.
    pub factors: Factors,
    /// Its mean rank.
    pub average_rank: f64,
    /// The chance that a run of it is better than a run of the first arm, ties half, as a mean over
    /// the data sets; none of the first arm itself.
    pub probability_of_improvement: Option<f64>,
    /// The mean of the middle half of all its runs on all data sets; none where it is not finite.
    pub interquartile_mean: Option<f64>,
}

/// Every group of experiments with the same arms on different data, in one metric; each with its own.
pub(super) fn across(experiments: &[(&Experiment, &str)]) -> Vec<AcrossDataSets> {
    let mut groups: Vec<(&str, Vec<&Factors>, Vec<&Experiment>)> = Vec::new();
    for (experiment, metric) in experiments {
        let arms: Vec<&Factors> = experiment.arms.iter().map(|arm| &arm.factors).collect();
        let group = groups.iter_mut().find(|(of, known, _)| of == metric && *known == arms);
        match group {
            Some((_, _, members)) => members.push(experiment),
            None => groups.push((metric, arms, vec![experiment])),
        }
    }
    groups.iter().filter_map(|(metric, arms, members)| ranked(metric, arms, members)).collect()
}

fn ranked(metric: &str, arms: &[&Factors], experiments: &[&Experiment]) -> Option<AcrossDataSets> {
    let sets = data_sets(experiments);
    let sign = if experiments.first()?.direction(metric).maximize { -1.0 } else { 1.0 };
    let row = |set: &Vec<&Experiment>| -> Vec<f64> {
        let of_arm = |arm: usize| {
            let means = set.iter().map(|one| mean_or_worst(&one.arms[arm], metric, sign));
            stats::mean(&means.collect::<Vec<_>>()).unwrap_or(f64::INFINITY)
        };
        (0..arms.len()).map(of_arm).collect()
    };
    let rows: Vec<Vec<f64>> = sets.iter().map(row).collect();
    let found = stats::friedman(&rows)?;
    let pairs: Vec<(f64, f64)> = rows
        .iter()
        .filter_map(|row| Some((*row.get(1)?, *row.first()?)))
        .filter(|(second, first)| !(second - first).is_nan())
        .collect();
    let of_two = arms.len() == 2 && pairs.len() >= stats::PAIRS_FOR_P;
    let runs = |set: &Experiment, arm: usize| signed(&set.arms[arm], metric, sign);
    let improvement = |arm: usize| {
        let of_one = |one: &&Experiment| stats::probability_below(&runs(one, arm), &runs(one, 0));
        let of_set = |set: &Vec<&Experiment>| {
            stats::mean(&set.iter().filter_map(of_one).collect::<Vec<_>>())
        };
        let of_sets: Vec<f64> = sets.iter().filter_map(of_set).collect();
        stats::mean(&of_sets).filter(|_| arm > 0)
    };
    let middle = |arm: usize| {
        let all: Vec<f64> = experiments.iter().flat_map(|one| runs(one, arm)).collect();
        stats::interquartile_mean(&all).map(|mean| sign * mean).filter(|mean| mean.is_finite())
    };
    let arms = arms.iter().zip(&found.average_ranks).enumerate();
    Some(AcrossDataSets {
        experiments: sets.iter().map(|set| set[0].name.clone()).collect(),
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

/// The experiments of each data set, in their order.
fn data_sets<'a, 'b>(experiments: &[&'a Experiment<'b>]) -> Vec<Vec<&'a Experiment<'b>>> {
    let mut sets: Vec<(String, Vec<&Experiment>)> = Vec::new();
    for experiment in experiments {
        let digest = digest(experiment);
        match sets.iter_mut().find(|(known, _)| *known == digest) {
            Some((_, members)) => members.push(experiment),
            None => sets.push((digest, vec![experiment])),
        }
    }
    sets.into_iter().map(|(_, members)| members).collect()
}

/// What was read, by content; the name where no record tells.
fn digest(experiment: &Experiment) -> String {
    let mut observations = experiment.observations();
    let digest = observations.next().and_then(|first| first.run.data.get("digest")?.as_str());
    digest.unwrap_or(&experiment.name).to_owned()
}

/// A metric of every seed, smaller being better; infinite where it diverged, so that it ranks last.
fn signed(arm: &Arm, metric: &str, sign: f64) -> Vec<f64> {
    let values = arm.observations.values().map(|observation| observation.value(metric));
    values.map(|value| value.map_or(f64::INFINITY, |value| sign * value)).collect()
}

/// The mean of those.
fn mean_or_worst(arm: &Arm, metric: &str, sign: f64) -> f64 {
    stats::mean(&signed(arm, metric, sign)).unwrap_or(f64::INFINITY)
}

#[cfg(test)]
mod tests {
    use super::super::selection::grouped;
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
        let (experiments, _) = grouped(experiments);
        across(&experiments.iter().map(|one| (one, "test_loss")).collect::<Vec<_>>())
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
        assert_eq!(across.differs(), None);
    }

    #[test]
    fn from_six_data_sets_on_there_is_a_p_value() {
        let found = found(&experiments(&["a", "b", "c", "d", "e", "f"]));
        // All rank the arms alike: by chance one time in (4!)^5.
        assert!(found[0].p.is_some_and(|p| p < 1e-6), "{found:?}");
        assert_eq!(found[0].differs(), Some(true));
    }

    #[test]
    fn experiments_on_the_same_rows_are_ranked_by_the_mean_of_their_means() {
        let loss = |experiment: &mut LoadedExperiment, norm: &str, rule: &str, loss: f64| {
            for run in &mut experiment.runs {
                for arm in &mut run.record.arms {
                    if arm.factors["model.norm.kind"] == norm
                        && arm.factors["early_stopping"] == rule
                    {
                        arm.metrics.insert("test_loss".to_owned(), loss.into());
                    }
                }
            }
        };
        // Of two folds the first arm is best in one by little and worst in the other by much.
        let mut experiments = experiments(&["first fold", "second fold", "other"]);
        for (fold, of_first) in experiments[..2].iter_mut().zip([0.1, 9.0]) {
            loss(fold, "none", "none", of_first);
            loss(fold, "none", "patience", 0.2);
            loss(fold, "batch", "none", 0.3);
            loss(fold, "batch", "patience", 0.4);
            for run in &mut fold.runs {
                run.record.data.insert("digest".to_owned(), "the same".into());
            }
        }
        loss(&mut experiments[2], "none", "none", 9.0);
        let found = found(&experiments);
        assert_eq!(found[0].experiments, ["first fold", "other"]);
        assert_eq!(found[0].arms[0].average_rank, 4.0, "{found:?}");
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
