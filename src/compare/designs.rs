//! Which differences between arms are formed.

use std::collections::HashMap;

use serde_json::Value;

use super::contrast::ContrastKind;
use super::experiment::{Arm, Experiment, Weights};
use super::label::text;
use crate::config::{Factors, is_of_rule};

/// The contrast of the best epoch with the last.
pub(super) const CHECKPOINT: &str = "checkpoint";

/// An arm in a sum of arms.
#[derive(Clone, Copy)]
pub(super) struct Term {
    /// Its index.
    pub arm: usize,
    /// Of which of its weights the metric is.
    pub of: Weights,
    /// What it is multiplied by.
    pub factor: f64,
}

/// A sum of arms that says what a change of level changes.
pub(super) struct Design {
    pub name: String,
    pub kind: ContrastKind,
    pub levels: Vec<Value>,
    /// The sum that it is.
    pub terms: Vec<Term>,
    pub averaged_over: Vec<String>,
}

/// Every contrast of an experiment: main effects, interactions, simple effects; of levels against the first
/// of their factor or, if asked for, of all pairs.
pub(super) fn designs(experiment: &Experiment, all_pairs: bool) -> Vec<Design> {
    if experiment.is_merged && !experiment.is_product() {
        let pairs = pairs_of(experiment.arms.len(), all_pairs);
        return pairs
            .into_iter()
            .map(|(from, to)| of_arms(experiment, from, to))
            .chain(checkpoint(experiment))
            .collect();
    }
    let changes = |factor: usize| pairs_of(experiment.factors[factor].levels.len(), all_pairs);
    let arms = ArmIndex::of(experiment);
    let averaged = |pairs: &[(usize, usize)]| averaged(experiment, pairs);
    let count = |factor: usize| experiment.factors[factor].levels.len();
    let level = |factor: usize, level: usize| experiment.factors[factor].levels[level].clone();
    let key = |factor: usize| experiment.factors[factor].key.as_str();
    let others = |named: &[usize]| -> Vec<String> {
        let others = (0..experiment.factors.len()).filter(|f| !named.contains(f) && count(*f) > 1);
        others.map(|factor| key(factor).to_owned()).collect()
    };
    let mut designs = Vec::new();

    for a in 0..experiment.factors.len() {
        for (from, to) in changes(a) {
            let pairs = arms.pairs(a, [from, to], None);
            designs.extend(averaged(&pairs).map(|terms| Design {
                name: key(a).to_owned(),
                kind: ContrastKind::Main,
                levels: vec![level(a, from), level(a, to)],
                terms,
                averaged_over: others(&[a]),
            }));
        }
    }
    for a in 0..experiment.factors.len() {
        for b in a + 1..experiment.factors.len() {
            let of_b = changes(b);
            let both =
                changes(a).into_iter().flat_map(|of_a| of_b.iter().map(move |of_b| (of_a, *of_b)));
            for ((from_a, to_a), (from_b, to_b)) in both {
                let at = |level: usize| averaged(&arms.pairs(a, [from_a, to_a], Some((b, level))));
                let (Some(there), Some(here)) = (at(to_b), at(from_b)) else { continue };
                let minus = here.into_iter().map(|term| Term { factor: -term.factor, ..term });
                designs.push(Design {
                    name: format!("{}*{}", key(a), key(b)),
                    kind: ContrastKind::Interaction,
                    levels: vec![
                        Value::Array(vec![level(a, from_a), level(a, to_a)]),
                        Value::Array(vec![level(b, from_b), level(b, to_b)]),
                    ],
                    terms: there.into_iter().chain(minus).collect(),
                    averaged_over: others(&[a, b]),
                });
            }
        }
    }
    for a in 0..experiment.factors.len() {
        for b in (0..experiment.factors.len()).filter(|b| *b != a && count(*b) > 1) {
            let both =
                changes(a).into_iter().flat_map(|pair| (0..count(b)).map(move |at| (pair, at)));
            for ((from, to), at) in both {
                let pairs = arms.pairs(a, [from, to], Some((b, at)));
                designs.extend(averaged(&pairs).map(|terms| Design {
                    name: simple_name(key(a), key(b), &level(b, at)),
                    kind: ContrastKind::Simple,
                    levels: vec![level(a, from), level(a, to)],
                    terms,
                    averaged_over: others(&[a, b]),
                }));
            }
        }
    }
    designs.extend(checkpoint(experiment));
    designs
}

/// What keeping the best epoch of the full run does in place of the last, with any rule or none.
fn checkpoint(experiment: &Experiment) -> Option<Design> {
    let has_full_run =
        |arm: &Arm| arm.observations.values().any(|observation| observation.arm.full_run.is_some());
    let arms: Vec<usize> = (experiment.arms.iter().enumerate())
        .filter(|(_, arm)| arm.keeps_the_last_epoch() && has_full_run(arm))
        .map(|(index, _)| index)
        .collect();
    #[allow(clippy::cast_precision_loss)] // arms are far below 2^53
    let factor = 1.0 / arms.len() as f64;
    let best_and_last = |arm: usize| {
        [(Weights::BestOfFullRun, factor), (Weights::Kept, -factor)].map(|(of, factor)| Term {
            arm,
            of,
            factor,
        })
    };
    let others = experiment.factors.iter().filter(|of| !is_of_rule(&of.key) && of.levels.len() > 1);
    (!arms.is_empty()).then(|| Design {
        name: CHECKPOINT.to_owned(),
        kind: ContrastKind::Checkpoint,
        levels: vec!["last".into(), "best".into()],
        terms: arms.iter().flat_map(|arm| best_and_last(*arm)).collect(),
        averaged_over: others.map(|factor| factor.key.clone()).collect(),
    })
}

/// The name of the effect of one factor at a level of another.
pub(super) fn simple_name(factor: &str, other: &str, level: &Value) -> String {
    format!("{factor} | {other}={}", text(level))
}

/// Arms by their levels.
struct ArmIndex<'a> {
    all: Vec<&'a [usize]>,
    index: HashMap<&'a [usize], usize>,
    /// Of each factor and level, the arms that have it: no contrast looks at all the others.
    having: Vec<Vec<Vec<usize>>>,
}

impl<'a> ArmIndex<'a> {
    fn of(experiment: &'a Experiment) -> Self {
        let all: Vec<&[usize]> = experiment.arms.iter().map(|arm| arm.levels.as_slice()).collect();
        let index = all.iter().enumerate().map(|(index, levels)| (*levels, index)).collect();
        let mut having: Vec<Vec<Vec<usize>>> =
            experiment.factors.iter().map(|factor| vec![Vec::new(); factor.levels.len()]).collect();
        for (arm, levels) in all.iter().enumerate() {
            for (of_factor, level) in having.iter_mut().zip(*levels) {
                of_factor[*level].push(arm);
            }
        }
        Self { all, index, having }
    }

    /// The arms at level `to` of a factor, and at a level of another where one is given, each
    /// with the arm that differs from it by the level `from` of that factor alone.
    fn pairs(
        &self,
        factor: usize,
        [from, to]: [usize; 2],
        at: Option<(usize, usize)>,
    ) -> Vec<(usize, usize)> {
        let having = &self.having[factor][to];
        let fewest = match at {
            Some((other, level)) if self.having[other][level].len() < having.len() => {
                &self.having[other][level]
            }
            _ => having,
        };
        let is_wanted = |levels: &[usize]| {
            levels[factor] == to && at.is_none_or(|(other, level)| levels[other] == level)
        };
        let wanted = fewest.iter().copied().filter(|arm| is_wanted(self.all[*arm]));
        wanted
            .filter_map(|arm| {
                let mut other = self.all[arm].to_vec();
                other[factor] = from;
                Some((arm, *self.index.get(other.as_slice())?))
            })
            .collect()
    }
}

/// The mean over pairs of arms of the first minus the second.
#[allow(clippy::cast_precision_loss)] // arms are far below 2^53
fn averaged(experiment: &Experiment, pairs: &[(usize, usize)]) -> Option<Vec<Term>> {
    let factor = 1.0 / pairs.len() as f64;
    let terms = pairs.iter().flat_map(|(to, from)| [(*to, factor), (*from, -factor)]);
    (!pairs.is_empty()).then(|| terms.map(|(arm, factor)| term(experiment, arm, factor)).collect())
}

fn term(experiment: &Experiment, arm: usize, factor: f64) -> Term {
    Term { arm, of: experiment.contrasted_weights(&experiment.arms[arm]), factor }
}

/// Of so many levels, each after the first against it, then, if asked for, those after the second against that,
/// and so on.
fn pairs_of(levels: usize, all: bool) -> Vec<(usize, usize)> {
    let from = if all { levels } else { levels.min(1) };
    (0..from).flat_map(|from| (from + 1..levels).map(move |to| (from, to))).collect()
}

/// Where experiments do not make a product of levels, factors cannot be told apart by averaging:
/// one arm against another, named by the keys in which these two differ.
fn of_arms(experiment: &Experiment, from: usize, to: usize) -> Design {
    let [first, second] = [from, to].map(|arm| &experiment.arms[arm].factors);
    let differing: Vec<&String> = second
        .iter()
        .filter(|(key, level)| first.get(*key) != Some(*level))
        .map(|(key, _)| key)
        .collect();
    // What is measured beside the training explains no difference.
    let treatments: Vec<&String> =
        differing.iter().copied().filter(|key| !is_evaluation(key)).collect();
    let differing = if treatments.is_empty() { differing } else { treatments };
    let level = |factors: &Factors| {
        let of = |key: &String| factors.get(key).cloned().unwrap_or(Value::Null);
        if let [key] = differing[..] {
            return of(key);
        }
        let levels: Vec<String> = differing.iter().map(|key| text(&of(key))).collect();
        Value::String(levels.join(" + "))
    };
    let names: Vec<&str> = differing.iter().map(|key| key.as_str()).collect();
    Design {
        name: names.join(" + "),
        kind: ContrastKind::Main,
        levels: vec![level(first), level(second)],
        terms: vec![term(experiment, to, 1.0), term(experiment, from, -1.0)],
        averaged_over: Vec::new(),
    }
}

/// Whether a contrast is about what is measured, which changes nothing in a training.
pub(super) fn is_of_evaluation(name: &str) -> bool {
    let factors = name.split_once(" | ").map_or(name, |(factor, _)| factor);
    factors.split(['*', '+']).map(str::trim).any(is_evaluation)
}

fn is_evaluation(key: &str) -> bool {
    key == "evaluation" || key.starts_with("evaluation.")
}
