//! Judged gates: for programs, and as the lines that people read.

use serde::Serialize;
use serde_json::{Map, Value};

use super::sentences::{gate_name, gate_outcome, gate_sentence};
use super::tables::{MOST_ROWS, more};
use crate::compare::gate::{Estimate, Figure, GateResult, Outcome};
use crate::config::Factors;

/// A judged gate for programs.
#[derive(Serialize)]
pub(super) struct GateJson<'a> {
    name: String,
    verdict: &'static str,
    /// Figure, interval, n and limit, or why it could not be judged.
    sentence: String,
    /// Why it could not be judged.
    reason: Option<String>,
    metric: &'a str,
    /// None where no arm could be found to judge.
    experiment: Option<&'a str>,
    factors: Option<&'a Factors>,
    /// What `value` is: `mean`, `share` or `change`.
    figure: &'static str,
    value: Option<f64>,
    ci95: Option<[f64; 2]>,
    n: Option<usize>,
    limits: Map<String, Value>,
}

impl<'a> From<&'a GateResult> for GateJson<'a> {
    fn from(gate: &'a GateResult) -> Self {
        let (verdict, estimate): (_, Option<&Estimate>) = match &gate.outcome {
            Outcome::Passed(estimate) => ("passed", Some(estimate)),
            Outcome::Failed(estimate) => ("failed", Some(estimate)),
            Outcome::NotJudged(_) => ("not judged", None),
        };
        let sentence = gate_sentence(gate);
        let limits = gate.limits.iter().map(|limit| (limit.key.to_owned(), limit.value.into()));
        Self {
            name: gate_name(gate),
            verdict,
            reason: estimate.is_none().then(|| sentence.clone()),
            sentence,
            metric: &gate.metric,
            experiment: gate.arm.as_ref().map(|arm| arm.experiment.as_str()),
            factors: gate.arm.as_ref().map(|arm| &arm.factors),
            figure: match gate.figure {
                Figure::Mean => "mean",
                Figure::Share => "share",
                Figure::Change => "change",
            },
            value: estimate.map(|estimate| estimate.mean),
            ci95: estimate.map(|estimate| estimate.ci95),
            n: estimate.map(|estimate| estimate.n),
            limits: limits.collect(),
        }
    }
}

/// A judged gate as people read it.
#[derive(Debug, Clone)]
pub(super) struct GateLine {
    /// `passed`, `FAILED` or `not judged`.
    pub outcome: &'static str,
    pub sentence: String,
}

/// What failed first, then what could not be judged; how many there are beyond the first.
pub(super) fn lines(gates: &[GateResult]) -> (Vec<GateLine>, String) {
    let mut sorted: Vec<&GateResult> = gates.iter().collect();
    sorted.sort_by_key(|gate| match gate.outcome {
        Outcome::Failed(_) => 0,
        Outcome::NotJudged(_) => 1,
        Outcome::Passed(_) => 2,
    });
    let line = |gate: &&GateResult| GateLine {
        outcome: gate_outcome(gate),
        sentence: gate_sentence(gate),
    };
    let lines = sorted.iter().take(MOST_ROWS).map(line).collect();
    (lines, more(sorted.len().saturating_sub(MOST_ROWS), "gate"))
}
