//! What every norm has to be, whichever it is.

use candle_core::{DType, Device};

use super::{elements, matrix};
use crate::nn::graph::norm::{Like, Norm, Pass};
use crate::nn::layout::{Layout, NormLayout};
use crate::nn::tests::setup::norms;
use crate::spec::model::{Along, ModelSpec};
use crate::spec::norm::{Norm as Kind, NormSettings, NormTensor};

/// The norm of the one hidden layer, as module 1 or, behind the activation, 2.
fn layout(kind: &Kind, units: usize) -> Option<NormLayout> {
    let model = ModelSpec { hidden: vec![units], norm: kind.clone(), ..ModelSpec::default() };
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
            let alone = ROWS.map(|row| norm.evaluate(&matrix(&[row.to_vec()], DType::F64)));
            let alone: Vec<f64> =
                alone.iter().flat_map(|y| elements(y.as_ref().unwrap())).collect();
            assert_eq!(evaluated, alone, "{kind:?}");
        }
    }
}
