//! Warnings of arms that were evaluated by running averages.

use super::phrase::{arm_name, first_of};
use crate::config::Factors;

/// What to do about all of them.
const MEASURE: &str =
    "measure the statistics before each evaluation, model.norm.statistics = \"recalibrate\"";

pub(super) fn cumulative(arms: &[Factors]) -> String {
    format!(
        "{} evaluated by averages over all batches since the first, most of which had weights long gone: {MEASURE}",
        were(arms)
    )
}

pub(super) fn unsettled(arms: &[Factors], start_weight: f64) -> String {
    format!(
        "{} evaluated by running statistics that had not settled: the mean 0 and variance 1 that they start from weighed up to {:.0} % in them, which may be what the arms differ by: {MEASURE}",
        were(arms),
        100.0 * start_weight
    )
}

pub(super) fn rule_before_settled(arms: &[Factors], epoch: usize) -> String {
    format!(
        "{} stopped by a rule that may have chosen before epoch {epoch}, when the running statistics had settled: {MEASURE}",
        were(arms)
    )
}

fn were(arms: &[Factors]) -> String {
    let names: Vec<String> = arms.iter().map(arm_name).collect();
    let verb = if arms.len() == 1 { "was" } else { "were" };
    format!("{} {verb}", first_of(&names))
}
