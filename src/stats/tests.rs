//! The published and independently computed figures, and the laws behind them.

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::seed::Seed;

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
fn the_mean_of_one_value_many_times_is_that_value() {
    for value in [0.434_782_608_695_652_16, 0.1, -0.7, 1e-300] {
        for times in 1..100 {
            let values = vec![value; times];
            assert_eq!(mean(&values).map(f64::to_bits), Some(value.to_bits()), "{times} {value}");
            assert_eq!(sd(&values), (times > 1).then_some(0.0));
        }
    }
    assert_eq!(mean(&[f64::INFINITY, 1.0]), Some(f64::INFINITY));
    assert!(mean(&[f64::NAN, f64::NAN]).is_some_and(f64::is_nan));
}

#[test]
fn figures_that_differ_by_rounding_share_a_rank_and_have_no_difference() {
    let rounded = [0.555_555_555_555_555_5, 0.555_555_555_555_555_7, 0.3, 0.1 + 0.2];
    assert_eq!(ranks(&rounded), [3.5, 3.5, 1.5, 1.5]);
    let sevenths = |a: u32, b: u32| (f64::from(a) / 7.0, f64::from(b) / 7.0);
    let exact = [(4.0, 3.0), (5.0, 4.0), (2.0, 3.0), (6.0, 4.0), (5.0, 2.0), (6.0, 7.0)];
    let pairs = [(4, 3), (5, 4), (2, 3), (6, 4), (5, 2), (6, 7)].map(|(a, b)| sevenths(a, b));
    assert_eq!(wilcoxon(&pairs), wilcoxon(&exact), "four differences share a rank");
    let with_equal = [&pairs[..], &[(rounded[0], rounded[1])]].concat();
    assert_eq!(wilcoxon(&with_equal), wilcoxon(&exact), "what is equal is left out");
    // However small a difference is, it is rounded as what it is of.
    let of_large = [(0.9765, 0.9764), (0.9765, 0.9766), (0.5, 0.4999), (0.25, 0.5)];
    assert_eq!(wilcoxon(&of_large), wilcoxon(&[(1.0, 0.0), (0.0, 1.0), (1.0, 0.0), (0.0, 9.0)]));
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
        let against_zero: Vec<(f64, f64)> = differences.iter().map(|d| (*d, 0.0)).collect();
        let (statistic, p) = wilcoxon(&against_zero).unwrap();
        figure("wilcoxon_W", statistic);
        figure("p_wilcoxon_exact", p);
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

#[test]
fn the_bootstrap_interval_of_all_resamples_equals_the_reference_implementation() {
    let golden = &golden()["bca_exhaustive_n5"];
    let data = numbers(&golden["data"]);
    let mean_of =
        |units: &[usize]| units.iter().map(|unit| data[*unit]).sum::<f64>() / units.len() as f64;
    let replicate = |number: usize| {
        let units: Vec<usize> = (0..5).map(|place| number / 5_usize.pow(place) % 5).collect();
        mean_of(&units)
    };
    let replicates: Vec<f64> = (0..5_usize.pow(5)).map(replicate).collect();
    assert_eq!(replicates.len() as u64, golden["resamples"].as_u64().unwrap());
    let bca = bca_of_replicates(5, 0.95, replicates, mean_of).unwrap();
    assert_close(bca.below, &golden["prop_less_plus_half_ties"], "share below");
    let near = |seen: f64, expected: &Value| {
        let expected = expected.as_f64().unwrap();
        assert!((seen - expected).abs() < 1e-10 * (1.0 + expected.abs()), "{seen} {expected}");
    };
    near(bca.bias, &golden["z0"]);
    near(bca.acceleration, &golden["acceleration"]);
    for end in 0..2 {
        near(bca.ends[end], &golden["alphas"][end]);
        near(bca.interval[end], &golden["ci95"][end]);
    }
}

#[test]
fn ranks_over_data_sets_equal_the_reference_implementation() {
    let golden = &golden()["friedman_nemenyi"];
    let rows: Vec<Vec<f64>> = golden["errors"].as_array().unwrap().iter().map(numbers).collect();
    let found = friedman(&rows).unwrap();
    for (seen, expected) in found.average_ranks.iter().zip(golden["avg_ranks"].as_array().unwrap())
    {
        assert_close(*seen, expected, "average rank");
    }
    let near = |seen: f64, key: &str| {
        let expected = golden[key].as_f64().unwrap();
        assert!((seen - expected).abs() < 1e-9 * expected.abs(), "{key}: {seen} {expected}");
    };
    near(found.chi2, "chi2_no_tie_correction");
    near(found.f.unwrap(), "iman_davenport_F");
    near(found.p, "p_F");
    near(found.critical_difference, "critical_difference_05");
    for (arms, expected) in golden["q05"].as_object().unwrap() {
        let arms = arms.parse().unwrap();
        let q = super::ranks::studentized_range_quantile(arms, 0.95) / std::f64::consts::SQRT_2;
        assert!((q - expected.as_f64().unwrap()).abs() < 1e-9, "{arms}: {q}");
    }
    assert_eq!(friedman(&rows[..1]), None);
    let agreed = friedman(&[vec![1.0, 2.0], vec![1.0, 2.0]]).unwrap();
    assert_eq!((agreed.f, agreed.p), (None, 0.5));
}

#[test]
fn what_is_robust_about_many_runs_equals_the_reference_implementation() {
    let golden = golden();
    for (arm, expected) in golden["iqm"].as_object().unwrap() {
        let seen = interquartile_mean(&numbers(&golden["arms"][arm])).unwrap();
        assert_close(seen, expected, arm);
    }
    let [none, bn] = ["none", "bn"].map(|arm| numbers(&golden["arms"][arm]));
    let expected = &golden["probability_of_improvement"];
    assert_close(probability_below(&bn, &none).unwrap(), &expected["value"], "improvement");
    // A run that diverged loses against all that did not, and ties with its like.
    assert_eq!(probability_below(&[f64::INFINITY], &[1.0, f64::INFINITY]), Some(0.25));
    assert_eq!(probability_below(&[], &[1.0]), None);
}

#[test]
fn a_bootstrap_interval_is_the_same_every_time_and_follows_its_values() {
    let mut stream = crate::seed::Seed(3).stream("differences", 0);
    let values: Vec<f64> = (0..25).map(|_| stream.normal()).collect();
    let median_of = |shift: f64| {
        let values = &values;
        move |units: &[usize]| {
            median(&units.iter().map(|unit| values[*unit] + shift).collect::<Vec<_>>()).unwrap()
        }
    };
    let [low, high] = bca_interval(25, 0.95, median_of(0.0)).unwrap();
    assert_eq!(bca_interval(25, 0.95, median_of(0.0)), Some([low, high]));
    assert!(low < median(&values).unwrap() && median(&values).unwrap() < high);
    let [moved, _] = bca_interval(25, 0.95, median_of(5.0)).unwrap();
    assert!((moved - low - 5.0).abs() < 1e-9);
    assert_eq!(bca_interval(2, 0.95, |_| 1.0), None);
    assert_eq!(bca_interval(9, 0.95, |_| f64::NAN), None);
    assert_eq!(bca_interval(9, 0.95, |_| 1.0), Some([1.0, 1.0]));
}

#[test]
fn the_sign_test_is_binomial() {
    assert_eq!((sign_test_p(6, 0), sign_test_p(0, 6)), (Some(0.03125), Some(0.03125)));
    assert_eq!((sign_test_p(5, 0), sign_test_p(4, 4)), (None, Some(1.0)));
    // 2 (1 + 10 + 45) / 2^10
    assert!((sign_test_p(8, 2).unwrap() - 112.0 / 1024.0).abs() < 1e-15);
}

#[test]
fn of_many_values_the_formulas_say_what_the_bootstrap_says() {
    let mut stream = Seed(3).stream("values", 0);
    let pairs: Vec<(f64, f64)> =
        (0..250).map(|_| (2.0 + stream.uniform(), 1.0 + 0.5 * stream.uniform())).collect();
    let differences: Vec<f64> = pairs.iter().map(|(to, from)| to - from).collect();
    let of = |units: &[usize]| units.iter().map(|unit| pairs[*unit]).collect::<Vec<_>>();
    let middle = |units: &[usize]| {
        median(&of(units).iter().map(|(to, from)| to - from).collect::<Vec<f64>>()).unwrap()
    };
    let ratio = |units: &[usize]| {
        let of = of(units);
        of.iter().map(|pair| pair.0).sum::<f64>() / of.iter().map(|pair| pair.1).sum::<f64>()
    };
    let close = |found: [f64; 2], expected: [f64; 2]| {
        let width = expected[1] - expected[0];
        let far = (0..2).map(|end| (found[end] - expected[end]).abs()).fold(0.0, f64::max);
        assert!(far < 0.15 * width, "{found:?}, {expected:?}");
    };
    close(median_interval(&differences, 0.95).unwrap(), bca_interval(250, 0.95, middle).unwrap());
    close(ratio_interval(&pairs, 0.95).unwrap(), bca_interval(250, 0.95, ratio).unwrap());
    // Of the numbers to 100 the 40th and the 61st (tables of the sign test).
    let hundred: Vec<f64> = (1..=100).map(f64::from).collect();
    assert_eq!(median_interval(&hundred, 0.95), Some([40.0, 61.0]));
    assert_eq!(median_interval(&hundred[..3], 0.95), None);
    assert_eq!(ratio_interval(&[(1.0, 0.0), (2.0, 0.0)], 0.95), None);
}

#[test]
fn the_effect_that_so_many_pairs_show_in_four_of_five_experiments() {
    for (pairs, wanted) in [(6, 1.44), (8, 1.16), (10, 1.0), (15, 0.78), (20, 0.66), (50, 0.40)] {
        let effect = detectable_effect(pairs, 0.8).unwrap();
        assert!((effect - wanted).abs() < 0.011, "{pairs}: {effect}");
    }
    assert_eq!(detectable_effect(2, 0.8), None);
}
