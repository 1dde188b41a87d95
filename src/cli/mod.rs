//! The command line: each command wires rooms together and prints.

pub mod compare;
pub mod replay;
mod rule;

use anyhow::Context as _;

/// The width of a terminal that says nothing about itself.
const WIDTH: usize = 100;

/// Columns of the terminal, by `COLUMNS` where that is set.
fn width() -> usize {
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    columns.filter(|columns| *columns >= 40).unwrap_or(WIDTH)
}

/// Writes a report as it is.
fn print(out: &mut dyn std::io::Write, text: &str) -> anyhow::Result<()> {
    out.write_all(text.as_bytes()).context("the report could not be written")
}
