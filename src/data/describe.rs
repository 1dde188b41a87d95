//! What a source holds and how it would be taken, for people to look at before they train.

use std::borrow::Cow;
use std::iter;

use serde::Serialize;

use super::doubt::Doubt;
use super::encode::scale::Range;
use super::source::{RawInputs, Source};
use super::table::column::{Column, MOST_LEVELS, Values};
use super::table::roles::Role;
use super::table::target::RawTargets;
use crate::config::data::DataConfig;

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
    pub doubts: Vec<Doubt>,
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
    /// Missing cells.
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
    /// What was read, and how a dataset made with `config` would take it.
    #[must_use]
    pub fn describe(&self, config: &DataConfig) -> Description {
        let classes = match &self.targets {
            RawTargets::Classes { labels, names } => counted(labels, names),
            RawTargets::Values { .. } => Vec::new(),
        };
        let mut columns = match (&self.inputs, &self.roles) {
            (RawInputs::Table { columns, names }, Some(roles)) => {
                let inputs: Vec<ColumnDescription> =
                    columns.iter().zip(names).map(|(column, name)| input(column, name)).collect();
                (roles.names.iter())
                    .zip(&roles.of_columns)
                    .map(|(name, role)| self.column(name, *role, &inputs, &classes))
                    .collect()
            }
            (RawInputs::Images { width, height, full_scale, .. }, _) => {
                let (width, height, full_scale) = (*width, *height, *full_scale);
                let kind = ColumnKind::Pixels { width, height, full_scale };
                let mut pixels = column("pixels", ColumnRole::Input, kind);
                pixels.note =
                    config.binarize.map(|share| format!("1 above {share} of the full scale"));
                vec![pixels, self.target(&self.target_names[0], 0, &classes)]
            }
            _ => Vec::new(),
        };
        for column in &mut columns {
            if column.note.is_none() {
                column.note = oddity(column);
            }
        }
        let (rows, doubts) = (self.rows(), self.doubts.clone());
        Description { name: self.name.clone(), rows, columns, classes, doubts }
    }

    fn column(
        &self,
        name: &str,
        role: Role,
        inputs: &[ColumnDescription],
        classes: &[(String, usize)],
    ) -> ColumnDescription {
        match role {
            Role::Input(at) => inputs
                .get(at)
                .cloned()
                .unwrap_or_else(|| column(name, ColumnRole::Input, ColumnKind::NotRead)),
            Role::Target(at) => self.target(name, at, classes),
            Role::Split => column(name, ColumnRole::Split, ColumnKind::NotRead),
            Role::Dropped => column(name, ColumnRole::Dropped, ColumnKind::NotRead),
        }
    }

    fn target(&self, name: &str, at: usize, classes: &[(String, usize)]) -> ColumnDescription {
        let kind = match &self.targets {
            RawTargets::Classes { .. } => ColumnKind::Levels { levels: classes.to_vec() },
            RawTargets::Values { values, names } => {
                numbers(iter::once(values.iter().skip(at).step_by(names.len()).copied().collect()))
            }
        };
        let missing = self.without_target;
        ColumnDescription { missing, ..column(name, ColumnRole::Target, kind) }
    }
}

fn column(name: &str, role: ColumnRole, kind: ColumnKind) -> ColumnDescription {
    ColumnDescription { name: name.to_owned(), role, kind, missing: 0, note: None }
}

fn input(of: &Column, name: &str) -> ColumnDescription {
    let kind = match &of.values {
        Values::Numbers { numbers: all, .. } => numbers(all.chunks()),
        Values::Levels { levels, .. } => {
            let names = levels.iter().map(|level| level.name.clone());
            let mut levels: Vec<(String, usize)> = names.zip(of.counts(None)).collect();
            levels.sort();
            ColumnKind::Levels { levels }
        }
        Values::TooManyLevels => ColumnKind::TooManyLevels,
    };
    let has_too_many = kind == ColumnKind::TooManyLevels;
    let note = of.looks.numbers_as_text().filter(|_| has_too_many);
    let note =
        note.map(|found| format!("more than {MOST_LEVELS} levels: refused; {}", found.advice()));
    ColumnDescription { missing: of.missing, note, ..column(name, ColumnRole::Input, kind) }
}

/// Why an input would not be taken as it is.
fn oddity(column: &ColumnDescription) -> Option<String> {
    if column.role != ColumnRole::Input {
        return None;
    }
    match &column.kind {
        ColumnKind::TooManyLevels => Some(format!(
            "more than {MOST_LEVELS} levels: refused; leave it out by data.drop, or group the levels"
        )),
        ColumnKind::Number { min, max, .. } if min > max => Some("is empty: left out".to_owned()),
        ColumnKind::Number { min, max, .. } if min == max && column.missing == 0 => {
            Some("constant: left out".to_owned())
        }
        ColumnKind::Number { min, max, .. } if min == max => {
            Some("constant: only taken for whether the cell is missing".to_owned())
        }
        ColumnKind::Levels { levels } if levels.len() < 2 && column.missing == 0 => {
            Some("constant: left out".to_owned())
        }
        _ => None,
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

fn numbers<'a>(all: impl Iterator<Item = Cow<'a, [f64]>>) -> ColumnKind {
    let Range { min, max, mean, count } = Range::of(all);
    ColumnKind::Number { min, max, mean: if count == 0 { f64::NAN } else { mean } }
}
