//! Which rows form which batch: a new order each epoch, the same for every arm of a seed.

use std::ops::Range;

use crate::config::Config;
use crate::config::model::RunningStatistics;
use crate::config::training::BatchSize;
use crate::data::Dataset;

/// The places in an epoch's order that form each batch.
///
/// A last batch below max(2, size / 4) rows joins the one before, whatever the norm, so that no
/// batch is too small for batch statistics and all arms take the same number of steps.
#[must_use]
pub fn ranges(rows: usize, size: BatchSize) -> Vec<Range<usize>> {
    let size = match size {
        BatchSize::Rows(size) => size,
        BatchSize::Full => rows.max(1),
    };
    let mut ranges: Vec<Range<usize>> =
        (0..rows).step_by(size).map(|start| start..rows.min(start + size)).collect();
    if let [.., before, last] = &mut ranges[..]
        && (last.len() < 2 || 4 * last.len() < size)
    {
        before.end = last.end;
        ranges.pop();
    }
    ranges
}

/// The batches by which running statistics are recalibrated: the same before each evaluation, of the
/// training's size, drawn from the training rows.
pub struct Recalibration {
    order: Vec<u32>,
    ranges: Vec<Range<usize>>,
}

impl Recalibration {
    /// That of a training; none where its norm measures nothing anew.
    #[must_use]
    pub fn of(config: &Config, data: &Dataset) -> Option<Self> {
        let statistics = config.model.norm_in_use()?.running_statistics()?;
        let RunningStatistics::Recalibrate { rows } = statistics else { return None };
        let mut order = data.splits.train.clone();
        config.seed.stream("recalibration", 0).shuffle(&mut order);
        order.truncate(rows);
        let ranges = ranges(order.len(), config.training.batch_size);
        Some(Self { order, ranges })
    }

    /// The rows of each batch.
    #[must_use]
    pub fn batches(&self) -> Vec<&[u32]> {
        self.ranges.iter().map(|range| &self.order[range.clone()]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lengths(rows: usize, size: usize) -> Vec<usize> {
        ranges(rows, BatchSize::Rows(size)).into_iter().map(|range| range.len()).collect()
    }

    #[test]
    fn a_small_last_batch_joins_the_one_before() {
        assert_eq!(lengths(64, 32), [32, 32]);
        assert_eq!(lengths(72, 32), [32, 32, 8]);
        assert_eq!(lengths(71, 32), [32, 39]);
        assert_eq!(lengths(5, 4), [5]);
        assert_eq!(lengths(6, 4), [4, 2]);
        assert_eq!(lengths(3, 32), [3]);
        assert_eq!(lengths(3, 1), [1, 2]);
        assert_eq!(ranges(7, BatchSize::Full), vec![0..7]);
        assert_eq!(BatchSize::Full.steps(7), 1);
    }

    proptest! {
        #[test]
        fn every_row_is_in_exactly_one_batch(rows in 1_usize..500, size in 1_usize..80) {
            let ranges = ranges(rows, BatchSize::Rows(size));
            prop_assert_eq!(ranges[0].start, 0);
            prop_assert_eq!(ranges[ranges.len() - 1].end, rows);
            prop_assert!(ranges.windows(2).all(|pair| pair[0].end == pair[1].start));
            prop_assert!(ranges.iter().all(|range| !range.is_empty()));
            prop_assert_eq!(BatchSize::Rows(size).steps(rows), ranges.len());
        }
    }
}
