//! From a recorded curve to what an arm makes of it: the same after a training and on reuse.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::layout::weights_file_name;
use super::record::{ArmRecord, FullRun, Status};
use crate::config::Factors;
use crate::history::{CPU, ELAPSED, EpochTable, is_metric};
use crate::stopping::{StopPoint, StopStatus, StoppingRule};

/// Metrics by column name; `None`: undefined.
pub type Named = Vec<(String, Option<f64>)>;

/// A recorded training, about to be read by arms.
pub struct RecordedTraining<'a> {
    /// Every epoch.
    pub table: &'a EpochTable,
    /// Epochs that the config allows.
    pub epochs: usize,
    /// Test metrics that the table does not hold, by the name of their weights file; of an arm that
    /// keeps none, they are undefined.
    pub test_metrics: &'a BTreeMap<Option<String>, Named>,
}

/// Whether a training ended with a loss that is not finite.
#[must_use]
pub fn has_diverged(table: &EpochTable) -> bool {
    ["train_loss", "val_loss"]
        .iter()
        .filter_map(|name| table.cell(name, table.len()))
        .any(|loss| !loss.is_finite())
}

impl RecordedTraining<'_> {
    /// What an arm makes of the training; `kept` is the epoch whose weights it keeps.
    #[must_use]
    pub fn arm(
        &self,
        factors: &Factors,
        rule: &StoppingRule,
        stop: &StopPoint,
        kept: Option<usize>,
    ) -> ArmRecord {
        let (status, stop_reason) = match stop.status {
            StopStatus::Completed => (Status::Completed, None),
            StopStatus::Stopped => (Status::Stopped, Some(rule.kind())),
            StopStatus::Diverged => (Status::Diverged, Some("diverged")),
        };
        let weights = kept.map(weights_file_name);
        let mut metrics = self.metrics(kept);
        for (name, value) in self.test_metrics.get(&weights).into_iter().flatten() {
            metrics.insert(name.clone(), number(*value));
        }
        metrics.insert("epochs".to_owned(), stop.epochs.into());
        self.insert_clocks(&mut metrics, stop.epochs);
        ArmRecord {
            factors: factors.clone(),
            rule: rule_table(rule).into(),
            exploratory: false,
            status,
            stop_epoch: stop_reason.map(|_| stop.epochs),
            stop_reason: stop_reason.map(str::to_owned),
            best_epoch: stop.best.map(|(epoch, _)| epoch),
            epochs: stop.epochs,
            weights,
            metrics,
            full_run: self.full_run(rule),
        }
    }

    /// Of the weights at the end of an epoch; undefined where there are none.
    fn metrics(&self, epoch: Option<usize>) -> Map<String, Value> {
        let value = |name: &str| epoch.and_then(|epoch| self.table.cell(name, epoch));
        let names = self.table.names().iter().filter(|name| is_metric(name));
        names.map(|name| (name.clone(), number(value(name)))).collect()
    }

    /// Seconds up to the end of an epoch, of the processors where these are known.
    fn insert_clocks(&self, metrics: &mut Map<String, Value>, epoch: usize) {
        metrics.insert(ELAPSED.to_owned(), number(self.table.cell(ELAPSED, epoch)));
        if let Some(seconds) = self.table.cell(CPU, epoch) {
            metrics.insert(CPU.to_owned(), seconds.into());
        }
    }

    fn full_run(&self, rule: &StoppingRule) -> Option<FullRun> {
        let epochs = self.table.len();
        if epochs < self.epochs || has_diverged(self.table) {
            return None;
        }
        let (best_epoch, _) = rule.monitored.best(&self.table.history(epochs))?;
        let mut metrics = self.metrics(Some(best_epoch));
        let weights = Some(weights_file_name(best_epoch));
        for (name, value) in self.test_metrics.get(&weights).into_iter().flatten() {
            metrics.insert(name.clone(), number(*value));
        }
        self.insert_clocks(&mut metrics, epochs);
        Some(FullRun { epochs, best_epoch, metrics })
    }

    /// What an arm makes of a training that was recorded earlier; `None` where the record does not
    /// reach far enough, lacks a column, or lacks the weights that the arm keeps.
    #[must_use]
    pub fn arm_of_earlier(
        &self,
        factors: &Factors,
        rule: &StoppingRule,
        has_weights: impl Fn(&str) -> bool,
    ) -> Option<ArmRecord> {
        let recorded = |column: &&str| self.table.column(column).is_some();
        if !rule.columns().iter().all(recorded) {
            return None;
        }
        let stop = rule.read(self.table);
        if stop.status == StopStatus::Completed && self.table.len() < self.epochs {
            return None;
        }
        let kept =
            if rule.restore_best { stop.best.map(|(epoch, _)| epoch) } else { Some(stop.epochs) };
        if kept.is_some_and(|epoch| !has_weights(&weights_file_name(epoch))) {
            return None;
        }
        Some(self.arm(factors, rule, &stop, kept))
    }
}

/// A rule as results hold it.
#[must_use]
pub fn rule_table(rule: &StoppingRule) -> Map<String, Value> {
    match serde_json::to_value(rule) {
        Ok(Value::Object(table)) => table,
        _ => Map::new(),
    }
}

/// Whether two rules differ in nothing but the weights that they keep.
#[must_use]
pub fn fire_alike(one: &Map<String, Value>, other: &Map<String, Value>) -> bool {
    let decides = |(key, _): &(&String, &Value)| *key != "restore_best";
    let settings = |rule: &Map<String, Value>| rule.iter().filter(decides).count();
    settings(one) == settings(other)
        && one.iter().filter(decides).all(|(key, value)| other.get(key) == Some(value))
}

/// JSON has no NaN and no infinity: they become null.
fn number(value: Option<f64>) -> Value {
    value.map_or(Value::Null, Value::from)
}
