//! A column while it is read, cell by cell.
//!
//! A column without text holds numbers, one with text levels. An input with more different cells than it
//! may have levels is from then on read as numbers, and text in it is counted: little of it is a slip,
//! much makes it a column that names its rows.

use super::cell::Cell;
use super::column::{Column, MOST_LEVELS, Values, are_slips};
use super::counters;
use super::dictionary::{self, Dictionary, MISSING};
use super::level::{Fault, Level};
use super::looks::Looks;
use super::number::Number;
use super::numbers::{EXACT_ROWS, Numbers};
use crate::config::data::Task;
use crate::data::error::{CellProblem, Location, shortened};

/// A target with more different numbers than this before any text is numeric for good, so that a
/// long regression target need not be kept as text.
pub(super) const MOST_NUMERIC_CLASSES: usize = 10_000;

/// What a column is read for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Purpose {
    /// `categorical`: levels whatever the cells look like.
    Input {
        categorical: bool,
    },
    Target(Option<Task>),
    /// Numbers, for a network that was trained on numbers.
    KnownNumbers,
    /// Levels, of which a network may know some: those declared.
    KnownLevels,
}

/// A column while it is read.
pub(super) struct ColumnBuilder {
    purpose: Purpose,
    missing: usize,
    state: State,
    looks: Looks,
}

enum State {
    Levels(Dictionary),
    Numbers { numbers: Numbers, text: Option<(Level, usize)> },
    TooManyLevels,
}

impl ColumnBuilder {
    /// A column before its first cell; `levels`: those that the file declares; `delimiter`: what parts
    /// its cells from others, in a text.
    pub fn new(purpose: Purpose, levels: &[String], delimiter: Option<u8>) -> Self {
        let are_numbers =
            matches!(purpose, Purpose::Target(Some(Task::Regression)) | Purpose::KnownNumbers);
        let state = if are_numbers {
            State::Numbers { numbers: Numbers::new(usize::MAX), text: None }
        } else {
            let mut dictionary = Dictionary::default();
            for level in levels {
                dictionary.add(level.as_bytes(), Level::declared(level));
            }
            State::Levels(dictionary)
        };
        Self { purpose, missing: 0, state, looks: Looks::new(delimiter) }
    }

    /// Takes the next row's cell.
    #[inline]
    pub fn push(&mut self, cell: Cell, location: Location) -> Result<(), Fault> {
        if let State::Numbers { numbers, .. } = &mut self.state {
            let number = match cell {
                Cell::Text(text) => Number::parse(text),
                Cell::Number(number) => Number::of(number),
                Cell::Missing => Number::None,
            };
            if let Number::Finite(number) = number {
                if let Cell::Text(text) = cell {
                    self.looks.number(text);
                }
                numbers.push(number);
                return Ok(());
            }
        }
        self.push_other(cell, location)
    }

    /// Takes what is not a number among numbers.
    #[inline(never)]
    fn push_other(&mut self, cell: Cell, location: Location) -> Result<(), Fault> {
        match (&mut self.state, cell) {
            (_, Cell::Missing) => self.push_missing(),
            (State::TooManyLevels, _) => {}
            (State::Numbers { numbers, text }, cell) => {
                let level = Level::new(cell, location)?;
                if self.purpose == Purpose::KnownNumbers {
                    return Err((location, known_number(&level)));
                }
                if !level.is_text() {
                    return Err(level.fault(CellProblem::Text));
                }
                numbers.push(f64::NAN);
                self.looks.text(&level.name);
                text.get_or_insert((level, 0)).1 += 1;
            }
            (State::Levels(dictionary), cell) => match dictionary.code(cell) {
                Some(code) => dictionary.push(code),
                None => self.push_level(cell, Level::new(cell, location)?)?,
            },
        }
        Ok(())
    }

    fn push_missing(&mut self) {
        self.missing += 1;
        match &mut self.state {
            State::Levels(dictionary) => dictionary.push(MISSING),
            State::Numbers { numbers, .. } => numbers.push(f64::NAN),
            State::TooManyLevels => {}
        }
    }

    /// Takes a cell that is new among the levels.
    fn push_level(&mut self, cell: Cell, level: Level) -> Result<(), Fault> {
        let State::Levels(dictionary) = &mut self.state else { return Ok(()) };
        if level.is_text() {
            self.looks.text(&level.name);
        } else if let Cell::Text(text) = cell {
            self.looks.new_number(text);
        }
        let code = match cell {
            Cell::Text(text) => dictionary.add(text, level),
            Cell::Number(number) => dictionary.add_number(number, level),
            Cell::Missing => MISSING,
        };
        dictionary.push(code);
        let different = dictionary.levels.len();
        match self.purpose {
            Purpose::Input { categorical: true } if different > MOST_LEVELS => {
                self.state = State::TooManyLevels;
            }
            Purpose::Input { categorical: false } if different > MOST_LEVELS => {
                let dictionary = std::mem::take(dictionary);
                let (numbers, text) = dictionary.into_numbers(EXACT_ROWS)?;
                self.state = State::Numbers { numbers, text };
            }
            Purpose::Target(None) if different > MOST_NUMERIC_CLASSES && !dictionary.has_text => {
                let (numbers, text) = std::mem::take(dictionary).into_numbers(usize::MAX)?;
                self.state = State::Numbers { numbers, text };
            }
            _ => {}
        }
        Ok(())
    }

    /// What the column holds, now that all rows are in.
    pub fn finish(self) -> Column {
        let categorical = self.purpose == Purpose::Input { categorical: true };
        let values = match self.state {
            State::Levels(Dictionary { levels, codes, .. }) => {
                Values::Levels { levels, codes, categorical }
            }
            State::Numbers { numbers, text } => Values::Numbers { numbers, text },
            State::TooManyLevels => Values::TooManyLevels,
        };
        Column { values, missing: self.missing, looks: self.looks, counts_rows: false }
    }

    /// The same for an input of so many rows, the first of which are of the first file: levels that are all numbers are numbers, and text in fewer
    /// than one cell of a hundred among numbers is refused.
    pub fn finish_input(self, rows: usize, of_first_file: usize) -> Result<Column, Fault> {
        let present = rows - self.missing;
        let Column { values, missing, looks, .. } = self.finish();
        let values = match values {
            Values::Numbers { text: Some((text, count)), .. } if are_slips(count, present) => {
                return Err(text.fault(CellProblem::Text));
            }
            Values::Numbers { text: Some(_), .. } => Values::TooManyLevels,
            Values::Levels { levels, codes, categorical: false }
                if !levels.iter().any(Level::is_text) =>
            {
                let (numbers, text) = dictionary::numbers(levels, codes, EXACT_ROWS)?;
                Values::Numbers { numbers, text }
            }
            values => values,
        };
        let counts_rows = match &values {
            Values::Numbers { numbers, text: None } => counters::count_rows(numbers, of_first_file),
            _ => false,
        };
        Ok(Column { values, missing, looks, counts_rows })
    }
}

/// What is wrong with a cell where a network wants a number.
fn known_number(level: &Level) -> CellProblem {
    let shown = shortened(level.name.as_bytes());
    match level.number {
        Number::TooLarge => CellProblem::TooLarge(shown),
        _ => CellProblem::TextForNumber(shown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem<T>(read: Result<T, Fault>) -> Result<T, (usize, CellProblem)> {
        read.map_err(|(location, problem)| (location.row, problem))
    }

    fn read_cells<'a>(
        cells: impl Iterator<Item = Cell<'a>>,
        categorical: bool,
    ) -> Result<Column, (usize, CellProblem)> {
        let mut column = ColumnBuilder::new(Purpose::Input { categorical }, &[], None);
        let mut rows = 0;
        for cell in cells {
            rows += 1;
            problem(column.push(cell, Location { file: 0, line: None, row: rows }))?;
        }
        problem(column.finish_input(rows, rows))
    }

    /// Text, of which none at all is a missing cell.
    fn read(cells: &[&str], categorical: bool) -> Result<Column, (usize, CellProblem)> {
        read_cells(
            cells.iter().map(|cell| match *cell {
                "" => Cell::Missing,
                text => Cell::Text(text.as_bytes()),
            }),
            categorical,
        )
    }

    fn check(column: &Column, train: &[u32]) -> Result<(), (usize, CellProblem)> {
        problem(column.check(&column.counts(Some(train))))
    }

    /// The same, with all rows for training.
    fn trained(cells: &[&str], categorical: bool) -> Result<Column, (usize, CellProblem)> {
        let rows: Vec<u32> = (0..u32::try_from(cells.len()).unwrap()).collect();
        let column = read(cells, categorical)?;
        if let Values::Levels { .. } = &column.values {
            check(&column, &rows)?;
        }
        Ok(column)
    }

    fn numbers(column: &Column) -> Vec<f64> {
        let Values::Numbers { numbers, .. } = &column.values else { panic!("{column:?}") };
        numbers.chunks().collect::<Vec<_>>().concat()
    }

    fn levels(column: &Column) -> (Vec<u32>, Vec<&str>) {
        let Values::Levels { levels, codes, .. } = &column.values else { panic!("{column:?}") };
        (codes.concat(), levels.iter().map(|level| level.name.as_str()).collect())
    }

    fn are_levels(column: &Column) -> bool {
        matches!(column.values, Values::Levels { .. })
    }

    fn are_too_many(column: &Column) -> bool {
        matches!(column.values, Values::TooManyLevels)
    }

    #[test]
    fn numbers_stay_numbers_and_text_becomes_levels() {
        let column = read(&["1", "", "2.50", "1"], false).unwrap();
        let values = numbers(&column);
        assert_eq!((values[0], values[2], values[3]), (1.0, 2.5, 1.0));
        assert!(values[1].is_nan() && column.missing == 1);
        let mixed = read(&["1", "", "b", "1.0", "b"], false).unwrap();
        assert_eq!(levels(&mixed), (vec![0, MISSING, 1, 2, 1], vec!["1", "b", "1.0"]));
        assert_eq!(levels(&read(&["01", "1"], true).unwrap()), (vec![0, 1], vec!["01", "1"]));
    }

    #[test]
    fn numbers_that_are_handed_over_as_such_are_those_that_text_spells() {
        let cells = [Cell::Number(1.0), Cell::Text(b"1"), Cell::Missing, Cell::Number(-2.5)];
        let column = read_cells(cells.into_iter(), false).unwrap();
        assert_eq!(numbers(&column)[..2], [1.0, 1.0]);
        assert_eq!(numbers(&column)[3], -2.5);
        let cells = [Cell::Text(b"x"), Cell::Number(1.0), Cell::Text(b"1"), Cell::Number(1.0)];
        let column = read_cells(cells.into_iter(), false).unwrap();
        assert_eq!(levels(&column), (vec![0, 1, 1, 1], vec!["x", "1"]));
        let many = (0..2000).map(|n| Cell::Number(f64::from(n) / 8.0));
        let column = read_cells(many.chain([Cell::Text(b"0.5")]), false).unwrap();
        assert_eq!((numbers(&column)[1999], numbers(&column)[2000]), (1999.0 / 8.0, 0.5));
        let not_finite = read_cells([Cell::Number(1.0), Cell::Number(f64::NAN)].into_iter(), false);
        assert_eq!(not_finite.unwrap_err(), (2, CellProblem::NotFinite("NaN".to_owned())));
    }

    #[test]
    fn levels_that_are_declared_come_first_and_in_their_order() {
        let declared = ["b", "a", "c"].map(str::to_owned);
        let mut column = ColumnBuilder::new(Purpose::Input { categorical: true }, &declared, None);
        for cell in ["a", "c", "a"] {
            column.push(Cell::Text(cell.as_bytes()), Location::default()).unwrap();
        }
        let column = column.finish_input(3, 3).unwrap();
        assert_eq!(levels(&column), (vec![1, 2, 1], vec!["b", "a", "c"]));
        assert_eq!(column.counts(None), [0, 2, 1, 0]);
        assert_eq!(column.counts(Some(&[1])), [0, 0, 1, 0]);
    }

    #[test]
    fn text_in_fewer_than_one_cell_of_a_hundred_is_a_slip() {
        let mut cells = vec!["1"; 101];
        cells[7] = "x";
        assert_eq!(trained(&cells, false).unwrap_err(), (8, CellProblem::Text("x".to_owned())));
        assert!(are_levels(&trained(&cells[..100], false).unwrap()));
        assert!(are_levels(&trained(&cells, true).unwrap()));
        // Missing cells are no evidence either way.
        let mut sparse = vec![""; 1000];
        (sparse[0], sparse[1]) = ("1", "x");
        assert!(are_levels(&trained(&sparse, false).unwrap()));
        assert_eq!(
            trained(&["1,5", "2,5"], false).unwrap_err(),
            (1, CellProblem::DecimalComma("1,5".to_owned()))
        );
    }

    #[test]
    fn the_training_rows_alone_say_what_a_column_is() {
        let column = read(&["1", "2", "3", "x", "", "4,5"], false).unwrap();
        let check = |train: &[u32]| check(&column, train).map_err(|(row, _)| row);
        assert_eq!(check(&[0, 1, 2]), Err(4), "text elsewhere in a column of numbers");
        assert_eq!(check(&[0, 1, 5]), Err(6), "all text in training is decimal commas");
        assert_eq!(check(&[0, 1, 3, 5]), Ok(()), "levels");
        assert_eq!(check(&[3]), Ok(()));
        assert_eq!(check(&[4]), Ok(()), "nothing is known of a column that holds nothing");
        let categorical = read(&["1", "x"], true).unwrap();
        assert_eq!(categorical.check(&categorical.counts(Some(&[0]))), Ok(()));
    }

    #[test]
    fn of_more_cells_than_levels_little_text_is_a_slip_and_much_names_rows() {
        let whole: Vec<String> = (0..=MOST_LEVELS + 5).map(|n| n.to_string()).collect();
        let mut cells: Vec<&str> = whole.iter().map(String::as_str).collect();
        assert!(are_too_many(&read(&cells, true).unwrap()));
        let values = numbers(&read(&cells, false).unwrap());
        assert_eq!((values.len(), values[1004]), (MOST_LEVELS + 6, 1004.0));
        let slip = |row| (row, CellProblem::Text("x".to_owned()));
        cells.push("x");
        let row = cells.len();
        assert_eq!(read(&cells, false).unwrap_err(), slip(row));
        cells.swap(0, row - 1);
        assert_eq!(read(&cells, false).unwrap_err(), slip(1));
        cells.extend(["y"; 10]);
        assert!(are_too_many(&read(&cells, false).unwrap()));
        let names: Vec<String> = (0..=MOST_LEVELS).map(|n| format!("n{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert!(are_too_many(&read(&names, false).unwrap()));
        assert!(are_levels(&read(&names[1..], false).unwrap()));
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
            assert_eq!(read(&["1", cell, cell], false).unwrap_err(), (2, problem));
        }
    }

    #[test]
    fn codes_are_counted_in_all_rows_and_in_those_named() {
        let cells = (0..200_000).map(|row| ["a", "b", "c", "d", ""][row % 5]).collect::<Vec<_>>();
        let column = read(&cells, false).unwrap();
        assert_eq!(column.counts(None), [40_000; 5]);
        assert_eq!(column.counts(Some(&[0, 5, 6, 9, 199_999])), [2, 1, 0, 0, 2]);
    }
}
