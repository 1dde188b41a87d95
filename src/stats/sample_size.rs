//! How many pairs a statement takes.

/// Fewer values than this give no interval: with two, a t interval is 12.7 standard errors wide
/// on each side and says nothing.
pub const PAIRS_FOR_INTERVAL: usize = 3;

/// Fewer pairs than this give no p-value: the smallest two-sided p of `n` sign flips is
/// 2^(1 - n), which is above 0.05 for five.
pub const PAIRS_FOR_P: usize = 6;

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
