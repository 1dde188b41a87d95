//! What was compared, as a report names it.

use std::path::Path;

use serde::Serialize;

use super::tuned::TunedValues;
use crate::config::Factor;
use crate::results::TrainingRecord;

/// One experiment, or several plain ones that share data and split.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExperimentSummary {
    /// Its name; `a + b` of plain ones.
    pub name: String,
    /// The metric of the verdict.
    pub metric: String,
    /// What its first training was trained on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<DataSummary>,
    /// What differs among its arms.
    pub factors: Vec<Factor>,
    /// Whether larger values of the metric are better.
    #[serde(skip)]
    pub maximize: bool,
    /// Whether each seed has its own split of the rows; none where the logs of another tool do not tell.
    pub split_per_seed: Option<bool>,
    /// Of trainings of another tool, the epoch whose values are compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept: Option<String>,
    /// What `[tune]` chose.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tuning: Vec<TunedValues>,
}

/// Data, and how many rows each split has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DataSummary {
    /// A built-in set, or a file's name.
    pub source: String,
    /// Rows trained on.
    pub train_rows: u64,
    /// Rows that rules look at.
    pub validation_rows: u64,
    /// Rows that nothing looks at before the end.
    pub test_rows: u64,
}

impl DataSummary {
    /// That of a training, as its record tells it; none of a record by an earlier version.
    pub(super) fn of(run: &TrainingRecord) -> Option<Self> {
        let source = Path::new(run.config.get("data")?.get("source")?.as_str()?).file_name()?;
        let rows = |part: &str| run.data.get(part)?.as_u64();
        Some(Self {
            source: source.to_string_lossy().into_owned(),
            train_rows: rows("train_rows")?,
            validation_rows: rows("validation_rows")?,
            test_rows: rows("test_rows")?,
        })
    }
}
