//! Metrics that are in one unit, and losses that are not.

use serde_json::Map;

use super::*;

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
                let counts = Map::from(std::mem::take(&mut run.record.data));
                run.record.data = counts.into_iter().chain(map(data)).collect::<Map<_, _>>().into();
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
        (None, None, None, None, Some(0))
    );
    let simple = contrast(&comparison, "model.norm.kind | training.loss=second", "test_loss");
    assert!(!simple.units_differ, "within one loss there is a difference");
    let stand_in = contrast(&comparison, "training.loss", "test_accuracy");
    assert!(!stand_in.units_differ && stand_in.p_holm.is_some());
    let told = effects(&comparison)[0];
    let units_differ =
        UnitsDiffer { metric: "test_loss".to_owned(), causes: vec!["training.loss".to_owned()] };
    assert_eq!((told.verdict, &told.units_differ), (Verdict::Worse, &Some(units_differ)));
    assert_eq!((told.contrast.name.as_str(), &told.contrast), ("training.loss", stand_in));
    assert!(effects(&comparison).iter().all(|told| told.contrast.metric != "test_loss"));
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
    let [told] = effects(&comparison)[..] else { panic!("{:?}", comparison.conclusions) };
    let causes = vec!["training.loss".to_owned()];
    let units_differ = Some(UnitsDiffer { metric: "test_loss".to_owned(), causes });
    assert_eq!((told.verdict, &told.units_differ), (Verdict::NotComparable, &units_differ));
}

#[test]
fn what_is_measured_beside_a_training_is_no_treatment() {
    let config = |level: &str| (json!({"evaluation": {"train": level}}), json!({}));
    let comparison = compared(&[of_two_losses(&config, "evaluation.train")]);
    let measured = contrast(&comparison, "evaluation.train", "test_loss");
    assert!(measured.estimate.is_some() && measured.p_holm.is_none());
    let norm = contrast(&comparison, "model.norm.kind", "test_loss");
    assert_eq!(norm.p_holm, norm.p, "a family of one");
    let [told] = effects(&comparison)[..] else { panic!("{:?}", comparison.conclusions) };
    assert_eq!((told.verdict, told.contrast.name.as_str()), (Verdict::Better, "model.norm.kind"));
    let depends = |one: &Conclusion| matches!(one.finding, Finding::Interaction(_));
    assert!(!comparison.conclusions.iter().any(depends), "{:?}", comparison.conclusions);
}
