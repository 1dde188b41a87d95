//! The sign-flip permutation test of paired differences (Fisher 1935, section 21).
//!
//! Were the two sides of each pair exchangeable, every pattern of signs would be as likely as the
//! one seen. The p-value is the share of all 2^n patterns whose sum is at least as far from 0.
//!
//! Up to 40 pairs every pattern counts, by meeting in the middle. Up to 200 the patterns are
//! counted by their sums, which is exact where all differences are multiples of one number
//! (accuracies are, on a fixed test split). Where they are not, each difference is first rounded
//! to a 2^18th of the sum of their absolute values: the test is then an exact test of the rounded
//! differences, and its p-value is within about a thousandth of itself of that of the unrounded.

/// Up to this many pairs [`sign_flip_p`] answers.
pub const EXACT_PAIRS: usize = 200;

/// Up to this many pairs, two lists of 2^20 sums at most are met in the middle.
const ENUMERATED_PAIRS: usize = 40;

/// Sums closer than this, as a share of the sum of absolute differences, are equal: a tie must not
/// depend on how its sum was rounded.
const TIE: f64 = 1e-10;

/// Units of the grid where the differences have no common measure.
const GRID: f64 = 262_144.0;

/// Most units of a grid of exact multiples.
const LATTICE: f64 = 1_048_576.0;

/// The two-sided p-value of the mean difference; `None` of nothing or above [`EXACT_PAIRS`].
#[must_use]
pub fn sign_flip_p(differences: &[f64]) -> Option<f64> {
    if differences.is_empty() || differences.len() > EXACT_PAIRS {
        return None;
    }
    let sizes: Vec<f64> = differences.iter().map(|d| d.abs()).collect();
    let total: f64 = sizes.iter().sum();
    let seen = differences.iter().sum::<f64>().abs();
    if seen <= TIE * total {
        return Some(1.0);
    }
    let above = if sizes.len() <= ENUMERATED_PAIRS {
        enumerated_share(&sizes, seen - TIE * total)
    } else {
        counted_share(differences, total)
    };
    // The distribution is symmetric: as many patterns lie below -seen.
    Some((2.0 * above).min(1.0))
}

/// About how many additions an answer takes.
pub(super) fn cost(pairs: usize) -> usize {
    if pairs <= ENUMERATED_PAIRS {
        4 << pairs.div_ceil(2)
    } else {
        // The sums grow to half of the grid, with the small differences first.
        pairs * 65_536
    }
}

/// The share of sign patterns whose sum reaches `limit`, each pattern counted.
fn enumerated_share(sizes: &[f64], limit: f64) -> f64 {
    let (left, right) = sizes.split_at(sizes.len() / 2);
    let (left, right) = (sorted_sums(left), sorted_sums(right));
    let mut reaching: u64 = 0;
    let mut first = right.len();
    for sum in &left {
        while first > 0 && sum + right[first - 1] >= limit {
            first -= 1;
        }
        reaching += (right.len() - first) as u64;
    }
    reaching as f64 / (left.len() as f64 * right.len() as f64)
}

/// The sums of all sign patterns in ascending order, grown by one pair at a time.
fn sorted_sums(sizes: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0];
    for size in sizes {
        let mut merged = Vec::with_capacity(2 * sums.len());
        let mut plus = sums.iter().map(|sum| sum + size).peekable();
        for minus in sums.iter().map(|sum| sum - size) {
            while let Some(sum) = plus.next_if(|sum| *sum < minus) {
                merged.push(sum);
            }
            merged.push(minus);
        }
        merged.extend(plus);
        sums = merged;
    }
    sums
}

/// The share of sign patterns whose sum reaches the one seen, counted by sums on a grid.
pub(super) fn counted_share(differences: &[f64], total: f64) -> f64 {
    let unit = common_measure(differences, total).unwrap_or(total / GRID);
    #[allow(clippy::cast_possible_truncation)] // at most LATTICE, by the choice of the unit
    let signed: Vec<i64> = differences.iter().map(|d| (d / unit).round() as i64).collect();
    let seen = signed.iter().sum::<i64>().unsigned_abs();
    let mut units: Vec<usize> =
        signed.iter().filter_map(|u| usize::try_from(u.unsigned_abs()).ok()).collect();
    // With the small ones first the sums stay few for longest.
    units.sort_unstable();
    let all: usize = units.iter().sum();

    // With A the units that take a minus, the sum is all - 2 A: it reaches the one seen where A is
    // at most this, and larger A need not be counted.
    let Some(most) = usize::try_from(seen).ok().and_then(|seen| all.checked_sub(seen)) else {
        return 0.0;
    };
    let most = most / 2;
    // Of each A the patterns, at most 2^200, which a float holds to a relative error of its own.
    let mut count = vec![0.0; most + 1];
    let mut next = count.clone();
    count[0] = 1.0;
    let (mut reach, mut patterns) = (0, 1.0);
    for unit in units {
        let grown = (reach + unit).min(most);
        if unit <= reach {
            next[..unit].copy_from_slice(&count[..unit]);
            let both = count[unit..=reach].iter().zip(&count[..=reach - unit]);
            for (sum, (plus, minus)) in next[unit..=reach].iter_mut().zip(both) {
                *sum = plus + minus;
            }
            next[reach + 1..=grown].copy_from_slice(&count[reach + 1 - unit..=grown - unit]);
        } else {
            next[..=reach].copy_from_slice(&count[..=reach]);
            next[reach + 1..unit.min(grown + 1)].fill(0.0);
            if unit <= grown {
                next[unit..=grown].copy_from_slice(&count[..=grown - unit]);
            }
        }
        reach = grown;
        patterns *= 2.0;
        std::mem::swap(&mut count, &mut next);
    }
    count[..=reach].iter().sum::<f64>() / patterns
}

/// The number of which all differences are whole multiples, by Euclid's algorithm with a tolerance.
fn common_measure(differences: &[f64], total: f64) -> Option<f64> {
    let tolerance = TIE * total;
    let mut measure: f64 = 0.0;
    for difference in differences {
        let (mut a, mut b) = (measure, difference.abs());
        while b > tolerance {
            let rest = a % b;
            (a, b) = (b, if b - rest <= tolerance { 0.0 } else { rest });
        }
        measure = a;
    }
    let whole = |d: &f64| ((d / measure) - (d / measure).round()).abs() < 1e-4;
    (total / measure <= LATTICE && differences.iter().all(whole)).then_some(measure)
}
