//! How often a comparison claims anything where there is nothing: arms that are exchangeable.

use super::*;
use crate::seed::{Seed, Stream};

/// Made experiments in which no level does anything, by design and law of the values.
fn false_claims(factors: &[(&str, usize)], law: fn(&mut Stream) -> f64, seeds: u64) -> f64 {
    const EXPERIMENTS: usize = 400;
    let mut stream = Seed(seeds).stream("claims", factors.len() as u64);
    let levels: Vec<(&str, Value)> = factors
        .iter()
        .map(|(key, count)| (*key, (0..*count).map(Value::from).collect::<Value>()))
        .collect();
    let cells = factors.iter().map(|(_, count)| count).product::<usize>();
    let level = |cell: usize, factor: usize| {
        let before = factors[..factor].iter().map(|(_, count)| count).product::<usize>();
        cell / before % factors[factor].1
    };
    let claims = (0..EXPERIMENTS).filter(|_| {
        let mut runs = Vec::new();
        for seed in 0..seeds {
            // What a seed does to all arms alike.
            let shared = stream.normal();
            for cell in 0..cells {
                let of_cell = factors.iter().enumerate();
                let named = of_cell.map(|(n, (key, _))| ((*key).to_owned(), json!(level(cell, n))));
                let named = Value::Object(named.collect());
                let loss = 5.0 + 0.5 * shared + law(&mut stream);
                let arm = arm(named, json!({"kind": "none"}), json!({"test_loss": loss}), None);
                runs.push(run(seed, json!({"cell": cell}), vec![arm]));
            }
        }
        let comparison = compared(&[experiment("made", &levels, runs)]);
        comparison.conclusions.iter().any(|one| match &one.finding {
            Finding::Effect(effect) => {
                matches!(effect.verdict, Verdict::Better | Verdict::Worse)
            }
            Finding::Interaction(interaction) => interaction.is_clear,
            Finding::Best(best) => best.not_told.len() < best.others,
            _ => false,
        })
    });
    claims.count() as f64 / EXPERIMENTS as f64
}

#[test]
#[ignore = "takes minutes: .ci/coverage-simulation runs it"]
fn where_there_is_nothing_at_most_one_experiment_in_twenty_claims_anything() {
    let normal: fn(&mut Stream) -> f64 = Stream::normal;
    let lognormal: fn(&mut Stream) -> f64 = |stream| stream.normal().exp();
    // Student's t with two degrees of freedom: tails so long that there is no variance.
    let t2: fn(&mut Stream) -> f64 = |stream| {
        let square = -(1.0 - stream.uniform()).ln();
        stream.normal() / square.sqrt()
    };
    let on_20_rows: fn(&mut Stream) -> f64 =
        |stream| (0..20).filter(|_| stream.uniform() < 0.1).count() as f64 / 20.0;
    let (two, rates) = ([("model.a", 2), ("model.b", 2)], [("training.a", 5)]);
    let three = [("model.a", 2), ("model.b", 2), ("model.c", 2)];
    for (design, factors) in
        [("2 x 2", &two[..]), ("5 rates", &rates[..]), ("2 x 2 x 2", &three[..])]
    {
        for (name, law) in
            [("normal", normal), ("lognormal", lognormal), ("t2", t2), ("on 20 rows", on_20_rows)]
        {
            for seeds in [6, 10, 20] {
                let claims = false_claims(factors, law, seeds);
                crate::console::eprintln(format_args!(
                    "nothing to find, {design}, {name}, {seeds:2} seeds: {:.1} % claim anything",
                    100.0 * claims
                ));
                // The error of a share of 5 % of 400 is 1.1 %; three of them.
                assert!(claims < 0.05 + 3.0 * 0.011, "{design} {name} {seeds}: {claims}");
            }
        }
    }
}

/// Of made experiments whose difference is as large as the margin, how many are called equivalent at some look.
fn called_equivalent(looks: &[usize], template: &Contrast) -> f64 {
    const EXPERIMENTS: usize = 2000;
    const MARGIN: f64 = 1.5;
    let mut stream = Seed(7).stream("equivalence", looks.len() as u64);
    let most = *looks.last().unwrap();
    let told = (0..EXPERIMENTS).filter(|_| {
        let differences: Vec<f64> = (0..most).map(|_| MARGIN + stream.normal()).collect();
        looks.iter().any(|n| {
            let seen = &differences[..*n];
            let interval = crate::stats::t_interval(seen, 0.95);
            let plan = SequentialLook { max_seeds: most, looks: looks.len(), spent: 0.05 };
            let contrast = Contrast {
                n: *n,
                estimate: crate::stats::mean(seen),
                ci95: interval,
                ci95_seeds: interval,
                ci95_splits: None,
                sequential: Some(plan),
                ..template.clone()
            };
            contrast.is_within(MARGIN)
        })
    });
    told.count() as f64 / EXPERIMENTS as f64
}

#[test]
fn a_difference_as_large_as_the_margin_is_called_equivalent_in_one_of_twenty_whatever_the_looks() {
    let comparison = compared(&[two_by_two()]);
    let template = contrast(&comparison, "model.norm.kind", "test_loss");
    for looks in [&[10][..], &[6, 10, 15, 20, 25, 30, 35, 40, 45, 50]] {
        let told = called_equivalent(looks, template);
        // The error of a share of 5 % of 2000 is .5 %; three of them.
        assert!(told > 0.0 && told < 0.05 + 3.0 * 0.005, "{looks:?}: {told}");
    }
}
