//! Losses and their gradients against reference figures.

use candle_core::{DType, Device, Tensor, Var};

use super::{assert_close, matrix};
use crate::config::training::Loss;
use crate::nn::graph::loss::{Target, mean_loss};
use crate::nn::tests::golden::{Bce, CrossEntropy, Mse, golden};

/// In double and in single precision: value and gradient of a loss are as expected.
fn holds(kind: Loss, outputs: &[Vec<f64>], target: &Target, loss: f64, gradient: &[f64]) {
    for (dtype, forward, backward) in [(DType::F64, 1e-12, 1e-12), (DType::F32, 1e-5, 1e-4)] {
        let target = match target {
            Target::Classes(classes) => Target::Classes(classes.clone()),
            Target::Values(values) => Target::Values(values.to_dtype(dtype).unwrap()),
        };
        let outputs = Var::from_tensor(&matrix(outputs, dtype)).unwrap();
        let value = mean_loss(kind, &outputs, &target, None).unwrap();
        let gradients = value.backward().unwrap();
        assert_close(&format!("{kind:?} {dtype:?}"), &value, &[loss], forward);
        let actual = gradients.get(&outputs).unwrap();
        assert_close(&format!("gradient of {kind:?} {dtype:?}"), actual, gradient, backward);
    }
}

fn classes(labels: &[u32]) -> Target {
    Target::Classes(Tensor::from_slice(labels, labels.len(), &Device::Cpu).unwrap())
}

#[test]
fn cross_entropy_holds_to_the_reference_with_logits_up_to_a_thousand() {
    let case: CrossEntropy = golden("softmax_cross_entropy");
    let target = classes(&case.target);
    holds(Loss::CrossEntropy, &case.logits, &target, case.loss, &case.dlogits.concat());
}

#[test]
fn bce_holds_to_the_reference_with_logits_up_to_eight_hundred() {
    let case: Bce = golden("bce_with_logits");
    holds(Loss::Bce, &case.logits(), &classes(&case.labels()), case.loss, &case.dlogits);
}

#[test]
fn mse_holds_to_the_reference() {
    let case: Mse = golden("mse");
    let target = Target::Values(matrix(&case.target, DType::F64));
    holds(Loss::Mse, &case.pred, &target, case.loss, &case.dpred.concat());
}

#[test]
fn mse_of_classes_is_that_of_one_hot_values() {
    let outputs = vec![vec![0.2, -0.5, 1.5], vec![0.0, 2.0, 0.25]];
    let one_hot = [1.0_f64, 0.0, 0.0, 0.0, 0.0, 1.0];
    let pairs = outputs.concat().into_iter().zip(one_hot);
    let (mut loss, mut gradient) = (0.0, Vec::new());
    for (output, value) in pairs {
        loss += (output - value).powi(2) / 6.0;
        gradient.push((output - value) / 3.0);
    }
    holds(Loss::Mse, &outputs, &classes(&[0, 2]), loss, &gradient);
}

#[test]
fn weighted_losses_are_means_over_rows_of_weight_times_loss() {
    let weights = Tensor::new(&[0.5_f64, 2.0, 1.25], &Device::Cpu).unwrap();
    let outputs = [vec![0.2, -0.5, 1.5], vec![0.0, 2.0, 0.25], vec![1.0, 1.0, -3.0]];
    for (loss, labels, width) in [
        (Loss::CrossEntropy, [0_u32, 2, 1], 3),
        (Loss::Mse, [0, 2, 1], 3),
        (Loss::Bce, [0, 1, 1], 1),
    ] {
        let value = |rows: &[usize], weights| -> f64 {
            let outputs: Vec<Vec<f64>> =
                rows.iter().map(|row| outputs[*row][..width].to_vec()).collect();
            let labels: Vec<u32> = rows.iter().map(|row| labels[*row]).collect();
            let outputs = matrix(&outputs, DType::F64);
            mean_loss(loss, &outputs, &classes(&labels), weights).unwrap().to_scalar().unwrap()
        };
        let expected =
            (0..3).map(|row| [0.5, 2.0, 1.25][labels[row] as usize] * value(&[row], None) / 3.0);
        let expected: f64 = expected.sum();
        let actual = value(&[0, 1, 2], Some(&weights));
        assert!((actual - expected).abs() < 1e-14, "{loss:?}: {actual} instead of {expected}");
    }
}

#[test]
fn a_loss_of_classes_refuses_values() {
    let outputs = matrix(&[vec![0.0, 1.0]], DType::F64);
    let target = Target::Values(outputs.clone());
    assert!(mean_loss(Loss::CrossEntropy, &outputs, &target, None).is_err());
    assert!(mean_loss(Loss::Bce, &outputs, &target, None).is_err());
}
