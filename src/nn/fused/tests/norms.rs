//! Batch normalisation against reference figures, and which norms there are.

use crate::config::model::ModelConfig;
use crate::config::norm::{BatchNorm, EpsPlacement, Norm as Settings, Statistics};
use crate::config::training::{Loss, Optimizer, Sgd};
use crate::kinds::NoSettings;
use crate::nn::fused::FusedEngine;
use crate::nn::fused::norm::{self, Back, Forward, Lacking, Norm, Pass};
use crate::nn::tests::golden::{BatchOfOne, NormCase, RunningStatistics, assert_close, golden};
use crate::nn::tests::setup::Setup;
use bnes_kernels::Activation;
use bnes_kernels::buffer::Buffer;
use bnes_kernels::{Isa, PANEL};

/// A panel with these rows on its left.
#[allow(clippy::cast_possible_truncation)] // as all arithmetic of the engine
fn panel(rows: &[Vec<f64>]) -> Buffer {
    let mut panel = Buffer::zeros(rows.len() * PANEL);
    for (row, place) in rows.iter().zip(panel.chunks_exact_mut(PANEL)) {
        row.iter().zip(place).for_each(|(value, place)| *place = *value as f32);
    }
    panel
}

/// The first `columns` of each row of a panel.
fn rows(panel: &[f32], columns: usize) -> Vec<f64> {
    let rows = panel.chunks_exact(PANEL).flat_map(|row| &row[..columns]);
    rows.map(|value| f64::from(*value)).collect()
}

fn build(settings: &BatchNorm, gamma: &[f64], beta: &[f64]) -> Box<dyn Norm> {
    let settings = Settings::Batch(settings.clone());
    let mut norm = norm::build(&settings, &Optimizer::Sgd(Sgd::default())).unwrap();
    set(norm.as_mut(), "weight", gamma);
    set(norm.as_mut(), "bias", beta);
    norm
}

#[allow(clippy::cast_possible_truncation)] // as all arithmetic of the engine
fn set(norm: &mut dyn Norm, name: &str, values: &[f64]) {
    let place = norm.tensor_mut(name).unwrap();
    values.iter().zip(place).for_each(|(value, place)| *place = *value as f32);
}

/// A batch forward: what comes out, and what goes into the way back.
fn train(norm: &mut dyn Norm, isa: Isa, x: &[Vec<f64>], pass: Pass) -> (Buffer, Buffer) {
    let (mut x, columns) = (panel(x), x[0].len());
    let mut out = Buffer::zeros(x.len());
    let activation = Activation::Identity;
    let forward = Forward { x: &mut x, out: &mut out, saved: None, activation, columns };
    norm.train(isa, forward, pass);
    (out, x)
}

fn back(norm: &mut dyn Norm, isa: Isa, x: &Buffer, out: &Buffer, dy: &[Vec<f64>]) -> Buffer {
    let mut gradient = panel(dy);
    let (activation, columns) = (Activation::Identity, dy[0].len());
    norm.back(isa, Back { x, saved: out, gradient: &mut gradient, activation, columns });
    gradient
}

fn gradient(norm: &dyn Norm, name: &str, columns: usize) -> Vec<f64> {
    rows(&norm.parameter(name).unwrap().gradient, columns)
}

fn statistic(norm: &dyn Norm, name: &str, columns: usize) -> Vec<f64> {
    rows(norm.statistic(name).unwrap(), columns)
}

#[test]
fn batch_norm_forward_backward_and_statistics_hold_to_the_reference() {
    for case in NormCase::all() {
        // What a single rounding of a constant's mean, scaled by 316, leaves.
        let (values, gradients) = if case.has_a_constant() { (1e-4, 1e-3) } else { (1e-5, 1e-4) };
        for isa in Isa::available() {
            let columns = case.gamma.len();
            let close = |what: &str, actual: &[f64], expected: &[f64], tolerance: f64| {
                let what = format!("{isa:?} {}: {what}", case.name);
                assert_close(&what, actual, expected, tolerance);
            };
            let mut norm = build(&case.settings(), &case.gamma, &case.beta);
            let norm = norm.as_mut();
            set(norm, "running_mean", &case.running_mean_in);
            set(norm, "running_var", &case.running_var_in);
            let (y, x) = train(norm, isa, &case.x, Pass::Train);
            close("y", &rows(&y, columns), &case.y_train.concat(), values);
            let dx = back(norm, isa, &x, &y, &case.dy);
            close("dx", &rows(&dx, columns), &case.dx.concat(), gradients);
            close("dgamma", &gradient(norm, "weight", columns), &case.dgamma, gradients);
            close("dbeta", &gradient(norm, "bias", columns), &case.dbeta, gradients);
            let mean = statistic(norm, "running_mean", columns);
            close("running mean", &mean, &case.running_mean_out, values);
            let var = statistic(norm, "running_var", columns);
            close("running var", &var, &case.running_var_out_unbiased, values);

            // Outside of training: y = scale x + shift, so dx = scale dy.
            let (scale, shift) = norm.evaluation(isa);
            let along = |rows: &[Vec<f64>], shift: &[f32]| -> Vec<f64> {
                let of_row = |row: &Vec<f64>| -> Vec<f64> {
                    let columns = row.iter().zip(&scale).zip(shift);
                    columns.map(|((x, a), b)| x * f64::from(*a) + f64::from(*b)).collect()
                };
                rows.iter().flat_map(of_row).collect()
            };
            let y = along(&case.x, &shift);
            close("y outside of training", &y, &case.y_eval_after.concat(), values);
            let dx = along(&case.dy, &[0.0; PANEL]);
            close("dx outside of training", &dx, &case.dx_eval_after.concat(), gradients);
        }
    }
}

#[test]
fn a_batch_of_one_comes_out_as_the_shift_and_leaves_the_statistics_alone() {
    let case: BatchOfOne = golden("batch_norm_batch_of_one");
    for isa in Isa::available() {
        for eps_placement in [EpsPlacement::Variance, EpsPlacement::Std] {
            for statistics in [Statistics::Ema, Statistics::Cumulative, Statistics::Recalibrate] {
                let settings = BatchNorm { eps_placement, statistics, ..BatchNorm::default() };
                let mut norm = build(&settings, &case.gamma, &case.beta);
                let norm = norm.as_mut();
                let (y, x) = train(norm, isa, &case.x, Pass::Train);
                let dx = back(norm, isa, &x, &y, &case.dy);
                assert_close("y", &rows(&y, 3), &case.y.concat(), 1e-5);
                assert_close("dx", &rows(&dx, 3), &case.dx.concat(), 1e-5);
                assert_close("dgamma", &gradient(norm, "weight", 3), &case.dgamma, 1e-5);
                assert_close("dbeta", &gradient(norm, "bias", 3), &case.dbeta, 1e-5);
                train(norm, isa, &case.x, Pass::Recalibrate);
                norm.finish_recalibration(true);
                assert_eq!(statistic(norm, "running_mean", 3), [0.0; 3]);
                assert_eq!(statistic(norm, "running_var", 3), [1.0; 3]);
                assert_eq!(norm.batches(), 0);
            }
        }
    }
}

fn with_statistics(statistics: Statistics) -> Box<dyn Norm> {
    build(&BatchNorm { statistics, ..BatchNorm::default() }, &[1.0; 2], &[0.0; 2])
}

#[test]
fn running_statistics_of_every_convention_hold_to_the_reference() {
    let case: RunningStatistics = golden("batch_norm_running_stats");
    let last = case.alg2_mean_of_unbiased_batch_vars;
    for isa in Isa::available() {
        for (statistics, expected) in
            [(Statistics::Ema, &case.ema), (Statistics::Cumulative, &case.cumulative_average)]
        {
            let mut norm = with_statistics(statistics);
            let norm = norm.as_mut();
            for (batch, after) in case.batches.iter().zip(expected) {
                train(norm, isa, batch, Pass::Train);
                // A batch of one row has no variance and counts for nothing.
                train(norm, isa, &batch[..1], Pass::Train);
                assert_close("mean", &statistic(norm, "running_mean", 2), &after.mean, 1e-5);
                assert_close("var", &statistic(norm, "running_var", 2), &after.var, 1e-5);
            }
            assert_eq!(norm.batches(), 3);
        }
        let mut norm = with_statistics(Statistics::Recalibrate);
        let norm = norm.as_mut();
        // A second recalibration starts over.
        for _ in 0..2 {
            train(norm, isa, &case.batches[1], Pass::Train);
            for batch in &case.batches {
                train(norm, isa, batch, Pass::Recalibrate);
            }
            norm.finish_recalibration(true);
            assert_close("mean", &statistic(norm, "running_mean", 2), &last.mean, 1e-5);
            assert_close("var", &statistic(norm, "running_var", 2), &last.var, 1e-5);
        }
    }
}

#[test]
fn the_engine_trains_with_every_norm_that_it_does_not_say_it_lacks() {
    for kind in Settings::KINDS {
        let norm = serde_json::from_value(serde_json::json!({ "kind": kind })).unwrap();
        let model = ModelConfig { hidden: vec![4], norm, ..ModelConfig::default() };
        let setup = Setup::new(model, Loss::CrossEntropy, 9, 3, 3);
        let lacking = FusedEngine::lacks(&setup.network());
        let made = FusedEngine::with_isa(&setup.network(), 1, Isa::Portable);
        assert_eq!(made.err().map(|error| error.to_string()), lacking.map(|l| l.to_string()));
    }
}

#[test]
fn no_norm_is_none_of_the_norms() {
    let none = Settings::None(NoSettings {});
    assert_eq!(norm::build(&none, &Optimizer::Sgd(Sgd::default())).err(), Some(Lacking("none")));
}
