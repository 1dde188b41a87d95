//! What stopping saved, and what it cost.

use super::*;

/// What is concluded of stopping rules.
fn stopping(comparison: &Comparison) -> Vec<&Saving> {
    comparison
        .conclusions
        .iter()
        .filter_map(|one| match &one.finding {
            Finding::Stopping(saving) => Some(saving),
            _ => None,
        })
        .collect()
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
fn where_the_training_had_itself_stopped_nothing_is_known_of_the_full_run() {
    let rule = json!({"kind": "patience", "patience": 5, "monitor": "val_loss", "mode": "min"});
    let metrics = json!({"test_loss": 0.5, "val_loss": 0.5, "epochs": 25, "elapsed_s": 5.0});
    let config = json!({"training": {"epochs": 100}});
    let runs = (0..3).map(|seed| {
        let arm = arm(json!({}), rule.clone(), metrics.clone(), None);
        run(seed, config.clone(), vec![arm])
    });
    let comparison = compared(&[experiment("plain", &[], runs.collect())]);
    let saving = &comparison.early_stopping[0];
    assert_eq!(saving.epochs_saved, None);
    assert_eq!((saving.seconds_saved, saving.val_regret, saving.test_regret), (None, None, None));
    assert!(comparison.references.is_empty());
    assert_eq!(comparison.arms[0].factors, Factors::new());
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
    assert_eq!(stopping(&comparison), [saving]);
    let reference = &comparison.references[0];
    assert_eq!((reference.n, reference.diverged), (8, 2));
    let values = &reference.metrics.get("test_loss").unwrap().values;
    assert_eq!((values.len(), &values[..2]), (8, &[None, None][..]));
    assert!(values[2..].iter().all(Option::is_some));
}

#[test]
fn of_how_many_trainings_it_is_known_what_was_given_up_is_counted() {
    let mut loaded = two_by_two();
    for run in &mut loaded.runs[..4] {
        run.record.status = Status::Stopped;
        run.record.identity += "of its own";
        run.record.arms.remove(0);
        run.record.arms[0].full_run = None;
    }
    let comparison = compared(&[loaded]);
    let [saving] = stopping(&comparison)[..] else { panic!("{:?}", comparison.conclusions) };
    assert_eq!((saving.n, saving.n_full), (16, 12));
    assert!(saving.val_regret.is_some());
}

#[test]
fn a_renamed_factor_finds_its_records_by_their_rule() {
    let mut loaded = two_by_two();
    for run in &mut loaded.runs {
        for arm in &mut run.record.arms {
            arm.factors = map(json!({"older": "name"}));
        }
    }
    assert!(compared(&[loaded]) == compared(&[two_by_two()]));
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
    assert_eq!((saving.epochs_saved, saving.full_seconds), (Some(0.75), Some(20.0)));
    assert_eq!(stopping(&comparison), [saving]);

    for run in &mut full.runs {
        run.record.identity = "another".to_owned();
    }
    let comparison = compared(&[early, full]);
    let saving = &comparison.early_stopping[0];
    assert_eq!((saving.val_regret, saving.n_full), (None, 0));
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
    let saving = &comparison.early_stopping[0];
    assert_eq!((saving.n, saving.n_full), (6, 6));
    assert_eq!((saving.val_regret, saving.test_regret, saving.units_differ), (None, None, false));
}

#[test]
fn seconds_are_those_of_the_processors_unless_they_are_not_known_of_every_training() {
    let known = |is_known: &dyn Fn(usize) -> bool| {
        let mut loaded = two_by_two();
        for (place, run) in loaded.runs.iter_mut().enumerate() {
            for arm in &mut run.record.arms {
                let full = arm.full_run.as_mut().map(|full| &mut full.metrics);
                for metrics in [Some(&mut arm.metrics), full].into_iter().flatten() {
                    let seconds = metrics["elapsed_s"].as_f64().unwrap();
                    metrics.remove("cpu_s");
                    if is_known(place) {
                        metrics.insert("cpu_s".to_owned(), json!(0.5 * seconds));
                    }
                }
            }
        }
        compared(&[loaded]).early_stopping[0].full_seconds
    };
    assert_eq!(known(&|_| true), Some(10.0));
    assert_eq!(known(&|place| place > 0), Some(20.0));
}
