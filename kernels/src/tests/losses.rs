//! The softmax cross-entropy.

use super::{normal, panels_of};
use crate::buffer::Buffer;
use crate::loss::CrossEntropy;
use crate::{Isa, PANEL};

/// The weighted losses added up, and the gradient row by row.
fn reference(
    logits: &[f32],
    labels: &[u32],
    weights: Option<&[f32]>,
    share: f64,
) -> (f64, Vec<f64>) {
    let classes = logits.len() / labels.len();
    let (mut losses, mut gradient) = (0.0, Vec::new());
    for (logits, label) in logits.chunks_exact(classes).zip(labels) {
        let label = *label as usize;
        let weight = weights.map_or(1.0, |weights| f64::from(weights[label]));
        let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let powers: Vec<f64> =
            logits.iter().map(|logit| (f64::from(*logit) - f64::from(largest)).exp()).collect();
        let sum: f64 = powers.iter().sum();
        losses += weight * (sum.ln() + f64::from(largest) - f64::from(logits[label]));
        gradient.extend(powers.iter().enumerate().map(|(class, power)| {
            weight * share * (power / sum - if class == label { 1.0 } else { 0.0 })
        }));
    }
    (losses, gradient)
}

#[test]
fn cross_entropy_and_its_gradient_are_those_of_the_softmax_of_any_number_of_classes() {
    for classes in [1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64, 65, 300] {
        for rows in [1, 2, 13] {
            for spread in [1.0, 30.0, 1000.0] {
                let logits: Vec<f32> =
                    normal("logits", rows * classes).iter().map(|value| value * spread).collect();
                let labels: Vec<u32> =
                    (0..rows).map(|row| u32::try_from((row * 7 + 3) % classes).unwrap()).collect();
                let weights: Vec<f32> =
                    normal("weights", classes).iter().map(|weight| weight.abs()).collect();
                for weights in [None, Some(&weights[..])] {
                    #[allow(clippy::cast_precision_loss)] // a few rows
                    let share = 1.0 / rows as f32;
                    let (losses, expected) = reference(&logits, &labels, weights, f64::from(share));
                    for isa in Isa::available() {
                        let logits = panels_of(&logits, rows, classes);
                        let mut gradient =
                            vec![Buffer::filled(rows * PANEL, 5.0); classes.div_ceil(PANEL)];
                        let actual = CrossEntropy {
                            logits: &logits,
                            gradient: &mut gradient,
                            classes,
                            labels: &labels,
                            weights,
                            share,
                        }
                        .run(isa);
                        let label = format!("{isa:?} {rows} x {classes}, {spread}");
                        assert!((actual - losses).abs() <= 1e-6 * (1.0 + losses), "{label}");
                        for (at, expected) in expected.iter().enumerate() {
                            let (row, class) = (at / classes, at % classes);
                            let value = gradient[class / PANEL][row * PANEL + class % PANEL];
                            let error = (f64::from(value) - expected).abs();
                            assert!(error <= 2e-6, "{label}: {value} instead of {expected}");
                        }
                        // Columns that are none get no gradient, whole registers of them stay.
                        for class in classes..classes.next_multiple_of(PANEL) {
                            for row in 0..rows {
                                let value = gradient[class / PANEL][row * PANEL + class % PANEL];
                                assert!(value == 0.0 || value == 5.0, "{label}: {value}");
                                assert!(class >= classes.next_multiple_of(8) || value == 0.0);
                            }
                        }
                    }
                }
            }
        }
    }
}
