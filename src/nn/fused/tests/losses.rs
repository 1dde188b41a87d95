//! Losses and their gradients against reference figures: a Linear that is the identity hands its
//! inputs on as logits.

use crate::config::model::ModelConfig;
use crate::config::training::Loss;
use crate::data::{Inputs, RowChunks, Targets};
use crate::nn::tests::golden::{Bce, CrossEntropy, Mse, assert_close, golden};
use crate::nn::tests::setup::{Setup, dataset, rows, values};
use crate::nn::{Engine, StateDict};
use bnes_kernels::{Isa, PANEL};

#[allow(clippy::cast_possible_truncation)] // as all arithmetic of the engine
fn floats(rows: &[Vec<f64>]) -> Vec<f32> {
    rows.concat().into_iter().map(|value| value as f32).collect()
}

fn classes(labels: Vec<u32>, count: usize) -> Targets {
    Targets::Classes { labels, names: (0..count).map(|class| class.to_string()).collect() }
}

/// The mean loss of all rows and its gradient with respect to each output.
fn of_outputs(isa: Isa, loss: Loss, outputs: &[Vec<f64>], targets: Targets) -> (f64, Vec<f64>) {
    let (count, width) = (outputs.len(), outputs[0].len());
    let model = ModelConfig { hidden: Vec::new(), ..ModelConfig::default() };
    let mut setup = Setup::new(model, loss, count, width, width);
    setup.data =
        dataset(Inputs::Table(RowChunks::of_rows(&floats(outputs), width)), targets).into();
    let mut engine = setup.fused(isa, 1);
    let mut identity = StateDict::default();
    let unit = |at: usize| if at.is_multiple_of(width + 1) { 1.0 } else { 0.0 };
    identity.push("0.weight".into(), &[width, width], (0..width * width).map(unit).collect());
    identity.push("0.bias".into(), &[width], vec![0.0; width]);
    engine.load(&identity).unwrap();
    engine.train_batch(&rows(0, u32::try_from(count).unwrap()), 1.0).unwrap();
    let gradient = &engine.layers[0].gradient[0];
    let gradient = gradient.chunks_exact(PANEL).flat_map(|row| &row[..width]);
    let gradient = gradient.map(|value| f64::from(*value)).collect();
    #[allow(clippy::cast_precision_loss)] // a few rows
    (engine.take_loss_sum().unwrap() / count as f64, gradient)
}

fn holds(loss: Loss, outputs: &[Vec<f64>], targets: &Targets, value: f64, gradient: &[f64]) {
    for isa in Isa::available() {
        let (actual, actual_gradient) = of_outputs(isa, loss, outputs, targets.clone());
        let label = format!("{loss:?} {isa:?}");
        assert_close(&label, &[actual], &[value], 1e-5);
        assert_close(&format!("gradient of {label}"), &actual_gradient, gradient, 1e-4);
    }
}

#[test]
fn cross_entropy_holds_to_the_reference_with_logits_up_to_a_thousand() {
    let CrossEntropy { logits, target, loss, dlogits } = golden("softmax_cross_entropy");
    let targets = classes(target, logits[0].len());
    holds(Loss::CrossEntropy, &logits, &targets, loss, &dlogits.concat());
}

#[test]
fn bce_holds_to_the_reference_with_logits_up_to_eight_hundred() {
    let case: Bce = golden("bce_with_logits");
    holds(Loss::Bce, &case.logits(), &classes(case.labels(), 2), case.loss, &case.dlogits);
}

#[test]
fn mse_holds_to_the_reference() {
    let Mse { pred, target, loss, dpred } = golden("mse");
    let mut targets = values(target.len(), target[0].len());
    if let Targets::Values { values, .. } = &mut targets {
        *values = floats(&target);
    }
    holds(Loss::Mse, &pred, &targets, loss, &dpred.concat());
}

#[test]
fn what_is_not_finite_makes_a_loss_that_is_not() {
    let finite = vec![vec![0.5, -1.0, 2.0], vec![1.0, 0.0, 0.25]];
    for isa in Isa::available() {
        for bad in [f64::NAN, f64::INFINITY] {
            for column in 0..3 {
                let mut outputs = finite.clone();
                outputs[1][column] = bad;
                for loss in [Loss::CrossEntropy, Loss::Mse] {
                    let (value, _) = of_outputs(isa, loss, &outputs, classes(vec![0, 1], 3));
                    assert!(!value.is_finite(), "{isa:?} {loss:?} {bad} in {column}: {value}");
                }
            }
            let (value, _) = of_outputs(isa, Loss::Bce, &[vec![bad]], classes(vec![0], 2));
            assert!(!value.is_finite(), "{isa:?} {bad}: {value}");
        }
    }
}
