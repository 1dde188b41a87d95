//! Gates: limits that results have to keep, for continuous integration.
//!
//! A gate fails only where the whole 95 % interval lies beyond its limit, and cannot be judged where
//! there is no interval. So a gate on few seeds hardly ever fails by chance, and it says when it
//! cannot tell.

use std::collections::BTreeSet;

use super::arms::{ArmSummary, summaries};
use super::baseline::BaselineArm;
use super::options::{CompareError, Filter};
use super::selection::select;
use super::setting::Unlike;
use super::significance::CONFIDENCE;
use crate::config::{Factors, Gate};
use crate::results::LoadedExperiment;
use crate::stats;

/// A gate judged for one arm, or why it could not be.
#[derive(Debug, Clone, PartialEq)]
pub struct GateResult {
    /// The metric.
    pub metric: String,
    /// The arm; none where no arm could be found to judge.
    pub arm: Option<GatedArm>,
    /// What the figure is.
    pub figure: Figure,
    /// What was to be kept.
    pub limits: Vec<Limit>,
    /// Passed, failed or not judged.
    pub outcome: Outcome,
}

/// What the figure of a gate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// The mean of the metric.
    Mean,
    /// Its change against a baseline, as a share of the mean there.
    Share,
    /// Its change against a baseline, in its own unit.
    Change,
}

/// An arm that a gate is about.
#[derive(Debug, Clone, PartialEq)]
pub struct GatedArm {
    /// The experiment.
    pub experiment: String,
    /// Its level of each factor.
    pub factors: Factors,
}

/// A limit of a gate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// The key of the gate that sets it.
    pub key: &'static str,
    /// Its value; of `max_decrease` the change, which is negative.
    pub value: f64,
    /// Whether the figure has to be above, rather than below.
    pub is_lower: bool,
}

/// What came of a gate.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The interval is not wholly beyond the limit.
    Passed(Estimate),
    /// It is.
    Failed(Estimate),
    /// There is no interval.
    NotJudged(Reason),
}

/// A figure with its interval, and how many seeds it is from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// Its 95 % interval.
    pub ci95: [f64; 2],
    /// Seeds.
    pub n: usize,
    /// Seeds without a finite value or pair.
    pub left_out: usize,
    /// Those of them without a finite value here, and with one in the baseline if there is one: a diverged
    /// training broke every limit, by more than a mean can tell.
    pub lost: usize,
    /// Of a change: the means over the seeds in the baseline and here.
    pub old_and_new: Option<(f64, f64)>,
}

/// Why a gate cannot be judged.
#[derive(Debug, Clone, PartialEq)]
pub enum Reason {
    /// There are no arms such as it asks for.
    NoArms(CompareError),
    /// No arm has the metric; these are the metrics there are.
    UnknownMetric(Vec<String>),
    /// This arm does not have it.
    NotRecorded,
    /// It is about a change, and there is nothing to hold the arms against.
    NoBaseline,
    /// What to hold them against cannot be read; why.
    DamagedBaseline(String),
    /// The baseline has no such arm.
    NotInBaseline,
    /// The arm of the baseline is of other data, another split or other settings.
    Unlike(Unlike),
    /// The others keep the limit, and seeds were lost.
    Lost(Estimate),
    /// An interval takes more seeds.
    TooFewSeeds {
        /// Seeds.
        n: usize,
        /// Seeds without a finite value or pair.
        left_out: usize,
    },
}

impl GateResult {
    /// Failed where the interval does not rule out a breach, or seeds were lost: as a release is judged, not
    /// a change.
    #[must_use]
    pub fn strict(self) -> Self {
        let outcome = match self.outcome {
            Outcome::Passed(estimate)
                if !self.limits.iter().all(|limit| limit.is_safe(&estimate)) =>
            {
                Outcome::Failed(estimate)
            }
            Outcome::NotJudged(Reason::Lost(estimate)) => Outcome::Failed(estimate),
            other => other,
        };
        Self { outcome, ..self }
    }
}

impl Gate {
    /// Judges every arm that the gate is about, of those that filters leave.
    #[must_use]
    pub fn judge(
        &self,
        results: &[LoadedExperiment],
        filters: &[Filter],
        baseline: Option<&[BaselineArm]>,
    ) -> Vec<GateResult> {
        let own = self.levels.iter();
        let own = own.map(|(key, level)| Filter { key: key.clone(), level: level.clone() });
        let filters: Vec<Filter> = filters.iter().cloned().chain(own).collect();
        let of_all = |reason: Reason| vec![self.not_judged(reason)];
        if self.is_relative() && baseline.is_none() {
            return of_all(Reason::NoBaseline);
        }
        let arms = match arms(results, &filters) {
            Ok(arms) => arms,
            Err(error) => return of_all(Reason::NoArms(error)),
        };
        if arms.iter().all(|arm| arm.metrics.get(&self.metric).is_none()) {
            let known: BTreeSet<&String> = arms
                .iter()
                .flat_map(|arm| arm.metrics.0.iter().map(|(metric, _)| metric))
                .collect();
            return of_all(Reason::UnknownMetric(known.into_iter().cloned().collect()));
        }
        let judged = arms.into_iter().map(|arm| {
            let estimate = match baseline.filter(|_| self.is_relative()) {
                None => self.absolute(&arm),
                Some(baseline) => self.change(&arm, baseline),
            };
            let outcome = match estimate {
                Ok(estimate) if self.limits().iter().any(|limit| limit.is_broken(&estimate)) => {
                    Outcome::Failed(estimate)
                }
                Ok(estimate) if estimate.lost > 0 => Outcome::NotJudged(Reason::Lost(estimate)),
                Ok(estimate) => Outcome::Passed(estimate),
                Err(reason) => Outcome::NotJudged(reason),
            };
            let arm = GatedArm { experiment: arm.experiment, factors: arm.factors };
            self.result(Some(arm), outcome)
        });
        judged.collect()
    }

    /// That it cannot be judged, whatever the arms.
    #[must_use]
    pub fn not_judged(&self, reason: Reason) -> GateResult {
        self.result(None, Outcome::NotJudged(reason))
    }

    fn result(&self, arm: Option<GatedArm>, outcome: Outcome) -> GateResult {
        let (figure, limits) = (self.figure(), self.limits());
        GateResult { metric: self.metric.clone(), arm, figure, limits, outcome }
    }

    fn figure(&self) -> Figure {
        match (self.is_relative(), self.is_share()) {
            (false, _) => Figure::Mean,
            (true, true) => Figure::Share,
            (true, false) => Figure::Change,
        }
    }

    fn limits(&self) -> Vec<Limit> {
        let decrease = self.max_decrease.map(|most| -most);
        let drop = self.max_drop.map(|most| -most);
        let all = [
            ("min", self.min, true),
            ("max", self.max, false),
            ("max_decrease", decrease, true),
            ("max_increase", self.max_increase, false),
            ("max_drop", drop, true),
            ("max_rise", self.max_rise, false),
        ];
        let there = |(key, value, is_lower): (&'static str, Option<f64>, bool)| {
            Some(Limit { key, value: value?, is_lower })
        };
        all.into_iter().filter_map(there).collect()
    }

    fn absolute(&self, arm: &ArmSummary) -> Result<Estimate, Reason> {
        let metric = arm.metrics.get(&self.metric).ok_or(Reason::NotRecorded)?;
        let left_out = metric.values.iter().filter(|value| value.is_none()).count();
        let n = metric.values.len() - left_out;
        match (metric.mean, metric.ci95) {
            (Some(mean), Some(ci95)) => {
                Ok(Estimate { mean, ci95, n, left_out, lost: left_out, old_and_new: None })
            }
            _ => Err(Reason::TooFewSeeds { n, left_out }),
        }
    }

    fn change(&self, arm: &ArmSummary, baseline: &[BaselineArm]) -> Result<Estimate, Reason> {
        let same = |other: &&BaselineArm| {
            other.experiment == arm.experiment && other.factors == arm.factors
        };
        let other = baseline.iter().find(same).ok_or(Reason::NotInBaseline)?;
        if let Some(unlike) = arm.setting.unlike(&other.setting) {
            return Err(Reason::Unlike(unlike));
        }
        let now = arm.metrics.get(&self.metric).map_or(&[][..], |metric| &metric.values);
        let before = other.values(&self.metric);
        let both: Vec<(Option<f64>, Option<f64>)> = arm
            .seeds
            .iter()
            .zip(now)
            .filter_map(|(seed, now)| Some((*now, *before?.get(seed)?)))
            .collect();
        let lost = both.iter().filter(|(now, before)| now.is_none() && before.is_some()).count();
        let pairs: Vec<(f64, f64)> =
            both.into_iter().filter_map(|(now, before)| Some((now?, before?))).collect();
        let (n, left_out) = (pairs.len(), now.len() - pairs.len());
        let differences: Vec<f64> = pairs.iter().map(|(now, before)| now - before).collect();
        let side =
            |of: fn(&(f64, f64)) -> f64| stats::mean(&pairs.iter().map(of).collect::<Vec<_>>());
        let old_and_new = side(|pair| pair.1).zip(side(|pair| pair.0));
        let unit = match self.figure() {
            Figure::Share => old_and_new.map(|(old, _)| old.abs()).filter(|size| *size > 0.0),
            Figure::Mean | Figure::Change => Some(1.0),
        };
        let interval = stats::t_interval(&differences, CONFIDENCE);
        match (unit, stats::mean(&differences), interval) {
            (Some(unit), Some(mean), Some([low, high])) => {
                let ci95 = [low / unit, high / unit];
                Ok(Estimate { mean: mean / unit, ci95, n, left_out, lost, old_and_new })
            }
            _ => Err(Reason::TooFewSeeds { n, left_out }),
        }
    }
}

/// The arms alone, as a gate judges them.
///
/// # Errors
/// Where nothing has ended, or a filter names what is not there.
pub fn arms(
    loaded: &[LoadedExperiment],
    filters: &[Filter],
) -> Result<Vec<ArmSummary>, CompareError> {
    let (experiments, _) = select(loaded, filters)?;
    Ok(experiments.iter().flat_map(summaries).collect())
}

impl Limit {
    /// Whether the whole interval keeps it, so that its breach is ruled out.
    #[must_use]
    pub fn is_safe(&self, estimate: &Estimate) -> bool {
        let [low, high] = estimate.ci95;
        if self.is_lower {
            stats::difference(low, self.value) >= 0.0
        } else {
            stats::difference(high, self.value) <= 0.0
        }
    }

    /// Whether the whole interval lies beyond it.
    fn is_broken(&self, estimate: &Estimate) -> bool {
        let [low, high] = estimate.ci95;
        if self.is_lower {
            stats::difference(high, self.value) < 0.0
        } else {
            stats::difference(low, self.value) > 0.0
        }
    }
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
