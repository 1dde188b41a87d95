//! What rules take from a column: its measured values. An empty cell is passed over.

/// A column up to the last epoch, empty cells included.
pub(super) type Cells<'a> = &'a [Option<f64>];

/// The epochs (from 1) at which a column was measured, with its values.
pub(super) fn measured(cells: Cells) -> impl DoubleEndedIterator<Item = (usize, f64)> {
    cells.iter().enumerate().filter_map(|(index, cell)| Some((index + 1, (*cell)?)))
}

/// The last `count` measured values with their epochs, oldest first; `None` where there are fewer
/// or the last epoch was not measured: a rule is not fired by an epoch that says nothing.
pub(super) fn last(cells: Cells, count: usize) -> Option<Vec<(usize, f64)>> {
    cells.last().copied().flatten()?;
    let mut values: Vec<(usize, f64)> = measured(cells).rev().take(count).collect();
    values.reverse();
    (values.len() == count).then_some(values)
}

/// The mean of some values, summed from the oldest.
pub(super) fn mean(values: &[(usize, f64)]) -> f64 {
    values.iter().map(|(_, value)| value).sum::<f64>() / values.len() as f64
}

/// Epochs in a row, up to the last one, at which `holds`.
pub(super) fn in_a_row(holds: impl DoubleEndedIterator<Item = bool>) -> usize {
    holds.rev().take_while(|holds| *holds).count()
}

/// The count of epochs in a row where none is given.
pub(super) fn one() -> usize {
    1
}

/// Epochs of a strip where none are given, as in Prechelt's study.
pub(super) fn five() -> usize {
    5
}
