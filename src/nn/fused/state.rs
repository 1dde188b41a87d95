//! Between panels and the tensors of a `state_dict`.

use anyhow::{Context, Result};

use super::layer::{Layer, Units};
use super::parameter::Parameter;
use crate::config::norm::NormTensor;
use crate::nn::layout::{DIRECTION, LENGTH, LayerLayout, NormLayout};
use crate::nn::state::StateDict;
use bnes_kernels::buffer::Buffer;
use bnes_kernels::{Isa, PANEL, range_of};

/// The name of the optimizer's step counter.
const STEPS: &str = "optimizer.steps";

/// All parameters and statistics.
pub fn save(layers: &[Layer], isa: Isa) -> StateDict {
    let mut state = StateDict::default();
    for layer in layers {
        let number = layer.layout.linear;
        let (inputs, outputs) = (layer.layout.inputs, layer.layout.outputs);
        if layer.has_linear() {
            let weights = to_rows(layer, |units| units.weights(isa));
            state.push(format!("{number}.weight"), &[outputs, inputs], weights);
        }
        if layer.layout.bias {
            let biases = to_vector(layer, |units| Some(&units.bias.as_ref()?.values));
            state.push(format!("{number}.bias"), &[outputs], biases);
        }
        if let Some(norm) = layer.layout.norm() {
            save_norm(layer, norm.number, &norm.tensors, &mut state);
        }
    }
    state
}

fn save_norm(layer: &Layer, number: usize, tensors: &[NormTensor], state: &mut StateDict) {
    for tensor in tensors {
        let name = format!("{number}.{}", tensor.name());
        let values = match tensor {
            NormTensor::Scale | NormTensor::Shift => {
                to_vector(layer, |units| Some(&*units.affine.as_ref()?.parameter(*tensor).values))
            }
            NormTensor::Statistic { name, .. } => {
                to_vector(layer, |units| Some(&units.norm.as_ref()?.statistic(name)?[..]))
            }
            NormTensor::Count { .. } => {
                let norm = layer.units.first().and_then(|units| units.norm.as_ref());
                state.push_count(name, norm.map_or(0, |norm| norm.running().batches));
                continue;
            }
        };
        state.push(name, &[layer.layout.outputs], values);
    }
}

/// What training goes by besides.
pub fn save_training(layers: &[Layer], state: &mut StateDict) {
    for layer in layers {
        let LayerLayout { linear, inputs, outputs, .. } = layer.layout;
        if layer.layout.normalises_weights {
            let lengths = to_vector(layer, |units| Some(&*units.length.as_ref()?.parameter.values));
            state.push(format!("{linear}.{LENGTH}"), &[outputs, 1], lengths);
            let directions = to_rows(layer, |units| &units.weight.values);
            state.push(format!("{linear}.{DIRECTION}"), &[outputs, inputs], directions);
        }
        if let Some(norm) = layer.layout.norm() {
            save_norm(layer, norm.number, &norm.training_tensors, state);
        }
    }
}

/// Sets all parameters and statistics.
///
/// # Errors
/// Where a tensor is missing or has another shape.
pub fn load(layers: &mut [Layer], state: &StateDict, isa: Isa) -> Result<()> {
    for layer in layers {
        let number = layer.layout.linear;
        let (inputs, outputs) = (layer.layout.inputs, layer.layout.outputs);
        if layer.has_linear() {
            let weights = state.floats(&format!("{number}.weight"), &[outputs, inputs])?;
            from_rows(layer, weights, |units| &mut units.weight.values);
        }
        layer.units.iter_mut().for_each(|units| units.start_lengths(isa));
        if layer.layout.bias {
            let name = format!("{number}.bias");
            let biases = state.floats(&name, &[outputs])?;
            from_vector(layer, &name, biases, |units| Some(&mut units.bias.as_mut()?.values))?;
        }
        if let Some(norm) = layer.layout.norm().cloned() {
            load_norm(layer, norm.number, &norm.tensors, state)?;
            let norms = layer.units.iter_mut().filter_map(|units| units.norm.as_mut());
            norms.for_each(|norm| norm.start_from_running());
        }
    }
    Ok(())
}

fn load_norm(
    layer: &mut Layer,
    number: usize,
    tensors: &[NormTensor],
    state: &StateDict,
) -> Result<()> {
    let shape = [layer.layout.outputs];
    for tensor in tensors {
        let name = format!("{number}.{}", tensor.name());
        match tensor {
            NormTensor::Scale | NormTensor::Shift => {
                from_vector(layer, &name, state.floats(&name, &shape)?, |units| {
                    Some(&mut *units.affine.as_mut()?.parameter_mut(*tensor).values)
                })?;
            }
            NormTensor::Statistic { name: last, .. } => {
                from_vector(layer, &name, state.floats(&name, &shape)?, |units| {
                    Some(&mut units.norm.as_mut()?.statistic_mut(last)?[..])
                })?;
            }
            NormTensor::Count { .. } => {
                let count = state.count(&name)?;
                let norms = layer.units.iter_mut().filter_map(|units| units.norm.as_mut());
                norms.for_each(|norm| norm.running_mut().batches = count);
            }
        }
    }
    Ok(())
}

/// Sets what training goes by besides.
///
/// # Errors
/// Where a tensor is missing or has another shape.
pub fn load_training(layers: &mut [Layer], state: &StateDict, isa: Isa) -> Result<()> {
    for layer in layers {
        let LayerLayout { linear, inputs, outputs, .. } = layer.layout;
        if layer.layout.normalises_weights {
            let name = format!("{linear}.{LENGTH}");
            from_vector(layer, &name, state.floats(&name, &[outputs, 1])?, |units| {
                Some(&mut *units.length.as_mut()?.parameter.values)
            })?;
            let directions = state.floats(&format!("{linear}.{DIRECTION}"), &[outputs, inputs])?;
            from_rows(layer, directions, |units| &mut units.weight.values);
            layer.units.iter_mut().for_each(|units| units.measure_directions(isa));
            // Bit for bit, whichever engine folded them.
            let weights = state.floats(&format!("{linear}.weight"), &[outputs, inputs])?;
            let panels = to_panels(layer, weights);
            layer.units.iter_mut().zip(panels).for_each(|(units, panel)| units.set_folded(panel));
        }
        if let Some(norm) = layer.layout.norm().cloned() {
            load_norm(layer, norm.number, &norm.training_tensors, state)?;
        }
    }
    Ok(())
}

/// What the optimizer remembers, and how many steps it took.
pub fn save_memory(layers: &[Layer], steps: i32, state: &mut StateDict) {
    state.push_count(STEPS.to_owned(), i64::from(steps));
    for layer in layers {
        let (inputs, outputs) = (layer.layout.inputs, layer.layout.outputs);
        let Some(first) = layer.units.first() else { continue };
        for index in 0..first.weight.memory.len() {
            let push = |state: &mut StateDict, (name, small): (String, Small)| {
                let values = to_vector(layer, |units| Some(&*small.of(units)?.memory[index]));
                state.push(format!("optimizer.{name}.{index}"), &small.shape(outputs), values);
            };
            let (before, after): (Vec<_>, Vec<_>) =
                Small::all(layer).into_iter().partition(|(_, small)| *small == Small::Length);
            for small in before {
                push(state, small);
            }
            if layer.has_linear() {
                let values = to_rows(layer, |units| &units.weight.memory[index]);
                state.push(name_of_weights(layer, index), &[outputs, inputs], values);
            }
            for small in after {
                push(state, small);
            }
        }
    }
}

/// Sets what the optimizer remembers; gives how many steps it took.
///
/// # Errors
/// Where a tensor is missing or has another shape.
pub fn load_memory(layers: &mut [Layer], state: &StateDict) -> Result<i32> {
    let steps = i32::try_from(state.count(STEPS)?)?;
    for layer in layers {
        let (inputs, outputs) = (layer.layout.inputs, layer.layout.outputs);
        let count = layer.units.first().map_or(0, |units| units.weight.memory.len());
        for index in 0..count {
            if layer.has_linear() {
                let values = state.floats(&name_of_weights(layer, index), &[outputs, inputs])?;
                from_rows(layer, values, |units| &mut units.weight.memory[index]);
            }
            for (name, small) in Small::all(layer) {
                let name = format!("optimizer.{name}.{index}");
                let values = state.floats(&name, &small.shape(outputs))?;
                from_vector(layer, &name, values, |units| {
                    Some(&mut *small.of_mut(units)?.memory[index])
                })?;
            }
        }
    }
    Ok(steps)
}

fn name_of_weights(layer: &Layer, index: usize) -> String {
    let LayerLayout { linear, normalises_weights, .. } = layer.layout;
    let last = if normalises_weights { DIRECTION } else { "weight" };
    format!("optimizer.{linear}.{last}.{index}")
}

/// A parameter of one number per unit.
#[derive(Clone, Copy, PartialEq)]
enum Small {
    Length,
    Bias,
    OfNorm(NormTensor),
}

impl Small {
    /// Those of a layer, with their names.
    fn all(layer: &Layer) -> Vec<(String, Self)> {
        let LayerLayout { linear, bias, normalises_weights, .. } = layer.layout;
        let mut all = Vec::new();
        if normalises_weights {
            all.push((format!("{linear}.{LENGTH}"), Self::Length));
        }
        if bias {
            all.push((format!("{linear}.bias"), Self::Bias));
        }
        if let Some(NormLayout { number, tensors, .. }) = layer.layout.norm() {
            let parameters = tensors.iter().filter(|tensor| tensor.is_parameter());
            all.extend(parameters.map(|t| (format!("{number}.{}", t.name()), Self::OfNorm(*t))));
        }
        all
    }

    fn shape(self, outputs: usize) -> Vec<usize> {
        if self == Self::Length { vec![outputs, 1] } else { vec![outputs] }
    }

    fn of(self, units: &Units) -> Option<&Parameter> {
        match self {
            Self::Length => Some(&units.length.as_ref()?.parameter),
            Self::Bias => units.bias.as_ref(),
            Self::OfNorm(tensor) => Some(units.affine.as_ref()?.parameter(tensor)),
        }
    }

    fn of_mut(self, units: &mut Units) -> Option<&mut Parameter> {
        match self {
            Self::Length => Some(&mut units.length.as_mut()?.parameter),
            Self::Bias => units.bias.as_mut(),
            Self::OfNorm(tensor) => Some(units.affine.as_mut()?.parameter_mut(tensor)),
        }
    }
}

/// The weights of all panels, outputs x inputs.
fn to_rows<'a>(layer: &'a Layer, panel: impl Fn(&'a Units) -> &'a [f32]) -> Vec<f32> {
    let (inputs, outputs) = (layer.layout.inputs, layer.layout.outputs);
    let mut rows = vec![0.0; outputs * inputs];
    for (index, units) in layer.units.iter().enumerate() {
        let panel = panel(units);
        for (column, output) in range_of(outputs, index).enumerate() {
            for input in 0..inputs {
                rows[output * inputs + input] = panel[input * PANEL + column];
            }
        }
    }
    rows
}

/// The other way round.
fn from_rows(layer: &mut Layer, rows: &[f32], panel: impl Fn(&mut Units) -> &mut [f32]) {
    let panels = to_panels(layer, rows);
    for (units, values) in layer.units.iter_mut().zip(panels) {
        panel(units).copy_from_slice(&values);
    }
}

/// Weights, outputs x inputs, as the panels of a layer.
fn to_panels(layer: &Layer, rows: &[f32]) -> Vec<Buffer> {
    let (inputs, outputs) = (layer.layout.inputs, layer.layout.outputs);
    let panel = |(index, units): (usize, &Units)| {
        let mut panel = Buffer::zeros(units.weight.values.len());
        for (column, output) in range_of(outputs, index).enumerate() {
            for input in 0..inputs {
                panel[input * PANEL + column] = rows[output * inputs + input];
            }
        }
        panel
    };
    layer.units.iter().enumerate().map(panel).collect()
}

/// One number per unit, of all panels.
fn to_vector<'a>(layer: &'a Layer, panel: impl Fn(&'a Units) -> Option<&'a [f32]>) -> Vec<f32> {
    let outputs = layer.layout.outputs;
    let mut vector = Vec::with_capacity(outputs);
    for (index, units) in layer.units.iter().enumerate() {
        let columns = range_of(outputs, index).len();
        vector.extend(panel(units).map(|panel| &panel[..columns]).into_iter().flatten());
    }
    vector
}

/// The other way round.
///
/// # Errors
/// Where a layer lacks what the layout says it has: a norm that this engine does not know.
fn from_vector(
    layer: &mut Layer,
    name: &str,
    vector: &[f32],
    panel: impl Fn(&mut Units) -> Option<&mut [f32]>,
) -> Result<()> {
    let outputs = layer.layout.outputs;
    for (index, units) in layer.units.iter_mut().enumerate() {
        let columns = range_of(outputs, index);
        let panel = panel(units).with_context(|| format!("the fused engine has no `{name}`"))?;
        panel[..columns.len()].copy_from_slice(&vector[columns]);
    }
    Ok(())
}
