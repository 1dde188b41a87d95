//! What may decide a comparison beside its factors.

use super::*;

/// The warnings of a two by two design whose trainings are changed before they are compared.
fn changed(change: impl Fn(usize, &mut TrainingRecord)) -> Vec<WarningKind> {
    let mut experiment = two_by_two();
    for (place, run) in experiment.runs.iter_mut().enumerate() {
        change(place, &mut run.record);
    }
    of(&experiment)
}

fn of(experiment: &LoadedExperiment) -> Vec<WarningKind> {
    let comparison = compared(std::slice::from_ref(experiment));
    comparison.warnings.into_iter().map(|warning| warning.kind).collect()
}

fn is_rate(kind: &WarningKind) -> bool {
    matches!(kind, WarningKind::OneLearningRate { .. })
}

fn is_confounder(kind: &WarningKind) -> bool {
    let kinds = |kind: &WarningKind| {
        matches!(
            kind,
            WarningKind::TrainingModeMetric { .. }
                | WarningKind::RuleOnTrainingMode { .. }
                | WarningKind::MixedMachines(_)
                | WarningKind::ExploratoryRules { .. }
        )
    };
    is_rate(kind) || kinds(kind)
}

/// The warnings of what may decide a comparison beside its factors.
fn confounders(change: impl Fn(usize, &mut TrainingRecord)) -> Vec<WarningKind> {
    changed(change).into_iter().filter(is_confounder).collect()
}

#[test]
fn trainings_alike_but_for_their_factors_are_fair() {
    assert_eq!(confounders(|_, _| {}), []);
}

#[test]
fn one_learning_rate_for_arms_that_may_need_their_own_is_told() {
    let lr = |record: &mut TrainingRecord, lr: f64| {
        let training = json!({"optimizer": {"kind": "adam", "lr": lr}});
        record.config.insert("training".to_owned(), training);
    };
    let told =
        WarningKind::OneLearningRate { factor: "model.norm.kind".to_owned(), rate: json!(0.001) };
    assert_eq!(confounders(|_, record| lr(record, 0.001)), [told]);
    assert_eq!(confounders(|place, record| lr(record, if place < 8 { 0.1 } else { 0.2 })), []);
    for (key, levels, warned) in [
        ("model.hidden", json!([[8], [64]]), true),
        ("training.batch_size", json!([16, 32]), true),
        ("training.epochs", json!([10, 20]), false),
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
        let told = of(&experiment("one", &[(key, levels)], runs.to_vec()));
        assert_eq!(told.iter().any(is_rate), warned, "{key}: {told:?}");
    }
}

#[test]
fn a_norm_that_starts_from_data_beside_one_that_does_not_is_told_unless_it_is_meant() {
    let told = |start: [Value; 2], key: &str, levels: Value| {
        let runs = [0, 1].map(|level: usize| {
            let factors = json!({key: levels[level]});
            let metrics = json!({"test_loss": 0.1});
            let norm = ["none", "weight"][level];
            let config = json!({"model": {"norm": {"kind": norm}, "init": start[level]}});
            run(0, config, vec![arm(factors, json!({"kind": "none"}), metrics, None)])
        });
        let told = of(&experiment("one", &[(key, levels)], runs.to_vec()));
        told.into_iter().find(|kind| matches!(kind, WarningKind::UnlikeStarts { .. }))
    };
    let (norm, kinds) = ("model.norm.kind", json!(["none", "weight"]));
    let unlike = WarningKind::UnlikeStarts {
        factor: norm.to_owned(),
        arms: vec![map(json!({"model.norm.kind": "weight"}))],
    };
    let start = |from_data: bool| json!({"data_dependent": from_data});
    assert_eq!(told([json!({}), json!({})], norm, kinds.clone()), Some(unlike.clone()));
    assert_eq!(told([start(false), start(true)], norm, kinds.clone()), Some(unlike));
    assert_eq!(told([start(true), start(true)], norm, kinds.clone()), None);
    assert_eq!(told([start(false), start(false)], norm, kinds), None);
    // What is varied is what is compared.
    let key = "model.init.data_dependent";
    assert_eq!(told([start(false), start(true)], key, json!([false, true])), None);
}

/// Warnings of statistics, of an arm at one batch of 100 rows an epoch that was read so far.
fn of_statistics(norm: &Value, rule: &Value, epochs: usize) -> Vec<WarningKind> {
    let runs = (0..3).map(|seed| {
        let metrics = json!({"test_loss": 0.1, "epochs": epochs});
        let factors = json!({"model.norm.kind": "batch"});
        let config = json!({"model": {"norm": norm}, "training": {"batch_size": "full"}});
        let mut run = run(seed, config, vec![arm(factors, rule.clone(), metrics, None)]);
        run.record.data = map(json!({"train_rows": 100})).into();
        run
    });
    let factors = [("model.norm.kind", json!(["batch"]))];
    let told = of(&experiment("one", &factors, runs.collect()));
    let is_of_statistics = |kind: &WarningKind| {
        matches!(
            kind,
            WarningKind::CumulativeStatistics { .. }
                | WarningKind::UnsettledStatistics { .. }
                | WarningKind::RuleBeforeSettled { .. }
        )
    };
    told.into_iter().filter(is_of_statistics).collect()
}

#[test]
fn running_statistics_that_had_not_settled_are_told_of_the_arms_they_are_of() {
    let arms = || vec![map(json!({"model.norm.kind": "batch"}))];
    let of = |statistics: &str| json!({"kind": "batch", "statistics": statistics});
    let none = || json!({"kind": "none", "monitor": "val_loss"});
    let told = of_statistics(&of("ema"), &none(), 12);
    let [WarningKind::UnsettledStatistics { arms: told, start_weight }] = &told[..] else {
        panic!("{told:?}")
    };
    assert_eq!(*told, arms());
    assert!((start_weight - 0.9_f64.powi(12)).abs() < 1e-12);
    let patience = |patience: usize| json!({"kind": "patience", "patience": patience});
    assert_eq!(of_statistics(&of("ema"), &none(), 29), []);
    assert_eq!(of_statistics(&of("ema"), &patience(15), 29), []);
    let early = WarningKind::RuleBeforeSettled { arms: arms(), epoch: 29 };
    assert_eq!(of_statistics(&of("ema"), &patience(14), 29), [early]);
    assert_eq!(of_statistics(&of("recalibrate"), &patience(1), 2), []);
    assert_eq!(of_statistics(&json!({"kind": "none"}), &patience(1), 2), []);
    let cumulative = WarningKind::CumulativeStatistics { arms: arms() };
    assert_eq!(of_statistics(&of("cumulative"), &none(), 100), [cumulative]);
}

#[test]
fn trainings_on_unlike_machines_are_told_once_with_what_differs() {
    let unlike = confounders(|place, record| {
        let odd = place % 2 == 1;
        record.provenance.device = if odd { "cuda:0" } else { "cpu" }.to_owned();
        record.provenance.instruction_set = if odd { "" } else { "avx2" }.to_owned();
        record.provenance.version = if odd { "0.2.0" } else { "0.1.0" }.to_owned();
    });
    let mixed =
        |aspect, values: [&str; 2]| Mixed { aspect, values: values.map(str::to_owned).to_vec() };
    let devices = mixed(Aspect::Device, ["cpu", "cuda:0"]);
    let versions = mixed(Aspect::Version, ["0.1.0", "0.2.0"]);
    assert_eq!(unlike, [WarningKind::MixedMachines(vec![devices, versions])]);
}

#[test]
fn a_rule_that_holds_two_modes_against_each_other_is_told() {
    let gap = |evaluated: bool| {
        confounders(|_, record| {
            record.config.insert("evaluation".to_owned(), json!({"train": evaluated}));
            let rules = json!([{"kind": "patience"}, {"kind": "gap"}]);
            record.arms[1].rule = map(json!({"kind": "any", "rules": rules})).into();
        })
    };
    assert_eq!(gap(true), []);
    assert_eq!(gap(false), [WarningKind::RuleOnTrainingMode { rule: "gap".to_owned() }]);
}

#[test]
fn rules_that_were_added_once_the_curves_were_there_are_told_once() {
    let seen = confounders(|place, record| record.arms[1].exploratory = place > 2);
    assert_eq!(seen, [WarningKind::ExploratoryRules { rules: vec!["patience".to_owned()] }]);
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
            val_loss: vec![Some(0.1)],
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
    let norm = |norm: &str| map(json!({"model.norm.kind": norm}));
    let told = Finding::Tuned {
        key: "training.optimizer.lr".to_owned(),
        arms: 2,
        chosen: vec![(norm("none"), json!(0.01)), (norm("batch"), json!(0.1))],
    };
    assert!(comparison.conclusions.iter().any(|one| one.finding == told));
    assert!(!kinds(&comparison).into_iter().any(is_rate), "{:?}", comparison.warnings);
    // Where only one of them was tuned, the rates are a factor.
    let [first, mut second] = both;
    second.plan.tuning = None;
    assert_eq!(compared(&[first, second]).experiments[0].factors.len(), 2);
}
