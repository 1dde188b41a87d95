//! Which layers a network has and what their tensors are called, before any arithmetic.

use super::Network;
use crate::config::model::{Activation, Along, ModelConfig, Norm, NormSettings, Placement};
use crate::config::norm::NormTensor;

/// A multilayer perceptron as a `torch.nn.Sequential` would number it: a norm of the inputs where there is one, per
/// hidden layer a Linear, a norm, an activation and a dropout (the last where its rate is above 0), then a Linear.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    /// On what goes into the network; number 0.
    pub input_norm: Option<NormLayout>,
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
    /// Whether the Linear adds a bias; some norms would take it out again.
    pub bias: bool,
    /// Whether training moves the length and the direction of each unit's weights in place of the weights.
    pub normalises_weights: bool,
    /// What follows the Linear; `None` for the output layer.
    pub hidden: Option<HiddenLayout>,
}

/// What follows the Linear of a hidden layer.
#[derive(Debug, Clone, PartialEq)]
pub struct HiddenLayout {
    /// The norm; `None` without one.
    pub norm: Option<NormLayout>,
    /// The function of each unit.
    pub activation: Activation,
}

/// A norm of a hidden layer, or of the inputs.
#[derive(Debug, Clone, PartialEq)]
pub struct NormLayout {
    /// Its number in the Sequential: its tensors are `N.weight` and so on.
    pub number: usize,
    /// Which it is; neither [`Norm::None`] nor a norm of the weights, which is no module of its own.
    pub kind: Norm,
    /// On which side of the activation it stands.
    pub placement: Placement,
    /// In the order of a `state_dict`; there may be none.
    pub tensors: Vec<NormTensor>,
    /// What only a checkpoint holds.
    pub training_tensors: Vec<NormTensor>,
    /// Of the whole training, which some norms' schedules are about; 0 where they are not known.
    pub steps: usize,
}

/// The last names of the length and the direction of a Linear's weights, as `torch`'s `weight_norm` has them.
pub const LENGTH: &str = "parametrizations.weight.original0";

/// See [`LENGTH`].
pub const DIRECTION: &str = "parametrizations.weight.original1";

impl LayerLayout {
    /// The norm, where there is one.
    #[must_use]
    pub fn norm(&self) -> Option<&NormLayout> {
        self.hidden.as_ref()?.norm.as_ref()
    }

    /// On which side of the activation the norm stands.
    #[must_use]
    pub fn placement(&self) -> Placement {
        self.norm().map_or(Placement::BeforeActivation, |norm| norm.placement)
    }
}

impl NormLayout {
    fn new(kind: &Norm, settings: &dyn NormSettings, number: usize) -> Self {
        Self {
            number,
            kind: kind.clone(),
            placement: settings.placement(),
            tensors: settings.tensors(),
            training_tensors: settings.training_tensors(),
            steps: 0,
        }
    }

    /// Numbers of each unit that training moves.
    fn parameters(&self) -> usize {
        self.tensors.iter().filter(|tensor| tensor.is_parameter()).count()
    }
}

impl Layout {
    /// The layers between `inputs` numbers a row and `outputs` of them.
    #[must_use]
    pub fn new(model: &ModelConfig, inputs: usize, outputs: usize) -> Self {
        Self::with_norms(model, model.hidden_norm(), model.input_norm(), inputs, outputs)
    }

    /// That of a network about to be trained, whose steps are known.
    #[must_use]
    pub fn of(network: &Network) -> Self {
        let Network { model, training, outputs, data, .. } = *network;
        let mut layout = Self::new(model, data.inputs.width(), outputs);
        let of_epoch = training.batch_size.steps(data.splits.train.len());
        let of_hidden =
            layout.layers.iter_mut().filter_map(|layer| layer.hidden.as_mut()?.norm.as_mut());
        let norms = layout.input_norm.iter_mut().chain(of_hidden);
        norms.for_each(|norm| norm.steps = training.epochs.saturating_mul(of_epoch));
        layout
    }

    fn with_norms(
        model: &ModelConfig,
        norm: Option<&dyn NormSettings>,
        input_norm: Option<&dyn NormSettings>,
        inputs: usize,
        outputs: usize,
    ) -> Self {
        let of_inputs = |norm: &dyn NormSettings| NormLayout {
            // There is no activation for it to stand behind.
            placement: Placement::BeforeActivation,
            ..NormLayout::new(&model.norm.norm, norm, 0)
        };
        let input_norm = input_norm.map(of_inputs);
        let mut layers = Vec::new();
        let mut number = usize::from(input_norm.is_some());
        let mut width = inputs;
        for &units in &model.hidden {
            let linear = number;
            // A norm of the weights takes no place of its own.
            let module = norm.filter(|norm| norm.along() != Along::Weights);
            layers.push(LayerLayout {
                linear,
                inputs: width,
                outputs: units,
                bias: !norm.is_some_and(NormSettings::replaces_bias),
                normalises_weights: norm.is_some_and(NormSettings::normalises_weights),
                hidden: Some(HiddenLayout {
                    norm: module.map(|norm| {
                        let behind = match norm.placement() {
                            Placement::BeforeActivation => 1,
                            Placement::AfterActivation => 2,
                        };
                        NormLayout::new(&model.norm.norm, norm, linear + behind)
                    }),
                    activation: model.activation,
                }),
            });
            number += 2 + usize::from(module.is_some()) + usize::from(model.dropout > 0.0);
            width = units;
        }
        layers.push(LayerLayout {
            linear: number,
            inputs: width,
            outputs,
            bias: true,
            normalises_weights: false,
            hidden: None,
        });
        Self { input_norm, layers, dropout: model.dropout }
    }

    /// Numbers that training moves.
    #[must_use]
    pub fn parameters(&self) -> usize {
        // A slip of a few zeros has to be seen, not to overflow.
        let of_layer = |layer: &LayerLayout| {
            let of_norm = layer.norm().map_or(0, NormLayout::parameters);
            let lengths = usize::from(layer.normalises_weights);
            let per_unit = layer.inputs + lengths + usize::from(layer.bias) + of_norm;
            layer.outputs.saturating_mul(per_unit)
        };
        let inputs = self.layers.first().map_or(0, |first| first.inputs);
        let of_inputs = self.input_norm.as_ref().map_or(0, NormLayout::parameters);
        let of_inputs = inputs.saturating_mul(of_inputs);
        self.layers.iter().map(of_layer).fold(of_inputs, usize::saturating_add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::model::{BatchNorm, Sites};

    fn numbers(model: &ModelConfig) -> Vec<(usize, bool, Option<usize>)> {
        numbers_of(&Layout::new(model, 5, 3))
    }

    fn numbers_of(layout: &Layout) -> Vec<(usize, bool, Option<usize>)> {
        let number = |layer: &LayerLayout| Some(layer.norm()?.number);
        layout.layers.iter().map(|layer| (layer.linear, layer.bias, number(layer))).collect()
    }

    #[test]
    fn layers_are_numbered_as_a_sequential_numbers_them() {
        let mut model = ModelConfig { hidden: vec![4, 4], ..ModelConfig::default() };
        assert_eq!(numbers(&model), [(0, true, None), (2, true, None), (4, true, None)]);
        model.dropout = 0.5;
        assert_eq!(numbers(&model), [(0, true, None), (3, true, None), (6, true, None)]);
        model.norm = Norm::Batch(BatchNorm::default()).into();
        assert_eq!(numbers(&model), [(0, false, Some(1)), (4, false, Some(5)), (8, true, None)]);
        model.norm = Norm::Batch(BatchNorm {
            placement: Placement::AfterActivation,
            ..BatchNorm::default()
        })
        .into();
        assert_eq!(numbers(&model), [(0, true, Some(2)), (4, true, Some(6)), (8, true, None)]);
    }

    /// A norm that neither learns nor keeps anything.
    struct Bare(Along);

    impl NormSettings for Bare {
        fn along(&self) -> Along {
            self.0
        }

        fn centres(&self) -> bool {
            true
        }

        fn tensors(&self) -> Vec<NormTensor> {
            Vec::new()
        }
    }

    #[test]
    fn a_norm_without_tensors_is_a_norm_and_only_one_over_the_batch_replaces_the_bias() {
        let model = ModelConfig { hidden: vec![4, 4], dropout: 0.5, ..ModelConfig::default() };
        let with = |along| Layout::with_norms(&model, Some(&Bare(along)), None, 5, 3);
        let modules = |bias| [(0, bias, Some(1)), (4, bias, Some(5)), (8, true, None)];
        assert_eq!(numbers_of(&with(Along::Batch)), modules(false));
        assert_eq!(numbers_of(&with(Along::Row)), modules(true));
        let in_the_linear = [(0, true, None), (3, true, None), (6, true, None)];
        assert_eq!(numbers_of(&with(Along::Weights)), in_the_linear);
        assert_eq!(with(Along::Row).parameters(), Layout::new(&model, 5, 3).parameters());
        // A length for each unit.
        assert_eq!(with(Along::Weights).parameters(), Layout::new(&model, 5, 3).parameters() + 8);
    }

    #[test]
    fn a_norm_of_the_inputs_comes_first_and_the_linear_behind_it_keeps_its_bias() {
        let mut model = ModelConfig { hidden: vec![4], ..ModelConfig::default() };
        model.norm = Norm::Batch(BatchNorm::default()).into();
        let with = |model: &ModelConfig, hidden| {
            let mut model = model.clone();
            model.norm.at = Sites { hidden, input: true };
            Layout::new(&model, 5, 3)
        };
        let layout = with(&model, false);
        assert_eq!(layout.input_norm.as_ref().unwrap().number, 0);
        assert_eq!(numbers_of(&layout), [(1, true, None), (3, true, None)]);
        assert_eq!(layout.parameters(), 10 + 5 * 4 + 4 + 4 * 3 + 3);
        let both = with(&model, true);
        assert_eq!(numbers_of(&both), [(1, false, Some(2)), (4, true, None)]);
        assert_eq!(both.parameters(), 10 + 5 * 4 + 8 + 4 * 3 + 3);
        model.hidden.clear();
        assert_eq!(numbers_of(&with(&model, true)), [(1, true, None)]);
    }

    #[test]
    fn every_kind_but_none_is_a_norm_in_every_hidden_layer() {
        for kind in Norm::KINDS {
            let norm = serde_json::from_value(serde_json::json!({ "kind": kind })).unwrap();
            let model = ModelConfig { norm, ..ModelConfig::default() };
            for layer in &Layout::new(&model, 5, 3).layers {
                let is_normed = layer.hidden.is_some() && *kind != "none";
                let has_norm = layer.norm().is_some() || layer.normalises_weights;
                assert_eq!(has_norm, is_normed, "{kind}");
            }
        }
    }

    #[test]
    fn a_bias_before_a_batch_norm_is_not_counted() {
        let mut model = ModelConfig { hidden: vec![4], ..ModelConfig::default() };
        assert_eq!(Layout::new(&model, 5, 3).parameters(), 5 * 4 + 4 + 4 * 3 + 3);
        model.norm = Norm::Batch(BatchNorm::default()).into();
        assert_eq!(Layout::new(&model, 5, 3).parameters(), 5 * 4 + 8 + 4 * 3 + 3);
    }

    #[test]
    fn without_hidden_layers_the_model_is_linear() {
        let model = ModelConfig { hidden: vec![], ..ModelConfig::default() };
        assert_eq!(numbers(&model), [(0, true, None)]);
    }
}
