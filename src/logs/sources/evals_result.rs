//! What boosters hand over: `XGBoost`'s `evals_result` and `LightGBM`'s `record_evaluation`, dumped as JSON, which
//! do not say whose they are.

use crate::logs::assemble::{self, column};
use crate::logs::input::Origin;
use crate::logs::json::Json;
use crate::logs::source::{Drafts, Source};
use crate::logs::training::Draft;

use super::xgboost;

/// `XGBoost` or `LightGBM`.
pub(in crate::logs) struct EvalsResult;

impl Source for EvalsResult {
    fn tool(&self) -> &'static str {
        "evals_result"
    }

    fn json(&self, json: &Json, origin: &Origin) -> Option<Drafts> {
        let sets = json.entries().filter(|sets| !sets.is_empty())?;
        let mut columns: Vec<(String, Vec<Option<f64>>)> = Vec::new();
        for (set, metrics) in sets {
            // What pandas writes has rows below columns.
            let metrics = metrics.entries().filter(|metrics| !metrics.is_empty())?;
            for (metric, values) in metrics {
                columns.push((format!("{set}.{metric}"), column(values)?));
            }
        }
        let rows = assemble::columns(origin, &columns, 1);
        Some(rows.map(|rows| {
            // `LightGBM` calls the rows that it learns from `training`.
            let is_lightgbm = sets.iter().any(|(set, _)| {
                &**set == "training"
                    || set.strip_prefix("valid_").is_some_and(|n| n.parse::<u32>().is_ok())
            });
            let tool = if is_lightgbm { "lightgbm" } else { "xgboost" };
            let mut draft = Draft::new(&origin.stem, tool, origin.path.clone(), rows);
            draft.rows_are_epochs = true;
            // `XGBoost` stops by the last metric of the last set.
            draft.monitor = columns.last().map(|(name, _)| name.clone());
            if is_lightgbm {
                xgboost::watch(&mut draft);
            }
            vec![draft]
        }))
    }
}
