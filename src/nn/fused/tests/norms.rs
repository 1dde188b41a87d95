//! Norms against reference figures, and which there are.

use crate::config::model::ModelConfig;
use crate::config::norm::{BatchNorm, EpsPlacement, Norm as Settings, Statistics};
use crate::config::training::{Loss, Optimizer, Sgd};
use crate::kinds::NoSettings;
use crate::nn::fused::FusedEngine;
use crate::nn::fused::norm::{self, Affine, Back, Form, Forward, Lacking, Norm, Pass};
use crate::nn::layout::{Layout, NormLayout};
use crate::nn::tests::golden::{
    BatchOfOne, NormCase, NormPasses, Passes, RunningStatistics, WeightNormCase, assert_close,
    golden,
};
use crate::nn::tests::setup::Setup;
use bnes_kernels::Activation;
use bnes_kernels::buffer::Buffer;
use bnes_kernels::by_row::{ByRow, NormaliseRows, NormaliseRowsBack};
use bnes_kernels::normalise::{AffineActivate, AffineBack};
use bnes_kernels::weight_norm::{Directions, Fold, Norms, Stretch, StretchBack};
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

/// A norm of one panel, with its scale and shift.
struct Normed {
    norm: Box<dyn Norm>,
    affine: Affine,
}

fn layout(settings: &Settings, units: usize) -> NormLayout {
    let model = ModelConfig {
        hidden: vec![units],
        norm: settings.clone().into(),
        ..ModelConfig::default()
    };
    Layout::new(&model, 1, 1).layers[0].norm().unwrap().clone()
}

fn normed(settings: &Settings, units: usize) -> Normed {
    let layout = layout(settings, units);
    let Form::Panel(norm) = norm::build(&layout, units).unwrap() else { panic!("{settings:?}") };
    Normed { norm, affine: affine(&layout) }
}

fn affine(layout: &NormLayout) -> Affine {
    Affine::new(&layout.tensors, &Optimizer::Sgd(Sgd::default()))
}

fn build(settings: &BatchNorm, gamma: &[f64], beta: &[f64]) -> Normed {
    let mut normed = normed(&Settings::Batch(settings.clone()), gamma.len());
    set(&mut normed.affine.scale.values, gamma);
    set(&mut normed.affine.shift.values, beta);
    normed
}

#[allow(clippy::cast_possible_truncation)] // as all arithmetic of the engine
fn set(place: &mut [f32], values: &[f64]) {
    values.iter().zip(place).for_each(|(value, place)| *place = *value as f32);
}

impl Normed {
    fn set(&mut self, name: &str, values: &[f64]) {
        set(self.norm.statistic_mut(name).unwrap(), values);
    }

    /// A batch forward: what comes out, and what goes into the way back.
    fn train(&mut self, isa: Isa, x: &[Vec<f64>], pass: Pass) -> (Buffer, Buffer) {
        let (mut x, columns) = (panel(x), x[0].len());
        let mut out = Buffer::zeros(x.len());
        let (affine, activation) = (self.affine.learned(), Activation::Identity);
        let forward =
            Forward { x: &mut x, out: &mut out, saved: None, affine, activation, columns };
        self.norm.train(isa, forward, pass);
        (out, x)
    }

    fn back(&mut self, isa: Isa, x: &Buffer, out: &Buffer, dy: &[Vec<f64>]) -> Buffer {
        let mut gradient = panel(dy);
        let (activation, columns) = (Activation::Identity, dy[0].len());
        let learns = self.affine.learned().is_some();
        let Affine { scale, shift, .. } = &mut self.affine;
        let back = Back {
            x,
            saved: out,
            gradient: &mut gradient,
            scale: learns.then_some(&*scale.values),
            scale_gradient: &mut scale.gradient,
            shift_gradient: &mut shift.gradient,
            activation,
            columns,
        };
        self.norm.back(isa, back);
        gradient
    }

    fn of_scale(&self, columns: usize) -> Vec<f64> {
        rows(&self.affine.scale.gradient, columns)
    }

    fn of_shift(&self, columns: usize) -> Vec<f64> {
        rows(&self.affine.shift.gradient, columns)
    }

    fn statistic(&self, name: &str, columns: usize) -> Vec<f64> {
        rows(self.norm.statistic(name).unwrap(), columns)
    }

    fn batches(&self) -> i64 {
        self.norm.running().batches
    }

    fn finish_recalibration(&mut self) {
        self.norm.running_mut().finish_recalibration(true);
    }
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
            norm.set("running_mean", &case.running_mean_in);
            norm.set("running_var", &case.running_var_in);
            let (y, x) = norm.train(isa, &case.x, Pass::Train);
            close("y", &rows(&y, columns), &case.y_train.concat(), values);
            let dx = norm.back(isa, &x, &y, &case.dy);
            close("dx", &rows(&dx, columns), &case.dx.concat(), gradients);
            close("dgamma", &norm.of_scale(columns), &case.dgamma, gradients);
            close("dbeta", &norm.of_shift(columns), &case.dbeta, gradients);
            let mean = norm.statistic("running_mean", columns);
            close("running mean", &mean, &case.running_mean_out, values);
            let var = norm.statistic("running_var", columns);
            close("running var", &var, &case.running_var_out_unbiased, values);

            // Outside of training: y = scale x + shift, so dx = scale dy.
            let (scale, shift) = norm.norm.evaluation(isa, norm.affine.values());
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
                let (y, x) = norm.train(isa, &case.x, Pass::Train);
                let dx = norm.back(isa, &x, &y, &case.dy);
                assert_close("y", &rows(&y, 3), &case.y.concat(), 1e-5);
                assert_close("dx", &rows(&dx, 3), &case.dx.concat(), 1e-5);
                assert_close("dgamma", &norm.of_scale(3), &case.dgamma, 1e-5);
                assert_close("dbeta", &norm.of_shift(3), &case.dbeta, 1e-5);
                norm.train(isa, &case.x, Pass::Recalibrate);
                norm.finish_recalibration();
                assert_eq!(norm.statistic("running_mean", 3), [0.0; 3]);
                assert_eq!(norm.statistic("running_var", 3), [1.0; 3]);
                assert_eq!(norm.batches(), 0);
            }
        }
    }
}

fn with_statistics(statistics: Statistics) -> Normed {
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
            for (batch, after) in case.batches.iter().zip(expected) {
                norm.train(isa, batch, Pass::Train);
                // A batch of one row has no variance and counts for nothing.
                norm.train(isa, &batch[..1], Pass::Train);
                assert_close("mean", &norm.statistic("running_mean", 2), &after.mean, 1e-5);
                assert_close("var", &norm.statistic("running_var", 2), &after.var, 1e-5);
            }
            assert_eq!(norm.batches(), 3);
        }
        let mut norm = with_statistics(Statistics::Recalibrate);
        // A second recalibration starts over.
        for _ in 0..2 {
            norm.train(isa, &case.batches[1], Pass::Train);
            for batch in &case.batches {
                norm.train(isa, batch, Pass::Recalibrate);
            }
            norm.finish_recalibration();
            assert_close("mean", &norm.statistic("running_mean", 2), &last.mean, 1e-5);
            assert_close("var", &norm.statistic("running_var", 2), &last.var, 1e-5);
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
    let mut layout = layout(&Settings::Batch(BatchNorm::default()), 3);
    layout.kind = Settings::None(NoSettings {});
    assert_eq!(norm::build(&layout, 3).err(), Some(Lacking("none")));
}

/// What came out of a norm of rows and of its way back: y, dx, and the gradients of scale and shift.
fn by_row(isa: Isa, norm: &Settings, by_row: ByRow, case: &Passes) -> [Vec<f64>; 4] {
    let columns = case.x[0].len();
    let mut affine = affine(&layout(norm, columns));
    set(&mut affine.scale.values, case.gamma.as_ref().unwrap());
    set(&mut affine.shift.values, case.beta.as_deref().unwrap_or(&[]));
    let (mut x, mut gradient) = (panel(&case.x), panel(&case.dy));
    let mut kept = Buffer::zeros(by_row.kept(case.x.len()));
    let mut scratch = Buffer::zeros(by_row.scratch());
    NormaliseRows { by_row, x: &mut [&mut x], kept: Some(&mut kept), scratch: &mut scratch }
        .run(isa);
    let mut out = Buffer::zeros(x.len());
    let activation = Activation::Identity;
    let learned = affine.learned();
    AffineActivate { x: &x, out: &mut out, saved: None, affine: learned, activation, columns }
        .run(isa);
    let (mut of_scale, mut of_shift) = ([0.0; PANEL], [0.0; PANEL]);
    AffineBack {
        normalised: &x,
        gradient: &gradient,
        scale_gradient: &mut of_scale,
        shift_gradient: &mut of_shift,
        columns,
    }
    .run(isa);
    NormaliseRowsBack {
        by_row,
        normalised: &[&x],
        kept: &kept,
        scale: Some(&[&affine.scale.values]),
        gradient: &mut [&mut gradient],
        scratch: &mut scratch,
    }
    .run(isa);
    [
        rows(&out, columns),
        rows(&gradient, columns),
        rows(&of_scale, columns),
        rows(&of_shift, columns),
    ]
}

#[test]
fn every_norm_forward_and_backward_holds_to_the_reference() {
    for case in NormPasses::all() {
        for isa in Isa::available() {
            let (passes, columns) = (&case.passes, case.passes.x[0].len());
            let close = |what: &str, actual: &[f64], expected: &[f64], tolerance: f64| {
                assert_close(
                    &format!("{isa:?} {}: {what}", case.name),
                    actual,
                    expected,
                    tolerance,
                );
            };
            let [y, dx, of_scale, of_shift] =
                match norm::build(&layout(&case.norm, columns), columns).unwrap() {
                    Form::Rows(form) => by_row(isa, &case.norm, form, passes),
                    Form::Panel(_) => {
                        let mut norm = normed(&case.norm, columns);
                        let gamma = passes.gamma.as_deref();
                        set(&mut norm.affine.scale.values, gamma.unwrap_or(&[]));
                        set(&mut norm.affine.shift.values, passes.beta.as_ref().unwrap());
                        for (name, values) in &case.before {
                            norm.set(name, values);
                        }
                        norm.norm.running_mut().batches = case.batches;
                        let (y, x) = norm.train(isa, &passes.x, Pass::Train);
                        let dx = norm.back(isa, &x, &y, &passes.dy);
                        for (name, values) in &case.after {
                            close(name, &norm.statistic(name, columns), values, 1e-5);
                        }
                        let gradients = [norm.of_scale(columns), norm.of_shift(columns)];
                        let [of_scale, of_shift] = gradients;
                        [rows(&y, columns), rows(&dx, columns), of_scale, of_shift]
                    }
                };
            close("y", &y, &passes.y.concat(), 1e-5);
            close("dx", &dx, &passes.dx.concat(), 1e-4);
            let gradients = [(&of_scale, &passes.dgamma), (&of_shift, &passes.dbeta)];
            for (actual, expected) in gradients {
                if let Some(expected) = expected {
                    close("gradient", actual, expected, 1e-4);
                }
            }
        }
    }
}

#[test]
fn weight_norm_forward_and_backward_holds_to_the_reference() {
    let case: WeightNormCase = golden("weight_norm");
    // A unit is a column of a panel.
    let turned = |rows: &[Vec<f64>]| -> Vec<Vec<f64>> {
        (0..rows[0].len()).map(|at| rows.iter().map(|row| row[at]).collect()).collect()
    };
    for isa in Isa::available() {
        let columns = case.g.len();
        let directions = panel(&turned(&case.v));
        let (mut norms, mut factors, mut along) = ([0.0; PANEL], [0.0; PANEL], [0.0; PANEL]);
        Norms { directions: &directions, norms: &mut norms, columns }.run(isa);
        let lengths: Vec<f64> = case.g.clone();
        for (column, length) in lengths.iter().enumerate() {
            #[allow(clippy::cast_possible_truncation)] // as all arithmetic of the engine
            let length = *length as f32;
            factors[column] = length / norms[column];
        }
        let mut weights = Buffer::zeros(directions.len());
        Fold { directions: &directions, factors: &factors, weights: &mut weights }.run(isa);
        assert_close("w", &rows(&weights, columns), &turned(&case.w).concat(), 1e-6);

        // Forward and back through the products of the inputs and the directions.
        let products = |x: &[Vec<f64>]| -> Vec<Vec<f64>> {
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            x.iter().map(|row| case.v.iter().map(|v| dot(row, v)).collect()).collect()
        };
        let (mut y, mut start) = (panel(&products(&case.x)), [0.0; PANEL]);
        set(&mut start, &case.bias);
        let mut kept = Buffer::zeros(y.len());
        Stretch { x: &mut y, products: &mut kept, factors: &factors, start: Some(&start) }.run(isa);
        assert_close("y", &rows(&y, columns), &case.y.concat(), 1e-5);
        let (mut gradient, mut of_bias) = (panel(&case.dy), [0.0; PANEL]);
        StretchBack {
            products: &kept,
            gradient: &mut gradient,
            factors: &factors,
            along: &mut along,
            bias_gradient: Some(&mut of_bias),
        }
        .run(isa);
        assert_close("db", &rows(&of_bias, columns), &case.dbias, 1e-5);
        let of_lengths: Vec<f64> =
            (0..columns).map(|column| f64::from(along[column] / norms[column])).collect();
        assert_close("dg", &of_lengths, &case.dg, 1e-5);
        let stretched = |unit: usize| f64::from(factors[unit]);
        let by_unit = case.dw.iter().enumerate();
        let of_products: Vec<Vec<f64>> =
            by_unit.map(|(unit, dw)| dw.iter().map(|dw| dw * stretched(unit)).collect()).collect();
        let mut gradient = panel(&turned(&of_products));
        let shares = std::array::from_fn(|column| {
            let norm = norms[column];
            if norm > 0.0 { factors[column] * along[column] / norm / norm } else { 0.0 }
        });
        Directions { directions: &directions, gradient: &mut gradient, shares: &shares }.run(isa);
        assert_close("dv", &rows(&gradient, columns), &turned(&case.dv).concat(), 1e-5);
    }
}
