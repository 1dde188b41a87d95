//! From a file to rows that a network takes: read, split, encode, standardise.

mod blocks;
mod cells;
mod columns;
mod dataset;
mod decimal;
mod delimited;
mod describe;
mod doubts;
mod encode;
mod error;
mod file;
mod form;
mod given;
mod idx;
mod inputs;
mod pages;
mod proben1;
mod quotes;
mod rows;
mod scale;
mod sheet;
mod sniff;
mod source;
mod split;
mod stratify;
mod table;
mod target;
#[cfg(test)]
mod tests;
mod words;

pub use blocks::Blocks;
pub use dataset::{Dataset, Inputs, Splits, Targets};
pub use describe::{ColumnDescription, ColumnKind, ColumnRole, Description};
pub use error::{BUILT_IN, CellProblem, DataError, Place, shortened};
pub use source::Source;
