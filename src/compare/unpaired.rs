//! A difference between arms whose seeds do not pair: the trainings of each arm are a sample of their own.

use std::collections::{BTreeMap, BTreeSet};

use super::contrast::{Contrast, ContrastKind, Divergences, Samples};
use super::designs::{Design, Term};
use super::experiment::{Experiment, Measured, Weights};
use super::significance::{ALPHA, CONFIDENCE};
use super::values::{Values, units_differ};
use crate::config::is_of_rule;
use crate::stats::{self, Sample, Stratum, Welch, permutation_p, ranks};
use crate::stopping::Monitored;

/// The trainings at a level.
#[derive(Default)]
struct Trainings {
    /// By the identity of each.
    by_training: BTreeMap<String, f64>,
    finite: Vec<f64>,
    diverged: usize,
}

/// What a training came to in the arms that read it.
#[derive(Default)]
struct Read {
    sum: f64,
    arms: usize,
    has_diverged: bool,
}

impl Trainings {
    /// Those that these arms read, each with the sum over them, in which the weights of the first level are positive.
    fn of(
        experiment: &Experiment,
        values: &Values,
        design: &Design,
        terms: &[&Term],
        sign: f64,
    ) -> Self {
        let mut read: BTreeMap<&str, Read> = BTreeMap::new();
        for term in terms {
            for (at, seed) in values.seeds.iter().enumerate() {
                let Some(observation) = experiment.arms[term.arm].observations.get(seed) else {
                    continue;
                };
                let measured = values.at(term, at);
                // What the stop did is unknown where the run that it is held against diverged.
                let is_unknown = measured == Measured::NotFinite
                    && term.of == Weights::BestOfFullRun
                    && is_of_rule(&design.name);
                if is_unknown || measured == Measured::NotRecorded {
                    continue;
                }
                let found = read.entry(&observation.run.identity).or_default();
                match measured.finite() {
                    Some(value) => {
                        found.sum += sign * term.factor * value;
                        found.arms += 1;
                    }
                    None => found.has_diverged = true,
                }
            }
        }
        let mut found = Self::default();
        for (identity, Read { sum, arms, has_diverged }) in read {
            if has_diverged {
                found.diverged += 1;
            } else if arms == terms.len() {
                found.finite.push(sum);
                found.by_training.insert(identity.to_owned(), sum);
            }
        }
        found
    }

    fn all(&self) -> usize {
        self.finite.len() + self.diverged
    }
}

/// The identities of the trainings of an arm.
fn identities<'a>(experiment: &'a Experiment, term: &Term) -> BTreeSet<&'a str> {
    let observations = experiment.arms[term.arm].observations.values();
    observations.map(|observation| observation.run.identity.as_str()).collect()
}

/// Whether both levels of a design read the same trainings, as those of a stopping rule do: then they pair by nature.
fn reads_the_same(experiment: &Experiment, design: &Design) -> bool {
    design.terms.chunks_exact(2).any(|pair| {
        let [second, first] = [&pair[0], &pair[1]].map(|term| identities(experiment, term));
        !second.is_disjoint(&first)
    })
}

/// The pairs of a design's terms, those together that read the same trainings.
fn pairs(experiment: &Experiment, values: &Values, design: &Design) -> Vec<Pair> {
    let mut groups: Vec<(BTreeSet<&str>, Vec<&Term>, Vec<&Term>)> = Vec::new();
    for pair in design.terms.chunks_exact(2) {
        let mut read = identities(experiment, &pair[0]);
        read.extend(identities(experiment, &pair[1]));
        match groups.iter_mut().find(|(known, ..)| *known == read) {
            Some((_, seconds, firsts)) => {
                seconds.push(&pair[0]);
                firsts.push(&pair[1]);
            }
            None => groups.push((read, vec![&pair[0]], vec![&pair[1]])),
        }
    }
    let of = |terms: &[&Term], sign: f64| Trainings::of(experiment, values, design, terms, sign);
    let pair = |(_, seconds, firsts): (_, Vec<&Term>, Vec<&Term>)| Pair {
        second: of(&seconds, 1.0),
        first: of(&firsts, -1.0),
    };
    groups.into_iter().map(pair).collect()
}

/// Arms that differ by one level: the second of a design's two terms has the first level.
struct Pair {
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
    let pairs = pairs(experiment, values, design);
    if reads_the_same(experiment, design) {
        return of_the_same(experiment, design, values, units, &pairs, with_p);
    }
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
            [(-1.0, &pair.first), (1.0, &pair.second)]
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
        let strata = strata(&pairs, |of| of.finite.clone());
        (enough.then(|| permutation_p(&strata)).flatten(), None)
    };
    let first_level = firsts().map(|one| stats::mean(&one.finite)).sum::<Option<f64>>();
    let estimate = samples
        .iter()
        .try_fold(0.0, |sum, sample| Some(sum + sample.weight * stats::mean(&sample.values)?));
    Contrast {
        n,
        estimate: estimate.filter(|_| !is_lost && !units_differ),
        ci95: interval.filter(|_| !is_lost),
        ci95_seeds: interval.filter(|_| !is_lost),
        p,
        first_level: first_level.filter(|_| !is_interaction),
        divergences,
        unpaired: if is_interaction { diverged.iter().sum() } else { 0 },
        samples: Some(Samples {
            first: firsts().map(Trainings::all).sum(),
            second: seconds().map(Trainings::all).sum(),
            fewest,
            degrees: welch.map_or(0.0, |welch| welch.degrees),
        }),
        ..bare(experiment, design, values.metric, units_differ)
    }
}

/// What a rule does, or keeping another epoch: a difference within each training, whose second level is what its arms
/// there come to minus what those at the first do.
fn of_the_same(
    experiment: &Experiment,
    design: &Design,
    values: &Values,
    units: &[Option<usize>],
    pairs: &[Pair],
    with_p: bool,
) -> Contrast {
    let direction = experiment.direction(values.metric);
    let units_differ = units_differ(design, units);
    let of_pair = |pair: &Pair| -> Vec<f64> {
        let by_training =
            pair.second.by_training.iter().filter_map(|(identity, second)| {
                Some(second - pair.first.by_training.get(identity)?)
            });
        by_training.collect()
    };
    let samples: Vec<Sample> =
        pairs.iter().map(|pair| Sample { weight: 1.0, values: of_pair(pair) }).collect();
    let samples = if units_differ { Vec::new() } else { samples };
    let differences: Vec<f64> =
        samples.iter().flat_map(|sample| sample.values.iter().copied()).collect();
    // Each counts for its share of the estimate, which is a sum of means.
    #[allow(clippy::cast_precision_loss)] // trainings
    let shares: Vec<f64> = samples
        .iter()
        .flat_map(|sample| sample.values.iter().map(|value| value / sample.values.len() as f64))
        .collect();
    let welch = Welch::of(&samples);
    let least = samples.iter().map(|sample| sample.values.len()).min().unwrap_or(0);
    let interval = welch
        .filter(|_| least >= stats::PAIRS_FOR_INTERVAL)
        .and_then(|welch| welch.interval(CONFIDENCE));
    let estimate: Option<f64> =
        samples.iter().map(|sample| stats::mean(&sample.values)).sum::<Option<f64>>();
    let first_level = pairs.iter().map(|pair| stats::mean(&pair.first.finite)).sum::<Option<f64>>();
    Contrast {
        n: differences.len(),
        estimate: estimate.filter(|_| !differences.is_empty()),
        ci95: interval,
        ci95_seeds: interval,
        p: with_p.then(|| stats::paired_p(&shares)).flatten(),
        first_level: first_level.filter(|_| design.kind != ContrastKind::Interaction),
        wins: Some(differences.iter().filter(|d| direction.better(**d, 0.0)).count()),
        ties: Some(differences.iter().filter(|d| **d == 0.0).count()),
        unpaired: pairs.iter().map(|pair| pair.second.all().max(pair.first.all())).sum::<usize>()
            - differences.len(),
        differences,
        ..bare(experiment, design, values.metric, units_differ)
    }
}

/// A contrast without figures.
fn bare(experiment: &Experiment, design: &Design, metric: &str, units_differ: bool) -> Contrast {
    Contrast {
        experiment: experiment.name.clone(),
        name: design.name.clone(),
        levels: design.levels.clone(),
        metric: metric.to_owned(),
        maximize: experiment.direction(metric).maximize,
        n: 0,
        estimate: None,
        ci95: None,
        ci95_seeds: None,
        ci95_splits: None,
        is_no_mean_over_rows: false,
        test_rows: None,
        p: None,
        p_holm: None,
        first_level: None,
        by_seed: Vec::new(),
        wins: None,
        ties: None,
        divergences: None,
        kind: design.kind,
        d_z: None,
        seeds_for_80pct_power: None,
        unpaired: 0,
        not_shared: [Vec::new(), Vec::new()],
        averaged_over: design.averaged_over.clone(),
        units_differ,
        sequential: None,
        differences: Vec::new(),
        robust: None,
        samples: None,
    }
}

fn strata(pairs: &[Pair], of: impl Fn(&Trainings) -> Vec<f64>) -> Vec<Stratum> {
    let stratum =
        |pair: &Pair| Stratum { weight: 1.0, first: of(&pair.first), second: of(&pair.second) };
    pairs.iter().map(stratum).collect()
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
            Stratum { weight: 1.0, first, second }
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
    let alone = strata(pairs, lost);
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
