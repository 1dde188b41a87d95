//! The interval of a mean difference that counts both the seeds and the rows it was measured on.
//!
//! Seeds share test rows, so their differences are not independent: what is peculiar to a row comes back
//! with every seed that has it. The variance is clustered both ways (Cameron, Gelbach & Miller 2011,
//! equation 2.9): by seed, by row, less what is counted twice.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::{PAIRS_FOR_INTERVAL, mean, sd};

/// The differences of one seed: a row's number and its difference.
#[derive(Debug, Clone, PartialEq)]
pub struct SeedRows {
    /// The rows, each at most once.
    pub rows: Vec<u32>,
    /// A difference for each.
    pub differences: Vec<f64>,
}

/// A variance of a mean over seeds, with what it counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TwoWay {
    /// Of the mean over seeds.
    pub variance: f64,
    /// Distinct rows.
    pub rows: usize,
}

/// The variance of the mean of all differences, clustered by seed and by row; at least that by seed alone.
/// `None` below three seeds or two rows, where a seed has no row, or where a difference is not finite.
///
/// With `d_ji` the difference of row i at seed j, N of them, m their mean and k rows:
/// `V_seed = var(d_j) / J`, `V_row = k / (k - 1) sum_i (sum_j (d_ji - m))^2 / N^2`,
/// `V_cell = sum (d_ji - m)^2 / N^2`, and the variance is `max(V_seed, V_seed + V_row - V_cell)`.
#[must_use]
pub fn two_way_variance(seeds: &[SeedRows]) -> Option<TwoWay> {
    if seeds.len() < PAIRS_FOR_INTERVAL {
        return None;
    }
    let means: Vec<f64> =
        seeds.iter().map(|seed| mean(&seed.differences)).collect::<Option<_>>()?;
    let cells = seeds.iter().map(|seed| seed.differences.len()).sum::<usize>() as f64;
    let middle = seeds.iter().flat_map(|seed| &seed.differences).sum::<f64>() / cells;
    let last = seeds.iter().flat_map(|seed| &seed.rows).max()?;
    let mut sums: Vec<Option<f64>> = vec![None; *last as usize + 1];
    let mut of_cells = 0.0;
    for seed in seeds {
        for (row, difference) in seed.rows.iter().zip(&seed.differences) {
            let off = difference - middle;
            *sums[*row as usize].get_or_insert(0.0) += off;
            of_cells += off * off;
        }
    }
    let rows = sums.iter().flatten().count();
    if rows < 2 {
        return None;
    }
    let of_rows: f64 = sums.iter().flatten().map(|sum| sum * sum).sum();
    let k = rows as f64;
    let v_seed = sd(&means)?.powi(2) / seeds.len() as f64;
    let v_row = k / (k - 1.0) * of_rows / (cells * cells);
    let v_cell = of_cells / (cells * cells);
    let variance = v_seed.max(v_seed + v_row - v_cell);
    (v_row.is_finite() && v_cell.is_finite() && variance.is_finite())
        .then_some(TwoWay { variance, rows })
}

/// What seeds that each drew their own split of the rows have in common by their training rows, as a variance of
/// the mean (Nadeau & Bengio 2003, section 3.1): `s^2 n_test / n_train`, which no number of seeds makes smaller.
#[must_use]
pub fn overlap_variance(differences: &[f64], test_rows: f64, train_rows: f64) -> Option<f64> {
    let variance = sd(differences)?.powi(2);
    (train_rows > 0.0).then(|| variance * test_rows / train_rows)
}

/// The central t interval around `centre` with a variance of its own, by `pairs - 1` degrees of freedom;
/// `None` below three pairs.
#[must_use]
pub fn interval_of_variance(
    centre: f64,
    variance: f64,
    pairs: usize,
    level: f64,
) -> Option<[f64; 2]> {
    if pairs < PAIRS_FOR_INTERVAL {
        return None;
    }
    let student = StudentsT::new(0.0, 1.0, (pairs - 1) as f64).ok()?;
    let half = student.inverse_cdf(f64::midpoint(1.0, level)) * variance.sqrt();
    Some([centre - half, centre + half])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::seed::Seed;

    /// The formula as it is written, over a full table of seeds and rows.
    fn by_definition(table: &[Vec<f64>]) -> f64 {
        let (seeds, rows) = (table.len(), table[0].len());
        let n = (seeds * rows) as f64;
        let m = table.iter().flatten().sum::<f64>() / n;
        let of_seed: Vec<f64> =
            table.iter().map(|row| row.iter().sum::<f64>() / rows as f64).collect();
        let v_seed = of_seed.iter().map(|d| (d - m).powi(2)).sum::<f64>()
            / (seeds as f64 - 1.0)
            / seeds as f64;
        let k = rows as f64;
        let v_row = k / (k - 1.0)
            * (0..rows)
                .map(|i| table.iter().map(|row| row[i] - m).sum::<f64>().powi(2))
                .sum::<f64>()
            / (n * n);
        let v_cell = table.iter().flatten().map(|d| (d - m).powi(2)).sum::<f64>() / (n * n);
        v_seed.max(v_seed + v_row - v_cell)
    }

    proptest! {
        #[test]
        fn it_is_the_formula_and_no_less_than_that_of_the_seeds(
            table in (3_usize..8, 2_usize..9).prop_flat_map(|(seeds, rows)| {
                prop::collection::vec(prop::collection::vec(-5.0..5.0, rows), seeds)
            }),
            first in 0_u32..50,
        ) {
            let seeds: Vec<SeedRows> = table.iter().map(|differences| SeedRows {
                rows: (first..).take(differences.len()).collect(),
                differences: differences.clone(),
            }).collect();
            let found = two_way_variance(&seeds).unwrap();
            let wanted = by_definition(&table);
            prop_assert!((found.variance - wanted).abs() <= 1e-12 + 1e-9 * wanted);
            prop_assert_eq!(found.rows, table[0].len());
            let means: Vec<f64> = table.iter().map(|row| mean(row).unwrap()).collect();
            let of_seeds = sd(&means).unwrap().powi(2) / means.len() as f64;
            prop_assert!(found.variance >= of_seeds - 1e-12);
        }
    }

    /// Rows that shift the difference for every seed that has them: with the rows counted, the interval
    /// covers the mean over all rows as often as it says; with the seeds alone it does not.
    #[test]
    fn with_rows_that_all_seeds_share_the_interval_still_covers() {
        let mut stream = Seed(1).stream("two-way", 0);
        let (seeds, rows, experiments) = (10, 60, 1500);
        let (mut covered, mut covered_by_seeds) = (0, 0);
        for _ in 0..experiments {
            let of_rows: Vec<f64> = (0..rows).map(|_| stream.normal()).collect();
            let made: Vec<SeedRows> = (0..seeds)
                .map(|_| {
                    let of_seed = 0.05 * stream.normal();
                    let differences =
                        of_rows.iter().map(|row| row + of_seed + stream.normal()).collect();
                    SeedRows { rows: (0..rows).collect(), differences }
                })
                .collect();
            let means: Vec<f64> =
                made.iter().map(|seed| mean(&seed.differences).unwrap()).collect();
            let centre = mean(&means).unwrap();
            let variance = two_way_variance(&made).unwrap().variance;
            let holds = |[low, high]: [f64; 2]| usize::from(low <= 0.0 && 0.0 <= high);
            covered += holds(interval_of_variance(centre, variance, seeds, 0.95).unwrap());
            covered_by_seeds += holds(crate::stats::t_interval(&means, 0.95).unwrap());
        }
        let share = |count: usize| count as f64 / f64::from(experiments);
        assert!((0.94..=0.99).contains(&share(covered)), "{}", share(covered));
        assert!(share(covered_by_seeds) < 0.75, "{}", share(covered_by_seeds));
    }
}
