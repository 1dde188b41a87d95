//! What another stopping rule would have made of a recorded training.
//!
//! The rule is asked epoch by epoch as in training, so a replay of the rule that was live gives
//! what happened. It cannot look beyond the recording: where the training had itself been
//! stopped, the regret is a lower bound.

use serde::Serialize;

use crate::history::{EpochTable, TEST_PREFIX};
use crate::stopping::{StopStatus, StoppingRule};
use crate::text::quoted;

/// What a rule would have done on one training.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleOutcome {
    /// The training's directory, or the CSV file.
    pub path: String,
    /// The rule as it was written.
    pub criterion: String,
    /// The column that chooses the best epoch.
    pub monitor: String,
    /// The epoch (from 1) after which the rule fires; none where it never does.
    pub stop_epoch: Option<usize>,
    /// The rule's kind, or `diverged`.
    pub stop_reason: Option<&'static str>,
    /// The first epoch with the best monitored value up to there.
    pub best_epoch: Option<usize>,
    /// Its monitored value.
    pub best_value: Option<f64>,
    /// Epochs up to the stop.
    pub epochs: usize,
    /// Share of the recorded epochs after it.
    pub epochs_saved: Option<f64>,
    /// The best value minus the best of the whole curve; sign turned where larger is better.
    pub regret: Option<f64>,
    /// Whether the recorded training had itself been stopped.
    pub truncated: bool,
    /// The same epochs as the log counts them, where that is not simply from 0 or 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logged: Option<Logged>,
}

/// Epochs as a log counts them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Logged {
    /// The column that counts.
    pub counter: String,
    /// At the stop.
    pub stop: Option<f64>,
    /// At the best epoch.
    pub best: Option<f64>,
}

/// Why a rule cannot be replayed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// The rule reads a column that was not recorded.
    #[error("no column `{column}`: {}", .columns.as_deref().map_or_else(
        || "no column can be read by a rule".to_owned(), |c| format!("the columns are {c}")))]
    NoColumn {
        /// What the rule reads.
        column: String,
        /// What was recorded, test columns left out.
        columns: Option<String>,
    },
    /// It matters which values of a column are better, and neither the rule nor the name says.
    #[error("the name `{column}` does not tell whether larger or smaller values are better")]
    NoDirection {
        /// What the rule reads.
        column: String,
    },
    /// Nothing was recorded.
    #[error("no epoch is recorded")]
    NoEpoch,
}

/// Replays a rule on a recorded training.
///
/// # Errors
/// Where the table has no epoch, a column that the rule reads is missing, or nothing says which of its values
/// are better.
#[allow(clippy::cast_precision_loss)] // epochs are far below 2^53
pub fn replay(
    path: &str,
    table: &EpochTable,
    truncated: bool,
    criterion: &str,
    rule: &StoppingRule,
) -> Result<RuleOutcome, ReplayError> {
    if table.is_empty() {
        return Err(ReplayError::NoEpoch);
    }
    let whole = table.history(table.len());
    let mut columns = rule.columns();
    columns.push(&rule.monitored.column);
    if let Some(missing) = columns.into_iter().find(|name| whole.column(name).is_none()) {
        let there: Vec<&str> = table
            .names()
            .iter()
            .map(String::as_str)
            .filter(|name| !name.starts_with(TEST_PREFIX))
            .collect();
        return Err(ReplayError::NoColumn {
            column: missing.to_owned(),
            columns: (!there.is_empty()).then(|| quoted(&there)),
        });
    }
    let names: Vec<&str> = whole.names().collect();
    if let Some(column) = rule.undirected(&names) {
        return Err(ReplayError::NoDirection { column: column.to_owned() });
    }
    let stop = rule.read(table);
    let (stop_epoch, stop_reason) = match stop.status {
        StopStatus::Completed => (None, None),
        StopStatus::Stopped => (Some(stop.epochs), Some(rule.kind())),
        StopStatus::Diverged => (Some(stop.epochs), Some("diverged")),
    };
    let sign = if rule.monitored.maximize { -1.0 } else { 1.0 };
    let regret = |(_, value): (usize, f64)| {
        let (_, best) = rule.monitored.best(&whole)?;
        // Not `sign * 0`, which would be -0 where larger is better.
        Some(if value == best { 0.0 } else { sign * (value - best) })
    };
    Ok(RuleOutcome {
        path: path.to_owned(),
        criterion: criterion.to_owned(),
        monitor: rule.monitored.column.clone(),
        stop_epoch,
        stop_reason,
        best_epoch: stop.best.map(|(epoch, _)| epoch),
        best_value: stop.best.map(|(_, value)| value),
        epochs: stop.epochs,
        epochs_saved: Some(1.0 - stop.epochs as f64 / table.len() as f64),
        regret: stop.best.and_then(regret),
        truncated,
        logged: None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::results::epochs_csv;
    use crate::stopping::Criterion;

    fn rule(table: serde_json::Value) -> StoppingRule {
        serde_json::from_value(table).unwrap()
    }

    fn table(column: &str, values: &[f64]) -> EpochTable {
        let mut table = EpochTable::new(vec![column.to_owned(), "test_loss".to_owned()]);
        for value in values {
            table.push(&[Some(*value), Some(0.0)]);
        }
        table
    }

    #[test]
    fn a_rule_that_stops_too_soon_has_a_regret() {
        let curve = table("val_loss", &[1.0, 0.5, 0.75, 0.75, 0.25]);
        let rule = rule(json!({"kind": "patience", "patience": 2}));
        let outcome = replay("run", &curve, false, "patience(patience=2)", &rule).unwrap();
        assert_eq!(
            serde_json::to_value(&outcome).unwrap(),
            json!({"path": "run", "criterion": "patience(patience=2)", "monitor": "val_loss",
                "stop_epoch": 4, "stop_reason": "patience", "best_epoch": 2, "best_value": 0.5,
                "epochs": 4, "epochs_saved": 1.0 - 0.8, "regret": 0.25, "truncated": false})
        );
    }

    #[test]
    fn a_rule_that_never_fires_reads_the_whole_curve() {
        let curve = table("val_accuracy", &[0.5, 0.75, 0.625]);
        let rule = rule(json!({"kind": "patience", "patience": 9, "monitor": "val_accuracy"}));
        let outcome = replay("run", &curve, true, "patience", &rule).unwrap();
        assert_eq!((outcome.stop_epoch, outcome.stop_reason), (None, None));
        assert_eq!((outcome.epochs, outcome.epochs_saved), (3, Some(0.0)));
        assert_eq!((outcome.best_epoch, outcome.regret), (Some(2), Some(0.0)));
        assert!(outcome.truncated);
    }

    #[test]
    fn larger_is_better_turns_the_sign_of_a_regret() {
        let curve = table("val_accuracy", &[0.5, 0.25, 0.75]);
        let rule = rule(json!({"kind": "patience", "patience": 1, "monitor": "val_accuracy"}));
        assert_eq!(replay("run", &curve, false, "", &rule).unwrap().regret, Some(0.25));
    }

    #[test]
    fn divergence_is_its_own_reason() {
        let curve = table("val_loss", &[f64::INFINITY, 0.5]);
        let outcome = replay("run", &curve, false, "none", &rule(json!({"kind": "none"}))).unwrap();
        assert_eq!((outcome.stop_epoch, outcome.stop_reason), (Some(1), Some("diverged")));
        assert_eq!((outcome.best_epoch, outcome.regret), (None, None));
    }

    #[test]
    fn a_missing_column_is_an_error_that_lists_the_others_but_the_tests() {
        let message = |table: serde_json::Value| {
            let curve = super::tests::table("val_loss", &[1.0]);
            replay("run", &curve, false, "", &rule(table)).unwrap_err().to_string()
        };
        assert_eq!(
            message(json!({"kind": "patience", "monitor": "val_f1"})),
            "no column `val_f1`: the columns are `val_loss`"
        );
        assert_eq!(
            message(json!({"kind": "time_budget", "seconds": 1.0})),
            "no column `elapsed_s`: the columns are `val_loss`"
        );
    }

    /// A rule of every kind, quick to fire.
    fn every_rule() -> Vec<StoppingRule> {
        let tables = [
            json!({"kind": "none"}),
            json!({"kind": "patience", "patience": 3, "min_delta": 0.05}),
            json!({"kind": "generalization_loss", "alpha": 20.0}),
            json!({"kind": "progress_quotient", "alpha": 0.2, "strip": 3}),
            json!({"kind": "successive_increases", "count": 2, "strip": 3}),
            json!({"kind": "training_progress", "tolerance": 200.0, "strip": 4}),
            json!({"kind": "moving_average", "window": 3, "patience": 2}),
            json!({"kind": "exponential_average", "beta": 0.7, "patience": 2, "min_delta": 0.01}),
            json!({"kind": "divergence", "factor": 3.0}),
            json!({"kind": "gap", "ratio": 0.5, "count": 3}),
            json!({"kind": "correlation", "window": 5, "below": -0.5}),
            json!({"kind": "relative_change", "window": 3, "tolerance": 0.05}),
            json!({"kind": "slope", "window": 5, "min_slope": 0.0}),
            json!({"kind": "change", "column": "grad_norm", "tolerance": 0.3, "count": 2}),
            json!({"kind": "threshold", "column": "val_loss", "below": 0.1, "count": 2}),
            json!({"kind": "relative_to_first", "column": "train_loss", "below": 0.2}),
            json!({"kind": "increases", "column": "val_loss", "count": 3, "consecutive": true}),
            json!({"kind": "evidence", "count": 3}),
            json!({"kind": "gradient_norm", "count": 2}),
            json!({"kind": "gradient_disparity", "count": 8}),
            json!({"kind": "complexity", "measure": "weight_norm", "factor": 2.0, "count": 2}),
            json!({"kind": "time_budget", "seconds": 25.0}),
            json!({"kind": "keras", "patience": 3}),
            json!({"kind": "lightning"}),
            json!({"kind": "sklearn", "n_iter_no_change": 3, "monitor": "val_loss"}),
            json!({"kind": "skorch", "threshold": 0.05, "patience": 3}),
            json!({"kind": "xgboost", "rounds": 3, "mode": "max"}),
            json!({"kind": "huggingface", "early_stopping_patience": 2}),
            json!({"kind": "lightgbm", "stopping_rounds": 2, "min_delta": 0.01}),
            json!({"kind": "catboost", "od_wait": 3}),
            json!({"kind": "ultralytics", "patience": 3, "mode": "min"}),
            json!({"kind": "fastai", "patience": 2}),
            json!({"kind": "any", "rules": [{"kind": "slope", "window": 6, "min_slope": 0.0},
                {"kind": "divergence", "factor": 5.0}]}),
            json!({"kind": "all", "rules": [{"kind": "patience", "patience": 2},
                {"kind": "gap", "ratio": 0.1, "count": 1}]}),
        ];
        let rules: Vec<StoppingRule> = tables.map(rule).into();
        for kind in Criterion::KINDS {
            assert!(rules.iter().any(|rule| rule.kind() == *kind), "no `{kind}`: add one");
        }
        rules
    }

    /// What a training does: an epoch is added and the rule asked, until it fires.
    fn live(rule: &StoppingRule, names: &[&str], rows: &[Vec<Option<f64>>]) -> (usize, StopStatus) {
        let mut table = EpochTable::new(names.iter().map(|name| (*name).to_owned()).collect());
        for row in rows {
            table.push(row);
            if let Some(status) = rule.check(&table.history(table.len())) {
                return (table.len(), status);
            }
        }
        (table.len(), StopStatus::Completed)
    }

    const COLUMNS: [&str; 8] = [
        "train_loss",
        "val_loss",
        "elapsed_s",
        "evidence",
        "grad_norm",
        "grad_disparity",
        "weight_norm",
        "test_loss",
    ];

    /// Rows as a training may record them: noise, ties, cells not measured, at last perhaps NaN.
    fn rows() -> impl Strategy<Value = Vec<Vec<Option<f64>>>> {
        let cell = prop_oneof![
            8 => (0.0..1.0_f64).prop_map(Some),
            2 => (1..4_i32).prop_map(|tenths| Some(f64::from(tenths) / 10.0)),
            1 => Just(None),
        ];
        let bad = prop_oneof![3 => Just(None), 1 => (0..40_usize).prop_map(Some)];
        (prop::collection::vec(prop::collection::vec(cell, COLUMNS.len()), 1..40), bad).prop_map(
            |(mut rows, bad)| {
                let mut elapsed = 0.0;
                for (epoch, row) in rows.iter_mut().enumerate() {
                    elapsed += 1.0;
                    row[2] = Some(elapsed);
                    row[3] = row[3].map(|value| value - 0.5);
                    if Some(epoch) == bad {
                        row[1] = Some(f64::NAN);
                    }
                }
                rows
            },
        )
    }

    proptest! {
        #[test]
        fn replay_of_the_file_is_what_happened_live(rows in rows()) {
            let mut table = EpochTable::new(COLUMNS.map(str::to_owned).to_vec());
            for row in &rows {
                table.push(row);
            }
            let file = epochs_csv::read(&epochs_csv::write(&table), "epochs.csv").unwrap();
            for rule in every_rule() {
                let (epochs, status) = live(&rule, &COLUMNS, &rows);
                let outcome = replay("run", &file, false, "", &rule).unwrap();
                let stop = (status != StopStatus::Completed).then_some(epochs);
                prop_assert_eq!(outcome.stop_epoch, stop, "{:?}", rule);
            }
        }

        #[test]
        fn a_regret_is_never_negative_and_a_stop_is_within_the_curve(
            values in prop::collection::vec(0.0..1.0_f64, 1..40),
            patience in 0..10_usize,
            maximize in any::<bool>(),
        ) {
            let curve = table("val_loss", &values);
            let mode = if maximize { "max" } else { "min" };
            let rule = rule(json!({"kind": "patience", "patience": patience, "mode": mode}));
            let outcome = replay("run", &curve, false, "", &rule).unwrap();
            prop_assert!(outcome.regret.is_some_and(|regret| regret >= 0.0));
            prop_assert!(outcome.best_epoch.is_some_and(|best| best <= outcome.epochs));
            prop_assert!(outcome.epochs <= values.len());
        }
    }
}
