//! Mean, standard deviation, median.

use super::{difference, sum};

/// The arithmetic mean, which however it is rounded is not beyond the values: that of one value
/// many times is that value. `None` of nothing.
#[must_use]
pub fn mean(values: &[f64]) -> Option<f64> {
    let smallest = values.iter().copied().reduce(f64::min)?;
    let largest = values.iter().copied().reduce(f64::max)?;
    let mean = sum(values) / values.len() as f64;
    // Not `clamp`, which would make a number of a mean that is none.
    Some(if mean < smallest {
        smallest
    } else if mean > largest {
        largest
    } else {
        mean
    })
}

/// The standard deviation of a sample, with n - 1 in the denominator; 0 where the values are equal
/// but for rounding, `None` below two values.
#[must_use]
pub fn sd(values: &[f64]) -> Option<f64> {
    let centre = mean(values).filter(|_| values.len() > 1)?;
    let squares: f64 = values.iter().map(|value| difference(*value, centre).powi(2)).sum();
    Some((squares / (values.len() - 1) as f64).sqrt())
}

/// The middle value, or the mean of the middle two; `None` of nothing.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = *sorted.get(sorted.len() / 2 - 1)?;
    Some(f64::midpoint(lower, upper))
}
