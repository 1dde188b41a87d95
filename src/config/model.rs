//! `[model]`: the layers of the network.

use serde::{Deserialize, Deserializer, Serialize, de::Error};

pub use super::norm::{
    Along, BatchNorm, EpsPlacement, Norm, NormSettings, Placement, RunningStatistics, Statistics,
};
use crate::check;
use crate::kinds;
use crate::kinds::NoSettings;

/// `[model]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelConfig {
    /// Units of each hidden layer; empty: a linear model.
    #[serde(deserialize_with = "widths")]
    pub hidden: Vec<usize>,
    /// After each hidden layer.
    pub activation: Activation,
    /// Share of a hidden layer's units that a training batch zeroes.
    #[serde(deserialize_with = "check::share")]
    pub dropout: f64,
    /// How weights start; biases start at 0.
    pub init: Init,
    /// `[model.norm]`.
    pub norm: Norm,
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self {
            hidden: vec![64, 64],
            activation: Activation::Relu,
            dropout: 0.0,
            init: Init::KaimingUniform(NoSettings {}),
            norm: Norm::None(NoSettings {}),
        }
    }
}

impl ModelConfig {
    /// What there is to know of the norm of its hidden layers; none without a norm or without hidden
    /// layers.
    #[must_use]
    pub fn hidden_norm(&self) -> Option<&dyn NormSettings> {
        self.norm.settings().filter(|_| !self.hidden.is_empty())
    }

    /// What the norm of its hidden layers takes its statistics over.
    #[must_use]
    pub fn norm_along(&self) -> Option<Along> {
        self.hidden_norm().map(NormSettings::along)
    }
}

fn widths<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<usize>, D::Error> {
    let widths = Vec::<usize>::deserialize(deserializer)?;
    if widths.contains(&0) {
        return Err(D::Error::custom("a layer of 0 units: expected whole numbers of at least 1"));
    }
    Ok(widths)
}

/// The function after each hidden layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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

kinds! {
    /// How the weights of linear layers start.
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
    later [] with keys []
}

/// Settings of `normal`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NormalInit {
    /// Standard deviation.
    #[serde(deserialize_with = "check::positive")]
    pub std: f64,
}

/// Settings of `uniform`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UniformInit {
    /// Largest absolute value.
    #[serde(deserialize_with = "check::positive")]
    pub bound: f64,
}
