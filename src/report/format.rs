//! What an output format of a comparison is.

use anyhow::Result;

use crate::compare::Comparison;
use crate::draw::Characters;

/// An output format.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools)] // each is a property of its own
pub struct Format {
    /// As `--format` names it.
    pub name: &'static str,
    /// What it is for.
    pub help: &'static str,
    /// Whether seconds are in it unasked; without, the same trainings give the same bytes.
    pub with_clocks: bool,
    /// Whether medians and ratios are in it unasked.
    pub with_medians: bool,
    /// Whether it shows the curves of [`Comparison::curves`].
    pub with_curves: bool,
    /// Whether judged gates are in it.
    pub with_gates: bool,
    /// Writes a comparison.
    pub write: fn(&Comparison, &Style) -> Result<String>,
}

/// How a comparison is to look.
#[derive(Debug, Clone, Copy, Default)]
pub struct Style {
    /// The columns of the terminal that shows it; none where no terminal does.
    pub width: Option<usize>,
    /// Whether the words of the verdict are coloured.
    pub colour: bool,
    /// Whether medians and ratios are asked for.
    pub medians: bool,
    /// What sparklines are drawn with.
    pub characters: Characters,
}
