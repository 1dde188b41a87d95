//! Batch normalisation against reference figures.

use candle_core::{DType, Device, Tensor, Var};

use super::{assert_close, elements, matrix, vector};
use crate::config::model::ModelConfig;
use crate::config::norm::{BatchNorm as Settings, EpsPlacement, Norm as Kind, Statistics};
use crate::nn::graph::norm::{Like, Norm, Pass};
use crate::nn::layout::Layout;
use crate::nn::state::StateDict;
use crate::nn::tests::golden::{BatchOfOne, NormCase, RunningStatistics, golden};

/// The norm of the one hidden layer, as module 1.
fn norm(settings: &Settings, gamma: &[f64], beta: &[f64], dtype: DType) -> Norm {
    let norm = Kind::Batch(settings.clone());
    let model =
        ModelConfig { hidden: vec![gamma.len()], norm: norm.into(), ..ModelConfig::default() };
    let layout = Layout::new(&model, 1, 1);
    let like = Like { dtype, device: &Device::Cpu };
    let norm = Norm::new(layout.layers[0].norm().unwrap(), gamma.len(), &like).unwrap();
    for (name, var) in norm.parameters() {
        let values = if name == "1.weight" { gamma } else { beta };
        var.set(&vector(values, dtype)).unwrap();
    }
    norm
}

fn parameter(norm: &Norm, name: &str) -> Var {
    norm.parameters().find(|(this, _)| *this == name).unwrap().1.clone()
}

fn statistic<'a>(norm: &'a Norm, name: &str) -> &'a Tensor {
    norm.arithmetic.statistic(name).unwrap()
}

/// The gradients of sum(y dy) by the input, the scale and the shift.
fn backward(norm: &Norm, x: &Var, y: &Tensor, dy: &Tensor) -> [Tensor; 3] {
    let gradients = (y * dy).unwrap().sum_all().unwrap().backward().unwrap();
    [x.clone(), parameter(norm, "1.weight"), parameter(norm, "1.bias")]
        .map(|var| gradients.get(&var).unwrap().clone())
}

/// Tolerances of values, of gradients that sum up before they cancel, and of other gradients.
struct Tolerance {
    values: f64,
    sums: f64,
    gradients: f64,
}

fn holds_to_the_reference(case: &NormCase, dtype: DType, tolerance: &Tolerance) {
    let mut norm = norm(&case.settings(), &case.gamma, &case.beta, dtype);
    for (name, values) in
        [("running_mean", &case.running_mean_in), ("running_var", &case.running_var_in)]
    {
        *norm.arithmetic.statistic_mut(name).unwrap() = vector(values, dtype);
    }
    let x = Var::from_tensor(&matrix(&case.x, dtype)).unwrap();
    let dy = matrix(&case.dy, dtype);
    let close = |what: &str, actual: &Tensor, expected: &[f64], tolerance: f64| {
        assert_close(&format!("{} {dtype:?}: {what}", case.name), actual, expected, tolerance);
    };

    let y = norm.train(&x, Pass::Train).unwrap();
    let [dx, dgamma, dbeta] = backward(&norm, &x, &y, &dy);
    close("y", &y, &case.y_train.concat(), tolerance.values);
    close("dx", &dx, &case.dx.concat(), tolerance.sums);
    close("dgamma", &dgamma, &case.dgamma, tolerance.sums);
    close("dbeta", &dbeta, &case.dbeta, tolerance.gradients);
    close(
        "running mean",
        statistic(&norm, "running_mean"),
        &case.running_mean_out,
        tolerance.values,
    );
    close(
        "running var",
        statistic(&norm, "running_var"),
        &case.running_var_out_unbiased,
        tolerance.values,
    );

    let y = norm.evaluate(&x).unwrap();
    let [dx, ..] = backward(&norm, &x, &y, &dy);
    close("y outside of training", &y, &case.y_eval_after.concat(), tolerance.values);
    close("dx outside of training", &dx, &case.dx_eval_after.concat(), tolerance.gradients);
}

#[test]
fn batch_norm_forward_backward_and_statistics_hold_to_the_reference() {
    for case in &NormCase::all() {
        let double = Tolerance { values: 1e-12, sums: 1e-10, gradients: 1e-12 };
        holds_to_the_reference(case, DType::F64, &double);
        if !case.has_a_constant() {
            let single = Tolerance { values: 1e-5, sums: 1e-4, gradients: 1e-4 };
            holds_to_the_reference(case, DType::F32, &single);
        }
    }
}

#[test]
fn a_batch_of_one_comes_out_as_the_shift_and_leaves_the_statistics_alone() {
    let case: BatchOfOne = golden("batch_norm_batch_of_one");
    for eps_placement in [EpsPlacement::Variance, EpsPlacement::Std] {
        for statistics in [Statistics::Ema, Statistics::Cumulative, Statistics::Recalibrate] {
            let settings = Settings { eps_placement, statistics, ..Settings::default() };
            let mut norm = norm(&settings, &case.gamma, &case.beta, DType::F64);
            let x = Var::from_tensor(&matrix(&case.x, DType::F64)).unwrap();
            let y = norm.train(&x, Pass::Train).unwrap();
            let [dx, dgamma, dbeta] = backward(&norm, &x, &y, &matrix(&case.dy, DType::F64));
            assert_close("y", &y, &case.y.concat(), 1e-12);
            assert_close("dx", &dx, &case.dx.concat(), 1e-12);
            assert_close("dgamma", &dgamma, &case.dgamma, 1e-12);
            assert_close("dbeta", &dbeta, &case.dbeta, 1e-12);
            assert_eq!(elements(statistic(&norm, "running_mean")), [0.0; 3]);
            assert_eq!(elements(statistic(&norm, "running_var")), [1.0; 3]);
        }
    }
}

fn with_statistics(statistics: Statistics) -> Norm {
    norm(&Settings { statistics, ..Settings::default() }, &[1.0; 2], &[0.0; 2], DType::F64)
}

#[test]
fn running_statistics_hold_to_the_reference() {
    let case: RunningStatistics = golden("batch_norm_running_stats");
    let conventions =
        [(Statistics::Ema, &case.ema), (Statistics::Cumulative, &case.cumulative_average)];
    for (statistics, expected) in conventions {
        let mut norm = with_statistics(statistics);
        for (batch, after) in case.batches.iter().zip(expected) {
            norm.train(&matrix(batch, DType::F64), Pass::Train).unwrap();
            assert_close("mean", statistic(&norm, "running_mean"), &after.mean, 1e-12);
            assert_close("var", statistic(&norm, "running_var"), &after.var, 1e-12);
        }
    }
}

#[test]
fn recalibration_averages_the_unbiased_variances_of_its_batches_alone() {
    let case: RunningStatistics = golden("batch_norm_running_stats");
    let expected = &case.alg2_mean_of_unbiased_batch_vars;
    let mut norm = with_statistics(Statistics::Recalibrate);
    // A second recalibration starts over, and a batch of one row has no variance to count.
    for _ in 0..2 {
        norm.train(&matrix(&case.batches[1], DType::F64), Pass::Train).unwrap();
        for batch in &case.batches {
            norm.train(&matrix(batch, DType::F64), Pass::Recalibrate).unwrap();
        }
        norm.train(&matrix(&case.batches[0][..1], DType::F64), Pass::Recalibrate).unwrap();
        norm.arithmetic.finish_recalibration(true).unwrap();
        assert_close("mean", statistic(&norm, "running_mean"), &expected.mean, 1e-12);
        assert_close("var", statistic(&norm, "running_var"), &expected.var, 1e-12);
    }
}

#[test]
fn the_cumulative_average_is_over_the_batches_that_have_a_variance() {
    let case: RunningStatistics = golden("batch_norm_running_stats");
    let mut norm = with_statistics(Statistics::Cumulative);
    norm.train(&matrix(&case.batches[1][..1], DType::F64), Pass::Train).unwrap();
    for batch in &case.batches {
        norm.train(&matrix(batch, DType::F64), Pass::Train).unwrap();
    }
    let expected = case.cumulative_average.last().unwrap();
    assert_close("mean", statistic(&norm, "running_mean"), &expected.mean, 1e-12);
    assert_close("var", statistic(&norm, "running_var"), &expected.var, 1e-12);
    let mut state = StateDict::default();
    norm.save(&mut state).unwrap();
    assert_eq!(state.count("1.num_batches_tracked").unwrap(), 3);
}
