//! The different cells of a column, each kept once, and a code for each row: so a column of text costs
//! four bytes a row.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use super::cell::Cell;
use super::level::{Fault, Level};
use super::number::Number;
use super::numbers::Numbers;
use crate::data::error::CellProblem;
use crate::data::row_chunks::CHUNK_ROWS;

/// The code of a missing cell.
pub const MISSING: u32 = u32::MAX;

/// The code of each row, in chunks of rows.
pub type Codes = Vec<Vec<u32>>;

/// Different cells and which of them each row holds.
#[derive(Default)]
pub(super) struct Dictionary {
    pub levels: Vec<Level>,
    code_of_text: HashMap<Box<[u8]>, u32, FixedState>,
    /// By the bits of numbers that were handed over as such.
    code_of_number: HashMap<u64, u32, FixedState>,
    pub codes: Codes,
    /// Whether a level is not a finite number.
    pub has_text: bool,
}

impl Dictionary {
    /// The code of a cell, if its level is known.
    #[inline]
    pub fn code(&self, cell: Cell) -> Option<u32> {
        match cell {
            Cell::Text(text) => self.code_of_text.get(text).copied(),
            Cell::Number(number) => self.code_of_number.get(&number.to_bits()).copied(),
            Cell::Missing => Some(MISSING),
        }
    }

    /// Takes the next row's code.
    #[inline]
    pub fn push(&mut self, code: u32) {
        if self.codes.last().is_none_or(|chunk| chunk.len() == CHUNK_ROWS) {
            self.codes.push(Vec::with_capacity(CHUNK_ROWS));
        }
        if let Some(chunk) = self.codes.last_mut() {
            chunk.push(code);
        }
    }

    /// Adds a level and gives its code.
    pub fn add(&mut self, text: &[u8], level: Level) -> u32 {
        // There are fewer levels than rows, and rows are counted in 32 bits.
        let code = u32::try_from(self.levels.len()).unwrap_or(MISSING);
        self.has_text |= !matches!(level.number, Number::Finite(_));
        self.code_of_text.insert(text.into(), code);
        self.levels.push(level);
        code
    }

    /// Adds a number, which is the same level as text that spells it so.
    pub fn add_number(&mut self, number: f64, level: Level) -> u32 {
        let name = level.name.clone();
        let code = match self.code_of_text.get(name.as_bytes()) {
            Some(code) => *code,
            None => self.add(name.as_bytes(), level),
        };
        self.code_of_number.insert(number.to_bits(), code);
        code
    }

    /// The numbers of all rows; see [`numbers`].
    pub fn into_numbers(self, exact_rows: usize) -> Result<WithText, Fault> {
        numbers(self.levels, self.codes, exact_rows)
    }
}

/// Numbers, and the first text among them and how many cells hold text.
pub type WithText = (Numbers, Option<(Level, usize)>);

/// The numbers that levels are; a fault where one is too large or not finite.
pub(super) fn numbers(
    levels: Vec<Level>,
    codes: Codes,
    exact_rows: usize,
) -> Result<WithText, Fault> {
    let value = |level: &Level| match level.number {
        Number::Finite(value) => Ok(value),
        Number::None => Ok(f64::NAN),
        Number::NotFinite | Number::TooLarge => Err(level.fault(CellProblem::Text)),
    };
    let values: Vec<f64> = levels.iter().map(value).collect::<Result<_, _>>()?;
    let mut numbers = Numbers::new(exact_rows);
    let mut text_cells = 0;
    for code in codes.into_iter().flatten() {
        let level = levels.get(code as usize);
        text_cells += usize::from(level.is_some_and(Level::is_text));
        numbers.push(values.get(code as usize).copied().unwrap_or(f64::NAN));
    }
    let text = levels.into_iter().find(Level::is_text).map(|level| (level, text_cells));
    Ok((numbers, text))
}
