//! How good a network's outputs are: its loss and the metrics of its task, over given rows.
//!
//! All sums are in 64 bits and in the order of the rows. Losses are means over examples. Outputs
//! are raw: logits, or numbers in standardised units.

mod classification;
mod mean;
mod probabilities;
mod regression;
mod rows;

pub use probabilities::{answer, probabilities};
pub use rows::{RowScores, row_scores};

use crate::config::data::Task;
use crate::config::training::Loss;
use crate::data::Targets;

/// Loss and metrics of one evaluation.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// Mean over examples; NaN where an output is NaN or there is no row.
    pub loss: f64,
    /// By the names and in the order of [`metric_names`]; none where a metric is not defined.
    pub metrics: Vec<(&'static str, Option<f64>)>,
}

const CLASSES: &[&str] = &["accuracy", "balanced_accuracy", "f1"];
const TWO_CLASSES: &[&str] = &["accuracy", "balanced_accuracy", "f1", "auc"];
const VALUES: &[&str] = &["r2", "mae", "rmse"];

/// Prechelt's error (PROBEN1, 1994): `100 (o_max - o_min) / (N P) sum (o - t)^2` over N outputs and P rows,
/// where the targets are coded from `o_min` = 0 to `o_max` = 1.
const SQUARED_ERROR: &str = "squared_error_percentage";

/// The metrics that [`score`] gives.
#[must_use]
pub fn metric_names(loss: Loss, targets: &Targets) -> Vec<&'static str> {
    let names = match targets.task() {
        Task::Classification if targets.width() == 2 => TWO_CLASSES,
        Task::Classification => CLASSES,
        Task::Regression => VALUES,
    };
    let squared_error = has_squared_error(loss, targets).then_some(SQUARED_ERROR);
    names.iter().copied().chain(squared_error).collect()
}

/// Whether what a network is to put out lies between 0 and 1: classes that are one-hot, or such numbers.
fn has_squared_error(loss: Loss, targets: &Targets) -> bool {
    match targets {
        Targets::Classes { .. } => loss == Loss::Mse,
        Targets::Values { values, mean, sd, .. } => {
            let rows = values.chunks_exact(mean.len());
            rows.flat_map(|row| row.iter().zip(mean.iter().zip(sd))).all(|(value, (mean, sd))| {
                let own = f64::from(*value) * sd + mean;
                (-ROUNDING..=1.0 + ROUNDING).contains(&own)
            })
        }
    }
}

/// How far a target between 0 and 1 may be from itself once it was standardised, in 32 bits.
const ROUNDING: f64 = 1e-5;

/// How many numbers a network has to put out.
#[must_use]
pub fn outputs(loss: Loss, targets: &Targets) -> usize {
    match loss {
        Loss::Bce => 1,
        Loss::CrossEntropy | Loss::Mse => targets.width(),
    }
}

/// The loss where none is named.
#[must_use]
pub fn default_loss(task: Task) -> Loss {
    match task {
        Task::Classification => Loss::CrossEntropy,
        Task::Regression => Loss::Mse,
    }
}

/// Refuses a loss that does not suit the targets.
///
/// # Errors
/// What does not fit, and which loss would.
pub fn check_loss(loss: Loss, targets: &Targets) -> Result<(), String> {
    match (loss, targets.task(), targets.width()) {
        (Loss::CrossEntropy, Task::Regression, _) => {
            Err("the loss `cross_entropy` needs classes, and the target is numeric: use `mse`"
                .to_owned())
        }
        (Loss::Bce, Task::Regression, _) => {
            Err("the loss `bce` needs two classes, and the target is numeric: use `mse`".to_owned())
        }
        (Loss::Bce, Task::Classification, classes) if classes != 2 => Err(format!(
            "the loss `bce` needs two classes, and there are {classes}: use `cross_entropy`"
        )),
        _ => Ok(()),
    }
}

/// What a network puts out that does not look at its inputs: the best constant by the rows it was trained
/// on, which is their shares of the classes, or their mean.
#[must_use]
#[allow(clippy::cast_precision_loss)] // rows are counted in 32 bits
pub fn constant_outputs(loss: Loss, targets: &Targets, train: &[u32]) -> Vec<f64> {
    let rows = train.len() as f64;
    match targets {
        Targets::Classes { labels, names } => {
            let mut counts = vec![0.0; names.len()];
            for row in train {
                counts[labels[*row as usize] as usize] += 1.0;
            }
            match loss {
                Loss::Mse => counts.iter().map(|count| count / rows).collect(),
                // A class without a row is not impossible.
                Loss::CrossEntropy => {
                    counts.iter().map(|count| f64::max(*count, 0.5).ln()).collect()
                }
                Loss::Bce => vec![f64::max(counts[1], 0.5).ln() - f64::max(counts[0], 0.5).ln()],
            }
        }
        Targets::Values { values, mean, .. } => {
            let width = mean.len();
            let of = |column: usize| {
                train
                    .iter()
                    .map(|row| f64::from(values[*row as usize * width + column]))
                    .sum::<f64>()
            };
            (0..width).map(|column| of(column) / rows).collect()
        }
    }
}

/// Scores `outputs`, one row of `width` numbers for each of `rows`. Targets of regressions are
/// compared in standardised units by the loss and in their own by the metrics.
///
/// A NaN among the outputs makes the loss and all metrics NaN, and so do outputs of another shape
/// than [`outputs`] names.
#[must_use]
pub fn score<T: Copy + Into<f64>>(
    loss: Loss,
    outputs: &[T],
    width: usize,
    targets: &Targets,
    rows: &[u32],
) -> Scores {
    let names = metric_names(loss, targets);
    let all = |value: Option<f64>| Scores {
        loss: f64::NAN,
        metrics: names.iter().map(|name| (*name, value)).collect(),
    };
    if rows.is_empty() {
        return all(None);
    }
    let wanted = self::outputs(loss, targets);
    let known = |row: &u32| (*row as usize) < targets.rows();
    let fits = width > 0
        && width == wanted
        && outputs.len() == width * rows.len()
        && rows.iter().all(known);
    let values: Vec<f64> = outputs.iter().map(|output| (*output).into()).collect();
    if !fits || values.iter().any(|value| value.is_nan()) {
        return all(Some(f64::NAN));
    }
    let (loss, metrics) = match targets {
        Targets::Classes { labels, names } => {
            let labels: Vec<usize> =
                rows.iter().map(|row| labels[*row as usize] as usize).collect();
            classification::score(loss, &values, width, &labels, names.len())
        }
        Targets::Values { values: targets, mean, sd, .. } => {
            regression::score(&values, targets, rows, mean, sd)
        }
    };
    Scores { loss, metrics: names.into_iter().zip(metrics).collect() }
}

#[cfg(test)]
mod tests;
