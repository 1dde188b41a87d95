//! The probe against reference figures, and against its own rows one by one.

use serde::Deserialize;

use super::chain::{Chain, Step};
use super::*;
use crate::config::model::{Activation, ModelConfig, Norm, Normalisation, Placement, Sites};
use crate::config::norm::{LayerNorm, MeanOnlyBatchNorm, WeightNorm};
use crate::config::training::Loss;
use crate::data::Dataset;
use crate::history::ON_DEMAND;
use crate::kinds::NoSettings;
use crate::nn::Engine;
use crate::nn::tests::golden::{assert_close, golden};
use crate::nn::tests::setup::{Setup, batch_norm, dataset, normal, rows, scattered};

#[derive(Deserialize)]
struct Statistics {
    x: Vec<Vec<f64>>,
    target: Vec<u32>,
    #[serde(rename = "W1")]
    w1: Vec<Vec<f64>>,
    b1: Vec<f64>,
    #[serde(rename = "W2")]
    w2: Vec<Vec<f64>>,
    b2: Vec<f64>,
    mean_grad: Vec<f64>,
    sum_sq_per_sample: Vec<f64>,
    var_unbiased: Vec<f64>,
    grad_norm: f64,
    eb: f64,
    minibatches: Vec<Vec<usize>>,
    gradient_disparity: f64,
}

#[derive(Deserialize)]
struct Complexity {
    l2_norm: f64,
    spectral: Vec<f64>,
    product_spectral: f64,
    path_norm_l2: f64,
}

fn matrix(rows: &[Vec<f64>]) -> Matrix {
    Matrix::new(rows.len(), rows[0].len(), rows.concat())
}

impl Statistics {
    fn chain(&self) -> Chain {
        let steps = vec![
            Step::linear(matrix(&self.w1), Some(self.b1.clone())),
            Step::Activation(Activation::Relu),
            Step::linear(matrix(&self.w2), Some(self.b2.clone())),
        ];
        Chain { steps }
    }

    fn sums(&self, rows: &[usize]) -> Sums {
        let chain = self.chain();
        let inputs: Vec<Vec<f64>> = rows.iter().map(|row| self.x[*row].clone()).collect();
        let labels = rows.iter().map(|row| self.target[*row]).collect();
        let names = vec![String::new(); 3];
        let targets = crate::data::Targets::Classes { labels, names };
        let all: Vec<u32> = (0..u32::try_from(rows.len()).unwrap()).collect();
        let (mode, isa) = (Mode::Evaluation, Isa::Portable);
        let passed = chain.forward(matrix(&inputs), mode, isa, &|| Ok(())).unwrap();
        let (_, delta) =
            loss::by_outputs(Loss::CrossEntropy, &passed.outputs, &targets, &all, None);
        let mut sums = Sums::new(chain.parameters(), true);
        let Sums { of_gradients, of_squares, .. } = &mut sums;
        let of_squares = of_squares.as_deref_mut();
        chain.back(&passed, delta, of_gradients, of_squares, isa).unwrap();
        sums.rows = rows.len();
        sums
    }
}

#[test]
fn statistics_of_gradients_are_the_reference_figures() {
    let reference: Statistics = golden("gradient_statistics");
    let sums = reference.sums(&[0, 1, 2, 3, 4, 5]);
    let squares = sums.of_squares.as_ref().unwrap();
    assert_close("mean", &sums.mean(), &reference.mean_grad, 1e-12);
    assert_close("squares", squares, &reference.sum_sq_per_sample, 1e-12);
    assert_close("norm", &[sums.norm()], &[reference.grad_norm], 1e-12);
    assert_close("evidence", &[sums.evidence().unwrap()], &[reference.eb], 1e-12);
    let var: Vec<f64> = (sums.mean().iter().zip(squares))
        .map(|(mean, squares)| (squares - 6.0 * mean * mean) / 5.0)
        .collect();
    assert_close("variance", &var, &reference.var_unbiased, 1e-12);
    let of_batches: Vec<Vec<f64>> =
        reference.minibatches.iter().map(|rows| reference.sums(rows).mean()).collect();
    let disparity = gradients::disparity(&of_batches).unwrap();
    assert_close("disparity", &[disparity], &[reference.gradient_disparity], 1e-12);
}

#[test]
fn measures_of_complexity_are_the_reference_figures() {
    let statistics: Statistics = golden("gradient_statistics");
    let reference: Complexity = golden("complexity");
    let weights = complexity::folded(&statistics.chain()).unwrap();
    let close = |what, actual, expected| assert_close(what, &[actual], &[expected], 1e-12);
    close("weight_norm", complexity::weight_norm(&weights), reference.l2_norm);
    close("path_norm", complexity::path_norm(&weights), reference.path_norm_l2);
    close("spectral_norm", complexity::spectral_norm(&weights), reference.product_spectral);
    for (weights, expected) in weights.chunks(1).zip(reference.spectral) {
        close("a layer's", complexity::spectral_norm(weights), expected);
    }
}

fn none() -> Norm {
    Norm::None(NoSettings {})
}

/// A network that was moved off its start, with training rows.
fn setup(norm: Norm, count: u32) -> (Setup, StateDict) {
    let model = ModelConfig {
        hidden: vec![6, 5],
        activation: Activation::Tanh,
        norm: norm.into(),
        ..ModelConfig::default()
    };
    let mut setup = Setup::new(model, Loss::CrossEntropy, count as usize, 4, 3);
    let mut data = Dataset::clone(&setup.data);
    data.splits.train = rows(0, count);
    setup.data = data.into();
    let state = scattered(setup.fused(Isa::Portable, 1).state().unwrap());
    (setup, state)
}

fn cells(setup: &Setup, state: &StateDict, columns: &[&'static str]) -> Vec<Option<f64>> {
    let probe = Probe::new(&setup.network(), columns.to_vec()).unwrap();
    probe.measure(state, 0.1, &|| true).unwrap().unwrap()
}

#[test]
fn second_moments_are_the_squares_of_the_gradients_of_single_rows() {
    for norm in
        [none(), batch_norm(Placement::BeforeActivation), batch_norm(Placement::AfterActivation)]
    {
        // More than a block, so that blocks have to add up.
        let (setup, state) = setup(norm, 300);
        let probe = Probe::new(&setup.network(), vec!["evidence"]).unwrap();
        let chain = Chain::new(&probe.layout, &state).unwrap();
        let sums = probe.gradients(&chain, &probe.rows, true, &|| Ok(())).unwrap();
        let mut expected = Sums::new(chain.parameters(), true);
        for row in &probe.rows {
            let of_row = probe.gradients(&chain, &[*row], false, &|| Ok(())).unwrap();
            let squares = expected.of_squares.as_mut().unwrap();
            for (index, gradient) in of_row.of_gradients.iter().enumerate() {
                expected.of_gradients[index] += gradient;
                squares[index] += gradient * gradient;
            }
        }
        assert_eq!(sums.rows, 300);
        assert_close("sums", &sums.of_gradients, &expected.of_gradients, 1e-12);
        assert_close("squares", &sums.of_squares.unwrap(), &expected.of_squares.unwrap(), 1e-12);
        assert_eq!(chain.parameters(), probe.layout.parameters());
    }
}

#[test]
fn a_cell_does_not_depend_on_which_others_are_asked_for() {
    let (setup, state) = setup(batch_norm(Placement::BeforeActivation), 40);
    let all = cells(&setup, &state, &ON_DEMAND);
    assert!(all.iter().all(|cell| cell.is_some_and(f64::is_finite)), "{all:?}");
    for (column, cell) in ON_DEMAND.iter().zip(all) {
        assert_eq!(cells(&setup, &state, &[column]), [cell], "{column}");
    }
}

#[test]
fn the_same_bits_come_out_on_every_instruction_set() {
    let (setup, state) = setup(batch_norm(Placement::AfterActivation), 40);
    let on = |isa| {
        let mut probe = Probe::new(&setup.network(), ON_DEMAND.to_vec()).unwrap();
        probe.isa = isa;
        probe.measure(&state, 0.1, &|| true).unwrap().unwrap()
    };
    let portable = on(Isa::Portable);
    assert!(Isa::available().into_iter().all(|isa| on(isa) == portable));
}

#[test]
fn complexity_does_not_change_where_a_batch_norm_takes_a_factor_out_again() {
    use crate::nn::state::TensorData;
    let (setup, state) = setup(batch_norm(Placement::BeforeActivation), 40);
    let columns = ["weight_norm", "path_norm", "spectral_norm"];
    let before = cells(&setup, &state, &columns);
    let mut scaled = state.clone();
    for tensor in &mut scaled.tensors {
        let factor = match tensor.name.as_str() {
            "0.weight" | "1.running_mean" => 1024.0,
            "1.running_var" => 1024.0 * 1024.0,
            _ => continue,
        };
        let TensorData::F32(values) = &mut tensor.data else { panic!("floats") };
        for value in values {
            *value *= factor;
        }
    }
    for (before, after) in before.iter().zip(cells(&setup, &scaled, &columns)) {
        // The eps under the root is all that tells them apart.
        let ratio = after.unwrap() / before.unwrap();
        assert!((ratio - 1.0).abs() < 1e-4, "{ratio}");
    }
}

#[test]
fn a_norm_after_the_activation_is_folded_into_the_next_weights() {
    let (setup, state) = setup(batch_norm(Placement::AfterActivation), 40);
    let layout = Layout::new(&setup.model, 4, 3);
    let chain = Chain::new(&layout, &state).unwrap();
    let folded = complexity::folded(&chain).unwrap();
    let Step::Linear { weights, .. } = &chain.steps[3] else { panic!("a Linear") };
    let Step::Norm(norm) = &chain.steps[2] else { panic!("a norm") };
    let gains = norm.gains().unwrap();
    let expected: Vec<f64> = weights
        .by_row()
        .flat_map(|row| row.iter().zip(&gains).map(|(weight, gain)| weight * gain))
        .collect();
    assert_eq!(folded.len(), 3);
    assert_eq!(folded[1].values, expected);
    let Step::Linear { weights: first, .. } = &chain.steps[0] else { panic!("a Linear") };
    assert_eq!(folded[0], *first);
}

#[test]
fn what_cannot_be_measured_of_a_norm_is_known_before_anything_runs() {
    let without = |norm: Normalisation, lacking: &[&[&str]]| {
        let model = ModelConfig { norm: norm.clone(), ..ModelConfig::default() };
        let measured = |column: &&str| super::lacking(column, &model).is_none();
        let expected = |column: &&str| !lacking.iter().any(|columns| columns.contains(column));
        let all = ON_DEMAND.into_iter();
        assert_eq!(
            all.clone().filter(measured).collect::<Vec<_>>(),
            all.filter(expected).collect::<Vec<_>>(),
            "{norm:?}"
        );
    };
    let (modes, drift) = (Inside::Modes.columns(), Inside::Drift.columns());
    let landscape = Inside::Landscape.columns();
    without(none().into(), &[modes, drift]);
    without(batch_norm(Placement::BeforeActivation).into(), &[]);
    without(Norm::Layer(LayerNorm::default()).into(), &[&MEASURES, modes, drift]);
    without(Norm::Weight(WeightNorm {}).into(), &[&GRADIENTS, landscape, modes, drift]);
    let mean_only = Norm::MeanOnlyBatch(MeanOnlyBatchNorm::default());
    without(mean_only.clone().into(), &[&GRADIENTS, landscape]);
    // On the inputs a norm has no weights before it, and a factor of each row is there as well.
    let at = Sites { hidden: false, input: true };
    without(Normalisation { norm: mean_only, at }, &[]);
    let layer = Norm::Layer(LayerNorm::default());
    without(Normalisation { norm: layer, at }, &[&MEASURES, modes, drift]);
    let (setup, _) = setup(batch_norm(Placement::BeforeActivation), 40);
    assert_eq!(columns_of(&setup.model), ON_DEMAND);
}

#[test]
fn at_the_start_the_distance_from_it_is_0_and_a_matrix_of_zeros_has_norm_0() {
    let (setup, _) = setup(batch_norm(Placement::BeforeActivation), 40);
    let start = setup.fused(Isa::Portable, 1).state().unwrap();
    assert_eq!(cells(&setup, &start, &["distance_from_init"]), [Some(0.0)]);
    assert_eq!(complexity::spectral_norm(&[Matrix::new(3, 2, vec![0.0; 6])]), 0.0);
}

#[test]
fn too_few_rows_leave_cells_empty_and_many_are_sampled_the_same_way_each_time() {
    let (setup, state) = setup(none(), 1);
    let of_one = cells(&setup, &state, &["evidence", "grad_norm", "grad_disparity"]);
    assert!(matches!(of_one[..], [None, Some(_), None]), "{of_one:?}");

    let (mut many, _) = self::setup(none(), 9);
    let targets = crate::nn::tests::setup::classes(5000, 3);
    let mut data = dataset(normal(5000, 4), targets);
    data.splits.train = rows(500, 5000);
    many.data = data.into();
    let probe = || Probe::new(&many.network(), vec!["grad_norm"]).unwrap();
    let looked_at = probe().rows;
    assert_eq!(looked_at, probe().rows);
    let mut distinct = looked_at;
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), ROWS);
    assert!(distinct[0] >= 500);
}

#[test]
fn it_ends_where_it_is_told_not_to_go_on() {
    let (setup, state) = setup(batch_norm(Placement::BeforeActivation), 40);
    for column in ON_DEMAND.into_iter().filter(|column| !MEASURES.contains(column)) {
        let probe = Probe::new(&setup.network(), vec![column]).unwrap();
        assert_eq!(probe.measure(&state, 0.1, &|| false).unwrap(), None);
    }
}
