//! Recorded curves with independently computed stops, and the letter of Keras's `EarlyStopping`.

use serde_json::{Value, json};

use super::*;
use crate::history::EpochTable;

fn rule(table: Value) -> StoppingRule {
    serde_json::from_value(table).unwrap()
}

/// A table with one column; `None` is an empty cell.
fn curve(column: &str, values: &[Option<f64>]) -> EpochTable {
    let mut table = EpochTable::new(vec![column.to_owned()]);
    for value in values {
        table.push(&[*value]);
    }
    table
}

fn losses(values: &[f64]) -> EpochTable {
    curve("val_loss", &values.iter().copied().map(Some).collect::<Vec<_>>())
}

/// (epoch of the stop, best epoch)
fn read(table: Value, curve: &EpochTable) -> (Option<usize>, Option<usize>) {
    let found = rule(table).read(curve);
    let stop = (found.status != StopStatus::Completed).then_some(found.epochs);
    (stop, found.best.map(|(epoch, _)| epoch))
}

/// A golden curve; `null` is NaN there.
fn golden_curve(columns: &Value) -> EpochTable {
    let columns = columns.as_object().unwrap();
    let mut table = EpochTable::new(columns.keys().cloned().collect());
    let epochs = columns["val_loss"].as_array().unwrap().len();
    for epoch in 0..epochs {
        let row = columns.values().map(|cells| Some(cells[epoch].as_f64().unwrap_or(f64::NAN)));
        table.push(&row.collect::<Vec<_>>());
    }
    table
}

#[test]
fn every_golden_curve_is_stopped_where_the_reference_implementation_stops_it() {
    let golden: Value =
        serde_json::from_str(include_str!("../../tests/golden/stopping.json")).unwrap();
    let results = golden["results"].as_array().unwrap();
    assert_eq!(results.len(), 275);
    for result in results {
        let table = golden_curve(&golden["curves"][result["curve"].as_str().unwrap()]);
        let rule = rule(result["rule"].clone());
        let found = rule.read(&table);
        let (stop, reason) = match found.status {
            StopStatus::Completed => (None, None),
            StopStatus::Stopped => (Some(found.epochs), Some(rule.kind())),
            StopStatus::Diverged => (Some(found.epochs), Some("diverged")),
        };
        let seen = json!({"curve": result["curve"], "rule": result["rule"], "stop_epoch": stop,
            "stop_reason": reason, "best_epoch": found.best.map(|(epoch, _)| epoch)});
        assert_eq!(&seen, result);
    }
}

#[test]
fn a_training_that_reads_nan_or_infinite_ends_there_whatever_its_rule() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let table = losses(&[1.0, 0.5, bad, 0.1]);
        for kind in ["none", "patience"] {
            let found = rule(json!({"kind": kind})).read(&table);
            assert_eq!((found.status, found.epochs), (StopStatus::Diverged, 3));
            assert_eq!(found.best, Some((2, 0.5)));
        }
    }
    let mut table = EpochTable::new(vec!["train_loss".into(), "val_loss".into()]);
    table.push(&[Some(f64::NAN), Some(1.0)]);
    assert_eq!(rule(json!({"kind": "none"})).read(&table).status, StopStatus::Diverged);
}

#[test]
fn patience_of_zero_acts_as_one_and_the_first_epoch_never_stops() {
    let table = losses(&[1.0, 2.0, 3.0]);
    assert_eq!(read(json!({"kind": "patience", "patience": 0}), &table), (Some(2), Some(1)));
    assert_eq!(read(json!({"kind": "patience", "patience": 1}), &table), (Some(2), Some(1)));
}

#[test]
fn an_equal_value_is_no_improvement() {
    let table = losses(&[1.0, 1.0, 1.0, 0.5]);
    assert_eq!(read(json!({"kind": "patience", "patience": 2}), &table), (Some(3), Some(1)));
}

#[test]
fn an_improvement_that_misses_the_baseline_moves_the_reference_but_not_the_count() {
    // Keras: `wait` counts on until a value beats the baseline.
    let rule = json!({"kind": "patience", "patience": 3, "baseline": 0.5});
    let never = losses(&[1.0, 0.9, 0.8, 0.7, 0.6, 0.4]);
    // Every epoch improves, and Keras stops only at one that does not.
    assert_eq!(read(rule.clone(), &never), (None, Some(6)));
    let stalls = losses(&[1.0, 0.9, 0.95, 0.4]);
    assert_eq!(read(rule.clone(), &stalls), (Some(3), Some(2)));
    let beaten = losses(&[1.0, 0.4, 0.6, 0.6, 0.6, 0.6]);
    assert_eq!(read(rule, &beaten), (Some(5), Some(2)));
}

#[test]
fn epochs_before_start_from_epoch_are_not_looked_at() {
    let table = losses(&[0.1, 0.9, 1.0, 0.8, 0.85, 0.9, 0.9]);
    let rule = json!({"kind": "patience", "patience": 2, "start_from_epoch": 2});
    // The reference is 1.0 of epoch 3, then 0.8; the best epoch is still the first.
    assert_eq!(read(rule, &table), (Some(6), Some(1)));
}

#[test]
fn an_empty_cell_neither_stops_nor_counts() {
    let table = curve("val_loss", &[Some(1.0), None, Some(1.1), None, Some(1.2), Some(0.1)]);
    let rule = json!({"kind": "patience", "patience": 2});
    assert_eq!(read(rule, &table), (Some(5), Some(1)));
    let measured_rarely = curve("val_loss", &[Some(1.0), Some(1.1), None, None, None]);
    assert_eq!(read(json!({"kind": "patience", "patience": 2}), &measured_rarely), (None, Some(1)));
}

#[test]
fn larger_is_better_by_the_name_of_the_column_or_by_mode() {
    let accuracy = [0.5, 0.7, 0.6, 0.65, 0.9].map(Some);
    let table = curve("val_accuracy", &accuracy);
    let by_name = json!({"kind": "patience", "patience": 2, "monitor": "val_accuracy"});
    assert_eq!(read(by_name, &table), (Some(4), Some(2)));
    let minimised =
        json!({"kind": "patience", "patience": 2, "monitor": "val_accuracy", "mode": "min"});
    assert_eq!(read(minimised, &table), (Some(3), Some(1)));
    let relative = json!({"kind": "patience", "patience": 2, "monitor": "val_accuracy",
        "min_delta": 0.5, "min_delta_mode": "relative"});
    assert_eq!(read(relative, &table), (Some(3), Some(2)));
}

#[test]
fn a_name_that_tells_no_direction_needs_a_mode() {
    for undirected in [
        json!({"kind": "patience", "monitor": "val_quality"}),
        json!({"kind": "none", "monitor": "val_quality", "mode": "auto"}),
        json!({"kind": "keras", "monitor": "val_quality"}),
        json!({"kind": "slope", "column": "val_quality", "window": 2, "min_slope": 0.0}),
    ] {
        assert_eq!(rule(undirected.clone()).undirected(&[]), Some("val_quality"), "{undirected}");
    }
    for directed in [
        json!({"kind": "patience", "monitor": "val_quality", "mode": "min"}),
        json!({"kind": "lightning", "monitor": "val_quality"}),
        json!({"kind": "threshold", "column": "val_quality", "above": 1.0}),
        json!({"kind": "relative_change", "column": "val_quality", "window": 2, "tolerance": 0.1}),
        json!({"kind": "slope", "column": "val_quality", "window": 2, "min_slope": 0.0,
            "monitor": "val_quality", "mode": "max"}),
        json!({"kind": "slope", "column": "grad_norm", "window": 2, "min_slope": 0.0}),
    ] {
        assert_eq!(rule(directed.clone()).undirected(&[]), None, "{directed}");
    }
}

#[test]
fn xgboost_takes_the_metric_that_follows_the_data_set() {
    for (column, maximize) in [
        ("val_auc", true),
        ("eval-auc", true),
        ("validset-0-auc", true),
        ("validation_0-auc", true),
        ("valid-map", true),
        ("valid-ndcg@5", true),
        ("valid-ndcg@5-", true),
        ("test-mape", false),
        ("auc-logloss", false),
        ("valid-error@0.5", false),
    ] {
        let rule = rule(json!({"kind": "xgboost", "rounds": 2, "monitor": column}));
        assert_eq!((rule.monitored.maximize, rule.undirected(&[])), (maximize, None), "{column}");
    }
}

#[test]
fn any_stops_with_the_first_rule_and_all_when_every_rule_holds() {
    let table = losses(&[1.0, 0.4, 0.6, 0.7, 0.3, 0.8, 0.9]);
    let rules = json!([
        {"kind": "patience", "patience": 2},
        {"kind": "threshold", "column": "val_loss", "above": 0.75},
    ]);
    assert_eq!(read(json!({"kind": "any", "rules": rules}), &table), (Some(1), Some(1)));
    assert_eq!(read(json!({"kind": "all", "rules": rules}), &table), (Some(7), Some(5)));
}

#[test]
fn a_count_in_a_row_is_broken_by_an_empty_cell() {
    let rule = json!({"kind": "threshold", "column": "val_loss", "at_most": 0.5, "count": 2});
    let table = curve("val_loss", &[Some(0.4), None, Some(0.5), Some(0.5)]);
    assert_eq!(read(rule, &table), (Some(4), Some(1)));
}

#[test]
fn a_time_budget_is_checked_at_the_end_of_an_epoch() {
    let mut table = EpochTable::new(vec!["val_loss".into(), "elapsed_s".into()]);
    for (loss, elapsed) in [(1.0, 1.9), (0.9, 4.1), (0.8, 6.0)] {
        table.push(&[Some(loss), Some(elapsed)]);
    }
    let rule = json!({"kind": "time_budget", "seconds": 4.0});
    assert_eq!(read(rule, &table), (Some(2), Some(2)));
}

#[test]
fn reading_a_longer_recording_changes_no_stop() {
    let values = [1.0, 0.8, 0.9, 0.7, 0.75, 0.72, 0.71, 0.6];
    let rule = rule(json!({"kind": "patience", "patience": 3}));
    let stop = rule.read(&losses(&values)).epochs;
    for epochs in 1..=values.len() {
        let found = rule.read(&losses(&values[..epochs]));
        assert_eq!(found.epochs, epochs.min(stop));
        assert_eq!(found.status == StopStatus::Stopped, epochs >= stop);
    }
}

#[test]
fn the_worst_curve_stops_a_rule_at_its_earliest_epoch() {
    for (table, earliest) in [
        (json!({"kind": "patience", "patience": 3}), 4),
        (json!({"kind": "patience", "patience": 0}), 2),
        (json!({"kind": "patience", "patience": 3, "start_from_epoch": 5}), 9),
        (json!({"kind": "patience", "patience": 3, "baseline": 0.0}), 3),
        (json!({"kind": "patience", "patience": 1, "baseline": 0.0}), 2),
        (json!({"kind": "threshold", "column": "val_loss", "above": 0.0, "count": 3}), 3),
        (json!({"kind": "keras", "patience": 3}), 4),
        (json!({"kind": "keras"}), 2),
        (json!({"kind": "lightning"}), 4),
        (json!({"kind": "lightning", "divergence_threshold": 0.5}), 1),
        (json!({"kind": "sklearn", "n_iter_no_change": 2, "monitor": "val_loss"}), 4),
        (json!({"kind": "skorch", "patience": 0}), 1),
        (json!({"kind": "xgboost", "rounds": 3}), 4),
        (json!({"kind": "huggingface"}), 2),
        (json!({"kind": "lightgbm", "stopping_rounds": 3}), 4),
        (json!({"kind": "catboost", "od_wait": 3}), 4),
        (json!({"kind": "ultralytics", "patience": 3}), 4),
        (json!({"kind": "fastai"}), 2),
        (json!({"kind": "generalization_loss", "alpha": 1}), 10),
        (json!({"kind": "generalization_loss", "alpha": 1, "every": 1}), 2),
        (json!({"kind": "successive_increases", "count": 3, "strip": 4}), 16),
        (json!({"kind": "moving_average", "window": 4, "patience": 3}), 7),
        (json!({"kind": "exponential_average", "beta": 0.5, "patience": 3}), 4),
        (json!({"kind": "divergence", "factor": 1.5}), 2),
        (json!({"kind": "relative_change", "window": 3, "tolerance": 1e3}), 6),
        (json!({"kind": "slope", "window": 3, "min_slope": 0.0}), 3),
        (json!({"kind": "change", "column": "val_loss", "tolerance": 2.0, "count": 3}), 4),
        (json!({"kind": "increases", "column": "val_loss", "count": 3}), 4),
        (json!({"kind": "relative_to_first", "column": "val_loss", "above": 1.5, "count": 3}), 4),
        (
            json!({"kind": "any", "rules": [{"kind": "patience", "patience": 5},
                {"kind": "patience", "patience": 2}]}),
            3,
        ),
        (
            json!({"kind": "all", "rules": [{"kind": "patience", "patience": 5},
                {"kind": "patience", "patience": 2}]}),
            6,
        ),
    ] {
        let parsed = rule(table.clone());
        assert_eq!(parsed.criterion.inner().earliest(), earliest, "{table}");
        let worst = losses(&(1..20).map(f64::from).collect::<Vec<_>>());
        assert_eq!(parsed.read(&worst).epochs, earliest, "{table}");
    }
    assert_eq!(rule(json!({"kind": "none"})).criterion.inner().earliest(), usize::MAX);
}

#[test]
fn a_rule_named_after_its_source_is_the_general_rule_on_its_column() {
    let golden: Value =
        serde_json::from_str(include_str!("../../tests/golden/stopping.json")).unwrap();
    let mut stops = 0;
    for (named, general) in [
        (
            json!({"kind": "evidence"}),
            json!({"kind": "threshold", "column": "evidence", "above": 0.0}),
        ),
        (
            json!({"kind": "gradient_norm"}),
            json!({"kind": "relative_to_first", "column": "grad_norm", "below": 0.1}),
        ),
        (
            json!({"kind": "gradient_disparity"}),
            json!({"kind": "increases", "column": "grad_disparity", "count": 5}),
        ),
        (
            json!({"kind": "complexity", "measure": "weight_norm", "factor": 2.0}),
            json!({"kind": "relative_to_first", "column": "weight_norm", "above": 2.0}),
        ),
    ] {
        assert_eq!(rule(named.clone()).columns_on_demand().len(), 1, "{named}");
        for curve in golden["curves"].as_object().unwrap().values().map(golden_curve) {
            let stop = read(general.clone(), &curve);
            assert_eq!(read(named.clone(), &curve), stop, "{named}");
            stops += usize::from(stop.0.is_some());
        }
    }
    assert!(stops >= 10, "{stops}");
}

#[test]
fn every_measure_of_complexity_is_a_column_on_demand() {
    for measure in ["weight_norm", "path_norm", "spectral_norm", "distance_from_init"] {
        let rule = rule(json!({"kind": "complexity", "measure": measure, "factor": 2.0}));
        assert_eq!(rule.columns_on_demand(), [measure]);
    }
    assert!(rule(json!({"kind": "patience"})).columns_on_demand().is_empty());
}

#[test]
fn strips_end_where_they_end_and_an_unmeasured_end_fires_nothing() {
    let rule = json!({"kind": "generalization_loss", "alpha": 10.0, "every": 2});
    // The 0.1 and the 9 lie between ends: nothing of them is seen.
    let table = curve("val_loss", &[0.1, 1.0, 9.0, 1.05, 9.0, 1.2].map(Some));
    assert_eq!(read(rule.clone(), &table), (Some(6), Some(1)));
    let table = curve("val_loss", &[Some(1.0), Some(1.0), Some(9.0), None, Some(9.0), Some(1.2)]);
    assert_eq!(read(rule, &table), (Some(6), Some(1)));
    let rises = json!({"kind": "successive_increases", "count": 2, "strip": 1});
    let broken = curve("val_loss", &[Some(1.0), Some(2.0), None, Some(3.0), Some(4.0), Some(5.0)]);
    assert_eq!(read(rises, &broken), (Some(6), Some(1)));
}

#[test]
fn without_any_progress_any_generalization_loss_is_too_much() {
    let mut table = EpochTable::new(vec!["train_loss".into(), "val_loss".into()]);
    for loss in [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.001] {
        table.push(&[Some(0.5), Some(loss)]);
    }
    let rule = json!({"kind": "progress_quotient", "alpha": 1e9});
    assert_eq!(read(rule, &table), (Some(10), Some(1)));
    assert_eq!(read(json!({"kind": "training_progress"}), &table).0, Some(5));
}

#[test]
fn of_two_training_losses_the_comparable_one_is_read() {
    let names = ["train_loss", "train_loss_eval", "val_loss"];
    let mut table = EpochTable::new(names.map(str::to_owned).to_vec());
    table.push(&[Some(1.0), Some(0.1), Some(1.0)]);
    table.push(&[Some(1.0), Some(0.1), Some(1.0)]);
    let rule = json!({"kind": "gap", "ratio": 0.5, "count": 2});
    assert_eq!(read(rule.clone(), &table).0, Some(2));
    let mut running = EpochTable::new(vec!["train_loss".into(), "val_loss".into()]);
    running.push(&[Some(1.0), Some(1.0)]);
    running.push(&[Some(1.0), Some(1.0)]);
    assert_eq!(read(rule, &running).0, None);
}

#[test]
fn a_curve_to_be_maximised_is_stopped_as_its_mirror_image() {
    let falling = [3.0, 2.0, 1.5, 1.0, 1.2, 1.4, 1.8, 2.5, 3.0, 4.0, 5.0, 6.0];
    let columns = |sign: f64| falling.map(|value| Some(sign * value));
    for table in [
        json!({"kind": "successive_increases", "count": 2, "strip": 2}),
        json!({"kind": "moving_average", "window": 3, "patience": 2}),
        json!({"kind": "exponential_average", "beta": 0.5, "patience": 2}),
        json!({"kind": "slope", "window": 3, "min_slope": 0.0}),
        json!({"kind": "generalization_loss", "alpha": 50.0}),
    ] {
        let mut maximised = table.clone();
        maximised["mode"] = "max".into();
        let down = read(table.clone(), &curve("val_loss", &columns(1.0)));
        let up = read(maximised, &curve("val_loss", &columns(-1.0)));
        assert!(down.0.is_some(), "{table}");
        assert_eq!(down, up, "{table}");
    }
    let accuracy = curve("val_accuracy", &[0.9, 0.5, 0.4].map(Some));
    let rule = json!({"kind": "divergence", "factor": 2.0, "monitor": "val_accuracy"});
    assert_eq!(read(rule, &accuracy), (Some(3), Some(1)));
}

#[test]
fn epochs_not_looked_at_enter_no_average() {
    let mut values = vec![100.0, 100.0];
    values.extend([1.0, 0.9, 0.8, 0.9, 1.0, 1.1]);
    for rule in [
        json!({"kind": "moving_average", "window": 2, "patience": 2, "start_from_epoch": 2}),
        json!({"kind": "exponential_average", "beta": 0.5, "patience": 2, "start_from_epoch": 2}),
    ] {
        // The averages of the six values: .95 .85 .85, and 1 .933 .857 .88 .94.
        assert_eq!(read(rule.clone(), &losses(&values)).0, Some(7), "{rule}");
    }
}

#[test]
fn a_criterion_is_written_as_it_is_read() {
    let golden: Value =
        serde_json::from_str(include_str!("../../tests/golden/stopping.json")).unwrap();
    for result in golden["results"].as_array().unwrap() {
        let parsed = rule(result["rule"].clone());
        let mut written = serde_json::to_value(&parsed).unwrap();
        // A key that has no value is left out of a config.
        written.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        assert_eq!(rule(written.clone()), parsed, "{written}");
        for (key, value) in result["rule"].as_object().unwrap() {
            assert!(written[key] == *value || written[key].as_f64() == value.as_f64(), "{written}");
        }
    }
}

#[test]
fn a_rule_of_a_framework_stops_where_its_own_code_stops() {
    let golden: Value =
        serde_json::from_str(include_str!("../../tests/golden/frameworks.json")).unwrap();
    let results = golden["results"].as_array().unwrap();
    assert_eq!(results.len(), 1232);
    for result in results {
        let values = golden["curves"][result["curve"].as_str().unwrap()].as_array().unwrap();
        let values: Vec<f64> = values.iter().map(|value| value.as_f64().unwrap()).collect();
        let mut table = result["rule"].clone();
        table["monitor"] = "val_loss".into();
        let stop = read(table, &losses(&values)).0;
        assert_eq!(json!(stop), result["stop_epoch"], "{result}");
    }
}

#[test]
fn lightgbm_watches_every_metric_of_every_validation_set_as_its_own_code_does() {
    let golden: Value =
        serde_json::from_str(include_str!("../../tests/golden/frameworks.json")).unwrap();
    let cases = golden["several"].as_array().unwrap();
    assert_eq!(cases.len(), 120);
    for case in cases {
        let curves = case["curves"].as_object().unwrap();
        let values = |curve: &Value| -> Vec<f64> {
            let curve = golden["curves"][curve.as_str().unwrap()].as_array().unwrap();
            curve.iter().map(|value| value.as_f64().unwrap()).collect()
        };
        let mut names: Vec<String> = curves.keys().cloned().collect();
        // What is learnt from is not watched, however it falls.
        names.push("training.l2".to_owned());
        let mut table = EpochTable::new(names);
        let columns: Vec<Vec<f64>> = curves.values().map(values).collect();
        let epochs = columns.iter().map(Vec::len).min().unwrap();
        for epoch in 0..epochs {
            let mut row: Vec<Option<f64>> =
                columns.iter().map(|column| Some(column[epoch])).collect();
            row.push(Some(epoch as f64));
            table.push(&row);
        }
        let rule = rule(case["rule"].clone());
        let stop = rule.read(&table);
        let stop = (stop.status == StopStatus::Stopped).then_some(stop.epochs);
        assert_eq!(json!(stop), case["stop_epoch"], "{case}");
    }
}

#[test]
fn a_rule_of_a_framework_has_its_defaults() {
    for (table, column, maximize, restores) in [
        (json!({"kind": "keras"}), "val_loss", false, false),
        (json!({"kind": "keras", "monitor": "val_accuracy"}), "val_accuracy", true, false),
        (json!({"kind": "lightning", "monitor": "val_accuracy"}), "val_accuracy", false, false),
        (json!({"kind": "lightning", "mode": "max"}), "val_loss", true, false),
        (json!({"kind": "sklearn"}), "val_accuracy", true, true),
        (json!({"kind": "sklearn", "monitor": "train_loss"}), "train_loss", false, true),
        (json!({"kind": "skorch", "monitor": "val_accuracy"}), "val_accuracy", false, false),
        (json!({"kind": "xgboost", "rounds": 3, "monitor": "val_auc"}), "val_auc", true, false),
        (
            json!({"kind": "xgboost", "rounds": 3, "monitor": "val_accuracy"}),
            "val_accuracy",
            false,
            false,
        ),
        (json!({"kind": "huggingface", "monitor": "val_rmse"}), "val_rmse", true, false),
    ] {
        let rule = rule(table.clone());
        assert_eq!(rule.monitored, Monitored { column: column.to_owned(), maximize }, "{table}");
        assert_eq!(rule.restore_best, restores, "{table}");
    }
}
