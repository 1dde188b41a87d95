//! What a comparison says: arms, contrasts, savings and ranks, as `--format json` writes them.

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::speed;
use super::tuning::TunedValues;
use crate::spec::{Factor, Factors};

/// Results side by side.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Every choice of levels, in the order of the matrix.
    pub arms: Vec<ArmSummary>,
    /// What arms may be held against without being one.
    pub references: Vec<ArmSummary>,
    /// What a change of level changes, the primary metric first.
    pub contrasts: Vec<Contrast>,
    /// What each rule saved and cost.
    pub early_stopping: Vec<Saving>,
    /// Arms that several data sets have in common, by their ranks.
    pub data_sets: Vec<AcrossDataSets>,
    /// How soon trainings reach a target, where one is asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub speed: Vec<speed::Speed>,
    /// What limits the conclusions.
    pub warnings: Vec<String>,
    /// The conclusions, a sentence each.
    pub verdict: Vec<String>,
    /// What was compared.
    pub experiments: Vec<ExperimentSummary>,
}

/// One experiment, or several plain ones that share data and split.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExperimentSummary {
    /// Its name; `a + b` of plain ones.
    pub name: String,
    /// The metric of the verdict.
    pub metric: String,
    /// What differs among its arms.
    pub factors: Vec<Factor>,
    /// Whether each seed has its own split of the rows.
    pub split_per_seed: bool,
    /// What `[tune]` chose.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tuning: Vec<TunedValues>,
}

/// An arm, or a reference, over its seeds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ArmSummary {
    /// The experiment.
    pub experiment: String,
    /// Its level of each factor.
    pub factors: Factors,
    /// What it is, where it is no arm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<&'static str>,
    /// The column that chose a reference's epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monitor: Option<String>,
    /// The seeds with a training that ended, ascending.
    pub seeds: Vec<u64>,
    /// How many these are.
    pub n: usize,
    /// How many of them diverged; they stay in.
    pub diverged: usize,
    /// Of the weights kept.
    pub metrics: Metrics,
}

/// Metrics by name, in the order of `run.json`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Metrics(pub Vec<(String, MetricSummary)>);

impl Metrics {
    /// A metric by name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&MetricSummary> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, metric)| metric)
    }
}

impl Serialize for Metrics {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, metric)| (name, metric)))
    }
}

/// One metric over the seeds of an arm.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MetricSummary {
    /// Over the finite values, as all that follows.
    pub mean: Option<f64>,
    /// With n - 1.
    pub sd: Option<f64>,
    /// The middle value.
    pub median: Option<f64>,
    /// Student's t interval of the mean; none below three values.
    pub ci95: Option<[f64; 2]>,
    /// In the order of the seeds; `None` where not finite.
    pub values: Vec<Option<f64>>,
}

/// What is contrasted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ContrastKind {
    /// A level against the first, averaged over the cells of the other factors.
    Main,
    /// How much one factor's difference differs between two levels of another.
    Interaction,
    /// A level against the first, at one level of another factor.
    Simple,
}

/// A difference between arms, seed by seed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Contrast {
    /// The experiment.
    pub experiment: String,
    /// A factor, `a*b` of an interaction, `a | b=level` of a simple effect.
    pub name: String,
    /// The level subtracted and the level it is subtracted from; of an interaction, those two of
    /// either factor.
    pub levels: Vec<Value>,
    /// What is compared.
    pub metric: String,
    /// Seeds with a finite value in every arm concerned.
    pub n: usize,
    /// The mean difference.
    pub estimate: Option<f64>,
    /// The paired t interval; none below three pairs.
    pub ci95: Option<[f64; 2]>,
    /// Of the sign-flip permutation test; none below six pairs, nor of other metrics than the
    /// primary one where these would take long, which a warning says.
    pub p: Option<f64>,
    /// Adjusted for the main effects and interactions that the verdict is about: those of the
    /// primary metric, or of what stands in for it where its unit differs; none elsewhere.
    pub p_holm: Option<f64>,
    /// Seeds in which the second level is better.
    pub wins: usize,
    /// What is contrasted.
    pub kind: ContrastKind,
    /// The mean difference in standard deviations of the differences.
    pub d_z: Option<f64>,
    /// Pairs at which a paired t test sees this `d_z` in four of five experiments; none below
    /// three pairs.
    pub seeds_for_80pct_power: Option<usize>,
    /// Seeds without a finite value in every arm concerned.
    pub unpaired: usize,
    /// The other factors, over whose cells the difference is a mean.
    pub averaged_over: Vec<String>,
    /// Whether the metric is in different units in the arms concerned, which leaves no difference
    /// to tell: losses of two functions, for one.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub units_differ: bool,
    /// Of main and simple effects in the primary metric, from ten pairs on.
    #[serde(flatten)]
    pub robust: Option<Robust>,
}

/// What does not rest on means: with intervals by the bootstrap (`BCa`).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Robust {
    /// The middle difference.
    pub median: f64,
    /// Its interval.
    pub median_ci95: Option<[f64; 2]>,
    /// The mean of the second level over that of the first; none where those are not above 0.
    pub ratio: Option<f64>,
    /// Its interval.
    pub ratio_ci95: Option<[f64; 2]>,
}

/// Arms over several data sets (Demsar 2006); the smallest rank is the best.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AcrossDataSets {
    /// The experiments, one for each data set.
    pub experiments: Vec<String>,
    /// What is ranked: its mean over the seeds, a diverged one as the worst of all.
    pub metric: String,
    /// The arms with their mean ranks.
    pub arms: Vec<RankedArm>,
    /// Friedman's statistic.
    pub chi2: f64,
    /// Iman and Davenport's; none where all data sets rank the arms alike.
    pub f: Option<f64>,
    /// Its p-value; none below six data sets.
    pub p: Option<f64>,
    /// Nemenyi's critical difference of mean ranks at the level 0.05.
    pub critical_difference: f64,
    /// Of two arms from six data sets on: the p-value of Wilcoxon's signed-rank test, exact.
    pub p_wilcoxon: Option<f64>,
}

/// An arm over data sets.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RankedArm {
    /// Its level of each factor.
    pub factors: Factors,
    /// Its mean rank.
    pub average_rank: f64,
    /// The chance that a run of it is better than a run of the first arm, ties half, as a mean over
    /// the data sets; none of the first arm itself.
    pub probability_of_improvement: Option<f64>,
    /// The mean of the middle half of all its runs on all data sets; none where it is not finite.
    pub interquartile_mean: Option<f64>,
}

/// What a rule saved and cost against the full run of the same training.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Saving {
    /// The experiment.
    pub experiment: String,
    /// The cell of the other factors; empty: all of them.
    pub factors: Factors,
    /// The rule.
    pub rule: String,
    /// Share of the full run's epochs.
    pub epochs_saved: Option<f64>,
    /// Seconds of the full run that were not needed.
    pub seconds_saved: Option<f64>,
    /// The monitored value kept, minus the best of the full run; sign turned where larger is
    /// better.
    pub val_regret: Option<f64>,
    /// `test_loss` of the weights kept, minus that of the full run's best epoch.
    pub test_regret: Option<f64>,
    /// The same as a share of the full run's seconds.
    pub seconds_saved_fraction: Option<f64>,
    /// Seconds of the full run.
    pub full_seconds: Option<f64>,
    /// The monitored column.
    pub monitor: String,
    /// Readings that the means are over: those of trainings that did not diverge.
    pub n: usize,
    /// The others: no rule stopped those, and they saved nothing.
    pub diverged: usize,
    /// Of those, the readings of trainings that went to their last epoch, here or for another arm.
    pub n_full: usize,
    /// Whether a regret would be a mean of different units.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub units_differ: bool,
}

impl Saving {
    pub(super) fn forget_clocks(&mut self) {
        self.seconds_saved = None;
        self.seconds_saved_fraction = None;
        self.full_seconds = None;
    }
}
