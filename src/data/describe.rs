//! What a source holds and how it would be taken, for people to look at before they train.

use serde::Serialize;

use super::source::{RawInputs, Source};
use super::target::RawTargets;
use crate::spec::data::DataSpec;

/// A source as it would be taken.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Description {
    /// As summaries call the source.
    pub name: String,
    /// Rows taken, those of a given test split included.
    pub rows: usize,
    /// Every column, in the order of the file; for images one that stands for all pixels.
    pub columns: Vec<ColumnDescription>,
    /// Of a classification: each class and its rows, in the order of the outputs.
    pub classes: Vec<(String, usize)>,
    /// What a user has to know: rows left out, how the file was read.
    pub notes: Vec<String>,
}

/// One column as it would be taken.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ColumnDescription {
    /// The column's name.
    pub name: String,
    /// What it is for.
    pub role: ColumnRole,
    /// What its cells are taken for.
    pub kind: ColumnKind,
    /// Cells that hold nothing.
    pub missing: usize,
    /// Why it would be left out or refused, or what is odd about it.
    pub note: Option<String>,
}

/// What a column is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnRole {
    /// Goes into the network.
    Input,
    /// Is predicted.
    Target,
    /// Says which split a row belongs to.
    Split,
    /// Named by `data.drop`: not read.
    Dropped,
}

/// What the cells of a column are taken for.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum ColumnKind {
    /// Numbers; all figures are over the cells that are not missing.
    Number {
        /// The smallest.
        min: f64,
        /// The largest.
        max: f64,
        /// The mean.
        mean: f64,
    },
    /// Names of levels, or classes.
    Levels {
        /// Each level and its rows, in the order of their bytes, classes in that of the outputs.
        levels: Vec<(String, usize)>,
    },
    /// More levels than are taken.
    TooManyLevels,
    /// Bytes of images, as shares of the full scale.
    Pixels {
        /// Pixels of a row of an image.
        width: usize,
        /// Rows of an image.
        height: usize,
        /// The byte that stands for 1.
        full_scale: u8,
    },
    /// Not looked at.
    NotRead,
}

impl Source {
    /// What was read, and how a dataset made with `spec` would take it.
    #[must_use]
    pub fn describe(&self, _spec: &DataSpec) -> Description {
        let mut columns = Vec::new();
        let column = |name: &str, role, kind| ColumnDescription {
            name: name.to_owned(),
            role,
            kind,
            missing: 0,
            note: None,
        };
        match &self.inputs {
            RawInputs::Table { values, names } => {
                for (place, name) in names.iter().enumerate() {
                    let cells = values.iter().skip(place).step_by(names.len());
                    let kind = numbers(cells.map(|cell| f64::from(*cell)));
                    columns.push(column(name, ColumnRole::Input, kind));
                }
            }
            RawInputs::Images { width, height, full_scale, .. } => {
                let (width, height, full_scale) = (*width, *height, *full_scale);
                let kind = ColumnKind::Pixels { width, height, full_scale };
                columns.push(column("pixels", ColumnRole::Input, kind));
            }
        }
        let classes = match &self.targets {
            RawTargets::Classes { labels, names } => counted(labels, names),
            RawTargets::Values { .. } => Vec::new(),
        };
        for (place, name) in self.target_names.iter().enumerate() {
            let kind = match &self.targets {
                RawTargets::Classes { .. } => ColumnKind::Levels { levels: classes.clone() },
                RawTargets::Values { values, names } => {
                    numbers(values.iter().skip(place).step_by(names.len()).copied())
                }
            };
            columns.push(column(name, ColumnRole::Target, kind));
        }
        Description {
            name: self.name.clone(),
            rows: self.rows(),
            columns,
            classes,
            notes: Vec::new(),
        }
    }
}

fn counted(codes: &[u32], names: &[String]) -> Vec<(String, usize)> {
    let mut counts: Vec<(String, usize)> = names.iter().map(|name| (name.clone(), 0)).collect();
    for code in codes {
        if let Some((_, count)) = counts.get_mut(*code as usize) {
            *count += 1;
        }
    }
    counts
}

fn numbers(cells: impl Iterator<Item = f64>) -> ColumnKind {
    let (mut min, mut max, mut sum, mut count) = (f64::INFINITY, f64::NEG_INFINITY, 0.0, 0.0);
    for cell in cells.filter(|cell| !cell.is_nan()) {
        (min, max) = (min.min(cell), max.max(cell));
        sum += cell;
        count += 1.0;
    }
    ColumnKind::Number { min, max, mean: sum / count }
}
