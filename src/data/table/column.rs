//! What a column turned out to hold.

use std::borrow::Cow;

use super::dictionary::Codes;
use super::level::{Fault, Level};
use super::looks::Looks;
use super::number;
use super::numbers::Numbers;
use crate::data::error::CellProblem;
use crate::data::row_chunks::CHUNK_ROWS;

/// More levels than this are names of rows, not of groups.
pub const MOST_LEVELS: usize = 1000;

/// So few different values are groups even of very few rows.
pub const FEW_VALUES: usize = 20;

/// A column of which all rows are in.
#[derive(Debug, Clone)]
pub struct Column {
    pub values: Values,
    /// Missing cells.
    pub missing: usize,
    pub looks: Looks,
    /// Whether the numbers count or name the rows.
    pub counts_rows: bool,
}

#[derive(Debug, Clone)]
pub enum Values {
    /// `text`: the first cell of text and how many there are, before that is refused.
    Numbers { numbers: Numbers, text: Option<(Level, usize)> },
    /// What the codes stand for, as they first occur.
    Levels { levels: Vec<Level>, codes: Codes, categorical: bool },
    /// More than [`MOST_LEVELS`].
    TooManyLevels,
}

/// Text in under one cell of a hundred is not a level.
pub(super) fn are_slips(text_cells: usize, present: usize) -> bool {
    text_cells * 100 < present
}

impl Column {
    /// How often each level occurs, and behind these how often a cell is missing; in the rows
    /// named, which are in order, or in all. None of what has no levels.
    pub fn counts(&self, rows: Option<&[u32]>) -> Vec<usize> {
        let Values::Levels { levels, codes, .. } = &self.values else { return Vec::new() };
        let mut counts = vec![0; levels.len() + 1];
        let mut count = |code: u32| counts[(code as usize).min(levels.len())] += 1;
        match rows {
            None => codes.iter().flatten().for_each(|code| count(*code)),
            Some(rows) => rows.iter().for_each(|row| {
                count(codes[*row as usize / CHUNK_ROWS][*row as usize % CHUNK_ROWS]);
            }),
        }
        counts
    }

    /// Whether it has no more different values than groups have.
    pub fn has_few_values(&self) -> bool {
        match &self.values {
            Values::Levels { levels, .. } => levels.len() <= FEW_VALUES,
            Values::Numbers { numbers, .. } => {
                let mut seen: Vec<u64> = Vec::new();
                let mut all = numbers.chunks().flat_map(Cow::into_owned);
                all.all(|number| {
                    if !seen.contains(&number.to_bits()) {
                        seen.push(number.to_bits());
                    }
                    seen.len() <= FEW_VALUES
                })
            }
            Values::TooManyLevels => false,
        }
    }

    /// Refuses text in a column that is numeric by its training rows, wherever the text stands:
    /// under one training cell of a hundred is text, or all of it is numbers with a decimal comma and
    /// nothing else.
    /// `counts`: those of the training rows.
    pub fn check(&self, counts: &[usize]) -> Result<(), Fault> {
        let Values::Levels { levels, categorical: false, .. } = &self.values else { return Ok(()) };
        let counts = &counts[..levels.len()];
        let text = || levels.iter().zip(counts).filter(|(level, _)| level.is_text());
        let trained = || text().filter(|(_, count)| **count > 0).map(|(level, _)| level);
        let text_cells = text().map(|(_, count)| count).sum();
        let present: usize = counts.iter().sum();
        let has_comma = |level: &&Level| number::is_decimal_comma(level.name.as_bytes());
        let slip = trained().next().or_else(|| text().map(|(level, _)| level).next());
        // Cells that look as if they held nothing are no text here.
        let mut words = trained().filter(|level| !number::is_marker(&level.name));
        let with_comma = trained().find(has_comma).filter(|_| words.all(|word| has_comma(&word)));
        match (slip, with_comma) {
            (Some(slip), _) if are_slips(text_cells, present) => Err(slip.fault(CellProblem::Text)),
            (_, Some(slip)) if self.looks.numbers_as_text().is_none() => {
                Err(slip.fault(CellProblem::Text))
            }
            _ => Ok(()),
        }
    }

    /// Gives the memory of a chunk of rows back.
    pub fn free(&mut self, chunk: usize) {
        match &mut self.values {
            Values::Numbers { numbers, .. } => numbers.free(chunk),
            Values::Levels { codes, .. } => codes[chunk] = Vec::new(),
            Values::TooManyLevels => {}
        }
    }
}
