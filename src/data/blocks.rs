//! Rows of numbers as a network takes them.

/// Rows of as many numbers each, in blocks of as many rows each: while one block after the other is
/// made, what it is made of can go.
#[derive(Debug, Clone, PartialEq)]
pub struct Blocks {
    width: usize,
    /// A block holds two to this power of rows; the last one perhaps fewer.
    log_rows: u32,
    values: Vec<Vec<f32>>,
}

impl Blocks {
    /// Blocks of `block_rows` rows, the last one perhaps of fewer, of `width` numbers each.
    ///
    /// # Panics
    /// Where `width` is 0, `block_rows` is no power of two, or a block has other rows than that.
    #[must_use]
    pub fn new(width: usize, block_rows: usize, blocks: Vec<Vec<f32>>) -> Self {
        let full = width * block_rows;
        assert!(width > 0 && block_rows.is_power_of_two(), "rows hold numbers, blocks rows");
        if let Some((last, others)) = blocks.split_last() {
            assert!(others.iter().all(|block| block.len() == full), "all but the last are full");
            assert!(last.len() <= full && last.len().is_multiple_of(width), "rows are whole");
        }
        Self { width, log_rows: block_rows.ilog2(), values: blocks }
    }

    /// The rows of `values`, which lie one behind the other.
    ///
    /// # Panics
    /// Where `width` is 0, or rows are not whole.
    #[must_use]
    pub fn of_rows(values: &[f32], width: usize) -> Self {
        let block_rows = 1024;
        let blocks = values.chunks((width * block_rows).max(1)).map(<[f32]>::to_vec).collect();
        Self::new(width, block_rows, blocks)
    }

    /// Numbers of a row.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// The rows, block by block: each block but the last has two to the power of
    /// [`log_rows`](Self::log_rows) of them.
    #[must_use]
    pub fn chunks(&self) -> &[Vec<f32>] {
        &self.values
    }

    /// See [`chunks`](Self::chunks).
    #[must_use]
    pub fn log_rows(&self) -> u32 {
        self.log_rows
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        let Some((last, others)) = self.values.split_last() else { return 0 };
        (others.len() << self.log_rows) + last.len() / self.width
    }

    /// One row.
    ///
    /// # Panics
    /// Where there is no such row.
    #[inline]
    #[must_use]
    pub fn row(&self, row: usize) -> &[f32] {
        let block = row >> self.log_rows;
        &self.values[block][(row - (block << self.log_rows)) * self.width..][..self.width]
    }

    /// All numbers, row behind row.
    #[must_use]
    pub fn to_vec(&self) -> Vec<f32> {
        self.values.concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_wherever_blocks_end() {
        for rows in [0, 1, 1023, 1024, 1025, 3000] {
            #[allow(clippy::cast_precision_loss)] // small
            let values: Vec<f32> = (0..3 * rows).map(|at| at as f32).collect();
            let blocks = Blocks::of_rows(&values, 3);
            assert_eq!((blocks.rows(), blocks.width()), (rows, 3));
            assert_eq!(blocks.to_vec(), values);
            for row in 0..rows {
                assert_eq!(blocks.row(row), &values[3 * row..3 * row + 3]);
            }
        }
    }
}
