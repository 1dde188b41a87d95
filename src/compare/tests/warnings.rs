//! What may decide a comparison beside its factors.

use super::*;

/// A two by two design whose trainings are changed before they are compared.
fn changed(change: impl Fn(usize, &mut TrainingRecord)) -> Vec<String> {
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
    let lr = |record: &mut TrainingRecord, lr: f64| {
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
