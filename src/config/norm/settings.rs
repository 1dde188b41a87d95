//! What others ask of a norm, and the settings that several norms share.

use schemars::JsonSchema;
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// What the layers around a norm, and all who look at one, have to know of it.
pub trait NormSettings {
    /// What it takes its statistics over.
    fn along(&self) -> Along;

    /// Whether it subtracts the mean of what it looks [along](Self::along).
    fn centres(&self) -> bool;

    /// Whether it divides by a spread of what it looks [along](Self::along).
    fn divides(&self) -> bool {
        true
    }

    /// Why a batch of one row is of no use to it.
    fn of_one_row(&self) -> &'static str {
        if self.divides() { "has no variance" } else { "is its own mean, which leaves nothing," }
    }

    /// Its tensors, in the order of a `state_dict`. A norm that learns and keeps nothing has none,
    /// and is a norm all the same.
    fn tensors(&self) -> Vec<NormTensor>;

    /// On which side of the activation it stands.
    fn placement(&self) -> Placement {
        Placement::BeforeActivation
    }

    /// Where the statistics that it uses outside of training come from; none where it uses none.
    fn running_statistics(&self) -> Option<RunningStatistics> {
        None
    }

    /// Whether the weights of each unit of the Linear before it are a length times a direction,
    /// `g v / |v|`, and these two are what training moves.
    fn normalises_weights(&self) -> bool {
        self.along() == Along::Weights
    }

    /// Whether a layer starts from data where `model.init.data_dependent` does not say.
    fn starts_from_data(&self) -> bool {
        self.along() == Along::Weights
    }

    /// What training goes by besides its [`tensors`](Self::tensors): in checkpoints and in no weights file.
    fn training_tensors(&self) -> Vec<NormTensor> {
        Vec::new()
    }

    /// Whether it reads `momentum` whatever [`Statistics`] evaluations go by.
    fn trains_by_momentum(&self) -> bool {
        false
    }

    /// Why it can do nothing for a layer of these, of so many units each; none where it can.
    fn unfit(&self, _layers: &[usize]) -> Option<Unfit> {
        None
    }

    /// What there is to know of it before a training is read.
    fn remarks(&self, _training: &Circumstances) -> Vec<Remark> {
        Vec::new()
    }

    /// The table of another norm that it is the same as, where no batch has more than so many rows.
    fn same_as(&self, _rows: usize) -> Option<Value> {
        None
    }

    /// Whether a bias of the Linear before it would do nothing: the mean over the batch takes it
    /// out again.
    fn replaces_bias(&self) -> bool {
        self.along() == Along::Batch
            && self.centres()
            && self.placement() == Placement::BeforeActivation
    }
}

/// The table of a norm of this kind with these settings.
pub(super) fn table_of(kind: &str, settings: &impl Serialize) -> Value {
    let mut table = Map::from_iter([("kind".to_owned(), kind.into())]);
    if let Value::Object(settings) = json!(settings) {
        table.extend(settings);
    }
    Value::Object(table)
}

/// What keeps a norm from a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// The key to point at.
    pub key: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

/// What a training is like, as far as a norm's settings have to fit it.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// Units of each hidden layer that it stands in.
    pub hidden: &'a [usize],
    /// Numbers of a row of inputs, where it stands on these.
    pub inputs: Option<usize>,
    /// Rows of the largest batch.
    pub batch: usize,
    /// Of all epochs.
    pub steps: usize,
    /// Whether a rule may end it before.
    pub may_stop: bool,
    /// Of the optimizer.
    pub weight_decay: f64,
}

/// Something to know before a training is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// Whether something does not do what it looks like; else it is good to know when reading results.
    pub is_warning: bool,
    /// The key that it is about.
    pub key: &'static str,
    /// What there is to know.
    pub message: String,
    /// What to do; may be empty.
    pub help: &'static str,
}

/// How a norm normalises each row by its own statistics, taken over groups of neighbouring units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ByRow {
    /// Groups of a row, all as wide.
    pub groups: usize,
    /// Whether the mean is taken out first.
    pub centres: bool,
    /// Keeps the division away from 0.
    pub eps: f64,
    /// Where `eps` is added.
    pub eps_placement: EpsPlacement,
}

impl ByRow {
    /// Why one of these layers is no good in groups; none where all are.
    pub(super) fn unfit(self, layers: &[usize]) -> Option<Unfit> {
        let Self { groups, .. } = self;
        if let Some(units) = layers.iter().find(|units| !units.is_multiple_of(groups)) {
            // What every layer can be divided by, into groups of more than a unit.
            let divides = |count: &usize| {
                layers.iter().all(|units| units.is_multiple_of(*count) && units / count > 1)
            };
            let below = (1..groups).rev().find(divides);
            let above = (groups..=*units).find(divides);
            let near: Vec<String> =
                [below, above].into_iter().flatten().map(|count| count.to_string()).collect();
            let near: Vec<&str> = near.iter().map(String::as_str).collect();
            let help = match near[..] {
                [] => "give the layer more units".to_owned(),
                [one] => format!("the nearest number of groups that does is {one}"),
                _ => format!("the nearest numbers of groups that do are {}", near.join(" and ")),
            };
            let message = format!("{groups} groups do not divide {units} units");
            return Some(Unfit { key: "model.norm.groups", message, help });
        }
        layers.contains(&groups).then(|| {
            let one = if groups == 1 { "a layer of one unit" } else { "a group of one unit" };
            let left = if self.centres { "its mean" } else { "its sign" };
            let message = format!(
                "{one} comes out as {left} makes it, whatever goes in: nothing passes and nothing before it learns"
            );
            let (key, help) = if groups == 1 {
                ("model.hidden", "give every hidden layer more units, or leave the norm out")
            } else {
                ("model.norm.groups", "take fewer groups")
            };
            Unfit { key, message, help: help.to_owned() }
        })
    }

    /// That two units come out as +1 and -1.
    pub(super) fn remarks(self, training: &Circumstances) -> Vec<Remark> {
        let pairs = |units: &usize| *units == 2 * self.groups;
        let hidden = training.hidden.iter().copied().find(pairs);
        let of_hidden = hidden.map(|units| (format!("layer of {units} units"), "model.hidden"));
        let inputs = training.inputs.filter(pairs);
        let of_inputs = || inputs.map(|width| (format!("{width} inputs"), "model.norm.at"));
        let Some((row, key)) = of_hidden.or_else(of_inputs).filter(|_| self.centres) else {
            return Vec::new();
        };
        vec![Remark {
            is_warning: true,
            key: if self.groups == 1 { key } else { "model.norm.groups" },
            message: format!(
                "{} of the {row} are normalised together: they come out as +1 and -1, whatever goes in, but for which of them is the larger",
                if self.groups == 1 { "both" } else { "every two" }
            ),
            help: "take fewer groups, or more units",
        }]
    }
}

/// The settings by which a norm keeps running statistics.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Running {
    /// Where the statistics used outside of training come from.
    pub statistics: Statistics,
    /// Weight of the new batch in an exponential average.
    pub momentum: f64,
    /// Training rows that a recalibration measures at most.
    pub rows: usize,
}

impl Running {
    /// The statistics used outside of training.
    #[must_use]
    pub fn source(self) -> RunningStatistics {
        match self.statistics {
            Statistics::Ema => RunningStatistics::Ema { momentum: self.momentum },
            Statistics::Cumulative => RunningStatistics::Cumulative,
            Statistics::Recalibrate => RunningStatistics::Recalibrate { rows: self.rows },
        }
    }

    /// What the newest of so many batches weighs in the running averages.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // batches are far below 2^53
    pub fn weight_of_batch(self, batches: i64) -> f64 {
        match self.statistics {
            Statistics::Ema | Statistics::Recalibrate => self.momentum,
            Statistics::Cumulative => 1.0 / batches as f64,
        }
    }

    /// Writes its keys, with `affine` between them, `momentum` and `recalibrate_rows` only where they are
    /// read: what changes nothing tells no trainings apart. The order is part of what does.
    pub(super) fn write<M: SerializeMap>(
        self,
        table: &mut M,
        affine: bool,
        trains_by_momentum: bool,
    ) -> Result<(), M::Error> {
        if trains_by_momentum || self.statistics == Statistics::Ema {
            table.serialize_entry("momentum", &self.momentum)?;
        }
        table.serialize_entry("affine", &affine)?;
        table.serialize_entry("statistics", &self.statistics)?;
        if self.statistics == Statistics::Recalibrate {
            table.serialize_entry("recalibrate_rows", &self.rows)?;
        }
        Ok(())
    }

    /// The tensors of its state that a weights file holds, with or without a variance.
    pub(super) fn tensors(has_variance: bool) -> Vec<NormTensor> {
        let mut tensors = vec![NormTensor::Statistic { name: "running_mean", start: 0.0 }];
        if has_variance {
            tensors.push(NormTensor::Statistic { name: "running_var", start: 1.0 });
        }
        tensors.push(NormTensor::Count { name: "num_batches_tracked" });
        tensors
    }
}

/// What a norm takes its statistics over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Along {
    /// Each unit over the rows of a batch. Outside of training it goes by running statistics and is
    /// a scale and a shift of each unit.
    Batch,
    /// Each row over its units, in training and outside of it.
    Row,
    /// The weights of the Linear, whatever the rows.
    Weights,
}

/// One tensor of a norm: one number per unit, or a count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NormTensor {
    /// What each unit is multiplied by at the end, moved by training.
    Scale,
    /// What is then added, moved by training.
    Shift,
    /// Measured in training, used outside of it.
    Statistic {
        /// Its last name: `running_mean`.
        name: &'static str,
        /// Of every unit before the first step.
        start: f32,
    },
    /// A whole number that starts at 0.
    Count {
        /// Its last name: `num_batches_tracked`.
        name: &'static str,
    },
}

impl NormTensor {
    /// Scale and shift where a norm is affine.
    #[must_use]
    pub fn affine(affine: bool) -> Vec<Self> {
        if affine { vec![Self::Scale, Self::Shift] } else { Vec::new() }
    }

    /// Its last name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Scale => "weight",
            Self::Shift => "bias",
            Self::Statistic { name, .. } | Self::Count { name } => name,
        }
    }

    /// Whether training moves it.
    #[must_use]
    pub fn is_parameter(self) -> bool {
        matches!(self, Self::Scale | Self::Shift)
    }
}

/// On which side of the activation a norm stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Placement {
    /// Linear, norm, activation: the paper's.
    BeforeActivation,
    /// Linear, activation, norm.
    AfterActivation,
}

/// Where `eps` is added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EpsPlacement {
    /// sqrt(var + eps)
    Variance,
    /// sqrt(var) + eps
    Std,
}

/// The key `statistics`: where those used outside of training come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Statistics {
    /// An exponential average over the training batches.
    Ema,
    /// The plain average over all training batches so far.
    Cumulative,
    /// A pass over training rows with the weights frozen, before each evaluation.
    Recalibrate,
}

/// The statistics that a norm uses outside of training, with the setting that belongs to them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RunningStatistics {
    /// [`Statistics::Ema`]
    Ema {
        /// Weight of the new batch.
        momentum: f64,
    },
    /// [`Statistics::Cumulative`]
    Cumulative,
    /// [`Statistics::Recalibrate`]
    Recalibrate {
        /// Training rows at most.
        rows: usize,
    },
}
