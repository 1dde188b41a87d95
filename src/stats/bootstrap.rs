//! The bias-corrected and accelerated bootstrap interval (Efron 1987): for medians and ratios, which
//! Student's t has no interval for.
//!
//! Below about ten values bootstrap intervals are too short: they are no substitute for seeds.

use super::normal::{normal_cdf, normal_quantile};
use crate::seed::Seed;

/// Resamples of an interval.
pub const RESAMPLES: usize = 10_000;

/// Replicates closer to the estimate than this share of it tie with it, however they were rounded.
const TIE: f64 = 1e-12;

/// The interval and what it was made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Bca {
    /// The interval.
    pub interval: [f64; 2],
    /// Share of replicates below the estimate, ties half.
    pub below: f64,
    /// The normal quantile of that share.
    pub bias: f64,
    /// How the spread changes with the value, by the jackknife.
    pub acceleration: f64,
    /// Which quantiles of the replicates the ends are.
    pub ends: [f64; 2],
}

/// The interval of a statistic of `units` units, given by their indices, from [`RESAMPLES`] resamples
/// that are always the same; `None` below three units, or where the statistic is not finite.
pub fn bca_interval(
    units: usize,
    level: f64,
    statistic: impl Fn(&[usize]) -> f64,
) -> Option<[f64; 2]> {
    let mut stream = Seed(0).stream("bootstrap", units as u64);
    let mut resample = vec![0; units];
    let replicates = (0..RESAMPLES).map(|_| {
        for index in &mut resample {
            *index = usize::try_from(stream.below(units as u64)).unwrap_or_default();
        }
        statistic(&resample)
    });
    let replicates = replicates.collect();
    bca_of_replicates(units, level, replicates, statistic).map(|bca| bca.interval)
}

/// The interval of a statistic from given replicates of it.
pub fn bca_of_replicates(
    units: usize,
    level: f64,
    mut replicates: Vec<f64>,
    statistic: impl Fn(&[usize]) -> f64,
) -> Option<Bca> {
    if units < super::PAIRS_FOR_INTERVAL {
        return None;
    }
    let all: Vec<usize> = (0..units).collect();
    let estimate = statistic(&all);
    if !estimate.is_finite() || replicates.iter().any(|value| !value.is_finite()) {
        return None;
    }
    replicates.sort_unstable_by(f64::total_cmp);
    let tie = TIE * estimate.abs();
    let less = replicates.partition_point(|value| *value < estimate - tie);
    let most = replicates.partition_point(|value| *value <= estimate + tie);
    let below = f64::midpoint(less as f64, most as f64) / replicates.len() as f64;
    let bias = normal_quantile(below);

    let left_out: Vec<f64> = (0..units)
        .map(|unit| {
            let rest: Vec<usize> = all.iter().copied().filter(|other| *other != unit).collect();
            statistic(&rest)
        })
        .collect();
    let centre = left_out.iter().sum::<f64>() / units as f64;
    let power = |n: i32| left_out.iter().map(|value| (centre - value).powi(n)).sum::<f64>();
    let spread = 6.0 * power(2).powf(1.5);
    let acceleration = if spread > 0.0 { power(3) / spread } else { 0.0 };

    let tail = (1.0 - level) / 2.0;
    let end = |p: f64| {
        let shifted = bias + normal_quantile(p);
        normal_cdf(bias + shifted / (1.0 - acceleration * shifted))
    };
    let ends = [end(tail), end(1.0 - tail)];
    let interval = ends.map(|end| quantile(&replicates, end));
    Some(Bca { interval, below, bias, acceleration, ends })
}

/// The quantile of sorted values, interpolated linearly.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a place within the values
fn quantile(sorted: &[f64], p: f64) -> f64 {
    let place = (sorted.len() - 1) as f64 * p.clamp(0.0, 1.0);
    let lower = place.floor();
    let (low, high) = (sorted[lower as usize], sorted[place.ceil() as usize]);
    low + (place - lower) * (high - low)
}
