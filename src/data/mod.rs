//! From a file to rows that a network takes: read, split, encode, standardise.

mod dataset;

pub use dataset::{Dataset, Inputs, Splits, Targets};
