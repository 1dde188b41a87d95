//! One of the different cells of a column.

use super::cell::Cell;
use super::number::{self, Number};
use crate::data::error::{CellProblem, Location};

/// Longer cells are text to read, or a quote that was left open; as levels they would go with the
/// weights.
const LONGEST_CELL: usize = 65_536;

/// What is wrong with a column, and in which cell it was first met.
pub type Fault = (Location, CellProblem);

/// A name for some of the rows, or a number as it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    pub name: String,
    pub number: Number,
    pub first: Location,
}

impl Level {
    /// The level of a cell that holds something, unless it is too long or not text.
    pub fn new(cell: Cell, first: Location) -> Result<Self, Fault> {
        let text = match cell {
            Cell::Missing => b"",
            Cell::Text(text) => text,
            Cell::Number(value) => {
                return Ok(Self { name: value.to_string(), number: Number::of(value), first });
            }
        };
        if text.len() > LONGEST_CELL {
            return Err((first, CellProblem::TooLong(text.len())));
        }
        let name = std::str::from_utf8(text).map_err(|_| (first, CellProblem::NotUtf8))?;
        if text.contains(&0) {
            return Err((first, CellProblem::Nul));
        }
        Ok(Self { name: name.to_owned(), number: Number::parse(text), first })
    }

    /// A level that the file names before its first row.
    pub fn declared(name: &str) -> Self {
        let number = Number::parse(name.as_bytes());
        Self { name: name.to_owned(), number, first: Location::default() }
    }

    /// Whether it is not a number.
    pub fn is_text(&self) -> bool {
        self.number == Number::None
    }

    /// As what should be a number; `text` is the problem of plain text.
    pub fn fault(&self, text: fn(String) -> CellProblem) -> Fault {
        (self.first, number::problem_of(self.name.as_bytes(), text))
    }
}
