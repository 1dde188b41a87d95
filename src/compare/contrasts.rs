//! Differences between arms, formed within each seed.
//!
//! A contrast is a weighted sum of cells per seed; its mean, interval and p-value are those of
//! these sums over the seeds that have a finite value in every cell concerned.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::label::text;
use super::study::Study;
use super::{Contrast, ContrastKind, LEVEL};
use crate::spec::Factors;
use crate::stats;
use crate::stopping::Monitored;

/// The power that the number of seeds is planned for.
const POWER: f64 = 0.8;

/// Cells and their weights.
struct Design {
    name: String,
    kind: ContrastKind,
    levels: Vec<Value>,
    terms: Vec<(usize, f64)>,
    averaged_over: Vec<String>,
}

/// Every contrast of a study in each metric, in the metrics' order.
pub(super) fn contrasts(study: &Study, metrics: &[String]) -> Vec<Contrast> {
    let designs = designs(study);
    let mut all = Vec::with_capacity(designs.len() * metrics.len());
    for (index, metric) in metrics.iter().enumerate() {
        let from = all.len();
        let values = Values::of(study, metric);
        all.extend(designs.iter().map(|design| contrast(study, design, metric, &values)));
        if index == 0 {
            adjust(&mut all[from..]);
        }
    }
    all
}

/// Holm's correction over the main effects and interactions.
fn adjust(contrasts: &mut [Contrast]) {
    let in_family = |c: &Contrast| c.kind != ContrastKind::Simple;
    let p: Vec<f64> = contrasts.iter().filter(|c| in_family(c)).filter_map(|c| c.p).collect();
    let mut adjusted = stats::holm(&p).into_iter();
    for contrast in contrasts.iter_mut().filter(|c| in_family(c) && c.p.is_some()) {
        contrast.p_holm = adjusted.next();
    }
}

/// A metric of each cell and seed.
struct Values {
    /// For each cell, for each of the seeds of all cells: read or not, and the finite value.
    cells: Vec<Vec<(bool, Option<f64>)>>,
    seeds: usize,
}

impl Values {
    fn of(study: &Study, metric: &str) -> Self {
        let seeds: BTreeSet<u64> =
            study.cells.iter().flat_map(|cell| cell.readings.keys().copied()).collect();
        let cells = study.cells.iter().map(|cell| {
            let value = |seed| match cell.readings.get(seed) {
                Some(reading) => (true, reading.value(metric)),
                None => (false, None),
            };
            seeds.iter().map(value).collect()
        });
        Self { cells: cells.collect(), seeds: seeds.len() }
    }
}

fn contrast(study: &Study, design: &Design, metric: &str, values: &Values) -> Contrast {
    let (mut differences, mut read) = (Vec::new(), 0);
    for seed in 0..values.seeds {
        let cells =
            || design.terms.iter().map(|(cell, weight)| (values.cells[*cell][seed], weight));
        read += usize::from(cells().any(|((read, _), _)| read));
        let difference: Option<f64> = cells().map(|((_, v), weight)| Some(weight * v?)).sum();
        differences.extend(difference);
    }
    let direction = Monitored::new(metric);
    let d_z = stats::effect_size(&differences);
    let n = differences.len();
    Contrast {
        experiment: study.name.clone(),
        name: design.name.clone(),
        levels: design.levels.clone(),
        metric: metric.to_owned(),
        n,
        estimate: stats::mean(&differences),
        ci95: stats::t_interval(&differences, LEVEL),
        p: stats::paired_p(&differences),
        p_holm: None,
        wins: differences.iter().filter(|d| direction.better(**d, 0.0)).count(),
        kind: design.kind,
        d_z,
        seeds_for_80pct_power: d_z
            .filter(|_| n >= stats::PAIRS_FOR_INTERVAL)
            .and_then(|effect| stats::seeds_for_power(effect, POWER)),
        unpaired: read - n,
        averaged_over: design.averaged_over.clone(),
    }
}

fn designs(study: &Study) -> Vec<Design> {
    if study.joined && !study.is_product() {
        return against_the_first(study);
    }
    let cells = Cells::of(study);
    let count = |factor: usize| study.factors[factor].levels.len();
    let level = |factor: usize, level: usize| study.factors[factor].levels[level].clone();
    let key = |factor: usize| study.factors[factor].key.as_str();
    let others = |named: &[usize]| -> Vec<String> {
        let others = (0..study.factors.len()).filter(|f| !named.contains(f) && count(*f) > 1);
        others.map(|factor| key(factor).to_owned()).collect()
    };
    let mut designs = Vec::new();

    for a in 0..study.factors.len() {
        for to in 1..count(a) {
            let pairs = cells.pairs(a, to, |_| true);
            designs.extend(averaged(&pairs).map(|terms| Design {
                name: key(a).to_owned(),
                kind: ContrastKind::Main,
                levels: vec![level(a, 0), level(a, to)],
                terms,
                averaged_over: others(&[a]),
            }));
        }
    }
    for a in 0..study.factors.len() {
        for b in a + 1..study.factors.len() {
            for (to_a, to_b) in (1..count(a)).flat_map(|i| (1..count(b)).map(move |j| (i, j))) {
                let at =
                    |level: usize| averaged(&cells.pairs(a, to_a, |levels| levels[b] == level));
                let (Some(there), Some(here)) = (at(to_b), at(0)) else { continue };
                let minus = here.into_iter().map(|(cell, weight)| (cell, -weight));
                designs.push(Design {
                    name: format!("{}*{}", key(a), key(b)),
                    kind: ContrastKind::Interaction,
                    levels: vec![
                        Value::Array(vec![level(a, 0), level(a, to_a)]),
                        Value::Array(vec![level(b, 0), level(b, to_b)]),
                    ],
                    terms: there.into_iter().chain(minus).collect(),
                    averaged_over: others(&[a, b]),
                });
            }
        }
    }
    for a in 0..study.factors.len() {
        for b in (0..study.factors.len()).filter(|b| *b != a && count(*b) > 1) {
            for (to, at) in (1..count(a)).flat_map(|i| (0..count(b)).map(move |j| (i, j))) {
                let pairs = cells.pairs(a, to, |levels| levels[b] == at);
                designs.extend(averaged(&pairs).map(|terms| Design {
                    name: simple_name(key(a), key(b), &level(b, at)),
                    kind: ContrastKind::Simple,
                    levels: vec![level(a, 0), level(a, to)],
                    terms,
                    averaged_over: others(&[a, b]),
                }));
            }
        }
    }
    designs
}

/// The name of the effect of one factor at a level of another.
pub(super) fn simple_name(factor: &str, other: &str, level: &Value) -> String {
    format!("{factor} | {other}={}", text(level))
}

/// Cells by their levels.
struct Cells<'a> {
    all: Vec<&'a [usize]>,
    index: HashMap<&'a [usize], usize>,
}

impl<'a> Cells<'a> {
    fn of(study: &'a Study) -> Self {
        let all: Vec<&[usize]> = study.cells.iter().map(|cell| cell.levels.as_slice()).collect();
        let index = all.iter().enumerate().map(|(index, levels)| (*levels, index)).collect();
        Self { all, index }
    }

    /// The cells at level `to` of a factor that `wanted` lets pass, each with the cell that
    /// differs from it by the first level of that factor alone.
    fn pairs(
        &self,
        factor: usize,
        to: usize,
        wanted: impl Fn(&[usize]) -> bool,
    ) -> Vec<(usize, usize)> {
        let at_level = |levels: &&[usize]| levels[factor] == to && wanted(levels);
        self.all
            .iter()
            .filter(|levels| at_level(levels))
            .filter_map(|levels| {
                let mut first = levels.to_vec();
                first[factor] = 0;
                Some((*self.index.get(*levels)?, *self.index.get(first.as_slice())?))
            })
            .collect()
    }
}

/// The mean over pairs of cells of the first minus the second.
#[allow(clippy::cast_precision_loss)] // cells are far below 2^53
fn averaged(pairs: &[(usize, usize)]) -> Option<Vec<(usize, f64)>> {
    let weight = 1.0 / pairs.len() as f64;
    let terms = pairs.iter().flat_map(|(to, from)| [(*to, weight), (*from, -weight)]);
    (!pairs.is_empty()).then(|| terms.collect())
}

/// Where experiments do not make a product of levels, factors cannot be told apart by averaging:
/// each cell against the first, named by the keys in which these two differ.
fn against_the_first(study: &Study) -> Vec<Design> {
    let Some(first) = study.cells.first() else { return Vec::new() };
    let others = study.cells.iter().enumerate().skip(1);
    others
        .map(|(index, cell)| {
            let differing: Vec<&String> = cell
                .factors
                .iter()
                .filter(|(key, level)| first.factors.get(*key) != Some(*level))
                .map(|(key, _)| key)
                .collect();
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
                levels: vec![level(&first.factors), level(&cell.factors)],
                terms: vec![(index, 1.0), (0, -1.0)],
                averaged_over: Vec::new(),
            }
        })
        .collect()
}
