//! Do the intervals cover and do the tests hold their level? Asked of made experiments.

use super::*;
use crate::seed::{Seed, Stream};

/// What came of some made experiments.
#[derive(Debug, Default)]
struct Tally {
    experiments: usize,
    covered: usize,
    rejected: usize,
    family_errors: usize,
}

impl Tally {
    fn share(&self, count: usize) -> f64 {
        count as f64 / self.experiments as f64
    }
}

/// Paired seeds: what an arm does to all seeds alike, what a seed does to both arms, and noise.
fn differences(stream: &mut Stream, pairs: usize, effect: f64, skewed: bool) -> Vec<f64> {
    let mut noise = || {
        let z = stream.normal();
        if skewed { z.exp() } else { z }
    };
    (0..pairs).map(|_| effect + noise() - noise()).collect()
}

/// A design with two factors and their interaction, none of which has an effect but the first where
/// one is given.
fn simulate(experiments: usize, pairs: usize, effect: f64, skewed: bool) -> Tally {
    let mut stream = Seed(pairs as u64).stream("simulation", u64::from(skewed));
    let mut tally = Tally { experiments, ..Tally::default() };
    for _ in 0..experiments {
        let first = differences(&mut stream, pairs, effect, skewed);
        let [low, high] = t_interval(&first, 0.95).unwrap();
        tally.covered += usize::from(low <= effect && effect <= high);
        // Below six pairs there is no p-value, so nothing is rejected.
        let p_of = |values: &[f64]| paired_p(values).unwrap_or(1.0);
        let p = p_of(&first);
        tally.rejected += usize::from(p < 0.05);
        let mut family = vec![p];
        for _ in 0..2 {
            family.push(p_of(&differences(&mut stream, pairs, 0.0, skewed)));
        }
        tally.family_errors += usize::from(holm(&family).iter().any(|p| *p < 0.05));
    }
    tally
}

#[test]
fn intervals_cover_and_tests_hold_their_level_in_made_experiments() {
    for (pairs, skewed) in [(6, false), (10, false), (10, true), (20, false)] {
        let null = simulate(1500, pairs, 0.0, skewed);
        let covered = null.share(null.covered);
        assert!((0.93..=0.98).contains(&covered), "{pairs} {skewed}: {covered}");
        // The test is exact: above 5 % there is only what chance does to 1500 experiments.
        assert!(null.share(null.rejected) < 0.065, "{pairs} {skewed}: {null:?}");
        assert!(null.share(null.family_errors) < 0.065, "{pairs} {skewed}: {null:?}");
    }
    let effect = simulate(1500, 10, 1.0, false);
    assert!((0.935..=0.965).contains(&effect.share(effect.covered)), "{effect:?}");
}

#[test]
#[ignore = "takes minutes: .ci/coverage-simulation runs it"]
fn ten_thousand_experiments() {
    for (pairs, effect, skewed) in [
        (3, 0.0, false),
        (6, 0.0, false),
        (10, 0.0, false),
        (10, 1.0, false),
        (10, 0.0, true),
        (20, 0.0, false),
        (20, 0.5, false),
    ] {
        let tested = simulate(10_000, pairs, effect, skewed);
        let [covered, rejected, family] = [tested.covered, tested.rejected, tested.family_errors]
            .map(|count| tested.share(count));
        crate::console::eprintln(format_args!(
            "{pairs:2} pairs, effect {effect}, {}: covered {:.2} %, p < 0.05 in {:.2} %, any of three \
             after Holm {:.2} %",
            if skewed { "lognormal" } else { "normal" },
            100.0 * covered,
            100.0 * rejected,
            100.0 * family
        ));
        assert!(skewed || (0.94..=0.96).contains(&covered), "{pairs}: {covered}");
        if effect == 0.0 {
            assert!(rejected <= 0.055 && family <= 0.055, "{pairs}: {rejected} {family}");
        }
    }
}

/// Of made experiments that are looked at until they are told, how many are told, and after how many seeds.
fn until_decided(experiments: usize, effect: f64, law: fn(&mut Stream) -> f64) -> (f64, f64) {
    let looks = Looks::until(50);
    let mut stream = Seed(50).stream("until decided", effect.to_bits());
    let (mut told, mut seeds) = (0, 0);
    for experiment in 0..experiments {
        let differences: Vec<f64> = (0..looks.most()).map(|_| effect + law(&mut stream)).collect();
        let signs = Seed(experiment as u64).stream("signs", 0);
        let test = Sequential::new(&differences, &looks, signs);
        let at = test.rejects(0.05);
        told += usize::from(at.is_some());
        seeds += at.map_or(looks.most(), |look| looks.seeds()[look]);
    }
    (told as f64 / experiments as f64, seeds as f64 / experiments as f64)
}

#[test]
#[ignore = "takes minutes: .ci/coverage-simulation runs it"]
fn looking_until_it_is_told_rejects_a_true_hypothesis_in_one_of_twenty() {
    let normal: fn(&mut Stream) -> f64 = Stream::normal;
    let lognormal: fn(&mut Stream) -> f64 = |stream| stream.normal().exp() - stream.normal().exp();
    let ties: fn(&mut Stream) -> f64 = |stream| (2.0 * stream.normal()).round();
    for (name, law, effects) in [
        ("normal", normal, &[0.0, 0.5, 0.8, 1.0, 1.5][..]),
        ("lognormal", lognormal, &[0.0][..]),
        ("ties", ties, &[0.0][..]),
    ] {
        for effect in effects {
            let experiments = 1500;
            let (told, seeds) = until_decided(experiments, *effect, law);
            crate::console::eprintln(format_args!(
                "until decided, {name}, effect {effect}: told in {:.1} %, {seeds:.1} seeds on average",
                100.0 * told
            ));
            // The error of a share of 5 % of 1500 is .6 %; three of them.
            assert!(*effect > 0.0 || told < 0.05 + 3.0 * 0.006, "{name}: {told}");
        }
    }
}
