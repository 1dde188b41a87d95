//! Ranks: of arms over data sets (Demsar 2006), of paired differences (Wilcoxon 1945), and what is
//! robust about many runs (Agarwal et al. 2021).

use statrs::distribution::{ContinuousCDF, FisherSnedecor};

use super::normal::normal_cdf;
use super::{are_equal, difference, mean, sum};

/// Above so many differences [`wilcoxon`] gives no answer.
const MOST_DIFFERENCES: usize = 500;

/// The ranks of values from 1, the smallest first; those that are equal but for rounding share the
/// mean of their ranks.
#[must_use]
pub fn ranks(values: &[f64]) -> Vec<f64> {
    ranks_with(values, |a, b| are_equal(values[a], values[b]))
}

/// The same where two values, by their places, tie as the caller says.
fn ranks_with(values: &[f64], are_tied: impl Fn(usize, usize) -> bool) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    while start < order.len() {
        let tied = order[start..].iter().take_while(|i| are_tied(**i, order[start]));
        let end = start + tied.count();
        for index in &order[start..end] {
            ranks[*index] = f64::midpoint((start + 1) as f64, end as f64);
        }
        start = end;
    }
    ranks
}

/// Whether arms differ over data sets.
#[derive(Debug, Clone, PartialEq)]
pub struct Friedman {
    /// The mean rank of each arm, the smallest value first.
    pub average_ranks: Vec<f64>,
    /// Friedman's statistic, without a correction for ties.
    pub chi2: f64,
    /// Iman and Davenport's form of it, which is less conservative; none where all data sets agree.
    pub f: Option<f64>,
    /// Its p-value.
    pub p: f64,
    /// Nemenyi's critical difference at the level 0.05: two arms whose average ranks differ by
    /// less cannot be told apart.
    pub critical_difference: f64,
}

/// Friedman's test of a row of values per data set, one value per arm; `None` below two of either.
#[must_use]
pub fn friedman(rows: &[Vec<f64>]) -> Option<Friedman> {
    let (sets, arms) = (rows.len(), rows.first()?.len());
    if sets < 2 || arms < 2 || rows.iter().any(|row| row.len() != arms) {
        return None;
    }
    let by_row: Vec<Vec<f64>> = rows.iter().map(|row| ranks(row)).collect();
    let average_ranks: Vec<f64> =
        (0..arms).map(|arm| by_row.iter().map(|row| row[arm]).sum::<f64>() / sets as f64).collect();
    let (count, k) = (sets as f64, arms as f64);
    let squares: f64 = average_ranks.iter().map(|rank| rank * rank).sum();
    let chi2 = 12.0 * count / (k * (k + 1.0)) * (squares - k * (k + 1.0).powi(2) / 4.0);
    let rest = count * (k - 1.0) - chi2;
    let f = (rest > 1e-9).then(|| (count - 1.0) * chi2 / rest);
    let p = match f {
        Some(f) => {
            let distribution = FisherSnedecor::new(k - 1.0, (k - 1.0) * (count - 1.0)).ok()?;
            distribution.sf(f.max(0.0))
        }
        // All data sets agree, and F is infinite: by chance they would as often as this.
        None => (1..=arms).map(|arm| arm as f64).product::<f64>().powf(1.0 - count),
    };
    let q = studentized_range_quantile(arms, 0.95) / std::f64::consts::SQRT_2;
    let critical_difference = q * (k * (k + 1.0) / (6.0 * count)).sqrt();
    Some(Friedman { average_ranks, chi2, f, p, critical_difference })
}

/// The quantile of the range of `arms` standard normal values.
pub(super) fn studentized_range_quantile(arms: usize, p: f64) -> f64 {
    let (mut low, mut high) = (0.0, 20.0);
    for _ in 0..80 {
        let middle = f64::midpoint(low, high);
        if range_cdf(arms, middle) < p { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

/// P(range <= q) = k times the integral of phi(x) (Phi(x) - Phi(x - q))^(k - 1), by Simpson's rule.
fn range_cdf(arms: usize, q: f64) -> f64 {
    const STEPS: usize = 800;
    let (low, high) = (-8.5, 8.5 + q);
    let step = (high - low) / STEPS as f64;
    let power = i32::try_from(arms - 1).unwrap_or(i32::MAX);
    let density = |x: f64| {
        let phi = (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
        phi * (normal_cdf(x) - normal_cdf(x - q)).powi(power)
    };
    let sum: f64 = (0..=STEPS)
        .map(|index| {
            let weight = match index {
                0 | STEPS => 1.0,
                _ if index % 2 == 1 => 4.0,
                _ => 2.0,
            };
            weight * density(low + step * index as f64)
        })
        .sum();
    arms as f64 * sum * step / 3.0
}

/// Wilcoxon's signed-rank statistic of pairs, the smaller of the two sums of ranks, and its exact
/// two-sided p-value. Equal pairs are left out; ties share ranks, and the p-value is exact with them
/// too.
#[must_use]
pub fn wilcoxon(pairs: &[(f64, f64)]) -> Option<(f64, f64)> {
    let pairs: Vec<(f64, f64)> =
        pairs.iter().copied().filter(|(a, b)| !are_equal(*a, *b)).collect();
    let there: Vec<f64> = pairs.iter().map(|(a, b)| difference(*a, *b)).collect();
    if there.is_empty() || there.len() > MOST_DIFFERENCES {
        return None;
    }
    let sizes: Vec<f64> = there.iter().map(|d| d.abs()).collect();
    // A difference is rounded as the pair is, however small it is itself.
    let larger_and_smaller = |place: usize| {
        let (a, b) = pairs[place];
        if a > b { (a, b) } else { (b, a) }
    };
    let ranks = ranks_with(&sizes, |one, other| {
        let ((a, b), (c, d)) = (larger_and_smaller(one), larger_and_smaller(other));
        are_equal(sizes[one], sizes[other]) || sum(&[a, -b, -c, d]) == 0.0
    });
    let positive: f64 =
        ranks.iter().zip(&there).filter(|(_, d)| **d > 0.0).map(|(rank, _)| rank).sum();
    let all: f64 = ranks.iter().sum();
    let statistic = positive.min(all - positive);
    // Shared ranks are halves: doubled, all are whole.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // at most 500 * 501
    let whole = |rank: f64| (2.0 * rank).round() as usize;
    let mut patterns = vec![0.0; whole(all) + 1];
    patterns[0] = 1.0;
    let mut reach = 0;
    for rank in ranks.iter().map(|rank| whole(*rank)) {
        for sum in (0..=reach).rev() {
            patterns[sum + rank] += 0.5 * patterns[sum];
            patterns[sum] *= 0.5;
        }
        reach += rank;
    }
    let tail: f64 = patterns[..=whole(statistic)].iter().sum();
    Some((statistic, (2.0 * tail).min(1.0)))
}

/// The exact two-sided p-value of the sign test; none below six pairs that differ.
#[must_use]
pub fn sign_test_p(wins: usize, losses: usize) -> Option<f64> {
    let pairs = wins + losses;
    if pairs < super::PAIRS_FOR_P {
        return None;
    }
    let mut term = 0.5_f64.powf(pairs as f64);
    let mut tail = 0.0;
    for fewer in 0..=wins.min(losses) {
        tail += term;
        term *= (pairs - fewer) as f64 / (fewer + 1) as f64;
    }
    Some((2.0 * tail).min(1.0))
}

/// The mean of the middle half of values.
#[must_use]
pub fn interquartile_mean(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let cut = sorted.len() / 4;
    mean(&sorted[cut..sorted.len() - cut])
}

/// The chance that a run of one arm is below a run of another, ties half, over all pairs of runs. A
/// run that diverged is infinite: it loses against all that did not.
#[must_use]
pub fn probability_below(one: &[f64], other: &[f64]) -> Option<f64> {
    if one.is_empty() || other.is_empty() {
        return None;
    }
    let pair = |a: f64, b: f64| {
        if a < b {
            1.0
        } else if a == b {
            0.5
        } else {
            0.0
        }
    };
    let wins: f64 = one.iter().flat_map(|a| other.iter().map(move |b| pair(*a, *b))).sum();
    Some(wins / (one.len() * other.len()) as f64)
}
