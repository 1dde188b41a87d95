//! The column to predict: numbers or classes, decided from its cells unless the config decides.
//!
//! Text, or at most twenty distinct whole numbers, is a classification. Whole-number classes are
//! ordered by value (`2` before `10`; `1` and `1.0` are one class), text classes by byte value.

use std::collections::HashMap;

use super::decimal::{Number, number};
use super::doubts;
use super::error::{CellProblem, Place, shortened};
use crate::spec::data::Task;

/// More distinct whole numbers than this are a quantity, not classes.
const MOST_INFERRED_CLASSES: usize = 20;

/// A column with more distinct numbers than this before any text is numeric for good, so that a
/// long regression target need not be kept as text.
const MOST_NUMERIC_LEVELS: usize = 10_000;

/// Targets of all rows, before any scaling.
#[derive(Debug, PartialEq)]
pub(super) enum RawTargets {
    Classes { labels: Vec<u32>, names: Vec<String> },
    Values { values: Vec<f64>, names: Vec<String> },
}

/// Why a cell that should be a number is none.
pub(super) fn problem_of(cell: &[u8], text: fn(String) -> CellProblem) -> CellProblem {
    let short = shortened(cell);
    match number(cell) {
        Number::TooLarge => CellProblem::TooLarge(short),
        Number::NotFinite => CellProblem::NotFinite(short),
        _ if cell.contains(&0) => CellProblem::Nul,
        _ if std::str::from_utf8(cell).is_err() => CellProblem::NotUtf8,
        _ if is_decimal_comma(cell) => CellProblem::DecimalComma(short),
        _ if doubts::is_marker(&short) => CellProblem::Marker(short),
        _ => text(short),
    }
}

/// Whether a cell would be a number with a point for its comma.
pub(super) fn is_decimal_comma(cell: &[u8]) -> bool {
    let points: Vec<u8> = cell.iter().map(|b| if *b == b',' { b'.' } else { *b }).collect();
    cell.contains(&b',') && matches!(number(&points), Number::Finite(_))
}

/// A target column while it is read, cell by cell.
pub(super) struct TargetColumn {
    task: Option<Task>,
    /// Of each row, once the column is numeric.
    numbers: Vec<f64>,
    /// Of each row, until then.
    codes: Vec<u32>,
    levels: Vec<Level>,
    code_of: HashMap<Box<[u8]>, u32>,
    text_cells: usize,
    numeric: bool,
}

struct Level {
    text: String,
    number: Number,
    first: Place,
}

/// What the column turned out to be.
#[derive(Debug, PartialEq)]
pub(super) enum Finished {
    Classes { labels: Vec<u32>, names: Vec<String> },
    Numbers(Vec<f64>),
}

impl TargetColumn {
    pub fn new(task: Option<Task>) -> Self {
        Self {
            task,
            numbers: Vec::new(),
            codes: Vec::new(),
            levels: Vec::new(),
            code_of: HashMap::new(),
            text_cells: 0,
            numeric: task == Some(Task::Regression),
        }
    }

    /// Takes the next row's cell, which has to hold something.
    pub fn push(&mut self, cell: &[u8], place: Place) -> Result<(), CellProblem> {
        if self.numeric {
            let Number::Finite(value) = number(cell) else {
                return Err(problem_of(cell, CellProblem::TextInTarget));
            };
            self.numbers.push(value);
            return Ok(());
        }
        let code = match self.code_of.get(cell) {
            Some(code) => *code,
            None => self.add_level(cell, place)?,
        };
        self.codes.push(code);
        if self.task.is_none() {
            self.note_kind(code);
        }
        Ok(())
    }

    fn add_level(&mut self, cell: &[u8], first: Place) -> Result<u32, CellProblem> {
        let text = std::str::from_utf8(cell).map_err(|_| CellProblem::NotUtf8)?;
        if cell.contains(&0) {
            return Err(CellProblem::Nul);
        }
        // There are fewer levels than rows, and rows are counted in 32 bits.
        let code = u32::try_from(self.levels.len()).unwrap_or(u32::MAX);
        self.levels.push(Level { text: text.to_owned(), number: number(cell), first });
        self.code_of.insert(cell.into(), code);
        Ok(code)
    }

    /// While the task is open: keeps the numbers until the first text, and gives up the levels of
    /// what is clearly a quantity.
    fn note_kind(&mut self, code: u32) {
        match self.levels.get(code as usize).map(|level| level.number) {
            Some(Number::Finite(_))
                if self.text_cells == 0 && self.levels.len() > MOST_NUMERIC_LEVELS =>
            {
                self.numeric = true;
                self.numbers = self.values();
                self.codes = Vec::new();
                self.levels = Vec::new();
                self.code_of = HashMap::new();
            }
            Some(Number::Finite(_)) => {}
            _ => self.text_cells += 1,
        }
    }

    /// The numbers of all rows of a column without text.
    fn values(&self) -> Vec<f64> {
        let value = |code: &u32| match self.levels.get(*code as usize).map(|level| level.number) {
            Some(Number::Finite(value)) => value,
            _ => f64::NAN,
        };
        self.codes.iter().map(value).collect()
    }

    /// Decides, now that all rows are in.
    pub fn finish(self) -> Result<Finished, (Place, CellProblem)> {
        if self.numeric {
            return Ok(Finished::Numbers(self.numbers));
        }
        let is_text = |level: &&Level| matches!(level.number, Number::None);
        let is_bad = |level: &&Level| matches!(level.number, Number::NotFinite | Number::TooLarge);
        if self.levels.iter().any(|level| is_text(&level)) {
            let few = self.task.is_none() && self.text_cells * 100 < self.codes.len();
            return match self.levels.iter().find(is_text) {
                Some(level) if few => {
                    Err((level.first, CellProblem::TextInTarget(shortened(level.text.as_bytes()))))
                }
                _ => Ok(self.into_text_classes()),
            };
        }
        if let Some(level) = self.levels.iter().find(is_bad) {
            let problem = problem_of(level.text.as_bytes(), CellProblem::TextInTarget);
            return Err((level.first, problem));
        }
        let mut values: Vec<i64> = self.levels.iter().filter_map(Level::whole).collect();
        let all_whole = values.len() == self.levels.len();
        values.sort_unstable();
        values.dedup();
        match self.task {
            None if !all_whole || values.len() > MOST_INFERRED_CLASSES => {
                Ok(Finished::Numbers(self.values()))
            }
            _ if all_whole => Ok(self.into_whole_classes(&values)),
            _ => match self.levels.iter().find(|level| level.whole().is_none()) {
                Some(level) => {
                    Err((level.first, CellProblem::NotWhole(shortened(level.text.as_bytes()))))
                }
                None => Ok(self.into_whole_classes(&values)),
            },
        }
    }

    fn into_text_classes(self) -> Finished {
        let mut names: Vec<String> = self.levels.iter().map(|level| level.text.clone()).collect();
        names.sort_unstable();
        let place = |level: &Level| names.binary_search(&level.text).unwrap_or(0);
        let labels = relabelled(self.codes, self.levels.iter().map(place));
        Finished::Classes { labels, names }
    }

    fn into_whole_classes(self, values: &[i64]) -> Finished {
        let place = |level: &Level| {
            level.whole().and_then(|value| values.binary_search(&value).ok()).unwrap_or(0)
        };
        let labels = relabelled(self.codes, self.levels.iter().map(place));
        Finished::Classes { labels, names: values.iter().map(ToString::to_string).collect() }
    }
}

fn relabelled(mut codes: Vec<u32>, places: impl Iterator<Item = usize>) -> Vec<u32> {
    let places: Vec<u32> = places.map(|place| u32::try_from(place).unwrap_or(u32::MAX)).collect();
    for code in &mut codes {
        *code = places[*code as usize];
    }
    codes
}

impl Level {
    /// The value where it is a whole number that an f64 holds exactly.
    fn whole(&self) -> Option<i64> {
        match self.number {
            #[allow(clippy::cast_possible_truncation)] // whole and below 2^53
            Number::Finite(v) if v.fract() == 0.0 && v.abs() < 9_007_199_254_740_992.0 => {
                Some(v as i64)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
#[allow(clippy::cast_precision_loss)]
mod tests {
    use super::*;

    fn read(cells: &[&str], task: Option<Task>) -> Result<Finished, CellProblem> {
        let mut column = TargetColumn::new(task);
        for (row, cell) in cells.iter().enumerate() {
            column.push(cell.as_bytes(), Place { file: 0, line: row as u64 + 2, row: row + 1 })?;
        }
        column.finish().map_err(|(_, problem)| problem)
    }

    fn classes(labels: &[u32], names: &[&str]) -> Finished {
        let names = names.iter().map(ToString::to_string).collect();
        Finished::Classes { labels: labels.to_vec(), names }
    }

    #[test]
    fn whole_numbers_are_classes_in_order_of_value() {
        assert_eq!(
            read(&["10", "2", "2.0", "-1"], None),
            Ok(classes(&[2, 1, 1, 0], &["-1", "2", "10"]))
        );
    }

    #[test]
    fn text_is_classes_in_order_of_bytes() {
        assert_eq!(
            read(&["b", "None", "1", "b"], None),
            Ok(classes(&[2, 1, 0, 2], &["1", "None", "b"]))
        );
    }

    #[test]
    fn real_numbers_and_many_whole_ones_are_quantities() {
        assert_eq!(read(&["1.5", "2"], None), Ok(Finished::Numbers(vec![1.5, 2.0])));
        let cells: Vec<String> = (0..21).map(|n| n.to_string()).collect();
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        assert!(matches!(read(&cells, None), Ok(Finished::Numbers(_))));
        assert!(matches!(read(&cells[1..], None), Ok(Finished::Classes { .. })));
        assert!(matches!(read(&cells, Some(Task::Classification)), Ok(Finished::Classes { .. })));
        assert!(matches!(read(&cells[1..], Some(Task::Regression)), Ok(Finished::Numbers(_))));
    }

    #[test]
    fn one_text_cell_in_a_hundred_numbers_is_a_slip_and_more_are_classes() {
        let mut cells = vec!["1"; 101];
        cells[0] = "x";
        assert_eq!(read(&cells, None), Err(CellProblem::TextInTarget("x".to_owned())));
        assert!(matches!(read(&cells, Some(Task::Classification)), Ok(Finished::Classes { .. })));
        assert!(matches!(read(&cells[..100], None), Ok(Finished::Classes { .. })));
    }

    #[test]
    fn a_quantity_stays_one_after_many_distinct_numbers() {
        let cells: Vec<String> = (0..=MOST_NUMERIC_LEVELS + 5).map(|n| n.to_string()).collect();
        let mut cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        let Ok(Finished::Numbers(numbers)) = read(&cells, None) else { panic!("no numbers") };
        assert!(numbers.iter().enumerate().all(|(row, value)| row as f64 == *value));
        cells.push("x");
        assert_eq!(read(&cells, None), Err(CellProblem::TextInTarget("x".to_owned())));
    }

    #[test]
    fn a_target_that_is_no_number_names_the_reason() {
        let regression = Some(Task::Regression);
        let text = |s: &str| s.to_owned();
        for (cell, problem) in [
            ("x", CellProblem::TextInTarget(text("x"))),
            ("", CellProblem::TextInTarget(text(""))),
            ("NaN", CellProblem::NotFinite(text("NaN"))),
            ("-inf", CellProblem::NotFinite(text("-inf"))),
            ("1e39", CellProblem::TooLarge(text("1e39"))),
            ("1,5", CellProblem::DecimalComma(text("1,5"))),
        ] {
            assert_eq!(read(&["1", cell], regression), Err(problem.clone()));
        }
        assert_eq!(read(&["1", "nan"], None), Err(CellProblem::NotFinite(text("nan"))));
        let whole = read(&["1", "2.5"], Some(Task::Classification));
        assert_eq!(whole, Err(CellProblem::NotWhole(text("2.5"))));
    }
}
