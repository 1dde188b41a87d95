//! Differences between arms, formed within each seed.
//!
//! A contrast is a weighted sum of arms per seed; its mean, interval and p-value are those of
//! these sums over the seeds that have a finite value in every arm concerned.

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::contrast::{Contrast, ContrastKind};
use super::designs::{Design, designs, is_of_evaluation};
use super::experiment::Experiment;
use super::robust::robust;
use super::significance::CONFIDENCE;
use super::units::{STAND_INS, units};
use crate::stats;
use crate::stopping::Monitored;

/// The power that the number of seeds is planned for.
const POWER: f64 = 0.8;

/// Steps of work that the p-values of metrics which no table shows may take, about half a second's.
const P_BUDGET: usize = 1_000_000_000;

/// With more contrasts than this no bootstrap is made: half a second's work.
pub const ROBUST_DESIGNS: usize = 100;

/// The contrasts of an experiment.
pub(super) struct Contrasts {
    /// Of every metric, the primary one first.
    pub all: Vec<Contrast>,
    /// Those that the verdict is about. What `evaluation` does is no treatment.
    pub primary: Vec<PrimaryContrast>,
    /// Whether the p-values of other metrics were too many to work out.
    pub p_left_out: bool,
}

/// A contrast that the verdict is about, by its indices in [`Contrasts::all`].
#[derive(Debug, Clone, Copy)]
pub(super) struct PrimaryContrast {
    /// In the primary metric.
    pub primary: usize,
    /// In the metric that stands in where the primary one's unit differs, else in the primary one.
    pub compared: usize,
}

/// Every contrast of an experiment in each metric, in the metrics' order.
pub(super) fn contrasts(
    experiment: &Experiment,
    metrics: &[String],
    with_robust: bool,
) -> Contrasts {
    let designs = designs(experiment);
    let seeds: BTreeSet<u64> =
        experiment.arms.iter().flat_map(|arm| arm.observations.keys().copied()).collect();
    let others = designs.len().saturating_mul(metrics.len().saturating_sub(1));
    let p_left_out = stats::paired_p_cost(seeds.len()).saturating_mul(others) > P_BUDGET;
    // Of each design, whether the primary metric cannot be compared.
    let mut is_replaced = vec![false; designs.len()];
    let mut all: Vec<Contrast> = Vec::with_capacity(designs.len() * metrics.len());
    for (index, metric) in metrics.iter().enumerate() {
        let values = Values::of(experiment, metric, &seeds);
        let units = units(experiment, metric);
        let is_stand_in = STAND_INS.contains(&metric.as_str());
        let of_metric = designs.par_iter().zip(&is_replaced).map(|(design, is_replaced)| {
            let with_p = index == 0 || !p_left_out || (is_stand_in && *is_replaced);
            let mut found = contrast(experiment, design, metric, &values, &units, with_p);
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
    let primary = (0..designs.len()).filter(|design| !is_of_evaluation(&designs[*design].name));
    let primary = primary.map(|design| {
        let other = || {
            STAND_INS.iter().find_map(|name| {
                let metric = metrics.iter().position(|metric| metric == name)?;
                let index = metric * designs.len() + design;
                (!all[index].units_differ && all[index].n > 0).then_some(index)
            })
        };
        let compared = if is_replaced[design] { other().unwrap_or(design) } else { design };
        PrimaryContrast { primary: design, compared }
    });
    let primary: Vec<PrimaryContrast> = primary.collect();
    adjust(&mut all, &primary);
    Contrasts { all, primary, p_left_out }
}

/// Holm's correction over the main effects and interactions that the verdict is about.
fn adjust(all: &mut [Contrast], primary: &[PrimaryContrast]) {
    let family: Vec<usize> = primary
        .iter()
        .map(|primary| primary.compared)
        .filter(|index| all[*index].kind != ContrastKind::Simple && all[*index].p.is_some())
        .collect();
    let p: Vec<f64> = family.iter().filter_map(|index| all[*index].p).collect();
    for (index, adjusted) in family.into_iter().zip(stats::holm(&p)) {
        all[index].p_holm = Some(adjusted);
    }
}

/// A metric of each arm and seed.
struct Values {
    /// For each arm, for each of the seeds of all arms: recorded or not, and the finite value.
    arms: Vec<Vec<(bool, Option<f64>)>>,
    seeds: usize,
}

impl Values {
    fn of(experiment: &Experiment, metric: &str, seeds: &BTreeSet<u64>) -> Self {
        let arms = experiment.arms.iter().map(|arm| {
            let value = |seed| match arm.observations.get(seed) {
                Some(observation) => (true, observation.value(metric)),
                None => (false, None),
            };
            seeds.iter().map(value).collect()
        });
        Self { arms: arms.collect(), seeds: seeds.len() }
    }

    /// Of every seed with all values, the second level and the first.
    fn levels(&self, design: &Design) -> Vec<(f64, f64)> {
        let side = |seed: usize, sign: f64| -> Option<f64> {
            let terms = design.terms.iter().filter(|(_, weight)| weight * sign > 0.0);
            terms.map(|(arm, weight)| Some(weight.abs() * self.arms[*arm][seed].1?)).sum()
        };
        (0..self.seeds).filter_map(|seed| Some((side(seed, 1.0)?, side(seed, -1.0)?))).collect()
    }
}

fn contrast(
    experiment: &Experiment,
    design: &Design,
    metric: &str,
    values: &Values,
    units: &[Option<usize>],
    with_p: bool,
) -> Contrast {
    let (mut differences, mut recorded) = (Vec::new(), 0);
    for seed in 0..values.seeds {
        let arms = || design.terms.iter().map(|(arm, weight)| (values.arms[*arm][seed], weight));
        recorded += usize::from(arms().any(|((recorded, _), _)| recorded));
        let terms: Option<Vec<f64>> = arms().map(|((_, v), weight)| Some(weight * v?)).collect();
        differences.extend(terms.map(|terms| stats::sum(&terms)));
    }
    let mut found = design.terms.iter().filter_map(|(arm, _)| units[*arm]);
    let first = found.next();
    let units_differ = found.any(|unit| Some(unit) != first);
    let n = differences.len();
    let unpaired = recorded - n;
    if units_differ {
        // A difference of unlike quantities is no figure.
        differences.clear();
    }
    let direction = Monitored::new(metric);
    let d_z = stats::effect_size(&differences);
    Contrast {
        experiment: experiment.name.clone(),
        name: design.name.clone(),
        levels: design.levels.clone(),
        metric: metric.to_owned(),
        n,
        estimate: stats::mean(&differences),
        ci95: stats::t_interval(&differences, CONFIDENCE),
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
