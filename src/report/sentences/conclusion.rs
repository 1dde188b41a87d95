//! A conclusion in a sentence.

use super::best::best;
use super::effect::{checkpoint, effect, interaction};
use super::phrase::arm_name;
use super::stopping::stopping;
use super::tuning::{extended, tried, tuned};
use crate::compare::label::text;
use crate::compare::{AcrossDataSets, Comparison, Conclusion, Finding, RankedArm};
use crate::config::Factors;
use crate::report::number::{figure, p_value};
use crate::stats::PAIRS_FOR_P;
use crate::text::{counted, enumerated};

/// A conclusion of a comparison, which names its experiment where there are several.
#[must_use]
pub fn conclusion(conclusion: &Conclusion, comparison: &Comparison) -> String {
    let sentence = finding(&conclusion.finding);
    match &conclusion.experiment {
        Some(name) if comparison.experiments.len() > 1 => format!("{name}: {sentence}"),
        _ => sentence,
    }
}

/// What a conclusion says.
#[must_use]
pub fn finding(finding: &Finding) -> String {
    match finding {
        Finding::OneArm { arm, is_filtered, is_foreign } => one_arm(arm, *is_filtered, *is_foreign),
        Finding::Effect(found) => effect(found),
        Finding::Interaction(found) => interaction(found),
        Finding::Stopping(saving) => stopping(saving),
        Finding::Checkpoint { contrast, epochs } => checkpoint(contrast, *epochs),
        Finding::Best(found) => best(found),
        Finding::Diverged { arm, diverged, n, kept, metric } => {
            let name = if arm.is_empty() { "The one arm".to_owned() } else { arm_name(arm) };
            let seeds = counted(*n, "seed");
            format!(
                "{name} diverged in {diverged} of {seeds}; {kept} of them kept weights with a finite \
                 {metric}."
            )
        }
        Finding::Tuned { key, arms, chosen } => tuned(key, *arms, chosen),
        Finding::Tried { arms, trainings } => tried(arms, trainings),
        Finding::GridExtended { key, added } => extended(key, added),
        Finding::Ranks(across) => ranks(across),
    }
}

fn one_arm(arm: &Factors, is_filtered: bool, is_foreign: bool) -> String {
    let levels = if arm.is_empty() { String::new() } else { format!(" ({})", arm_name(arm)) };
    let how = if is_filtered {
        "ask for fewer levels with --where"
    } else if is_foreign {
        "--factor KEY names a parameter that tells arms apart, --pattern 'runs/{norm}/seed{seed}/metrics.csv' takes \
         one from paths or names"
    } else {
        "give a key several levels in [matrix], such as \"model.norm.kind\" = [\"none\", \
         \"batch\"], or name another experiment on the same data and split too"
    };
    format!("One arm{levels}, so there is nothing to contrast: {how}.")
}

/// What the ranks over data sets say.
fn ranks(across: &AcrossDataSets) -> String {
    let mut arms: Vec<&RankedArm> = across.arms.iter().collect();
    arms.sort_by(|a, b| a.average_rank.total_cmp(&b.average_rank));
    let named = |arm: &&RankedArm| {
        let levels: Vec<String> = arm.factors.values().map(text).collect();
        format!("{} {}", levels.join(" "), figure(arm.average_rank, 3))
    };
    let ranks: Vec<String> = arms.iter().map(named).collect();
    let sets = across.experiments.len();
    let said = format!(
        "Over {sets} data sets ({}), mean ranks in {}: {}",
        enumerated(&across.experiments),
        across.metric,
        enumerated(&ranks)
    );
    let (Some(p), Some(differs)) = (across.p_value(), across.differs()) else {
        return format!("{said}; below {PAIRS_FOR_P} data sets no test can tell them apart.");
    };
    let test = if across.p_wilcoxon.is_some() { "Wilcoxon" } else { "Friedman, Iman-Davenport" };
    let told = if !differs {
        "no difference can be detected".to_owned()
    } else if arms.len() == 2 {
        "they differ".to_owned()
    } else {
        format!(
            "ranks that are closer than {} cannot be told apart (Nemenyi)",
            figure(across.critical_difference, 3)
        )
    };
    let p = p_value(p);
    let p = p.strip_prefix('<').map_or_else(|| format!("= {p}"), |least| format!("< {least}"));
    format!("{said} ({test}: p {p}); {told}.")
}
