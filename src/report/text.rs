//! A document for a terminal, or for a file that people read.

use super::comparison::document;
use super::document::{Block, Document, Section};
use super::format::Format;
use super::table::{Table, narrow};
use super::wrap::{WIDTH, wrap};

/// What further lines of a sentence begin with.
const INDENT: &str = "  ";

/// Aligned columns and sentences.
pub const FORMAT: Format = Format {
    name: "table",
    help: "Aligned columns and sentences",
    with_clocks: true,
    with_medians: false,
    write: |comparison, style| Ok(text(document(comparison, style.medians), style.width)),
};

/// A document within the width of a terminal; whole where there is none.
fn text(document: Document, width: Option<usize>) -> String {
    let mut writer = Writer { text: String::new(), width, left_out: Vec::new() };
    for section in document.sections {
        writer.section(section, 0);
        writer.text.push('\n');
    }
    if !writer.left_out.is_empty() {
        writer.sentence(&narrow(&writer.left_out));
        writer.text.push('\n');
    }
    for warning in &document.warnings {
        writer.sentence(&format!("warning: {warning}"));
    }
    if !document.warnings.is_empty() {
        writer.text.push('\n');
    }
    for conclusion in &document.conclusions {
        writer.sentence(conclusion);
    }
    writer.text
}

/// The text so far.
struct Writer {
    text: String,
    width: Option<usize>,
    /// Headings of columns that the terminal is too narrow for.
    left_out: Vec<String>,
}

impl Writer {
    fn section(&mut self, section: Section, depth: usize) {
        if depth > 0 {
            self.text.push('\n');
        }
        self.text.extend([section.heading.as_str(), "\n\n"]);
        for block in section.blocks {
            match block {
                Block::Table(table) => self.table(table),
                Block::Note(note) => self.sentence(&note),
                Block::Line(line) => self.text.extend([line.as_str(), "\n"]),
            }
        }
        for section in section.subsections {
            self.section(section, depth + 1);
        }
    }

    /// A table, its short names where the full ones do not fit, and without columns to spare where
    /// these do not either.
    fn table(&mut self, mut table: Table) {
        if self.width.is_some_and(|width| table.width() > width) {
            table.shorten();
        }
        for heading in table.fit(self.width) {
            if !self.left_out.contains(&heading) {
                self.left_out.push(heading);
            }
        }
        self.text.push_str(&table.render());
        if !table.more.is_empty() {
            self.text.extend([table.more.as_str(), "\n"]);
        }
    }

    fn sentence(&mut self, sentence: &str) {
        self.text.push_str(&wrap(sentence, self.width.unwrap_or(WIDTH), INDENT));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::compare::{Options, compare};
    use crate::report::format::Style;
    use crate::report::markdown;
    use crate::results::fixtures::{arm, experiment, run, two_by_two};

    fn shown(width: Option<usize>) -> String {
        let comparison = compare(&[two_by_two()], &Options::default()).unwrap();
        (FORMAT.write)(&comparison, &Style { width, medians: false }).unwrap()
    }

    #[test]
    fn a_comparison_fits_a_terminal_of_100_columns() {
        let text = shown(Some(100));
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        insta::assert_snapshot!(text);
    }

    #[test]
    fn a_narrow_terminal_gets_fewer_columns() {
        let text = shown(Some(60));
        assert!(text.lines().all(|line| line.chars().count() <= 60), "{text}");
        let heading = text.lines().nth(2).unwrap();
        assert_eq!(heading, "norm.kind  early_stopping  n  test_loss      95 % interval");
        let said = "too narrow for: test_accuracy, epochs, seconds, levels, p, Holm, better, n, \
                    seconds saved, test_loss regret (a file or a pipe gets all)";
        assert!(text.replace("\n  ", " ").contains(said), "{text}");
    }

    #[test]
    fn the_effects_fit_a_terminal_of_80_columns() {
        let text = shown(Some(80));
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(text.contains("too narrow for: "), "{text}");
    }

    #[test]
    fn where_no_terminal_shows_it_nothing_is_left_out() {
        let text = shown(None);
        assert!(text.contains("model.norm.kind*early_stopping"), "{text}");
        assert!(text.contains("Holm") && text.contains("seconds saved"), "{text}");
        assert!(!text.contains("too narrow"), "{text}");
    }

    #[test]
    fn many_arms_are_counted_beyond_the_first() {
        let runs = (0..70).map(|level| {
            let arm = arm(
                json!({"training.batch_size": level}),
                json!({"kind": "none"}),
                json!({"test_loss": f64::from(level)}),
                None,
            );
            run(0, json!({}), vec![arm])
        });
        let levels = json!((0..70).collect::<Vec<i32>>());
        let many = experiment("many", &[("training.batch_size", levels)], runs.collect());
        let comparison = compare(&[many], &Options::default()).unwrap();
        let text = (FORMAT.write)(&comparison, &Style::default()).unwrap();
        assert!(text.contains("\nand 20 arms more: --format json has them all\n"), "{text}");
        assert!(text.contains("\nand 19 effects more: --format json has them all\n"), "{text}");
        assert!(text.lines().count() < 250, "{text}");
        let markdown = (markdown::FORMAT.write)(&comparison, &Style::default()).unwrap();
        assert!(markdown.contains("|\n\nand 20 arms more"), "{markdown}");
    }
}
