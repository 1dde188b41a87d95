//! What can be concluded, as data; the sentences are the report's.

use serde_json::Value;

use super::across::AcrossDataSets;
use super::contrast::Contrast;
use super::savings::Saving;
use crate::config::Factors;

/// A conclusion.
#[derive(Debug, Clone, PartialEq)]
pub struct Conclusion {
    /// The experiment; none where it is about several data sets.
    pub experiment: Option<String>,
    /// What it says, with its figures.
    pub finding: Finding,
}

/// What a conclusion says.
#[derive(Debug, Clone, PartialEq)]
pub enum Finding {
    /// There is nothing to contrast.
    OneArm {
        /// The one arm.
        arm: Factors,
        /// Whether filters left the others out.
        is_filtered: bool,
    },
    /// What a level of a factor does.
    Effect(Effect),
    /// How the effect of one factor differs with another.
    Interaction(Interaction),
    /// What a stopping rule saved and cost.
    Stopping(Saving),
    /// An arm diverged in some seeds.
    Diverged {
        /// The arm.
        arm: Factors,
        /// In so many seeds.
        diverged: usize,
        /// Of so many.
        n: usize,
        /// How many of those kept weights with a finite value all the same.
        kept: usize,
        /// Of this metric.
        metric: String,
    },
    /// What `[tune]` chose for a key.
    Tuned {
        /// The key.
        key: String,
        /// For so many arms.
        arms: usize,
        /// Each arm and the value chosen for it.
        chosen: Vec<(Factors, Value)>,
    },
    /// The best value of a key lay on the edge of the values to try, and more were tried.
    GridExtended {
        /// The key.
        key: String,
        /// The arms with the values that were added for them.
        added: Vec<(Factors, Vec<Value>)>,
    },
    /// How arms rank over several data sets.
    Ranks(AcrossDataSets),
}

/// What a level of a factor does, against the first level.
#[derive(Debug, Clone, PartialEq)]
pub struct Effect {
    /// The difference, in the primary metric or in one that stands in for it.
    pub contrast: Contrast,
    /// What its figures say.
    pub verdict: Verdict,
    /// Whether each seed has its own split of the rows.
    pub over_splits: bool,
    /// Why the primary metric cannot be compared, where it cannot.
    pub units_differ: Option<UnitsDiffer>,
}

/// Why a metric cannot be compared: it is not in one unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitsDiffer {
    /// The metric.
    pub metric: String,
    /// The factors that its unit depends on, where they are known.
    pub causes: Vec<String>,
}

/// What the figures of an effect say.
///
/// Better or worse only where the interval excludes 0 and the p-value is below 0.05, also when
/// corrected for all effects tested, over six seeds or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The second level is better.
    Better,
    /// The second level is worse.
    Worse,
    /// The two levels have the same values in all seeds.
    NoDifference,
    /// The interval covers 0, or the p-value is not small.
    CannotTell {
        /// Seeds that would show an effect of the size seen.
        seeds_needed: Option<usize>,
    },
    /// Clear by itself, and not after correction for all effects tested.
    CannotTellCorrected {
        /// The effects tested.
        effects: usize,
        /// Seeds below which none of so many effects can be told, where these here are fewer.
        least_seeds: Option<usize>,
        /// Seeds that would show an effect of the size seen.
        seeds_needed: Option<usize>,
    },
    /// Too few pairs for a p-value.
    TooFewSeeds {
        /// Seeds that would show an effect of the size seen.
        seeds_needed: Option<usize>,
    },
    /// No seed has a finite value in every arm concerned.
    NoPair,
    /// The metric is not in one unit, and no other was recorded.
    NotComparable,
}

/// How the effect of one factor differs with another.
#[derive(Debug, Clone, PartialEq)]
pub enum Interaction {
    /// It does.
    Depends {
        /// The interaction.
        contrast: Contrast,
        /// The effect of the first factor at the first and at the second level of the other.
        simple: Box<[Contrast; 2]>,
    },
    /// It does by itself, and not after correction for all effects tested.
    MayDepend {
        /// The interaction.
        contrast: Contrast,
        /// The effects tested.
        effects: usize,
    },
}
