//! Against scikit-learn 1.9.1 and `PyTorch` in double precision.

use proptest::prelude::*;

use super::*;

fn classes(labels: &[u32], classes: usize) -> Targets {
    let names = (0..classes).map(|class| class.to_string()).collect();
    Targets::Classes { labels: labels.to_vec(), names }
}

fn values(values: &[f32], mean: &[f64], sd: &[f64]) -> Targets {
    let names = (0..mean.len()).map(|target| target.to_string()).collect();
    Targets::Values { values: values.to_vec(), names, mean: mean.to_vec(), sd: sd.to_vec() }
}

/// Every row, in order.
fn score_all(loss: Loss, outputs: &[f64], targets: &Targets) -> Scores {
    let rows: Vec<u32> = (0..u32::try_from(targets.rows()).unwrap()).collect();
    score(loss, outputs, super::outputs(loss, targets), targets, &rows)
}

#[track_caller]
fn close(got: f64, wanted: f64) {
    assert!((got - wanted).abs() <= 1e-12 * wanted.abs().max(1.0), "{got} is not {wanted}");
}

#[track_caller]
fn metrics_close(scores: &Scores, wanted: &[(&str, f64)]) {
    assert_eq!(scores.metrics.len(), wanted.len());
    for ((name, got), (wanted_name, wanted)) in scores.metrics.iter().zip(wanted) {
        assert_eq!(name, wanted_name);
        close(got.unwrap(), *wanted);
    }
}

#[test]
fn losses_hold_at_extreme_logits() {
    let logits = [2.0, -1.0, 0.5, 0.0, 1000.0, 999.0, -1000.0, 0.0, -3.0, -3.0, -3.0, -3.0];
    let scores = score_all(Loss::CrossEntropy, &logits, &classes(&[0, 1, 3], 4));
    close(scores.loss, 1.013_968_543_675_973);
    let scores =
        score_all(Loss::Bce, &[-800.0, -2.0, 0.0, 3.0, 800.0], &classes(&[0, 1, 1, 0, 0], 2));
    close(scores.loss, 161.173_732_508_635_34);
    let far = score_all(Loss::CrossEntropy, &[-1000.0, 1000.0], &classes(&[0], 2));
    close(far.loss, 2000.0);
}

#[test]
fn mse_is_the_mean_over_outputs_then_examples() {
    let outputs = [0.734, 1.022, 0.501, 0.754, -0.114, 0.17];
    let targets = values(&[-0.897, -0.639, -0.533, -0.337, 0.054, -0.238], &[0.0; 2], &[1.0; 2]);
    let scores = score_all(Loss::Mse, &outputs, &targets);
    // Targets are 32-bit.
    assert!((scores.loss - 1.312_201_166_666_666_4).abs() < 1e-7);
}

const LOGITS: [f64; 18] =
    [2.0, -1.0, 0.5, 0.25, 1.5, -2.0, 0.0, 0.0, 3.0, 1.0, 1.0, 0.5, -0.5, 2.0, 1.0, 0.5, 0.25, 0.0];

#[test]
fn metrics_of_three_classes_are_scikit_learns() {
    let targets = classes(&[0, 2, 2, 1, 1, 0], 3);
    let scores = score_all(Loss::CrossEntropy, &LOGITS, &targets);
    close(scores.loss, 1.051_710_286_588_524_6);
    let wanted = [
        ("accuracy", 0.666_666_666_666_666_6),
        ("balanced_accuracy", 0.666_666_666_666_666_6),
        ("f1", 0.655_555_555_555_555_6),
    ];
    metrics_close(&scores, &wanted);
    let scores = score_all(Loss::Mse, &LOGITS, &targets);
    close(scores.loss, 1.1875);
    metrics_close(&scores, &[&wanted[..], &[("squared_error_percentage", 118.75)]].concat());
}

#[test]
fn a_class_that_is_answered_but_absent_counts_for_f1_alone() {
    let targets = classes(&[0, 2, 2, 1, 1, 0], 3);
    let rows = [1, 2, 5, 0];
    let outputs: Vec<f64> =
        rows.iter().flat_map(|row| LOGITS[*row as usize * 3..][..3].to_vec()).collect();
    let scores = score(Loss::CrossEntropy, &outputs, 3, &targets, &rows);
    metrics_close(
        &scores,
        &[("accuracy", 0.75), ("balanced_accuracy", 0.75), ("f1", 0.555_555_555_555_555_6)],
    );
}

const BINARY: [f64; 8] = [-1.5, 0.25, 0.25, 2.0, -0.5, 0.25, 3.0, -2.0];

#[test]
fn metrics_of_two_classes_are_scikit_learns_with_one_logit_or_two() {
    let targets = classes(&[0, 1, 0, 1, 1, 0, 0, 0], 2);
    let one = score_all(Loss::Bce, &BINARY, &targets);
    close(one.loss, 0.838_218_986_932_385_1);
    metrics_close(
        &one,
        &[
            ("accuracy", 0.5),
            ("balanced_accuracy", 0.533_333_333_333_333_3),
            ("f1", 0.5),
            ("auc", 0.6),
        ],
    );
    let two: Vec<f64> = BINARY.iter().flat_map(|logit| [1.0, logit + 1.0]).collect();
    let two = score_all(Loss::CrossEntropy, &two, &targets);
    close(two.loss, one.loss);
    assert_eq!(two.metrics, one.metrics);
}

#[test]
fn auc_needs_both_classes_and_takes_equal_scores_for_chance() {
    let auc = |scores: &[f64], labels: &[u32]| {
        score_all(Loss::Bce, scores, &classes(labels, 2)).metrics[3].1
    };
    assert_eq!(auc(&[1.0, 2.0], &[1, 1]), None);
    assert_eq!(auc(&[0.0, -0.0, 0.0], &[1, 0, 1]), Some(0.5));
    assert_eq!(auc(&[f64::NEG_INFINITY, f64::INFINITY], &[0, 1]), Some(1.0));
}

#[test]
fn metrics_of_numbers_are_scikit_learns_in_the_targets_units() {
    let targets = [0.5, -1.0, 1.5, 2.0, -2.0, 0.25, 0.0, 1.0, 1.0, -0.5];
    let outputs = [0.25, -0.5, 1.0, 1.5, -1.5, 0.5, 0.5, 0.0, 1.25, -1.0];
    let scores = score_all(Loss::Mse, &outputs, &values(&targets, &[10.0, -3.0], &[2.0, 0.5]));
    close(scores.loss, 0.26875);
    metrics_close(
        &scores,
        &[("r2", 0.781_077_265_080_509_5), ("mae", 0.5375), ("rmse", 0.568_849_945_501_941_5)],
    );
    let constant = score_all(Loss::Mse, &[1.0, 2.0], &values(&[0.1, 0.1], &[0.0], &[1.0]));
    assert_eq!(constant.metrics[0], ("r2", None));
    assert!(constant.metrics[1].1.is_some());
}

/// The error's formula, `100 (o_max - o_min) / (N P) sum (o - t)^2`, of all outputs in a row.
fn squared_error_percentage(outputs: &[f64], targets: &[f64]) -> f64 {
    let sum: f64 = outputs.iter().zip(targets).map(|(o, t)| (o - t).powi(2)).sum();
    100.0 * sum / f64::from(u32::try_from(outputs.len()).unwrap())
}

#[test]
fn the_squared_error_percentage_is_prechelts_in_the_targets_own_units() {
    let scores = score_all(Loss::Mse, &LOGITS, &classes(&[0, 2, 2, 1, 1, 0], 3));
    let mut one_hot = [0.0; 18];
    for (row, class) in [0, 2, 2, 1, 1, 0].into_iter().enumerate() {
        one_hot[3 * row + class] = 1.0;
    }
    let wanted = squared_error_percentage(&LOGITS, &one_hot);
    assert_eq!(scores.metrics.last().unwrap().0, "squared_error_percentage");
    close(scores.metrics.last().unwrap().1.unwrap(), wanted);

    // 0 and 1, 0.25 and 0.5, standardised by other means and deviations than their own.
    let (mean, sd) = ([0.5, 0.25], [0.25, 0.125]);
    let targets = [-2.0, 0.0, 2.0, 2.0];
    let outputs = [-1.0, 1.0, 2.0, -4.0];
    let own = |values: &[f64]| -> Vec<f64> {
        values.iter().enumerate().map(|(at, value)| value * sd[at % 2] + mean[at % 2]).collect()
    };
    let wanted = squared_error_percentage(&own(&outputs), &own(&targets));
    let targets = [-2.0, 0.0, 2.0, 2.0];
    let scores = score_all(Loss::Mse, &outputs, &values(&targets, &mean, &sd));
    assert_eq!(scores.metrics.last().unwrap().0, "squared_error_percentage");
    close(scores.metrics.last().unwrap().1.unwrap(), wanted);
}

#[test]
fn targets_beyond_0_to_1_and_other_losses_of_classes_have_no_squared_error_percentage() {
    let has =
        |loss, targets: &Targets| metric_names(loss, targets).contains(&"squared_error_percentage");
    assert!(has(Loss::Mse, &classes(&[0, 1], 2)));
    assert!(!has(Loss::CrossEntropy, &classes(&[0, 1], 2)));
    assert!(!has(Loss::Bce, &classes(&[0, 1], 2)));
    assert!(has(Loss::Mse, &values(&[0.0, 1.0], &[0.0], &[1.0])));
    assert!(has(Loss::Mse, &values(&[-1.0, 1.0], &[0.5], &[0.5])));
    assert!(!has(Loss::Mse, &values(&[0.0, 1.25], &[0.0], &[1.0])));
    assert!(!has(Loss::Mse, &values(&[0.0, 1.0], &[-0.5], &[1.0])));
}

#[test]
fn a_nan_output_makes_everything_nan_and_no_row_makes_nothing() {
    for (loss, targets) in [
        (Loss::CrossEntropy, classes(&[0, 1], 2)),
        (Loss::Bce, classes(&[0, 1], 2)),
        (Loss::Mse, values(&[0.0, 1.0], &[0.0], &[1.0])),
    ] {
        let width = outputs(loss, &targets);
        let mut values = vec![0.5_f32; 2 * width];
        values[1] = f32::NAN;
        let scores = score(loss, &values, width, &targets, &[0, 1]);
        assert!(scores.loss.is_nan());
        assert!(scores.metrics.iter().all(|(_, value)| value.is_some_and(f64::is_nan)));
        let none = score::<f32>(loss, &[], width, &targets, &[]);
        assert!(none.loss.is_nan() && none.metrics.iter().all(|(_, value)| value.is_none()));
        let names: Vec<&str> = none.metrics.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, metric_names(loss, &targets));
    }
}

#[test]
fn a_loss_has_to_suit_the_target() {
    let (two, three, number) =
        (classes(&[0, 1], 2), classes(&[0, 1, 2], 3), values(&[0.0], &[0.0], &[1.0]));
    for loss in [Loss::CrossEntropy, Loss::Mse, Loss::Bce] {
        assert_eq!(check_loss(loss, &two), Ok(()));
        assert_eq!(check_loss(loss, &three).is_ok(), loss != Loss::Bce);
        assert_eq!(check_loss(loss, &number).is_ok(), loss == Loss::Mse);
    }
    for targets in [two, three, number] {
        assert_eq!(check_loss(default_loss(targets.task()), &targets), Ok(()));
    }
}

proptest! {
    #[test]
    fn any_outputs_have_scores(
        outputs in prop::collection::vec(any::<f32>(), 0..12), width in 0_usize..4,
        rows in prop::collection::vec(0_u32..5, 0..6),
    ) {
        let targets = [classes(&[0, 1, 0, 1], 2), classes(&[2, 1, 0, 1], 3),
            values(&[0.0, 1.0, -1.0, 2.0], &[3.0], &[2.0])];
        for targets in &targets {
            for loss in [Loss::CrossEntropy, Loss::Mse, Loss::Bce] {
                if check_loss(loss, targets).is_ok() {
                    let _ = score(loss, &outputs, width, targets, &rows);
                    let fitting = rows.len() * super::outputs(loss, targets);
                    if let Some(outputs) = outputs.get(..fitting) {
                        let _ = score(loss, outputs, super::outputs(loss, targets), targets, &rows);
                    }
                }
            }
        }
    }
}
