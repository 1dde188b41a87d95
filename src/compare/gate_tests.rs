//! Laws of gates, on the golden two by two design.

use serde_json::{Value, json};

use super::*;
use crate::config::label::value_of;
use crate::results::fixtures::two_by_two_of;

fn gate(table: Value) -> Gate {
    let gate: Gate = serde_json::from_value(table).unwrap();
    gate.check().unwrap();
    gate
}

fn of(experiment: &LoadedExperiment) -> Vec<ArmSummary> {
    arms(std::slice::from_ref(experiment), &[]).unwrap()
}

fn baseline_of(experiment: &LoadedExperiment) -> Vec<BaselineArm> {
    of(experiment).iter().map(BaselineArm::from).collect()
}

/// An outcome without its figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Passed,
    Failed,
    NotJudged,
}

fn kind(result: &GateResult) -> Kind {
    match result.outcome {
        Outcome::Passed(_) => Kind::Passed,
        Outcome::Failed(_) => Kind::Failed,
        Outcome::NotJudged(_) => Kind::NotJudged,
    }
}

fn outcomes(table: Value, baseline: Option<&[BaselineArm]>) -> Vec<Kind> {
    gate(table).judge(&[two_by_two_of(6)], &[], baseline).iter().map(kind).collect()
}

#[test]
fn a_gate_fails_only_where_the_whole_interval_is_beyond_its_limit() {
    let experiment = two_by_two_of(6);
    let results = of(&experiment);
    let metric = results[0].metrics.get("test_loss").unwrap();
    let ([low, high], mean) = (metric.ci95.unwrap(), metric.mean.unwrap());
    let factors = Value::Object(results[0].factors.clone().into_iter().collect());
    let judged = |key: &str, limit: f64| {
        let table = json!({"metric": "test_loss", "where": factors, key: limit});
        let judged = gate(table).judge(std::slice::from_ref(&experiment), &[], None);
        assert_eq!(judged.len(), 1);
        judged[0].clone()
    };
    assert_eq!(kind(&judged("max", mean - 0.9 * (mean - low))), Kind::Passed);
    assert_eq!(kind(&judged("max", low - 1e-9)), Kind::Failed);
    assert_eq!(kind(&judged("min", high - 1e-9)), Kind::Passed);
    let failed = judged("min", high + 1e-9);
    let estimate =
        Estimate { mean, ci95: [low, high], n: 6, left_out: 0, lost: 0, old_and_new: None };
    assert_eq!(failed.outcome, Outcome::Failed(estimate));
    assert_eq!(failed.limits, [Limit { key: "min", value: high + 1e-9, is_lower: true }]);
    assert_eq!(failed.arm.map(|arm| arm.factors).as_ref(), Some(&results[0].factors));
}

#[test]
fn a_mean_at_its_limit_keeps_it_however_it_is_rounded() {
    let accuracy = 0.434_782_608_695_652_16;
    let mut experiment = two_by_two_of(12);
    for arm in experiment.runs.iter_mut().flat_map(|run| &mut run.record.arms) {
        arm.metrics.insert("val_accuracy".to_owned(), accuracy.into());
    }
    for limit in ["min", "max"] {
        let table = json!({"metric": "val_accuracy", limit: accuracy});
        for judged in gate(table).judge(std::slice::from_ref(&experiment), &[], None) {
            assert_eq!(kind(&judged), Kind::Passed, "{judged:?}");
        }
    }
    // Each a tenth above the baseline.
    let mut better = experiment.clone();
    for arm in better.runs.iter_mut().flat_map(|run| &mut run.record.arms) {
        arm.metrics.insert("val_accuracy".to_owned(), (1.1 * accuracy).into());
    }
    let table = json!({"metric": "val_accuracy", "baseline": "old", "max_increase": 0.1});
    for judged in gate(table).judge(&[better], &[], Some(&baseline_of(&experiment))) {
        assert_eq!(kind(&judged), Kind::Passed, "{judged:?}");
    }
}

#[test]
fn what_is_not_there_or_too_few_cannot_be_judged() {
    let nothing = json!({"metric": "test_loss", "where": {"model.norm.kind": "layer"}, "max": 1.0});
    assert_eq!(outcomes(nothing, None), [Kind::NotJudged]);
    let metric = json!({"metric": "test_f2", "max": 1.0});
    assert_eq!(outcomes(metric, None), [Kind::NotJudged]);
    let few = [two_by_two_of(2)];
    let judged = gate(json!({"metric": "test_loss", "max": 1e-9})).judge(&few, &[], None);
    let reason = Outcome::NotJudged(Reason::TooFewSeeds { n: 2, left_out: 0 });
    assert!(judged.iter().all(|judged| judged.outcome == reason), "{judged:?}");
}

fn judged(table: Value, filters: &[&str]) -> Vec<GateResult> {
    let filter = |text: &&str| {
        let (key, level) = text.split_once('=').unwrap();
        Filter { key: key.to_owned(), level: value_of(level) }
    };
    let filters: Vec<Filter> = filters.iter().map(filter).collect();
    gate(table).judge(&[two_by_two_of(6)], &filters, None)
}

/// The one reason why nothing was judged.
fn reason(table: Value, filters: &[&str]) -> String {
    let results = judged(table, filters);
    let [GateResult { arm: None, outcome: Outcome::NotJudged(Reason::NoArms(error)), .. }] =
        &results[..]
    else {
        panic!("{results:?}")
    };
    error.to_string()
}

#[test]
fn a_gate_is_about_the_arms_that_filters_leave() {
    let batch = ["model.norm.kind=batch"];
    let arms = judged(json!({"metric": "test_loss", "max": 1.0}), &batch);
    assert_eq!(arms.len(), 2);
    assert!(arms.iter().all(|arm| arm.arm.as_ref().unwrap().factors["model.norm.kind"] == "batch"));
    let other = json!({"metric": "test_loss", "where": {"model.norm.kind": "none"}, "max": 1.0});
    assert_eq!(
        reason(other, &batch),
        "`model.norm.kind` has no level `none`: the levels are batch"
    );
}

#[test]
fn a_gate_names_a_level_by_its_settings_too() {
    let about = |level: Value| {
        let levels = json!({"early_stopping": level, "model.norm.kind": "batch"});
        json!({"metric": "test_loss", "where": levels, "max": 1.0})
    };
    let one = judged(about(json!({"kind": "patience", "mode": "min"})), &[]);
    assert_eq!(one.len(), 1);
    assert_eq!(one[0].arm.as_ref().unwrap().factors["early_stopping"], "patience");
    let none = reason(about(json!({"kind": "patience", "mode": "max"})), &[]);
    assert!(none.ends_with("the levels are none, patience"), "{none}");
    let norm = json!({"model.norm.kind": {"kind": "batch"}});
    let none = reason(json!({"metric": "test_loss", "where": norm, "max": 1.0}), &[]);
    assert!(none.ends_with("the levels are none, batch"), "{none}");
}

#[test]
fn a_metric_that_nothing_has_is_found_once_with_those_there_are() {
    let results = judged(json!({"metric": "x", "min": 0.5}), &[]);
    let known = ["cpu_s", "elapsed_s", "epochs", "test_accuracy", "test_loss", "val_loss"];
    let reason = Reason::UnknownMetric(known.map(str::to_owned).to_vec());
    assert_eq!(results.len(), 1);
    assert_eq!(results[0].outcome, Outcome::NotJudged(reason));
}

#[test]
fn a_baseline_is_held_against_arm_by_arm_and_seed_by_seed() {
    let rule = json!({"metric": "test_loss", "baseline": "old", "max_increase": 0.02});
    let same = baseline_of(&two_by_two_of(6));
    assert_eq!(outcomes(rule.clone(), Some(&same)), [Kind::Passed; 4]);
    let mut better = two_by_two_of(6);
    for arm in better.runs.iter_mut().flat_map(|run| &mut run.record.arms) {
        let loss = arm.metrics["test_loss"].as_f64().unwrap();
        arm.metrics.insert("test_loss".to_owned(), (0.8 * loss).into());
    }
    // The results are a quarter above that baseline.
    assert_eq!(outcomes(rule.clone(), Some(&baseline_of(&better))), [Kind::Failed; 4]);
    let fall = json!({"metric": "test_loss", "baseline": "old", "max_decrease": 0.02});
    assert_eq!(outcomes(fall, Some(&baseline_of(&better))), [Kind::Passed; 4]);
    let mut other = two_by_two_of(6);
    other.plan.name = "other".to_owned();
    assert_eq!(outcomes(rule, Some(&baseline_of(&other))), [Kind::NotJudged; 4]);
}

#[test]
fn limits_that_do_not_go_together_are_refused() {
    let problem =
        |table: Value| serde_json::from_value::<Gate>(table).unwrap().check().unwrap_err();
    assert!(problem(json!({"metric": "a"})).contains("needs a limit"));
    assert!(problem(json!({"metric": "a", "baseline": "d"})).contains("takes `max_increase`"));
    let both = json!({"metric": "a", "baseline": "d", "max": 1.0, "max_increase": 0.1});
    assert!(problem(both).contains("leave `baseline` out"));
}

#[test]
fn a_baseline_of_other_data_or_settings_is_not_judged() {
    let mut experiment = two_by_two_of(6);
    for run in &mut experiment.runs {
        run.record.data.insert("digest".to_owned(), "a".into());
    }
    let table = json!({"metric": "test_loss", "baseline": "old", "max_rise": 1.0});
    let judged = |baseline: &LoadedExperiment| {
        let found = gate(table.clone());
        found.judge(std::slice::from_ref(&experiment), &[], Some(&baseline_of(baseline)))
    };
    assert!(judged(&experiment).iter().all(|one| kind(one) == Kind::Passed));
    let mut other_data = experiment.clone();
    for run in &mut other_data.runs {
        run.record.data.insert("digest".to_owned(), "b".into());
    }
    let mut other_epochs = experiment.clone();
    for run in &mut other_epochs.runs {
        run.record.config.insert("training".to_owned(), json!({"epochs": 50}));
    }
    let epochs = vec!["training.epochs".to_owned()];
    for (baseline, unlike) in [(other_data, Unlike::Data), (other_epochs, Unlike::Settings(epochs))]
    {
        let reason = Outcome::NotJudged(Reason::Unlike(unlike));
        assert!(judged(&baseline).iter().all(|one| one.outcome == reason));
    }
}

#[test]
fn a_strict_gate_fails_where_a_breach_is_not_ruled_out() {
    let experiment = two_by_two_of(6);
    let metric = of(&experiment)[0].metrics.get("test_loss").unwrap().clone();
    let ([_, high], mean) = (metric.ci95.unwrap(), metric.mean.unwrap());
    let strict = |limit: f64| {
        let judged = gate(json!({"metric": "test_loss", "max": limit})).judge(
            std::slice::from_ref(&experiment),
            &[],
            None,
        );
        kind(&judged[0].clone().strict())
    };
    assert_eq!(
        (strict(mean + 0.5 * (high - mean)), strict(high + 1e-9)),
        (Kind::Failed, Kind::Passed)
    );
}

#[test]
fn an_arm_that_lost_seeds_is_judged_only_where_the_others_break_the_limit_and_fails_if_strict() {
    let with = |lost: usize| {
        let mut experiment = two_by_two_of(8);
        for run in experiment.runs.iter_mut().take(lost) {
            run.record.arms[0].metrics.insert("test_loss".to_owned(), Value::Null);
        }
        experiment
    };
    let arm = json!({"model.norm.kind": "none", "early_stopping": "none"});
    let judged = |lost: usize, table: Value, baseline: Option<&[BaselineArm]>| {
        let mut table = table;
        table["metric"] = json!("test_loss");
        table["where"] = arm.clone();
        let judged = gate(table).judge(&[with(lost)], &[], baseline);
        assert_eq!(judged.len(), 1);
        [kind(&judged[0]), kind(&judged[0].clone().strict())]
    };
    let (kept, broken) = (json!({"max": 50.0}), json!({"max": 1e-6}));
    assert_eq!(judged(0, kept.clone(), None), [Kind::Passed, Kind::Passed]);
    assert_eq!(judged(3, kept, None), [Kind::NotJudged, Kind::Failed]);
    assert_eq!(judged(3, broken, None), [Kind::Failed, Kind::Failed]);
    let change = json!({"baseline": "b", "max_rise": 50.0});
    for (before, now, expected) in [
        (0, 3, [Kind::NotJudged, Kind::Failed]),
        (3, 3, [Kind::Passed, Kind::Passed]),
        (3, 0, [Kind::Passed, Kind::Passed]),
    ] {
        let baseline = baseline_of(&with(before));
        assert_eq!(judged(now, change.clone(), Some(&baseline)), expected, "{before} {now}");
    }
}
