//! The conclusions in plain sentences.
//!
//! A change is called better or worse only where its interval excludes 0 and its p-value is below
//! 0.05, also when corrected for all effects tested, over six seeds or more; otherwise the sentence
//! says that it cannot be told, and how many seeds would show an effect of the size seen.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::contrasts::{Contrasts, simple_name};
use super::label::text;
use super::number::{decimals as decimals_for, figure, fixed};
use super::units::causes;
use super::warnings::arm_name;
use super::{ArmSummary, Contrast, ContrastKind, ExperimentSummary, Saving, counted, enumerated};
use crate::stats::{PAIRS_FOR_INTERVAL, PAIRS_FOR_P, pairs_for_family};
use crate::stopping::Monitored;

/// The level of the tests.
const ALPHA: f64 = 0.05;

/// The sentences on one study.
pub(super) fn verdict(
    study: &ExperimentSummary,
    arms: &[ArmSummary],
    contrasts: &Contrasts,
    savings: &[Saving],
) -> Vec<String> {
    let Contrasts { all, told, .. } = contrasts;
    let family = told.iter().filter(|told| all[told.place].p_holm.is_some()).count();
    let of_kind = |kind| told.iter().filter(move |told| all[told.place].kind == kind);
    let mut sentences = Vec::new();
    for told in of_kind(ContrastKind::Main) {
        let replaced = (told.place != told.primary).then(|| &all[told.primary]);
        sentences.push(main_effect(study, &all[told.place], replaced, family));
    }
    let mut simple: HashMap<&str, Vec<&Contrast>> = HashMap::new();
    for contrast in of_kind(ContrastKind::Simple).map(|told| &all[told.place]) {
        simple.entry(&contrast.name).or_default().push(contrast);
    }
    for told in of_kind(ContrastKind::Interaction) {
        sentences.extend(interaction(&all[told.place], &simple, family));
    }
    // One line a rule, the widest.
    let rule = |saving: &Saving| (saving.rule.clone(), saving.monitor.clone());
    let overall: HashSet<_> = savings.iter().filter(|s| s.factors.is_empty()).map(rule).collect();
    for saving in savings {
        if saving.factors.is_empty() || !overall.contains(&rule(saving)) {
            sentences.push(stopping(saving));
        }
    }
    for arm in arms.iter().filter(|arm| arm.diverged > 0) {
        let kept = arm.metrics.get(&study.metric).map_or(0, |m| m.values.iter().flatten().count());
        let name = if arm.factors.is_empty() { "The one arm".to_owned() } else { arm_name(arm) };
        sentences.push(format!(
            "{name} diverged in {} of {}; {} of them kept weights with a finite {}.",
            arm.diverged,
            counted(arm.n, "seed"),
            arm.diverged - (arm.n - kept).min(arm.diverged),
            study.metric
        ));
    }
    sentences
}

/// What there is to say of an arm without another.
pub(super) fn one_arm(arm: &ArmSummary, filtered: bool) -> String {
    let levels =
        if arm.factors.is_empty() { String::new() } else { format!(" ({})", arm_name(arm)) };
    let how = if filtered {
        "ask for fewer levels with --where"
    } else {
        "give a key several levels in [matrix], such as \"model.norm.kind\" = [\"none\", \
         \"batch\"], or name another experiment on the same data and split too"
    };
    format!("One arm{levels}, so there is nothing to contrast: {how}.")
}

/// A main effect; `replaced` is the contrast in a metric whose unit differs, for which this one
/// stands in.
fn main_effect(
    study: &ExperimentSummary,
    contrast: &Contrast,
    replaced: Option<&Contrast>,
    family: usize,
) -> String {
    let metric = &contrast.metric;
    let change =
        format!("{} {} instead of {}", contrast.name, level(contrast, 1), level(contrast, 0));
    if contrast.units_differ {
        return format!(
            "Nothing to tell: {}, and no metric that {change} could be told by was recorded.",
            units_differ(study, contrast)
        );
    }
    let Some(estimate) = contrast.estimate else {
        return format!(
            "Nothing to tell: no seed has a finite {metric} in every arm that {change} concerns."
        );
    };
    let averaged = if contrast.averaged_over.is_empty() {
        String::new()
    } else {
        format!(", averaged over {}", enumerated(&contrast.averaged_over))
    };
    let split = if study.split_per_seed { "over splits" } else { "on one split" };
    let place = format!("{averaged}, {split}");
    let unlike = replaced
        .map_or_else(String::new, |other| format!(" ({}.)", begun(&units_differ(study, other))));
    let signed = format!(
        "changed {metric} by {} ({})",
        fixed(estimate, decimals(contrast)),
        evidence(contrast, false)
    );
    let seeds =
        |n: usize, what: &str| format!("; about {} would be needed {what}", counted(n, "seed"));
    let more = needed(contrast).map(|n| seeds(n, "for the effect seen")).unwrap_or_default();

    if contrast.n < PAIRS_FOR_INTERVAL {
        return format!(
            "Too few seeds to tell: {change} {signed}{place}; too few even to say how many would be \
             needed: take {PAIRS_FOR_P} or more.{unlike}"
        );
    }
    if contrast.n < PAIRS_FOR_P {
        return format!("Too few seeds to tell: {change} {signed}{place}{more}.{unlike}");
    }
    if contrast.ci95 == Some([0.0, 0.0]) {
        let seeds = contrast.n;
        return format!(
            "No difference: {change} left {metric} as it was in all {seeds} seeds{place}.{unlike}"
        );
    }
    if !is_conclusive(contrast) {
        return format!("Cannot tell: {change} {signed}{place}{more}.{unlike}");
    }
    if let Some(p) = contrast.p_holm.filter(|p| *p >= ALPHA) {
        // Where not even the same sign in all seeds could pass, that is what there is to know.
        let least = pairs_for_family(family, ALPHA);
        let more = if contrast.n < least {
            format!("; among that many effects none can be told with fewer than {least} seeds")
        } else {
            String::new()
        };
        return format!(
            "Cannot tell after correction for the {family} effects tested (Holm: {}): {change} \
             {signed}{place}{more}.{unlike}",
            p_text(p)
        );
    }
    let better = Monitored::new(metric).better(estimate, 0.0);
    format!(
        "{}: {change} {}{place}.{unlike}",
        if better { "Better" } else { "Worse" },
        effect(contrast, estimate)
    )
}

/// With a capital letter, where it begins with a word of ours.
fn begun(sentence: &str) -> String {
    match sentence.strip_prefix("the ") {
        Some(rest) => format!("The {rest}"),
        None => sentence.to_owned(),
    }
}

/// `the unit of test_loss depends on training.loss`
fn units_differ(study: &ExperimentSummary, contrast: &Contrast) -> String {
    let causes = causes(study.factors.iter().map(|factor| factor.key.as_str()));
    let causes: Vec<String> = causes.into_iter().map(str::to_owned).collect();
    if causes.is_empty() {
        format!("{} is not in the same unit in all arms", contrast.metric)
    } else {
        format!("the unit of {} depends on {}", contrast.metric, enumerated(&causes))
    }
}

/// `lowers test_loss by 0.021 (95 % interval 0.011 to 0.031, p = 0.002, better in 10 of 10 seeds)`
fn effect(contrast: &Contrast, estimate: f64) -> String {
    format!(
        "{} {} by {} ({})",
        if estimate < 0.0 { "lowers" } else { "raises" },
        contrast.metric,
        fixed(estimate.abs(), decimals(contrast)),
        evidence(contrast, estimate < 0.0)
    )
}

/// Interval, p and wins; the interval of the lowering where the effect is told as one.
fn evidence(contrast: &Contrast, lowering: bool) -> String {
    let mut parts = Vec::new();
    if let Some([low, high]) = contrast.ci95 {
        let (low, high) = if lowering { (-high, -low) } else { (low, high) };
        let digits = decimals(contrast);
        parts.push(format!("95 % interval {} to {}", fixed(low, digits), fixed(high, digits)));
    }
    parts.extend(contrast.p.map(p_text));
    parts.push(format!("better in {} of {}", contrast.wins, counted(contrast.n, "seed")));
    parts.join(", ")
}

fn is_conclusive(contrast: &Contrast) -> bool {
    excludes_zero(contrast) && contrast.p.is_some_and(|p| p < ALPHA)
}

fn excludes_zero(contrast: &Contrast) -> bool {
    contrast.ci95.is_some_and(|[low, high]| low > 0.0 || high < 0.0)
}

/// Seeds for the effect seen, where there are enough to estimate it; a p-value takes six.
fn needed(contrast: &Contrast) -> Option<usize> {
    if contrast.n < PAIRS_FOR_INTERVAL {
        return None;
    }
    let needed = contrast.seeds_for_80pct_power?.max(PAIRS_FOR_P);
    // The effect itself is an estimate: a third digit would be made up.
    let round = if needed < 100 { 1 } else { 10_usize.pow(needed.ilog10() - 1) };
    Some(needed.div_ceil(round) * round).filter(|n| *n > contrast.n)
}

fn level(contrast: &Contrast, index: usize) -> String {
    contrast.levels.get(index).map(text).unwrap_or_default()
}

/// Where a factor's effect depends on another: what it is at either level of that.
fn interaction(
    contrast: &Contrast,
    simple: &HashMap<&str, Vec<&Contrast>>,
    family: usize,
) -> Option<String> {
    if contrast.n < PAIRS_FOR_P || !excludes_zero(contrast) {
        return None;
    }
    let (a, b) = contrast.name.split_once('*')?;
    let [Value::Array(of_a), Value::Array(of_b)] = &contrast.levels[..] else { return None };
    let changed = format!("{} instead of {}", text(of_a.get(1)?), text(of_a.first()?));
    // Among many factors some interval excludes 0 by chance.
    if let Some(p) = contrast.p_holm.filter(|p| *p >= ALPHA) {
        return Some(format!(
            "The effect of {a} {changed} may depend on {b} ({} instead of {}): it differs by {} \
             ({}); corrected for the {family} effects tested (Holm) it is {}.",
            text(of_b.get(1)?),
            text(of_b.first()?),
            fixed(contrast.estimate?, decimals(contrast)),
            evidence(contrast, false),
            p_text(p)
        ));
    }
    let at_level = |at: &Value| {
        let named = simple.get(simple_name(a, b, at).as_str())?;
        let found = named.iter().find(|c| c.levels == *of_a)?;
        let estimate = found.estimate?;
        let what = if excludes_zero(found) {
            effect(found, estimate)
        } else {
            let signed = fixed(estimate, decimals(found));
            format!("does nothing clear to {}, {signed} ({})", found.metric, evidence(found, false))
        };
        Some(format!("with {b} {} it {what}", text(at)))
    };
    let (here, there) = (at_level(of_b.first()?)?, at_level(of_b.get(1)?)?);
    Some(format!("The effect of {a} {changed} depends on {b}: {here}; {there}."))
}

/// `patience saved 63 % of the epochs (12.1 s of 19.0 s) and gave up 0.001 of val_loss`, with over
/// which trainings where that is not all of them.
fn stopping(saving: &Saving) -> String {
    let Some(epochs) = saving.epochs_saved else {
        return format!("What {} saved is unknown.", saving.rule);
    };
    let seconds = match (saving.seconds_saved, saving.full_seconds) {
        (Some(saved), Some(all)) => format!(" ({} s of {} s)", seconds(saved), seconds(all)),
        _ => String::new(),
    };
    let mut regrets = Vec::new();
    let mut verb = "";
    for (regret, metric) in
        [(saving.val_regret, saving.monitor.as_str()), (saving.test_regret, super::PRIMARY)]
    {
        let Some(regret) = regret else { continue };
        let size = if regret == 0.0 { "nothing".to_owned() } else { figure(regret.abs(), 2) };
        let this = if regret < 0.0 { "gained " } else { "gave up " };
        regrets.push(format!("{}{size} of {metric}", if this == verb { "" } else { this }));
        verb = this;
    }
    let of_those = match saving.n_full {
        full if full < saving.n => format!(" in {full} of them"),
        _ => String::new(),
    };
    let cost = if !regrets.is_empty() {
        let regrets = regrets.join(" and ");
        format!(" and {regrets} against the best checkpoint of the full run{of_those}")
    } else if saving.units_differ {
        "; what it gave up is in another unit in each arm".to_owned()
    } else if saving.n_full > 0 {
        "; what it gave up is unknown, since it was not recorded".to_owned()
    } else {
        "; what it gave up is unknown, since its own trainings stopped there".to_owned()
    };
    let over = if saving.diverged > 0 {
        let all = counted(saving.n + saving.diverged, "training");
        format!(" over the {} of {all} that did not diverge", saving.n)
    } else if !of_those.is_empty() && !regrets.is_empty() {
        format!(" over {}", counted(saving.n, "training"))
    } else {
        String::new()
    };
    format!("{} saved {:.0} % of the epochs{seconds}{over}{cost}.", saving.rule, 100.0 * epochs)
}

/// Decimals at which half the interval's width has two digits; the estimate's where there is none.
fn decimals(contrast: &Contrast) -> usize {
    let width = contrast.ci95.map(|[low, high]| 0.5 * (high - low)).filter(|width| *width > 0.0);
    decimals_for(width.or(contrast.estimate).unwrap_or(0.0), 2)
}

fn seconds(value: f64) -> String {
    fixed(value, if value.abs() < 1.0 { 2 } else { 1 })
}

/// `p = 0.016`, `p < 0.001`.
fn p_text(p: f64) -> String {
    if p < 0.001 {
        "p < 0.001".to_owned()
    } else {
        format!("p = {}", fixed(p, decimals_for(p, 2).min(3)))
    }
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
