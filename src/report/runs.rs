//! Every arm at every seed as CSV.

use std::io;

use super::csv::{FactorColumns, float};
use crate::compare::CLOCK_SUFFIX;
use crate::compare::runs::RunOf;
use crate::config::Factors;
use crate::results::Status;

/// Rows while they come.
#[derive(Debug, Default)]
pub struct Runs {
    rows: Vec<Row>,
    /// Names of metrics, in the order in which they first occur.
    metrics: Vec<String>,
}

#[derive(Debug)]
struct Row {
    experiment: String,
    factors: Factors,
    seed: u64,
    dir: String,
    status: &'static str,
    stop_reason: Option<String>,
    best_epoch: Option<usize>,
    epochs: usize,
    metrics: Vec<(usize, f64)>,
}

impl Runs {
    /// Adds an arm at a seed. What a clock said is left out: the same trainings give the same bytes.
    pub fn push(&mut self, run: &RunOf) {
        let mut metrics = Vec::new();
        let is_shown = |name: &&String| *name != "epochs" && !name.ends_with(CLOCK_SUFFIX);
        for name in run.arm.metrics.keys().filter(is_shown) {
            let known = self.metrics.iter().position(|known| known == name);
            let at = known.unwrap_or_else(|| {
                self.metrics.push(name.clone());
                self.metrics.len() - 1
            });
            metrics.extend(run.arm.metrics[name].as_f64().map(|value| (at, value)));
        }
        self.rows.push(Row {
            experiment: run.experiment.to_owned(),
            factors: run.factors.clone(),
            seed: run.seed,
            dir: run.dir.to_owned(),
            status: status(&run.arm.status),
            stop_reason: run.arm.stop_reason.clone(),
            best_epoch: run.arm.best_epoch,
            epochs: run.arm.epochs,
            metrics,
        });
    }

    /// The table. A column without a cell is left out.
    ///
    /// # Errors
    /// None in practice: memory takes all.
    pub fn finish(self) -> Result<String, csv::Error> {
        let columns = FactorColumns::of(self.rows.iter().map(|row| &row.factors));
        let has_reason = self.rows.iter().any(|row| row.stop_reason.is_some());
        let has_best = self.rows.iter().any(|row| row.best_epoch.is_some());
        let there: Vec<usize> = (0..self.metrics.len())
            .filter(|at| self.rows.iter().any(|row| row.metrics.iter().any(|(of, _)| of == at)))
            .collect();
        let mut table = csv::Writer::from_writer(Vec::new());
        let mut header = vec!["experiment".to_owned()];
        header.extend(columns.names());
        header.extend(["seed", "training", "status"].map(str::to_owned));
        header.extend(has_reason.then(|| "stop_reason".to_owned()));
        header.push("epochs".to_owned());
        header.extend(has_best.then(|| "best_epoch".to_owned()));
        header.extend(there.iter().map(|at| self.metrics[*at].clone()));
        table.write_record(&header)?;
        for row in &self.rows {
            let mut cells = vec![row.experiment.clone()];
            cells.extend(columns.cells(&row.factors));
            cells.extend([row.seed.to_string(), row.dir.clone(), row.status.to_owned()]);
            cells.extend(has_reason.then(|| row.stop_reason.clone().unwrap_or_default()));
            cells.push(row.epochs.to_string());
            let best = row.best_epoch.map_or(String::new(), |epoch| epoch.to_string());
            cells.extend(has_best.then_some(best));
            cells.extend(there.iter().map(|at| {
                let value = row.metrics.iter().find(|(of, _)| of == at);
                value.map_or(String::new(), |(_, value)| float(*value))
            }));
            table.write_record(&cells)?;
        }
        let bytes = table.into_inner().map_err(csv::IntoInnerError::into_error)?;
        String::from_utf8(bytes).map_err(|error| io::Error::other(error).into())
    }
}

/// As `run.json` writes it.
fn status(status: &Status) -> &'static str {
    match status {
        Status::Completed => "completed",
        Status::Stopped => "stopped",
        Status::Diverged => "diverged",
        Status::Interrupted => "interrupted",
        Status::Failed => "failed",
    }
}
