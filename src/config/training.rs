//! `[training]`: how the weights move.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de::Error};

use crate::check;
use crate::check::written_as;
use crate::kinds;
use crate::kinds::as_table;
use crate::kinds::{NoSettings, SharedKeys};

/// `[training]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingConfig {
    /// Passes over the training split, at most.
    #[serde(deserialize_with = "check::at_least_one")]
    #[schemars(schema_with = "check::schema::at_least_one")]
    pub epochs: usize,
    /// Rows of a batch.
    pub batch_size: BatchSize,
    /// Default: cross-entropy for classes, mse for numbers.
    pub loss: Option<Loss>,
    /// Largest Euclidean norm of the gradient of all parameters together.
    #[serde(deserialize_with = "check::optional_positive")]
    #[schemars(schema_with = "check::schema::optional_positive")]
    pub clip_norm: Option<f64>,
    /// How a gradient becomes a step.
    pub optimizer: Optimizer,
    /// The course of the learning rate over the epochs.
    pub schedule: ScheduleConfig,
    /// What an example counts in the training loss; default: each the same.
    pub class_weights: Option<ClassWeights>,
}

impl Default for TrainingConfig {
    fn default() -> Self {
        Self {
            epochs: 100,
            batch_size: BatchSize::Rows(32),
            loss: None,
            clip_norm: None,
            optimizer: Optimizer::Adam(Adam::default()),
            schedule: ScheduleConfig::default(),
            class_weights: None,
        }
    }
}

/// Rows of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchSize {
    /// This many, at least 1.
    Rows(usize),
    /// The whole training split.
    Full,
}

impl BatchSize {
    /// Rows of a batch where there are `all` rows.
    #[must_use]
    pub fn rows(self, all: usize) -> usize {
        match self {
            Self::Rows(rows) => rows.min(all),
            Self::Full => all,
        }
    }

    /// Batches of an epoch of this many rows: a last one of fewer than max(2, size / 4) rows joins the one
    /// before.
    #[must_use]
    pub fn steps(self, rows: usize) -> usize {
        let size = self.rows(rows).max(1);
        let batches = rows.div_ceil(size);
        let last = rows - batches.saturating_sub(1) * size;
        batches - usize::from(batches > 1 && (last < 2 || 4 * last < size))
    }
}

written_as!(BatchSize: "a whole number of at least 1, or \"full\"", {
    "anyOf": [{ "type": "integer", "minimum": 1 }, { "const": "full" }]
});

impl Serialize for BatchSize {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Rows(rows) => rows.serialize(serializer),
            Self::Full => "full".serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for BatchSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Rows;
        impl serde::de::Visitor<'_> for Rows {
            type Value = BatchSize;
            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("a whole number of at least 1, or \"full\"")
            }
            fn visit_u64<E: Error>(self, rows: u64) -> Result<BatchSize, E> {
                match usize::try_from(rows) {
                    Ok(rows) if rows > 0 => Ok(BatchSize::Rows(rows)),
                    _ => Err(E::invalid_value(serde::de::Unexpected::Unsigned(rows), &self)),
                }
            }
            fn visit_str<E: Error>(self, word: &str) -> Result<BatchSize, E> {
                match word {
                    "full" => Ok(BatchSize::Full),
                    _ => Err(E::invalid_value(serde::de::Unexpected::Str(word), &self)),
                }
            }
        }
        deserializer.deserialize_any(Rows)
    }
}

/// What training makes small, a mean over examples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// Of softmax outputs, one per class.
    CrossEntropy,
    /// Mean over the outputs of the squared difference; classes as one-hot targets.
    Mse,
    /// Of one sigmoid output for two classes.
    Bce,
}

/// What an example counts in the training loss, by its class. Losses of evaluations stay
/// unweighted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClassWeights {
    /// Every class of the training split counts the same: `n / (k n_c)` for each of the `n_c` of
    /// `n` rows with one of its `k` classes.
    Balanced,
}

kinds! {
    /// `[training.optimizer]`.
    pub enum Optimizer: "optimizer", default Some("adam");
    /// Kingma & Ba 2015; weight decay is added to the gradient
    "adam" => Adam(Adam),
    /// Loshchilov & Hutter 2019: decoupled weight decay
    "adamw" => AdamW(Adam),
    /// Stochastic gradient descent, with momentum where above 0
    "sgd" => Sgd(Sgd),
    /// Tieleman & Hinton 2012
    "rmsprop" => RmsProp(RmsProp),
    /// iRprop- (Igel & Hüsken 2000), for full batches
    "rprop" => Rprop(Rprop),
    later [] with keys []
}

/// Settings of `adam` and `adamw`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Adam {
    /// Learning rate.
    #[serde(deserialize_with = "check::positive_in_single")]
    #[schemars(schema_with = "check::schema::positive_in_single")]
    pub lr: f64,
    /// Of linear weights alone.
    #[serde(deserialize_with = "check::non_negative_in_single")]
    #[schemars(schema_with = "check::schema::non_negative_in_single")]
    pub weight_decay: f64,
    /// Decay of the mean.
    #[serde(deserialize_with = "check::share_in_single")]
    #[schemars(schema_with = "check::schema::share_in_single")]
    pub beta1: f64,
    /// Decay of the mean square.
    #[serde(deserialize_with = "check::share_in_single")]
    #[schemars(schema_with = "check::schema::share_in_single")]
    pub beta2: f64,
    /// Added to the root of the mean square.
    #[serde(deserialize_with = "check::positive_in_single")]
    #[schemars(schema_with = "check::schema::positive_in_single")]
    pub eps: f64,
}

impl Default for Adam {
    fn default() -> Self {
        Self { lr: 1e-3, weight_decay: 0.0, beta1: 0.9, beta2: 0.999, eps: 1e-8 }
    }
}

/// Settings of `sgd`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Sgd {
    /// Learning rate.
    #[serde(deserialize_with = "check::positive_in_single")]
    #[schemars(schema_with = "check::schema::positive_in_single")]
    pub lr: f64,
    /// Of linear weights alone.
    #[serde(deserialize_with = "check::non_negative_in_single")]
    #[schemars(schema_with = "check::schema::non_negative_in_single")]
    pub weight_decay: f64,
    /// Decay of the velocity.
    #[serde(deserialize_with = "check::share_in_single")]
    #[schemars(schema_with = "check::schema::share_in_single")]
    pub momentum: f64,
    /// Look ahead by one momentum step (Sutskever et al. 2013).
    pub nesterov: bool,
}

impl Default for Sgd {
    fn default() -> Self {
        Self { lr: 1e-3, weight_decay: 0.0, momentum: 0.0, nesterov: false }
    }
}

/// Settings of `rmsprop`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RmsProp {
    /// Learning rate.
    #[serde(deserialize_with = "check::positive_in_single")]
    #[schemars(schema_with = "check::schema::positive_in_single")]
    pub lr: f64,
    /// Of linear weights alone.
    #[serde(deserialize_with = "check::non_negative_in_single")]
    #[schemars(schema_with = "check::schema::non_negative_in_single")]
    pub weight_decay: f64,
    /// Decay of the mean square.
    #[serde(deserialize_with = "check::share_in_single")]
    #[schemars(schema_with = "check::schema::share_in_single")]
    pub alpha: f64,
    /// Added to the root of the mean square.
    #[serde(deserialize_with = "check::positive_in_single")]
    #[schemars(schema_with = "check::schema::positive_in_single")]
    pub eps: f64,
}

impl Default for RmsProp {
    fn default() -> Self {
        Self { lr: 1e-3, weight_decay: 0.0, alpha: 0.99, eps: 1e-8 }
    }
}

/// Settings of `rprop`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Rprop {
    /// The first step of every parameter.
    #[serde(deserialize_with = "check::positive_in_single")]
    #[schemars(schema_with = "check::schema::positive_in_single")]
    pub lr: f64,
    /// Of linear weights alone, added to the gradient.
    #[serde(deserialize_with = "check::non_negative_in_single")]
    #[schemars(schema_with = "check::schema::non_negative_in_single")]
    pub weight_decay: f64,
    /// Factor of a step whose gradient changed sign.
    #[serde(deserialize_with = "check::share_in_single")]
    #[schemars(schema_with = "check::schema::share_in_single")]
    pub eta_minus: f64,
    /// Factor of a step whose gradient kept its sign.
    #[serde(deserialize_with = "check::positive_in_single")]
    #[schemars(schema_with = "check::schema::positive_in_single")]
    pub eta_plus: f64,
    /// Smallest step.
    #[serde(deserialize_with = "check::positive_in_single")]
    #[schemars(schema_with = "check::schema::positive_in_single")]
    pub step_min: f64,
    /// Largest step.
    #[serde(deserialize_with = "check::positive_in_single")]
    #[schemars(schema_with = "check::schema::positive_in_single")]
    pub step_max: f64,
}

impl Default for Rprop {
    fn default() -> Self {
        Self {
            lr: 1e-3,
            weight_decay: 0.0,
            eta_minus: 0.5,
            eta_plus: 1.2,
            step_min: 1e-6,
            step_max: 50.0,
        }
    }
}

as_table!(Optimizer: Optimizer, ());

impl Optimizer {
    /// The learning rate before the schedule.
    #[must_use]
    pub fn lr(&self) -> f64 {
        match self {
            Self::Adam(adam) | Self::AdamW(adam) => adam.lr,
            Self::Sgd(sgd) => sgd.lr,
            Self::RmsProp(rmsprop) => rmsprop.lr,
            Self::Rprop(rprop) => rprop.lr,
        }
    }

    /// By how much weights are drawn towards 0.
    #[must_use]
    pub fn weight_decay(&self) -> f64 {
        match self {
            Self::Adam(adam) | Self::AdamW(adam) => adam.weight_decay,
            Self::Sgd(sgd) => sgd.weight_decay,
            Self::RmsProp(rmsprop) => rmsprop.weight_decay,
            Self::Rprop(rprop) => rprop.weight_decay,
        }
    }
}

/// `[training.schedule]`: a warm-up, then a course of the learning rate over the epochs left.
#[derive(Debug, Clone, PartialEq)]
pub struct ScheduleConfig {
    /// The course.
    pub schedule: Schedule,
    /// Epochs over which the learning rate first rises in equal steps.
    pub warmup_epochs: usize,
}

impl Default for ScheduleConfig {
    fn default() -> Self {
        Self { schedule: Schedule::Constant(NoSettings {}), warmup_epochs: 0 }
    }
}

kinds! {
    /// The course of the learning rate.
    pub enum Schedule: "schedule", default Some("constant");
    /// The learning rate as it is
    "constant" => Constant(NoSettings),
    /// Down to 0 along half a cosine (Loshchilov & Hutter 2017)
    "cosine" => Cosine(NoSettings),
    /// Down to 0 along a line
    "linear" => Linear(NoSettings),
    /// Times `factor` every `every` epochs
    "step" => Step(StepDecay),
    later [] with keys []
}

/// Settings of `step`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StepDecay {
    /// Epochs between two steps.
    #[serde(deserialize_with = "check::at_least_one")]
    #[schemars(schema_with = "check::schema::at_least_one")]
    pub every: usize,
    /// What a step multiplies the learning rate with.
    #[serde(deserialize_with = "check::positive")]
    #[schemars(schema_with = "check::schema::positive")]
    pub factor: f64,
}

#[derive(Default, JsonSchema)]
#[schemars(default)]
struct Warmup {
    /// Epochs over which the learning rate first rises in equal steps; the schedule starts after them.
    warmup_epochs: usize,
}

as_table!(ScheduleConfig: Schedule, Warmup);

impl SharedKeys for Warmup {
    const KEYS: &'static [&'static str] = &["warmup_epochs"];

    fn take<'de, A: serde::de::MapAccess<'de>>(
        &mut self,
        _: &str,
        map: &mut A,
    ) -> Result<(), A::Error> {
        self.warmup_epochs = map.next_value()?;
        Ok(())
    }
}

impl<'de> Deserialize<'de> for ScheduleConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (schedule, shared) = Schedule::deserialize_with::<Warmup, D>(deserializer)?;
        Ok(Self { schedule, warmup_epochs: shared.warmup_epochs })
    }
}

impl Serialize for ScheduleConfig {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Table<'a> {
            #[serde(flatten)]
            schedule: &'a Schedule,
            warmup_epochs: usize,
        }
        Table { schedule: &self.schedule, warmup_epochs: self.warmup_epochs }.serialize(serializer)
    }
}

impl ScheduleConfig {
    /// The learning rate of an epoch (from 1) of `epochs`, as a factor of the optimizer's.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // epochs are far below 2^53
    pub fn factor(&self, epoch: usize, epochs: usize) -> f64 {
        let done = epoch - 1;
        if done < self.warmup_epochs {
            return epoch as f64 / (self.warmup_epochs as f64 + 1.0);
        }
        let done = done - self.warmup_epochs;
        let all = epochs.saturating_sub(self.warmup_epochs).max(1);
        let share = done as f64 / all as f64;
        match &self.schedule {
            Schedule::Constant(_) => 1.0,
            Schedule::Cosine(_) => 0.5 * (1.0 + (std::f64::consts::PI * share).cos()),
            Schedule::Linear(_) => 1.0 - share,
            Schedule::Step(step) => {
                step.factor.powi(i32::try_from(done / step.every).unwrap_or(i32::MAX))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factors(schedule: Schedule, warmup_epochs: usize, epochs: usize) -> Vec<f64> {
        let config = ScheduleConfig { schedule, warmup_epochs };
        (1..=epochs).map(|epoch| config.factor(epoch, epochs)).collect()
    }

    #[test]
    fn schedules_start_at_the_full_rate_and_fall_over_the_epochs() {
        assert_eq!(factors(Schedule::Constant(NoSettings {}), 0, 3), [1.0, 1.0, 1.0]);
        assert_eq!(factors(Schedule::Linear(NoSettings {}), 0, 4), [1.0, 0.75, 0.5, 0.25]);
        let cosine = factors(Schedule::Cosine(NoSettings {}), 0, 4);
        assert!((cosine[0] - 1.0).abs() < 1e-15 && (cosine[2] - 0.5).abs() < 1e-15);
        let step = Schedule::Step(StepDecay { every: 2, factor: 0.5 });
        assert_eq!(factors(step, 0, 5), [1.0, 1.0, 0.5, 0.5, 0.25]);
    }

    #[test]
    fn a_warm_up_rises_in_equal_steps_to_the_full_rate() {
        let rates = factors(Schedule::Linear(NoSettings {}), 3, 5);
        assert_eq!(rates, [0.25, 0.5, 0.75, 1.0, 0.5]);
    }
}
