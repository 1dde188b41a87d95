//! Statistics of small samples, most of them paired: functions on slices, without names of anything measured.
//!
//! Non-finite values are the caller's to leave out; a function that gets too few values for an
//! answer says `None` rather than a number that looks like one.

#![allow(clippy::cast_precision_loss)] // sample sizes are far below 2^53

mod bootstrap;
mod describe;
mod holm;
mod large;
mod normal;
mod paired;
mod power;
mod ranks;
mod rounding;
mod sample_size;
mod sequential;
mod sign_flip;
mod signed_rank;
mod student;
mod two_way;
mod unpaired;

pub use bootstrap::{Bca, RESAMPLES, bca_interval, bca_of_replicates};
pub use describe::{mean, median, sd};
pub use holm::holm;
pub use large::{median_interval, ratio_interval};
pub use paired::{paired_p, paired_p_cost};
pub use power::{detectable_effect, power_of_t_test, seeds_for_power};
pub use ranks::{
    Friedman, friedman, interquartile_mean, probability_below, ranks, sign_test_p, wilcoxon,
};
pub use rounding::{are_equal, difference, sum};
pub use sample_size::{PAIRS_FOR_INTERVAL, PAIRS_FOR_P, pairs_for_family};
pub use sequential::{Looks, Sequential};
pub use sign_flip::{EXACT_PAIRS, sign_flip_p};
pub use signed_rank::signed_rank_p;
pub use student::{effect_size, t_interval, t_quantile_ratio, t_statistic, t_test_p};
pub use two_way::{SeedRows, TwoWay, interval_of_variance, overlap_variance, two_way_variance};
pub use unpaired::{Sample, Stratum, Welch, permutation_p};

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
