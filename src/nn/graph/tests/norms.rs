//! What every norm has to be, whichever it is, and a norm by itself as the probe asks it.

use candle_core::{DType, Device};

use super::{elements, matrix};
use crate::config::model::{Along, ModelConfig};
use crate::config::norm::{Norm as Kind, NormSettings, NormTensor};
use crate::nn::graph::norm::{Like, Norm, Pass};
use crate::nn::graph::{Fixed, NormAlone};
use crate::nn::layout::{Layout, NormLayout};
use crate::nn::state::StateDict;
use crate::nn::tests::golden::{NormCase, assert_close};
use crate::nn::tests::setup::norms;

/// The norm of the one hidden layer, as module 1 or, behind the activation, 2.
fn layout(kind: &Kind, units: usize) -> Option<NormLayout> {
    let model = ModelConfig { hidden: vec![units], norm: kind.clone(), ..ModelConfig::default() };
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
