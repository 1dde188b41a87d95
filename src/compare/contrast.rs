//! A difference between arms with its statistics, as `--format json` writes it.

use serde::Serialize;
use serde_json::Value;

use super::robust::Robust;
use super::significance::ALPHA;
use crate::stats;
use crate::stopping::Monitored;

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
    /// The best checkpoint of the full run against its last epoch.
    Checkpoint,
}

/// Seeds in which the trainings of one level alone diverged: losses of that level, without a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Divergences {
    /// The second level's.
    pub losses_by_divergence: usize,
    /// The first level's.
    pub wins_by_divergence: usize,
    /// Whether the signed ranks lean to the second level.
    #[serde(skip)]
    pub leans_to_second: bool,
    /// Whether what they lean to is borne out by more than ranks: by the divergences alone, in a sign test, or
    /// by the intervals of the seeds that did not diverge.
    #[serde(skip)]
    pub is_borne_out: bool,
}

/// A look at a run that goes on until its effects are decided.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SequentialLook {
    /// Seeds at most.
    pub max_seeds: usize,
    /// Looks that were planned.
    pub looks: usize,
    /// The error that is spent by this look; the interval at 1 minus this is the one to report.
    pub spent: f64,
}

/// The trainings of a contrast that does not pair them by seed: its interval is Welch's, its p-value that of a
/// permutation of the labels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Samples {
    /// At the first level.
    pub first: usize,
    /// At the second level.
    pub second: usize,
    /// Of the arm with the fewest.
    pub fewest: usize,
    /// Degrees of freedom of the interval.
    pub degrees: f64,
}

/// Both levels of a contrast at a seed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SeedPair {
    /// The seed.
    pub seed: u64,
    /// The metric at the first level and at the second, each a mean over the cells of the other factors.
    pub levels: [f64; 2],
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
    /// Whether larger values of it are better.
    #[serde(skip)]
    pub maximize: bool,
    /// Seeds with a finite value in every arm concerned; where seeds do not pair, those of the arm with the fewest.
    pub n: usize,
    /// The mean difference; none where seeds diverged at one level alone, since those have no size.
    pub estimate: Option<f64>,
    /// The interval of the estimate, none below three pairs: it counts seeds and test rows where the metric
    /// is a mean over rows that were recorded, else it is that of the seeds.
    pub ci95: Option<[f64; 2]>,
    /// The paired t interval over the seeds alone.
    pub ci95_seeds: Option<[f64; 2]>,
    /// Over splits: the interval that also counts how the training rows of any two splits overlap (Nadeau & Bengio
    /// 2003), in part where test rows are counted, wholly where these were not recorded. A difference is told only
    /// where this excludes 0 as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ci95_splits: Option<[f64; 2]>,
    /// Whether rows were recorded, and the metric is no mean over them: `ci95` is over the seeds alone.
    #[serde(skip)]
    pub is_no_mean_over_rows: bool,
    /// Distinct test rows that `ci95` counts; none where it is over the seeds alone.
    pub test_rows: Option<usize>,
    /// Of the sign-flip permutation test, of the signed-rank test where seeds diverged at one level alone;
    /// none below six pairs, nor of other metrics than the primary one where these would take long, which a
    /// warning says.
    pub p: Option<f64>,
    /// Adjusted for the main effects and interactions that the verdict is about: those of the
    /// primary metric, or of what stands in for it where its unit differs; none elsewhere.
    pub p_holm: Option<f64>,
    /// The mean at the first level, over the same seeds.
    #[serde(skip)]
    pub first_level: Option<f64>,
    /// Seeds in which the second level is better; none where seeds do not pair.
    pub wins: Option<usize>,
    /// Seeds in which the levels are equal; none where seeds do not pair.
    pub ties: Option<usize>,
    /// What a contrast that does not pair seeds is of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub samples: Option<Samples>,
    /// Seeds that diverged at one level alone; none where there are none.
    #[serde(flatten)]
    pub divergences: Option<Divergences>,
    /// What is contrasted.
    pub kind: ContrastKind,
    /// The mean difference in standard deviations of the differences.
    pub d_z: Option<f64>,
    /// Pairs at which a paired t test sees this `d_z` in four of five experiments; none below
    /// three pairs.
    pub seeds_for_80pct_power: Option<usize>,
    /// Seeds that all arms concerned have, without a finite value at either level.
    pub unpaired: usize,
    /// Seeds that only arms at the first level have, and that only arms at the second have.
    #[serde(skip)]
    pub not_shared: [Vec<u64>; 2],
    /// The other factors, over whose cells the difference is a mean.
    pub averaged_over: Vec<String>,
    /// Whether the metric is in different units in the arms concerned, which leaves no difference
    /// to tell: losses of two functions, for one.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub units_differ: bool,
    /// Of a run until its effects are decided, what the p-value and the interval allow for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequential: Option<SequentialLook>,
    /// What the differences are of, by seed; none of an interaction.
    #[serde(skip)]
    pub by_seed: Vec<SeedPair>,
    /// The differences that the mean is of, by seed.
    #[serde(skip)]
    pub differences: Vec<f64>,
    /// Of main and simple effects in the primary metric, from ten pairs on.
    #[serde(flatten)]
    pub robust: Option<Robust>,
}

impl Contrast {
    /// The metric with its direction.
    #[must_use]
    pub fn direction(&self) -> Monitored {
        Monitored { column: self.metric.clone(), maximize: self.maximize }
    }

    /// Degrees of freedom of its widest interval.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // seeds
    pub fn degrees(&self) -> f64 {
        self.samples.map_or_else(|| self.n.saturating_sub(1) as f64, |samples| samples.degrees)
    }

    /// Whether its interval does not cover 0.
    #[must_use]
    pub fn excludes_zero(&self) -> bool {
        excludes_zero(self.ci95)
    }

    /// Whether the second level is better on the whole; none where there is no telling sign.
    #[must_use]
    pub fn leans_to_better(&self) -> Option<bool> {
        if let Some(divergences) = &self.divergences {
            return Some(divergences.leans_to_second);
        }
        let estimate = self.estimate.filter(|estimate| *estimate != 0.0)?;
        Some(self.direction().better(estimate, 0.0))
    }

    /// Whether its interval counts the rows that it is about, or needs not: one of the seeds alone is enough
    /// only over splits, for what is no mean over rows.
    #[must_use]
    pub fn counts_rows(&self, over_splits: bool) -> bool {
        let is_of_rows = ["test_", "val_"].iter().any(|part| self.metric.starts_with(part));
        let over_seeds = self.ci95_splits.is_some() || self.is_no_mean_over_rows || !is_of_rows;
        self.test_rows.is_some() || (over_splits && over_seeds)
    }

    /// Whether no interval of it covers 0.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        let of_splits = self.ci95_splits.is_none() || excludes_zero(self.ci95_splits);
        self.excludes_zero() && self.seeds_exclude_zero() && of_splits
    }

    /// Whether the interval over the seeds does not cover 0.
    #[must_use]
    pub fn seeds_exclude_zero(&self) -> bool {
        excludes_zero(self.ci95_seeds)
    }

    /// Whether no interval of it covers 0, and one of them counts the rows that it is about.
    #[must_use]
    pub fn is_clear_beyond_rows(&self, over_splits: bool) -> bool {
        self.is_clear() && self.counts_rows(over_splits)
    }

    /// The interval that two one-sided tests go by (Schuirmann 1987), and its level: 90 % for tests at the
    /// level 0.05. Where several looks are taken, each may find the levels equivalent and has an equal share
    /// of that error (Bonferroni).
    #[must_use]
    pub fn equivalence_interval(&self) -> Option<([f64; 2], f64)> {
        #[allow(clippy::cast_precision_loss)] // a few looks
        let looks = self.sequential.as_ref().map_or(1, |plan| plan.looks) as f64;
        let error = ALPHA / looks;
        let half =
            0.5 * self.widest()? * stats::t_quantile_ratio(1.0 - error, 0.975, self.degrees())?;
        let estimate = self.estimate?;
        Some(([estimate - half, estimate + half], 1.0 - 2.0 * error))
    }

    /// Whether the difference is smaller than a margin, whichever its sign.
    #[must_use]
    pub fn is_within(&self, margin: f64) -> bool {
        self.equivalence_interval().is_some_and(|([low, high], _)| -margin < low && high < margin)
    }

    /// The width of its widest interval.
    #[must_use]
    pub fn widest(&self) -> Option<f64> {
        let intervals = [self.ci95, self.ci95_seeds, self.ci95_splits].into_iter().flatten();
        intervals.map(|[low, high]| high - low).reduce(f64::max)
    }

    /// The standard deviation of the differences over the seeds.
    #[must_use]
    pub fn deviation(&self) -> Option<f64> {
        self.estimate?;
        stats::sd(&self.differences)
    }

    /// Seeds that the p-value is over: those with a difference, and those lost by divergence; where seeds do not
    /// pair, those of the arm with the fewest.
    #[must_use]
    pub fn pairs(&self) -> usize {
        if let Some(samples) = &self.samples {
            return samples.fewest;
        }
        let lost = |of: &Divergences| of.losses_by_divergence + of.wins_by_divergence;
        self.n + self.divergences.as_ref().map_or(0, lost)
    }
}

fn excludes_zero(interval: Option<[f64; 2]>) -> bool {
    interval.is_some_and(|[low, high]| low > 0.0 || high < 0.0)
}
