//! The published and independently computed figures, and the laws behind them.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn golden() -> Value {
    serde_json::from_str(include_str!("../../tests/golden/stats.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn assert_close(seen: f64, expected: &Value, what: &str) {
    let expected = expected.as_f64().unwrap();
    assert!((seen - expected).abs() <= 1e-12 * expected.abs(), "{what}: {seen} {expected}");
}

/// Per-seed differences of each contrast of the two by two design.
fn contrasts() -> Vec<(&'static str, Vec<f64>)> {
    let arms = &golden()["arms"];
    let [none, bn, es, both] = ["none", "bn", "es", "bn_es"].map(|arm| numbers(&arms[arm]));
    let by_seed = |f: &dyn Fn(usize) -> f64| (0..none.len()).map(f).collect::<Vec<f64>>();
    vec![
        ("bn_effect_without_es", by_seed(&|i| bn[i] - none[i])),
        ("bn_effect_with_es", by_seed(&|i| both[i] - es[i])),
        ("es_effect_without_bn", by_seed(&|i| es[i] - none[i])),
        ("es_effect_with_bn", by_seed(&|i| both[i] - bn[i])),
        ("bn_main", by_seed(&|i| f64::midpoint(bn[i] - none[i], both[i] - es[i]))),
        ("es_main", by_seed(&|i| f64::midpoint(es[i] - none[i], both[i] - bn[i]))),
        ("interaction", by_seed(&|i| (both[i] - es[i]) - (bn[i] - none[i]))),
    ]
}

#[test]
fn contrasts_of_a_two_by_two_design_equal_the_reference_implementation() {
    let golden = golden();
    for (name, differences) in contrasts() {
        let expected = &golden["contrasts"][name];
        let figure = |key: &str, seen: f64| assert_close(seen, &expected[key], key);
        figure("mean", mean(&differences).unwrap());
        figure("sd", sd(&differences).unwrap());
        figure("t", t_statistic(&differences).unwrap());
        figure("p_t", t_test_p(&differences).unwrap());
        figure("cohen_dz", effect_size(&differences).unwrap());
        figure("p_signflip_exact", sign_flip_p(&differences).unwrap());
        let interval = t_interval(&differences, 0.95).unwrap();
        for (end, expected) in interval.iter().zip(expected["ci95"].as_array().unwrap()) {
            assert_close(*end, expected, name);
        }
    }
}

#[test]
fn holm_equals_the_reference_implementation() {
    for key in ["holm", "holm_example"] {
        let family = &golden()[key];
        for (seen, expected) in
            holm(&numbers(&family["p"])).iter().zip(family["adjusted"].as_array().unwrap())
        {
            assert_close(*seen, expected, key);
        }
    }
    assert_eq!(holm(&[]), Vec::<f64>::new());
    assert_eq!(holm(&[0.9, 0.8]), [1.0, 1.0]);
}

#[test]
fn seeds_for_80_percent_power_equal_the_reference_implementation() {
    for (effect, seeds) in golden()["seeds_for_80pct_power"].as_object().unwrap() {
        let effect: f64 = effect.parse().unwrap();
        assert_eq!(seeds_for_power(effect, 0.8).map(|n| n as u64), seeds.as_u64(), "{effect}");
        assert_eq!(seeds_for_power(-effect, 0.8).map(|n| n as u64), seeds.as_u64(), "{effect}");
    }
    assert_eq!(seeds_for_power(0.0, 0.8), None);
    assert_eq!(seeds_for_power(1e-9, 0.8), None);
    assert!(seeds_for_power(50.0, 0.8).is_some_and(|n| n <= 3));
}

#[test]
fn power_without_an_effect_is_the_level_of_the_test() {
    for pairs in [2, 3, 5, 10, 100, 10_000] {
        let level = power_of_t_test(0.0, pairs, 0.05).unwrap();
        assert!((level - 0.05).abs() < 1e-6, "{pairs}: {level}");
    }
}

#[test]
fn the_smallest_exact_p_is_two_patterns_of_all() {
    for (pairs, smallest) in golden()["smallest_exact_two_sided_p"].as_object().unwrap() {
        let pairs: usize = pairs.parse().unwrap();
        let differences: Vec<f64> = (1..=pairs).map(|i| i as f64).collect();
        assert_close(sign_flip_p(&differences).unwrap(), smallest, "smallest p");
        let shown = paired_p(&differences);
        assert_eq!(shown.is_some(), pairs >= PAIRS_FOR_P);
    }
}

#[test]
fn a_family_of_tests_takes_pairs_enough_for_its_smallest_p() {
    for (tests, pairs) in [(1, 6), (3, 7), (24, 10), (1000, 16)] {
        assert_eq!(pairs_for_family(tests, 0.05), pairs, "{tests}");
        let smallest = |pairs: usize| tests as f64 * 0.5_f64.powf(pairs as f64 - 1.0);
        assert!(smallest(pairs) < 0.05 && (pairs == PAIRS_FOR_P || smallest(pairs - 1) >= 0.05));
    }
}

#[test]
fn too_few_values_give_no_figure() {
    assert_eq!((mean(&[]), sd(&[1.0]), median(&[])), (None, None, None));
    assert_eq!(t_interval(&[1.0, 2.0], 0.95), None);
    assert_eq!((t_test_p(&[1.0]), effect_size(&[1.0]), sign_flip_p(&[])), (None, None, None));
    assert_eq!(paired_p(&[1.0; 5]), None);
}

#[test]
fn differences_without_spread_are_no_division_by_zero() {
    assert_eq!(t_interval(&[0.0; 6], 0.95), Some([0.0, 0.0]));
    assert_eq!((t_test_p(&[0.0; 6]), t_test_p(&[1.0; 6])), (Some(1.0), Some(0.0)));
    assert_eq!((effect_size(&[1.0; 6]), t_statistic(&[0.0; 6])), (None, None));
    assert_eq!(sign_flip_p(&[0.0; 6]), Some(1.0));
    assert_eq!(paired_p(&[0.0; 300]), Some(1.0));
}

/// All patterns one by one, for a check of the faster ways.
fn by_enumeration(differences: &[f64]) -> f64 {
    let seen = differences.iter().sum::<f64>().abs() - 1e-9;
    let patterns = 1_u32 << differences.len();
    let extreme = (0..patterns).filter(|pattern| {
        let signed = differences.iter().enumerate();
        let sum: f64 = signed.map(|(i, d)| if pattern >> i & 1 == 1 { *d } else { -d }).sum();
        sum.abs() >= seen
    });
    extreme.count() as f64 / f64::from(patterns)
}

#[test]
fn ties_count_however_their_sums_were_rounded() {
    // 0.1 + 0.2 - 0.3 is not 0 in floating point, nor are the mirrored patterns equal.
    let differences = [0.1, 0.2, -0.3, 0.3, 0.2, 0.1, 0.6, -0.1];
    assert_eq!(sign_flip_p(&differences), Some(by_enumeration(&differences)));
}

#[test]
fn many_pairs_on_a_lattice_are_exact() {
    // 60 equal differences, 40 of them positive: the sum is binomial.
    let differences: Vec<f64> = (0..60).map(|i| if i % 3 == 0 { -0.1 } else { 0.1 }).collect();
    let mut tail = 0.0;
    let mut term = 0.5_f64.powi(60);
    for k in 0..=60_u32 {
        if k >= 40 {
            tail += term;
        }
        term *= f64::from(60 - k) / f64::from(k + 1);
    }
    let p = sign_flip_p(&differences).unwrap();
    assert!((p - 2.0 * tail).abs() < 1e-12 * p, "{p} {tail}");
}

#[test]
fn many_pairs_agree_with_the_t_test_where_the_sum_is_nearly_normal() {
    let mut stream = crate::seed::Seed(1).stream("differences", 0);
    let differences: Vec<f64> = (0..200).map(|_| stream.normal() + 0.14).collect();
    let (flips, t) = (sign_flip_p(&differences).unwrap(), t_test_p(&differences).unwrap());
    assert!((flips / t - 1.0).abs() < 0.1, "{flips} {t}");
    assert_eq!(paired_p(&[0.5, -0.25].repeat(150)), t_test_p(&[0.5, -0.25].repeat(150)));
}

#[test]
fn counting_sums_on_a_grid_is_close_to_counting_patterns() {
    let mut stream = crate::seed::Seed(2).stream("differences", 0);
    for shift in [0.05, 0.3, 0.6] {
        let differences: Vec<f64> = (0..40).map(|_| stream.normal() + shift).collect();
        let exact = sign_flip_p(&differences).unwrap();
        let total = differences.iter().map(|d| d.abs()).sum();
        let grid = 2.0 * super::sign_flip::counted_share(&differences, total);
        assert!((grid / exact - 1.0).abs() < 2e-3, "{grid} {exact}");
    }
}

proptest! {
    #[test]
    fn the_middle_is_met_by_the_same_patterns_as_one_by_one(
        differences in prop::collection::vec(-9_i32..=9, 1..12)
    ) {
        let differences: Vec<f64> = differences.into_iter().map(|d| f64::from(d) * 0.1).collect();
        let (fast, slow) = (sign_flip_p(&differences).unwrap(), by_enumeration(&differences));
        prop_assert!((fast - slow).abs() < 1e-12, "{} {}", fast, slow);
    }

    #[test]
    fn intervals_and_tests_ignore_the_order_of_values(
        (values, shuffled) in prop::collection::vec(-1e3..1e3_f64, 3..20)
            .prop_flat_map(|v| (Just(v.clone()), Just(v).prop_shuffle()))
    ) {
        let close = |a: f64, b: f64| (a - b).abs() <= 1e-9 * (1.0 + a.abs());
        let (a, b) = (t_interval(&values, 0.95).unwrap(), t_interval(&shuffled, 0.95).unwrap());
        prop_assert!(close(a[0], b[0]) && close(a[1], b[1]));
        prop_assert_eq!(median(&values), median(&shuffled));
        prop_assert_eq!(sign_flip_p(&values), sign_flip_p(&shuffled));
    }

    #[test]
    fn holm_never_lowers_a_p_and_keeps_their_order(p in prop::collection::vec(0.0..1.0_f64, 1..9)) {
        let adjusted = holm(&p);
        for i in 0..p.len() {
            prop_assert!(adjusted[i] >= p[i] && adjusted[i] <= 1.0);
            for j in 0..p.len() {
                prop_assert!(p[i] > p[j] || adjusted[i] <= adjusted[j]);
            }
        }
    }
}

#[test]
fn the_number_of_seeds_is_the_smallest_with_enough_power() {
    for effect in [0.02, 0.07, 0.2, 0.37, 0.9, 1.2, 1.8, 2.6, 4.0, 9.0] {
        let seeds = seeds_for_power(effect, 0.8).unwrap();
        assert!(power_of_t_test(effect, seeds, 0.05).unwrap() >= 0.8, "{effect}");
        assert!(power_of_t_test(effect, seeds - 1, 0.05).is_none_or(|p| p < 0.8), "{effect}");
    }
}
