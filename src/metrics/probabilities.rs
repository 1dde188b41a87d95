//! From outputs to what they say of classes.

use super::classification;
use crate::config::training::Loss;

/// The class that a row of outputs names.
#[must_use]
pub fn answer(outputs: &[f64]) -> usize {
    classification::answer(outputs)
}

/// The probabilities that a row of outputs gives to the classes. Outputs that were trained by squared errors are as
/// they are: they estimate probabilities, and need not lie between 0 and 1.
#[must_use]
pub fn probabilities(loss: Loss, outputs: &[f64]) -> Vec<f64> {
    match loss {
        Loss::Mse => outputs.to_vec(),
        Loss::Bce => {
            let logit = outputs.first().copied().unwrap_or(f64::NAN);
            vec![sigmoid(-logit), sigmoid(logit)]
        }
        Loss::CrossEntropy => {
            let largest = outputs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let shares: Vec<f64> = outputs.iter().map(|logit| (logit - largest).exp()).collect();
            let sum: f64 = shares.iter().sum();
            shares.iter().map(|share| share / sum).collect()
        }
    }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn probabilities_add_up_and_the_likeliest_class_is_the_answer(
            outputs in proptest::collection::vec(-200.0_f64..200.0, 2..6),
        ) {
            for (loss, outputs) in [(Loss::CrossEntropy, &outputs[..]), (Loss::Bce, &outputs[..1])] {
                let given = probabilities(loss, outputs);
                prop_assert!((given.iter().sum::<f64>() - 1.0).abs() < 1e-12);
                let likeliest = given.iter().copied().fold(0.0, f64::max);
                prop_assert_eq!(given[answer(outputs)], likeliest);
            }
        }
    }

    #[test]
    fn no_logit_overflows() {
        assert_eq!(probabilities(Loss::Bce, &[1e6]), [0.0, 1.0]);
        assert_eq!(probabilities(Loss::CrossEntropy, &[1e6, 0.0]), [1.0, 0.0]);
        assert_eq!(probabilities(Loss::Mse, &[1.25, -0.5]), [1.25, -0.5]);
    }
}
