//! A difference between arms whose seeds do not pair: the trainings of each arm are a sample of their own.

use super::contrast::{Contrast, ContrastKind, Divergences, Samples};
use super::designs::{Design, Term};
use super::experiment::{Experiment, Measured, Weights};
use super::significance::{ALPHA, CONFIDENCE};
use super::values::{Values, units_differ};
use crate::config::is_of_rule;
use crate::stats::{self, Sample, Stratum, Welch, permutation_p, ranks};
use crate::stopping::Monitored;

/// What the trainings of an arm came to.
#[derive(Default)]
struct Trainings {
    finite: Vec<f64>,
    diverged: usize,
}

impl Trainings {
    fn of(values: &Values, design: &Design, term: &Term) -> Self {
        let mut found = Self::default();
        for seed in 0..values.seeds.len() {
            match values.at(term, seed) {
                Measured::Finite(value) => found.finite.push(value),
                // What the stop did is unknown where the run that it is held against diverged.
                Measured::NotFinite
                    if term.of == Weights::BestOfFullRun && is_of_rule(&design.name) => {}
                Measured::NotFinite => found.diverged += 1,
                Measured::NotRecorded => {}
            }
        }
        found
    }

    fn all(&self) -> usize {
        self.finite.len() + self.diverged
    }
}

/// Arms that differ by one level: the second of a design's two terms has the first level.
struct Pair {
    weight: f64,
    first: Trainings,
    second: Trainings,
}

/// The contrast of a design, with Welch's interval and, but for interactions, a permutation of the labels.
pub(super) fn contrast(
    experiment: &Experiment,
    design: &Design,
    values: &Values,
    units: &[Option<usize>],
    with_p: bool,
) -> Contrast {
    let of = |term: &Term| Trainings::of(values, design, term);
    let pairs: Vec<Pair> = design
        .terms
        .chunks_exact(2)
        .map(|pair| Pair { weight: pair[0].factor, second: of(&pair[0]), first: of(&pair[1]) })
        .collect();
    let units_differ = units_differ(design, units);
    let firsts = || pairs.iter().map(|pair| &pair.first);
    let seconds = || pairs.iter().map(|pair| &pair.second);
    let both = || firsts().chain(seconds());
    let n = both().map(|one| one.finite.len()).min().unwrap_or(0);
    let fewest = both().map(Trainings::all).min().unwrap_or(0);
    let diverged =
        [firsts().map(|one| one.diverged).sum::<usize>(), seconds().map(|one| one.diverged).sum()];
    let is_interaction = design.kind == ContrastKind::Interaction;
    let is_lost = diverged != [0, 0] && !units_differ && !is_interaction;
    let samples: Vec<Sample> = pairs
        .iter()
        .flat_map(|pair| {
            [(-pair.weight, &pair.first), (pair.weight, &pair.second)]
                .map(|(weight, of)| Sample { weight, values: of.finite.clone() })
        })
        .collect();
    let welch = Welch::of(&samples).filter(|_| !units_differ);
    let interval = welch
        .filter(|_| n >= stats::PAIRS_FOR_INTERVAL)
        .and_then(|welch| welch.interval(CONFIDENCE));
    let enough = with_p && !units_differ && fewest >= stats::PAIRS_FOR_P;
    let direction = experiment.direction(values.metric);
    let (p, divergences) = if is_lost {
        let (p, divergences) = of_losses(&pairs, diverged, &direction, interval);
        (p.filter(|_| enough), Some(divergences))
    } else if is_interaction {
        // Labels of two factors are not exchangeable one by one.
        (welch.filter(|_| enough).and_then(|welch| welch.p()), None)
    } else {
        let strata = strata(&pairs, |of| of.finite.clone(), |of| of.finite.clone());
        (enough.then(|| permutation_p(&strata)).flatten(), None)
    };
    let means = firsts().map(|one| stats::mean(&one.finite)).collect::<Option<Vec<f64>>>();
    let estimate = samples
        .iter()
        .try_fold(0.0, |sum, sample| Some(sum + sample.weight * stats::mean(&sample.values)?));
    Contrast {
        experiment: experiment.name.clone(),
        name: design.name.clone(),
        levels: design.levels.clone(),
        metric: values.metric.to_owned(),
        maximize: direction.maximize,
        n,
        estimate: estimate.filter(|_| !is_lost && !units_differ),
        ci95: interval.filter(|_| !is_lost),
        ci95_seeds: interval.filter(|_| !is_lost),
        ci95_splits: None,
        is_no_mean_over_rows: false,
        test_rows: None,
        p,
        p_holm: None,
        first_level: means.as_deref().and_then(stats::mean).filter(|_| !is_interaction),
        by_seed: Vec::new(),
        wins: None,
        ties: None,
        divergences,
        kind: design.kind,
        d_z: None,
        seeds_for_80pct_power: None,
        unpaired: if is_interaction { diverged.iter().sum() } else { 0 },
        not_shared: [Vec::new(), Vec::new()],
        averaged_over: design.averaged_over.clone(),
        units_differ,
        sequential: None,
        differences: Vec::new(),
        robust: None,
        samples: Some(Samples {
            first: firsts().map(Trainings::all).sum(),
            second: seconds().map(Trainings::all).sum(),
            fewest,
            degrees: welch.map_or(0.0, |welch| welch.degrees),
        }),
    }
}

fn strata(
    pairs: &[Pair],
    first: impl Fn(&Trainings) -> Vec<f64>,
    second: impl Fn(&Trainings) -> Vec<f64>,
) -> Vec<Stratum> {
    let of = |pair: &Pair| Stratum {
        weight: pair.weight,
        first: first(&pair.first),
        second: second(&pair.second),
    };
    pairs.iter().map(of).collect()
}

/// Where trainings diverged, which have no size: the permutation test of the ranks, with those beyond all others; and
/// whether it is borne out by the divergences alone or by the interval of the others.
fn of_losses(
    pairs: &[Pair],
    [at_first, at_second]: [usize; 2],
    direction: &Monitored,
    others: Option<[f64; 2]>,
) -> (Option<f64>, Divergences) {
    let worst = if direction.maximize { f64::NEG_INFINITY } else { f64::INFINITY };
    let ranked: Vec<Stratum> = pairs
        .iter()
        .map(|pair| {
            let all = |of: &Trainings| {
                of.finite.iter().copied().chain((0..of.diverged).map(|_| worst)).collect::<Vec<_>>()
            };
            let mut first = ranks(&[all(&pair.first), all(&pair.second)].concat());
            let second = first.split_off(pair.first.all());
            Stratum { weight: pair.weight, first, second }
        })
        .collect();
    let lean = |strata: &[Stratum]| -> f64 {
        let difference = |one: &Stratum| {
            one.weight
                * (stats::mean(&one.second).unwrap_or(0.0) - stats::mean(&one.first).unwrap_or(0.0))
        };
        strata.iter().map(difference).sum()
    };
    let rises = lean(&ranked) > 0.0;
    let lost = |of: &Trainings| [vec![0.0; of.finite.len()], vec![1.0; of.diverged]].concat();
    let alone = strata(pairs, lost, lost);
    let by_themselves = permutation_p(&alone).is_some_and(|p| p < ALPHA)
        && (lean(&alone) > 0.0) == (rises != direction.maximize);
    let by_the_others =
        others.is_some_and(|[low, high]| if rises { low > 0.0 } else { high < 0.0 });
    let divergences = Divergences {
        losses_by_divergence: at_second,
        wins_by_divergence: at_first,
        leans_to_second: rises == direction.maximize,
        is_borne_out: by_themselves || by_the_others,
    };
    (permutation_p(&ranked), divergences)
}
