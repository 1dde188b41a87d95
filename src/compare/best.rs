//! The best arm, and those that cannot be told from it.

use std::collections::BTreeSet;

use super::conclusion::Best;
use super::contrast::{Contrast, ContrastKind};
use super::contrasts::contrasts_of;
use super::designs::{Design, Term};
use super::experiment::{Arm, Experiment, Weights};
use super::significance::ALPHA;
use crate::stats::{self, PAIRS_FOR_P};

/// The key in `data` of `run.json` that holds the metrics of the best constant answer.
const CHANCE: &str = "chance";

/// The arm with the best mean of the weights kept, among those with the fewest seeds that diverged; none of
/// a single arm.
///
/// Arms are told from it only where some effect of the experiment is: so that where there is nothing, no more
/// is claimed by both together than by the effects alone.
pub(super) fn best(experiment: &Experiment, metric: &str, any_effect: bool) -> Option<Best> {
    let values = |arm: &Arm| -> Vec<Option<f64>> {
        arm.observations.values().map(|observation| observation.value(metric)).collect()
    };
    let direction = experiment.direction(metric);
    let mut leader: Option<(usize, usize, f64)> = None;
    for (index, arm) in experiment.arms.iter().enumerate() {
        let values = values(arm);
        let there: Vec<f64> = values.iter().flatten().copied().collect();
        let Some(mean) = stats::mean(&there) else { continue };
        let lost = values.len() - there.len();
        let leads = leader.is_none_or(|(_, fewest, best)| {
            lost < fewest || (lost == fewest && direction.better(mean, best))
        });
        if leads {
            leader = Some((index, lost, mean));
        }
    }
    let (leader, _, mean) = leader?;
    let others: Vec<usize> = (0..experiment.arms.len()).filter(|arm| *arm != leader).collect();
    if others.is_empty() {
        return None;
    }
    let seeds: BTreeSet<u64> = experiment.arms[leader].observations.keys().copied().collect();
    let designs: Vec<Design> = others
        .iter()
        .map(|arm| {
            let term = |arm: usize, factor: f64| Term { arm, of: Weights::Kept, factor };
            Design {
                name: String::new(),
                kind: ContrastKind::Simple,
                levels: Vec::new(),
                terms: vec![term(*arm, 1.0), term(leader, -1.0)],
                averaged_over: Vec::new(),
            }
        })
        .collect();
    let found = contrasts_of(experiment, &designs, metric, &seeds);
    // It was chosen for being the best: every pair of arms could have been the one that is told, at every look.
    let arms = experiment.arms.len();
    let looks = experiment.sequential.map_or(1, |plan| plan.looks.len());
    #[allow(clippy::cast_precision_loss)] // arms and looks are far below 2^53
    let tests = (arms * (arms - 1) / 2 * looks) as f64;
    let is_told = |contrast: &Contrast| {
        let is_clear = match &contrast.divergences {
            Some(divergences) => divergences.is_borne_out,
            None => contrast.is_clear_beyond_rows(experiment.is_split_per_seed()),
        };
        let is_small = contrast.p.is_some_and(|p| p * tests < ALPHA);
        any_effect && contrast.pairs() >= PAIRS_FOR_P && is_small && is_clear
    };
    let told = found.iter().map(is_told);
    let not_told = others.iter().zip(told).filter(|(_, told)| !told);
    let not_told = not_told.map(|(arm, _)| experiment.arms[*arm].factors.clone()).collect();
    let chance: Vec<f64> = experiment.arms[leader]
        .observations
        .values()
        .filter_map(|observation| observation.run.data.get(CHANCE)?.get(metric)?.as_f64())
        .collect();
    Some(Best {
        metric: metric.to_owned(),
        arm: experiment.arms[leader].factors.clone(),
        mean,
        not_told,
        others: others.len(),
        is_foreign: experiment.foreign.is_some(),
        chance: stats::mean(&chance),
    })
}
