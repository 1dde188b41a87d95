//! Tables of one row a run, which hold no curves: what trackers export of a search.

use crate::logs::source::Source;

/// Tables of one row a run.
pub(in crate::logs) struct RunTables;

impl Source for RunTables {
    fn tool(&self) -> &'static str {
        "table of runs"
    }

    fn refuses(&self, names: &[String]) -> Option<&'static str> {
        let has = |wanted: &str| names.iter().any(|name| name == wanted);
        let any = |holds: fn(&str) -> bool| names.iter().any(|name| holds(name));
        if has("number")
            && has("state")
            && (has("value") || any(|name| name.starts_with("values_")))
        {
            return Some(
                "Optuna's table of trials has one row a trial, no curves: give the storage of the study, \
                 study.db or journal.log, which holds the intermediate values",
            );
        }
        if has("Name") && has("State") {
            return Some(
                "Weights & Biases' table of runs has one row a run, no curves: export a chart as CSV, write \
                 `run.history()` to a CSV file, or give the run-….wandb files of the runs' folders",
            );
        }
        let is_of_mlflow = |name: &str| name.starts_with("metrics.") || name.starts_with("params.");
        if has("run_id") && (has("artifact_uri") || has("experiment_id") || any(is_of_mlflow)) {
            return Some(
                "MLflow's table of runs has one row a run, no curves: give mlflow.db or the folder mlruns",
            );
        }
        let is_of_search = |name: &str| name.starts_with("mean_test_");
        if any(is_of_search) && (has("params") || any(|name| name.starts_with("param_"))) {
            return Some(
                "scikit-learn's table of a search has one row a candidate, no curves: dump `loss_curve_` and \
                 `validation_scores_` of the fitted estimators as JSON",
            );
        }
        None
    }
}
