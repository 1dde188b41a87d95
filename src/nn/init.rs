//! How weights start: drawn on the host from one named stream per Linear, so that every engine and
//! every arm of a seed starts from the same numbers.

use super::layout::{LayerLayout, Layout, NormLayout};
use super::state::StateDict;
use crate::config::model::{Activation, Init};
use crate::config::norm::NormTensor;
use crate::seed::{Seed, Stream};

/// By how much an activation shrinks the standard deviation of a unit, as the factor that makes up for it.
///
/// The values of `torch.nn.init.calculate_gain`; gelu, silu and elu, which it does not list, count
/// as relu, softsign as identity.
#[must_use]
pub fn gain(activation: Activation) -> f64 {
    match activation {
        Activation::Relu | Activation::Gelu | Activation::Silu | Activation::Elu => 2.0_f64.sqrt(),
        Activation::LeakyRelu => (2.0 / (1.0 + 0.01_f64.powi(2))).sqrt(),
        Activation::Tanh => 5.0 / 3.0,
        Activation::Selu => 0.75,
        Activation::Sigmoid | Activation::Softsign | Activation::Identity => 1.0,
    }
}

/// All tensors before the first step: weights drawn, biases 0 but with `torch`, norms the identity.
///
/// The weights of the `i`-th Linear come from the stream `init/linear/i` of the seed, in row-major
/// order, and biases from `init/bias/i`, so a norm or a dropout added elsewhere moves none of them. The output
/// layer feeds no activation; its gain is 1.
#[must_use]
pub fn initial_state(layout: &Layout, init: &Init, seed: Seed) -> StateDict {
    let mut state = StateDict::default();
    if let (Some(norm), Some(first)) = (&layout.input_norm, layout.layers.first()) {
        push_norm(norm, first.inputs, &mut state);
    }
    for (index, layer) in layout.layers.iter().enumerate() {
        let mut stream = seed.stream(&format!("init/linear/{index}"), 0);
        let (inputs, outputs) = (layer.inputs, layer.outputs);
        let weights = (0..inputs * outputs).map(|_| draw(&mut stream, init, layer)).collect();
        state.push(format!("{}.weight", layer.linear), &[outputs, inputs], weights);
        if layer.bias {
            let biases = match init {
                Init::Torch(_) => {
                    let mut stream = seed.stream(&format!("init/bias/{index}"), 0);
                    (0..outputs).map(|_| draw(&mut stream, init, layer)).collect()
                }
                _ => vec![0.0; outputs],
            };
            state.push(format!("{}.bias", layer.linear), &[outputs], biases);
        }
        if let Some(norm) = layer.norm() {
            push_norm(norm, outputs, &mut state);
        }
    }
    state
}

/// A norm that is the identity.
fn push_norm(norm: &NormLayout, units: usize, state: &mut StateDict) {
    for tensor in &norm.tensors {
        let name = format!("{}.{}", norm.number, tensor.name());
        let start = match tensor {
            NormTensor::Scale => 1.0,
            NormTensor::Shift => 0.0,
            NormTensor::Statistic { start, .. } => *start,
            NormTensor::Count { .. } => {
                state.push_count(name, 0);
                continue;
            }
        };
        state.push(name, &[units], vec![start; units]);
    }
}

#[allow(clippy::cast_possible_truncation)] // parameters are f32
#[allow(clippy::cast_precision_loss)] // widths are far below 2^53
fn draw(stream: &mut Stream, init: &Init, layer: &LayerLayout) -> f32 {
    let gain = layer.hidden.as_ref().map_or(1.0, |hidden| gain(hidden.activation));
    let (fan_in, fan_out) = (layer.inputs as f64, layer.outputs as f64);
    let value = match init {
        Init::KaimingUniform(_) => (2.0 * stream.uniform() - 1.0) * gain * (3.0 / fan_in).sqrt(),
        Init::KaimingNormal(_) => stream.normal() * gain / fan_in.sqrt(),
        Init::XavierUniform(_) => {
            (2.0 * stream.uniform() - 1.0) * (6.0 / (fan_in + fan_out)).sqrt()
        }
        Init::XavierNormal(_) => stream.normal() * (2.0 / (fan_in + fan_out)).sqrt(),
        Init::Normal(normal) => stream.normal() * normal.std,
        Init::Torch(_) => (2.0 * stream.uniform() - 1.0) / fan_in.sqrt(),
        Init::Uniform(uniform) => (2.0 * stream.uniform() - 1.0) * uniform.bound,
    };
    value as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::model::{BatchNorm, ModelConfig, Norm, NormalInit, UniformInit};
    use crate::kinds::NoSettings;

    fn weights(model: &ModelConfig, seed: u64, number: usize) -> Vec<f32> {
        let layout = Layout::new(model, 100, 10);
        let state = initial_state(&layout, &model.init.init, Seed(seed));
        let layer = layout.layers.iter().find(|layer| layer.linear == number).unwrap();
        let shape = [layer.outputs, layer.inputs];
        state.floats(&format!("{number}.weight"), &shape).unwrap().to_vec()
    }

    #[test]
    fn a_norm_and_a_dropout_leave_every_shared_weight_as_it_is() {
        let plain = ModelConfig::default();
        let with_norm = ModelConfig {
            norm: Norm::Batch(BatchNorm::default()).into(),
            dropout: 0.5,
            ..ModelConfig::default()
        };
        assert_eq!(weights(&plain, 3, 0), weights(&with_norm, 3, 0));
        assert_eq!(weights(&plain, 3, 2), weights(&with_norm, 3, 4));
        assert_ne!(weights(&plain, 3, 0), weights(&plain, 4, 0));
    }

    #[test]
    fn each_kind_has_the_standard_deviation_of_its_definition() {
        let gain = 2.0_f64.sqrt();
        let (fan_in, fan_out) = (100.0_f64, 64.0_f64);
        let cases = [
            (Init::KaimingUniform(NoSettings {}), gain / fan_in.sqrt()),
            (Init::KaimingNormal(NoSettings {}), gain / fan_in.sqrt()),
            (Init::XavierUniform(NoSettings {}), (2.0 / (fan_in + fan_out)).sqrt()),
            (Init::XavierNormal(NoSettings {}), (2.0 / (fan_in + fan_out)).sqrt()),
            (Init::Normal(NormalInit { std: 0.01 }), 0.01),
            (Init::Uniform(UniformInit { bound: 0.3 }), 0.3 / 3.0_f64.sqrt()),
            (Init::Torch(NoSettings {}), 1.0 / (3.0 * fan_in).sqrt()),
        ];
        for (init, sd) in cases {
            let model = ModelConfig { init: init.clone().into(), ..ModelConfig::default() };
            let draws = weights(&model, 0, 0);
            let mean_square = draws.iter().map(|w| f64::from(*w).powi(2)).sum::<f64>() / 6400.0;
            let ratio = mean_square.sqrt() / sd;
            assert!((ratio - 1.0).abs() < 0.05, "{init:?}: {ratio}");
        }
    }

    #[test]
    fn biases_are_drawn_as_torch_draws_them_and_are_0_else() {
        let biases = |init: Init| {
            let model = ModelConfig { init: init.into(), ..ModelConfig::default() };
            let layout = Layout::new(&model, 100, 10);
            let state = initial_state(&layout, &model.init.init, Seed(0));
            state.floats("0.bias", &[64]).unwrap().to_vec()
        };
        let of_torch = biases(Init::Torch(NoSettings {}));
        assert!(of_torch.iter().all(|bias| bias.abs() <= 0.1 && *bias != 0.0), "{of_torch:?}");
        assert_eq!(biases(Init::KaimingNormal(NoSettings {})), [0.0; 64]);
    }
}
