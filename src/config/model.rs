//! `[model]`: the layers of the network.

use schemars::JsonSchema;
use serde::de::{Error, MapAccess};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

pub use super::norm::{
    Along, BatchNorm, EpsPlacement, Norm, NormSettings, Normalisation, Placement,
    RunningStatistics, Sites, Statistics,
};
use crate::check;
use crate::kinds;
use crate::kinds::as_table;
use crate::kinds::{NoSettings, SharedKeys};

/// `[model]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ModelConfig {
    /// Units of each hidden layer; empty: a linear model.
    #[serde(deserialize_with = "widths")]
    #[schemars(schema_with = "widths_schema")]
    pub hidden: Vec<usize>,
    /// The function after each hidden layer.
    pub activation: Activation,
    /// Share of a hidden layer's units that a training batch zeroes.
    #[serde(deserialize_with = "check::share")]
    #[schemars(schema_with = "check::schema::share")]
    pub dropout: f64,
    /// How weights and biases start.
    pub init: Start,
    /// The normalisation of hidden layers and of inputs.
    pub norm: Normalisation,
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self {
            hidden: vec![64, 64],
            activation: Activation::Relu,
            dropout: 0.0,
            init: Start::default(),
            norm: Normalisation::default(),
        }
    }
}

impl ModelConfig {
    /// What there is to know of the norm of its hidden layers; none without a norm or without hidden
    /// layers.
    #[must_use]
    pub fn hidden_norm(&self) -> Option<&dyn NormSettings> {
        self.norm.settings().filter(|_| self.norm.at.hidden && !self.hidden.is_empty())
    }

    /// What there is to know of the norm of its inputs.
    #[must_use]
    pub fn input_norm(&self) -> Option<&dyn NormSettings> {
        self.norm.settings().filter(|_| self.norm.at.input)
    }

    /// What there is to know of its norm, wherever that stands; none where there is nothing for it to stand in.
    #[must_use]
    pub fn norm_in_use(&self) -> Option<&dyn NormSettings> {
        self.hidden_norm().or_else(|| self.input_norm())
    }

    /// Whether its hidden layers start so that their outputs have mean 0 and sd 1 on the first rows trained
    /// (Salimans & Kingma 2016).
    #[must_use]
    pub fn starts_from_data(&self) -> bool {
        self.init.data_dependent.unwrap_or_else(|| self.starts_from_data_by_default())
            && !self.hidden.is_empty()
    }

    fn starts_from_data_by_default(&self) -> bool {
        self.norm.settings().is_some_and(NormSettings::starts_from_data)
    }

    /// The same model, written in the one way that all that start alike are written in: models without a norm
    /// of the weights as they were before there was anything to ask for.
    #[must_use]
    pub fn written_alike(mut self) -> Self {
        let starts = self.starts_from_data();
        self.init.data_dependent = (starts || self.starts_from_data_by_default()).then_some(starts);
        self
    }

    /// The table of another norm that its own is the same as, where no batch has more than so many rows.
    #[must_use]
    pub fn norm_same_as(&self, rows: usize) -> Option<Value> {
        self.norm_in_use().and_then(|_| self.norm.same_as(rows))
    }

    /// What its norm takes its statistics over.
    #[must_use]
    pub fn norm_along(&self) -> Option<Along> {
        self.norm_in_use().map(NormSettings::along)
    }
}

fn widths<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<usize>, D::Error> {
    let widths = Vec::<usize>::deserialize(deserializer)?;
    if widths.contains(&0) {
        return Err(D::Error::custom("a layer of 0 units: expected whole numbers of at least 1"));
    }
    Ok(widths)
}

fn widths_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "expected": "a list of whole numbers of at least 1",
        "type": "array",
        "items": { "type": "integer", "minimum": 1 }
    })
}

/// The function after each hidden layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// max(x, 0)
    Relu,
    /// 1 / (1 + exp(-x))
    Sigmoid,
    /// tanh x
    Tanh,
    /// x / (1 + |x|)
    Softsign,
    /// x Phi(x), with the exact normal distribution function (Hendrycks & Gimpel 2016)
    Gelu,
    /// x sigmoid(x)
    Silu,
    /// x above 0, else 0.01 x
    LeakyRelu,
    /// x above 0, else exp(x) - 1 (Clevert et al. 2016)
    Elu,
    /// 1.0507 (x above 0, else 1.6733 (exp(x) - 1)) (Klambauer et al. 2017)
    Selu,
    /// x
    Identity,
}

impl Activation {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Relu,
        Self::Sigmoid,
        Self::Tanh,
        Self::Softsign,
        Self::Gelu,
        Self::Silu,
        Self::LeakyRelu,
        Self::Elu,
        Self::Selu,
        Self::Identity,
    ];
}

/// `[model.init]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Start {
    /// What weights and biases are drawn from.
    pub init: Init,
    /// Whether data then scale and shift them; where it is not said, the norm does.
    pub data_dependent: Option<bool>,
}

impl Default for Start {
    fn default() -> Self {
        Self::from(Init::KaimingUniform(NoSettings {}))
    }
}

impl From<Init> for Start {
    fn from(init: Init) -> Self {
        Self { init, data_dependent: None }
    }
}

/// The keys of `[model.init]` that every kind has.
#[derive(Default, JsonSchema)]
struct OfEveryInit {
    /// Scale weights and set biases of the hidden layers so that each unit puts out mean 0 and standard deviation 1 on
    /// the first 500 rows (Salimans & Kingma 2016); by default with the norm `weight` alone.
    data_dependent: Option<bool>,
}

as_table!(Start: Init, OfEveryInit);

impl SharedKeys for OfEveryInit {
    const KEYS: &'static [&'static str] = &["data_dependent"];

    fn take<'de, A: MapAccess<'de>>(&mut self, _: &str, map: &mut A) -> Result<(), A::Error> {
        self.data_dependent = Some(map.next_value()?);
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Start {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (init, shared) = Init::deserialize_with::<OfEveryInit, D>(deserializer)?;
        Ok(Self { init, data_dependent: shared.data_dependent })
    }
}

impl Serialize for Start {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Table<'a> {
            #[serde(flatten)]
            init: &'a Init,
            #[serde(skip_serializing_if = "Option::is_none")]
            data_dependent: Option<bool>,
        }
        Table { init: &self.init, data_dependent: self.data_dependent }.serialize(serializer)
    }
}

kinds! {
    /// What the weights and biases of linear layers are drawn from; biases are 0 but with `torch`.
    pub enum Init: "initialisation", default Some("kaiming_uniform");
    /// Uniform in ±gain sqrt(3 / inputs) (He et al. 2015)
    "kaiming_uniform" => KaimingUniform(NoSettings),
    /// Normal with sd gain / sqrt(inputs) (He et al. 2015)
    "kaiming_normal" => KaimingNormal(NoSettings),
    /// Uniform in ±sqrt(6 / (inputs + outputs)) (Glorot & Bengio 2010)
    "xavier_uniform" => XavierUniform(NoSettings),
    /// Normal with sd sqrt(2 / (inputs + outputs)) (Glorot & Bengio 2010)
    "xavier_normal" => XavierNormal(NoSettings),
    /// Normal with a given sd
    "normal" => Normal(NormalInit),
    /// Uniform in ±bound
    "uniform" => Uniform(UniformInit),
    /// Weights and biases uniform in ±1 / sqrt(inputs), as `torch.nn.Linear` draws them
    "torch" => Torch(NoSettings),
    later [] with keys []
}

/// Settings of `normal`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NormalInit {
    /// Standard deviation.
    #[serde(deserialize_with = "check::positive")]
    #[schemars(schema_with = "check::schema::positive")]
    pub std: f64,
}

/// Settings of `uniform`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UniformInit {
    /// Largest absolute value.
    #[serde(deserialize_with = "check::positive")]
    #[schemars(schema_with = "check::schema::positive")]
    pub bound: f64,
}
