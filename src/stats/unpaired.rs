//! Two groups of values that nothing pairs: Welch's interval (Welch 1947) and a permutation test of the labels
//! whose statistic is Welch's t (Janssen 1997), which keeps its level for unequal variances, too, as samples grow.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::{mean, sd};
use crate::seed::Seed;

/// Up to so many ways to deal out the labels, each is tried.
const EXACT: f64 = 200_000.0;

/// Where there are more, so many are drawn.
const DRAWN: u32 = 20_000;

/// Statistics closer than this, as a share of the one seen, are equal.
const TIE: f64 = 1e-10;

/// Values that share a weight in a sum of means.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// What their mean counts for; below 0 it is subtracted.
    pub weight: f64,
    /// The values.
    pub values: Vec<f64>,
}

/// A weighted sum of the means of samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Welch {
    /// The sum.
    pub estimate: f64,
    /// Its standard error.
    pub error: f64,
    /// Degrees of freedom (Welch 1947; Satterthwaite 1946).
    pub degrees: f64,
}

impl Welch {
    /// Of these samples; none where one has fewer than two values.
    #[must_use]
    pub fn of(samples: &[Sample]) -> Option<Self> {
        let (mut estimate, mut variance, mut squares) = (0.0, 0.0, 0.0);
        for Sample { weight, values } in samples {
            estimate += weight * mean(values)?;
            let own = (weight * sd(values)?).powi(2) / values.len() as f64;
            variance += own;
            squares += own * own / (values.len() as f64 - 1.0);
        }
        let fewest = samples.iter().map(|sample| sample.values.len()).min()?;
        let degrees =
            if variance > 0.0 { variance * variance / squares } else { fewest as f64 - 1.0 };
        Some(Self { estimate, error: variance.sqrt(), degrees })
    }

    /// The central interval that covers the sum in `level` of all samples from normal distributions.
    #[must_use]
    pub fn interval(&self, level: f64) -> Option<[f64; 2]> {
        let student = StudentsT::new(0.0, 1.0, self.degrees).ok()?;
        let half = student.inverse_cdf(f64::midpoint(1.0, level)) * self.error;
        Some([self.estimate - half, self.estimate + half])
    }

    /// The two-sided p-value of Welch's t test; of values without any spread 1 where the sum is 0, else 0.
    #[must_use]
    pub fn p(&self) -> Option<f64> {
        if self.error == 0.0 {
            return Some(if self.estimate == 0.0 { 1.0 } else { 0.0 });
        }
        let student = StudentsT::new(0.0, 1.0, self.degrees).ok()?;
        Some(2.0 * student.cdf(-(self.estimate / self.error).abs()))
    }
}

/// Two samples whose labels are exchangeable where the levels make no difference.
#[derive(Debug, Clone, PartialEq)]
pub struct Stratum {
    /// What the difference of their means counts for.
    pub weight: f64,
    /// At the first level.
    pub first: Vec<f64>,
    /// At the second level.
    pub second: Vec<f64>,
}

impl Stratum {
    fn ways(&self) -> f64 {
        let (few, all) =
            (self.first.len().min(self.second.len()), self.first.len() + self.second.len());
        (0..few).map(|taken| (all - taken) as f64 / (taken + 1) as f64).product()
    }
}

/// Of pooled values, those dealt to the second level, as a sum of them and of their squares.
struct Deal {
    weight: f64,
    /// Centred, so that sums of squares lose nothing.
    pooled: Vec<f64>,
    all: (f64, f64),
    second: usize,
}

impl Deal {
    fn of(stratum: &Stratum) -> Self {
        let mut pooled = [stratum.first.as_slice(), &stratum.second].concat();
        let centre = mean(&pooled).unwrap_or(0.0);
        for value in &mut pooled {
            *value -= centre;
        }
        let all = pooled.iter().fold((0.0, 0.0), |(sum, squares), v| (sum + v, squares + v * v));
        Self { weight: stratum.weight, pooled, all, second: stratum.second.len() }
    }

    /// The difference of means and its variance, by the sum and the squares of what the second level has.
    fn difference(&self, sum: f64, squares: f64) -> (f64, f64) {
        let (all, all_squares) = self.all;
        let variance = |sum: f64, squares: f64, n: f64| {
            if n < 2.0 { 0.0 } else { ((squares - sum * sum / n) / (n - 1.0)).max(0.0) / n }
        };
        let second = self.second as f64;
        let first = self.pooled.len() as f64 - second;
        let difference = sum / second - (all - sum) / first;
        let variance =
            variance(sum, squares, second) + variance(all - sum, all_squares - squares, first);
        (self.weight * difference, self.weight * self.weight * variance)
    }

    fn taken(&self, chosen: impl Iterator<Item = usize>) -> (f64, f64) {
        let (sum, squares) = chosen.fold((0.0, 0.0), |(sum, squares), at| {
            let value = self.pooled[at];
            (sum + value, squares + value * value)
        });
        self.difference(sum, squares)
    }

    /// The differences and variances of all ways to deal.
    fn all(&self) -> Vec<(f64, f64)> {
        let (n, k) = (self.pooled.len(), self.second);
        let mut chosen: Vec<usize> = (0..k).collect();
        let mut found = Vec::new();
        loop {
            found.push(self.taken(chosen.iter().copied()));
            // The next combination in lexicographic order.
            let Some(at) = (0..k).rev().find(|at| chosen[*at] < n - k + at) else { return found };
            chosen[at] += 1;
            for later in at + 1..k {
                chosen[later] = chosen[later - 1] + 1;
            }
        }
    }
}

fn statistic((difference, variance): (f64, f64)) -> f64 {
    if difference == 0.0 {
        0.0
    } else if variance > 0.0 {
        (difference / variance.sqrt()).abs()
    } else {
        f64::INFINITY
    }
}

/// The two-sided p-value of a difference summed over strata, within each of which labels are dealt anew: over all
/// ways where these are few, else over ways drawn at random, the one seen among them. None where a level has no value.
#[must_use]
pub fn permutation_p(strata: &[Stratum]) -> Option<f64> {
    if strata.is_empty() || strata.iter().any(|one| one.first.is_empty() || one.second.is_empty()) {
        return None;
    }
    let deals: Vec<Deal> = strata.iter().map(Deal::of).collect();
    let add = |a: (f64, f64), b: (f64, f64)| (a.0 + b.0, a.1 + b.1);
    let seen = deals.iter().fold((0.0, 0.0), |sum, deal| {
        let first = deal.pooled.len() - deal.second;
        add(sum, deal.taken(first..deal.pooled.len()))
    });
    let seen = statistic(seen);
    let reaches = |found: (f64, f64)| statistic(found) >= seen * (1.0 - TIE);
    if strata.iter().map(Stratum::ways).product::<f64>() <= EXACT {
        let mut sums = vec![(0.0, 0.0)];
        for deal in &deals {
            let ways = deal.all();
            sums = sums.iter().flat_map(|sum| ways.iter().map(|way| add(*sum, *way))).collect();
        }
        let reaching = sums.iter().filter(|sum| reaches(**sum)).count();
        return Some(reaching as f64 / sums.len() as f64);
    }
    let mut stream = Seed(0).stream("permuted labels", 0);
    let mut reaching = 1_u32;
    let mut orders: Vec<Vec<usize>> =
        deals.iter().map(|deal| (0..deal.pooled.len()).collect()).collect();
    for _ in 0..DRAWN {
        let mut sum = (0.0, 0.0);
        for (deal, order) in deals.iter().zip(&mut orders) {
            for at in 0..deal.second {
                let rest = (deal.pooled.len() - at) as u64;
                #[allow(clippy::cast_possible_truncation)] // below a length
                order.swap(at, at + stream.below(rest) as usize);
            }
            sum = add(sum, deal.taken(order[..deal.second].iter().copied()));
        }
        reaching += u32::from(reaches(sum));
    }
    Some(f64::from(reaching) / f64::from(DRAWN + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two(first: &[f64], second: &[f64]) -> [Sample; 2] {
        [
            Sample { weight: -1.0, values: first.to_vec() },
            Sample { weight: 1.0, values: second.to_vec() },
        ]
    }

    fn p(first: &[f64], second: &[f64]) -> f64 {
        let stratum = Stratum { weight: 1.0, first: first.to_vec(), second: second.to_vec() };
        permutation_p(&[stratum]).unwrap()
    }

    /// `scipy.stats.ttest_ind(second, first, equal_var=False)` of scipy 1.17 and its `confidence_interval()`.
    #[test]
    fn welch_is_that_of_scipy() {
        let first = [27.5, 21.0, 19.0, 23.6, 17.0, 17.9];
        let second = [27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0];
        let welch = Welch::of(&two(&first, &second)).unwrap();
        assert!((welch.estimate - SCIPY[0]).abs() < 1e-12, "{welch:?}");
        assert!((welch.degrees - SCIPY[1]).abs() < 1e-9, "{welch:?}");
        assert!((welch.p().unwrap() - SCIPY[2]).abs() < 1e-9, "{:?}", welch.p());
        let [low, high] = welch.interval(0.95).unwrap();
        assert!((low - SCIPY[3]).abs() < 1e-9 && (high - SCIPY[4]).abs() < 1e-9, "{low} {high}");
        // Its statistic reaches the one seen in 565 of all C(14, 8) = 3003 ways to deal the labels.
        assert!((p(&first, &second) - 565.0 / 3003.0).abs() < 1e-12);
    }

    const SCIPY: [f64; 5] = [
        2.5,
        7.046_874_533_683_051,
        0.201_988_677_353_455_05,
        -1.696_094_052_160_207_3,
        6.696_094_052_160_207,
    ];

    #[test]
    fn labels_that_part_the_values_are_two_of_all_ways_to_deal_them() {
        // C(8, 4) = 70 ways.
        assert!((p(&[1.0, 2.0, 3.0, 4.0], &[5.0, 6.0, 7.0, 8.5]) - 2.0 / 70.0).abs() < 1e-12);
        assert_eq!(p(&[1.0, 1.0, 1.0], &[1.0, 1.0, 1.0]), 1.0);
        // Of several strata the ways multiply.
        let stratum = |shift: f64| Stratum {
            weight: 0.5,
            first: vec![shift, shift + 1.0, shift + 2.0],
            second: vec![shift + 10.0, shift + 11.5, shift + 12.0],
        };
        let found = permutation_p(&[stratum(0.0), stratum(100.0)]).unwrap();
        assert!((found - 2.0 / 400.0).abs() < 1e-12, "{found}");
    }

    #[test]
    fn drawn_ways_agree_with_all_of_them_and_neither_order_nor_side_matters() {
        let values = |n: usize, by: f64| -> Vec<f64> {
            (0..n).map(|i| ((i * 7919 % 104_729) as f64 * 0.37).sin() + by).collect()
        };
        let (first, second) = (values(10, 0.0), values(9, 0.6));
        let exact = p(&first, &second);
        assert!((exact - p(&second, &first)).abs() < 1e-12);
        let reversed: Vec<f64> = first.iter().rev().copied().collect();
        assert!((exact - p(&reversed, &second)).abs() < 1e-12);
        let drawn = p(&values(14, 0.0), &values(13, 0.6));
        let welch = Welch::of(&two(&values(14, 0.0), &values(13, 0.6))).unwrap();
        assert!((drawn - welch.p().unwrap()).abs() < 0.02, "{drawn} {welch:?}");
    }

    #[test]
    fn equal_distributions_are_rejected_as_often_as_the_level_says() {
        let mut stream = Seed(3).stream("test", 0);
        let mut rejected = 0;
        for _ in 0..2000 {
            let mut draw =
                |n: usize| -> Vec<f64> { (0..n).map(|_| stream.uniform().powi(3)).collect() };
            rejected += usize::from(p(&draw(6), &draw(5)) < 0.05);
        }
        // 462 ways: at most 23 of them reach .05.
        assert!((60..=130).contains(&rejected), "{rejected}");
    }
}
