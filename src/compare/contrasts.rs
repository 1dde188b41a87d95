//! Differences between arms, formed within each seed.
//!
//! A contrast is a weighted sum of cells per seed; its mean, interval and p-value are those of
//! these sums over the seeds that have a finite value in every cell concerned.

use std::collections::{BTreeSet, HashMap};

use rayon::prelude::*;
use serde_json::Value;

use super::label::text;
use super::robust::robust;
use super::study::Study;
use super::units::{STAND_INS, units};
use super::{Contrast, ContrastKind, LEVEL};
use crate::spec::Factors;
use crate::stats;
use crate::stopping::Monitored;

/// The power that the number of seeds is planned for.
const POWER: f64 = 0.8;

/// Steps of work that the p-values of metrics which no table shows may take, about half a second's.
const P_BUDGET: usize = 1_000_000_000;

/// With more contrasts than this no bootstrap is made: half a second's work.
pub const ROBUST_DESIGNS: usize = 100;

/// Cells and their weights.
struct Design {
    name: String,
    kind: ContrastKind,
    levels: Vec<Value>,
    terms: Vec<(usize, f64)>,
    averaged_over: Vec<String>,
}

/// The contrasts of a study.
pub(super) struct Contrasts {
    /// Of every metric, the primary one first.
    pub all: Vec<Contrast>,
    /// Those that the verdict is about, by their places in `all`: the primary metric's, with what
    /// stands in for it where its unit differs. What `evaluation` does is no treatment.
    pub told: Vec<Told>,
    /// Whether the p-values of other metrics were too many to work out.
    pub p_left_out: bool,
}

/// A contrast that the verdict is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told {
    /// In the primary metric.
    pub primary: usize,
    /// In the metric that can be compared.
    pub place: usize,
}

/// Every contrast of a study in each metric, in the metrics' order.
pub(super) fn contrasts(study: &Study, metrics: &[String], with_robust: bool) -> Contrasts {
    let designs = designs(study);
    let seeds: BTreeSet<u64> =
        study.cells.iter().flat_map(|cell| cell.readings.keys().copied()).collect();
    let others = designs.len().saturating_mul(metrics.len().saturating_sub(1));
    let p_left_out = stats::paired_p_cost(seeds.len()).saturating_mul(others) > P_BUDGET;
    // Of each design, whether the primary metric cannot be compared.
    let mut is_replaced = vec![false; designs.len()];
    let mut all: Vec<Contrast> = Vec::with_capacity(designs.len() * metrics.len());
    for (index, metric) in metrics.iter().enumerate() {
        let values = Values::of(study, metric, &seeds);
        let units = units(study, metric);
        let is_stand_in = STAND_INS.contains(&metric.as_str());
        let of_metric = designs.par_iter().zip(&is_replaced).map(|(design, is_replaced)| {
            let with_p = index == 0 || !p_left_out || (is_stand_in && *is_replaced);
            let mut found = contrast(study, design, metric, &values, &units, with_p);
            // Two levels are beside each other there, and a bootstrap takes its time.
            let has_levels = index == 0 && design.kind != ContrastKind::Interaction;
            let is_asked = with_robust && designs.len() <= ROBUST_DESIGNS;
            if is_asked && has_levels && !found.units_differ {
                found.robust = robust(&values.levels(design));
            }
            found
        });
        all.par_extend(of_metric);
        if index == 0 {
            is_replaced = all.iter().map(|contrast| contrast.units_differ).collect();
        }
    }
    let told = (0..designs.len()).filter(|design| !is_of_evaluation(&designs[*design].name));
    let told = told.map(|design| {
        let other = || {
            STAND_INS.iter().find_map(|name| {
                let metric = metrics.iter().position(|metric| metric == name)?;
                let place = metric * designs.len() + design;
                (!all[place].units_differ && all[place].n > 0).then_some(place)
            })
        };
        let place = if is_replaced[design] { other().unwrap_or(design) } else { design };
        Told { primary: design, place }
    });
    let told: Vec<Told> = told.collect();
    adjust(&mut all, &told);
    Contrasts { all, told, p_left_out }
}

/// Whether a contrast is about what is measured, which changes nothing in a training.
fn is_of_evaluation(name: &str) -> bool {
    let factors = name.split_once(" | ").map_or(name, |(factor, _)| factor);
    factors.split(['*', '+']).map(str::trim).any(is_evaluation)
}

fn is_evaluation(key: &str) -> bool {
    key == "evaluation" || key.starts_with("evaluation.")
}

/// Holm's correction over the main effects and interactions that the verdict is about.
fn adjust(all: &mut [Contrast], told: &[Told]) {
    let family: Vec<usize> = told
        .iter()
        .map(|told| told.place)
        .filter(|place| all[*place].kind != ContrastKind::Simple && all[*place].p.is_some())
        .collect();
    let p: Vec<f64> = family.iter().filter_map(|place| all[*place].p).collect();
    for (place, adjusted) in family.into_iter().zip(stats::holm(&p)) {
        all[place].p_holm = Some(adjusted);
    }
}

/// A metric of each cell and seed.
struct Values {
    /// For each cell, for each of the seeds of all cells: read or not, and the finite value.
    cells: Vec<Vec<(bool, Option<f64>)>>,
    seeds: usize,
}

impl Values {
    fn of(study: &Study, metric: &str, seeds: &BTreeSet<u64>) -> Self {
        let cells = study.cells.iter().map(|cell| {
            let value = |seed| match cell.readings.get(seed) {
                Some(reading) => (true, reading.value(metric)),
                None => (false, None),
            };
            seeds.iter().map(value).collect()
        });
        Self { cells: cells.collect(), seeds: seeds.len() }
    }

    /// Of every seed with all values, the second level and the first.
    fn levels(&self, design: &Design) -> Vec<(f64, f64)> {
        let side = |seed: usize, sign: f64| -> Option<f64> {
            let terms = design.terms.iter().filter(|(_, weight)| weight * sign > 0.0);
            terms.map(|(cell, weight)| Some(weight.abs() * self.cells[*cell][seed].1?)).sum()
        };
        (0..self.seeds).filter_map(|seed| Some((side(seed, 1.0)?, side(seed, -1.0)?))).collect()
    }
}

fn contrast(
    study: &Study,
    design: &Design,
    metric: &str,
    values: &Values,
    units: &[Option<usize>],
    with_p: bool,
) -> Contrast {
    let (mut differences, mut read) = (Vec::new(), 0);
    for seed in 0..values.seeds {
        let cells =
            || design.terms.iter().map(|(cell, weight)| (values.cells[*cell][seed], weight));
        read += usize::from(cells().any(|((read, _), _)| read));
        let terms: Option<Vec<f64>> = cells().map(|((_, v), weight)| Some(weight * v?)).collect();
        differences.extend(terms.map(|terms| stats::sum(&terms)));
    }
    let mut found = design.terms.iter().filter_map(|(cell, _)| units[*cell]);
    let first = found.next();
    let units_differ = found.any(|unit| Some(unit) != first);
    let n = differences.len();
    let unpaired = read - n;
    if units_differ {
        // A difference of unlike quantities is no figure.
        differences.clear();
    }
    let direction = Monitored::new(metric);
    let d_z = stats::effect_size(&differences);
    Contrast {
        experiment: study.name.clone(),
        name: design.name.clone(),
        levels: design.levels.clone(),
        metric: metric.to_owned(),
        n,
        estimate: stats::mean(&differences),
        ci95: stats::t_interval(&differences, LEVEL),
        p: if with_p { stats::paired_p(&differences) } else { None },
        p_holm: None,
        wins: differences.iter().filter(|d| direction.better(**d, 0.0)).count(),
        kind: design.kind,
        d_z,
        seeds_for_80pct_power: d_z
            .filter(|_| n >= stats::PAIRS_FOR_INTERVAL)
            .and_then(|effect| stats::seeds_for_power(effect, POWER)),
        unpaired,
        averaged_over: design.averaged_over.clone(),
        units_differ,
        robust: None,
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
            let pairs = cells.pairs(a, to, None);
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
                let at = |level: usize| averaged(&cells.pairs(a, to_a, Some((b, level))));
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
                let pairs = cells.pairs(a, to, Some((b, at)));
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
    /// Of each factor and level, the cells that have it: no contrast looks at all the others.
    having: Vec<Vec<Vec<usize>>>,
}

impl<'a> Cells<'a> {
    fn of(study: &'a Study) -> Self {
        let all: Vec<&[usize]> = study.cells.iter().map(|cell| cell.levels.as_slice()).collect();
        let index = all.iter().enumerate().map(|(index, levels)| (*levels, index)).collect();
        let mut having: Vec<Vec<Vec<usize>>> =
            study.factors.iter().map(|factor| vec![Vec::new(); factor.levels.len()]).collect();
        for (cell, levels) in all.iter().enumerate() {
            for (of_factor, level) in having.iter_mut().zip(*levels) {
                of_factor[*level].push(cell);
            }
        }
        Self { all, index, having }
    }

    /// The cells at level `to` of a factor, and at a level of another where one is given, each
    /// with the cell that differs from it by the first level of that factor alone.
    fn pairs(&self, factor: usize, to: usize, at: Option<(usize, usize)>) -> Vec<(usize, usize)> {
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
        let wanted = fewest.iter().copied().filter(|cell| is_wanted(self.all[*cell]));
        wanted
            .filter_map(|cell| {
                let mut first = self.all[cell].to_vec();
                first[factor] = 0;
                Some((cell, *self.index.get(first.as_slice())?))
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
                levels: vec![level(&first.factors), level(&cell.factors)],
                terms: vec![(index, 1.0), (0, -1.0)],
                averaged_over: Vec::new(),
            }
        })
        .collect()
}
