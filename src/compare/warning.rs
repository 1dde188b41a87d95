//! What limits the conclusions, as data; the sentences are the report's.

use serde_json::Value;

use crate::config::Factors;
use crate::results::FailedTraining;

/// What limits the conclusions.
#[derive(Debug, Clone, PartialEq)]
pub struct Warning {
    /// The experiment; none where it is about a file.
    pub experiment: Option<String>,
    /// What it is about, with its figures.
    pub kind: WarningKind,
}

/// What a warning is about.
#[derive(Debug, Clone, PartialEq)]
pub enum WarningKind {
    /// A file of the results, as the reader of files put it.
    File(String),
    /// A doubt about the data that a training recorded, as whoever read the data put it.
    Data(String),
    /// `[tune]` has not chosen yet, and no training begins before.
    TuningUnfinished,
    /// Trainings without a record of an end.
    Missing {
        /// Trainings that the config names.
        planned: usize,
        /// The directories of the missing ones.
        trainings: Vec<String>,
    },
    /// Trainings that an error ended.
    Failed {
        /// Trainings that the config names.
        planned: usize,
        /// The failed ones.
        trainings: Vec<FailedTraining>,
    },
    /// Trainings that the config no longer names, by directory.
    NoLongerNamed(Vec<String>),
    /// Arms at a seed that the config names and no record holds.
    NotRecorded {
        /// How many.
        arms: usize,
    },
    /// Trainings of plain experiments with the config and the seed of another.
    Duplicates {
        /// How many; the first of each counts.
        trainings: usize,
    },
    /// Trainings that ended at their best epoch, by the number of epochs rather than by a rule.
    StillImproving {
        /// The arms in which most did, without the rule.
        arms: Vec<Factors>,
        /// Epochs of the full run.
        epochs: usize,
        /// Whether the trainings are those of another tool.
        is_foreign: bool,
    },
    /// Trainings of an arm diverged.
    Diverged {
        /// The arm.
        arm: Factors,
        /// How many.
        diverged: usize,
        /// Of so many.
        n: usize,
    },
    /// P-values of other metrics than this one would have taken too long.
    PValuesLeftOut {
        /// The primary metric.
        metric: String,
    },
    /// Seeds were added once others could be looked at.
    LookedAt {
        /// How many seeds were there, each time.
        seeds: Vec<usize>,
    },
    /// The run went on until its effects were decided.
    Sequential {
        /// The seeds at each look.
        looks: Vec<usize>,
    },
    /// Two metrics say the opposite of each other, both clearly.
    MetricsDisagree {
        /// The factor.
        factor: String,
        /// The levels compared.
        levels: Vec<Value>,
        /// By this metric the second level is better.
        better: String,
        /// By this it is worse.
        worse: String,
    },
    /// Seeds that some arms have and others do not.
    NotShared {
        /// The factor.
        factor: String,
        /// The levels that are compared.
        levels: Vec<Value>,
        /// The seeds that only arms at the first level have.
        only_first: Vec<u64>,
        /// The seeds that only arms at the second have.
        only_second: Vec<u64>,
        /// Seeds that all share.
        shared: usize,
    },
    /// Seeds without a finite value on either side.
    Unpaired {
        /// The factor.
        factor: String,
        /// The levels that miss them.
        levels: Vec<Value>,
        /// The level that these are compared with.
        reference: Value,
        /// Seeds without a finite value in every arm.
        unpaired: usize,
        /// Seeds with one.
        n: usize,
        /// The metric.
        metric: String,
    },
    /// So few pairs that there is no p-value, or no interval either.
    FewPairs {
        /// Of the effect that has the fewest.
        pairs: usize,
        /// Whether seeds do not pair, so that these are the trainings of the smallest arm.
        unpaired: bool,
    },
    /// All seeds share one split.
    OneSplit,
    /// One learning rate for arms that may each need their own.
    OneLearningRate {
        /// The factor whose levels may.
        factor: String,
        /// The rate.
        rate: Value,
    },
    /// Hidden layers of some arms started from data and those of others did not.
    UnlikeStarts {
        /// The factor of which the norm is a part.
        factor: String,
        /// The arms that started from data, without the rule.
        arms: Vec<Factors>,
    },
    /// Tuned values that are still the smallest or the largest tried.
    TunedOnEdge {
        /// The key.
        key: String,
        /// The arm and the value chosen for it.
        chosen: Vec<(Factors, Value)>,
    },
    /// Arms of which every tuning training diverged.
    TuningDiverged {
        /// The arms.
        arms: Vec<Factors>,
    },
    /// The metric is the training loss as met in training, which a factor changes by itself.
    TrainingModeMetric {
        /// The factor.
        factor: String,
    },
    /// A rule held a loss in evaluation mode against one in training mode.
    RuleOnTrainingMode {
        /// The rule's kind.
        rule: String,
    },
    /// Arms were evaluated by averages over all batches since the first.
    CumulativeStatistics {
        /// The arms.
        arms: Vec<Factors>,
    },
    /// Arms were evaluated by running statistics of which the start was still a part.
    UnsettledStatistics {
        /// The arms.
        arms: Vec<Factors>,
        /// Largest weight of the start in those of an arm's last epoch.
        start_weight: f64,
    },
    /// Rules that may have chosen before the running statistics had settled.
    RuleBeforeSettled {
        /// Their arms.
        arms: Vec<Factors>,
        /// The epoch at which the last of these had.
        epoch: usize,
    },
    /// The trainings ran on several kinds of machines, or by several versions.
    MixedMachines(Vec<Mixed>),
    /// Rules that were added once their curves were there to be seen.
    ExploratoryRules {
        /// Their names.
        rules: Vec<String>,
    },
}

/// What trainings do not have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mixed {
    /// In which respect.
    pub aspect: Aspect,
    /// What there is of it, sorted.
    pub values: Vec<String>,
}

/// A respect in which what trainings ran on may differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aspect {
    /// CPU or GPU.
    Device,
    /// The version of bnes.
    Version,
    /// The engine.
    Engine,
    /// The CPU's instructions.
    InstructionSet,
}

impl Warning {
    pub(super) fn of(experiment: &str, kind: WarningKind) -> Self {
        Self { experiment: Some(experiment.to_owned()), kind }
    }
}
