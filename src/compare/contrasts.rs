//! Differences between arms, formed within each seed.
//!
//! A contrast is a weighted sum of arms per seed; its mean, interval and p-value are those of
//! these sums over the seeds that have a finite value in every arm concerned.

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::contrast::{Contrast, ContrastKind, Divergences, SeedPair, SequentialLook};
use super::designs::{Design, designs, is_of_evaluation};
use super::experiment::{Experiment, Measured, Weights};
use super::options::{Options, Pairing};
use super::robust::robust;
use super::significance::{ALPHA, CONFIDENCE};
use super::units::{STAND_INS, units};
use super::unpaired;
use super::values::{Values, units_differ};
use crate::config::is_of_rule;
use crate::history;
use crate::results::SequentialPlan;
use crate::seed::Seed;
use crate::stats::{self, Looks, SeedRows, Sequential, TwoWay};

/// The power that the number of seeds is planned for.
const POWER: f64 = 0.8;

/// Steps of work that the p-values of metrics which no table shows may take, about half a second's.
const P_BUDGET: usize = 1_000_000_000;

/// About the steps that a permutation of labels takes.
const UNPAIRED_P: usize = 2_000_000;

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
    options: &Options,
) -> Contrasts {
    let designs = designs(experiment, options.all_pairs);
    let seeds: BTreeSet<u64> =
        experiment.arms.iter().flat_map(|arm| arm.observations.keys().copied()).collect();
    let others = designs.len().saturating_mul(metrics.len().saturating_sub(1));
    let cost = match experiment.pairing {
        Pairing::BySeed => stats::paired_p_cost(seeds.len()),
        Pairing::Unpaired => UNPAIRED_P,
    };
    let p_left_out = cost.saturating_mul(others) > P_BUDGET;
    // Of each design, whether the primary metric cannot be compared.
    let mut is_replaced = vec![false; designs.len()];
    let mut all: Vec<Contrast> = Vec::with_capacity(designs.len() * metrics.len());
    for (index, metric) in metrics.iter().enumerate() {
        let values = Values::of(experiment, metric, &seeds);
        let units = units(experiment, metric);
        let is_stand_in = STAND_INS.contains(&metric.as_str());
        let of_metric = designs.par_iter().zip(&is_replaced).map(|(design, is_replaced)| {
            let with_p = index == 0 || !p_left_out || (is_stand_in && *is_replaced);
            let mut found = contrast(experiment, design, &values, &units, with_p);
            // Two levels are beside each other there, and a bootstrap takes its time.
            let has_levels = index == 0 && design.kind != ContrastKind::Interaction;
            let is_asked = options.robust && designs.len() <= ROBUST_DESIGNS;
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
    if let Some(plan) = experiment.sequential {
        let tested: BTreeSet<usize> = primary.iter().map(|of| of.compared).collect();
        all.par_iter_mut().enumerate().for_each(|(index, contrast)| {
            let is_tested = contrast.kind != ContrastKind::Simple && tested.contains(&index);
            if is_tested && contrast.p.is_some() {
                allow_for_looks(contrast, plan);
            }
        });
    }
    adjust(&mut all, &primary);
    Contrasts { all, primary, p_left_out }
}

/// Replaces the p-value by one that allows for all looks.
fn allow_for_looks(contrast: &mut Contrast, plan: &SequentialPlan) {
    let Some(looks) = Looks::of(&plan.looks) else { return };
    #[allow(clippy::cast_precision_loss)] // a few looks
    let count = looks.seeds().len() as f64;
    contrast.p = if contrast.divergences.is_some() {
        // Their ranks change from look to look: each look has its share of the error.
        contrast.p.map(|p| (p * count).min(1.0))
    } else {
        let signs = Seed(0).stream("sequential signs", 0);
        Some(Sequential::new(&contrast.differences, &looks, signs).p())
    };
    let spent = plan.alpha * looks.spent_with(contrast.pairs());
    contrast.sequential =
        Some(SequentialLook { max_seeds: looks.most(), looks: looks.seeds().len(), spent });
}

/// Holm's correction over the main effects and interactions that the verdict is about.
fn adjust(all: &mut [Contrast], primary: &[PrimaryContrast]) {
    let family: Vec<usize> = primary
        .iter()
        .map(|primary| primary.compared)
        .filter(|index| {
            let is_tested =
                [ContrastKind::Main, ContrastKind::Interaction].contains(&all[*index].kind);
            is_tested && all[*index].p.is_some()
        })
        .collect();
    let p: Vec<f64> = family.iter().filter_map(|index| all[*index].p).collect();
    for (index, adjusted) in family.into_iter().zip(stats::holm(&p)) {
        all[index].p_holm = Some(adjusted);
    }
}

/// What became of a seed.
enum Pair {
    /// All arms concerned have a finite value.
    Difference(f64),
    /// The second level diverged, and the first did not.
    LossByDivergence,
    /// The first level diverged, and the second did not.
    WinByDivergence,
    /// Both levels diverged, or an arm of an interaction did.
    Diverged,
    /// Not every arm concerned has this seed.
    Missing,
}

fn pair(values: &Values, design: &Design, seed: usize) -> Pair {
    let mut terms = Vec::with_capacity(design.terms.len());
    let mut diverged = [false; 2];
    for term in &design.terms {
        match values.at(term, seed) {
            Measured::Finite(value) => terms.push(term.factor * value),
            // What the stop did is unknown where the run that it is held against diverged.
            Measured::NotFinite
                if term.of == Weights::BestOfFullRun && is_of_rule(&design.name) =>
            {
                return Pair::Diverged;
            }
            Measured::NotFinite => diverged[usize::from(term.factor > 0.0)] = true,
            Measured::NotRecorded => return Pair::Missing,
        }
    }
    match diverged {
        [false, false] => Pair::Difference(stats::sum(&terms)),
        _ if design.kind == ContrastKind::Interaction => Pair::Diverged,
        [false, true] => Pair::LossByDivergence,
        [true, false] => Pair::WinByDivergence,
        [true, true] => Pair::Diverged,
    }
}

fn contrast(
    experiment: &Experiment,
    design: &Design,
    values: &Values,
    units: &[Option<usize>],
    with_p: bool,
) -> Contrast {
    match experiment.pairing {
        Pairing::BySeed => paired(experiment, design, values, units, with_p),
        Pairing::Unpaired => unpaired::contrast(experiment, design, values, units, with_p),
    }
}

#[allow(clippy::too_many_lines)] // every figure of one contrast
fn paired(
    experiment: &Experiment,
    design: &Design,
    values: &Values,
    units: &[Option<usize>],
    with_p: bool,
) -> Contrast {
    let (mut differences, mut paired, mut unpaired) = (Vec::new(), Vec::new(), 0);
    let mut not_shared = [Vec::new(), Vec::new()];
    let (mut losses, mut wins_by_divergence) = (0, 0);
    for seed in 0..values.seeds.len() {
        match pair(values, design, seed) {
            Pair::Difference(difference) => {
                differences.push(difference);
                paired.push(seed);
            }
            Pair::LossByDivergence => losses += 1,
            Pair::WinByDivergence => wins_by_divergence += 1,
            Pair::Diverged => unpaired += 1,
            Pair::Missing => {
                if let Some(side) = values.only_side(design, seed) {
                    not_shared[side].push(values.seeds[seed]);
                }
            }
        }
    }
    let units_differ = units_differ(design, units);
    let n = differences.len();
    if units_differ {
        // A difference of unlike quantities is no figure.
        differences.clear();
        paired.clear();
    }
    let direction = experiment.direction(values.metric);
    let is_lost = losses + wins_by_divergence > 0 && !units_differ;
    let mean = stats::mean(&differences);
    let of_seeds = stats::t_interval(&differences, CONFIDENCE);
    let two_way = rows_variance(experiment, design, values, &paired);
    let rows = mean.zip(two_way).and_then(|(mean, two_way)| {
        let interval = stats::interval_of_variance(mean, two_way.variance, n, CONFIDENCE)?;
        Some((interval, two_way.rows))
    });
    let is_no_mean_over_rows = rows.is_none() && is_no_mean_over_rows(experiment, values.metric);
    let of_splits = (!is_no_mean_over_rows && experiment.is_split_per_seed())
        .then(|| splits_interval(experiment, design, values.metric, &differences, two_way))
        .flatten();
    let (p, divergences) = if is_lost {
        // A loss is a larger difference than any, in the direction that is worse.
        let (up, down) = if direction.maximize {
            (wins_by_divergence, losses)
        } else {
            (losses, wins_by_divergence)
        };
        let counts_rows = rows.is_some()
            || of_splits.is_some()
            || (experiment.is_split_per_seed() && is_no_mean_over_rows);
        let intervals = [of_seeds, rows.map(|(interval, _)| interval), of_splits];
        let others = (n >= stats::PAIRS_FOR_P && counts_rows).then_some(intervals);
        let (p, leans_up, is_borne_out) = test_of_losses(&differences, up, down, others);
        let divergences = Divergences {
            losses_by_divergence: losses,
            wins_by_divergence,
            leans_to_second: leans_up == direction.maximize,
            is_borne_out,
        };
        let enough = n + losses + wins_by_divergence >= stats::PAIRS_FOR_P;
        (p.filter(|_| enough && with_p), Some(divergences))
    } else {
        (if with_p { stats::paired_p(&differences) } else { None }, None)
    };
    // A mean of those that did not diverge is none of all.
    let all = |interval: Option<[f64; 2]>| interval.filter(|_| !is_lost);
    let (estimate, of_seeds, of_splits) =
        (mean.filter(|_| !is_lost), all(of_seeds), all(of_splits));
    let rows = rows.filter(|_| !is_lost);
    let d_z = stats::effect_size(&differences).filter(|_| !is_lost);
    let by_seed = by_seed(values, design, &paired);
    let first: Vec<f64> = by_seed.iter().map(|pair| pair.levels[0]).collect();
    Contrast {
        experiment: experiment.name.clone(),
        name: design.name.clone(),
        levels: design.levels.clone(),
        metric: values.metric.to_owned(),
        maximize: direction.maximize,
        n,
        estimate,
        ci95: rows.map(|(interval, _)| interval).or(of_seeds),
        ci95_seeds: of_seeds,
        ci95_splits: of_splits,
        is_no_mean_over_rows,
        test_rows: rows.map(|(_, rows)| rows),
        p,
        p_holm: None,
        first_level: stats::mean(&first),
        by_seed,
        wins: Some(differences.iter().filter(|d| direction.better(**d, 0.0)).count()),
        ties: Some(differences.iter().filter(|d| **d == 0.0).count()),
        samples: None,
        divergences,
        kind: design.kind,
        d_z,
        seeds_for_80pct_power: d_z
            .filter(|_| n >= stats::PAIRS_FOR_INTERVAL)
            .and_then(|effect| stats::seeds_for_power(effect, POWER)),
        unpaired,
        not_shared,
        averaged_over: design.averaged_over.clone(),
        units_differ,
        sequential: None,
        differences,
        robust: None,
    }
}

/// The signed-rank p of differences beside so many seeds that were lost up and down, whether the ranks lean up,
/// and whether more than ranks bears that out: a sign test of the lost seeds alone, or the intervals of the
/// others, where these count for something.
fn test_of_losses(
    differences: &[f64],
    up: usize,
    down: usize,
    others: Option<[Option<[f64; 2]>; 3]>,
) -> (Option<f64>, bool, bool) {
    let test = stats::signed_rank_p(differences, up, down);
    let leans_up = test.is_some_and(|(_, leans_up)| leans_up);
    let is_beyond = |[low, high]: [f64; 2]| if leans_up { low > 0.0 } else { high < 0.0 };
    let by_the_others =
        others.is_some_and(|intervals| intervals.into_iter().flatten().all(is_beyond));
    let alone = stats::sign_test_p(up, down).is_some_and(|p| p < ALPHA) && (up > down) == leans_up;
    (test.map(|(p, _)| p), leans_up, by_the_others || alone)
}

/// Other contrasts than the design's, in a metric.
pub(super) fn contrasts_of(
    experiment: &Experiment,
    designs: &[Design],
    metric: &str,
    seeds: &BTreeSet<u64>,
) -> Vec<Contrast> {
    let values = Values::of(experiment, metric, seeds);
    let units = units(experiment, metric);
    let found =
        designs.par_iter().map(|design| contrast(experiment, design, &values, &units, true));
    found.collect()
}

/// Both levels at each of these seeds; none of an interaction.
fn by_seed(values: &Values, design: &Design, paired: &[usize]) -> Vec<SeedPair> {
    if design.kind == ContrastKind::Interaction {
        return Vec::new();
    }
    let pair = |seed: &usize| {
        let side = |sign: f64| -> Option<f64> {
            let terms = design.terms.iter().filter(|term| term.factor * sign > 0.0);
            terms.map(|term| Some(term.factor.abs() * values.at(term, *seed).finite()?)).sum()
        };
        Some(SeedPair { seed: values.seeds[*seed], levels: [side(-1.0)?, side(1.0)?] })
    };
    paired.iter().filter_map(pair).collect()
}

/// The variance of the estimate that counts seeds and test rows, and how many rows.
fn rows_variance(
    experiment: &Experiment,
    design: &Design,
    values: &Values,
    paired: &[usize],
) -> Option<TwoWay> {
    let rows = |seed: &usize| values.rows(experiment, design, *seed);
    let rows: Vec<SeedRows> = paired.iter().map(rows).collect::<Option<_>>()?;
    stats::two_way_variance(&rows)
}

/// Whether test rows were recorded, with other metrics than this one of the test split.
fn is_no_mean_over_rows(experiment: &Experiment, metric: &str) -> bool {
    let mut rows = experiment.observations().filter_map(|observation| observation.test_rows);
    let Some(rows) = rows.next().filter(|_| metric.starts_with(history::TEST_PREFIX)) else {
        return false;
    };
    rows.values.keys().all(|(epoch, _)| rows.of(*epoch, metric).is_none())
}

/// Of Nadeau and Bengio's correction, what is left to be counted where the rows' own variance is: with all of it
/// intervals cover .98 and more, with a quarter .95 (`.ci/coverage`).
const OVERLAP_BESIDE_ROWS: f64 = 0.25;

/// The interval that counts that the training rows of any two splits overlap, beside the test rows where these were
/// recorded.
fn splits_interval(
    experiment: &Experiment,
    design: &Design,
    metric: &str,
    differences: &[f64],
    rows: Option<TwoWay>,
) -> Option<[f64; 2]> {
    let arm = &experiment.arms[design.terms.first()?.arm];
    let data = &arm.observations.values().next()?.run.data;
    let evaluated = match metric.split_once('_')?.0 {
        "test" => "test_rows",
        "val" => "validation_rows",
        _ => return None,
    };
    let count = |name: &str| data.get(name).and_then(serde_json::Value::as_f64);
    let overlap = stats::overlap_variance(differences, count(evaluated)?, count("train_rows")?)?;
    let variance = if let Some(rows) = rows {
        rows.variance + OVERLAP_BESIDE_ROWS * overlap
    } else {
        #[allow(clippy::cast_precision_loss)] // seeds
        let seeds = differences.len() as f64;
        stats::sd(differences)?.powi(2) / seeds + overlap
    };
    stats::interval_of_variance(stats::mean(differences)?, variance, differences.len(), CONFIDENCE)
}
