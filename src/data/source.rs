//! What `data.source` names, read once; datasets are made of it split by split.

use std::path::{Path, PathBuf};

use super::delimited::{self, Table, Wanted};
use super::error::{self, BUILT_IN, DataError};
use super::file;
use super::idx::{self, Images};
use super::target::RawTargets;
use crate::spec::data::{DataSpec, Target, Task};

/// The content of a source, decoded, before any split or scale.
#[derive(Debug)]
pub struct Source {
    /// As summaries call it.
    pub(super) name: String,
    pub(super) inputs: RawInputs,
    pub(super) targets: RawTargets,
    /// The target columns.
    pub(super) target_names: Vec<String>,
    /// Whether the task was read off the target.
    pub(super) task_inferred: bool,
    /// The first row of a test split that came along.
    pub(super) test_from: Option<usize>,
    pub(super) digest: String,
    key: (String, Option<Target>, Option<Task>),
}

#[derive(Debug)]
pub(super) enum RawInputs {
    Table { values: Vec<f32>, names: Vec<String> },
    Images { bytes: Vec<u8>, width: usize, height: usize, full_scale: u8 },
}

impl Source {
    /// Reads the source that `spec` names, relative to `base`. A built-in name comes before a
    /// file of that name; `./digits` is the file.
    ///
    /// # Errors
    /// Where it cannot be read, or holds what cannot be learnt from.
    pub fn open(spec: &DataSpec, base: &Path) -> Result<Self, DataError> {
        let source = if spec.source == "digits" {
            Self::digits(spec)?
        } else {
            let path = base.join(&spec.source);
            if path.is_dir() {
                let images = idx::read_folder(&path)?;
                Self::of_images(images, spec, delimited::file_name(&path), "label", 255)?
            } else if path.exists() {
                let wanted = Wanted { target: spec.target.as_ref(), task: spec.task };
                check_format(&path)?;
                Self::of_table(delimited::read_file(&path, wanted)?, spec, &path)
            } else {
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

    /// SHA-256 of what was read, in hex; the same for a plain and a compressed file.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Whether [`Source::dataset`] takes this spec: one that differs in its split or in
    /// `standardize` alone from the spec that opened the source.
    #[must_use]
    pub fn serves(&self, spec: &DataSpec) -> bool {
        (&self.key.0, &self.key.1, &self.key.2) == (&spec.source, &spec.target, &spec.task)
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
        let names = spec.target.as_ref().map_or(&[][..], Target::names);
        if let Some(unknown) = names.iter().find(|name| *name != target) {
            return Err(DataError::UnknownTarget {
                source_name: name,
                name: unknown.clone(),
                nearest: error::nearest(unknown, [target]),
                columns: vec![target.to_owned()],
            });
        }
        let digest = images.digest(full_scale);
        let Images { bytes, labels, width, height, test_from } = images;
        let targets = if spec.task == Some(Task::Regression) {
            let values = labels.iter().map(|label| f64::from(*label)).collect();
            RawTargets::Values { values, names: vec![target.to_owned()] }
        } else {
            classes_of(&labels)
        };
        Ok(Self {
            name,
            inputs: RawInputs::Images { bytes, width, height, full_scale },
            targets,
            target_names: vec![target.to_owned()],
            task_inferred: false,
            test_from,
            digest,
            key: key_of(spec),
        })
    }

    fn of_table(table: Table, spec: &DataSpec, path: &Path) -> Self {
        Self {
            name: delimited::file_name(path),
            inputs: RawInputs::Table { values: table.values, names: table.names },
            targets: table.target_values,
            task_inferred: spec.task.is_none() && table.targets.len() == 1,
            target_names: table.targets,
            test_from: None,
            digest: table.digest,
            key: key_of(spec),
        }
    }

    /// Refuses a target from which nothing can be learnt.
    fn check_target(&self) -> Result<(), DataError> {
        let wrong =
            |problem: String| Err(DataError::Target { source_name: self.name.clone(), problem });
        match &self.targets {
            RawTargets::Classes { names, .. } if names.len() < 2 => wrong(format!(
                "the target `{}` has one class only (`{}`): there is nothing to tell apart",
                self.target_names.join("`, `"),
                names.join("`, `")
            )),
            RawTargets::Classes { labels, names }
                if names.len() == labels.len() && names.len() > 2 =>
            {
                wrong(format!(
                    "the target `{}` is different in each of the {} rows: is it the column to predict? set data.target, or task = \"regression\" for numbers",
                    self.target_names.join("`, `"),
                    labels.len()
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
                        "the target `{}` is the same in every row: there is nothing to learn",
                        names[column]
                    )),
                    None => Ok(()),
                }
            }
        }
    }
}

fn key_of(spec: &DataSpec) -> (String, Option<Target>, Option<Task>) {
    (spec.source.clone(), spec.target.clone(), spec.task)
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

/// Passes delimited text; says of other known formats what works instead.
fn check_format(path: &Path) -> Result<(), DataError> {
    let format = file::format(path);
    let later = match format.as_str() {
        "csv" | "tsv" | "tab" | "txt" | "data" => return Ok(()),
        "dt" => "reading PROBEN1 .dt files",
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
        _ => return Err(DataError::UnknownFormat { file: path.to_owned() }),
    };
    Err(DataError::NotYetBuilt {
        file: path.to_owned(),
        what: later.to_owned(),
        instead: "give a CSV or TSV file (.gz too) or a folder of IDX files".to_owned(),
    })
}
