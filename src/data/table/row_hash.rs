//! Rows by a hash of what is written in them, so that those which are word for word the same are found.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::FixedState;

use super::cell::Cell;

/// The hash of a row, of its cells in any order.
#[derive(Default)]
pub struct RowHash {
    state: FixedState,
    hash: u64,
}

impl RowHash {
    /// Begins a row.
    pub fn begin(&mut self) {
        self.hash = 0;
    }

    /// Takes its cell of a column.
    #[inline]
    pub fn push(&mut self, column: usize, cell: Cell) {
        let mut hasher = self.state.build_hasher();
        match cell {
            Cell::Text(text) => hasher.write(text),
            Cell::Number(number) => hasher.write_u64(number.to_bits()),
            Cell::Missing => {}
        }
        let of_cell = hasher.finish();
        // The same cell in another column is another one.
        let mixed = (of_cell ^ column as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.hash = self.hash.wrapping_add(mixed ^ (mixed >> 32));
    }

    /// That of the row.
    pub fn of_row(&self) -> u64 {
        self.hash
    }
}
