//! What a level of a factor does, in a sentence that begins with the verdict.

use serde_json::Value;

use crate::compare::label::text;
use crate::compare::{Contrast, Effect, Interaction, UnitsDiffer, Verdict};
use crate::report::number::{decimals, fixed, p_equals};
use crate::stats::{PAIRS_FOR_INTERVAL, PAIRS_FOR_P};
use crate::text::{counted, enumerated};

/// An effect.
pub(super) fn effect(effect: &Effect) -> String {
    let Effect { contrast, verdict, over_splits, units_differ } = effect;
    let metric = &contrast.metric;
    let change =
        format!("{} {} instead of {}", contrast.name, level(contrast, 1), level(contrast, 0));
    let signed = || {
        let estimate = fixed(contrast.estimate.unwrap_or(f64::NAN), digits(contrast));
        format!("{change} changed {metric} by {estimate} ({})", evidence(contrast, false))
    };
    let averaged = match &contrast.averaged_over[..] {
        [] => String::new(),
        others => format!(", averaged over {}", enumerated(others)),
    };
    let split = if *over_splits { "over splits" } else { "on one split" };
    let scope = format!("{averaged}, {split}");
    let seeds = |needed: Option<usize>| {
        let needed = needed.map(|n| counted(n, "seed"));
        needed.map_or_else(String::new, |seeds| {
            format!("; about {seeds} would be needed for the effect seen")
        })
    };
    let sentence = match verdict {
        Verdict::NotComparable => {
            let unlike = units_differ.as_ref().map(not_in_one_unit).unwrap_or_default();
            return format!(
                "Nothing to tell: {unlike}, and no metric that {change} could be told by was recorded."
            );
        }
        Verdict::NoPair => {
            return format!(
                "Nothing to tell: no seed has a finite {metric} in every arm that {change} concerns."
            );
        }
        Verdict::TooFewSeeds { .. } if contrast.n < PAIRS_FOR_INTERVAL => format!(
            "Too few seeds to tell: {}{scope}; too few even to say how many would be needed: take \
             {PAIRS_FOR_P} or more.",
            signed()
        ),
        Verdict::TooFewSeeds { seeds_needed } => {
            format!("Too few seeds to tell: {}{scope}{}.", signed(), seeds(*seeds_needed))
        }
        Verdict::NoDifference => format!(
            "No difference: {change} left {metric} as it was in all {} seeds{scope}.",
            contrast.n
        ),
        Verdict::CannotTell { seeds_needed } => {
            format!("Cannot tell: {}{scope}{}.", signed(), seeds(*seeds_needed))
        }
        Verdict::CannotTellCorrected { effects, least_seeds, seeds_needed } => {
            let more = least_seeds.map_or_else(
                || seeds(*seeds_needed),
                |least| {
                    format!(
                        "; among that many effects none can be detected with fewer than {least} seeds"
                    )
                },
            );
            format!(
                "Cannot tell after correction for the {effects} effects tested (Holm: {}): {}{scope}\
                 {more}.",
                contrast.p_holm.map(p_equals).unwrap_or_default(),
                signed()
            )
        }
        Verdict::Better => format!("Better: {change} {}{scope}.", movement(contrast)),
        Verdict::Worse => format!("Worse: {change} {}{scope}.", movement(contrast)),
    };
    match units_differ {
        Some(unlike) => format!("{sentence} ({}.)", begun(&not_in_one_unit(unlike))),
        None => sentence,
    }
}

/// With a capital letter, where it begins with a word of ours.
fn begun(sentence: &str) -> String {
    match sentence.strip_prefix("the ") {
        Some(rest) => format!("The {rest}"),
        None => sentence.to_owned(),
    }
}

/// `the unit of test_loss depends on training.loss`
fn not_in_one_unit(UnitsDiffer { metric, causes }: &UnitsDiffer) -> String {
    if causes.is_empty() {
        format!("{metric} is not in the same unit in all arms")
    } else {
        format!("the unit of {metric} depends on {}", enumerated(causes))
    }
}

/// `lowers test_loss by 0.021 (95 % interval 0.011 to 0.031, p = 0.002, better in 10 of 10 seeds)`
fn movement(contrast: &Contrast) -> String {
    let estimate = contrast.estimate.unwrap_or(f64::NAN);
    format!(
        "{} {} by {} ({})",
        if estimate < 0.0 { "lowers" } else { "raises" },
        contrast.metric,
        fixed(estimate.abs(), digits(contrast)),
        evidence(contrast, estimate < 0.0)
    )
}

/// Interval, p and wins; the interval of the lowering where the effect is told as one.
fn evidence(contrast: &Contrast, lowering: bool) -> String {
    let mut parts = Vec::new();
    if let Some([low, high]) = contrast.ci95 {
        let (low, high) = if lowering { (-high, -low) } else { (low, high) };
        let digits = digits(contrast);
        parts.push(format!("95 % interval {} to {}", fixed(low, digits), fixed(high, digits)));
    }
    parts.extend(contrast.p.map(p_equals));
    parts.push(format!("better in {} of {}", contrast.wins, counted(contrast.n, "seed")));
    parts.join(", ")
}

fn level(contrast: &Contrast, index: usize) -> String {
    contrast.levels.get(index).map(text).unwrap_or_default()
}

/// An interaction: the effect of one factor at either level of the other.
pub(super) fn interaction(interaction: &Interaction) -> String {
    match interaction {
        Interaction::MayDepend { contrast, effects } => {
            let Crossed { a, changed, b, levels: [here, there] } = Crossed::of(contrast);
            format!(
                "The effect of {a} {changed} may depend on {b} ({there} instead of {here}): it differs \
                 by {} ({}); corrected for the {effects} effects tested (Holm) it is {}.",
                fixed(contrast.estimate.unwrap_or(f64::NAN), digits(contrast)),
                evidence(contrast, false),
                contrast.p_holm.map(p_equals).unwrap_or_default()
            )
        }
        Interaction::Depends { contrast, simple: effects } => {
            let [first, second] = &**effects;
            let Crossed { a, changed, b, levels: [here, there] } = Crossed::of(contrast);
            format!(
                "The effect of {a} {changed} depends on {b}: with {b} {here} it {}; with {b} {there} it \
                 {}.",
                simple(first),
                simple(second)
            )
        }
    }
}

/// What an interaction is between.
struct Crossed<'a> {
    a: &'a str,
    /// `batch instead of none`.
    changed: String,
    b: &'a str,
    levels: [String; 2],
}

impl<'a> Crossed<'a> {
    fn of(contrast: &'a Contrast) -> Self {
        let (a, b) = contrast.name.split_once('*').unwrap_or((&contrast.name, ""));
        let level = |factor: usize, index: usize| {
            let levels = contrast.levels.get(factor).and_then(Value::as_array);
            levels.and_then(|levels| levels.get(index)).map(text).unwrap_or_default()
        };
        let changed = format!("{} instead of {}", level(0, 1), level(0, 0));
        Self { a, changed, b, levels: [level(1, 0), level(1, 1)] }
    }
}

fn simple(contrast: &Contrast) -> String {
    if contrast.excludes_zero() {
        return movement(contrast);
    }
    let estimate = fixed(contrast.estimate.unwrap_or(f64::NAN), digits(contrast));
    let evidence = evidence(contrast, false);
    format!("does nothing clear to {}, {estimate} ({evidence})", contrast.metric)
}

/// Decimals at which half the interval's width has two digits; the estimate's where there is none.
fn digits(contrast: &Contrast) -> usize {
    let width = contrast.ci95.map(|[low, high]| 0.5 * (high - low)).filter(|width| *width > 0.0);
    decimals(width.or(contrast.estimate).unwrap_or(0.0), 2)
}
