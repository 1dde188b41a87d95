//! An input column while it is read, cell by cell.
//!
//! A column without text holds numbers. One with text holds levels, unless the training rows say
//! that it is numeric and the text a slip: that is asked once the rows are split, so that no
//! validation or test row decides what a column is.
//!
//! Distinct cells are kept once and each row holds a code, so that a column of text costs four
//! bytes a row. One with more distinct cells than a column of levels may have is from then on read
//! as numbers, and text in it is counted: little of it is a slip, much makes it a column that names
//! its rows. The cells themselves are in the [`Sheet`].

use std::collections::HashMap;

use foldhash::fast::FixedState;

use super::decimal::{self, Decimal, Number};
use super::error::{CellProblem, Place};
use super::form::MISSING;
use super::sheet::{Counts, Sheet, Turned};
use super::target;

/// More levels than this are names of rows, not of groups.
pub(super) const MOST_LEVELS: usize = 1000;

/// Longer cells are text to read, or a quote that was left open; as levels they would go with the
/// weights.
const LONGEST_CELL: usize = 65_536;

/// What a column turned out to hold.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cells {
    Numbers,
    /// What the codes stand for; levels as they first occur. `categorical`: whatever they look like.
    Levels {
        levels: Vec<Level>,
        categorical: bool,
    },
    /// More than [`MOST_LEVELS`].
    TooMany,
}

/// One of the different cells of a column.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Level {
    pub name: String,
    number: Number,
    first: Place,
}

/// What is wrong with a column, and in which cell it was first met.
pub(super) type Fault = (Place, CellProblem);

/// A column while it is read.
pub(super) struct InputColumn {
    /// Levels whatever the cells look like.
    categorical: bool,
    state: State,
    /// Cells that hold something.
    present: usize,
    /// Of those, cells that are no numbers, and the first of them.
    text_cells: usize,
    first_text: Option<Fault>,
}

enum State {
    /// Levels, or numbers if there is no text.
    Open {
        levels: Vec<Level>,
        code_of: HashMap<Box<[u8]>, u32, FixedState>,
    },
    /// Too many for levels; NaN where there is text.
    Numbers,
    TooMany,
}

impl InputColumn {
    /// A column before its first cell.
    pub fn new(categorical: bool) -> Self {
        let state = State::Open { levels: Vec::new(), code_of: HashMap::default() };
        Self { categorical, state, present: 0, text_cells: 0, first_text: None }
    }

    /// Takes the next row's cell, which holds nothing, as column `at` of the sheet.
    pub fn push_missing(&self, sheet: &mut Sheet, at: usize) {
        match self.state {
            State::Open { .. } => sheet.put_code(at, MISSING),
            State::Numbers => sheet.put(at, f64::NAN),
            State::TooMany => {}
        }
    }

    /// Takes the next row's cell as column `at` of the sheet.
    #[inline]
    pub fn push(
        &mut self,
        sheet: &mut Sheet,
        at: usize,
        cell: &[u8],
        place: Place,
    ) -> Result<(), Fault> {
        self.present += 1;
        if let State::Numbers = self.state
            && let Some(number) = Decimal::read(cell)
        {
            sheet.put_decimal(at, number);
            return Ok(());
        }
        self.push_other(sheet, at, cell, place)
    }

    /// Takes whatever is no plain number in a column of numbers.
    fn push_other(
        &mut self,
        sheet: &mut Sheet,
        at: usize,
        cell: &[u8],
        place: Place,
    ) -> Result<(), Fault> {
        match &self.state {
            State::TooMany => return Ok(()),
            State::Numbers => {
                if let Number::Finite(value) = decimal::number(cell) {
                    sheet.put(at, value);
                    return Ok(());
                }
            }
            State::Open { levels, code_of } => {
                if let Some(code) = code_of.get(cell) {
                    sheet.put_code(at, *code);
                    let may_be_text = self.first_text.is_some();
                    let is_text = may_be_text && levels[*code as usize].is_text();
                    self.text_cells += usize::from(is_text);
                    return Ok(());
                }
            }
        }
        self.push_new(sheet, at, cell, Level::new(cell, place)?)
    }

    /// Takes a cell that is new among the levels, or no number among numbers.
    fn push_new(
        &mut self,
        sheet: &mut Sheet,
        at: usize,
        cell: &[u8],
        level: Level,
    ) -> Result<(), Fault> {
        if level.is_text() {
            self.text_cells += 1;
            self.first_text.get_or_insert_with(|| level.fault());
        }
        match &mut self.state {
            State::TooMany => {}
            State::Numbers if !level.is_text() => return Err(level.fault()),
            State::Numbers => sheet.put(at, f64::NAN),
            State::Open { levels, code_of } => {
                let code = u32::try_from(levels.len()).unwrap_or(MISSING);
                sheet.put_code(at, code);
                code_of.insert(cell.into(), code);
                levels.push(level);
                if levels.len() > MOST_LEVELS {
                    self.state = if self.categorical {
                        State::TooMany
                    } else {
                        sheet.turn_to_numbers(&[Turned { column: at, values: numbers(levels)? }]);
                        State::Numbers
                    };
                }
            }
        }
        Ok(())
    }

    /// What the column holds, now that all rows are in; if its codes are numbers, these are added to
    /// what is to be turned.
    fn finish(self, column: usize, turned: &mut Vec<Turned>) -> Result<Cells, Fault> {
        let Self { categorical, state, present, text_cells, first_text } = self;
        match (state, first_text) {
            (State::Numbers, None) => Ok(Cells::Numbers),
            (State::Numbers, Some(slip)) if are_slips(text_cells, present) => Err(slip),
            (State::Numbers, Some(_)) | (State::TooMany, _) => Ok(Cells::TooMany),
            (State::Open { levels, .. }, None) if !categorical => {
                turned.push(Turned { column, values: numbers(&levels)? });
                Ok(Cells::Numbers)
            }
            (State::Open { levels, .. }, _) => Ok(Cells::Levels { levels, categorical }),
        }
    }
}

/// What the columns of a sheet hold, now that all rows are in; or the fault of the first that has one.
pub(super) fn finish(
    columns: Vec<InputColumn>,
    sheet: &mut Sheet,
) -> Result<Vec<Cells>, (usize, Fault)> {
    let mut turned = Vec::new();
    let cells: Vec<Cells> = (columns.into_iter().enumerate())
        .map(|(at, column)| column.finish(at, &mut turned).map_err(|fault| (at, fault)))
        .collect::<Result<_, _>>()?;
    // All at once, since a pass over the sheet for each would take longer than reading did.
    sheet.turn_to_numbers(&turned);
    Ok(cells)
}

/// How often each level of each column occurs, in all rows and in those named.
pub(super) fn counts(columns: &[Cells], sheet: &Sheet, rows: &[u32]) -> Counts {
    let levels = |cells: &Cells| match cells {
        Cells::Levels { levels, .. } => Some(levels.len()),
        Cells::Numbers | Cells::TooMany => None,
    };
    sheet.counts(&columns.iter().map(levels).collect::<Vec<Option<usize>>>(), rows)
}

/// Text in under one cell of a hundred is no level.
fn are_slips(text_cells: usize, present: usize) -> bool {
    text_cells * 100 < present
}

impl Cells {
    /// Refuses text in a column that is numeric by its training rows, wherever the text stands:
    /// under one training cell of a hundred is text, or all of it is numbers with a decimal comma.
    /// `counts`: how often each level occurs in these.
    pub fn check(&self, counts: &[usize]) -> Result<(), Fault> {
        let Self::Levels { levels, categorical: false } = self else { return Ok(()) };
        let counts = &counts[..levels.len()];
        let text = || levels.iter().zip(counts).filter(|(level, _)| level.is_text());
        let trained = || text().filter(|(_, count)| **count > 0).map(|(level, _)| level);
        let text_cells = text().map(|(_, count)| count).sum();
        let present: usize = counts.iter().sum();
        let comma = |level: &Level| target::is_decimal_comma(level.name.as_bytes());
        let slip = trained().next().or_else(|| text().map(|(level, _)| level).next());
        match slip {
            Some(slip) if are_slips(text_cells, present) => Err(slip.fault()),
            Some(slip) if text_cells > 0 && trained().all(comma) => Err(slip.fault()),
            _ => Ok(()),
        }
    }
}

impl Level {
    /// Whether it is no number.
    pub fn is_text(&self) -> bool {
        self.number == Number::None
    }

    /// As text where a number should be.
    fn fault(&self) -> Fault {
        (self.first, numeric_problem(self.name.as_bytes()))
    }

    fn new(cell: &[u8], first: Place) -> Result<Self, Fault> {
        if cell.len() > LONGEST_CELL {
            return Err((first, CellProblem::TooLong(cell.len())));
        }
        let text = std::str::from_utf8(cell).map_err(|_| (first, CellProblem::NotUtf8))?;
        if cell.contains(&0) {
            return Err((first, CellProblem::Nul));
        }
        Ok(Self { name: text.to_owned(), number: decimal::number(cell), first })
    }
}

/// Their values, which are none where there is text.
fn numbers(levels: &[Level]) -> Result<Vec<f64>, Fault> {
    let value = |level: &Level| match level.number {
        Number::Finite(value) => Ok(value),
        Number::None => Ok(f64::NAN),
        Number::NotFinite | Number::TooLarge => Err(level.fault()),
    };
    levels.iter().map(value).collect()
}

fn numeric_problem(cell: &[u8]) -> CellProblem {
    target::problem_of(cell, CellProblem::Text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A column alone.
    #[derive(Debug, PartialEq)]
    struct Column {
        sheet: Sheet,
        cells: Cells,
    }

    type Read = Result<Column, (usize, CellProblem)>;

    fn read(cells: &[&str], categorical: bool) -> Read {
        let (mut sheet, mut column) = (Sheet::new(1), InputColumn::new(categorical));
        let fault = |(place, problem): Fault| (place.row, problem);
        for (row, cell) in cells.iter().enumerate() {
            let place = Place { file: 0, line: row as u64 + 2, row: row + 1 };
            sheet.begin_row();
            match *cell {
                "" => column.push_missing(&mut sheet, 0),
                cell => column.push(&mut sheet, 0, cell.as_bytes(), place).map_err(fault)?,
            }
        }
        let cells = finish(vec![column], &mut sheet).map_err(|(_, found)| fault(found))?.remove(0);
        Ok(Column { sheet, cells })
    }

    /// The same, with all rows for training.
    fn trained(cells: &[&str], categorical: bool) -> Read {
        let rows: Vec<u32> = (0..u32::try_from(cells.len()).unwrap()).collect();
        let column = read(cells, categorical)?;
        column.check(&rows)?;
        Ok(column)
    }

    impl Column {
        fn check(&self, train: &[u32]) -> Result<(), (usize, CellProblem)> {
            let fault = |(place, problem): Fault| (place.row, problem);
            let counts = counts(std::slice::from_ref(&self.cells), &self.sheet, train);
            self.cells.check(&counts.named[0]).map_err(fault)
        }
    }

    fn numbers(read: Read) -> Vec<f64> {
        let column = read.unwrap();
        assert_eq!(column.cells, Cells::Numbers);
        let mut numbers = Vec::new();
        column.sheet.each_row(|row| numbers.extend_from_slice(row));
        numbers
    }

    fn levels(read: Read) -> (Vec<u32>, Vec<String>) {
        let Ok(Column { sheet, cells: Cells::Levels { levels, .. } }) = read else {
            panic!("{read:?}")
        };
        let mut codes = Vec::new();
        sheet.blocks().iter().for_each(|block| block.each_row(|_, row| codes.push(row[0])));
        (codes, levels.into_iter().map(|level| level.name).collect())
    }

    fn is_levels(read: &Read) -> bool {
        matches!(read, Ok(Column { cells: Cells::Levels { .. }, .. }))
    }

    fn is_too_many(read: &Read) -> bool {
        matches!(read, Ok(Column { cells: Cells::TooMany, .. }))
    }

    fn named(codes: &[u32], names: &[&str]) -> (Vec<u32>, Vec<String>) {
        (codes.to_vec(), names.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn large_numbers_that_differ_little_keep_their_difference() {
        let times = read(&["1700000000", "1700000001", "1700000002"], false);
        assert_eq!(numbers(times), [1.7e9, 1.7e9 + 1.0, 1.7e9 + 2.0]);
    }

    #[test]
    fn numbers_stay_numbers_and_text_becomes_levels() {
        let values = numbers(read(&["1", "", "2.50", "1"], false));
        assert_eq!((values[0], values[2], values[3]), (1.0, 2.5, 1.0));
        assert!(values[1].is_nan());
        let mixed = levels(read(&["1", "", "b", "1.0", "b"], false));
        assert_eq!(mixed, named(&[0, MISSING, 1, 2, 1], &["1", "b", "1.0"]));
        assert_eq!(levels(read(&["01", "1"], true)), named(&[0, 1], &["01", "1"]));
    }

    #[test]
    fn text_in_fewer_than_one_cell_of_a_hundred_is_a_slip() {
        let mut cells = vec!["1"; 101];
        cells[7] = "x";
        assert_eq!(trained(&cells, false), Err((8, CellProblem::Text("x".to_owned()))));
        assert!(is_levels(&trained(&cells[..100], false)));
        assert!(is_levels(&trained(&cells, true)));
        // Cells that hold nothing are no evidence either way.
        let mut sparse = vec![""; 1000];
        (sparse[0], sparse[1]) = ("1", "x");
        assert!(is_levels(&trained(&sparse, false)));
        assert_eq!(
            trained(&["1,5", "2,5"], false),
            Err((1, CellProblem::DecimalComma("1,5".to_owned())))
        );
    }

    #[test]
    fn the_training_rows_alone_say_what_a_column_is() {
        let cells = read(&["1", "2", "3", "x", "", "4,5"], false).unwrap();
        let check = |train: &[u32]| cells.check(train).map_err(|(row, _)| row);
        assert_eq!(check(&[0, 1, 2]), Err(4), "text elsewhere in a column of numbers");
        assert_eq!(check(&[0, 1, 5]), Err(6), "all text in training is decimal commas");
        assert_eq!(check(&[0, 1, 3, 5]), Ok(()), "levels");
        assert_eq!(check(&[3]), Ok(()));
        assert_eq!(check(&[4]), Ok(()), "nothing is known of a column that holds nothing");
        let categorical = read(&["1", "x"], true).unwrap();
        assert_eq!(categorical.check(&[0]), Ok(()));
    }

    #[test]
    fn of_more_cells_than_levels_little_text_is_a_slip_and_much_names_rows() {
        let whole: Vec<String> = (0..=MOST_LEVELS + 5).map(|n| n.to_string()).collect();
        let mut cells: Vec<&str> = whole.iter().map(String::as_str).collect();
        assert!(is_too_many(&read(&cells, true)));
        let values = numbers(read(&cells, false));
        assert_eq!((values.len(), values[1004]), (MOST_LEVELS + 6, 1004.0));
        cells.push("x");
        let row = cells.len();
        assert_eq!(read(&cells, false), Err((row, CellProblem::Text("x".to_owned()))));
        cells.swap(0, row - 1);
        assert_eq!(read(&cells, false), Err((1, CellProblem::Text("x".to_owned()))));
        cells.extend(["y"; 10]);
        assert!(is_too_many(&read(&cells, false)));
        let names: Vec<String> = (0..=MOST_LEVELS).map(|n| format!("n{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert!(is_too_many(&read(&names, false)));
        assert!(is_levels(&read(&names[1..], false)));
    }

    #[test]
    fn a_number_that_cannot_be_held_is_named_where_it_first_stands() {
        let text = str::to_owned;
        for (cell, problem) in [
            ("NaN", CellProblem::NotFinite(text("NaN"))),
            ("-inf", CellProblem::NotFinite(text("-inf"))),
            ("1e39", CellProblem::TooLarge(text("1e39"))),
            ("1\0", CellProblem::Nul),
        ] {
            assert_eq!(read(&["1", cell, cell], false), Err((2, problem)));
        }
    }
}
