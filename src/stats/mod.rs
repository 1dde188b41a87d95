//! Statistics of small paired samples: functions on slices, without names of anything measured.
//!
//! Non-finite values are the caller's to leave out; a function that gets too few values for an
//! answer says `None` rather than a number that looks like one.

#![allow(clippy::cast_precision_loss)] // sample sizes are far below 2^53

mod bootstrap;
mod describe;
mod holm;
mod large;
mod normal;
mod power;
mod ranks;
mod rounding;
mod sign_flip;
mod student;

pub use bootstrap::{Bca, RESAMPLES, bca_interval, bca_of_replicates};
pub use describe::{mean, median, sd};
pub use holm::holm;
pub use large::{median_interval, ratio_interval};
pub use power::{power_of_t_test, seeds_for_power};
pub use ranks::{
    Friedman, friedman, interquartile_mean, probability_below, ranks, sign_test_p, wilcoxon,
};
pub use rounding::{are_equal, difference, sum};
pub use sign_flip::{EXACT_PAIRS, sign_flip_p};
pub use student::{effect_size, t_interval, t_statistic, t_test_p};

/// Fewer values than this give no interval: with two, a t interval is 12.7 standard errors wide
/// on each side and says nothing.
pub const PAIRS_FOR_INTERVAL: usize = 3;

/// Fewer pairs than this give no p-value: the smallest two-sided p of `n` sign flips is
/// 2^(1 - n), which is above 0.05 for five.
pub const PAIRS_FOR_P: usize = 6;

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

/// The fewest pairs whose smallest possible sign-flip p, of `tests` tests, stays below `alpha` after
/// Holm's correction.
#[must_use]
pub fn pairs_for_family(tests: usize, alpha: f64) -> usize {
    let mut pairs = PAIRS_FOR_P;
    let mut smallest = 0.5_f64.powi(5);
    while smallest * tests as f64 >= alpha && smallest > 0.0 {
        pairs += 1;
        smallest *= 0.5;
    }
    pairs
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
