//! Contrasts of a design, their figures and their tests.

use super::*;

#[test]
fn contrasts_of_a_two_by_two_design_equal_the_golden_figures() {
    let golden: Value =
        serde_json::from_str(include_str!("../../../tests/golden/stats.json")).unwrap();
    let comparison = compared(&[two_by_two()]);
    let names = [
        ("bn_main", "model.norm.kind"),
        ("es_main", "early_stopping"),
        ("interaction", "model.norm.kind*early_stopping"),
        ("bn_effect_without_es", "model.norm.kind | early_stopping=none"),
        ("bn_effect_with_es", "model.norm.kind | early_stopping=patience"),
        ("es_effect_without_bn", "early_stopping | model.norm.kind=none"),
        ("es_effect_with_bn", "early_stopping | model.norm.kind=batch"),
    ];
    for (golden_name, name) in names {
        let (seen, expected) =
            (contrast(&comparison, name, "test_loss"), &golden["contrasts"][golden_name]);
        let close = |seen: Option<f64>, expected: &Value| {
            let (seen, expected) = (seen.unwrap(), expected.as_f64().unwrap());
            assert!((seen - expected).abs() <= 1e-12 * expected.abs(), "{name} {seen} {expected}");
        };
        close(seen.estimate, &expected["mean"]);
        close(seen.p, &expected["p_signflip_exact"]);
        close(seen.d_z, &expected["cohen_dz"]);
        close(seen.ci95.map(|c| c[0]), &expected["ci95"][0]);
        close(seen.ci95.map(|c| c[1]), &expected["ci95"][1]);
        assert_eq!(json!(seen.wins), expected["wins"]);
        assert_eq!(seen.n, 8);
    }
    let holm: Vec<Option<f64>> = comparison.contrasts[..7].iter().map(|c| c.p_holm).collect();
    let main = 0.007_812_5 * 3.0;
    assert_eq!(holm, [Some(main), Some(0.046_875), Some(0.203_125), None, None, None, None]);
}

/// The two by two design with an accuracy of its own for each norm, rule and seed.
fn with_accuracy(accuracy: impl Fn(bool, bool, u64) -> f64) -> LoadedExperiment {
    let mut experiment = two_by_two_of(8);
    for run in &mut experiment.runs {
        for arm in &mut run.record.arms {
            let is = |key: &str, level: &str| arm.factors[key] == level;
            let (norm, rule) = (is("model.norm.kind", "batch"), is("early_stopping", "patience"));
            arm.metrics.insert("test_accuracy".to_owned(), accuracy(norm, rule, run.seed).into());
        }
    }
    experiment
}

#[test]
fn what_rounding_leaves_of_equal_sums_is_no_difference() {
    let asked = Options { metric: Some("test_accuracy".to_owned()), ..Options::default() };
    let of = |experiment: &LoadedExperiment, name: &str| {
        let comparison = compare(std::slice::from_ref(experiment), &asked).unwrap();
        let found = contrast(&comparison, name, "test_accuracy").clone();
        (found, comparison.conclusions)
    };
    // Either adds a tenth, whatever the other does: 0.3 - 0.2 is less than 0.2 - 0.1 by rounding.
    let tenths = |norm: bool, rule: bool| [0.1, 0.2, 0.3][usize::from(norm) + usize::from(rule)];
    assert_ne!(0.3 - 0.2, 0.2 - 0.1);
    let (seen, told) =
        of(&with_accuracy(|norm, rule, _| tenths(norm, rule)), "model.norm.kind*early_stopping");
    assert_eq!((seen.estimate, seen.ci95), (Some(0.0), Some([0.0, 0.0])));
    assert_eq!((seen.p, seen.wins, seen.d_z), (Some(1.0), Some(0), None));
    let depends = |one: &Conclusion| matches!(one.finding, Finding::Interaction(_));
    assert!(!told.iter().any(depends), "{told:?}");
    // In two seeds something more.
    let (seen, _) = of(
        &with_accuracy(|norm, rule, seed| {
            tenths(norm, rule) + if norm && rule && seed < 2 { 0.01 } else { 0.0 }
        }),
        "model.norm.kind*early_stopping",
    );
    assert_eq!(seen.wins, Some(2));
    // The same rise in every seed has no spread, and no effect size without end.
    let (seen, _) = of(
        &with_accuracy(|norm, _, seed| 0.1 * (seed as f64) + if norm { 0.1 } else { 0.0 }),
        "model.norm.kind",
    );
    assert_eq!((seen.wins, seen.d_z), (Some(8), None));
}

#[test]
fn more_levels_give_contrasts_with_the_first_and_interactions_of_each_pair() {
    let mut runs = Vec::new();
    for (i, norm) in ["none", "batch", "layer"].into_iter().enumerate() {
        for (j, lr) in [0.1, 0.2].into_iter().enumerate() {
            for seed in 0..3_u32 {
                let loss = 1.0 + 0.1 * i as f64 + 0.01 * (i * j) as f64 + 0.001 * f64::from(seed);
                let arm = arm(
                    json!({"model.norm.kind": norm, "training.optimizer.lr": lr}),
                    json!({"kind": "none"}),
                    json!({"test_loss": loss}),
                    None,
                );
                runs.push(run(u64::from(seed), json!({"lr": lr}), vec![arm]));
            }
        }
    }
    let factors = [
        ("model.norm.kind", json!(["none", "batch", "layer"])),
        ("training.optimizer.lr", json!([0.1, 0.2])),
    ];
    let comparison = compared(&[experiment("many", &factors, runs)]);
    let of = |kind| comparison.contrasts.iter().filter(|c| c.kind == kind).collect::<Vec<_>>();
    assert_eq!(of(ContrastKind::Main).len(), 3);
    assert_eq!(of(ContrastKind::Interaction).len(), 2);
    assert_eq!(of(ContrastKind::Simple).len(), 7);
    let layer = of(ContrastKind::Main)[1];
    assert_eq!(layer.levels, [json!("none"), json!("layer")]);
    // (0.2 + 0.22) / 2
    assert!(layer.estimate.is_some_and(|d| (d - 0.21).abs() < 1e-12));
    let pair = of(ContrastKind::Interaction)[1];
    assert_eq!(pair.levels, [json!(["none", "layer"]), json!([0.1, 0.2])]);
    assert!(pair.estimate.is_some_and(|d| (d - 0.02).abs() < 1e-12));
}

#[test]
fn many_contrasts_of_many_seeds_have_p_values_of_the_primary_metric() {
    let runs = (0..30).flat_map(|level| {
        (0..50_u32).map(move |seed| {
            let value = f64::from(level) + f64::from(seed).sin();
            let metrics = CONTRASTED.iter().map(|name| ((*name).to_owned(), json!(value)));
            let metrics = Value::Object(metrics.collect());
            let factors = json!({"training.batch_size": level});
            let arm = arm(factors, json!({"kind": "none"}), metrics, None);
            run(u64::from(seed), json!({}), vec![arm])
        })
    });
    let levels = [("training.batch_size", json!((0..30).collect::<Vec<i32>>()))];
    let comparison = compared(&[experiment("many", &levels, runs.collect())]);
    let with_p = |metric: &str| {
        let of_metric = comparison.contrasts.iter().filter(|c| c.metric == metric);
        of_metric.filter(|c| c.p.is_some()).count()
    };
    assert_eq!((with_p("test_loss"), with_p("test_accuracy")), (29, 0));
    let left_out = WarningKind::PValuesLeftOut { metric: "test_loss".to_owned() };
    assert!(kinds(&comparison).contains(&&left_out));
}

#[test]
fn all_pairs_of_levels_are_contrasted_where_asked_and_corrected_for_together() {
    let rule = json!({"kind": "none", "monitor": "val_loss"});
    let mut runs = Vec::new();
    for seed in 0..6_u64 {
        for (lr, norm) in (0..3_u32).flat_map(|lr| ["none", "batch"].map(|norm| (lr, norm))) {
            let noise =
                f64::from(u32::try_from(seed * 7 + u64::from(lr) * 5).unwrap() % 11) / 100.0;
            let loss =
                f64::from(lr) + noise + if norm == "batch" { 0.1 * f64::from(lr) } else { 0.0 };
            let factors = json!({"training.optimizer.lr": lr, "model.norm.kind": norm});
            let arm = arm(factors, rule.clone(), json!({"test_loss": loss, "epochs": 100}), None);
            runs.push(run(seed, json!({}), vec![arm]));
        }
    }
    let factors = [
        ("training.optimizer.lr", json!([0, 1, 2])),
        ("model.norm.kind", json!(["none", "batch"])),
    ];
    let loaded = [experiment("pairs", &factors, runs)];
    let of =
        |all_pairs: bool| compare(&loaded, &Options { all_pairs, ..Options::default() }).unwrap();
    let named = |comparison: &Comparison, name: &str| -> Vec<(Vec<Value>, f64)> {
        let found =
            comparison.contrasts.iter().filter(|c| c.name == name && c.metric == "test_loss");
        found.map(|c| (c.levels.clone(), c.estimate.unwrap())).collect()
    };
    let (few, all) = (of(false), of(true));
    for name in ["training.optimizer.lr", "training.optimizer.lr | model.norm.kind=batch"] {
        let (few, all) = (named(&few, name), named(&all, name));
        assert_eq!((few.len(), all.len()), (2, 3), "{name}");
        assert_eq!(few[..], all[..2], "what was there stays as it is");
        assert_eq!(all[2].0, [json!(1), json!(2)]);
        assert!((all[2].1 - (all[1].1 - all[0].1)).abs() < 1e-12, "{all:?}");
    }
    let both = "training.optimizer.lr*model.norm.kind";
    assert_eq!((named(&few, both).len(), named(&all, both).len()), (2, 3));
    assert_eq!((effects(&few).len(), effects(&all).len()), (3, 4));
    let family = |comparison: &Comparison| {
        comparison.contrasts.iter().filter(|contrast| contrast.p_holm.is_some()).count()
    };
    assert_eq!((family(&few), family(&all)), (5, 7));
}
