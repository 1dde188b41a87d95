//! A report as sections, tables and sentences, which a renderer per format writes out.

use super::gates::GateLine;
use super::table::Table;

/// A report.
#[derive(Debug, Clone)]
pub(super) struct Document {
    /// One for each experiment.
    pub sections: Vec<Section>,
    /// What limits the conclusions.
    pub warnings: Vec<String>,
    /// The conclusions.
    pub conclusions: Vec<String>,
    /// Limits that the results have to keep, and how many there are beyond those.
    pub gates: (Vec<GateLine>, String),
}

/// A part of a report under a heading.
#[derive(Debug, Clone)]
pub(super) struct Section {
    pub heading: String,
    /// What stands below it, if anything.
    pub lead: Option<String>,
    pub blocks: Vec<Block>,
    pub subsections: Vec<Section>,
}

/// What stands in a section.
#[derive(Debug, Clone)]
pub(super) enum Block {
    /// Figures.
    Table(Table),
    /// A sentence on the table above it.
    Note(String),
    /// A few words in the place of a table.
    Line(String),
}

impl Section {
    /// A section without parts of its own.
    pub fn of(heading: String, blocks: Vec<Block>) -> Self {
        Self { heading, lead: None, blocks, subsections: Vec::new() }
    }
}
