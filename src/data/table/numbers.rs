//! The numbers of a column, in chunks of rows.
//!
//! The first rows are kept in 64 bits. Further chunks are 32-bit distances from a base, off by at most
//! 2^-24 of themselves: without the base, a time in seconds since 1970 would lose its minutes. The
//! base is the middle of numbers that lie close together and 0 for others, as beside a number far off
//! the distances of all others would lose what tells these apart.

use std::borrow::Cow;

use crate::data::row_chunks::CHUNK_ROWS;

/// Numbers, NaN where a cell holds none.
#[derive(Debug, Clone)]
pub struct Numbers {
    full: Vec<Chunk>,
    /// The last chunk, while there is room.
    open: Vec<f64>,
    /// Chunks that are kept in 64 bits.
    exact: usize,
}

#[derive(Debug, Clone)]
enum Chunk {
    Exact(Vec<f64>),
    Near { base: f64, distances: Vec<f32> },
}

/// Rows of an input that are kept in 64 bits.
pub const EXACT_ROWS: usize = 1 << 15;

impl Numbers {
    /// No numbers yet, of which the first ones are kept in 64 bits.
    pub fn new(exact_rows: usize) -> Self {
        Self { full: Vec::new(), open: Vec::new(), exact: exact_rows / CHUNK_ROWS }
    }

    #[inline]
    pub fn push(&mut self, number: f64) {
        self.open.push(number);
        if self.open.len() == CHUNK_ROWS {
            self.close();
        }
    }

    fn close(&mut self) {
        let chunk = if self.full.len() < self.exact { None } else { Chunk::near(&self.open) };
        self.full.push(chunk.unwrap_or_else(|| Chunk::Exact(self.open.clone())));
        self.open.clear();
    }

    /// The numbers of a chunk of rows.
    pub fn chunk(&self, at: usize) -> Cow<'_, [f64]> {
        match self.full.get(at) {
            None => Cow::Borrowed(&self.open),
            Some(Chunk::Exact(numbers)) => Cow::Borrowed(numbers),
            Some(Chunk::Near { base, distances }) => {
                Cow::Owned(distances.iter().map(|distance| base + f64::from(*distance)).collect())
            }
        }
    }

    /// Those of all rows, by chunks.
    pub fn chunks(&self) -> impl Iterator<Item = Cow<'_, [f64]>> {
        (0..=self.full.len()).map(|at| self.chunk(at))
    }

    /// Puts those of some rows, which are in order, into `found`.
    pub fn find(&self, rows: &[u32], found: &mut Vec<f64>) {
        found.clear();
        for rows in rows.chunk_by(|one, next| chunk_of(*one) == chunk_of(*next)) {
            let chunk = self.chunk(chunk_of(rows[0]));
            found.extend(rows.iter().map(|row| chunk[*row as usize % CHUNK_ROWS]));
        }
    }

    /// Gives the memory of a chunk back.
    pub fn free(&mut self, at: usize) {
        if let Some(chunk) = self.full.get_mut(at) {
            *chunk = Chunk::Exact(Vec::new());
        }
    }
}

fn chunk_of(row: u32) -> usize {
    row as usize / CHUNK_ROWS
}

impl Chunk {
    /// None where even the largest distance is so small that 32 bits would lose its digits.
    fn near(numbers: &[f64]) -> Option<Self> {
        // What floats below the normal ones are off by is less than 2^-24 of this.
        const LEAST: f64 = 1e-30;
        let low = numbers.iter().copied().fold(f64::INFINITY, f64::min);
        let high = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let range = high - low;
        let are_close = 2.0 * range <= low.abs().max(high.abs());
        let base = if are_close { low + range / 2.0 } else { 0.0 };
        let largest = (high - base).max(base - low);
        if 0.0 < largest && largest < LEAST {
            return None;
        }
        #[allow(clippy::cast_possible_truncation)] // as the network computes
        let distances = numbers.iter().map(|number| (number - base) as f32).collect();
        Some(Self::Near { base, distances })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXACT: usize = EXACT_ROWS;

    fn column(numbers: &[f64], exact_rows: usize) -> Numbers {
        let mut column = Numbers::new(exact_rows);
        for number in numbers {
            column.push(*number);
        }
        column
    }

    fn there_and_back(numbers: &[f64]) -> Vec<f64> {
        column(numbers, EXACT).chunks().collect::<Vec<_>>().concat()
    }

    #[allow(clippy::cast_precision_loss)] // small
    fn numbers(of: impl Fn(f64) -> f64) -> Vec<f64> {
        (0..EXACT + 4 * CHUNK_ROWS + 3).map(|row| of(row as f64)).collect()
    }

    fn bits(numbers: &[f64]) -> Vec<u64> {
        numbers.iter().map(|number| number.to_bits()).collect()
    }

    #[test]
    fn the_first_rows_and_the_chunk_that_is_open_come_back_bit_for_bit() {
        let numbers = numbers(f64::sqrt);
        let back = there_and_back(&numbers);
        assert_eq!(back.len(), numbers.len());
        assert_eq!(bits(&back[..EXACT]), bits(&numbers[..EXACT]));
        assert_eq!(bits(&back[back.len() - 3..]), bits(&numbers[numbers.len() - 3..]));
        assert_ne!(bits(&back), bits(&numbers));
        let all = column(&numbers, usize::MAX);
        let back = all.chunks().collect::<Vec<_>>().concat();
        assert_eq!(bits(&back), bits(&numbers));
    }

    #[test]
    fn numbers_of_some_rows_are_found_in_their_chunks() {
        let mut column = column(&numbers(|row| row), EXACT);
        let rows = [0, 1, 1023, 1024, 5000, 32_767, 32_768, 36_866];
        let expected = rows.map(f64::from);
        let of_rows = |column: &Numbers, rows: &[u32]| {
            let mut found = vec![7.0];
            column.find(rows, &mut found);
            found
        };
        assert_eq!(of_rows(&column, &rows), expected);
        assert!(of_rows(&column, &[]).is_empty());
        column.free(1);
        assert_eq!(of_rows(&column, &rows[4..]), expected[4..]);
    }

    #[test]
    fn large_numbers_that_differ_little_keep_their_differences() {
        let numbers = numbers(|row| 1.7e9 + (row * 0.1).sin());
        let near = |(back, number): (f64, &f64)| (back - number).abs() <= 1e-7;
        assert!(there_and_back(&numbers).into_iter().zip(&numbers).all(near));
        let constant = numbers.iter().map(|_| 0.1 + 0.2).collect::<Vec<f64>>();
        assert_eq!(there_and_back(&constant), constant);
    }

    #[test]
    fn a_number_far_off_does_not_blur_those_around_it() {
        for far in [1e6, -1e30, 3e38] {
            let mut numbers = numbers(|row| (row * 0.1).sin() + 0.1 / 3.0);
            numbers[EXACT + CHUNK_ROWS + 7] = far;
            for (back, number) in there_and_back(&numbers).iter().zip(&numbers) {
                let most = number.abs() / f64::from(1 << 24);
                assert!((back - number).abs() <= most, "{back} {number}");
            }
        }
    }

    #[test]
    fn numbers_too_small_for_32_bits_keep_their_digits() {
        for (small, shift) in [(1e-33, 0.0), (1e-45, 0.0), (1e-60, 0.0), (1e-300, 1e-290)] {
            let numbers = numbers(|row| row.sqrt() * small + shift);
            assert_eq!(bits(&there_and_back(&numbers)), bits(&numbers));
        }
    }

    #[test]
    fn cells_without_a_number_stay_so() {
        let numbers = numbers(|row| if row % 3.0 == 0.0 { f64::NAN } else { row });
        for (back, number) in there_and_back(&numbers).iter().zip(&numbers) {
            assert!(back == number || back.is_nan() && number.is_nan());
        }
        let none = vec![f64::NAN; EXACT + 2 * CHUNK_ROWS];
        assert!(there_and_back(&none).iter().all(|number| number.is_nan()));
    }
}
