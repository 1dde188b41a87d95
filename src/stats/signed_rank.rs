//! The test of paired seeds of which some diverged on one side.

use super::{EXACT_PAIRS, are_equal, ranks, sign_flip_p, t_test_p};

/// Signed ranks of paired differences and of losses that have no size: a seed that `first` lost counts as a
/// larger positive difference than any, one that `second` lost as a larger negative one. Differences of 0
/// have no rank.
fn signed_ranks(differences: &[f64], plus: usize, minus: usize) -> Vec<f64> {
    let there: Vec<f64> = differences.iter().copied().filter(|d| !are_equal(*d, 0.0)).collect();
    let unbounded = |count: usize, sign: f64| std::iter::repeat_n(sign * f64::INFINITY, count);
    let all: Vec<f64> =
        there.iter().copied().chain(unbounded(plus, 1.0)).chain(unbounded(minus, -1.0)).collect();
    let sizes: Vec<f64> = all.iter().map(|d| d.abs()).collect();
    ranks(&sizes).into_iter().zip(&all).map(|(rank, d)| rank.copysign(*d)).collect()
}

/// The two-sided p-value of Wilcoxon's signed-rank test (Wilcoxon 1945), exact up to 200 pairs, with
/// `plus` and `minus` pairs whose difference is larger than any, up and down. The second figure says
/// whether the ranks lean up.
#[must_use]
pub fn signed_rank_p(differences: &[f64], plus: usize, minus: usize) -> Option<(f64, bool)> {
    let ranks = signed_ranks(differences, plus, minus);
    let p = match ranks.len() {
        0 => Some(1.0),
        n if n <= EXACT_PAIRS => sign_flip_p(&ranks),
        _ => t_test_p(&ranks),
    };
    Some((p?, ranks.iter().sum::<f64>() > 0.0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::wilcoxon;

    #[test]
    fn twelve_losses_of_one_side_are_clear_and_nine_wins_with_three_losses_are_not() {
        let (p, leans_up) = signed_rank_p(&[], 12, 0).unwrap();
        assert!((p - 2.0 * 0.5_f64.powi(12)).abs() < 1e-12 && leans_up);
        let wins: Vec<f64> = (1..10).map(|size| -f64::from(size)).collect();
        assert!(signed_rank_p(&wins, 3, 0).unwrap().0 > 0.5);
        assert!(signed_rank_p(&wins, 0, 3).unwrap().0 < 0.001);
        assert_eq!(signed_rank_p(&[0.0, 0.0], 0, 0).unwrap().0, 1.0);
    }

    proptest! {
        #[test]
        fn without_losses_it_is_wilcoxons_test(
            differences in prop::collection::vec(-9_i8..10, 1..14)
        ) {
            let differences: Vec<f64> = differences.into_iter().map(f64::from).collect();
            let pairs: Vec<(f64, f64)> = differences.iter().map(|d| (*d, 0.0)).collect();
            if let Some((_, wanted)) = wilcoxon(&pairs) {
                let (p, _) = signed_rank_p(&differences, 0, 0).unwrap();
                prop_assert!((p - wanted).abs() < 1e-9, "{p} {wanted}");
            }
        }
    }
}
