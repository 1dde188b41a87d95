//! Cells of any format as typed columns: numbers, or codes with their levels.

pub(super) mod builder;
pub(super) mod cell;
pub(super) mod column;
mod column_builder;
mod counters;
mod dictionary;
pub(super) mod doubts;
mod dressed;
pub(super) mod level;
pub(super) mod looks;
pub(super) mod number;
pub(super) mod numbers;
pub(super) mod roles;
pub(super) mod row_hash;
pub(super) mod target;

pub use numbers::EXACT_ROWS;
