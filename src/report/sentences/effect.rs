//! What a level of a factor does, in a sentence that begins with the verdict.

use serde_json::Value;

use super::phrase::{change, level_of};
use crate::compare::{
    Contrast, Detectable, Divergences, Effect, Interaction, Scope, UnitsDiffer, Verdict,
};
use crate::report::number::{decimals, figure, fixed, p_equals, signed};
use crate::stats::{PAIRS_FOR_INTERVAL, PAIRS_FOR_P, t_quantile_ratio};
use crate::text::{counted, enumerated};

/// An effect.
#[allow(clippy::too_many_lines)] // a sentence for each verdict
pub(super) fn effect(effect: &Effect) -> String {
    let Effect { contrast, verdict, scope, detectable, margin, units_differ } = effect;
    let metric = &contrast.metric;
    let change = change(&contrast.name, &contrast.levels);
    let averaged = match &contrast.averaged_over[..] {
        [] => String::new(),
        others => format!(", averaged over {}", enumerated(others)),
    };
    let changed = || format!("{change} {}{averaged}", changed(contrast));
    let (verdict, rest) = match verdict {
        Verdict::NotComparable => {
            let unlike = units_differ.as_ref().map(not_in_one_unit).unwrap_or_default();
            return format!(
                "Nothing to tell: {unlike}, and no metric that {change} could be told by was recorded."
            );
        }
        Verdict::NoPair if contrast.not_shared.iter().any(|seeds| !seeds.is_empty()) => {
            return format!(
                "Nothing to tell: no seed has every arm that {change} concerns: run all with the same seeds, or compare \
                 them with --unpaired."
            );
        }
        Verdict::NoPair => {
            return format!(
                "Nothing to tell: no seed has a finite {metric} in every arm that {change} concerns."
            );
        }
        Verdict::TooFewSeeds if contrast.n < PAIRS_FOR_INTERVAL => (
            "Too few seeds to tell",
            format!("{}; too few even for an interval: take {PAIRS_FOR_P} or more.", changed()),
        ),
        Verdict::TooFewSeeds => {
            ("Too few seeds to tell", format!("{}; take {PAIRS_FOR_P} or more.", changed()))
        }
        Verdict::NoDifference => (
            "No difference",
            format!("{change} left {metric} as it was in all {} seeds{averaged}.", contrast.n),
        ),
        Verdict::Equivalent { margin } => (
            "No difference that matters",
            format!(
                "{change} {}{averaged}: within the margin of {}.",
                changed_by(contrast, equivalence_interval(contrast)),
                figure(*margin, 2)
            ),
        ),
        Verdict::OtherRows => return other_rows(contrast, scope, &change, &averaged),
        Verdict::CannotTell => (
            "Cannot tell",
            format!(
                "{}.{}{}",
                changed(),
                margin.and_then(|margin| ruled_out(contrast, margin)).unwrap_or_default(),
                detectable.map(|d| shows(contrast, d)).unwrap_or_default()
            ),
        ),
        Verdict::CannotTellCorrected { effects, least_seeds } => {
            let more = least_seeds.map_or_else(
                || detectable.map(|d| shows(contrast, d)).unwrap_or_default(),
                |least| {
                    format!(
                        " Among that many effects none can be detected with fewer than {least} seeds."
                    )
                },
            );
            let corrected =
                format!("after correction for the {effects} effects tested, {}", changed());
            ("Cannot tell", format!("{corrected}.{more}"))
        }
        Verdict::Depends { sizes: Some([low, high]), .. } => {
            let (did, [least, most]) =
                if *low < 0.0 { ("lowers", [-high, -low]) } else { ("raises", [*low, *high]) };
            let digits = digits(contrast);
            (
                "It depends by how much",
                format!(
                    "{change} {did} {metric} at every level of what it depends on (see above), by {} to {}.",
                    fixed(least, digits),
                    fixed(most, digits)
                ),
            )
        }
        Verdict::Depends { is_clear: true, .. } => (
            "It depends",
            format!("{change} has no effect on average that holds for every arm (see above)."),
        ),
        Verdict::Depends { .. } => (
            "Cannot tell",
            format!("on average {}, which is no answer for every arm (see above).", changed()),
        ),
        Verdict::Better => ("Better", format!("{change} {}{averaged}.", movement(contrast))),
        Verdict::Worse => ("Worse", format!("{change} {}{averaged}.", movement(contrast))),
    };
    let sentence = match on_one_split(scope) {
        None => format!("{verdict}: {rest}"),
        Some(rows) => format!("{rows}, {}: {rest}", verdict.to_lowercase()),
    };
    let seeds_alone = if contrast.is_no_mean_over_rows {
        format!(" (The interval is over the seeds alone: {metric} is not a mean over rows.)")
    } else {
        String::new()
    };
    match units_differ {
        Some(unlike) => format!("{sentence}{seeds_alone} ({}.)", begun(&not_in_one_unit(unlike))),
        None => format!("{sentence}{seeds_alone}"),
    }
}

/// `On these 359 test rows`; none where each seed has its own split.
fn on_one_split(scope: &Scope) -> Option<String> {
    match scope {
        Scope::Splits => None,
        Scope::Unknown => Some("In these runs".to_owned()),
        Scope::OneSplit { rows: Some((part, rows)) } => {
            Some(format!("On these {rows} {part} rows"))
        }
        Scope::OneSplit { rows: None } => Some("On this one split".to_owned()),
    }
}

/// Clear over the seeds, and not over other rows.
fn other_rows(contrast: &Contrast, scope: &Scope, change: &str, averaged: &str) -> String {
    let interval = |interval: Option<[f64; 2]>| {
        interval.map_or("unknown".to_owned(), |[low, high]| {
            let digits = digits(contrast);
            format!("{} to {}", signed(low, digits), signed(high, digits))
        })
    };
    let estimate = signed(contrast.estimate.unwrap_or(f64::NAN), digits(contrast));
    let of_seeds = match &contrast.samples {
        None => format!("interval over seeds {}", interval(contrast.ci95_seeds)),
        Some(_) => evidence(contrast, self::interval(contrast), false),
    };
    let counted_rows = match (contrast.test_rows, contrast.ci95_splits) {
        (Some(rows), splits) if !contrast.excludes_zero() || splits.is_none() => {
            format!("with the {rows} test rows {}", interval(contrast.ci95))
        }
        (Some(rows), splits) => format!(
            "with the {rows} test rows and the overlap of the training rows {}",
            interval(splits)
        ),
        (None, Some(splits)) => {
            format!("with the overlap of the splits {} (Nadeau & Bengio)", interval(Some(splits)))
        }
        (None, None) if contrast.is_no_mean_over_rows => {
            format!("no interval counts the rows, since {} is no mean over them", contrast.metric)
        }
        (None, None) if *scope == Scope::Unknown => {
            "no interval counts the rows, which the logs do not tell of".to_owned()
        }
        (None, None) if contrast.samples.is_some() => {
            "no interval counts the rows where seeds are not paired".to_owned()
        }
        (None, None) => format!(
            "no interval counts the rows, since {} of each was not recorded (bnes run --fresh does)",
            contrast.metric
        ),
    };
    let said = format!(
        "{change} was {}; other rows may say otherwise: {} changed by {estimate}{averaged}, {of_seeds}, \
         {counted_rows}.",
        better_or_worse(contrast),
        contrast.metric
    );
    match on_one_split(scope) {
        None => format!("Cannot tell: {said}"),
        Some(rows) => format!("{rows}, {said}"),
    }
}

/// What the interval rules out, where it is not small enough for a margin.
fn ruled_out(contrast: &Contrast, margin: f64) -> Option<String> {
    let [low, high] = contrast.ci95?;
    let digits = digits(contrast);
    Some(format!(
        " Ruled out is what lowers it by more than {} or raises it by more than {}; the margin is {}.",
        signed(f64::max(-low, 0.0), digits),
        signed(f64::max(high, 0.0), digits),
        figure(margin, 2)
    ))
}

/// What so many seeds can show.
fn shows(contrast: &Contrast, detectable: Detectable) -> String {
    format!(
        " {} show a difference of {} standard deviations of the differences, here {} of {}, in 8 of 10 \
         such experiments; half as much takes four times the seeds.",
        counted(contrast.n, "seed"),
        figure(detectable.deviations, 2),
        figure(detectable.size, 2),
        contrast.metric
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
fn not_in_one_unit(UnitsDiffer { metric, causes }: &UnitsDiffer) -> String {
    if causes.is_empty() {
        format!("{metric} is not in the same unit in all arms")
    } else {
        format!("the unit of {metric} depends on {}", enumerated(causes))
    }
}

/// `changed test_loss by 0.021 (95 % interval 0.011 to 0.031, p = 0.002, better in 10 of 10 seeds)`
pub(super) fn changed(contrast: &Contrast) -> String {
    match &contrast.divergences {
        Some(divergences) => diverged(contrast, divergences),
        None => changed_by(contrast, interval(contrast)),
    }
}

fn changed_by(contrast: &Contrast, interval: Option<Interval>) -> String {
    format!(
        "changed {} by {} ({})",
        contrast.metric,
        signed(contrast.estimate.unwrap_or(f64::NAN), digits(contrast)),
        evidence(contrast, interval, false)
    )
}

/// `lowers test_loss by 0.021 (95 % interval 0.011 to 0.031, p = 0.002, better in 10 of 10 seeds)`
fn movement(contrast: &Contrast) -> String {
    if let Some(divergences) = &contrast.divergences {
        return diverged(contrast, divergences);
    }
    let estimate = contrast.estimate.unwrap_or(f64::NAN);
    format!(
        "{} {} by {} ({})",
        if estimate < 0.0 { "lowers" } else { "raises" },
        contrast.metric,
        signed(estimate.abs(), digits(contrast)),
        evidence(contrast, interval(contrast), estimate < 0.0)
    )
}

/// `diverged in 12 of 12 seeds, against 0 (p < 0.001)`: such seeds have no size, so there is no mean.
fn diverged(contrast: &Contrast, divergences: &Divergences) -> String {
    let Divergences { losses_by_divergence, wins_by_divergence, .. } = divergences;
    let seeds = match &contrast.samples {
        Some(samples) => counted(samples.second, "training"),
        None => counted(contrast.pairs(), "seed"),
    };
    let mut parts: Vec<String> = Vec::new();
    if contrast.n > 0 {
        parts.push(format!("of the others {}", wins(contrast)));
    }
    parts.extend(contrast.p.map(p_equals));
    parts.extend(corrected(contrast));
    let parts = if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) };
    let of_others =
        contrast.samples.map_or(String::new(), |samples| format!(" of {}", samples.first));
    format!(
        "diverged in {losses_by_divergence} of {seeds}, against {wins_by_divergence}{of_others}{parts}"
    )
}

/// Interval, p and wins; the interval of the lowering where the effect is told as one.
fn evidence(contrast: &Contrast, interval: Option<Interval>, lowering: bool) -> String {
    let mut parts = Vec::new();
    if let Some(([low, high], percent)) = interval {
        let (low, high) = if lowering { (-high, -low) } else { (low, high) };
        let digits = digits(contrast);
        parts.push(format!(
            "{percent} % interval {} to {}",
            signed(low, digits),
            signed(high, digits)
        ));
    }
    parts.extend(contrast.p.map(p_equals));
    parts.extend(corrected(contrast));
    parts.push(wins(contrast));
    parts.join(", ")
}

/// An interval and its level in percent.
type Interval = ([f64; 2], String);

/// The interval by which the levels are called equivalent.
fn equivalence_interval(contrast: &Contrast) -> Option<Interval> {
    let (interval, level) = contrast.equivalence_interval()?;
    let percent = 100.0 * level;
    Some((
        interval,
        if contrast.sequential.is_some() { fixed(percent, 1) } else { fixed(percent, 0) },
    ))
}

/// The interval to report: of a run with several looks that of the error spent.
fn interval(contrast: &Contrast) -> Option<Interval> {
    let [low, high] = contrast.ci95?;
    let Some(look) = &contrast.sequential else { return Some(([low, high], "95".to_owned())) };
    let ratio = t_quantile_ratio(1.0 - 0.5 * look.spent, 0.975, contrast.degrees())?;
    let (middle, half) = (f64::midpoint(low, high), 0.5 * (high - low) * ratio);
    let percent = fixed(100.0 * (1.0 - look.spent), 1);
    Some(([middle - half, middle + half], percent))
}

/// `Holm 0.035`, where it is another figure than p.
fn corrected(contrast: &Contrast) -> Option<String> {
    let holm = contrast.p_holm.filter(|holm| contrast.p != Some(*holm))?;
    let holm = p_equals(holm);
    Some(format!("Holm {}", holm.strip_prefix("p ").unwrap_or(&holm).trim_start_matches("= ")))
}

/// `worse in 9 of 10 seeds`: what it was in most.
fn better_or_worse(contrast: &Contrast) -> String {
    let (Some(better), Some(equal)) = (contrast.wins, contrast.ties) else {
        let leans = contrast.leans_to_better() == Some(true);
        return format!("{} on average", if leans { "better" } else { "worse" });
    };
    let losses = contrast.n - better - equal;
    if losses > better {
        format!("worse in {losses} of {}", counted(contrast.n, "seed"))
    } else {
        wins(contrast)
    }
}

/// `better in 3, equal in 1 of 10 seeds`
fn wins(contrast: &Contrast) -> String {
    if let Some(samples) = &contrast.samples {
        return format!("{} against {} trainings, not paired", samples.second, samples.first);
    }
    let seeds = counted(contrast.n, "seed");
    let better = contrast.wins.unwrap_or(0);
    match contrast.ties {
        None | Some(0) => format!("better in {better} of {seeds}"),
        Some(ties) => format!("better in {better}, equal in {ties} of {seeds}"),
    }
}

/// How the effect of one factor depends on another.
pub(super) fn interaction(interaction: &Interaction) -> String {
    let Interaction { factor, levels, other, simple, is_clear, scope } = interaction;
    let change = change(factor, levels);
    let at = |(level, contrast): &(Value, Contrast)| {
        let level = level_of(other, level);
        let over_splits = matches!(scope, Scope::Splits);
        if contrast.is_clear_beyond_rows(over_splits) || contrast.divergences.is_some() {
            format!("with {level} it {}", movement(contrast))
        } else {
            format!("with {level} it cannot be told ({})", figures(contrast))
        }
    };
    let of_levels = simple.iter().map(at).collect::<Vec<_>>().join("; ");
    let said = if *is_clear {
        format!("what {change} does depends on {other}: {of_levels}.")
    } else {
        format!(
            "the sign of what {change} does is not the same at every level of {other}, and whether that is \
             chance cannot be told: {of_levels}."
        )
    };
    match on_one_split(scope) {
        None if *is_clear => format!("It depends: {said}"),
        None => format!("Cannot tell on average: {said}"),
        Some(rows) if *is_clear => format!("{rows}, it depends: {said}"),
        Some(rows) => format!("{rows}, {said}"),
    }
}

fn figures(contrast: &Contrast) -> String {
    let estimate = signed(contrast.estimate.unwrap_or(f64::NAN), digits(contrast));
    format!("{} {estimate}, {}", contrast.metric, evidence(contrast, interval(contrast), false))
}

/// What keeping the best epoch did.
pub(super) fn checkpoint(contrast: &Contrast, epochs: Option<usize>) -> String {
    let budget = epochs.map_or("this budget".to_owned(), |epochs| {
        format!("this budget of {}", counted(epochs, "epoch"))
    });
    let did = if contrast.ties == Some(contrast.n) && contrast.divergences.is_none() {
        format!("left {} as it was in all {}", contrast.metric, counted(contrast.n, "seed"))
    } else {
        changed(contrast)
    };
    format!("Keeping the best epoch of the full run instead of the last {did} at {budget}.")
}

/// Decimals at which half the interval's width has two digits; the estimate's where there is none.
pub(super) fn digits(contrast: &Contrast) -> usize {
    let width = contrast.ci95.map(|[low, high]| 0.5 * (high - low)).filter(|width| *width > 0.0);
    decimals(width.or(contrast.estimate).unwrap_or(0.0), 2)
}
