//! What turns a row of a source into a network's input and its output into an answer, as it was learnt from the
//! training rows: the JSON beside the tensors of a weights file.

use serde::{Deserialize, Serialize};

/// All that was learnt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Preprocessing {
    /// From cells or pixels to numbers.
    pub inputs: InputCoding,
    /// From numbers to classes or values.
    pub target: TargetCoding,
}

/// How rows become inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum InputCoding {
    /// A table's.
    Table {
        /// The words for a missing cell.
        missing: Vec<String>,
        /// Those that are read, in the order of their inputs.
        columns: Vec<ColumnCoding>,
    },
    /// Those of images.
    Image(ImageCoding),
}

/// How a column becomes inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnCoding {
    /// Of the column.
    pub name: String,
    /// By what it holds.
    #[serde(flatten)]
    pub coding: Coding,
}

/// How a cell becomes inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Coding {
    /// `(cell - mean) / sd`.
    Number {
        /// 0 where not standardised.
        mean: f64,
        /// 1 where not standardised.
        sd: f64,
        /// What stands for a missing cell.
        imputed: f64,
        /// Whether an input of 0 or 1 follows that says whether the cell is missing.
        missing_indicator: bool,
    },
    /// 1 for a missing cell, else 0.
    MissingIndicator,
    /// 1 at the place of the cell's level, else 0.
    Levels {
        /// In the order of their places.
        levels: Vec<String>,
        /// Whether the place behind them is that of a missing cell.
        missing_level: bool,
        /// Whether the last place is that of all other cells; it always is.
        other_level: bool,
    },
}

/// How pixels become inputs: `(byte / full_scale - mean) / sd`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageCoding {
    /// Pixels of a row of an image.
    pub width: usize,
    /// Rows of an image.
    pub height: usize,
    /// The largest byte.
    pub full_scale: u8,
    /// Of the share of the full scale.
    pub mean: f64,
    /// Of the share of the full scale.
    pub sd: f64,
    /// The share of the full scale above which a pixel is 1, else 0; none: pixels are as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binarize: Option<f64>,
}

/// What outputs stand for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TargetCoding {
    /// One of several classes.
    Classes {
        /// The column predicted.
        name: String,
        /// The classes, in the order of the outputs.
        classes: Vec<String>,
    },
    /// Numbers.
    Values {
        /// The columns predicted, in the order of the outputs.
        columns: Vec<ValueCoding>,
    },
}

/// A number that is predicted: an output times `sd` plus `mean`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ValueCoding {
    /// Of the column.
    pub name: String,
    /// 0 where not standardised.
    pub mean: f64,
    /// 1 where not standardised.
    pub sd: f64,
}

impl Coding {
    /// Inputs that a cell becomes.
    #[must_use]
    pub fn width(&self) -> usize {
        match self {
            Self::Number { missing_indicator, .. } => 1 + usize::from(*missing_indicator),
            Self::MissingIndicator => 1,
            Self::Levels { levels, missing_level, .. } => {
                levels.len() + usize::from(*missing_level) + 1
            }
        }
    }
}

impl InputCoding {
    /// Inputs that a row becomes.
    #[must_use]
    pub fn width(&self) -> usize {
        match self {
            Self::Table { columns, .. } => columns.iter().map(|column| column.coding.width()).sum(),
            Self::Image(image) => image.width.saturating_mul(image.height),
        }
    }
}

impl ImageCoding {
    /// Factor and addend of a byte.
    #[must_use]
    pub fn affine(&self) -> (f32, f32) {
        let Self { mean, sd, full_scale, .. } = *self;
        #[allow(clippy::cast_possible_truncation)] // the network computes in 32 bits
        let (scale, shift) = ((1.0 / (f64::from(full_scale) * sd)) as f32, (-mean / sd) as f32);
        // -0 would be kept as such.
        (scale, if shift == 0.0 { 0.0 } else { shift })
    }
}

/// A pixel of an image that is made black and white at a share of the full scale.
pub(super) fn binary(byte: u8, share: f64, full_scale: u8) -> u8 {
    if f64::from(byte) > share * f64::from(full_scale) { full_scale } else { 0 }
}

impl TargetCoding {
    /// The columns predicted.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        match self {
            Self::Classes { name, .. } => vec![name],
            Self::Values { columns } => columns.iter().map(|column| column.name.as_str()).collect(),
        }
    }
}
