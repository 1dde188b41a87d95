//! Intervals of medians and ratios from so many values that the large-sample formulas hold, where
//! resampling would take its time and say the same.

use super::normal::normal_quantile;
use super::{mean, sd};

/// The interval of the median between two of the values themselves, whatever their distribution: how
/// many lie below the median is binomial (David and Nagaraja 2003, section 7.1), here by its normal
/// limit. `None` where the values are too few to hold it.
#[must_use]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a place within the values
pub fn median_interval(values: &[f64], level: f64) -> Option<[f64; 2]> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let count = sorted.len() as f64;
    let half = normal_quantile(f64::midpoint(1.0, level)) * count.sqrt() / 2.0;
    // Places from 1.
    let low = (count / 2.0 - half).floor();
    let high = count + 1.0 - low;
    (low >= 1.0).then(|| [sorted[low as usize - 1], sorted[high as usize - 1]])
}

/// The interval of the ratio of two means over pairs, by the delta method: the ratio's error is the
/// mean of `(to - ratio * from) / mean from` (Cochran 1977, section 6.4). `None` below two pairs, or
/// where the second mean is 0.
#[must_use]
pub fn ratio_interval(pairs: &[(f64, f64)], level: f64) -> Option<[f64; 2]> {
    let side = |of: fn(&(f64, f64)) -> f64| mean(&pairs.iter().map(of).collect::<Vec<f64>>());
    let (to, from) = (side(|pair| pair.0)?, side(|pair| pair.1).filter(|mean| *mean != 0.0)?);
    let ratio = to / from;
    let errors: Vec<f64> = pairs.iter().map(|(to, from)| to - ratio * from).collect();
    let error = sd(&errors)? / from.abs() / (pairs.len() as f64).sqrt();
    let half = normal_quantile(f64::midpoint(1.0, level)) * error;
    Some([ratio - half, ratio + half])
}
