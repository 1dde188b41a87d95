//! A table as it is read: every row of every format goes through here, cell by cell.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::cell::{Cell, MissingWords};
use super::column::Column;
use super::column_builder::{ColumnBuilder, Purpose};
use super::doubts;
use super::looks::NumbersAsText;
use super::roles::{Role, Roles};
use super::row_hash::RowHash;
use super::target::RawTargets;
use crate::config::data::{DataConfig, Task};
use crate::data::doubt::Doubt;
use crate::data::error::{CellProblem, DataError, Location, listed_shortly, shortened};
use crate::data::preprocessing::{Coding, ColumnCoding, InputCoding, Preprocessing, TargetCoding};
use crate::data::split::given::{Given, Part};
use crate::text::counted;

/// A table that was read.
#[derive(Debug)]
pub struct Table {
    pub roles: Roles,
    /// What was read, as locations count it.
    pub files: Vec<PathBuf>,
    pub inputs: Vec<Column>,
    pub targets: RawTargets,
    /// What makes classes of numbers, where something does.
    pub classes_as_numbers: Option<NumbersAsText>,
    pub given: Given,
    /// Of each row, of what is written in its inputs and targets.
    pub hashes: Vec<u64>,
    /// Rows left out as their target is missing.
    pub without_target: usize,
    pub doubts: Vec<Doubt>,
}

/// What a file says of its columns before its first row.
#[derive(Debug, Default)]
pub struct Header {
    pub names: Vec<String>,
    /// The columns to predict, where the file says so: numbers, unless it declares their levels.
    pub targets: Option<Vec<String>>,
    /// The levels of columns for which the file declares them, in their order.
    pub levels: HashMap<String, Vec<String>>,
    /// The splits, where the file says so.
    pub given: Option<Given>,
    /// What stands between cells, in a text where a number may be written in several ways.
    pub delimiter: Option<u8>,
    /// What a row holds in a column of this name that the file does not name, where it leaves out what is the same in
    /// all its rows.
    pub elsewhere: Option<fn(&str) -> Option<f64>>,
}

/// A table that was read for a network that is trained.
pub struct KnownTable {
    /// In the order of the network's.
    pub inputs: Vec<Column>,
    /// In the order of the network's; none where the file lacks one of them.
    pub targets: Option<Vec<Column>>,
    pub rows: usize,
    /// Whether columns were found by their place, as neither file names them.
    pub by_place: bool,
}

/// A table while it is read.
pub struct TableBuilder<'a> {
    config: &'a DataConfig,
    /// What it is read for, where that is a network that is trained: its inputs and its target are found by their
    /// names, and nothing else is read.
    known: Option<&'a Preprocessing>,
    /// Inputs that the file does not name, and what a row holds there.
    elsewhere: Vec<(usize, f64)>,
    by_place: bool,
    source_name: String,
    missing: MissingWords,
    files: Vec<PathBuf>,
    /// Those of the first file.
    roles: Option<Roles>,
    /// Those of the columns of the file that is read, and which of them are targets.
    of_columns: Vec<Role>,
    targets_at: Vec<usize>,
    inputs: Vec<ColumnBuilder>,
    targets: Vec<ColumnBuilder>,
    task: Option<Task>,
    has_declared_classes: bool,
    given: Option<Given>,
    parts: Vec<Part>,
    hash: RowHash,
    hashes: Vec<u64>,
    /// Rows that were taken, and all rows of the file that is read.
    rows: usize,
    rows_of_file: usize,
    test_from: Option<usize>,
    without_target: Vec<Location>,
    left_out: usize,
    doubts: Vec<Doubt>,
}

/// Rows without a target that are named one by one.
const NAMED: usize = 3;

impl<'a> TableBuilder<'a> {
    /// `source_name` is for messages.
    pub fn new(config: &'a DataConfig, source_name: &str) -> Self {
        Self {
            config,
            known: None,
            elsewhere: Vec::new(),
            by_place: false,
            source_name: source_name.to_owned(),
            missing: MissingWords::new(&config.missing),
            files: Vec::new(),
            roles: None,
            of_columns: Vec::new(),
            targets_at: Vec::new(),
            inputs: Vec::new(),
            targets: Vec::new(),
            task: config.task,
            has_declared_classes: false,
            given: None,
            parts: Vec::new(),
            hash: RowHash::default(),
            hashes: Vec::new(),
            rows: 0,
            rows_of_file: 0,
            test_from: None,
            without_target: Vec::new(),
            left_out: 0,
            doubts: Vec::new(),
        }
    }

    /// For a network that is trained.
    pub fn known(config: &'a DataConfig, source_name: &str, known: &'a Preprocessing) -> Self {
        Self { known: Some(known), ..Self::new(config, source_name) }
    }

    /// Whether columns that no network wants may be called anything or nothing, and one column may be all there is.
    pub fn is_known(&self) -> bool {
        self.known.is_some()
    }

    /// Something that a user has to know; said once.
    pub fn doubt(&mut self, doubt: Doubt) {
        if !self.doubts.contains(&doubt) {
            self.doubts.push(doubt);
        }
    }

    /// Begins a file. The rows of a second one are the test split, and its columns are found by
    /// their names.
    pub fn begin(&mut self, file: &Path, header: Header) -> Result<(), DataError> {
        self.rows_of_file = 0;
        self.files.push(file.to_owned());
        match (&self.roles, self.known) {
            (_, Some(known)) => self
                .begin_known(header, known)
                .map_err(|problem| DataError::File { file: file.to_owned(), problem })?,
            (None, None) => self.begin_columns(header)?,
            (Some(roles), None) => {
                let (of_columns, new) = roles
                    .in_file(&header.names)
                    .map_err(|problem| DataError::File { file: file.to_owned(), problem })?;
                self.of_columns = of_columns;
                self.test_from = Some(self.rows);
                if !new.is_empty() {
                    let message = format!(
                        "columns that only {} has are not read: {}",
                        file.display(),
                        listed_shortly(&new)
                    );
                    self.doubts.push(Doubt::note("columns not read", "data.test_source", message));
                }
            }
        }
        let is_target = |at: &usize| matches!(self.of_columns[*at], Role::Target(_));
        self.targets_at = (0..self.of_columns.len()).filter(is_target).collect();
        Ok(())
    }

    fn begin_columns(&mut self, header: Header) -> Result<(), DataError> {
        let Header { names, targets, levels, given, delimiter, .. } = header;
        let roles = Roles::new(names, targets.as_deref(), self.config, &self.source_name)?;
        let levels_of = |name| levels.get(name).map_or(&[][..], Vec::as_slice);
        let is_categorical =
            |name| self.config.categorical.contains(name) || levels.contains_key(name);
        let input = |name| {
            ColumnBuilder::new(
                Purpose::Input { categorical: is_categorical(name) },
                levels_of(name),
                delimiter,
            )
        };
        self.inputs = roles.inputs().map(input).collect();
        let are_declared = roles.targets.iter().any(|name| levels.contains_key(name));
        if roles.targets.len() > 1 || targets.is_some() && !are_declared {
            self.task = Some(Task::Regression);
        }
        self.has_declared_classes = are_declared && self.task != Some(Task::Regression);
        let target =
            |name| ColumnBuilder::new(Purpose::Target(self.task), levels_of(name), delimiter);
        self.targets = roles.targets.iter().map(target).collect();
        self.given = given;
        self.of_columns.clone_from(&roles.of_columns);
        self.roles = Some(roles);
        Ok(())
    }

    fn begin_known(&mut self, header: Header, known: &Preprocessing) -> Result<(), String> {
        let (inputs, missing): (&[ColumnCoding], &[String]) = match &known.inputs {
            InputCoding::Table { columns, missing } => (columns, missing),
            InputCoding::Image(_) => (&[], &[]),
        };
        self.missing = MissingWords::new(missing);
        let names: Vec<&str> = inputs.iter().map(|column| column.name.as_str()).collect();
        let fits = Roles::known(header.names, &names, &known.target.names());
        let elsewhere = |at: &usize| Some((*at, header.elsewhere?(names[*at])?));
        let elsewhere: Option<Vec<(usize, f64)>> = fits.lacking.iter().map(elsewhere).collect();
        self.elsewhere = elsewhere.ok_or_else(|| fits.problem(&names))?;
        self.by_place = fits.by_place;
        self.inputs = inputs.iter().map(|column| of_coding(&column.coding)).collect();
        let target = || match &known.target {
            TargetCoding::Classes { classes, .. } => {
                ColumnBuilder::new(Purpose::KnownLevels, classes, None)
            }
            TargetCoding::Values { .. } => ColumnBuilder::new(Purpose::KnownNumbers, &[], None),
        };
        self.targets = fits.roles.targets.iter().map(|_| target()).collect();
        self.of_columns.clone_from(&fits.roles.of_columns);
        self.roles = Some(fits.roles);
        Ok(())
    }

    /// Takes the next row of the file: `cell` gives its cell of each column. `line`: where it begins,
    /// in a file that has lines.
    #[inline]
    pub fn row<'c>(
        &mut self,
        line: Option<u64>,
        cell: impl Fn(usize) -> Cell<'c>,
    ) -> Result<(), DataError> {
        self.rows_of_file += 1;
        let location = Location { file: self.files.len() - 1, line, row: self.rows_of_file };
        let taken = |at| self.missing.applied(cell(at));
        let lacks_target = || self.targets_at.iter().any(|at| taken(*at) == Cell::Missing);
        if self.known.is_none() && lacks_target() {
            self.left_out += 1;
            if self.without_target.len() < NAMED {
                self.without_target.push(location);
            }
            return Ok(());
        }
        self.hash.begin();
        for (at, role) in self.of_columns.iter().enumerate() {
            let pushed = match *role {
                Role::Dropped => Ok(()),
                Role::Input(input) => {
                    let cell = taken(at);
                    self.hash.push(input, cell);
                    self.inputs[input].push(cell, location)
                }
                Role::Target(target) => {
                    let cell = taken(at);
                    self.hash.push(self.inputs.len() + target, cell);
                    self.targets[target].push(cell, location)
                }
                Role::Split => split_of(cell(at))
                    .map(|part| self.parts.push(part))
                    .map_err(|problem| (location, problem)),
            };
            if let Err((location, problem)) = pushed {
                return Err(self.cell_error(*role, location, problem));
            }
        }
        if self.known.is_none() {
            self.hashes.push(self.hash.of_row());
        }
        for (input, value) in &self.elsewhere {
            let pushed = self.inputs[*input].push(Cell::Number(*value), location);
            pushed.map_err(|(location, problem)| {
                self.cell_error(Role::Input(*input), location, problem)
            })?;
        }
        self.rows += 1;
        Ok(())
    }

    fn cell_error(&self, role: Role, location: Location, problem: CellProblem) -> DataError {
        let file = self.files.get(location.file).cloned().unwrap_or_default();
        let column = self.roles.as_ref().map_or_else(String::new, |roles| roles.name_of(role));
        DataError::Cell { file, location, column, problem }
    }

    /// Decides what the columns are, now that all rows are in.
    pub fn finish(mut self) -> Result<Table, DataError> {
        let first = self.files.first().cloned().unwrap_or_default();
        let whole = |problem: String| DataError::File { file: first.clone(), problem };
        let Some(roles) = self.roles.clone() else {
            return Err(whole("the file has no columns".to_owned()));
        };
        if self.rows == 0 {
            return Err(whole(format!(
                "the target {} is missing in every row: set data.target, or data.missing if its cells hold something",
                listed_shortly(&roles.targets)
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
            self.doubts.push(self.left_out_note(&roles));
        }
        let mut inputs = Vec::with_capacity(self.inputs.len());
        for (at, column) in std::mem::take(&mut self.inputs).into_iter().enumerate() {
            let column = column.finish_input(self.rows, self.test_from.unwrap_or(self.rows));
            inputs.push(column.map_err(|(location, problem)| {
                self.cell_error(Role::Input(at), location, problem)
            })?);
        }
        let targets = std::mem::take(&mut self.targets);
        let targets: Vec<Column> = targets.into_iter().map(ColumnBuilder::finish).collect();
        let names: Vec<String> = roles.inputs().cloned().collect();
        self.doubts.extend(doubts::of_cells(&inputs, &names, self.config));
        self.doubts.extend(doubts::of_targets(&targets, &roles.targets, self.task));
        let classes_as_numbers = doubts::numbers_as_classes(&targets);
        let declared = self.has_declared_classes;
        let targets = RawTargets::of(targets, &roles.targets, self.task, declared);
        let targets = targets.map_err(|(at, (location, problem))| {
            self.cell_error(Role::Target(at), location, problem)
        })?;
        let given = self.take_given(&roles)?;
        let Self { files, hashes, left_out: without_target, doubts, .. } = self;
        Ok(Table {
            roles,
            files,
            inputs,
            targets,
            classes_as_numbers,
            given,
            hashes,
            without_target,
            doubts,
        })
    }

    /// What was read for a network that is trained.
    pub fn finish_known(self) -> Result<KnownTable, DataError> {
        if u32::try_from(self.rows).is_err() {
            let file = self.files.first().cloned().unwrap_or_default();
            let problem = format!("{} rows are more than can be counted in 32 bits", self.rows);
            return Err(DataError::File { file, problem });
        }
        let inputs = self.inputs.into_iter().map(ColumnBuilder::finish).collect();
        let targets: Vec<Column> = self.targets.into_iter().map(ColumnBuilder::finish).collect();
        let targets = (!targets.is_empty()).then_some(targets);
        Ok(KnownTable { inputs, targets, rows: self.rows, by_place: self.by_place })
    }

    fn take_given(&mut self, roles: &Roles) -> Result<Given, DataError> {
        if self.config.split.column.is_some() {
            let by = format!("the column `{}`", roles.name_of(Role::Split));
            let (given, doubts) = Given::named(std::mem::take(&mut self.parts), &by);
            self.doubts.extend(doubts);
            return Ok(given);
        }
        match self.test_from {
            Some(first) if first < self.rows => Ok(Given::TestFrom(first)),
            Some(_) => Err(DataError::File {
                file: self.files.pop().unwrap_or_default(),
                problem: "the target is missing in every row: a test file needs answers".to_owned(),
            }),
            None => Ok(self.given.take().unwrap_or(Given::Nothing)),
        }
    }

    fn left_out_note(&self, roles: &Roles) -> Doubt {
        let mut places: Vec<String> =
            self.without_target.iter().map(Location::line_or_row).collect();
        if self.left_out > places.len() {
            places.push(format!("{} more", self.left_out - places.len()));
        }
        let message = format!(
            "{} left out, as the target {} is missing: {}",
            counted(self.left_out, "row"),
            listed_shortly(&roles.targets),
            places.join(", ")
        );
        Doubt::note("rows without a target", "data.target", message)
    }
}

/// A column before its first cell, for a network that knows how it becomes inputs.
fn of_coding(coding: &Coding) -> ColumnBuilder {
    match coding {
        Coding::Number { .. } | Coding::MissingIndicator => {
            ColumnBuilder::new(Purpose::KnownNumbers, &[], None)
        }
        Coding::Levels { levels, .. } => ColumnBuilder::new(Purpose::KnownLevels, levels, None),
    }
}

/// The split that a cell names.
fn split_of(cell: Cell) -> Result<Part, CellProblem> {
    let text = match cell {
        Cell::Missing => String::new(),
        Cell::Number(number) => number.to_string(),
        Cell::Text(text) => {
            let text = text.trim_ascii();
            return Part::named(text).ok_or_else(|| CellProblem::NotASplit(shortened(text)));
        }
    };
    Err(CellProblem::NotASplit(text))
}
