//! Comparisons, replays, plans, data and where a sweep stands as text for people, Markdown for
//! reviews, CSV or JSON for programs.
//!
//! A comparison becomes a document of sections, tables and sentences, and a file for each format writes
//! it out. No figure is computed here and no file written: a report is a string.

mod comparison;
mod csv;
pub mod curves;
pub mod data;
mod document;
pub mod effective;
pub mod explain;
mod figures;
mod format;
mod gates;
pub mod json;
pub mod junit;
mod latex;
pub mod leftovers;
pub mod logs;
mod markdown;
mod naming;
mod number;
pub mod page;
pub mod paper;
pub mod plan;
pub mod plot;
pub mod predictions;
pub mod replay;
mod robust;
pub mod runs;
pub mod sentences;
mod sparklines;
pub mod status;
mod table;
mod tables;
mod text;
mod wrap;

pub use format::{Format, Style};

/// The formats of a comparison, in the order of `--help`.
pub const FORMATS: &[&Format] =
    &[&text::FORMAT, &csv::FORMAT, &json::FORMAT, &markdown::FORMAT, &latex::FORMAT];

/// A format by its name.
#[must_use]
pub fn format(name: &str) -> Option<&'static Format> {
    FORMATS.iter().copied().find(|format| format.name == name)
}
