//! PROBEN1's `.dt` files (Prechelt 1994): seven counts, then the training, validation and test
//! examples, inputs before outputs.
//!
//! Inputs are called `x1`, `x2`, … . Outputs of which exactly one is 1 are a `class`, counted from
//! 0, and so is a single output of 0 and 1; all others are the numbers `y1`, `y2`, … . Some files
//! announce boolean outputs and hold real ones: the values decide.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use super::cells::{self, Fault, InputColumn};
use super::columns::{Columns, Role};
use super::decimal::{self, Number};
use super::delimited::file_name;
use super::error::{CellProblem, DataError, Place, counted};
use super::file::{self, Hashing};
use super::given::{Given, Part};
use super::sheet::Sheet;
use super::table::Table;
use super::target::{self, RawTargets};
use crate::spec::data::{DataSpec, Task};

const KEYS: [&str; 7] = [
    "bool_in",
    "real_in",
    "bool_out",
    "real_out",
    "training_examples",
    "validation_examples",
    "test_examples",
];

/// Reads a file, plain or gzipped.
pub(super) fn read_file(path: &Path, spec: &DataSpec) -> Result<Table, DataError> {
    read(file::open(path)?.reader, path, spec)
}

/// What the first seven lines announce. Nothing is allocated by it.
struct Announced {
    inputs: u64,
    outputs: u64,
    parts: [u64; 3],
}

struct Lines<'a, R> {
    path: &'a Path,
    reader: BufReader<R>,
    line: u64,
    text: Vec<u8>,
}

impl<R: Read> Lines<'_, R> {
    /// The next line that is not blank.
    fn next(&mut self) -> Result<Option<&[u8]>, DataError> {
        loop {
            self.text.clear();
            let read = self
                .reader
                .read_until(b'\n', &mut self.text)
                .map_err(|cause| DataError::reading(self.path, cause))?;
            if read == 0 {
                return Ok(None);
            }
            self.line += 1;
            if !self.text.trim_ascii().is_empty() {
                return Ok(Some(self.text.trim_ascii()));
            }
        }
    }

    fn wrong(&self, row: Option<usize>, problem: String) -> DataError {
        DataError::Line { file: self.path.to_owned(), line: self.line, row, problem }
    }

    fn announced(&mut self) -> Result<Announced, DataError> {
        let mut counts = [None; KEYS.len()];
        for _ in KEYS {
            let Some(line) = self.next()? else {
                return Err(DataError::File {
                    file: self.path.to_owned(),
                    problem: format!(
                        "ends within its header: expected the counts {}",
                        KEYS.join(", ")
                    ),
                });
            };
            let line = String::from_utf8_lossy(line).into_owned();
            let (key, count) = line.split_once('=').unwrap_or((&line, ""));
            let key = key.trim().to_lowercase();
            let place = KEYS.iter().position(|known| *known == key);
            let count = count.trim().parse::<u32>().ok();
            let (Some(place), Some(count)) = (place, count) else {
                let shown = super::error::shortened(line.as_bytes());
                let problem = format!(
                    "`{shown}` is no line of a PROBEN1 header: expected one of {} with `=` and a whole number",
                    KEYS.join(", ")
                );
                return Err(self.wrong(None, problem));
            };
            if counts[place].replace(u64::from(count)).is_some() {
                return Err(self.wrong(None, format!("`{key}` is given twice")));
            }
        }
        let counts = counts.map(|count| count.unwrap_or(0));
        let [bool_in, real_in, bool_out, real_out, train, validation, test] = counts;
        let parts = [train, validation, test];
        Ok(Announced { inputs: bool_in + real_in, outputs: bool_out + real_out, parts })
    }
}

/// The examples while they are read.
#[derive(Default)]
struct Examples {
    rows: usize,
    sheet: Sheet,
    inputs: Vec<InputColumn>,
    outputs: Vec<f64>,
    outputs_width: usize,
}

impl Examples {
    /// Reads to the end, or to the first example that was not announced.
    fn read<R: Read>(
        lines: &mut Lines<R>,
        announced: &Announced,
        missing: &[String],
    ) -> Result<Self, DataError> {
        let mut examples = Self::default();
        while lines.next()?.is_some() {
            let line = std::mem::take(&mut lines.text);
            let cells = || line.split(u8::is_ascii_whitespace).filter(|cell| !cell.is_empty());
            let found = cells().count();
            examples.rows += 1;
            if found as u64 != announced.inputs + announced.outputs {
                let problem = format!(
                    "{}, but the header announces {} inputs and {} outputs: correct the line or the counts",
                    counted(found, "number"),
                    announced.inputs,
                    announced.outputs
                );
                return Err(lines.wrong(Some(examples.rows), problem));
            }
            if examples.rows as u64 > announced.parts.iter().sum() {
                return Ok(examples);
            }
            // There are as many cells, so that these widths are no lie.
            examples.outputs_width = usize::try_from(announced.outputs).unwrap_or(0);
            let inputs = usize::try_from(announced.inputs).unwrap_or(0);
            examples.inputs.resize_with(inputs, || InputColumn::new(false));
            if examples.rows == 1 {
                examples.sheet = Sheet::new(inputs);
            }
            examples.sheet.begin_row();
            let place = Place { file: 0, line: lines.line, row: examples.rows };
            for (at, cell) in cells().enumerate() {
                examples.take(at, cell, place, missing).map_err(|((place, problem), column)| {
                    DataError::Cell { file: lines.path.to_owned(), place, column, problem }
                })?;
            }
            lines.text = line;
        }
        Ok(examples)
    }

    fn take(
        &mut self,
        at: usize,
        cell: &[u8],
        place: Place,
        missing: &[String],
    ) -> Result<(), (Fault, String)> {
        match self.inputs.get_mut(at) {
            Some(column) if missing.iter().any(|word| word.as_bytes() == cell) => {
                column.push_missing(&mut self.sheet, at);
            }
            Some(column) => {
                column
                    .push(&mut self.sheet, at, cell, place)
                    .map_err(|fault| (fault, format!("x{}", at + 1)))?;
            }
            None => {
                let Number::Finite(value) = decimal::number(cell) else {
                    let problem = target::problem_of(cell, CellProblem::TextInTarget);
                    return Err(((place, problem), format!("y{}", at + 1 - self.inputs.len())));
                };
                self.outputs.push(value);
            }
        }
        Ok(())
    }
}

fn read(reader: impl Read, path: &Path, spec: &DataSpec) -> Result<Table, DataError> {
    let reader = BufReader::new(Hashing::new(reader));
    let mut lines = Lines { path, reader, line: 0, text: Vec::new() };
    let announced = lines.announced()?;
    let Examples { rows, mut sheet, inputs, outputs, outputs_width } =
        Examples::read(&mut lines, &announced, &spec.missing)?;
    let wrong = |problem| DataError::File { file: path.to_owned(), problem };
    let [train, validation, test] = announced.parts;
    let total = train + validation + test;
    if rows as u64 != total || rows == 0 {
        let found = if rows as u64 > total { "more".to_owned() } else { rows.to_string() };
        return Err(wrong(format!(
            "the header announces {train} + {validation} + {test} = {total} examples, there are {found}: the file is cut short, or its counts are wrong"
        )));
    }
    if inputs.is_empty() || outputs_width == 0 {
        return Err(wrong(format!(
            "the header announces {} inputs and {outputs_width} outputs: at least one of each is needed",
            inputs.len()
        )));
    }
    let parts = [(train, Part::Train), (validation, Part::Validation), (test, Part::Test)];
    let parts = parts.iter().flat_map(|(count, part)| (0..*count).map(|_| *part)).collect();
    let (given, mut notes) = Given::named(parts, "the header");
    let targets = targets(&outputs, outputs_width, spec, path, &mut notes)?;
    let names: Vec<String> = (1..=inputs.len()).map(|place| format!("x{place}")).collect();
    let target_names = match &targets {
        RawTargets::Classes { .. } => vec!["class".to_owned()],
        RawTargets::Values { names, .. } => names.clone(),
    };
    Columns::check_target(spec.target.as_ref(), &target_names, &file_name(path))?;
    let inputs = cells::finish(inputs, &mut sheet).map_err(|(at, (place, problem))| {
        DataError::Cell { file: path.to_owned(), place, column: names[at].clone(), problem }
    })?;
    let roles = (0..names.len()).map(Role::Input).chain((0..target_names.len()).map(Role::Target));
    let columns = Columns {
        roles: roles.collect(),
        names: [names, target_names.clone()].concat(),
        targets: target_names,
    };
    let digest = file::hex(lines.reader.into_inner().hash);
    let files = vec![path.to_owned()];
    Ok(Table { columns, files, sheet, inputs, targets, given, digest, without_target: 0, notes })
}

/// Classes where the outputs can be read as such.
fn targets(
    values: &[f64],
    width: usize,
    spec: &DataSpec,
    path: &Path,
    notes: &mut Vec<String>,
) -> Result<RawTargets, DataError> {
    let boolean = values.iter().all(|value| *value == 0.0 || *value == 1.0);
    let one_hot = || values.chunks_exact(width).all(|row| row.iter().sum::<f64>() == 1.0);
    if boolean && (width == 1 || one_hot()) && spec.task != Some(Task::Regression) {
        let label = |row: &[f64]| match row {
            [value] => u32::from(*value == 1.0),
            row => row
                .iter()
                .position(|value| *value == 1.0)
                .and_then(|place| u32::try_from(place).ok())
                .unwrap_or(0),
        };
        let labels = values.chunks_exact(width).map(label).collect();
        let names = (0..width.max(2)).map(|class| class.to_string()).collect();
        return Ok(RawTargets::Classes { labels, names });
    }
    if spec.task == Some(Task::Classification) {
        return Err(DataError::Setting {
            key: "data.task",
            source_name: file_name(path),
            problem: "the outputs are no classes, of which exactly one is 1: leave data.task out"
                .to_owned(),
        });
    }
    if spec.task.is_none() && boolean && width > 1 {
        notes.push("several outputs are 1 at once: taken as numbers".to_owned());
    }
    let names = (1..=width).map(|place| format!("y{place}")).collect();
    Ok(RawTargets::Values { values: values.to_vec(), names })
}
