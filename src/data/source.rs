//! What `data.source` names, read once; datasets are made of it split by split.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::doubt::Doubt;
use super::error::{self, BUILT_IN, DataError};
use super::read::idx::{self, Images};
use super::read::{self, Kind, check_keys, file};
use super::split::given::Given;
use super::table::builder::Table;
use super::table::cell::Cell;
use super::table::column::{Column, MOST_LEVELS};
use super::table::looks::NumbersAsText;
use super::table::roles::Roles;
use super::table::row_hash::RowHash;
use super::table::target::RawTargets;
use crate::config::data::{DataConfig, Task};
use crate::text::counted;

/// The content of a source, decoded, before any split or scale.
#[derive(Debug)]
pub struct Source {
    /// As summaries call it.
    pub(super) name: String,
    pub(super) inputs: RawInputs,
    pub(super) targets: RawTargets,
    /// What makes classes of numbers, where something does.
    pub(super) classes_as_numbers: Option<NumbersAsText>,
    /// The target columns.
    pub(super) target_names: Vec<String>,
    /// Every column of a table, in the order of the file.
    pub(super) roles: Option<Roles>,
    /// The files of a table, as locations count them.
    pub(super) files: Vec<PathBuf>,
    /// Whether the task was read off the target.
    pub(super) task_inferred: bool,
    /// The splits that came along.
    pub(super) given: Given,
    /// Of each row: rows of the same hash are word for word the same.
    pub(super) hashes: Vec<u64>,
    pub(super) digest: String,
    /// Rows left out as their target is missing.
    pub(super) without_target: usize,
    /// What a user has to know, whatever the split.
    pub(super) doubts: Vec<Doubt>,
    /// The part of the config that it was opened with.
    pub(super) key: DataConfig,
}

#[derive(Debug)]
pub(super) enum RawInputs {
    /// The columns of all inputs.
    Table {
        columns: Vec<Column>,
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
    /// Reads the source that `config` names, relative to `base`. A built-in name comes before a
    /// file of that name; `./digits` is the file.
    ///
    /// # Errors
    /// Where it cannot be read, or holds what cannot be learnt from.
    pub fn open(config: &DataConfig, base: &Path) -> Result<Self, DataError> {
        let path = base.join(&config.source);
        let name = file::name(&path);
        let source = match config.source.as_str() {
            "digits" => Self::digits(config)?,
            name if built_in_table(name).is_some() => {
                Self::built_in(built_in_table(name).unwrap_or_default(), config)?
            }
            _ if path.is_dir() => {
                check_keys(config, &name, Kind::Images)?;
                Self::of_images(idx::read_folder(&path, config)?, config, name, "label", 255)?
            }
            _ if path.exists() => Self::of_table(read::table(&path, base, config)?, config, name),
            _ => {
                return Err(DataError::UnknownSource {
                    source_name: config.source.clone(),
                    nearest: error::nearest(&config.source, BUILT_IN.iter().copied()),
                    path,
                });
            }
        };
        source.check_target()?;
        Ok(source)
    }

    fn built_in(text: &[u8], config: &DataConfig) -> Result<Self, DataError> {
        let read = read::built_in(text, &config.source, config)?;
        Ok(Self::of_table(read, config, config.source.clone()))
    }

    /// SHA-256 of what was read, in hex; the same for a plain and a compressed file.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Whether [`Source::dataset`] takes this config: one whose [`DataConfig::reading`] is that of the
    /// config that opened the source.
    #[must_use]
    pub fn serves(&self, config: &DataConfig) -> bool {
        self.key == config.reading()
    }

    /// Number of rows, those of a test split that came along included.
    #[must_use]
    pub fn rows(&self) -> usize {
        match &self.targets {
            RawTargets::Classes { labels, .. } => labels.len(),
            RawTargets::Values { values, names } => values.len() / names.len().max(1),
        }
    }

    fn digits(config: &DataConfig) -> Result<Self, DataError> {
        check_keys(config, "digits", Kind::Images)?;
        Self::of_images(built_in_images()?, config, "digits".to_owned(), "digit", 16)
    }

    fn of_images(
        images: Images,
        config: &DataConfig,
        name: String,
        target: &str,
        full_scale: u8,
    ) -> Result<Self, DataError> {
        let target_names = vec![target.to_owned()];
        Roles::check_target(config.target.as_ref(), &target_names, &name)?;
        let digest = images.digest(full_scale);
        let Images { bytes, labels, width, height, test_from } = images;
        let hashes = hashes(&bytes, width * height, &labels);
        let bytes = Arc::new(bytes);
        let targets = if config.task == Some(Task::Regression) {
            let values = labels.iter().map(|label| f64::from(*label)).collect();
            RawTargets::Values { values, names: target_names.clone() }
        } else {
            classes_of(&labels)
        };
        Ok(Self {
            name,
            inputs: RawInputs::Images { bytes, width, height, full_scale },
            targets,
            classes_as_numbers: None,
            target_names,
            roles: None,
            files: Vec::new(),
            task_inferred: false,
            given: test_from.map_or(Given::Nothing, Given::TestFrom),
            hashes,
            digest,
            without_target: 0,
            doubts: Vec::new(),
            key: config.reading(),
        })
    }

    fn of_table((table, digest): read::Read, config: &DataConfig, name: String) -> Self {
        let names = table.roles.inputs().cloned().collect();
        let Table { roles, files, inputs, targets, classes_as_numbers, .. } = table;
        let Table { given, hashes, without_target, doubts, .. } = table;
        Self {
            name,
            inputs: RawInputs::Table { columns: inputs, names },
            targets,
            classes_as_numbers,
            task_inferred: config.task.is_none() && roles.targets.len() == 1,
            target_names: roles.targets.clone(),
            roles: Some(roles),
            files,
            given,
            hashes,
            digest,
            without_target,
            doubts,
            key: config.reading(),
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
                let advice = match &self.classes_as_numbers {
                    Some(found) => format!("{}, or set data.target", found.advice()),
                    None => "is it the column to predict? set data.target, or task = \"regression\" for numbers".to_owned(),
                };
                wrong(format!(
                    "the target `{}` has {} classes in {}: {advice}",
                    self.target_names.join("`, `"),
                    names.len(),
                    counted(labels.len(), "row")
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

/// The text of a table that needs no file.
pub(super) fn built_in_table(name: &str) -> Option<&'static [u8]> {
    match name {
        "penguins" => Some(include_bytes!("../../data/penguins.csv")),
        "concrete" => Some(include_bytes!("../../data/concrete.csv")),
        _ => None,
    }
}

/// The images that need no file: `digits`.
pub(super) fn built_in_images() -> Result<Images, DataError> {
    idx::from_gzip(
        include_bytes!("../../data/digits-images-idx3-ubyte.gz"),
        include_bytes!("../../data/digits-labels-idx1-ubyte.gz"),
        Path::new("digits"),
    )
}

/// Of each image and its label.
fn hashes(bytes: &[u8], width: usize, labels: &[u8]) -> Vec<u64> {
    let mut hash = RowHash::default();
    let images = bytes.chunks_exact(width.max(1)).zip(labels);
    let of_row = images.map(|(image, label)| {
        hash.begin();
        hash.push(0, Cell::Text(image));
        hash.push(1, Cell::Text(&[*label]));
        hash.of_row()
    });
    of_row.collect()
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
