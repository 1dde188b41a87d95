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
mod tests {
    use serde_json::json;

    use super::*;
    use crate::results::fixtures::two_by_two_of;
    use crate::spec::label::value_of;

    fn gate(table: Value) -> Gate {
        let gate: Gate = serde_json::from_value(table).unwrap();
        gate.check().unwrap();
        gate
    }

    fn of(experiment: &LoadedExperiment) -> Vec<ArmSummary> {
        arms(std::slice::from_ref(experiment), &[]).unwrap()
    }

    fn outcomes(table: Value, baseline: Option<&[ArmSummary]>) -> Vec<Outcome> {
        let judged = gate(table).judge(&[two_by_two_of(6)], &[], baseline);
        judged.iter().map(|judged| judged.outcome).collect()
    }

    #[test]
    fn a_gate_fails_only_where_the_whole_interval_is_beyond_its_limit() {
        let experiment = two_by_two_of(6);
        let results = of(&experiment);
        let metric = results[0].metrics.get("test_loss").unwrap();
        let ([low, high], mean) = (metric.ci95.unwrap(), metric.mean.unwrap());
        let factors = Value::Object(results[0].factors.clone().into_iter().collect());
        let judged = |key: &str, limit: f64| {
            let table = json!({"metric": "test_loss", "where": factors, key: limit});
            let judged = gate(table).judge(std::slice::from_ref(&experiment), &[], None);
            assert_eq!(judged.len(), 1);
            judged[0].clone()
        };
        assert_eq!(judged("max", mean - 0.9 * (mean - low)).outcome, Outcome::Passed);
        assert_eq!(judged("max", low - 1e-9).outcome, Outcome::Failed);
        assert_eq!(judged("min", high - 1e-9).outcome, Outcome::Passed);
        let failed = judged("min", high + 1e-9);
        assert_eq!(failed.outcome, Outcome::Failed);
        assert!(failed.message.contains("95 % interval") && failed.message.contains("n = 6"));
        assert!(failed.message.contains(&format!("limit min {}", figure(high + 1e-9, 4))));
    }

    #[test]
    fn a_mean_at_its_limit_keeps_it_however_it_is_rounded() {
        let accuracy = 0.434_782_608_695_652_16;
        let mut experiment = two_by_two_of(12);
        for arm in experiment.runs.iter_mut().flat_map(|run| &mut run.record.arms) {
            arm.metrics.insert("val_accuracy".to_owned(), accuracy.into());
        }
        for limit in ["min", "max"] {
            let table = json!({"metric": "val_accuracy", limit: accuracy});
            for judged in gate(table).judge(std::slice::from_ref(&experiment), &[], None) {
                assert_eq!(judged.outcome, Outcome::Passed, "{judged:?}");
            }
        }
        // Each a tenth above the baseline.
        let mut better = experiment.clone();
        for arm in better.runs.iter_mut().flat_map(|run| &mut run.record.arms) {
            arm.metrics.insert("val_accuracy".to_owned(), (1.1 * accuracy).into());
        }
        let table = json!({"metric": "val_accuracy", "baseline": "old", "max_increase": 0.1});
        for judged in gate(table).judge(&[better], &[], Some(&of(&experiment))) {
            assert_eq!(judged.outcome, Outcome::Passed, "{judged:?}");
        }
    }

    #[test]
    fn what_is_not_there_or_too_few_cannot_be_judged() {
        let nothing =
            json!({"metric": "test_loss", "where": {"model.norm.kind": "layer"}, "max": 1.0});
        assert_eq!(outcomes(nothing, None), [Outcome::NotJudged]);
        let metric = json!({"metric": "test_f2", "max": 1.0});
        assert_eq!(outcomes(metric, None), [Outcome::NotJudged]);
        let few = [two_by_two_of(2)];
        let judged = gate(json!({"metric": "test_loss", "max": 1e-9})).judge(&few, &[], None);
        assert!(judged.iter().all(|judged| judged.outcome == Outcome::NotJudged));
        assert!(judged[0].message.ends_with("2 seeds, and an interval takes 3"), "{judged:?}");
    }

    fn said(table: Value, filters: &[&str]) -> String {
        let filter = |text: &&str| {
            let (key, level) = text.split_once('=').unwrap();
            Filter { key: key.to_owned(), level: value_of(level) }
        };
        let filters: Vec<Filter> = filters.iter().map(filter).collect();
        let judged = gate(table).judge(&[two_by_two_of(6)], &filters, None);
        judged.into_iter().map(|judged| judged.message + "\n").collect()
    }

    #[test]
    fn a_gate_is_about_the_arms_that_filters_leave() {
        let batch = ["model.norm.kind=batch"];
        let all = said(json!({"metric": "test_loss", "max": 1.0}), &batch);
        assert_eq!((all.lines().count(), all.matches("model.norm.kind=batch").count()), (2, 2));
        let other =
            json!({"metric": "test_loss", "where": {"model.norm.kind": "none"}, "max": 1.0});
        assert_eq!(
            said(other, &batch),
            "test_loss: `model.norm.kind` has no level `none`: the levels are batch\n"
        );
    }

    #[test]
    fn a_gate_names_a_level_by_its_settings_too() {
        let about = |level: Value| {
            let levels = json!({"early_stopping": level, "model.norm.kind": "batch"});
            said(json!({"metric": "test_loss", "where": levels, "max": 1.0}), &[])
        };
        let one = about(json!({"kind": "patience", "mode": "min"}));
        assert_eq!(one.matches("early_stopping=patience").count(), 1, "{one}");
        let none = about(json!({"kind": "patience", "mode": "max"}));
        assert!(none.ends_with("the levels are none, patience\n"), "{none}");
        let norm = json!({"model.norm.kind": {"kind": "batch"}});
        let none = said(json!({"metric": "test_loss", "where": norm, "max": 1.0}), &[]);
        assert!(none.ends_with("the levels are none, batch\n"), "{none}");
    }

    #[test]
    fn a_metric_that_nothing_has_is_said_once_with_the_nearest() {
        assert_eq!(
            said(json!({"metric": "test_acuracy", "min": 0.5}), &[]),
            "no arm has the metric `test_acuracy`: did you mean `test_accuracy`?\n"
        );
        assert_eq!(
            said(json!({"metric": "x", "min": 0.5}), &[]),
            "no arm has the metric `x`: the metrics are `elapsed_s`, `epochs`, `test_accuracy`, \
             `test_loss`, `val_loss`\n"
        );
    }

    #[test]
    fn a_baseline_is_held_against_arm_by_arm_and_seed_by_seed() {
        let rule = json!({"metric": "test_loss", "baseline": "old", "max_increase": 0.02});
        let same = of(&two_by_two_of(6));
        assert_eq!(outcomes(rule.clone(), Some(&same)), [Outcome::Passed; 4]);
        let mut better = two_by_two_of(6);
        for arm in better.runs.iter_mut().flat_map(|run| &mut run.record.arms) {
            let loss = arm.metrics["test_loss"].as_f64().unwrap();
            arm.metrics.insert("test_loss".to_owned(), (0.8 * loss).into());
        }
        // The results are a quarter above that baseline.
        assert_eq!(outcomes(rule.clone(), Some(&of(&better))), [Outcome::Failed; 4]);
        let fall = json!({"metric": "test_loss", "baseline": "old", "max_decrease": 0.02});
        assert_eq!(outcomes(fall, Some(&of(&better))), [Outcome::Passed; 4]);
        let mut other = two_by_two_of(6);
        other.plan.name = "other".to_owned();
        assert_eq!(outcomes(rule, Some(&of(&other))), [Outcome::NotJudged; 4]);
    }

    #[test]
    fn limits_that_do_not_go_together_are_refused() {
        let problem =
            |table: Value| serde_json::from_value::<Gate>(table).unwrap().check().unwrap_err();
        assert!(problem(json!({"metric": "a"})).contains("needs a limit"));
        assert!(problem(json!({"metric": "a", "max_increase": 0.1})).contains("need a `baseline`"));
        assert!(problem(json!({"metric": "a", "baseline": "d"})).contains("takes `max_increase`"));
        let both = json!({"metric": "a", "baseline": "d", "max": 1.0, "max_increase": 0.1});
        assert!(problem(both).contains("leave `baseline` out"));
    }
}
