//! From figures to conclusions.
//!
//! A change is better or worse only where its interval excludes 0 and its p-value is below 0.05, also
//! when corrected for all effects tested, over six seeds or more; otherwise it cannot be told, and
//! there is the number of seeds that would show an effect of the size seen.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::arms::ArmSummary;
use super::conclusion::{Effect, Finding, Interaction, UnitsDiffer, Verdict};
use super::contrast::{Contrast, ContrastKind};
use super::contrasts::Contrasts;
use super::designs::simple_name;
use super::savings::Saving;
use super::significance::ALPHA;
use super::summary::ExperimentSummary;
use super::units::causes;
use crate::stats::{PAIRS_FOR_INTERVAL, PAIRS_FOR_P, pairs_for_family};
use crate::stopping::Monitored;

/// What there is to say of one experiment.
pub(super) fn findings(
    experiment: &ExperimentSummary,
    arms: &[ArmSummary],
    contrasts: &Contrasts,
    savings: &[Saving],
    is_filtered: bool,
) -> Vec<Finding> {
    let Contrasts { all, primary, .. } = contrasts;
    let effects = primary.iter().filter(|of| all[of.compared].p_holm.is_some()).count();
    let of_kind = |kind| primary.iter().filter(move |of| all[of.compared].kind == kind);
    let mut findings = Vec::new();
    if let [arm] = arms {
        findings.push(Finding::OneArm { arm: arm.factors.clone(), is_filtered });
    }
    for of in of_kind(ContrastKind::Main) {
        let (contrast, primary) = (&all[of.compared], &all[of.primary]);
        findings.push(Finding::Effect(Effect {
            contrast: contrast.clone(),
            verdict: verdict(contrast, effects),
            over_splits: experiment.split_per_seed,
            units_differ: primary.units_differ.then(|| units_differ(experiment, primary)),
        }));
    }
    let mut simple: HashMap<&str, Vec<&Contrast>> = HashMap::new();
    for contrast in of_kind(ContrastKind::Simple).map(|of| &all[of.compared]) {
        simple.entry(&contrast.name).or_default().push(contrast);
    }
    for of in of_kind(ContrastKind::Interaction) {
        let found = interaction(&all[of.compared], &simple, effects);
        findings.extend(found.map(Finding::Interaction));
    }
    // One a rule, the widest.
    let rule = |saving: &Saving| (saving.rule.clone(), saving.monitor.clone());
    let overall: HashSet<_> = savings.iter().filter(|s| s.factors.is_empty()).map(rule).collect();
    for saving in savings {
        if saving.factors.is_empty() || !overall.contains(&rule(saving)) {
            findings.push(Finding::Stopping(saving.clone()));
        }
    }
    let diverged = arms.iter().filter(|arm| arm.diverged > 0);
    findings.extend(diverged.map(|arm| diverged_arm(arm, &experiment.metric)));
    findings
}

fn diverged_arm(arm: &ArmSummary, metric: &str) -> Finding {
    let finite = arm.metrics.get(metric).map_or(0, |m| m.values.iter().flatten().count());
    Finding::Diverged {
        arm: arm.factors.clone(),
        diverged: arm.diverged,
        n: arm.n,
        kept: arm.diverged - (arm.n - finite).min(arm.diverged),
        metric: metric.to_owned(),
    }
}

fn units_differ(experiment: &ExperimentSummary, contrast: &Contrast) -> UnitsDiffer {
    let causes = causes(experiment.factors.iter().map(|factor| factor.key.as_str()));
    UnitsDiffer {
        metric: contrast.metric.clone(),
        causes: causes.into_iter().map(str::to_owned).collect(),
    }
}

fn verdict(contrast: &Contrast, effects: usize) -> Verdict {
    if contrast.units_differ {
        return Verdict::NotComparable;
    }
    let Some(estimate) = contrast.estimate else { return Verdict::NoPair };
    let seeds_needed = seeds_needed(contrast);
    if contrast.n < PAIRS_FOR_P {
        return Verdict::TooFewSeeds { seeds_needed };
    }
    if contrast.ci95 == Some([0.0, 0.0]) {
        return Verdict::NoDifference;
    }
    if !contrast.excludes_zero() || contrast.p.is_none_or(|p| p >= ALPHA) {
        return Verdict::CannotTell { seeds_needed };
    }
    if contrast.p_holm.is_some_and(|p| p >= ALPHA) {
        // Where not even the same sign in all seeds could pass, that is what there is to know.
        let least = pairs_for_family(effects, ALPHA);
        let least_seeds = Some(least).filter(|least| contrast.n < *least);
        return Verdict::CannotTellCorrected { effects, least_seeds, seeds_needed };
    }
    let is_better = Monitored::new(&contrast.metric).better(estimate, 0.0);
    if is_better { Verdict::Better } else { Verdict::Worse }
}

/// Seeds for the effect seen, where there are enough to estimate it; a p-value takes six.
fn seeds_needed(contrast: &Contrast) -> Option<usize> {
    if contrast.n < PAIRS_FOR_INTERVAL {
        return None;
    }
    let needed = contrast.seeds_for_80pct_power?.max(PAIRS_FOR_P);
    // The effect itself is an estimate: a third digit would be made up.
    let round = if needed < 100 { 1 } else { 10_usize.pow(needed.ilog10() - 1) };
    Some(needed.div_ceil(round) * round).filter(|n| *n > contrast.n)
}

/// Where a factor's effect depends on another: what it is at either level of that.
fn interaction(
    contrast: &Contrast,
    simple: &HashMap<&str, Vec<&Contrast>>,
    effects: usize,
) -> Option<Interaction> {
    if contrast.n < PAIRS_FOR_P || !contrast.excludes_zero() {
        return None;
    }
    let contrast = contrast.clone();
    // Among many factors some interval excludes 0 by chance.
    if contrast.p_holm.is_some_and(|p| p >= ALPHA) {
        return Some(Interaction::MayDepend { contrast, effects });
    }
    let (a, b) = contrast.name.split_once('*')?;
    let [Value::Array(of_a), Value::Array(of_b)] = &contrast.levels[..] else { return None };
    let at_level = |at: &Value| {
        let named = simple.get(simple_name(a, b, at).as_str())?;
        let found = named.iter().find(|c| c.levels == *of_a && c.estimate.is_some())?;
        Some((*found).clone())
    };
    let simple = Box::new([at_level(of_b.first()?)?, at_level(of_b.get(1)?)?]);
    Some(Interaction::Depends { contrast, simple })
}
