//! Differences and ratios that do not rest on a normal distribution.

use serde::Serialize;

use super::significance::CONFIDENCE;
use crate::stats::{
    EXACT_PAIRS, bca_interval, difference, mean, median, median_interval, ratio_interval,
};

/// Below so many pairs bootstrap intervals are too short to be shown.
pub const PAIRS_FOR_BOOTSTRAP: usize = 10;

/// What does not rest on means: with intervals by the bootstrap (`BCa`).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Robust {
    /// The middle difference.
    pub median: f64,
    /// Its interval.
    pub median_ci95: Option<[f64; 2]>,
    /// The mean of the second level over that of the first; none where those are not above 0.
    pub ratio: Option<f64>,
    /// Its interval.
    pub ratio_ci95: Option<[f64; 2]>,
}

/// The median difference and the ratio of means of pairs of the second level and the first. Above
/// [`EXACT_PAIRS`] pairs, where p-values are no longer counted out either, by large-sample formulas.
pub(super) fn robust(pairs: &[(f64, f64)]) -> Option<Robust> {
    if pairs.len() < PAIRS_FOR_BOOTSTRAP {
        return None;
    }
    let differences: Vec<f64> = pairs.iter().map(|(to, from)| difference(*to, *from)).collect();
    let all: Vec<usize> = (0..pairs.len()).collect();
    let middle = |units: &[usize]| {
        median(&units.iter().map(|unit| differences[*unit]).collect::<Vec<f64>>())
            .unwrap_or(f64::NAN)
    };
    let ratio = |units: &[usize]| {
        let side = |of: fn(&(f64, f64)) -> f64| {
            mean(&units.iter().map(|unit| of(&pairs[*unit])).collect::<Vec<_>>())
        };
        side(|pair| pair.0).zip(side(|pair| pair.1)).map_or(f64::NAN, |(to, from)| to / from)
    };
    // A ratio of what may be 0 or below means nothing.
    let is_positive = pairs.iter().all(|(to, from)| *to > 0.0 && *from > 0.0);
    let by_formula = pairs.len() > EXACT_PAIRS;
    let median_ci95 = if by_formula {
        median_interval(&differences, CONFIDENCE)
    } else {
        bca_interval(pairs.len(), CONFIDENCE, middle)
    };
    let ratio_ci95 = || {
        if by_formula {
            ratio_interval(pairs, CONFIDENCE)
        } else {
            bca_interval(pairs.len(), CONFIDENCE, ratio)
        }
    };
    Some(Robust {
        median: median(&differences)?,
        median_ci95,
        ratio: is_positive.then(|| ratio(&all)),
        ratio_ci95: is_positive.then(ratio_ci95).flatten(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_and_a_median_lie_within_their_intervals() {
        let pairs: Vec<(f64, f64)> =
            (1..=12).map(|seed| (f64::from(seed) + 1.0, 2.0 * f64::from(seed))).collect();
        let found = robust(&pairs).unwrap();
        assert!((found.ratio.unwrap() - 90.0 / 156.0).abs() < 1e-12);
        assert!((found.median + 5.5).abs() < 1e-12);
        let holds = |[low, high]: [f64; 2], value: f64| low < value && value < high;
        assert!(holds(found.median_ci95.unwrap(), found.median));
        assert!(holds(found.ratio_ci95.unwrap(), found.ratio.unwrap()));
        assert_eq!(robust(&pairs[..9]), None);
        let signed: Vec<(f64, f64)> = pairs.iter().map(|(to, from)| (*to, -from)).collect();
        assert_eq!(robust(&signed).unwrap().ratio, None);
    }
}
