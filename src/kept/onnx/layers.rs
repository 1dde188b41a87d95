//! The network's layers outside of training.

use anyhow::{Result, bail};

use super::graph::{Graph, Name, float, int, ints};
use crate::config::model::{Activation, EpsPlacement, Norm, Placement};
use crate::config::norm::{ByRow, NormTensor};
use crate::nn::graph::NormAlone;
use crate::nn::layout::{LayerLayout, NormLayout};
use crate::nn::{Layout, StateDict};

/// What the network makes of its inputs.
///
/// # Errors
/// Where the state lacks a tensor.
pub fn outputs(
    graph: &mut Graph,
    layout: &Layout,
    state: &StateDict,
    inputs: Name,
) -> Result<Name> {
    let mut x = inputs;
    if let (Some(norm), Some(first)) = (&layout.input_norm, layout.layers.first()) {
        x = normalised(graph, norm, first.inputs, state, &x)?;
    }
    for layer in &layout.layers {
        x = of_layer(graph, layer, state, &x)?;
    }
    Ok(x)
}

fn of_layer(graph: &mut Graph, layer: &LayerLayout, state: &StateDict, x: &str) -> Result<Name> {
    let LayerLayout { linear, inputs, outputs, .. } = *layer;
    let weights = state.floats(&format!("{linear}.weight"), &[outputs, inputs])?;
    let weights = graph.floats(&[outputs, inputs], weights);
    let bias = if layer.bias {
        Some(graph.floats(&[outputs], state.floats(&format!("{linear}.bias"), &[outputs])?))
    } else {
        None
    };
    let operands: Vec<&str> = [x, &weights].into_iter().chain(bias.as_deref()).collect();
    let y = graph.node("Gemm", &operands, &[int("transB", 1)]);
    let Some(hidden) = &layer.hidden else { return Ok(y) };
    let norm = |graph: &mut Graph, x: &str| match &hidden.norm {
        Some(norm) => normalised(graph, norm, outputs, state, x),
        None => Ok(x.to_owned()),
    };
    match layer.placement() {
        Placement::BeforeActivation => {
            let y = norm(graph, &y)?;
            Ok(activated(graph, hidden.activation, &y))
        }
        Placement::AfterActivation => {
            let y = activated(graph, hidden.activation, &y);
            norm(graph, &y)
        }
    }
}

/// A norm: by fixed statistics of each unit, or by those of each row.
fn normalised(
    graph: &mut Graph,
    norm: &NormLayout,
    units: usize,
    state: &StateDict,
    x: &str,
) -> Result<Name> {
    let mut y = match NormAlone::new(norm, units, state)?.fixed()? {
        Some(fixed) => {
            #[allow(clippy::cast_possible_truncation)] // the network computes in 32 bits
            let narrow = |values: &[f64]| values.iter().map(|v| *v as f32).collect::<Vec<f32>>();
            let mean = graph.floats(&[units], &narrow(&fixed.mean));
            let sd = graph.floats(&[units], &narrow(&fixed.sd));
            let centred = graph.node("Sub", &[x, &mean], &[]);
            graph.node("Div", &[&centred, &sd], &[])
        }
        None => by_row(graph, settings(&norm.kind)?, units, x),
    };
    for (tensor, operator) in [(NormTensor::Scale, "Mul"), (NormTensor::Shift, "Add")] {
        if norm.tensors.contains(&tensor) {
            let name = format!("{}.{}", norm.number, tensor.name());
            let values = graph.floats(&[units], state.floats(&name, &[units])?);
            y = graph.node(operator, &[&y, &values], &[]);
        }
    }
    Ok(y)
}

/// How a norm goes by the statistics of each row.
fn settings(norm: &Norm) -> Result<ByRow> {
    Ok(match norm {
        Norm::Layer(norm) => norm.by_row(),
        Norm::Group(norm) => norm.by_row(),
        Norm::Rms(norm) => norm.by_row(),
        other => bail!("the norm `{}` cannot be written as ONNX yet", other.kind()),
    })
}

fn by_row(graph: &mut Graph, settings: ByRow, units: usize, x: &str) -> Name {
    let ByRow { groups, centres, eps, eps_placement } = settings;
    let side = |length: usize| i64::try_from(length).unwrap_or(i64::MAX);
    let over_group = [ints("axes", &[2]), int("keepdims", 1)];
    let shape = graph.ints(&[3], &[-1, side(groups), side(units / groups)]);
    let mut grouped = graph.node("Reshape", &[x, &shape], &[]);
    if centres {
        let mean = graph.node("ReduceMean", &[&grouped], &over_group);
        grouped = graph.node("Sub", &[&grouped, &mean], &[]);
    }
    let squared = graph.node("Mul", &[&grouped, &grouped], &[]);
    let variance = graph.node("ReduceMean", &[&squared], &over_group);
    #[allow(clippy::cast_possible_truncation)] // the network computes in 32 bits
    let eps = graph.floats(&[1], &[eps as f32]);
    let sd = match eps_placement {
        EpsPlacement::Variance => {
            let sum = graph.node("Add", &[&variance, &eps], &[]);
            graph.node("Sqrt", &[&sum], &[])
        }
        EpsPlacement::Std => {
            let root = graph.node("Sqrt", &[&variance], &[]);
            graph.node("Add", &[&root, &eps], &[])
        }
    };
    let scaled = graph.node("Div", &[&grouped, &sd], &[]);
    let shape = graph.ints(&[2], &[-1, side(units)]);
    graph.node("Reshape", &[&scaled, &shape], &[])
}

fn activated(graph: &mut Graph, activation: Activation, x: &str) -> Name {
    match activation {
        Activation::Identity => x.to_owned(),
        Activation::Relu => graph.node("Relu", &[x], &[]),
        Activation::Sigmoid => graph.node("Sigmoid", &[x], &[]),
        Activation::Tanh => graph.node("Tanh", &[x], &[]),
        Activation::Softsign => graph.node("Softsign", &[x], &[]),
        Activation::LeakyRelu => graph.node("LeakyRelu", &[x], &[float("alpha", 0.01)]),
        Activation::Elu => graph.node("Elu", &[x], &[float("alpha", 1.0)]),
        // Its constants are those of ONNX.
        Activation::Selu => graph.node("Selu", &[x], &[]),
        Activation::Silu => {
            let gate = graph.node("Sigmoid", &[x], &[]);
            graph.node("Mul", &[x, &gate], &[])
        }
        Activation::Gelu => {
            let (root, one, half) = (
                graph.floats(&[1], &[std::f32::consts::FRAC_1_SQRT_2]),
                graph.floats(&[1], &[1.0]),
                graph.floats(&[1], &[0.5]),
            );
            let scaled = graph.node("Mul", &[x, &root], &[]);
            let erf = graph.node("Erf", &[&scaled], &[]);
            let sum = graph.node("Add", &[&erf, &one], &[]);
            let below = graph.node("Mul", &[&sum, &half], &[]);
            graph.node("Mul", &[x, &below], &[])
        }
    }
}
