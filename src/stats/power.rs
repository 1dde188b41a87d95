//! How many pairs a paired t test needs to see an effect.

use statrs::distribution::{ContinuousCDF, StudentsT};
use statrs::function::gamma::ln_gamma;

use super::normal::{normal_cdf, normal_quantile};

/// More pairs than this are no answer that anyone could act on.
const MOST_PAIRS: f64 = 1e6;

/// Steps of Simpson's rule; with few pairs the limit is far out and the integrand steep.
fn steps(pairs: usize) -> usize {
    if pairs < 10 { 2000 } else { 400 }
}

/// The chance that a two-sided paired t test at level `alpha` rejects, with `pairs` normal
/// differences whose mean is `effect` standard deviations.
///
/// The statistic is noncentral t. Its distribution function is the normal one averaged over
/// u = sqrt(chi2 / df): P(T <= t) = E Phi(t u - delta), here integrated by Simpson's rule.
#[must_use]
pub fn power_of_t_test(effect: f64, pairs: usize, alpha: f64) -> Option<f64> {
    let df = pairs.checked_sub(1).filter(|df| *df > 0)? as f64;
    let limit = StudentsT::new(0.0, 1.0, df).ok()?.inverse_cdf(1.0 - alpha / 2.0);
    let delta = effect.abs() * (pairs as f64).sqrt();
    // u has mean about 1 and standard deviation about 1 / sqrt(2 df).
    let width = 12.0 / (2.0 * df).sqrt();
    let (low, high) = ((1.0 - width).max(0.0), 1.0 + width);
    let steps = steps(pairs);
    let step = (high - low) / steps as f64;
    let constant = 2.0_f64.ln() + 0.5 * df * (0.5 * df).ln() - ln_gamma(0.5 * df);
    let rejected = |u: f64| {
        if u == 0.0 && df > 1.0 {
            return 0.0;
        }
        let power_of_u = if df > 1.0 { (df - 1.0) * u.ln() } else { 0.0 };
        let density = (constant + power_of_u - 0.5 * df * u * u).exp();
        density * (normal_cdf(delta - limit * u) + normal_cdf(-limit * u - delta))
    };
    let sum: f64 = (0..=steps)
        .map(|index| {
            let weight = match index {
                _ if index == 0 || index == steps => 1.0,
                _ if index % 2 == 1 => 4.0,
                _ => 2.0,
            };
            weight * rejected(low + step * index as f64)
        })
        .sum();
    Some((sum * step / 3.0).clamp(0.0, 1.0))
}

/// The smallest effect, in standard deviations of the differences, that a paired t test at
/// `alpha` = 0.05 sees with this power; `None` below three pairs.
#[must_use]
pub fn detectable_effect(pairs: usize, power: f64) -> Option<f64> {
    if pairs < super::PAIRS_FOR_INTERVAL {
        return None;
    }
    let (mut low, mut high) = (0.0_f64, 64.0_f64);
    while high - low > 1e-4 * high {
        let middle = f64::midpoint(low, high);
        let is_enough = power_of_t_test(middle, pairs, 0.05)? >= power;
        if is_enough { high = middle } else { low = middle }
    }
    Some(high)
}

/// The smallest number of pairs with at least this power at `alpha` = 0.05; `None` where it would
/// be above a million, or where the effect is 0.
#[must_use]
pub fn seeds_for_power(effect: f64, power: f64) -> Option<usize> {
    let enough = |pairs| power_of_t_test(effect, pairs, 0.05).is_some_and(|p| p >= power);
    // Where the normal distribution has it, the answer is close by.
    let (of_alpha, of_power) = (normal_quantile(0.975), normal_quantile(power));
    let guess = ((of_alpha + of_power) / effect).powi(2) + 2.0;
    if effect == 0.0 || guess.is_nan() || guess > MOST_PAIRS {
        return None;
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 2 to MOST_PAIRS
    let mut high = guess as usize;
    let mut low = high.saturating_sub(3).max(1);
    while low > 1 && enough(low) {
        low = (low / 2).max(1);
    }
    while !enough(high) {
        (low, high) = (high, high + 1 + high / 50);
        if high as f64 > 2.0 * MOST_PAIRS {
            return None;
        }
    }
    while high - low > 1 {
        let middle = low.midpoint(high);
        if enough(middle) { high = middle } else { low = middle }
    }
    Some(high)
}
