//! Rows for a network that is trained, encoded as its training rows were.

use std::path::Path;
use std::sync::Arc;

use super::dataset::{Dataset, Inputs, Splits, Targets};
use super::encode::inputs;
use super::encode::scale::Scale;
use super::error::{BUILT_IN, DataError, shortened};
use super::preprocessing::{Coding, ImageCoding, InputCoding, Preprocessing, TargetCoding, binary};
use super::read::{self, file, idx};
use super::source::{built_in_images, built_in_table};
use super::table::builder::KnownTable;
use super::table::column::{Column, Values};
use super::table::level::Level;
use super::table::number::Number;
use crate::config::data::DataConfig;
use crate::text::counted;

/// Rows to predict.
pub struct NewRows {
    /// All rows in the order of the file; none is in a split. Those without an answer have any.
    pub data: Arc<Dataset>,
    /// What the file says that is right.
    pub answers: Answers,
    /// What there is to know, a sentence each.
    pub notes: Vec<String>,
}

/// What a file says that is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answers {
    /// It does not hold the target.
    Absent,
    /// Of these rows.
    Of(Vec<u32>),
}

/// Levels or classes that a note names one by one.
const NAMED: usize = 5;

impl NewRows {
    /// Reads the file, the folder or the built-in set that `config` names; of `config`, what formats are read by is
    /// of use.
    ///
    /// # Errors
    /// Where it cannot be read, lacks a column or holds a cell that is no number where one is wanted.
    pub fn read(config: &DataConfig, preprocessing: &Preprocessing) -> Result<Self, DataError> {
        let path = Path::new(&config.source);
        let is_idx = path.is_dir() || file::ending(path).ends_with("-ubyte");
        let built_in = BUILT_IN.contains(&config.source.as_str());
        if !built_in && !path.exists() {
            let problem = "no such file or directory".to_owned();
            return Err(DataError::File { file: path.to_owned(), problem });
        }
        let wrong = |problem: &str| {
            Err(DataError::File { file: path.to_owned(), problem: problem.to_owned() })
        };
        let has_images = is_idx || config.source == "digits";
        match &preprocessing.inputs {
            InputCoding::Image(_) if !has_images => wrong(
                "the network was trained on images: give a folder of IDX files, or one such file of images",
            ),
            InputCoding::Image(coding) if built_in => {
                let images = built_in_images()?;
                let (width, height) = (images.width, images.height);
                let (bytes, labels) = (images.bytes, Some(images.labels));
                let unsplit = idx::Unsplit { bytes, labels, width, height };
                Self::of_images(unsplit, coding, preprocessing, path)
            }
            InputCoding::Image(coding) => {
                Self::of_images(idx::read_unsplit(path, config)?, coding, preprocessing, path)
            }
            InputCoding::Table { .. } if has_images => wrong(
                "the network was trained on a table, and these are images: give a file with its columns",
            ),
            InputCoding::Table { columns, .. } => {
                let table = match built_in_table(&config.source) {
                    Some(text) => read::known_built_in(text, config, preprocessing)?,
                    None => read::known(path, config, preprocessing)?,
                };
                let KnownTable { inputs, targets, rows, by_place } = table;
                let mut notes = Vec::new();
                if by_place {
                    notes.push("columns are taken by their place: those that the network was trained on had no names".to_owned());
                }
                for (column, of) in inputs.iter().zip(columns) {
                    notes.extend(unseen(column, &of.name, &of.coding));
                    notes.extend(missing(column, &of.name, &of.coding));
                }
                let inputs = inputs::apply(inputs, columns, rows)
                    .map_err(|problem| DataError::File { file: path.to_owned(), problem })?;
                let (targets, answers) = match targets {
                    None => (without_answers(&preprocessing.target, rows), Answers::Absent),
                    Some(targets) => answered(&targets, preprocessing, rows, &mut notes),
                };
                Ok(Self::new(Inputs::Table(inputs), targets, answers, preprocessing, notes))
            }
        }
    }

    fn of_images(
        images: idx::Unsplit,
        coding: &ImageCoding,
        preprocessing: &Preprocessing,
        path: &Path,
    ) -> Result<Self, DataError> {
        let idx::Unsplit { mut bytes, labels, width, height } = images;
        if (width, height) != (coding.width, coding.height) {
            let problem = format!(
                "images of {height} x {width}, and the network was trained on images of {} x {}",
                coding.height, coding.width
            );
            return Err(DataError::File { file: path.to_owned(), problem });
        }
        if let Some(share) = coding.binarize {
            for byte in &mut bytes {
                *byte = binary(*byte, share, coding.full_scale);
            }
        }
        let (scale, shift) = coding.affine();
        let pixels = width * height;
        let rows = bytes.len() / pixels.max(1);
        let inputs = Inputs::Images { bytes: Arc::new(bytes), width: pixels, scale, shift };
        let mut notes = Vec::new();
        let (targets, answers) = match labels {
            None => (without_answers(&preprocessing.target, rows), Answers::Absent),
            Some(labels) => of_labels(&labels, &preprocessing.target, &mut notes),
        };
        Ok(Self::new(inputs, targets, answers, preprocessing, notes))
    }

    fn new(
        inputs: Inputs,
        targets: Targets,
        answers: Answers,
        preprocessing: &Preprocessing,
        notes: Vec<String>,
    ) -> Self {
        let none = Vec::new;
        let data = Dataset {
            inputs,
            targets,
            splits: Splits {
                train: none(),
                validation: none(),
                test: none(),
                train_evaluated: none(),
            },
            preprocessing: serde_json::json!(preprocessing),
            summary: String::new(),
            doubts: Vec::new(),
            digest: String::new(),
        };
        Self { data: Arc::new(data), answers, notes }
    }
}

/// That a column holds levels which the training rows did not have.
fn unseen(column: &Column, name: &str, coding: &Coding) -> Option<String> {
    let Coding::Levels { levels: known, .. } = coding else { return None };
    let Values::Levels { levels, .. } = &column.values else { return None };
    let counts = column.counts(None);
    let cells: usize = counts[known.len()..levels.len()].iter().sum();
    let new: Vec<&str> = levels[known.len()..].iter().map(|level| level.name.as_str()).collect();
    (cells > 0).then(|| {
        format!(
            "`{}`: {} of {} that no training row had, taken as \"other\": {}",
            shortened(name.as_bytes()),
            counted(cells, "cell"),
            counted(new.len(), "level"),
            named(&new)
        )
    })
}

/// That cells of a column are missing, and what stands for them.
fn missing(column: &Column, name: &str, coding: &Coding) -> Option<String> {
    let taken = match coding {
        Coding::Number { imputed, .. } => format!("taken as {imputed}, the mean in training"),
        Coding::Levels { missing_level: false, .. } => {
            "taken as \"other\", as no training row lacked one".to_owned()
        }
        Coding::MissingIndicator | Coding::Levels { .. } => return None,
    };
    let name = shortened(name.as_bytes());
    let cells = counted(column.missing, "missing cell");
    (column.missing > 0).then(|| format!("`{name}`: {cells}, {taken}"))
}

fn named(names: &[&str]) -> String {
    let shown = names.iter().take(NAMED).map(|name| format!("`{}`", shortened(name.as_bytes())));
    let more = names.len().saturating_sub(NAMED);
    let more = (more > 0).then(|| format!("{more} more"));
    shown.chain(more).collect::<Vec<_>>().join(", ")
}

/// Targets of so many rows that nothing is known of.
fn without_answers(target: &TargetCoding, rows: usize) -> Targets {
    match target {
        TargetCoding::Classes { classes, .. } => {
            Targets::Classes { labels: vec![0; rows], names: classes.clone() }
        }
        TargetCoding::Values { columns } => of_values(target, vec![0.0; rows * columns.len()]),
    }
}

fn of_values(target: &TargetCoding, values: Vec<f32>) -> Targets {
    let columns = match target {
        TargetCoding::Values { columns } => columns.as_slice(),
        TargetCoding::Classes { .. } => &[],
    };
    Targets::Values {
        values,
        names: columns.iter().map(|column| column.name.clone()).collect(),
        mean: columns.iter().map(|column| column.mean).collect(),
        sd: columns.iter().map(|column| column.sd).collect(),
    }
}

/// The targets of a table, of rows whose cells hold them.
fn answered(
    targets: &[Column],
    preprocessing: &Preprocessing,
    rows: usize,
    notes: &mut Vec<String>,
) -> (Targets, Answers) {
    match &preprocessing.target {
        TargetCoding::Classes { name, classes } => {
            let Some(Column { values: Values::Levels { levels, codes, .. }, .. }) = targets.first()
            else {
                return (without_answers(&preprocessing.target, rows), Answers::Absent);
            };
            let of_level: Vec<Option<u32>> =
                levels.iter().map(|level| class_of(level, classes)).collect();
            let codes = codes.iter().flatten().copied();
            of_codes(codes, &of_level, levels, (name, classes), notes)
        }
        TargetCoding::Values { columns } => {
            let read = |column: &Column| match &column.values {
                Values::Numbers { numbers, .. } => numbers.chunks().collect::<Vec<_>>().concat(),
                _ => Vec::new(),
            };
            let read: Vec<Vec<f64>> = targets.iter().map(read).collect();
            let holds_all = |row: &u32| read.iter().all(|column| !column[*row as usize].is_nan());
            let answered: Vec<u32> = numbered(rows).filter(holds_all).collect();
            let mut values = Vec::with_capacity(rows * columns.len());
            for row in 0..rows {
                for (column, of) in read.iter().zip(columns) {
                    let value = Scale { mean: of.mean, sd: of.sd }.apply(column[row]);
                    #[allow(clippy::cast_possible_truncation)] // as the network's are
                    values.push(if value.is_nan() { 0.0 } else { value as f32 });
                }
            }
            (of_values(&preprocessing.target, values), Answers::Of(answered))
        }
    }
}

/// The labels of images.
fn of_labels(labels: &[u8], target: &TargetCoding, notes: &mut Vec<String>) -> (Targets, Answers) {
    match target {
        TargetCoding::Classes { name, classes } => {
            let level = |label: u8| Level::declared(&label.to_string());
            let levels: Vec<Level> = (0..=u8::MAX).map(level).collect();
            let of_level: Vec<Option<u32>> =
                levels.iter().map(|level| class_of(level, classes)).collect();
            let codes = labels.iter().map(|label| u32::from(*label));
            of_codes(codes, &of_level, &levels, (name, classes), notes)
        }
        TargetCoding::Values { columns } => {
            let (mean, sd) = columns.first().map_or((0.0, 1.0), |of| (of.mean, of.sd));
            let scale = Scale { mean, sd };
            #[allow(clippy::cast_possible_truncation)] // as the network's are
            let values = labels.iter().map(|label| scale.apply(f64::from(*label)) as f32).collect();
            (of_values(target, values), Answers::Of(numbered(labels.len()).collect()))
        }
    }
}

/// The classes that rows name by codes of levels, as far as the network knows them.
fn of_codes(
    codes: impl Iterator<Item = u32>,
    of_level: &[Option<u32>],
    levels: &[Level],
    (name, classes): (&str, &[String]),
    notes: &mut Vec<String>,
) -> (Targets, Answers) {
    let (mut labels, mut answered) = (Vec::new(), Vec::new());
    let (mut unknown, mut strange) = (0, vec![false; levels.len()]);
    for (row, code) in (0..).zip(codes) {
        let class = of_level.get(code as usize).copied();
        match class {
            Some(Some(class)) => {
                answered.push(row);
                labels.push(class);
                continue;
            }
            Some(None) => {
                unknown += 1;
                strange[code as usize] = true;
            }
            None => {}
        }
        labels.push(0);
    }
    if unknown > 0 {
        let names = levels.iter().zip(strange).filter(|(_, is_strange)| *is_strange);
        let names: Vec<&str> = names.map(|(level, _)| level.name.as_str()).collect();
        notes.push(format!(
            "`{}`: {} of classes that the network does not know, left out of the metrics: {}",
            shortened(name.as_bytes()),
            counted(unknown, "row"),
            named(&names)
        ));
    }
    (Targets::Classes { labels, names: classes.to_vec() }, Answers::Of(answered))
}

/// The class that a level names: by its text, or as a whole number.
fn class_of(level: &Level, classes: &[String]) -> Option<u32> {
    let place = |name: &str| classes.iter().position(|class| class == name);
    let as_number = || match level.number {
        #[allow(clippy::cast_possible_truncation)] // whole, and small enough to be exact
        Number::Finite(number) if number.fract() == 0.0 && number.abs() < 1e15 => {
            place(&(number as i64).to_string())
        }
        _ => None,
    };
    place(&level.name).or_else(as_number).and_then(|place| u32::try_from(place).ok())
}

/// Rows are counted in 32 bits; the readers refuse more.
fn numbered(rows: usize) -> impl Iterator<Item = u32> {
    0..u32::try_from(rows).unwrap_or(u32::MAX)
}
