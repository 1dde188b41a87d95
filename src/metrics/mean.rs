//! The mean of what is measured row by row.

/// Mean; NaN of nothing.
#[allow(clippy::cast_precision_loss)] // numbers of rows, classes or targets
pub(super) fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}
