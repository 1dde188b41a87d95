//! What another stopping rule would have made of a recorded training.
//!
//! The rule is asked epoch by epoch as in training, so a replay of the rule that was live gives
//! what happened. It cannot look beyond the recording: where the training had itself been
//! stopped, the regret is a lower bound.

use serde::Serialize;

use crate::history::{EpochTable, TEST_PREFIX};
use crate::kinds::list;
use crate::stopping::{Ending, StoppingRule};

/// What a rule would have done.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Replayed {
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
    /// Nothing was recorded.
    #[error("no epoch is recorded")]
    NoEpoch,
}

/// Reads a recorded training under a rule.
///
/// # Errors
/// Where the table has no epoch, or a column that the rule reads is missing.
#[allow(clippy::cast_precision_loss)] // epochs are far below 2^53
pub fn replay(
    path: &str,
    table: &EpochTable,
    truncated: bool,
    criterion: &str,
    rule: &StoppingRule,
) -> Result<Replayed, ReplayError> {
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
            columns: (!there.is_empty()).then(|| list(&there)),
        });
    }
    let reading = rule.read(table);
    let (stop_epoch, stop_reason) = match reading.ending {
        Ending::Completed => (None, None),
        Ending::Stopped => (Some(reading.epochs), Some(rule.kind())),
        Ending::Diverged => (Some(reading.epochs), Some("diverged")),
    };
    let sign = if rule.monitored.maximize { -1.0 } else { 1.0 };
    let regret = |(_, value): (usize, f64)| {
        let (_, best) = rule.monitored.best(&whole)?;
        // Not `sign * 0`, which would be -0 where larger is better.
        Some(if value == best { 0.0 } else { sign * (value - best) })
    };
    Ok(Replayed {
        path: path.to_owned(),
        criterion: criterion.to_owned(),
        monitor: rule.monitored.column.clone(),
        stop_epoch,
        stop_reason,
        best_epoch: reading.best.map(|(epoch, _)| epoch),
        best_value: reading.best.map(|(_, value)| value),
        epochs: reading.epochs,
        epochs_saved: Some(1.0 - reading.epochs as f64 / table.len() as f64),
        regret: reading.best.and_then(regret),
        truncated,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

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
        let replayed = replay("run", &curve, false, "patience(patience=2)", &rule).unwrap();
        assert_eq!(
            serde_json::to_value(&replayed).unwrap(),
            json!({"path": "run", "criterion": "patience(patience=2)", "monitor": "val_loss",
                "stop_epoch": 4, "stop_reason": "patience", "best_epoch": 2, "best_value": 0.5,
                "epochs": 4, "epochs_saved": 1.0 - 0.8, "regret": 0.25, "truncated": false})
        );
    }

    #[test]
    fn a_rule_that_never_fires_reads_the_whole_curve() {
        let curve = table("val_accuracy", &[0.5, 0.75, 0.625]);
        let rule = rule(json!({"kind": "patience", "patience": 9, "monitor": "val_accuracy"}));
        let replayed = replay("run", &curve, true, "patience", &rule).unwrap();
        assert_eq!((replayed.stop_epoch, replayed.stop_reason), (None, None));
        assert_eq!((replayed.epochs, replayed.epochs_saved), (3, Some(0.0)));
        assert_eq!((replayed.best_epoch, replayed.regret), (Some(2), Some(0.0)));
        assert!(replayed.truncated);
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
        let replayed =
            replay("run", &curve, false, "none", &rule(json!({"kind": "none"}))).unwrap();
        assert_eq!((replayed.stop_epoch, replayed.stop_reason), (Some(1), Some("diverged")));
        assert_eq!((replayed.best_epoch, replayed.regret), (None, None));
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

    proptest! {
        #[test]
        fn a_regret_is_never_negative_and_a_stop_is_within_the_curve(
            values in prop::collection::vec(0.0..1.0_f64, 1..40),
            patience in 0..10_usize,
            maximize in any::<bool>(),
        ) {
            let curve = table("val_loss", &values);
            let mode = if maximize { "max" } else { "min" };
            let rule = rule(json!({"kind": "patience", "patience": patience, "mode": mode}));
            let replayed = replay("run", &curve, false, "", &rule).unwrap();
            prop_assert!(replayed.regret.is_some_and(|regret| regret >= 0.0));
            prop_assert!(replayed.best_epoch.is_some_and(|best| best <= replayed.epochs));
            prop_assert!(replayed.epochs <= values.len());
        }
    }
}
