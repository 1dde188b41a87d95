//! A table as it is read: every row of delimited text goes through here, cell by cell.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::cells::{self, Cells, InputColumn};
use super::columns::{Columns, Role};
use super::error::{CellProblem, DataError, Place, counted, listed_shortly, shortened};
use super::file;
use super::given::{self, Given, Part};
use super::rows::Row;
use super::sheet::Sheet;
use super::target::{Finished, RawTargets, TargetColumn};
use crate::spec::data::{DataSpec, Task};

/// A table that was read.
#[derive(Debug)]
pub(super) struct Table {
    pub columns: Columns,
    /// What was read, as places count it.
    pub files: Vec<PathBuf>,
    /// The cells of all inputs, and what each column holds.
    pub sheet: Sheet,
    pub inputs: Vec<Cells>,
    pub targets: RawTargets,
    pub given: Given,
    /// What was read, in hex.
    pub digest: String,
    /// Rows left out as their target is missing.
    pub without_target: usize,
    pub notes: Vec<String>,
}

/// A table while it is read.
pub(super) struct Builder {
    pub columns: Columns,
    files: Vec<PathBuf>,
    missing: Missing,
    sheet: Sheet,
    inputs: Vec<InputColumn>,
    targets: Vec<TargetColumn>,
    parts: Option<Vec<Part>>,
    rows: usize,
    test_from: Option<usize>,
    without_target: Vec<Place>,
    left_out: usize,
    digests: Vec<String>,
    notes: Vec<String>,
}

/// What the columns of a file are for, in their order.
pub(super) struct Roles {
    all: Vec<Role>,
    /// Which of them are targets.
    targets: Vec<usize>,
}

impl From<Vec<Role>> for Roles {
    fn from(all: Vec<Role>) -> Self {
        let is_target = |at: &usize| matches!(all[*at], Role::Target(_));
        Self { targets: (0..all.len()).filter(is_target).collect(), all }
    }
}

/// The cells that hold nothing.
struct Missing {
    words: Vec<Vec<u8>>,
    /// Whether one of them begins with this byte, which few cells of numbers do.
    begins: [bool; 256],
    empty: bool,
}

impl Missing {
    fn new(words: &[String]) -> Self {
        let words: Vec<Vec<u8>> =
            words.iter().map(|cell| cell.trim().as_bytes().to_vec()).collect();
        let mut begins = [false; 256];
        for byte in words.iter().filter_map(|word| word.first()) {
            begins[usize::from(*byte)] = true;
        }
        Self { empty: words.contains(&Vec::new()), words, begins }
    }

    fn has(&self, cell: &[u8]) -> bool {
        match cell.first() {
            None => self.empty,
            Some(first) => {
                self.begins[usize::from(*first)] && self.words.iter().any(|word| word == cell)
            }
        }
    }
}

/// Rows without a target that are named one by one.
const NAMED: usize = 3;

impl Builder {
    pub fn new(columns: Columns, spec: &DataSpec, file: &Path) -> Self {
        let categorical = |name: &String| spec.categorical.contains(name);
        let inputs: Vec<InputColumn> =
            columns.inputs().map(|name| InputColumn::new(categorical(name))).collect();
        let several = columns.targets.len() > 1;
        let task = if several { Some(Task::Regression) } else { spec.task };
        Self {
            files: vec![file.to_owned()],
            missing: Missing::new(&spec.missing),
            sheet: Sheet::new(inputs.len()),
            inputs,
            targets: columns.targets.iter().map(|_| TargetColumn::new(task)).collect(),
            parts: spec.split.column.is_some().then(Vec::new),
            columns,
            rows: 0,
            test_from: None,
            without_target: Vec::new(),
            left_out: 0,
            digests: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Something that a user has to know.
    pub fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// The number of the file that is being read.
    pub fn file(&self) -> usize {
        self.files.len() - 1
    }

    /// The rows to come are the test split; `new` are columns that only they have.
    pub fn begin_test(&mut self, file: &Path, new: &[String]) {
        self.test_from = Some(self.rows);
        if !new.is_empty() {
            self.notes.push(format!(
                "columns that only {} has are not read: {}",
                file.display(),
                listed_shortly(new)
            ));
        }
        self.files.push(file.to_owned());
    }

    /// What the file held, in hex.
    pub fn end_file(&mut self, digest: String) {
        if self.digests.contains(&digest) {
            self.notes.push(
                "warning: data.test_source holds the same as data.source: the rows that train are tested, and the test metrics say nothing of new rows"
                    .to_owned(),
            );
        }
        self.digests.push(digest);
    }

    /// Takes a row of as many cells as there are roles.
    pub fn row(&mut self, row: &Row<'_>, roles: &Roles, place: Place) -> Result<(), DataError> {
        let lacks_target = |at: &usize| self.missing.has(row.cell(*at).trim_ascii());
        if roles.targets.iter().any(lacks_target) {
            self.left_out += 1;
            if self.without_target.len() < NAMED {
                self.without_target.push(place);
            }
            return Ok(());
        }
        self.sheet.begin_row();
        for (cell, role) in row.cells().zip(&roles.all) {
            let cell = cell.trim_ascii();
            let taken = match *role {
                Role::Dropped => Ok(()),
                Role::Input(at) if self.missing.has(cell) => {
                    self.inputs[at].push_missing(&mut self.sheet, at);
                    Ok(())
                }
                Role::Input(at) => self.inputs[at].push(&mut self.sheet, at, cell, place),
                Role::Target(at) => self.targets[at].push(cell, place).map_err(|p| (place, p)),
                Role::Split => match (given::part(cell), &mut self.parts) {
                    (Some(part), Some(parts)) => {
                        parts.push(part);
                        Ok(())
                    }
                    _ => Err((place, CellProblem::NotASplit(shortened(cell)))),
                },
            };
            taken.map_err(|(place, problem)| self.cell_error(*role, place, problem))?;
        }
        self.rows += 1;
        Ok(())
    }

    fn cell_error(&self, role: Role, place: Place, problem: CellProblem) -> DataError {
        let file = self.files.get(place.file).cloned().unwrap_or_default();
        DataError::Cell { file, place, column: self.columns.name_of(role), problem }
    }

    /// Decides what the columns are, now that all rows are in.
    pub fn finish(mut self) -> Result<Table, DataError> {
        let whole = |problem: String| DataError::File { file: self.files[0].clone(), problem };
        if self.rows == 0 {
            return Err(whole(format!(
                "the target {} is missing in every row: set data.target, or data.missing if its cells hold something",
                listed_shortly(&self.columns.targets)
            )));
        }
        if u32::try_from(self.rows).is_err() {
            return Err(whole(format!(
                "{} rows are more than can be counted in 32 bits",
                self.rows
            )));
        }
        if self.test_from == Some(0) {
            return Err(whole("no row is left to train on".to_owned()));
        }
        if self.left_out > 0 {
            self.notes.push(self.left_out_note());
        }
        let inputs = cells::finish(std::mem::take(&mut self.inputs), &mut self.sheet);
        let inputs = inputs
            .map_err(|(at, (place, problem))| self.cell_error(Role::Input(at), place, problem))?;
        let mut targets = Vec::with_capacity(self.targets.len());
        for (at, column) in std::mem::take(&mut self.targets).into_iter().enumerate() {
            targets.push(
                column.finish().map_err(|(place, problem)| {
                    self.cell_error(Role::Target(at), place, problem)
                })?,
            );
        }
        let given = match (self.parts.take(), self.test_from) {
            (Some(parts), _) => {
                let by = format!("the column `{}`", self.columns.name_of(Role::Split));
                let (given, notes) = Given::named(parts, &by);
                self.notes.extend(notes);
                given
            }
            (None, Some(first)) if first < self.rows => Given::TestFrom(first),
            (None, Some(_)) => {
                return Err(DataError::File {
                    file: self.files.pop().unwrap_or_default(),
                    problem: "the target is missing in every row: a test file needs answers"
                        .to_owned(),
                });
            }
            (None, None) => Given::Nothing,
        };
        let targets = together(targets, &self.columns.targets);
        Ok(Table {
            sheet: self.sheet,
            inputs,
            targets,
            given,
            digest: joined_digest(self.digests),
            without_target: self.left_out,
            notes: self.notes,
            columns: self.columns,
            files: self.files,
        })
    }

    fn left_out_note(&self) -> String {
        let mut lines: Vec<String> =
            self.without_target.iter().map(|place| format!("line {}", place.line)).collect();
        if self.left_out > lines.len() {
            lines.push(format!("{} more", self.left_out - lines.len()));
        }
        format!(
            "{} left out, as the target {} is missing: {}",
            counted(self.left_out, "row"),
            listed_shortly(&self.columns.targets),
            lines.join(", ")
        )
    }
}

/// One file's digest, or that of the digests of several.
fn joined_digest(mut digests: Vec<String>) -> String {
    if digests.len() == 1 {
        return digests.pop().unwrap_or_default();
    }
    let mut hash = Sha256::new();
    hash.update(b"files\0");
    for digest in digests {
        hash.update(digest);
    }
    file::hex(hash)
}

/// Several targets as rows of numbers, one as what it is.
fn together(mut finished: Vec<Finished>, names: &[String]) -> RawTargets {
    if finished.len() == 1
        && let Some(Finished::Classes { labels, names }) =
            finished.pop_if(|column| matches!(column, Finished::Classes { .. }))
    {
        return RawTargets::Classes { labels, names };
    }
    let columns: Vec<Vec<f64>> = finished
        .into_iter()
        .filter_map(|column| match column {
            Finished::Numbers(numbers) => Some(numbers),
            Finished::Classes { .. } => None,
        })
        .collect();
    let rows = columns.first().map_or(0, Vec::len);
    let values = (0..rows).flat_map(|row| columns.iter().map(move |c| c[row])).collect();
    RawTargets::Values { values, names: names.to_vec() }
}
