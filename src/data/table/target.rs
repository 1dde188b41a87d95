//! The column to predict: numbers or classes, decided from its cells unless the config decides.
//!
//! Text, or at most twenty distinct whole numbers, is a classification. Whole-number classes are
//! ordered by value (`2` before `10`; `1` and `1.0` are one class), text classes by byte value, and
//! those that the file declares as it does.

use super::column::{Column, Values};
use super::dictionary::Codes;
use super::level::{Fault, Level};
use super::number::Number;
use crate::config::data::Task;
use crate::data::error::{CellProblem, shortened};

/// More distinct whole numbers than this are a quantity, not classes.
const MOST_INFERRED_CLASSES: usize = 20;

/// Targets of all rows, before any scaling.
#[derive(Debug, PartialEq)]
pub enum RawTargets {
    Classes {
        labels: Vec<u32>,
        names: Vec<String>,
    },
    /// rows x names
    Values {
        values: Vec<f64>,
        names: Vec<String>,
    },
}

/// What one target column turned out to be.
#[derive(Debug, PartialEq)]
enum Target {
    Classes { labels: Vec<u32>, names: Vec<String> },
    Numbers(Vec<f64>),
}

impl RawTargets {
    /// Several targets as rows of numbers, one as what it is; or the fault of the first that has one.
    /// `declared`: whether the file names the classes.
    pub fn of(
        columns: Vec<Column>,
        names: &[String],
        task: Option<Task>,
        declared: bool,
    ) -> Result<Self, (usize, Fault)> {
        let mut numbers = Vec::with_capacity(columns.len());
        for (at, column) in columns.into_iter().enumerate() {
            match decided(column, task, declared).map_err(|fault| (at, fault))? {
                // Of several, none is classes.
                Target::Classes { labels, names } => return Ok(Self::Classes { labels, names }),
                Target::Numbers(column) => numbers.push(column),
            }
        }
        let values = match <[Vec<f64>; 1]>::try_from(numbers) {
            Ok([column]) => column,
            Err(columns) => {
                let rows = columns.first().map_or(0, Vec::len);
                (0..rows).flat_map(|row| columns.iter().map(move |c| c[row])).collect()
            }
        };
        Ok(Self::Values { values, names: names.to_vec() })
    }
}

/// Classes or numbers, now that all rows are in.
fn decided(column: Column, task: Option<Task>, declared: bool) -> Result<Target, Fault> {
    let counts = column.counts(None);
    let (levels, codes) = match column.values {
        Values::Levels { levels, codes, .. } => (levels, codes),
        Values::Numbers { text: Some((text, _)), .. } => {
            return Err(text.fault(CellProblem::TextInTarget));
        }
        Values::Numbers { numbers, .. } => {
            return Ok(Target::Numbers(numbers.chunks().collect::<Vec<_>>().concat()));
        }
        Values::TooManyLevels => return Ok(Target::Numbers(Vec::new())),
    };
    if declared {
        let names = levels.into_iter().map(|level| level.name).collect();
        return Ok(Target::Classes { labels: codes.concat(), names });
    }
    let is_bad = |level: &&Level| matches!(level.number, Number::NotFinite | Number::TooLarge);
    if let Some(text) = levels.iter().find(|level| level.is_text()) {
        let is_number = |level: &Level| matches!(level.number, Number::Finite(_));
        let text_cells: usize =
            levels.iter().zip(&counts).filter(|(level, _)| !is_number(level)).map(|(_, n)| n).sum();
        if task.is_none() && text_cells * 100 < counts.iter().sum() {
            return Err((text.first, CellProblem::TextInTarget(shortened(text.name.as_bytes()))));
        }
        return Ok(text_classes(&levels, codes));
    }
    if let Some(level) = levels.iter().find(is_bad) {
        return Err(level.fault(CellProblem::TextInTarget));
    }
    let mut values: Vec<i64> = levels.iter().filter_map(whole).collect();
    let fraction = levels.iter().find(|level| whole(level).is_none());
    values.sort_unstable();
    values.dedup();
    match (task, fraction) {
        (None, Some(_)) => Ok(Target::Numbers(numbers(&levels, &codes))),
        (None, None) if values.len() > MOST_INFERRED_CLASSES => {
            Ok(Target::Numbers(numbers(&levels, &codes)))
        }
        (_, None) => Ok(whole_classes(&levels, codes, &values)),
        (_, Some(level)) => {
            Err((level.first, CellProblem::NotWhole(shortened(level.name.as_bytes()))))
        }
    }
}

/// The numbers of all rows of a column without text.
fn numbers(levels: &[Level], codes: &Codes) -> Vec<f64> {
    let value = |code: &u32| match levels.get(*code as usize).map(|level| level.number) {
        Some(Number::Finite(value)) => value,
        _ => f64::NAN,
    };
    codes.iter().flatten().map(value).collect()
}

fn text_classes(levels: &[Level], codes: Codes) -> Target {
    let mut names: Vec<String> = levels.iter().map(|level| level.name.clone()).collect();
    names.sort_unstable();
    let class = |level: &Level| names.binary_search(&level.name).unwrap_or(0);
    let labels = relabelled(codes, levels.iter().map(class));
    Target::Classes { labels, names }
}

fn whole_classes(levels: &[Level], codes: Codes, values: &[i64]) -> Target {
    let class = |level: &Level| {
        whole(level).and_then(|value| values.binary_search(&value).ok()).unwrap_or(0)
    };
    let labels = relabelled(codes, levels.iter().map(class));
    Target::Classes { labels, names: values.iter().map(ToString::to_string).collect() }
}

fn relabelled(codes: Codes, classes: impl Iterator<Item = usize>) -> Vec<u32> {
    let classes: Vec<u32> = classes.map(|class| u32::try_from(class).unwrap_or(u32::MAX)).collect();
    codes.into_iter().flatten().map(|code| classes[code as usize]).collect()
}

/// The value where it is a whole number that an f64 holds exactly.
fn whole(level: &Level) -> Option<i64> {
    match level.number {
        #[allow(clippy::cast_possible_truncation)] // whole and below 2^53
        Number::Finite(v) if v.fract() == 0.0 && v.abs() < 9_007_199_254_740_992.0 => {
            Some(v as i64)
        }
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::cast_precision_loss)]
mod tests {
    use super::*;
    use crate::data::error::Location;
    use crate::data::table::cell::Cell;
    use crate::data::table::column_builder::{ColumnBuilder, MOST_NUMERIC_CLASSES, Purpose};

    fn read(cells: &[&str], task: Option<Task>) -> Result<Target, CellProblem> {
        let problem = |(_, problem): Fault| problem;
        let mut column = ColumnBuilder::new(Purpose::Target(task), &[], None);
        for (row, cell) in cells.iter().enumerate() {
            let location = Location { file: 0, line: None, row: row + 1 };
            column.push(Cell::Text(cell.as_bytes()), location).map_err(problem)?;
        }
        decided(column.finish(), task, false).map_err(problem)
    }

    fn classes(labels: &[u32], names: &[&str]) -> Target {
        let names = names.iter().map(ToString::to_string).collect();
        Target::Classes { labels: labels.to_vec(), names }
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
        assert_eq!(read(&["1.5", "2"], None), Ok(Target::Numbers(vec![1.5, 2.0])));
        let cells: Vec<String> = (0..21).map(|n| n.to_string()).collect();
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        assert!(matches!(read(&cells, None), Ok(Target::Numbers(_))));
        assert!(matches!(read(&cells[1..], None), Ok(Target::Classes { .. })));
        assert!(matches!(read(&cells, Some(Task::Classification)), Ok(Target::Classes { .. })));
        assert!(matches!(read(&cells[1..], Some(Task::Regression)), Ok(Target::Numbers(_))));
    }

    #[test]
    fn one_text_cell_in_a_hundred_numbers_is_a_slip_and_more_are_classes() {
        let mut cells = vec!["1"; 101];
        cells[0] = "x";
        assert_eq!(read(&cells, None), Err(CellProblem::TextInTarget("x".to_owned())));
        assert!(matches!(read(&cells, Some(Task::Classification)), Ok(Target::Classes { .. })));
        assert!(matches!(read(&cells[..100], None), Ok(Target::Classes { .. })));
    }

    #[test]
    fn a_quantity_stays_one_after_many_distinct_numbers() {
        let cells: Vec<String> = (0..=MOST_NUMERIC_CLASSES + 5).map(|n| n.to_string()).collect();
        let mut cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        let Ok(Target::Numbers(numbers)) = read(&cells, None) else { panic!("no numbers") };
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
