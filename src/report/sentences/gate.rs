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
    let name = match &result.arm {
        Some(arm) => {
            format!("{} of {}, {}", result.metric, arm.experiment, arm_name(&arm.factors))
        }
        None => result.metric.clone(),
    };
    let (outcome, message) = match &result.outcome {
        Outcome::Passed(estimate) => ("passed", judged(result, &name, estimate)),
        Outcome::Failed(estimate) => ("FAILED", judged(result, &name, estimate)),
        Outcome::NotJudged(reason) => ("not judged", not_judged(result, &name, reason)),
    };
    format!("gate {outcome}: {message}")
}

fn judged(result: &GateResult, name: &str, estimate: &Estimate) -> String {
    let shown = |value: f64| match result.figure {
        Figure::Share => format!("{} %", figure(100.0 * value, 3)),
        Figure::Mean | Figure::Change => figure(value, 4),
    };
    let name = match (result.figure, estimate.old_and_new) {
        (Figure::Mean, _) => name.to_owned(),
        (_, None) => format!("change of {name}, against the baseline"),
        (_, Some((old, new))) => format!(
            "change of {name}, from {} in the baseline to {}",
            figure(old, 4),
            figure(new, 4)
        ),
    };
    let limit = |limit: &Limit| format!("{} {}", limit.key, shown(limit.value));
    let limits: Vec<String> = result.limits.iter().map(limit).collect();
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
        limits.join(" and ")
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
