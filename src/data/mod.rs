//! From a file to rows that a network takes: read, split, encode, standardise.

mod dataset;
mod describe;
mod doubt;
mod encode;
mod error;
mod new_rows;
mod preprocessing;
mod read;
mod row_chunks;
mod source;
mod split;
mod table;
#[cfg(test)]
mod tests;

pub use dataset::{Dataset, Inputs, Splits, Targets};
pub use describe::{ColumnDescription, ColumnKind, ColumnRole, Description};
pub use doubt::{Doubt, Weight};
pub use error::{BUILT_IN, CellProblem, DataError, Location, shortened};
pub use new_rows::{Answers, NewRows};
pub use preprocessing::{
    Coding, ColumnCoding, ImageCoding, InputCoding, Preprocessing, TargetCoding, ValueCoding,
};
pub use row_chunks::RowChunks;
pub use source::Source;
pub use table::EXACT_ROWS;
