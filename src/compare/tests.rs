//! Laws of a comparison, on the golden two by two design and on made-up experiments.

#![allow(clippy::cast_precision_loss)] // small whole numbers

use serde_json::{Value, json};

use super::*;
use crate::results::fixtures::{arm, experiment, map, run, two_by_two, two_by_two_of};
use crate::results::{FailedRun, RunRecord, Status, Tried, TunedArm, TuningRecord, load};
use crate::spec::Factors;

fn compared(experiments: &[LoadedExperiment]) -> Comparison {
    compare(experiments, &Options::default()).unwrap()
}

fn contrast<'a>(comparison: &'a Comparison, name: &str, metric: &str) -> &'a Contrast {
    comparison.contrasts.iter().find(|c| c.name == name && c.metric == metric).unwrap()
}

/// A plain experiment: one arm, some seeds, a loss for each.
fn plain(name: &str, config: &Value, losses: &[f64]) -> LoadedExperiment {
    let rule = json!({"kind": "none", "monitor": "val_loss"});
    let runs = (0..).zip(losses).map(|(seed, loss)| {
        let arm = arm(json!({}), rule.clone(), json!({"test_loss": loss, "epochs": 100}), None);
        run(seed, config.clone(), vec![arm])
    });
    experiment(name, &[], runs.collect())
}

#[test]
fn contrasts_of_a_two_by_two_design_equal_the_golden_figures() {
    let golden: Value =
        serde_json::from_str(include_str!("../../tests/golden/stats.json")).unwrap();
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
        (found, comparison.verdict.join("\n"))
    };
    // Either adds a tenth, whatever the other does: 0.3 - 0.2 is less than 0.2 - 0.1 by rounding.
    let tenths = |norm: bool, rule: bool| [0.1, 0.2, 0.3][usize::from(norm) + usize::from(rule)];
    assert_ne!(0.3 - 0.2, 0.2 - 0.1);
    let (seen, told) =
        of(&with_accuracy(|norm, rule, _| tenths(norm, rule)), "model.norm.kind*early_stopping");
    assert_eq!((seen.estimate, seen.ci95), (Some(0.0), Some([0.0, 0.0])));
    assert_eq!((seen.p, seen.wins, seen.d_z), (Some(1.0), 0, None));
    assert!(!told.contains("depend"), "{told}");
    // In two seeds something more.
    let (seen, _) = of(
        &with_accuracy(|norm, rule, seed| {
            tenths(norm, rule) + if norm && rule && seed < 2 { 0.01 } else { 0.0 }
        }),
        "model.norm.kind*early_stopping",
    );
    assert_eq!(seen.wins, 2);
    // The same rise in every seed has no spread, and no effect size without end.
    let (seen, _) = of(
        &with_accuracy(|norm, _, seed| 0.1 * (seed as f64) + if norm { 0.1 } else { 0.0 }),
        "model.norm.kind",
    );
    assert_eq!((seen.wins, seen.d_z), (8, None));
}

#[test]
fn the_json_has_the_keys_that_scripts_rely_on() {
    let json = serde_json::to_value(compared(&[two_by_two()])).unwrap();
    let keys = |value: &Value, wanted: &[&str]| {
        for key in wanted {
            assert!(value.get(key).is_some(), "{key} in {value}");
        }
    };
    keys(&json, &["arms", "references", "contrasts", "early_stopping", "warnings"]);
    let arm = &json["arms"][3];
    keys(arm, &["experiment", "factors", "seeds", "n", "diverged", "metrics"]);
    assert_eq!(arm["factors"], json!({"model.norm.kind": "batch", "early_stopping": "patience"}));
    keys(&arm["metrics"]["test_loss"], &["mean", "sd", "median", "ci95", "values"]);
    let contrast = &json["contrasts"][0];
    keys(
        contrast,
        &["experiment", "name", "levels", "metric", "n", "estimate", "ci95", "p", "p_holm", "wins"],
    );
    assert_eq!(contrast["levels"], json!(["none", "batch"]));
    assert_eq!(contrast["metric"], "test_loss");
    let saving = &json["early_stopping"][0];
    keys(
        saving,
        &[
            "experiment",
            "factors",
            "rule",
            "epochs_saved",
            "seconds_saved",
            "val_regret",
            "test_regret",
        ],
    );
    assert_eq!(json["references"][0]["reference"], "best_checkpoint_of_full_run");
    assert_eq!(json["references"][0]["factors"], json!({"model.norm.kind": "none"}));
}

#[test]
fn what_stopping_saved_and_cost_is_read_against_the_full_run_of_the_same_training() {
    let comparison = compared(&[two_by_two()]);
    assert_eq!(comparison.early_stopping.len(), 3, "over all, and for each norm");
    for saving in &comparison.early_stopping {
        // 40 to 47 of 100 epochs at 0.2 s each.
        let close = |seen: Option<f64>, expected: f64| {
            assert!(seen.is_some_and(|s| (s - expected).abs() < 1e-12), "{seen:?} {expected}");
        };
        close(saving.epochs_saved, 0.565);
        close(saving.seconds_saved, 11.3);
        close(saving.seconds_saved_fraction, 0.565);
        close(saving.val_regret, 0.002);
        close(saving.test_regret, 0.001);
        assert_eq!(saving.rule, "patience");
    }
    assert_eq!(comparison.early_stopping[0].n, 16);
}

#[test]
fn where_the_training_had_itself_stopped_only_the_epochs_are_known() {
    let rule = json!({"kind": "patience", "patience": 5, "monitor": "val_loss", "mode": "min"});
    let metrics = json!({"test_loss": 0.5, "val_loss": 0.5, "epochs": 25, "elapsed_s": 5.0});
    let config = json!({"training": {"epochs": 100}});
    let runs = (0..3).map(|seed| {
        let arm = arm(json!({}), rule.clone(), metrics.clone(), None);
        run(seed, config.clone(), vec![arm])
    });
    let comparison = compared(&[experiment("plain", &[], runs.collect())]);
    let saving = &comparison.early_stopping[0];
    assert_eq!(saving.epochs_saved, Some(0.75));
    assert_eq!((saving.seconds_saved, saving.val_regret, saving.test_regret), (None, None, None));
    assert!(comparison.references.is_empty());
    assert_eq!(comparison.arms[0].factors, Factors::new());
}

#[test]
fn a_comparison_is_independent_of_the_order_of_experiments_and_trainings() {
    let config = |norm: &str| json!({"model": {"norm": {"kind": norm}}});
    let mut all = vec![
        two_by_two(),
        plain("b", &config("none"), &[0.5, 0.6, 0.55]),
        plain("a", &config("batch"), &[0.4, 0.5, 0.45]),
    ];
    let straight = compared(&all);
    all.reverse();
    for experiment in &mut all {
        experiment.runs.reverse();
    }
    let turned = compared(&all);
    assert!(straight == turned);
}

#[test]
fn plain_experiments_on_the_same_split_are_compared_in_the_keys_in_which_they_differ() {
    let batch =
        json!({"model": {"norm": {"kind": "batch", "eps": 1e-5}}, "training": {"epochs": 9}});
    let none = json!({"model": {"norm": {"kind": "none"}}, "training": {"epochs": 9}});
    let comparison = compared(&[
        plain("a-batch", &batch, &[0.4, 0.5, 0.45]),
        plain("plain", &none, &[0.5, 0.6, 0.56]),
    ]);
    assert_eq!(comparison.experiments[0].name, "a-batch + plain");
    let main = contrast(&comparison, "model.norm.kind", "test_loss");
    assert_eq!(main.levels, [json!("none"), json!("batch")]);
    assert!(main.estimate.is_some_and(|d| (d + 0.31 / 3.0).abs() < 1e-12));
    assert_eq!((main.n, main.wins, main.p), (3, 3, None));
    assert_eq!(comparison.arms.len(), 2);
}

/// A plain experiment of these seeds alone.
fn of_seeds(name: &str, config: &Value, seeds: &[u64]) -> LoadedExperiment {
    let mut one = plain(name, config, &vec![0.5; seeds.len()]);
    for (place, seed) in seeds.iter().enumerate() {
        one.runs[place].seed = *seed;
        one.runs[place].record.seed = *seed;
        one.plan.trainings[place].seed = *seed;
    }
    one
}

#[test]
fn seeds_pair_the_arms_of_plain_experiments_and_are_no_factor() {
    let config = |norm: &str, seed: u64| json!({"seed": seed, "model": {"norm": {"kind": norm}}});
    let one_a_file = |norm: &'static str| {
        (0..4).map(move |seed| of_seeds(&format!("{norm}{seed}"), &config(norm, seed), &[seed]))
    };
    let none: Vec<LoadedExperiment> = one_a_file("none").collect();
    let eight: Vec<LoadedExperiment> = none.iter().cloned().chain(one_a_file("batch")).collect();
    let comparison = compared(&eight);
    assert_eq!(comparison.arms.iter().map(|arm| arm.n).collect::<Vec<_>>(), [4, 4]);
    let main = contrast(&comparison, "model.norm.kind", "test_loss");
    assert_eq!((main.n, comparison.experiments[0].factors.len()), (4, 1));
    // Four seeds of one arm are one arm.
    let one = compared(&none);
    assert_eq!((one.arms.len(), &one.arms[0].seeds[..]), (1, &[0, 1, 2, 3][..]));

    let lists = [
        of_seeds("a", &config("none", 0), &[0, 1, 2, 3, 4, 5]),
        of_seeds("b", &config("batch", 2), &[2, 3, 4, 5, 6]),
    ];
    let main = contrast(&compared(&lists), "model.norm.kind", "test_loss").clone();
    assert_eq!((main.n, main.unpaired), (4, 3), "seeds that only one has do not pair");
}

#[test]
fn an_arm_and_seed_that_two_plain_experiments_have_counts_once() {
    let config = json!({"model": {"norm": {"kind": "none"}}});
    let overlapping =
        compared(&[of_seeds("a", &config, &[0, 1, 2]), of_seeds("b", &config, &[2, 3])]);
    assert_eq!(overlapping.arms[0].seeds, [0, 1, 2, 3]);
    let told = "a + b: 1 training has the config and the seed of another: the first counts";
    assert!(
        overlapping.warnings.iter().any(|warning| warning == told),
        "{:?}",
        overlapping.warnings
    );
    // The very same, run in two places, stands side by side.
    let twice = compared(&[of_seeds("a", &config, &[0, 1]), of_seeds("b", &config, &[0, 1])]);
    assert_eq!((twice.arms.len(), twice.experiments.len()), (2, 2));
}

#[test]
fn plain_experiments_that_make_no_product_are_each_held_against_the_first() {
    let config = |norm: &str, lr: f64| json!({"model": {"norm": {"kind": norm}}, "training": {"optimizer": {"lr": lr}}});
    let comparison = compared(&[
        plain("x", &config("none", 0.001), &[0.5; 3]),
        plain("y", &config("batch", 0.001), &[0.4; 3]),
        plain("z", &config("batch", 0.01), &[0.3; 3]),
    ]);
    let names: Vec<&str> = comparison.contrasts.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(
        &names[..2],
        ["model.norm.kind", "model.norm.kind + training.optimizer.lr"],
        "what cannot be told apart is not"
    );
    assert_eq!(comparison.contrasts[1].levels, [json!("none + 0.001"), json!("batch + 0.01")]);
}

#[test]
fn of_many_plain_experiments_the_first_are_named() {
    let many: Vec<LoadedExperiment> = (0..12)
        .map(|n| plain(&format!("e{n:02}"), &json!({"model": {"dropout": n}}), &[0.5; 3]))
        .collect();
    assert_eq!(compared(&many).experiments[0].name, "e00 + e01 + e02 + 9 more");
}

#[test]
fn plain_experiments_on_other_data_are_not_joined() {
    let mut other = plain("other", &json!({"model": {"dropout": 0.5}}), &[0.5; 3]);
    other.plan.comparable = "iris".to_owned();
    let comparison =
        compared(&[plain("one", &json!({"model": {"dropout": 0.0}}), &[0.5; 3]), other]);
    assert_eq!(comparison.experiments.len(), 2);
    assert!(comparison.contrasts.is_empty());
}

#[test]
fn seeds_that_are_not_finite_in_every_arm_are_left_out_and_said() {
    let mut loaded = two_by_two();
    let record = &mut loaded.runs[2].record;
    record.status = Status::Diverged;
    record.arms[0].status = Status::Diverged;
    record.arms[0].metrics.insert("test_loss".to_owned(), Value::Null);
    let comparison = compared(&[loaded]);
    assert_eq!((comparison.arms[0].diverged, comparison.arms[0].n), (1, 8));
    let values = &comparison.arms[0].metrics.get("test_loss").unwrap().values;
    assert_eq!(values.iter().filter(|v| v.is_none()).count(), 1);
    let main = contrast(&comparison, "model.norm.kind", "test_loss");
    assert_eq!((main.n, main.unpaired), (7, 1));
    let simple = contrast(&comparison, "model.norm.kind | early_stopping=patience", "test_loss");
    assert_eq!((simple.n, simple.unpaired), (8, 0));
    assert!(
        comparison.warnings.iter().any(|w| w.contains("1 of 8 trainings")),
        "{:?}",
        comparison.warnings
    );
    assert!(comparison.warnings.iter().any(|w| w.contains("1 of 8 seeds is left out")));
    assert!(comparison.verdict.iter().any(|v| v.contains("diverged in 1 of 8 seeds")));
}

#[test]
fn seeds_left_out_are_said_of_the_levels_that_miss_them() {
    let of_rate = |name: &str, rate: f64, missing: usize| {
        let config = json!({"training": {"optimizer": {"lr": rate}}});
        let mut one = plain(name, &config, &[0.5; 8]);
        for run in &mut one.runs[..missing] {
            run.record.arms[0].metrics.insert("test_loss".to_owned(), Value::Null);
        }
        one
    };
    let all =
        [of_rate("a", 0.05, 0), of_rate("b", 0.4, 2), of_rate("c", 0.6, 6), of_rate("d", 0.7, 6)];
    let warnings = compared(&all).warnings.join("\n");
    for told in [
        "training.optimizer.lr 0.4 against 0.05: 2 of 8 seeds are left out",
        "training.optimizer.lr 0.6, 0.7 against 0.05: 6 of 8 seeds are left out",
    ] {
        assert!(warnings.contains(told), "{warnings}");
    }
}

#[test]
fn what_diverged_is_told_beside_what_was_saved_and_stays_in_references() {
    let mut loaded = two_by_two();
    for run in &mut loaded.runs[..2] {
        run.record.status = Status::Diverged;
        for arm in &mut run.record.arms {
            (arm.status, arm.full_run) = (Status::Diverged, None);
            arm.metrics.insert("test_loss".to_owned(), Value::Null);
        }
    }
    let comparison = compared(&[loaded]);
    let saving = &comparison.early_stopping[0];
    assert_eq!((saving.n, saving.diverged), (14, 2));
    let told = comparison.verdict.iter().find(|told| told.starts_with("patience saved")).unwrap();
    assert!(
        told.contains(" over the 14 of 16 trainings that did not diverge and gave up"),
        "{told}"
    );
    let reference = &comparison.references[0];
    assert_eq!((reference.n, reference.diverged), (8, 2));
    let values = &reference.metrics.get("test_loss").unwrap().values;
    assert_eq!((values.len(), &values[..2]), (8, &[None, None][..]));
    assert!(values[2..].iter().all(Option::is_some));
}

#[test]
fn what_was_given_up_says_of_how_many_trainings_it_is_known() {
    let mut loaded = two_by_two();
    for run in &mut loaded.runs[..4] {
        run.record.status = Status::Stopped;
        run.record.identity += "of its own";
        run.record.arms.remove(0);
        run.record.arms[0].full_run = None;
    }
    let comparison = compared(&[loaded]);
    let told = comparison.verdict.iter().find(|told| told.starts_with("patience saved")).unwrap();
    assert!(told.contains(" over 16 trainings and gave up"), "{told}");
    assert!(told.ends_with("against the best checkpoint of the full run in 12 of them."), "{told}");
}

#[test]
fn what_is_missing_failed_or_left_out_is_said() {
    let mut loaded = two_by_two();
    let last = loaded.runs.pop().unwrap();
    loaded.missing = loaded.plan.trainings.iter().filter(|t| t.dir == last.dir).cloned().collect();
    let failed = loaded.runs.pop().unwrap();
    loaded.failed =
        vec![FailedRun { dir: failed.dir, seed: failed.seed, error: "disk full".to_owned() }];
    loaded.left_out = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
    let warnings = compared(&[loaded]).warnings;
    assert_eq!(
        warnings[..3],
        [
            "digits: 1 of 16 trainings is missing: training-15",
            "digits: 1 of 16 trainings failed: training-14 (disk full)",
            "digits: 4 trainings that the config no longer names are left out: a, b, c and 1 more"
        ]
    );
}

#[test]
fn a_filter_leaves_the_arms_with_a_level() {
    let options = |key: &str, value: &str| Options {
        filters: vec![Filter { key: key.to_owned(), level: value.into() }],
        ..Options::default()
    };
    let loaded = [two_by_two()];
    let comparison = compare(&loaded, &options("early_stopping", "patience")).unwrap();
    assert_eq!(comparison.arms.len(), 2);
    let main = contrast(&comparison, "model.norm.kind", "test_loss");
    assert!(main.estimate.is_some_and(|d| (d + 0.012_575).abs() < 1e-12));
    assert!(comparison.contrasts.iter().all(|c| c.name == "model.norm.kind"));

    let message = |key, value| compare(&loaded, &options(key, value)).unwrap_err().to_string();
    assert_eq!(
        message("model.norm", "batch"),
        "`model.norm` is no factor here: the factors are `model.norm.kind` (none, batch); \
         `early_stopping` (none, patience)"
    );
    assert_eq!(
        message("early_stopping", "patient"),
        "`early_stopping` has no level `patient`: the levels are none, patience"
    );
}

#[test]
fn another_metric_comes_first_when_asked_for_and_an_unknown_one_is_refused() {
    let options = |metric: &str| Options { metric: Some(metric.to_owned()), ..Options::default() };
    let loaded = [two_by_two()];
    let comparison = compare(&loaded, &options("test_accuracy")).unwrap();
    assert_eq!(comparison.contrasts[0].metric, "test_accuracy");
    assert_eq!(comparison.contrasts[0].wins, 8, "larger is better");
    assert!(comparison.contrasts[0].p_holm.is_some());
    assert!(contrast(&comparison, "model.norm.kind", "test_loss").p_holm.is_none());
    assert_eq!(
        compare(&loaded, &options("test_f1")).unwrap_err().to_string(),
        "no arm has the metric `test_f1`: the metrics are `test_loss`, `val_loss`, \
         `test_accuracy`, `epochs`, `elapsed_s`"
    );
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
fn nothing_done_is_an_error_that_says_so() {
    let mut loaded = two_by_two();
    loaded.runs.clear();
    loaded.missing.clone_from(&loaded.plan.trainings);
    let message = compare(&[loaded], &Options::default()).unwrap_err().to_string();
    assert!(message.starts_with("nothing to compare"), "{message}");
    assert!(message.contains("16 of 16 trainings are missing"), "{message}");
}

#[test]
fn a_renamed_factor_finds_its_readings_by_their_rule() {
    let mut loaded = two_by_two();
    for run in &mut loaded.runs {
        for arm in &mut run.record.arms {
            arm.factors = map(json!({"older": "name"}));
        }
    }
    assert!(compared(&[loaded]) == compared(&[two_by_two()]));
}

#[test]
fn files_of_ten_seeds_give_the_same_comparison_as_their_records() {
    let dir = tempfile::tempdir().unwrap();
    crate::results::fixtures::write(dir.path(), &two_by_two_of(10));
    let from_files = compared(&load(&[dir.path().to_owned()]).unwrap());
    let from_records = compared(&[two_by_two_of(10)]);
    assert!(from_files == from_records);
    assert_eq!(from_files.arms.len(), 4);
    assert!(from_files.arms.iter().all(|arm| arm.n == 10));
    let json = serde_json::to_string(&from_files).unwrap();
    let back: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(back["contrasts"][0]["n"], 10);
}

#[test]
fn experiments_of_one_name_are_told_apart_by_their_paths() {
    let mut other = two_by_two();
    other.path = "elsewhere/digits".into();
    let comparison = compared(&[two_by_two(), other]);
    let names: Vec<&str> = comparison.experiments.iter().map(|e| e.name.as_str()).collect();
    assert_eq!(names, ["digits", "elsewhere/digits"]);
    assert!(comparison.verdict[0].starts_with("digits: Better: "));
}

#[test]
fn plain_experiments_that_make_a_product_are_averaged_like_a_matrix() {
    let config =
        |norm: &str, dropout: f64| json!({"model": {"norm": {"kind": norm}, "dropout": dropout}});
    let comparison = compared(&[
        plain("a", &config("none", 0.0), &[0.5; 3]),
        plain("b", &config("batch", 0.0), &[0.4; 3]),
        plain("c", &config("none", 0.5), &[0.6; 3]),
        plain("d", &config("batch", 0.5), &[0.4; 3]),
    ]);
    let main = contrast(&comparison, "model.norm.kind", "test_loss");
    assert_eq!(main.averaged_over, ["model.dropout"]);
    assert!(main.estimate.is_some_and(|d| (d + 0.15).abs() < 1e-12));
}

/// Two losses crossed with two norms, the accuracies far apart between the losses.
fn of_two_losses(config_of: &dyn Fn(&str) -> (Value, Value), key: &str) -> LoadedExperiment {
    let mut runs = Vec::new();
    for (i, level) in ["first", "second"].into_iter().enumerate() {
        for (j, norm) in ["none", "batch"].into_iter().enumerate() {
            for seed in 0..8_u32 {
                let noise = 0.001 * f64::from(seed);
                let metrics = json!({"test_loss": 1.0 - 0.9 * i as f64 - 0.1 * j as f64 + noise,
                    "test_rmse": 1.0 + 0.2 * i as f64 + noise,
                    "test_accuracy": 0.9 - 0.05 * i as f64 + noise * i as f64});
                let factors = json!({key: level, "model.norm.kind": norm});
                let arm = arm(factors, json!({"kind": "none"}), metrics, None);
                let (config, data) = config_of(level);
                let mut run = run(u64::from(seed), config, vec![arm]);
                run.record.data = map(data).into();
                runs.push(run);
            }
        }
    }
    let factors =
        [(key, json!(["first", "second"])), ("model.norm.kind", json!(["none", "batch"]))];
    experiment("losses", &factors, runs)
}

#[test]
fn losses_of_two_functions_are_not_subtracted() {
    let config = |level: &str| {
        let loss = if level == "first" { "cross_entropy" } else { "mse" };
        (json!({"training": {"loss": loss}}), json!({"task": "classification"}))
    };
    let comparison = compared(&[of_two_losses(&config, "training.loss")]);
    let main = contrast(&comparison, "training.loss", "test_loss");
    assert!(main.units_differ && main.n == 8);
    assert_eq!(
        (main.estimate, main.ci95, main.p, main.p_holm, main.wins),
        (None, None, None, None, 0)
    );
    let simple = contrast(&comparison, "model.norm.kind | training.loss=second", "test_loss");
    assert!(!simple.units_differ, "within one loss there is a difference");
    let stand_in = contrast(&comparison, "training.loss", "test_accuracy");
    assert!(!stand_in.units_differ && stand_in.p_holm.is_some());
    assert!(
        comparison.verdict[0].starts_with(
            "Worse: training.loss second instead of first lowers test_accuracy by 0.0465 ("
        ) && comparison.verdict[0].ends_with(
            "averaged over model.norm.kind, on one split. (The unit of test_loss depends on \
             training.loss.)"
        ),
        "{:?}",
        comparison.verdict
    );
    let text = comparison.verdict.join(" ");
    assert!(!text.contains("lowers test_loss") && !text.contains("raises test_loss"), "{text}");
    assert!(serde_json::to_value(main).unwrap()["units_differ"] == true);
}

#[test]
fn the_two_forms_of_the_logarithmic_loss_are_one_unit() {
    let config = |level: &str| {
        let loss = if level == "first" { "cross_entropy" } else { "bce" };
        (json!({"training": {"loss": loss}}), json!({"task": "classification"}))
    };
    let comparison = compared(&[of_two_losses(&config, "training.loss")]);
    assert!(!contrast(&comparison, "training.loss", "test_loss").units_differ);
}

#[test]
fn losses_of_a_regression_depend_on_the_scale_of_its_targets_and_its_distances_do_not() {
    let of_task = |task: &'static str| {
        move |level: &str| {
            let standardize = level == "first";
            (json!({"data": {"standardize": standardize}}), json!({"task": task}))
        }
    };
    let key = "data.standardize";
    let comparison = compared(&[of_two_losses(&of_task("regression"), key)]);
    assert!(contrast(&comparison, key, "test_loss").units_differ);
    assert!(!contrast(&comparison, key, "test_rmse").units_differ);
    let comparison = compared(&[of_two_losses(&of_task("classification"), key)]);
    assert!(!contrast(&comparison, key, "test_loss").units_differ);
}

#[test]
fn other_data_are_other_units_of_losses_and_distances_alike() {
    let config = |level: &str| (json!({"data": {"source": level}}), json!({"digest": level}));
    let comparison = compared(&[of_two_losses(&config, "data.source")]);
    assert!(contrast(&comparison, "data.source", "test_loss").units_differ);
    assert!(contrast(&comparison, "data.source", "test_rmse").units_differ);
    assert!(!contrast(&comparison, "data.source", "test_accuracy").units_differ);
}

#[test]
fn where_no_other_metric_was_recorded_nothing_is_told() {
    let config = |loss: &str| json!({"training": {"loss": loss}});
    let comparison = compared(&[
        plain("a", &config("cross_entropy"), &[0.5; 3]),
        plain("b", &config("mse"), &[0.05; 3]),
    ]);
    assert_eq!(
        comparison.verdict,
        ["Nothing to tell: the unit of test_loss depends on training.loss, and no metric that \
          training.loss mse instead of cross_entropy could be told by was recorded."]
    );
}

#[test]
fn what_is_measured_beside_a_training_is_no_treatment() {
    let config = |level: &str| (json!({"evaluation": {"train": level}}), json!({}));
    let comparison = compared(&[of_two_losses(&config, "evaluation.train")]);
    let measured = contrast(&comparison, "evaluation.train", "test_loss");
    assert!(measured.estimate.is_some() && measured.p_holm.is_none());
    let norm = contrast(&comparison, "model.norm.kind", "test_loss");
    assert_eq!(norm.p_holm, norm.p, "a family of one");
    assert_eq!(comparison.verdict.len(), 1, "{:?}", comparison.verdict);
    assert!(comparison.verdict[0].starts_with("Better: model.norm.kind batch"));
}

#[test]
fn a_plain_rule_is_held_against_the_full_run_that_another_config_trained() {
    let rule = json!({"kind": "patience", "patience": 5, "monitor": "val_loss", "mode": "min"});
    let none = json!({"kind": "none", "monitor": "val_loss", "mode": "min"});
    let config = json!({"training": {"epochs": 100}});
    let stopped = json!({"test_loss": 0.5, "val_loss": 0.5, "epochs": 25, "elapsed_s": 5.0});
    let last = json!({"test_loss": 0.6, "val_loss": 0.6, "epochs": 100, "elapsed_s": 20.0});
    let best = json!({"test_loss": 0.25, "val_loss": 0.375, "elapsed_s": 20.0});
    let of = |name: &str, rule: &Value, metrics: &Value, full: Option<&Value>| {
        let runs = (0..3).map(|seed| {
            let arm = arm(json!({}), rule.clone(), metrics.clone(), full.cloned());
            run(seed, config.clone(), vec![arm])
        });
        experiment(name, &[], runs.collect())
    };
    let mut early = of("early", &rule, &stopped, None);
    early.runs.iter_mut().for_each(|run| run.record.status = Status::Stopped);
    let mut full = of("full", &none, &last, Some(&best));
    let comparison = compared(&[early.clone(), full.clone()]);
    let saving = &comparison.early_stopping[0];
    assert_eq!((saving.n, saving.n_full), (3, 3));
    assert_eq!((saving.val_regret, saving.test_regret), (Some(0.125), Some(0.25)));
    assert_eq!(saving.seconds_saved, Some(15.0));
    let told = comparison.verdict.last().unwrap();
    assert_eq!(
        told,
        "patience saved 75 % of the epochs (15.0 s of 20.0 s) and gave up 0.12 of val_loss and \
         0.25 of test_loss against the best checkpoint of the full run."
    );

    for run in &mut full.runs {
        run.record.identity = "another".to_owned();
    }
    let comparison = compared(&[early, full]);
    assert_eq!(comparison.early_stopping[0].val_regret, None);
    let told = comparison.verdict.last().unwrap();
    assert!(told.ends_with("unknown, since its own trainings stopped there."), "{told}");
}

#[test]
fn where_the_full_run_has_no_monitored_column_that_is_why_nothing_is_known() {
    let mut experiment = two_by_two_of(3);
    for run in &mut experiment.runs {
        for arm in &mut run.record.arms {
            arm.full_run = None;
        }
    }
    let comparison = compared(&[experiment]);
    let told = comparison.verdict.last().unwrap();
    assert!(told.contains("what it gave up is unknown, since it was not recorded"), "{told}");
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
    assert!(comparison.warnings.iter().any(|w| w.contains("--metric asks for those")));
}

#[test]
fn things_are_counted_and_listed_as_in_a_sentence() {
    assert_eq!((counted(1, "arm"), counted(2, "arm")), ("1 arm".to_owned(), "2 arms".to_owned()));
    let names = ["a", "b", "c"].map(str::to_owned);
    assert_eq!(enumerated(&names), "a, b and c");
    assert_eq!(enumerated(&names[..1]), "a");
}

/// A two by two design whose trainings are changed before they are compared.
fn changed(change: impl Fn(usize, &mut RunRecord)) -> Vec<String> {
    let mut experiment = two_by_two();
    for (place, run) in experiment.runs.iter_mut().enumerate() {
        change(place, &mut run.record);
    }
    compared(&[experiment]).warnings
}

#[test]
fn what_may_decide_a_comparison_beside_its_factors_is_said_once_each() {
    let about = |warnings: &[String], part: &str| {
        warnings.iter().filter(|warning| warning.contains(part)).count()
    };
    let plain = changed(|_, _| {});
    let [rate, mode, machine, late] =
        ["no one tuned", "as it was met", "ran on several", "exploratory"];
    for part in [rate, mode, machine, late] {
        assert_eq!(about(&plain, part), 0, "{plain:?}");
    }
    let lr = |record: &mut RunRecord, lr: f64| {
        let training = json!({"optimizer": {"kind": "adam", "lr": lr}});
        record.config.insert("training".to_owned(), training);
    };
    let one_rate = changed(|_, record| lr(record, 0.001));
    assert_eq!(about(&one_rate, rate), 1, "{one_rate:?}");
    for (key, levels, warned) in [
        ("model.hidden", json!([[8], [64]]), 1),
        ("training.batch_size", json!([16, 32]), 1),
        ("training.epochs", json!([10, 20]), 0),
    ] {
        let runs = [0, 1].map(|level: usize| {
            let arm = arm(
                json!({key: levels[level]}),
                json!({"kind": "none"}),
                json!({"test_loss": 0.1}),
                None,
            );
            run(0, json!({"training": {"optimizer": {"lr": 0.001}}}), vec![arm])
        });
        let said = compared(&[experiment("one", &[(key, levels)], runs.to_vec())]).warnings;
        assert_eq!(about(&said, rate), warned, "{key}: {said:?}");
    }
    let rates = changed(|place, record| lr(record, if place < 8 { 0.1 } else { 0.2 }));
    assert_eq!(about(&rates, rate), 0, "{rates:?}");
    let unlike = changed(|place, record| {
        let odd = place % 2 == 1;
        record.provenance.device = if odd { "cuda:0" } else { "cpu" }.to_owned();
        record.provenance.instruction_set = if odd { "" } else { "avx2" }.to_owned();
        record.provenance.version = if odd { "0.2.0" } else { "0.1.0" }.to_owned();
    });
    assert_eq!(about(&unlike, machine), 1, "{unlike:?}");
    let told = "devices (cpu, cuda:0) and versions of bnes (0.1.0, 0.2.0), which";
    assert_eq!(about(&unlike, told), 1, "{unlike:?}");
    let gap = |evaluated: bool| {
        changed(|_, record| {
            record.config.insert("evaluation".to_owned(), json!({"train": evaluated}));
            let rules = json!([{"kind": "patience"}, {"kind": "gap"}]);
            record.arms[1].rule = map(json!({"kind": "any", "rules": rules})).into();
        })
    };
    assert_eq!((about(&gap(true), mode), about(&gap(false), mode)), (0, 1));
    let seen = changed(|place, record| record.arms[1].exploratory = place > 2);
    assert_eq!(about(&seen, late), 1, "{seen:?}");
    assert_eq!(about(&seen, "the rule patience was added"), 1, "{seen:?}");
}

#[test]
fn a_tuned_rate_is_told_and_is_no_factor_of_plain_experiments() {
    let tuned = |name: &str, norm: &str, rate: f64| {
        let config =
            json!({"model": {"norm": {"kind": norm}}, "training": {"optimizer": {"lr": rate}}});
        let mut experiment = plain(name, &config, &[0.1, 0.2, 0.3]);
        let values = map(json!({"training.optimizer.lr": rate}));
        let tried = Tried {
            values: values.clone(),
            added: None,
            mean: Some(0.1),
            best_val_loss: vec![Some(0.1)],
            diverged: 0,
            trainings: vec!["t".to_owned()],
        };
        let arm = TunedArm {
            factors: Factors::new(),
            chosen: Some(values),
            on_edge: Vec::new(),
            tried: vec![tried],
        };
        experiment.plan.tuning = Some(TuningRecord { seeds: vec![1000], arms: vec![arm] });
        experiment
    };
    let both = [tuned("a", "none", 0.01), tuned("b", "batch", 0.1)];
    let comparison = compared(&both);
    let factors: Vec<&str> =
        comparison.experiments[0].factors.iter().map(|factor| factor.key.as_str()).collect();
    assert_eq!(factors, ["model.norm.kind"]);
    let told = "Learning rate tuned per arm: 0.01 (none), 0.1 (batch).";
    assert!(comparison.verdict.iter().any(|sentence| sentence == told), "{:?}", comparison.verdict);
    assert!(!comparison.warnings.iter().any(|warning| warning.contains("no one tuned")));
    // Where only one of them was tuned, the rates are a factor.
    let [first, mut second] = both;
    second.plan.tuning = None;
    assert_eq!(compared(&[first, second]).experiments[0].factors.len(), 2);
}
