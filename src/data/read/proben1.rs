//! PROBEN1's `.dt` files (Prechelt 1994): seven counts, then the training, validation and test
//! examples, inputs before outputs.
//!
//! Inputs are called `x1`, `x2`, … . Outputs of which exactly one is 1 are a `class`, counted from
//! 0, and so is a single output of 0 and 1; all others are the numbers `y1`, `y2`, … . Some files
//! announce boolean outputs and hold real ones: the values decide.

use std::collections::HashMap;
use std::path::Path;

use super::format::{Format, Input};
use crate::config::data::{DataConfig, Task};
use crate::data::doubt::Doubt;
use crate::data::error::{CellProblem, DataError, Location, shortened};
use crate::data::split::given::{Given, Part};
use crate::data::table::builder::{Header, TableBuilder};
use crate::data::table::cell::Cell;
use crate::data::table::number::{self, Number};
use crate::text::counted;

pub(super) const PROBEN1: Format = Format { names: &[".dt"], endings: &["dt"], keys: &[], read };

const KEYS: [&str; 7] = [
    "bool_in",
    "real_in",
    "bool_out",
    "real_out",
    "training_examples",
    "validation_examples",
    "test_examples",
];

fn read(input: Input, config: &DataConfig, table: &mut TableBuilder) -> Result<(), DataError> {
    let Input { file, reader, .. } = input;
    let mut text = Vec::new();
    reader.read_to_end(&mut text).map_err(|cause| DataError::reading(file, cause))?;
    let mut lines = (1..).zip(text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii));
    let mut lines = lines.by_ref().filter(|(_, line)| !line.is_empty());
    let announced = Announced::read(&mut lines, file)?;
    let examples = announced.examples(lines, file)?;
    let (given, doubts) = Given::named(announced.parts(), "the header");
    for doubt in doubts {
        table.doubt(doubt);
    }
    let outputs = Outputs::of(&examples, config, file, table)?;
    let inputs = announced.inputs;
    let names = (1..=inputs).map(|at| format!("x{at}")).chain(outputs.names());
    let header = Header {
        names: names.collect(),
        targets: Some(outputs.names()),
        levels: outputs.levels(),
        given: Some(given),
        ..Header::default()
    };
    table.begin(file, header)?;
    for Example { line, inputs, outputs: values } in &examples {
        table.row(Some(*line), |at| match inputs.get(at) {
            Some(input) => Cell::Text(input),
            None => Cell::Number(outputs.cell(values, at - inputs.len())),
        })?;
    }
    Ok(())
}

/// What the first seven lines announce. Nothing is allocated by it.
struct Announced {
    inputs: u64,
    outputs: u64,
    parts: [u64; 3],
}

struct Example<'a> {
    line: u64,
    inputs: Vec<&'a [u8]>,
    outputs: Vec<f64>,
}

impl Announced {
    fn read<'a>(
        lines: &mut impl Iterator<Item = (u64, &'a [u8])>,
        file: &Path,
    ) -> Result<Self, DataError> {
        let mut counts = [None; KEYS.len()];
        for _ in KEYS {
            let Some((at, line)) = lines.next() else {
                let keys = KEYS.join(", ");
                let problem = format!("ends within its header: expected the counts {keys}");
                return Err(DataError::File { file: file.to_owned(), problem });
            };
            let wrong = |problem| {
                Err(DataError::Line { file: file.to_owned(), line: at, row: None, problem })
            };
            let text = String::from_utf8_lossy(line);
            let (key, count) = text.split_once('=').unwrap_or((&text, ""));
            let key = key.trim().to_lowercase();
            let known = KEYS.iter().position(|known| *known == key);
            let (Some(known), Ok(count)) = (known, count.trim().parse::<u32>()) else {
                return wrong(format!(
                    "`{}` is not a line of a PROBEN1 header: expected one of {} with `=` and a whole number",
                    shortened(line),
                    KEYS.join(", ")
                ));
            };
            if counts[known].replace(u64::from(count)).is_some() {
                return wrong(format!("`{key}` is given twice"));
            }
        }
        let counts = counts.map(|count| count.unwrap_or(0));
        let [bool_in, real_in, bool_out, real_out, train, validation, test] = counts;
        let parts = [train, validation, test];
        Ok(Self { inputs: bool_in + real_in, outputs: bool_out + real_out, parts })
    }

    /// All examples, which are as many as announced and as long.
    fn examples<'a>(
        &self,
        lines: impl Iterator<Item = (u64, &'a [u8])>,
        file: &Path,
    ) -> Result<Vec<Example<'a>>, DataError> {
        let Self { inputs, outputs, parts } = self;
        let total: u64 = parts.iter().sum();
        let wrong = |problem| Err(DataError::File { file: file.to_owned(), problem });
        let miscounted = |found: &str| {
            let [train, validation, test] = parts;
            wrong(format!(
                "the header announces {train} + {validation} + {test} = {total} examples, there are {found}: the file is cut short, or its counts are wrong"
            ))
        };
        let mut examples = Vec::new();
        for (row, (line, text)) in (1..).zip(lines) {
            let cells: Vec<&[u8]> =
                text.split(u8::is_ascii_whitespace).filter(|cell| !cell.is_empty()).collect();
            if cells.len() as u64 != inputs + outputs {
                let found = counted(cells.len(), "number");
                let problem = format!(
                    "{found}, but the header announces {inputs} inputs and {outputs} outputs: correct the line or the counts"
                );
                let (file, row) = (file.to_owned(), Some(row));
                return Err(DataError::Line { file, line, row, problem });
            }
            if row as u64 > total {
                return miscounted("more");
            }
            let at = usize::try_from(*inputs).unwrap_or(cells.len());
            let output = |(at, cell): (usize, &&[u8])| match Number::parse(cell) {
                Number::Finite(value) => Ok(value),
                _ => Err(DataError::Cell {
                    file: file.to_owned(),
                    location: Location { file: 0, line: Some(line), row },
                    column: format!("y{}", at + 1),
                    problem: number::problem_of(cell, CellProblem::TextInTarget),
                }),
            };
            let values = cells[at..].iter().enumerate().map(output).collect::<Result<_, _>>()?;
            examples.push(Example { line, inputs: cells[..at].to_vec(), outputs: values });
        }
        if examples.len() as u64 != total || total == 0 {
            return miscounted(&examples.len().to_string());
        }
        if *inputs == 0 || *outputs == 0 {
            return wrong(format!(
                "the header announces {inputs} inputs and {outputs} outputs: at least one of each is needed"
            ));
        }
        Ok(examples)
    }

    /// The split of each example.
    fn parts(&self) -> Vec<Part> {
        let parts = [Part::Train, Part::Validation, Part::Test];
        let rows = |(count, part): (&u64, Part)| (0..*count).map(move |_| part);
        self.parts.iter().zip(parts).flat_map(rows).collect()
    }
}

/// What the outputs are: classes where they can be read as such.
enum Outputs {
    Classes(usize),
    Numbers(usize),
}

impl Outputs {
    fn of(
        examples: &[Example],
        config: &DataConfig,
        file: &Path,
        table: &mut TableBuilder,
    ) -> Result<Self, DataError> {
        let outputs = || examples.iter().map(|example| &example.outputs);
        let width = outputs().next().map_or(0, Vec::len);
        let boolean = outputs().flatten().all(|value| *value == 0.0 || *value == 1.0);
        let one_hot = || outputs().all(|row| row.iter().sum::<f64>() == 1.0);
        if boolean && (width == 1 || one_hot()) && config.task != Some(Task::Regression) {
            return Ok(Self::Classes(width.max(2)));
        }
        if config.task == Some(Task::Classification) {
            return Err(DataError::Setting {
                key: "data.task",
                source_name: super::file::name(file),
                problem:
                    "the outputs are not classes, of which exactly one is 1: leave data.task out"
                        .to_owned(),
            });
        }
        if config.task.is_none() && boolean && width > 1 {
            let message = "several outputs are 1 at once: taken as numbers".to_owned();
            table.doubt(Doubt::note("outputs taken as numbers", "data.source", message));
        }
        Ok(Self::Numbers(width))
    }

    fn names(&self) -> Vec<String> {
        match self {
            Self::Classes(_) => vec!["class".to_owned()],
            Self::Numbers(width) => (1..=*width).map(|at| format!("y{at}")).collect(),
        }
    }

    fn levels(&self) -> HashMap<String, Vec<String>> {
        match self {
            Self::Classes(count) => {
                let classes = (0..*count).map(|class| class.to_string()).collect();
                HashMap::from([("class".to_owned(), classes)])
            }
            Self::Numbers(_) => HashMap::new(),
        }
    }

    /// The target at `at` of an example.
    fn cell(&self, values: &[f64], at: usize) -> f64 {
        match (self, values) {
            (Self::Numbers(_), values) => values[at],
            (Self::Classes(_), [value]) => *value,
            (Self::Classes(_), values) => {
                let class = (0_u32..).zip(values).find(|(_, value)| **value == 1.0);
                class.map_or(0.0, |(class, _)| f64::from(class))
            }
        }
    }
}
