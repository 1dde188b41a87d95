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

/// The values tried for an arm, and the mean `val_loss` of each; none where all diverged.
pub type Scores = Vec<(Factors, Option<f64>)>;

/// What a conclusion says.
#[derive(Debug, Clone, PartialEq)]
pub enum Finding {
    /// There is nothing to contrast.
    OneArm {
        /// The one arm.
        arm: Factors,
        /// Whether filters left the others out.
        is_filtered: bool,
        /// Whether its trainings are those of another tool.
        is_foreign: bool,
    },
    /// What a level of a factor does.
    Effect(Effect),
    /// How the effect of one factor differs with another.
    Interaction(Interaction),
    /// What a stopping rule saved and cost.
    Stopping(Saving),
    /// What keeping the best epoch of the full run did, in place of the last.
    Checkpoint {
        /// The best epoch against the last.
        contrast: Contrast,
        /// The epochs of the full run, where all have as many.
        epochs: Option<usize>,
    },
    /// Which arm is best, and which cannot be told from it.
    Best(Best),
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
    /// What `[tune]` tried, and what it cost.
    Tried {
        /// Each arm with the values tried and the mean `val_loss` of each.
        arms: Vec<(Factors, Scores)>,
        /// Of each arm, the trainings spent.
        trainings: Vec<usize>,
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
    /// Which rows it is about.
    pub scope: Scope,
    /// What so many seeds can show.
    pub detectable: Option<Detectable>,
    /// The smallest difference that matters, in the metric's unit, where one was given.
    pub margin: Option<f64>,
    /// Why the primary metric cannot be compared, where it cannot.
    pub units_differ: Option<UnitsDiffer>,
}

/// Which rows a difference is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Each seed has its own split: rows like these.
    Splits,
    /// What other tools split is not known: it is about the rows of their runs alone.
    Unknown,
    /// All seeds share one split, and it is about its rows alone.
    OneSplit {
        /// The part of the rows that the metric is of, `test` or `validation`, and how many these are; none
        /// where that is not known.
        rows: Option<(&'static str, usize)>,
    },
}

/// The difference that so many seeds show in four of five experiments.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detectable {
    /// In standard deviations of the differences.
    pub deviations: f64,
    /// In the metric's unit.
    pub size: f64,
}

/// The best arm of an experiment by its primary metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Best {
    /// The metric.
    pub metric: String,
    /// The arm.
    pub arm: Factors,
    /// Its mean.
    pub mean: f64,
    /// Arms that cannot be told from it, by the intervals of the difference and by p, corrected for all pairs of
    /// arms (Bonferroni).
    pub not_told: Vec<Factors>,
    /// All other arms.
    pub others: usize,
    /// Whether its trainings are those of another tool, of whose rows nothing is known.
    pub is_foreign: bool,
    /// What answering without looking at the inputs comes to: the shares of the classes, or the mean.
    pub chance: Option<f64>,
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
/// Better or worse only where both intervals, over the seeds and over seeds and test rows, exclude 0 and the
/// p-value is below 0.05, also when corrected for all effects tested, over six seeds or more; of seeds that
/// diverged at one level alone, where the signed ranks say so. And only where no other factor turns the sign.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verdict {
    /// The second level is better.
    Better,
    /// The second level is worse.
    Worse,
    /// It would be better, worse or the same on average, and another factor decides over that.
    Depends {
        /// Whether that is clear; else the sign turns at some level, and it may be chance.
        is_clear: bool,
        /// The least and the largest effect, where it is clear and of one sign at every level of what it
        /// depends on: then only its size depends.
        sizes: Option<[f64; 2]>,
    },
    /// The two levels have the same values in all seeds.
    NoDifference,
    /// The interval lies within the margin that was asked for.
    Equivalent {
        /// In the metric's unit.
        margin: f64,
    },
    /// Clear over the seeds, and other test rows may say otherwise.
    OtherRows,
    /// The interval covers 0, or the p-value is not small.
    CannotTell,
    /// Clear by itself, and not after correction for all effects tested.
    CannotTellCorrected {
        /// The effects tested.
        effects: usize,
        /// Seeds below which none of so many effects can be told, where these here are fewer.
        least_seeds: Option<usize>,
    },
    /// Too few pairs for a p-value.
    TooFewSeeds,
    /// No seed has a finite value in every arm concerned.
    NoPair,
    /// The metric is not in one unit, and no other was recorded.
    NotComparable,
}

impl Verdict {
    /// Whether it needs no more seeds. That all are equal so far says little of those to come.
    #[must_use]
    pub fn is_decided(&self) -> bool {
        matches!(
            self,
            Self::Better
                | Self::Worse
                | Self::Depends { is_clear: true, .. }
                | Self::Equivalent { .. }
                | Self::NotComparable
        )
    }
}

/// How the effect of one factor differs with another.
#[derive(Debug, Clone, PartialEq)]
pub struct Interaction {
    /// The factor whose effect it is.
    pub factor: String,
    /// The level, and the one that it is in place of.
    pub levels: Vec<Value>,
    /// The factor that it depends on.
    pub other: String,
    /// The effect at each level of the other.
    pub simple: Vec<(Value, Contrast)>,
    /// Whether the interaction itself is clear; else the effect has another sign at some level, and whether
    /// that is chance cannot be told.
    pub is_clear: bool,
    /// Which rows it is about.
    pub scope: Scope,
}
