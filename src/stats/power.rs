//! How many pairs a paired t test needs to see an effect.

use statrs::distribution::{ContinuousCDF, StudentsT};
use statrs::function::erf::erfc;
use statrs::function::gamma::ln_gamma;

/// More pairs than this are no answer that anyone could act on.
const MOST_PAIRS: usize = 1_000_000;

/// Steps of Simpson's rule; the integrand is smooth and a few of its widths are covered.
const STEPS: usize = 2000;

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
    let step = (high - low) / STEPS as f64;
    let constant = 2.0_f64.ln() + 0.5 * df * (0.5 * df).ln() - ln_gamma(0.5 * df);
    let rejected = |u: f64| {
        if u == 0.0 && df > 1.0 {
            return 0.0;
        }
        let power_of_u = if df > 1.0 { (df - 1.0) * u.ln() } else { 0.0 };
        let density = (constant + power_of_u - 0.5 * df * u * u).exp();
        density * (normal_cdf(delta - limit * u) + normal_cdf(-limit * u - delta))
    };
    let sum: f64 = (0..=STEPS)
        .map(|index| {
            let weight = match index {
                0 | STEPS => 1.0,
                _ if index % 2 == 1 => 4.0,
                _ => 2.0,
            };
            weight * rejected(low + step * index as f64)
        })
        .sum();
    Some((sum * step / 3.0).clamp(0.0, 1.0))
}

/// The smallest number of pairs with at least this power at `alpha` = 0.05; `None` where it would
/// be above a million, or where the effect is 0.
#[must_use]
pub fn seeds_for_power(effect: f64, power: f64) -> Option<usize> {
    let enough = |pairs| power_of_t_test(effect, pairs, 0.05).is_some_and(|p| p >= power);
    let mut high = 2;
    while !enough(high) {
        high *= 2;
        if high > MOST_PAIRS {
            return None;
        }
    }
    let mut low = high / 2;
    while high - low > 1 {
        let middle = low.midpoint(high);
        if enough(middle) { high = middle } else { low = middle }
    }
    Some(high)
}

fn normal_cdf(x: f64) -> f64 {
    0.5 * erfc(-x * std::f64::consts::FRAC_1_SQRT_2)
}
