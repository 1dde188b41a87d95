//! Which layers a network has and what their tensors are called, before any arithmetic.

use crate::spec::model::{Activation, ModelSpec, Norm, Placement};
use crate::spec::norm::NormTensor;

/// A multilayer perceptron as a `torch.nn.Sequential` would number it: per hidden layer a Linear,
/// a norm, an activation and a dropout (the last where its rate is above 0), then a Linear.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    /// The hidden layers, then the output layer, which is a Linear alone.
    pub layers: Vec<LayerLayout>,
    /// Share of a hidden layer's units that a training batch zeroes.
    pub dropout: f64,
}

/// One layer.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerLayout {
    /// Number of the Linear in the Sequential: its tensors are `N.weight` and `N.bias`.
    pub linear: usize,
    /// Units before it.
    pub inputs: usize,
    /// Units of it.
    pub outputs: usize,
    /// Whether the Linear adds a bias; a norm that centres over the batch would take it out again.
    pub bias: bool,
    /// What follows the Linear; `None` for the output layer.
    pub hidden: Option<HiddenLayout>,
}

/// What follows the Linear of a hidden layer.
#[derive(Debug, Clone, PartialEq)]
pub struct HiddenLayout {
    /// The norm and its number in the Sequential; `None` without one.
    pub norm: Option<(usize, Norm)>,
    /// The function of each unit.
    pub activation: Activation,
}

impl LayerLayout {
    /// The norm and its number in the Sequential, where there is one.
    #[must_use]
    pub fn norm(&self) -> Option<(usize, &Norm)> {
        let (number, norm) = self.hidden.as_ref()?.norm.as_ref()?;
        Some((*number, norm))
    }
}

impl Layout {
    /// The layers between `inputs` numbers a row and `outputs` of them.
    #[must_use]
    pub fn new(model: &ModelSpec, inputs: usize, outputs: usize) -> Self {
        let mut layers = Vec::new();
        let mut number = 0;
        let mut width = inputs;
        for &units in &model.hidden {
            let linear = number;
            let norm = model.norm.inner();
            let before = norm.placement() == Placement::BeforeActivation;
            let has_norm = !norm.tensors().is_empty();
            let norm_number = if before { linear + 1 } else { linear + 2 };
            layers.push(LayerLayout {
                linear,
                inputs: width,
                outputs: units,
                bias: !(before && norm.centres_over_the_batch()),
                hidden: Some(HiddenLayout {
                    norm: has_norm.then(|| (norm_number, model.norm.clone())),
                    activation: model.activation,
                }),
            });
            number += 2 + usize::from(has_norm) + usize::from(model.dropout > 0.0);
            width = units;
        }
        layers.push(LayerLayout {
            linear: number,
            inputs: width,
            outputs,
            bias: true,
            hidden: None,
        });
        Self { layers, dropout: model.dropout }
    }

    /// Numbers that training moves.
    #[must_use]
    pub fn parameters(&self) -> usize {
        // A slip of a few zeros has to be seen, not to overflow.
        let of_layer = |layer: &LayerLayout| {
            let tensors = layer.norm().map_or(Vec::new(), |(_, norm)| norm.inner().tensors());
            let of_norm =
                tensors.iter().filter(|tensor| matches!(tensor, NormTensor::Parameter { .. }));
            let per_unit = layer.inputs + usize::from(layer.bias) + of_norm.count();
            layer.outputs.saturating_mul(per_unit)
        };
        self.layers.iter().map(of_layer).fold(0, usize::saturating_add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::model::BatchNorm;

    fn numbers(model: &ModelSpec) -> Vec<(usize, bool, Option<usize>)> {
        let number = |layer: &LayerLayout| Some(layer.norm()?.0);
        let layout = Layout::new(model, 5, 3);
        layout.layers.iter().map(|layer| (layer.linear, layer.bias, number(layer))).collect()
    }

    #[test]
    fn layers_are_numbered_as_a_sequential_numbers_them() {
        let mut model = ModelSpec { hidden: vec![4, 4], ..ModelSpec::default() };
        assert_eq!(numbers(&model), [(0, true, None), (2, true, None), (4, true, None)]);
        model.dropout = 0.5;
        assert_eq!(numbers(&model), [(0, true, None), (3, true, None), (6, true, None)]);
        model.norm = Norm::Batch(BatchNorm::default());
        assert_eq!(numbers(&model), [(0, false, Some(1)), (4, false, Some(5)), (8, true, None)]);
        model.norm = Norm::Batch(BatchNorm {
            placement: Placement::AfterActivation,
            ..BatchNorm::default()
        });
        assert_eq!(numbers(&model), [(0, true, Some(2)), (4, true, Some(6)), (8, true, None)]);
    }

    #[test]
    fn a_bias_before_a_batch_norm_is_not_counted() {
        let mut model = ModelSpec { hidden: vec![4], ..ModelSpec::default() };
        assert_eq!(Layout::new(&model, 5, 3).parameters(), 5 * 4 + 4 + 4 * 3 + 3);
        model.norm = Norm::Batch(BatchNorm::default());
        assert_eq!(Layout::new(&model, 5, 3).parameters(), 5 * 4 + 8 + 4 * 3 + 3);
    }

    #[test]
    fn without_hidden_layers_the_model_is_linear() {
        let model = ModelSpec { hidden: vec![], ..ModelSpec::default() };
        assert_eq!(numbers(&model), [(0, true, None)]);
    }
}
