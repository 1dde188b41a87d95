//! Between panels and the tensors of a `state_dict`.

use anyhow::{Context, Result};

use super::layer::{Layer, Units};
use super::parameter::Parameter;
use crate::config::norm::NormTensor;
use crate::nn::layout::NormLayout;
use crate::nn::state::StateDict;
use bnes_kernels::{PANEL, range_of};

/// The name of the optimizer's step counter.
const STEPS: &str = "optimizer.steps";

/// All parameters and statistics.
pub fn save(layers: &[Layer]) -> StateDict {
    let mut state = StateDict::default();
    for layer in layers {
        let number = layer.layout.linear;
        let (inputs, outputs) = (layer.layout.inputs, layer.layout.outputs);
        let weights = to_rows(layer, |units| &units.weight.values);
        state.push(format!("{number}.weight"), &[outputs, inputs], weights);
        if layer.layout.bias {
            let biases = to_vector(layer, |units| Some(&units.bias.as_ref()?.values));
            state.push(format!("{number}.bias"), &[outputs], biases);
        }
        let Some(NormLayout { number, tensors, .. }) = layer.layout.norm() else { continue };
        for tensor in tensors {
            let (last, name) = (tensor.name(), format!("{number}.{}", tensor.name()));
            if let NormTensor::Count { .. } = tensor {
                let norm = layer.units.first().and_then(|units| units.norm.as_ref());
                state.push_count(name, norm.map_or(0, |norm| norm.batches()));
            } else {
                let values = to_vector(layer, |units| units.norm.as_ref()?.tensor(last));
                state.push(name, &[outputs], values);
            }
        }
    }
    state
}

/// Sets all parameters and statistics.
///
/// # Errors
/// Where a tensor is missing or has another shape.
pub fn load(layers: &mut [Layer], state: &StateDict) -> Result<()> {
    for layer in layers {
        let number = layer.layout.linear;
        let (inputs, outputs) = (layer.layout.inputs, layer.layout.outputs);
        let weights = state.floats(&format!("{number}.weight"), &[outputs, inputs])?;
        from_rows(layer, weights, |units| &mut units.weight.values);
        if layer.layout.bias {
            let name = format!("{number}.bias");
            let biases = state.floats(&name, &[outputs])?;
            from_vector(layer, &name, biases, |units| Some(&mut units.bias.as_mut()?.values))?;
        }
        let Some(NormLayout { number, tensors, .. }) = layer.layout.norm().cloned() else {
            continue;
        };
        for tensor in tensors {
            let (last, name) = (tensor.name(), format!("{number}.{}", tensor.name()));
            if let NormTensor::Count { .. } = tensor {
                let count = state.count(&name)?;
                let norms = layer.units.iter_mut().filter_map(|units| units.norm.as_mut());
                norms.for_each(|norm| norm.set_batches(count));
            } else {
                let values = state.floats(&name, &[outputs])?;
                from_vector(layer, &name, values, |units| units.norm.as_mut()?.tensor_mut(last))?;
            }
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
            let name = format!("optimizer.{}.weight.{index}", layer.layout.linear);
            let values = to_rows(layer, |units| &units.weight.memory[index]);
            state.push(name, &[outputs, inputs], values);
            for (name, small) in Small::all(layer) {
                let values = to_vector(layer, |units| Some(&*small.of(units)?.memory[index]));
                state.push(format!("optimizer.{name}.{index}"), &[outputs], values);
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
            let name = format!("optimizer.{}.weight.{index}", layer.layout.linear);
            let values = state.floats(&name, &[outputs, inputs])?;
            from_rows(layer, values, |units| &mut units.weight.memory[index]);
            for (name, small) in Small::all(layer) {
                let name = format!("optimizer.{name}.{index}");
                let values = state.floats(&name, &[outputs])?;
                from_vector(layer, &name, values, |units| {
                    Some(&mut *small.of_mut(units)?.memory[index])
                })?;
            }
        }
    }
    Ok(steps)
}

/// A parameter of one number per unit.
#[derive(Clone, Copy)]
enum Small {
    Bias,
    OfNorm(&'static str),
}

impl Small {
    /// Those of a layer, with their names.
    fn all(layer: &Layer) -> Vec<(String, Self)> {
        let mut all = Vec::new();
        if layer.layout.bias {
            all.push((format!("{}.bias", layer.layout.linear), Self::Bias));
        }
        let norm = layer.units.first().and_then(|units| units.norm.as_ref());
        if let (Some(NormLayout { number, .. }), Some(norm)) = (layer.layout.norm(), norm) {
            let names = norm.parameters().iter();
            all.extend(names.map(|name| (format!("{number}.{name}"), Self::OfNorm(name))));
        }
        all
    }

    fn of(self, units: &Units) -> Option<&Parameter> {
        match self {
            Self::Bias => units.bias.as_ref(),
            Self::OfNorm(name) => units.norm.as_ref()?.parameter(name),
        }
    }

    fn of_mut(self, units: &mut Units) -> Option<&mut Parameter> {
        match self {
            Self::Bias => units.bias.as_mut(),
            Self::OfNorm(name) => units.norm.as_mut()?.parameter_mut(name),
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
    let (inputs, outputs) = (layer.layout.inputs, layer.layout.outputs);
    for (index, units) in layer.units.iter_mut().enumerate() {
        let panel = panel(units);
        for (column, output) in range_of(outputs, index).enumerate() {
            for input in 0..inputs {
                panel[input * PANEL + column] = rows[output * inputs + input];
            }
        }
    }
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
