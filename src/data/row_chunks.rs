//! Rows of numbers as a network takes them.

/// Rows of a chunk: a power of two.
pub(super) const CHUNK_ROWS: usize = 1 << RowChunks::LOG_ROWS;

/// Rows of as many numbers each, in chunks of as many rows each: while one chunk after the other is
/// made, what it is made of can go.
#[derive(Debug, Clone, PartialEq)]
pub struct RowChunks {
    width: usize,
    /// All but the last are full.
    chunks: Vec<Vec<f32>>,
}

impl RowChunks {
    /// A chunk has two to this power of rows, the last one perhaps fewer.
    pub const LOG_ROWS: u32 = 10;

    /// Rows of `width` numbers each.
    ///
    /// # Panics
    /// Where `width` is 0, or a chunk does not have its rows.
    #[must_use]
    pub fn new(width: usize, chunks: Vec<Vec<f32>>) -> Self {
        assert!(width > 0, "rows hold numbers");
        let full = width * CHUNK_ROWS;
        if let Some((last, others)) = chunks.split_last() {
            assert!(others.iter().all(|chunk| chunk.len() == full), "all but the last are full");
            assert!(last.len() <= full && last.len().is_multiple_of(width), "rows are whole");
        }
        Self { width, chunks }
    }

    /// The rows of `values`, which lie one behind the other.
    ///
    /// # Panics
    /// Where `width` is 0, or rows are not whole.
    #[must_use]
    pub fn of_rows(values: &[f32], width: usize) -> Self {
        let chunks = values.chunks((width * CHUNK_ROWS).max(1)).map(<[f32]>::to_vec).collect();
        Self::new(width, chunks)
    }

    /// Numbers of a row.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// The rows, chunk by chunk: each chunk but the last has two to the power of
    /// [`LOG_ROWS`](Self::LOG_ROWS) of them.
    #[must_use]
    pub fn chunks(&self) -> &[Vec<f32>] {
        &self.chunks
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        let Some((last, others)) = self.chunks.split_last() else { return 0 };
        others.len() * CHUNK_ROWS + last.len() / self.width
    }

    /// One row.
    ///
    /// # Panics
    /// Where there is no such row.
    #[inline]
    #[must_use]
    pub fn row(&self, row: usize) -> &[f32] {
        &self.chunks[row / CHUNK_ROWS][row % CHUNK_ROWS * self.width..][..self.width]
    }

    /// All numbers, row behind row.
    #[must_use]
    pub fn to_vec(&self) -> Vec<f32> {
        self.chunks.concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_wherever_chunks_end() {
        for rows in [0, 1, 1023, 1024, 1025, 3000] {
            #[allow(clippy::cast_precision_loss)] // small
            let values: Vec<f32> = (0..3 * rows).map(|at| at as f32).collect();
            let chunks = RowChunks::of_rows(&values, 3);
            assert_eq!((chunks.rows(), chunks.width()), (rows, 3));
            assert_eq!(chunks.to_vec(), values);
            for row in 0..rows {
                assert_eq!(chunks.row(row), &values[3 * row..3 * row + 3]);
            }
        }
    }
}
