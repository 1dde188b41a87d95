//! The probe's gradients against autograd's in evaluation mode.

use candle_core::{DType, Tensor};

use super::elements;
use super::inside::moves_weights;
use crate::config::model::{Activation, ModelConfig, Norm};
use crate::config::training::Loss;
use crate::data::Dataset;
use crate::nn::graph::{GraphEngine, loss};
use crate::nn::probe::Probe;
use crate::nn::tests::setup::{Setup, fitting, norms, on_inputs, rows, scattered};
use crate::nn::{Engine, StateDict};

impl GraphEngine {
    /// The gradient of the mean loss of these rows in evaluation mode, all parameters in a row.
    fn gradient_in_evaluation_mode(&self, rows: &[u32]) -> Vec<f64> {
        let rows = Tensor::from_slice(rows, rows.len(), &self.device).unwrap();
        let inputs = self.data.inputs(&rows, self.dtype).unwrap();
        let mut x = self.evaluate_inputs(inputs).unwrap();
        for layer in &self.layers {
            x = layer.evaluate(&x).unwrap();
        }
        let targets = self.data.targets(&rows).unwrap();
        let weights = self.class_weights.as_ref();
        let store = loss::mean_loss(self.loss, &x, &targets, weights).unwrap().backward().unwrap();
        let parameters = self.parameters();
        parameters.into_iter().flat_map(|(_, var, _)| elements(store.get(var).unwrap())).collect()
    }
}

/// `grad_norm`, and `grad_disparity` of batches of one row each, from autograd.
fn expected(setup: &Setup, state: &StateDict) -> (f64, f64) {
    let mut engine = setup.engine_in(DType::F64);
    engine.load(state).unwrap();
    let length = |values: &[f64]| values.iter().map(|v| v * v).sum::<f64>().sqrt();
    let rows = &setup.data.splits.train;
    let norm = length(&engine.gradient_in_evaluation_mode(rows));
    let of_rows: Vec<Vec<f64>> =
        rows.iter().map(|row| engine.gradient_in_evaluation_mode(&[*row])).collect();
    let mut distances = Vec::new();
    for (index, a) in of_rows.iter().enumerate() {
        for b in &of_rows[index + 1..] {
            distances.push(length(&a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<_>>()));
        }
    }
    #[allow(clippy::cast_precision_loss)]
    let count = distances.len() as f64;
    (norm, distances.iter().sum::<f64>() / count)
}

fn holds(mut setup: Setup, label: &str) {
    let mut data = Dataset::clone(&setup.data);
    // Five rows make five batches, whatever their order.
    data.splits.train = rows(2, 7);
    setup.data = data.into();
    let state = scattered(setup.engine().state().unwrap());
    let probe = Probe::new(&setup.network(), vec!["grad_norm", "grad_disparity"]).unwrap();
    let cells = probe.measure(&state, 0.1, &|| true).unwrap().unwrap();
    let (norm, disparity) = expected(&setup, &state);
    for (cell, expected) in cells.into_iter().zip([norm, disparity]) {
        let error = (cell.unwrap() - expected).abs() / expected;
        // The normal distribution function of gelu is good to about 1e-11 in both, before norms divide by small spreads.
        assert!(error < 1e-9, "{label}: {cell:?} instead of {expected}");
    }
}

#[test]
fn the_probes_gradients_are_those_of_autograd_for_every_activation_norm_and_loss() {
    let model = |activation, norm: Norm| ModelConfig {
        hidden: fitting(&norm, &[4, 3]),
        activation,
        norm: norm.into(),
        // Off in evaluation mode.
        dropout: 0.4,
        ..ModelConfig::default()
    };
    for norm in norms().into_iter().filter(moves_weights) {
        for activation in Activation::ALL {
            let setup = Setup::new(model(activation, norm.clone()), Loss::CrossEntropy, 9, 3, 3);
            holds(setup, &format!("{activation:?} {norm:?}"));
        }
        let model = model(Activation::Tanh, norm.clone());
        for (loss, setup) in super::gradients::losses(&model) {
            holds(setup, &format!("{loss} {norm:?}"));
        }
    }
}

#[test]
fn the_probes_gradients_are_those_of_autograd_behind_a_norm_of_the_inputs() {
    for norm in on_inputs() {
        let has_weights = norm.at.hidden && !moves_weights(&norm.norm);
        for hidden in [&[][..], &[4, 3]] {
            if has_weights && !hidden.is_empty() {
                continue;
            }
            let (hidden, inputs) = (fitting(&norm.norm, hidden), fitting(&norm.norm, &[3])[0]);
            let label = format!("{norm:?} {hidden:?}");
            let model = ModelConfig { hidden, norm: norm.clone(), ..ModelConfig::default() };
            holds(Setup::new(model, Loss::CrossEntropy, 9, inputs, 3), &label);
        }
    }
}
