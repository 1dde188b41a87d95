//! Cells of any format as typed columns: numbers, or codes with their levels.

pub(super) mod builder;
pub(super) mod cell;
pub(super) mod column;
mod column_builder;
mod dictionary;
pub(super) mod doubts;
pub(super) mod level;
pub(super) mod number;
pub(super) mod numbers;
pub(super) mod roles;
pub(super) mod target;

pub use numbers::EXACT_ROWS;
