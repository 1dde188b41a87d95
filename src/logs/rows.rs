//! What a log holds, row by row, before it is known which rows make an epoch.

use std::collections::HashMap;

use super::error::{Fault, LogError};

/// What reading may take beyond sixteen times the size of the input.
const ROOM: u64 = 64 << 20;

/// Bytes of a value in a row, or in a table.
const OF_VALUE: u64 = 16;

/// Columns at most: trackers have thousands.
const MOST_COLUMNS: usize = 20_000;

/// What a row takes on its way to an epoch, in values.
const OF_ROW: usize = 8;

/// A cell that is not a number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: column `{column}`: `{text}` is not a number")]
pub struct NotANumber {
    /// The file and the line.
    pub place: String,
    /// The column's name.
    pub column: String,
    /// What the cell holds.
    pub text: String,
}

/// How many values may be held: of a file of a given size, no more than it can plausibly hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    values: u64,
}

impl Budget {
    pub fn of(bytes: u64) -> Self {
        Self { values: (ROOM + 15 * bytes) / OF_VALUE }
    }

    pub fn allows(self, values: usize) -> bool {
        values as u64 <= self.values
    }

    /// Bytes that a text may come to, of a file that was packed.
    pub fn bytes(self) -> u64 {
        self.values * OF_VALUE / 2
    }
}

/// Rows of values, most of whose cells may be empty.
#[derive(Debug, Clone)]
pub(super) struct Rows {
    names: Vec<String>,
    index: HashMap<String, usize>,
    /// Column and value, row after row.
    cells: Vec<(u32, f64)>,
    /// Where each row begins.
    starts: Vec<usize>,
    /// The line of each row.
    lines: Vec<u32>,
    /// For each column, the first cell that is not a number.
    texts: Vec<Option<NotANumber>>,
    budget: Budget,
    file: String,
    /// What `lines` count, for people.
    counted: &'static str,
}

impl Rows {
    pub fn new(file: &str, budget: Budget) -> Self {
        Self {
            names: Vec::new(),
            index: HashMap::new(),
            cells: Vec::new(),
            starts: Vec::new(),
            lines: Vec::new(),
            texts: Vec::new(),
            budget,
            file: file.to_owned(),
            counted: "line",
        }
    }

    /// Another of the same file.
    pub fn sibling(&self) -> Self {
        Self::new(&self.file, self.budget)
    }

    pub fn budget(&self) -> Budget {
        self.budget
    }

    pub fn file(&self) -> &str {
        &self.file
    }

    /// The column of a name, which is made where there is none.
    pub fn column(&mut self, name: &str) -> usize {
        if let Some(index) = self.index.get(name) {
            return *index;
        }
        self.names.push(name.to_owned());
        self.texts.push(None);
        self.index.insert(name.to_owned(), self.names.len() - 1);
        self.names.len() - 1
    }

    pub fn find(&self, name: &str) -> Option<usize> {
        self.index.get(name).copied()
    }

    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Gives a column another name, unless it is taken.
    pub fn rename(&mut self, from: &str, to: &str) {
        if let Some(column) = self.find(from).filter(|_| self.find(to).is_none()) {
            self.index.remove(from);
            to.clone_into(&mut self.names[column]);
            self.index.insert(to.to_owned(), column);
        }
    }

    /// Leaves out a column: nobody finds it any more.
    pub fn remove(&mut self, name: &str) {
        if let Some(column) = self.index.remove(name) {
            self.names[column].clear();
            self.texts[column] = Some(NotANumber {
                place: self.file.clone(),
                column: String::new(),
                text: String::new(),
            });
        }
    }

    /// Begins a row; lines count from 1.
    pub fn begin(&mut self, line: u64) {
        self.starts.push(self.cells.len());
        self.lines.push(u32::try_from(line).unwrap_or(u32::MAX));
    }

    /// Adds a value to the last row.
    ///
    /// # Errors
    /// Where more is held than a file of this size can plausibly hold.
    pub fn put(&mut self, column: usize, value: f64) -> Result<(), LogError> {
        if column >= MOST_COLUMNS {
            let problem = format!("has more than {MOST_COLUMNS} columns: leave some out");
            return Err(LogError::at(Fault::Damaged, &self.file, problem));
        }
        if !self.budget.allows(self.cells.len() + OF_ROW * self.starts.len()) {
            return Err(self.too_large());
        }
        // Columns are far fewer than 2^32.
        self.cells.push((u32::try_from(column).unwrap_or(u32::MAX), value));
        Ok(())
    }

    /// Records that a cell of the last row is not a number.
    pub fn put_text(&mut self, column: usize, text: &str) {
        if self.texts[column].is_none() {
            self.texts[column] = Some(NotANumber {
                place: format!("{}:{}", self.file, self.lines.last().copied().unwrap_or(0)),
                column: self.names[column].clone(),
                text: text.chars().take(60).collect(),
            });
        }
    }

    pub fn too_large(&self) -> LogError {
        let problem = "it holds more rows and values than fit into the memory that a file of its size is given: split it";
        LogError::at(Fault::Damaged, &self.file, problem)
    }

    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Values in all.
    pub fn values(&self) -> usize {
        self.cells.len()
    }

    /// The cells of a row, columns of text included.
    pub fn row(&self, row: usize) -> &[(u32, f64)] {
        let end = self.starts.get(row + 1).copied().unwrap_or(self.cells.len());
        &self.cells[self.starts[row]..end]
    }

    pub fn line(&self, row: usize) -> u32 {
        self.lines[row]
    }

    /// Rows are counted that are no lines of a file.
    pub fn count_rows(&mut self) {
        self.counted = "row";
    }

    /// What [`Self::line`] counts, for people.
    pub fn counted(&self) -> &'static str {
        self.counted
    }

    /// Whether a column holds nothing but numbers.
    pub fn is_numeric(&self, column: usize) -> bool {
        self.texts[column].is_none()
    }

    /// The cells that are no numbers, one a column.
    pub fn not_numbers(&self) -> Vec<NotANumber> {
        let named = |text: &&NotANumber| !text.column.is_empty();
        self.texts.iter().flatten().filter(named).cloned().collect()
    }

    /// Of the columns that hold numbers as well, those cells.
    pub fn bad_cells(&self) -> Vec<NotANumber> {
        let mut has_numbers = vec![false; self.names.len()];
        for (column, _) in &self.cells {
            has_numbers[*column as usize] = true;
        }
        let cells = self.texts.iter().zip(has_numbers).filter(|(_, has_numbers)| *has_numbers);
        cells.filter_map(|(cell, _)| cell.clone()).filter(|cell| !cell.column.is_empty()).collect()
    }

    /// The value of a column in a row.
    pub fn cell(&self, row: usize, column: usize) -> Option<f64> {
        let cells = self.row(row).iter();
        cells.rev().find(|(at, _)| *at as usize == column).map(|(_, value)| *value)
    }

    /// Leaves out rows.
    pub fn retain(&mut self, keep: impl Fn(&Self, usize) -> bool) {
        let mut cells = Vec::with_capacity(self.cells.len());
        let (mut starts, mut lines) = (Vec::new(), Vec::new());
        for row in (0..self.len()).filter(|row| keep(self, *row)) {
            starts.push(cells.len());
            lines.push(self.lines[row]);
            cells.extend_from_slice(self.row(row));
        }
        (self.cells, self.starts, self.lines) = (cells, starts, lines);
    }
}
