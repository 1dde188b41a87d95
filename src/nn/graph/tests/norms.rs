//! What every norm has to be, whichever it is, and a norm by itself as the probe asks it.

use candle_core::{DType, Device, Var};

use super::{elements, matrix, vector};
use crate::config::model::{Along, ModelConfig};
use crate::config::norm::{BatchRenorm, Norm as Kind, NormSettings, NormTensor, Statistics};
use crate::nn::graph::norm::{Like, Norm, Pass};
use crate::nn::graph::weight::Weight;
use crate::nn::graph::{Fixed, NormAlone};
use crate::nn::layout::{Layout, NormLayout};
use crate::nn::state::StateDict;
use crate::nn::tests::golden::{NormCase, NormPasses, WeightNormCase, assert_close, golden};
use crate::nn::tests::setup::norms;

/// The norm of the one hidden layer, as module 1 or, behind the activation, 2.
fn layout(kind: &Kind, units: usize) -> Option<NormLayout> {
    let model =
        ModelConfig { hidden: vec![units], norm: kind.clone().into(), ..ModelConfig::default() };
    Layout::new(&model, 1, 1).layers[0].norm().cloned()
}

const ROWS: [[f64; 4]; 3] = [[0.3, -1.2, 2.5, 0.1], [1.1, 0.4, -0.7, 0.2], [-0.6, 0.9, 0.8, -2.0]];

#[test]
fn a_norm_over_the_batch_goes_by_running_statistics_and_any_other_takes_rows_as_in_training() {
    let like = Like { dtype: DType::F64, device: &Device::Cpu };
    let all = matrix(&ROWS.map(|row| row.to_vec()), DType::F64);
    for kind in norms() {
        let Some(layout) = layout(&kind, 4) else { continue };
        let along = kind.settings().map(NormSettings::along);
        let keeps = layout.tensors.iter().any(|t| matches!(t, NormTensor::Statistic { .. }));
        assert_eq!(keeps, along == Some(Along::Batch), "{kind:?}");
        let mut norm = Norm::new(&layout, 4, &like).unwrap();
        let trained = elements(&norm.train(&all, Pass::Train).unwrap());
        let evaluated = elements(&norm.evaluate(&all).unwrap());
        if along == Some(Along::Batch) {
            let (mean, sd) = norm.arithmetic.fixed().unwrap().unwrap();
            let (mean, sd) = (elements(&mean), elements(&sd));
            let of_unit = |(at, x): (usize, &f64)| (x - mean[at % 4]) / sd[at % 4];
            let expected: Vec<f64> = ROWS.as_flattened().iter().enumerate().map(of_unit).collect();
            assert_eq!(evaluated, expected, "{kind:?}");
            assert_ne!(evaluated, trained, "{kind:?}");
        } else {
            assert!(norm.arithmetic.fixed().unwrap().is_none(), "{kind:?}");
            assert_eq!(evaluated, trained, "{kind:?}");
            let by_itself = ROWS.map(|row| norm.evaluate(&matrix(&[row.to_vec()], DType::F64)));
            let by_itself: Vec<f64> =
                by_itself.iter().flat_map(|y| elements(y.as_ref().unwrap())).collect();
            assert_eq!(evaluated, by_itself, "{kind:?}");
        }
    }
}

#[test]
#[allow(clippy::cast_possible_truncation)] // statistics are f32
fn a_norm_by_itself_is_the_reference_figures_and_nothing_that_passes_moves_it() {
    for case in &NormCase::all() {
        let units = case.gamma.len();
        let layout = layout(&Kind::Batch(case.settings()), units).unwrap();
        let single = |values: &[f64]| values.iter().map(|value| *value as f32).collect();
        let mut state = StateDict::default();
        for (name, values) in [
            ("1.weight", &case.gamma),
            ("1.bias", &case.beta),
            ("1.running_mean", &case.running_mean_in),
            ("1.running_var", &case.running_var_in),
        ] {
            state.push(name.to_owned(), &[units], single(values));
        }
        state.push_count("1.num_batches_tracked".to_owned(), 1);
        let alone = NormAlone::new(&layout, units, &state).unwrap();
        let before = alone.fixed().unwrap();

        let (x, rows) = (case.x.concat(), case.x.len());
        let by_unit = |values: &Vec<f64>| values.repeat(rows);
        let close = |what: &str, actual: &[f64], expected: &[f64], tolerance: f64| {
            assert_close(&format!("{}: {what}", case.name), actual, expected, tolerance);
        };
        let (normalised, way_back) = alone.trained(&x).unwrap();
        assert_eq!(alone.normalised(&x).unwrap(), normalised, "{}", case.name);
        let affine = by_unit(&case.gamma).into_iter().zip(by_unit(&case.beta));
        let y: Vec<f64> =
            normalised.iter().zip(affine).map(|(x, (scale, shift))| x * scale + shift).collect();
        close("y", &y, &case.y_train.concat(), 1e-12);
        let dy = case.dy.concat();
        let scaled: Vec<f64> = dy.iter().zip(by_unit(&case.gamma)).map(|(d, s)| d * s).collect();
        close("dx", &way_back.back(&scaled).unwrap(), &case.dx.concat(), 1e-10);
        assert_eq!(alone.fixed().unwrap(), before, "{}", case.name);

        let (of_recalibration, exact) = alone.recalibrated(&x).unwrap();
        assert_eq!(of_recalibration, normalised, "{}", case.name);
        let Fixed { mean, .. } = exact.unwrap();
        #[allow(clippy::cast_precision_loss)] // a few
        let of_unit = |unit| case.x.iter().map(|row| row[unit]).sum::<f64>() / rows as f64;
        close("mean", &mean, &(0..units).map(of_unit).collect::<Vec<_>>(), 1e-12);
    }
}

/// A norm of the one hidden layer, in double precision.
fn norm(kind: &Kind, units: usize) -> Norm {
    let like = Like { dtype: DType::F64, device: &Device::Cpu };
    Norm::new(&layout(kind, units).unwrap(), units, &like).unwrap()
}

#[test]
fn every_norm_forward_and_backward_holds_to_the_reference() {
    for case in NormPasses::all() {
        let passes = &case.passes;
        let close = |what: &str, actual: &[f64], expected: &[f64], tolerance: f64| {
            assert_close(&format!("{}: {what}", case.name), actual, expected, tolerance);
        };
        let mut norm = norm(&case.norm, passes.x[0].len());
        let own: Vec<(bool, Var)> =
            norm.parameters().map(|(name, var)| (name == "1.weight", var.clone())).collect();
        for (is_scale, var) in &own {
            let values = if *is_scale { &passes.gamma } else { &passes.beta };
            var.set(&vector(values.as_ref().unwrap(), DType::F64)).unwrap();
        }
        norm.arithmetic.set_batches(case.batches);
        for (name, values) in &case.before {
            *norm.arithmetic.statistic_mut(name).unwrap() = vector(values, DType::F64);
        }
        let x = Var::from_tensor(&matrix(&passes.x, DType::F64)).unwrap();
        let y = norm.train(&x, Pass::Train).unwrap();
        close("y", &elements(&y), &passes.y.concat(), 1e-12);
        let dy = matrix(&passes.dy, DType::F64);
        let gradients = (&y * dy).unwrap().sum_all().unwrap().backward().unwrap();
        close("dx", &elements(gradients.get(&x).unwrap()), &passes.dx.concat(), 1e-10);
        for (is_scale, var) in &own {
            let expected = if *is_scale { &passes.dgamma } else { &passes.dbeta };
            let gradient = elements(gradients.get(var).unwrap());
            close("gradient", &gradient, expected.as_ref().unwrap(), 1e-10);
        }
        for (name, values) in &case.after {
            let statistic = elements(norm.arithmetic.statistic(name).unwrap());
            close(name, &statistic, values, 1e-12);
        }
    }
}

#[test]
fn a_renorm_evaluates_by_what_it_trained_by_and_a_recalibration_leaves_training_alone() {
    let kind = |statistics| {
        Kind::BatchRenorm(BatchRenorm { statistics, warmup: 0.0, ..BatchRenorm::default() })
    };
    let rows = matrix(&ROWS.map(|row| row.to_vec()), DType::F64);
    let more = (&rows * 1.7).unwrap();
    let of = |norm: &Norm, name| elements(norm.arithmetic.statistic(name).unwrap());
    let mut norm = norm(&kind(Statistics::Recalibrate), 4);
    norm.train(&rows, Pass::Train).unwrap();
    // The first batch alone is known, so it is what evaluation goes by: mean and biased variance.
    let batch = elements(&rows.mean(0).unwrap());
    assert_close("mean", &of(&norm, "running_mean"), &batch, 1e-12);
    let centred = rows.broadcast_sub(&rows.mean_keepdim(0).unwrap()).unwrap();
    let variance = elements(&centred.sqr().unwrap().mean(0).unwrap());
    assert_close("variance", &of(&norm, "running_var"), &variance, 1e-12);
    let before = ["training_mean", "training_sd"].map(|name| of(&norm, name));
    norm.train(&more, Pass::Recalibrate).unwrap();
    norm.arithmetic.finish_recalibration(true).unwrap();
    assert_eq!(["training_mean", "training_sd"].map(|name| of(&norm, name)), before);
    let unbiased: Vec<f64> = variance.iter().map(|var| var * 1.7 * 1.7 * 1.5).collect();
    assert_close("measured", &of(&norm, "running_var"), &unbiased, 1e-12);
}

#[test]
fn weight_norm_holds_to_the_reference() {
    let case: WeightNormCase = golden("weight_norm");
    let like = Like { dtype: DType::F64, device: &Device::Cpu };
    let weight = Weight::zeros((2, 4), true, &like).unwrap();
    let [(_, length, _), (_, direction, decays)] = weight.parameters()[..] else { panic!("two") };
    assert!(!decays, "a direction's length is no weight");
    let lengths: Vec<Vec<f64>> = case.g.iter().map(|length| vec![*length]).collect();
    length.set(&matrix(&lengths, DType::F64)).unwrap();
    direction.set(&matrix(&case.v, DType::F64)).unwrap();
    let w = weight.in_training().unwrap();
    assert_close("w", &elements(&w), &case.w.concat(), 1e-12);
    let by_w = (w * matrix(&case.dw, DType::F64)).unwrap().sum_all().unwrap();
    let gradients = by_w.backward().unwrap();
    assert_close("dg", &elements(gradients.get(length).unwrap()), &case.dg, 1e-12);
    assert_close("dv", &elements(gradients.get(direction).unwrap()), &case.dv.concat(), 1e-12);
}
