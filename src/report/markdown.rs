//! A document as GitHub's Markdown, fit for a pull request.

use super::comparison::document;
use super::document::{Block, Document, Section};
use super::format::Format;
use super::gates::GateLine;
use super::table::{Align, Column, Table, padded};
use crate::draw::Characters;

/// For a pull request.
pub const FORMAT: Format = Format {
    name: "markdown",
    help: "For a pull request",
    with_clocks: false,
    with_medians: false,
    with_curves: true,
    with_gates: true,
    write: |comparison, style| {
        Ok(markdown(document(comparison, style.medians, Some(Characters::Unicode))))
    },
};

/// The depth of an experiment's heading: a pull request has headings of its own.
const DEPTH: usize = 3;

/// The narrowest ruler below a heading.
const RULER: usize = 3;

fn markdown(document: Document) -> String {
    let mut text = String::new();
    // They are what a job is about.
    let (gates, more) = document.gates;
    if !gates.is_empty() {
        text.extend([&"#".repeat(DEPTH), " Gates\n\n"]);
        for GateLine { outcome, sentence } in gates {
            text.extend(["- **", outcome, "**: ", &plain(&sentence), "\n"]);
        }
        text.extend([more.as_str(), if more.is_empty() { "\n" } else { "\n\n" }]);
    }
    for part in document.sections {
        section(&mut text, part, DEPTH);
        text.push('\n');
    }
    let warnings: Vec<String> = document
        .warnings
        .iter()
        .map(|warning| format!("> warning: {}\n", plain(warning)))
        .collect();
    text.push_str(&warnings.join(">\n"));
    if !warnings.is_empty() {
        text.push('\n');
    }
    for conclusion in &document.conclusions {
        text.extend(["- ", &plain(conclusion), "\n"]);
    }
    text
}

fn section(text: &mut String, part: Section, depth: usize) {
    if depth > DEPTH {
        text.push('\n');
    }
    text.extend([&"#".repeat(depth), " ", &plain(&part.heading), "\n\n"]);
    if let Some(lead) = part.lead {
        text.extend([&plain(&lead), "\n\n"]);
    }
    for block in part.blocks {
        match block {
            Block::Table(of) => table(text, of),
            Block::Note(note) => text.extend(["\n", &plain(&note), "\n"]),
            Block::Line(line) => text.extend([&plain(&line), "\n"]),
        }
    }
    for part in part.subsections {
        section(text, part, depth + 1);
    }
}

/// A table, aligned in its source too; nothing where it has no rows.
fn table(text: &mut String, mut table: Table) {
    if table.is_empty() {
        return;
    }
    // A page is narrower than a file.
    table.shorten_cells();
    table.columns.iter_mut().for_each(escape);
    let widths: Vec<usize> = table.columns.iter().map(|column| column.width().max(RULER)).collect();
    line(text, &table, &widths, |column| &column.heading.text);
    text.push('|');
    for (column, width) in table.columns.iter().zip(&widths) {
        let (dashes, end) = match column.align {
            Align::Left => (*width, " |"),
            Align::Right => (width - 1, ": |"),
        };
        text.extend([" ", &"-".repeat(dashes), end]);
    }
    text.push('\n');
    for row in 0..table.rows() {
        line(text, &table, &widths, |column| column.cell(row));
    }
    if !table.more.is_empty() {
        text.extend(["\n", &table.more, "\n"]);
    }
}

/// Has the pipes in its cells mean themselves, and what is drawn in letters of one width.
fn escape(column: &mut Column) {
    for cell in column.cells.iter_mut().filter(|cell| column.is_drawn && !cell.text.is_empty()) {
        cell.text = format!("`{}`", cell.text);
    }
    for cell in column.cells.iter_mut().chain([&mut column.heading]) {
        cell.text = cell.text.replace('|', "\\|");
    }
}

fn line<'a>(
    text: &mut String,
    table: &'a Table,
    widths: &[usize],
    cell: impl Fn(&'a Column) -> &'a str,
) {
    text.push('|');
    for (column, width) in table.columns.iter().zip(widths) {
        text.extend([" ", &padded(cell(column), column.align, *width), " |"]);
    }
    text.push('\n');
}

/// A sentence on one line that means in Markdown what it says; underscores within words are safe.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let opens_tag = character == '<' && characters.peek().is_some_and(|c| c.is_alphabetic());
        if character == '*' || opens_tag {
            plain.push('\\');
        }
        plain.push(if character == '\n' { ' ' } else { character });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::{Options, compare};
    use crate::report::format::Style;
    use crate::results::fixtures::two_by_two;

    #[test]
    fn a_comparison_can_be_pasted_into_a_pull_request() {
        let options = Options { no_clocks: true, ..Options::default() };
        let text = (FORMAT.write)(&compare(&[two_by_two()], &options).unwrap(), &Style::default())
            .unwrap();
        assert!(!text.contains("seconds") && !text.contains(" s of "), "{text}");
        insta::assert_snapshot!(text);
    }
}
