//! What each row adds to the metrics that are means over rows.

use super::{classification, outputs as wanted_outputs, regression};
use crate::config::training::Loss;
use crate::data::Targets;

/// The parts of a mean over rows: a column per metric, a value per row.
pub type RowScores = Vec<(&'static str, Vec<f64>)>;

/// Of `outputs`, one row of `width` numbers for each of `rows`: the loss of each row and, of classes,
/// whether the answer is right (`accuracy`, 1 or 0), of numbers the absolute error (`mae`), in the
/// units that [`score`](super::score) has them in. The mean of a column is that metric.
///
/// Empty where the outputs have another shape than [`outputs`](super::outputs) names.
#[must_use]
pub fn row_scores<T: Copy + Into<f64>>(
    loss: Loss,
    outputs: &[T],
    width: usize,
    targets: &Targets,
    rows: &[u32],
) -> RowScores {
    let fits = width > 0
        && width == wanted_outputs(loss, targets)
        && outputs.len() == width * rows.len()
        && rows.iter().all(|row| (*row as usize) < targets.rows());
    if !fits {
        return Vec::new();
    }
    let values: Vec<f64> = outputs.iter().map(|output| (*output).into()).collect();
    let pairs = || values.chunks_exact(width).zip(rows.iter().map(|row| *row as usize));
    match targets {
        Targets::Classes { labels, .. } => {
            let label = |row: usize| labels[row] as usize;
            let losses =
                pairs().map(|(of_row, row)| classification::row_loss(loss, of_row, label(row)));
            let hits = pairs().map(|(of_row, row)| {
                // No answer is right where an output is NaN.
                let is_nan = of_row.iter().any(|output| output.is_nan());
                let is_hit = classification::answer(of_row) == label(row);
                if is_nan { f64::NAN } else { f64::from(u8::from(is_hit)) }
            });
            vec![("loss", losses.collect()), ("accuracy", hits.collect())]
        }
        Targets::Values { values: targets, sd, .. } => {
            let of_row = |row: usize| &targets[row * width..][..width];
            let losses = pairs().map(|(outputs, row)| regression::row_loss(outputs, of_row(row)));
            let errors = pairs()
                .map(|(outputs, row)| regression::row_absolute_error(outputs, of_row(row), sd));
            vec![("loss", losses.collect()), ("mae", errors.collect())]
        }
    }
}
