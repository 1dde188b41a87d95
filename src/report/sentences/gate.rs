//! A judged gate in a line.

use super::phrase::{arm_name, first_of};
use super::warning::error;
use crate::compare::gate::{Estimate, Figure, GateResult, Limit, Outcome, Reason};
use crate::compare::setting::Unlike;
use crate::names::nearest;
use crate::report::number::figure;
use crate::stats::PAIRS_FOR_INTERVAL;
use crate::text::{counted, quoted};

/// Outcome, metric, arm, figure, interval, n and limit, or why it could not be judged.
#[must_use]
pub fn gate(result: &GateResult) -> String {
    format!("gate {}: {}", gate_outcome(result), gate_sentence(result))
}

/// What came of it, as people are told.
#[must_use]
pub fn gate_outcome(result: &GateResult) -> &'static str {
    match result.outcome {
        Outcome::Passed(_) => "passed",
        Outcome::Failed(_) => "FAILED",
        Outcome::NotJudged(_) => "not judged",
    }
}

/// What it asks, of which arm.
#[must_use]
pub fn gate_name(result: &GateResult) -> String {
    let what = match result.figure {
        Figure::Mean => "",
        Figure::Share | Figure::Change => "change of ",
    };
    format!("{what}{}, {}", about(result), limits(result))
}

/// The same without what came of it.
#[must_use]
pub fn gate_sentence(result: &GateResult) -> String {
    let name = about(result);
    match &result.outcome {
        Outcome::Passed(estimate) | Outcome::Failed(estimate) => judged(result, &name, estimate),
        Outcome::NotJudged(reason) => not_judged(result, &name, reason),
    }
}

/// The metric, and the arm where there is one.
fn about(result: &GateResult) -> String {
    match &result.arm {
        Some(arm) => {
            format!("{} of {}, {}", result.metric, arm.experiment, arm_name(&arm.factors))
        }
        None => result.metric.clone(),
    }
}

fn limits(result: &GateResult) -> String {
    let limit = |limit: &Limit| format!("{} {}", limit.key, shown(result.figure, limit.value));
    let limits: Vec<String> = result.limits.iter().map(limit).collect();
    limits.join(" and ")
}

fn shown(of: Figure, value: f64) -> String {
    match of {
        Figure::Share => format!("{} %", figure(100.0 * value, 3)),
        Figure::Mean | Figure::Change => figure(value, 4),
    }
}

fn judged(result: &GateResult, name: &str, estimate: &Estimate) -> String {
    let shown = |value: f64| shown(result.figure, value);
    let name = match (result.figure, estimate.old_and_new) {
        (Figure::Mean, _) => name.to_owned(),
        (_, None) => format!("change of {name}, against the baseline"),
        (_, Some((old, new))) => format!(
            "change of {name}, from {} in the baseline to {}",
            figure(old, 4),
            figure(new, 4)
        ),
    };
    let left_out = match estimate.left_out {
        0 => String::new(),
        n => format!(", {} without a finite pair or value left out", counted(n, "seed")),
    };
    let [low, high] = estimate.ci95;
    format!(
        "{name}: {} (95 % interval {} to {}, n = {}{left_out}), limit {}",
        shown(estimate.mean),
        shown(low),
        shown(high),
        estimate.n,
        limits(result)
    )
}

fn not_judged(result: &GateResult, name: &str, reason: &Reason) -> String {
    match reason {
        Reason::NoArms(why) => format!("{name}: {}", error(why)),
        Reason::UnknownMetric(known) => {
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            let hint = match nearest(&result.metric, &known) {
                Some(name) => format!("did you mean `{name}`?"),
                None => format!("the metrics are {}", quoted(&known)),
            };
            format!("no arm has the metric `{}`: {hint}", result.metric)
        }
        Reason::NotRecorded => format!("{name}: there is no such metric"),
        Reason::NoBaseline => {
            format!("{name}: there is no baseline: name one, or give --baseline FILE.json")
        }
        Reason::DamagedBaseline(why) => format!("{name}: the baseline cannot be read: {why}"),
        Reason::NotInBaseline => format!("{name}: the baseline has no such arm"),
        Reason::Unlike(Unlike::Data) => {
            format!(
                "{name}: the baseline is of other data (data.digest in run.json): train it on the same"
            )
        }
        Reason::Unlike(Unlike::Settings(keys)) => format!(
            "{name}: the baseline was trained with another {}: train it with the same settings",
            first_of(keys)
        ),
        Reason::Lost(estimate) => format!(
            "{}; {} no finite {} (diverged), which no mean can tell: --strict fails such an arm",
            judged(result, name, estimate),
            if estimate.lost == 1 {
                "1 seed has".to_owned()
            } else {
                format!("{} seeds have", estimate.lost)
            },
            result.metric
        ),
        Reason::TooFewSeeds { n, left_out } => {
            let against = if result.figure == Figure::Mean { "" } else { ", against the baseline" };
            let left_out = match left_out {
                0 => String::new(),
                left_out => format!(" ({left_out} left out)"),
            };
            let seeds = counted(*n, "seed");
            format!(
                "{name}{against}: {seeds}{left_out}, and an interval takes {PAIRS_FOR_INTERVAL}"
            )
        }
    }
}
