//! Gates: limits that results have to keep, for continuous integration.
//!
//! A gate fails only where the whole 95 % interval lies beyond its limit, and cannot be judged where
//! there is no interval. So a gate on few seeds hardly ever fails by chance, and it says when it
//! cannot tell.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::number::figure;
use super::warnings::arm_name;
use super::{ArmSummary, Filter, LEVEL, arms, counted};
use crate::kinds::list;
use crate::names::nearest;
use crate::results::LoadedExperiment;
use crate::stats;

/// What is asked of a metric of the arms.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// The metric.
    pub metric: String,
    /// Only arms with these levels.
    #[serde(default, rename = "where")]
    pub levels: Map<String, Value>,
    /// The mean is at least this.
    pub min: Option<f64>,
    /// The mean is at most this.
    pub max: Option<f64>,
    /// Results to hold the same arms against, as a directory.
    pub baseline: Option<String>,
    /// The mean rose by no more than this share of the baseline's.
    pub max_increase: Option<f64>,
    /// The mean fell by no more than this share of the baseline's.
    pub max_decrease: Option<f64>,
}

/// What came of a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The interval is not wholly beyond the limit.
    Passed,
    /// It is.
    Failed,
    /// There is no interval.
    NotJudged,
}

/// A gate's outcome for one arm, or why it has none.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// Passed or not.
    pub outcome: Outcome,
    /// Figure, interval, limit and n.
    pub message: String,
}

/// A figure with its interval, and how many seeds it is from.
struct Seen {
    mean: f64,
    interval: [f64; 2],
    n: usize,
    left_out: usize,
}

impl Gate {
    /// What is wrong with its keys taken together.
    ///
    /// # Errors
    /// Where it has no limit, or keys that do not go together.
    pub fn check(&self) -> Result<(), String> {
        let relative = self.max_increase.is_some() || self.max_decrease.is_some();
        match (self.baseline.is_some(), relative, self.min.is_some() || self.max.is_some()) {
            (true, true, false) | (false, false, true) => Ok(()),
            (true, false, false) => {
                Err("a gate with `baseline` takes `max_increase` or `max_decrease`".to_owned())
            }
            (false, true, _) => {
                Err("`max_increase` and `max_decrease` need a `baseline`".to_owned())
            }
            (true, _, true) => Err(
                "`min` and `max` are limits of the metric itself: leave `baseline` out, or give \
                     `max_increase` instead"
                    .to_owned(),
            ),
            (false, false, false) => {
                Err("a gate needs a limit: `min`, `max`, or `baseline` with `max_increase`"
                    .to_owned())
            }
        }
    }

    /// Judges every arm that the gate is about, of those that filters leave.
    #[must_use]
    pub fn judge(
        &self,
        results: &[LoadedExperiment],
        filters: &[Filter],
        baseline: Option<&[ArmSummary]>,
    ) -> Vec<Judged> {
        let own = self.levels.iter();
        let own = own.map(|(key, level)| Filter { key: key.clone(), level: level.clone() });
        let filters: Vec<Filter> = filters.iter().cloned().chain(own).collect();
        let arms = match arms(results, &filters) {
            Ok(arms) => arms,
            Err(error) => return vec![not_judged(format!("{}: {error}", self.metric))],
        };
        if arms.iter().all(|arm| arm.metrics.get(&self.metric).is_none()) {
            return vec![not_judged(self.no_such_metric(&arms))];
        }
        let judged = arms.iter().map(|arm| {
            let name = format!("{} of {}, {}", self.metric, arm.experiment, arm_name(arm));
            match baseline {
                None => self.absolute(&name, arm),
                Some(baseline) => self.relative(&name, arm, baseline),
            }
        });
        judged.collect()
    }

    fn no_such_metric(&self, arms: &[ArmSummary]) -> String {
        let known: BTreeSet<&str> = arms
            .iter()
            .flat_map(|arm| arm.metrics.0.iter().map(|(metric, _)| metric.as_str()))
            .collect();
        let known: Vec<&str> = known.into_iter().collect();
        let hint = match nearest(&self.metric, &known) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("the metrics are {}", list(&known)),
        };
        format!("no arm has the metric `{}`: {hint}", self.metric)
    }

    fn absolute(&self, name: &str, arm: &ArmSummary) -> Judged {
        let Some(metric) = arm.metrics.get(&self.metric) else {
            return not_judged(format!("{name}: there is no such metric"));
        };
        let left_out = metric.values.iter().filter(|value| value.is_none()).count();
        let (Some(mean), Some(interval)) = (metric.mean, metric.ci95) else {
            return too_few(name, metric.values.len() - left_out, left_out);
        };
        let n = metric.values.len() - left_out;
        let seen = Seen { mean, interval, n, left_out };
        let limits = [("min", self.min, true), ("max", self.max, false)];
        seen.judged(name, &limits, &|value| figure(value, 4))
    }

    fn relative(&self, name: &str, arm: &ArmSummary, baseline: &[ArmSummary]) -> Judged {
        let same = |other: &&ArmSummary| {
            other.experiment == arm.experiment && other.factors == arm.factors
        };
        let Some(other) = baseline.iter().find(same) else {
            return not_judged(format!("{name}: the baseline has no such arm"));
        };
        let values = |arm: &ArmSummary| -> Vec<(u64, Option<f64>)> {
            let values = arm.metrics.get(&self.metric).map_or(&[][..], |metric| &metric.values);
            arm.seeds.iter().copied().zip(values.iter().copied()).collect()
        };
        let (now, before) = (values(arm), values(other));
        let pairs: Vec<(f64, f64)> = now
            .iter()
            .filter_map(|(seed, now)| {
                let (_, before) = before.iter().find(|(other, _)| other == seed)?;
                Some(((*now)?, (*before)?))
            })
            .collect();
        let left_out = now.len() - pairs.len();
        let differences: Vec<f64> = pairs.iter().map(|(now, before)| now - before).collect();
        let base: Vec<f64> = pairs.iter().map(|(_, before)| *before).collect();
        let size = stats::mean(&base).map(f64::abs).filter(|size| *size > 0.0);
        let interval = stats::t_interval(&differences, LEVEL);
        let (Some(size), Some(mean), Some([low, high])) =
            (size, stats::mean(&differences), interval)
        else {
            return too_few(&format!("{name}, against the baseline"), pairs.len(), left_out);
        };
        let seen = Seen {
            mean: mean / size,
            interval: [low / size, high / size],
            n: pairs.len(),
            left_out,
        };
        let decrease = self.max_decrease.map(|most| -most);
        let limits = [("max_decrease", decrease, true), ("max_increase", self.max_increase, false)];
        let name = format!("change of {name}, against the baseline");
        seen.judged(&name, &limits, &|share| format!("{} %", figure(100.0 * share, 3)))
    }
}

impl Seen {
    /// Against limits: their keys, values, and whether the figure has to be above.
    fn judged(
        &self,
        name: &str,
        limits: &[(&str, Option<f64>, bool)],
        shown: &dyn Fn(f64) -> String,
    ) -> Judged {
        let [low, high] = self.interval;
        let there =
            || limits.iter().filter_map(|(key, limit, above)| Some((*key, (*limit)?, *above)));
        let is_beyond = |limit: f64, above: bool| {
            if above {
                stats::difference(high, limit) < 0.0
            } else {
                stats::difference(low, limit) > 0.0
            }
        };
        let failed = there().any(|(_, limit, above)| is_beyond(limit, above));
        let limits: Vec<String> =
            there().map(|(key, limit, _)| format!("{key} {}", shown(limit))).collect();
        let left_out = match self.left_out {
            0 => String::new(),
            n => format!(", {} without a finite pair or value left out", counted(n, "seed")),
        };
        Judged {
            outcome: if failed { Outcome::Failed } else { Outcome::Passed },
            message: format!(
                "{name}: {} (95 % interval {} to {}, n = {}{left_out}), limit {}",
                shown(self.mean),
                shown(low),
                shown(high),
                self.n,
                limits.join(" and ")
            ),
        }
    }
}

fn too_few(name: &str, n: usize, left_out: usize) -> Judged {
    let diverged = match left_out {
        0 => String::new(),
        left_out => format!(" ({left_out} left out)"),
    };
    not_judged(format!(
        "{name}: {}{diverged}, and an interval takes {}",
        counted(n, "seed"),
        stats::PAIRS_FOR_INTERVAL
    ))
}

fn not_judged(message: String) -> Judged {
    Judged { outcome: Outcome::NotJudged, message }
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
