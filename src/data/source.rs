//! What `data.source` names, read once; datasets are made of it split by split.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::cells::{Cells, MOST_LEVELS};
use super::columns::Columns;
use super::delimited;
use super::error::{self, BUILT_IN, DataError};
use super::file;
use super::given::Given;
use super::idx::{self, Images};
use super::proben1;
use super::sheet::Sheet;
use super::table::Table;
use super::target::RawTargets;
use crate::spec::data::{DataSpec, Task};

/// The content of a source, decoded, before any split or scale.
#[derive(Debug)]
pub struct Source {
    /// As summaries call it.
    pub(super) name: String,
    pub(super) inputs: RawInputs,
    pub(super) targets: RawTargets,
    /// The target columns.
    pub(super) target_names: Vec<String>,
    /// Every column of a table, in the order of the file.
    pub(super) columns: Option<Columns>,
    /// The files of a table, as places of cells count them.
    pub(super) files: Vec<PathBuf>,
    /// Whether the task was read off the target.
    pub(super) task_inferred: bool,
    /// The splits that came along.
    pub(super) given: Given,
    pub(super) digest: String,
    /// Rows left out as their target is missing.
    pub(super) without_target: usize,
    /// What a user has to know, whatever the split.
    pub(super) notes: Vec<String>,
    /// The part of the config that it was opened with.
    pub(super) key: DataSpec,
}

#[derive(Debug)]
pub(super) enum RawInputs {
    /// The cells of all inputs, and what each column holds.
    Table {
        sheet: Sheet,
        columns: Vec<Cells>,
        names: Vec<String>,
    },
    Images {
        bytes: Arc<Vec<u8>>,
        width: usize,
        height: usize,
        full_scale: u8,
    },
}

impl Source {
    /// Reads the source that `spec` names, relative to `base`. A built-in name comes before a
    /// file of that name; `./digits` is the file.
    ///
    /// # Errors
    /// Where it cannot be read, or holds what cannot be learnt from.
    pub fn open(spec: &DataSpec, base: &Path) -> Result<Self, DataError> {
        let path = base.join(&spec.source);
        let name = delimited::file_name(&path);
        let source = match spec.source.as_str() {
            "digits" => Self::digits(spec)?,
            "penguins" | "concrete" => Self::built_in_table(spec)?,
            _ if path.is_dir() => {
                check_settings(spec, &name, Format::Images)?;
                Self::of_images(idx::read_folder(&path)?, spec, name, "label", 255)?
            }
            _ if path.exists() => Self::of_file(spec, &path, base)?,
            _ => {
                return Err(DataError::UnknownSource {
                    source_name: spec.source.clone(),
                    nearest: error::nearest(&spec.source, BUILT_IN.iter().copied()),
                    path,
                });
            }
        };
        source.check_target()?;
        Ok(source)
    }

    fn of_file(spec: &DataSpec, path: &Path, base: &Path) -> Result<Self, DataError> {
        let format = format_of(path, "data.source")?;
        let name = delimited::file_name(path);
        check_settings(spec, &name, format)?;
        if format == Format::Proben1 {
            return Ok(Self::of_table(proben1::read_file(path, spec)?, spec, name));
        }
        let key = "data.test_source";
        let test = spec.test_source.as_ref().map(|test| base.join(test));
        if let Some(test) = &test {
            if !test.is_file() {
                return Err(DataError::Setting {
                    key,
                    source_name: name,
                    problem: format!(
                        "{key} names {}, and there is no such file: a path is relative to the config file",
                        test.display()
                    ),
                });
            }
            if format_of(test, key)? != Format::Delimited {
                return Err(DataError::Setting {
                    key,
                    source_name: name,
                    problem: format!(
                        "{key} names {}, which is no table: give a CSV or TSV file (.gz too) with the columns of data.source",
                        test.display()
                    ),
                });
            }
        }
        Ok(Self::of_table(delimited::read_files(path, test.as_deref(), spec)?, spec, name))
    }

    fn built_in_table(spec: &DataSpec) -> Result<Self, DataError> {
        let name = spec.source.as_str();
        check_settings(spec, name, Format::BuiltIn)?;
        let text: &[u8] = match name {
            "penguins" => include_bytes!("../../data/penguins.csv"),
            _ => include_bytes!("../../data/concrete.csv"),
        };
        let table = delimited::read_built_in(text, Path::new(name), spec)?;
        Ok(Self::of_table(table, spec, name.to_owned()))
    }

    /// SHA-256 of what was read, in hex; the same for a plain and a compressed file.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Whether [`Source::dataset`] takes this spec: one whose [`DataSpec::reading`] is that of the
    /// spec that opened the source.
    #[must_use]
    pub fn serves(&self, spec: &DataSpec) -> bool {
        self.key == spec.reading()
    }

    /// Number of rows, those of a test split that came along included.
    #[must_use]
    pub fn rows(&self) -> usize {
        match &self.targets {
            RawTargets::Classes { labels, .. } => labels.len(),
            RawTargets::Values { values, names } => values.len() / names.len().max(1),
        }
    }

    fn digits(spec: &DataSpec) -> Result<Self, DataError> {
        check_settings(spec, "digits", Format::Images)?;
        let images = idx::from_gzip(
            include_bytes!("../../data/digits-images-idx3-ubyte.gz"),
            include_bytes!("../../data/digits-labels-idx1-ubyte.gz"),
            Path::new("digits"),
        )?;
        Self::of_images(images, spec, "digits".to_owned(), "digit", 16)
    }

    fn of_images(
        images: Images,
        spec: &DataSpec,
        name: String,
        target: &str,
        full_scale: u8,
    ) -> Result<Self, DataError> {
        let target_names = vec![target.to_owned()];
        Columns::check_target(spec.target.as_ref(), &target_names, &name)?;
        let digest = images.digest(full_scale);
        let Images { bytes, labels, width, height, test_from } = images;
        let bytes = Arc::new(bytes);
        let targets = if spec.task == Some(Task::Regression) {
            let values = labels.iter().map(|label| f64::from(*label)).collect();
            RawTargets::Values { values, names: target_names.clone() }
        } else {
            classes_of(&labels)
        };
        Ok(Self {
            name,
            inputs: RawInputs::Images { bytes, width, height, full_scale },
            targets,
            target_names,
            columns: None,
            files: Vec::new(),
            task_inferred: false,
            given: test_from.map_or(Given::Nothing, Given::TestFrom),
            digest,
            without_target: 0,
            notes: Vec::new(),
            key: spec.reading(),
        })
    }

    fn of_table(table: Table, spec: &DataSpec, name: String) -> Self {
        let Table { columns, files, sheet, inputs, targets, given, digest, without_target, notes } =
            table;
        let names = columns.inputs().cloned().collect();
        Self {
            name,
            inputs: RawInputs::Table { sheet, columns: inputs, names },
            targets,
            task_inferred: spec.task.is_none() && columns.targets.len() == 1,
            target_names: columns.targets.clone(),
            columns: Some(columns),
            files,
            given,
            digest,
            without_target,
            notes,
            key: spec.reading(),
        }
    }

    /// Refuses a target from which nothing can be learnt.
    fn check_target(&self) -> Result<(), DataError> {
        let wrong =
            |problem: String| Err(DataError::Target { source_name: self.name.clone(), problem });
        match &self.targets {
            RawTargets::Classes { labels, names }
                if labels.iter().all(|label| Some(label) == labels.first()) =>
            {
                let class = labels.first().and_then(|label| names.get(*label as usize));
                wrong(format!(
                    "the target `{}` has one class only (`{}`): there is nothing to tell apart; set data.target to the column to predict",
                    self.target_names.join("`, `"),
                    class.map_or("", String::as_str)
                ))
            }
            RawTargets::Classes { labels, names }
                if names.len() == labels.len() && names.len() > 2
                    || names.len() > MOST_LEVELS && 2 * names.len() > labels.len() =>
            {
                wrong(format!(
                    "the target `{}` has {} classes in {}: is it the column to predict? set data.target, or task = \"regression\" for numbers",
                    self.target_names.join("`, `"),
                    names.len(),
                    error::counted(labels.len(), "row")
                ))
            }
            RawTargets::Classes { .. } => Ok(()),
            RawTargets::Values { values, names } => {
                let constant = |column: &usize| {
                    let mut cells = values.iter().skip(*column).step_by(names.len());
                    let first = cells.next();
                    cells.all(|cell| Some(cell) == first)
                };
                match (0..names.len()).find(constant) {
                    Some(column) => wrong(format!(
                        "the target `{}` is the same in every row: there is nothing to learn; set data.target to the column to predict",
                        names[column]
                    )),
                    None => Ok(()),
                }
            }
        }
    }
}

/// Labels that occur become classes, in order; gaps between them are closed.
fn classes_of(labels: &[u8]) -> RawTargets {
    let mut occurs = [false; 256];
    for label in labels {
        occurs[usize::from(*label)] = true;
    }
    let mut place = [0_u32; 256];
    let mut names = Vec::new();
    for label in (0..256).filter(|label| occurs[*label]) {
        place[label] = u32::try_from(names.len()).unwrap_or(0);
        names.push(label.to_string());
    }
    let labels = labels.iter().map(|label| place[usize::from(*label)]).collect();
    RawTargets::Classes { labels, names }
}

/// What a source is, as far as keys of the config go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Delimited,
    /// Delimited, and in the program.
    BuiltIn,
    Proben1,
    Images,
}

/// Refuses keys that this format has no use for, as they would do nothing.
fn check_settings(spec: &DataSpec, source_name: &str, format: Format) -> Result<(), DataError> {
    let refuse = |key, problem: String| {
        Err(DataError::Setting { key, source_name: source_name.to_owned(), problem })
    };
    let (delimited, table) =
        (format == Format::Delimited, matches!(format, Format::Delimited | Format::BuiltIn));
    if spec.test_source.is_some() && spec.split.column.is_some() {
        let problem =
            "data.test_source and data.split.column both give a test split: leave one of them out";
        return refuse("data.split.column", problem.to_owned());
    }
    for (key, given, fits) in [
        ("data.header", spec.header.is_some(), delimited),
        ("data.delimiter", spec.delimiter.is_some(), delimited),
        ("data.test_source", spec.test_source.is_some(), delimited),
        ("data.drop", !spec.drop.is_empty(), table),
        ("data.categorical", !spec.categorical.is_empty(), table),
        ("data.split.column", spec.split.column.is_some(), table),
    ] {
        if given && !fits {
            let problem = match format {
                Format::BuiltIn => {
                    format!("{key} is for files, and this set is built in: leave it out")
                }
                _ => format!("{key} is for CSV and TSV files: leave it out"),
            };
            return refuse(key, problem);
        }
    }
    if spec.binarize.is_some() && format != Format::Images {
        let problem = "data.binarize is for images, and this is a table: leave it out";
        return refuse("data.binarize", problem.to_owned());
    }
    Ok(())
}

/// The format by the name, which `key` gives; says of known ones that are to come what works
/// instead.
fn format_of(path: &Path, key: &'static str) -> Result<Format, DataError> {
    let format = file::format(path);
    let later = match format.as_str() {
        "csv" | "tsv" | "tab" | "txt" | "data" | "test" => return Ok(Format::Delimited),
        "dt" => return Ok(Format::Proben1),
        "npz" | "npy" => "reading NumPy files",
        "parquet" => "reading Parquet files",
        "arff" => "reading ARFF files",
        "libsvm" | "svm" | "svmlight" => "reading libsvm files",
        _ if format.ends_with("-ubyte") => {
            return Err(DataError::File {
                file: PathBuf::from(path),
                problem:
                    "this is one file of an IDX set: give the folder that holds images and labels"
                        .to_owned(),
            });
        }
        _ => return Err(DataError::UnknownFormat { key, file: path.to_owned() }),
    };
    Err(DataError::NotYetBuilt {
        key,
        file: path.to_owned(),
        what: later.to_owned(),
        instead: "give a CSV, TSV or .dt file (.gz too) or a folder of IDX files".to_owned(),
    })
}
