//! The p-value of paired samples, by the test that suits their number.

use super::sample_size::PAIRS_FOR_P;
use super::sign_flip::{self, EXACT_PAIRS, sign_flip_p};
use super::student::t_test_p;

/// The p-value of the hypothesis that differences are symmetric around 0: by sign flips, by the t
/// test where there are too many pairs for those.
#[must_use]
pub fn paired_p(differences: &[f64]) -> Option<f64> {
    if differences.len() < PAIRS_FOR_P {
        None
    } else if differences.len() <= EXACT_PAIRS {
        sign_flip_p(differences)
    } else {
        t_test_p(differences)
    }
}

/// About how many steps [`paired_p`] takes for this many pairs.
#[must_use]
pub fn paired_p_cost(pairs: usize) -> usize {
    if (PAIRS_FOR_P..=EXACT_PAIRS).contains(&pairs) { sign_flip::cost(pairs) } else { pairs }
}
