//! A start that depends on data.

use candle_core::{DType, Device, Var};
use serde::Deserialize;

use super::{assert_close, elements, matrix, vector};
use crate::config::model::{Activation, ModelConfig, Start};
use crate::config::training::Loss;
use crate::data::Dataset;
use crate::nn::graph::norm::{Like, Pass};
use crate::nn::graph::weight::Weight;
use crate::nn::graph::{GraphEngine, Layer};
use crate::nn::start::start;
use crate::nn::tests::golden::{WeightNormCase, golden};
use crate::nn::tests::setup::{Kind, Setup, fitting, norms, rows};
use crate::nn::{Engine, StateDict};

#[derive(Deserialize)]
struct Case {
    x: Vec<Vec<f64>>,
    data_dependent_init: Init,
}

#[derive(Deserialize)]
struct Init {
    g: Vec<f64>,
    bias: Vec<f64>,
}

#[test]
fn weight_norm_starts_from_data_as_the_reference_does() {
    let (case, of_weights): (Case, WeightNormCase) = (golden("weight_norm"), golden("weight_norm"));
    let like = Like { dtype: DType::F64, device: &Device::Cpu };
    let mut weight = Weight::zeros((2, 4), true, &like).unwrap();
    let mut state = StateDict::default();
    #[allow(clippy::cast_possible_truncation)] // a state is f32
    let single = of_weights.v.concat().iter().map(|value| *value as f32).collect();
    state.push("0.weight".to_owned(), &[2, 4], single);
    weight.load(0, &state).unwrap();
    let bias = Some(Var::from_tensor(&vector(&[0.0; 2], DType::F64)).unwrap());
    let mut layer = Layer { number: 0, weight, bias, hidden: None };
    layer.standardise(&matrix(&case.x, DType::F64)).unwrap();
    let [(_, length, _), (_, direction, _)] = layer.weight.parameters()[..] else { panic!("two") };
    // The weights of a state are in single precision.
    assert_close("g", length, &case.data_dependent_init.g, 1e-7);
    assert_close("v", direction, &of_weights.v.concat(), 1e-7);
    assert_close("b", layer.bias.as_ref().unwrap(), &case.data_dependent_init.bias, 1e-7);
}

fn setup(norm: &crate::config::norm::Norm) -> Setup {
    let model = ModelConfig {
        hidden: fitting(norm, &[6, 5]),
        activation: Activation::Tanh,
        // Off.
        dropout: 0.5,
        norm: norm.clone().into(),
        init: Start { data_dependent: Some(true), ..Start::default() },
    };
    let mut setup = Setup::new(model, Loss::CrossEntropy, 600, 4, 3);
    let mut data = Dataset::clone(&setup.data);
    data.splits.train = rows(0, 600);
    setup.data = data.into();
    setup
}

#[test]
fn every_unit_of_a_hidden_layer_starts_with_mean_0_and_sd_1_on_the_first_500_rows() {
    for norm in norms() {
        let setup = setup(&norm);
        let mut engine = setup.engine_in(DType::F64);
        engine.load_training(&start(&setup.network()).unwrap()).unwrap();
        let order = setup.data.epoch_order(setup.seed, 1);
        let rows = candle_core::Tensor::from_slice(&order[..500], 500, &Device::Cpu).unwrap();
        let mut x = engine.data.inputs(&rows, DType::F64).unwrap();
        let hidden = engine.layers.len() - 1;
        for layer in &mut engine.layers[..hidden] {
            let y = layer.linear(&x, layer.weight.in_effect()).unwrap();
            let mean = y.mean_keepdim(0).unwrap();
            let var = y.broadcast_sub(&mean).unwrap().sqr().unwrap().mean(0).unwrap();
            let label = format!("{norm:?}");
            // Single precision of the state.
            assert_close(&label, &var, &vec![1.0; y.dim(1).unwrap()], 1e-5);
            // Where there is no bias, the norm takes out the mean.
            if layer.bias.is_some() {
                assert_close(&label, &mean, &vec![0.0; y.dim(1).unwrap()], 1e-5);
            }
            x = layer.train(&x, Pass::Recalibrate).unwrap();
        }
    }
}

#[test]
fn every_engine_starts_from_the_same_numbers_and_output_layer_and_statistics_stay() {
    for norm in norms() {
        let setup = setup(&norm);
        let started = start(&setup.network()).unwrap();
        let plain = setup.engine().state().unwrap();
        for kind in Kind::all() {
            let mut engine = setup.build(kind);
            engine.load_training(&started).unwrap();
            let state = engine.state().unwrap();
            for tensor in &state.tensors {
                assert_eq!(started.get(&tensor.name).unwrap(), tensor, "{kind:?} {norm:?}");
                let is_of_hidden_linear = setup.engine().layers[..2].iter().any(|layer| {
                    ["weight", "bias"]
                        .map(|n| format!("{}.{n}", layer.number))
                        .contains(&tensor.name)
                });
                let same = plain.get(&tensor.name).unwrap() == tensor;
                assert_ne!(same, is_of_hidden_linear, "{} {norm:?}", tensor.name);
            }
        }
    }
}

#[test]
fn a_unit_that_is_the_same_in_every_row_stays_as_it_is() {
    let mut setup = setup(&norms()[0]);
    let mut data = Dataset::clone(&setup.data);
    // All rows are one.
    data.splits.train = vec![0; 600];
    setup.data = data.into();
    let started: GraphEngine = {
        let mut engine = setup.engine();
        engine.load_training(&start(&setup.network()).unwrap()).unwrap();
        engine
    };
    let plain = setup.engine();
    for (started, plain) in started.layers.iter().zip(&plain.layers) {
        assert_eq!(elements(started.weight.in_effect()), elements(plain.weight.in_effect()));
    }
}
