//! A document for a terminal, or for a file that people read.

use super::comparison::document;
use super::document::{Block, Document, Section};
use super::format::{Format, Style};
use super::gates::GateLine;
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
    with_curves: true,
    with_gates: true,
    write: |comparison, style| {
        Ok(text(document(comparison, style.medians, Some(style.characters)), style))
    },
};

/// Verdicts, each with the colour in which a terminal shows it (SGR, ECMA-48).
const COLOURS: [(&str, &str); 10] = [
    ("better", "32"),
    ("worse", "31"),
    ("it depends", "33"),
    ("no difference", "36"),
    ("no difference that matters", "36"),
    ("cannot tell", "2"),
    ("too few seeds to tell", "2"),
    ("passed", "32"),
    ("failed", "31"),
    ("not judged", "33"),
];

/// A document within the width of a terminal; whole where there is none.
fn text(document: Document, style: &Style) -> String {
    let width = style.width;
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
        let lines = writer.lines(conclusion);
        writer.text.push_str(&if style.colour { coloured(&lines) } else { lines });
    }
    let (gates, more) = document.gates;
    if !gates.is_empty() {
        writer.text.push_str("\nGates\n\n");
    }
    for GateLine { outcome, sentence } in gates {
        let lines = writer.lines(&format!("{outcome}: {sentence}"));
        writer.text.push_str(&if style.colour { coloured(&lines) } else { lines });
    }
    if !more.is_empty() {
        writer.sentence(&more);
    }
    writer.text
}

/// A conclusion in lines, with the verdict that it begins with in its colour: what stands before the colon,
/// behind the rows that it is about.
fn coloured(conclusion: &str) -> String {
    let found = || {
        let (before, _) = conclusion.split_once(':')?;
        let rows = if before.starts_with("On th") { before.find(',')? + 1 } else { 0 };
        let verdict = before[rows..].trim_start();
        let words: Vec<&str> = verdict.split_whitespace().collect();
        let words = words.join(" ").to_lowercase();
        let (_, colour) = COLOURS.iter().find(|(known, _)| *known == words)?;
        let (start, end) = (before.len() - verdict.len(), before.len());
        let (rows, rest) = (&conclusion[..start], &conclusion[end..]);
        Some(format!("{rows}\x1b[{colour}m{verdict}\x1b[0m{rest}"))
    };
    found().unwrap_or_else(|| conclusion.to_owned())
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
        self.text.extend([section.heading.as_str(), "\n"]);
        if let Some(lead) = section.lead {
            self.sentence(&lead);
        }
        self.text.push('\n');
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
        self.text.push_str(&self.lines(sentence));
    }

    fn lines(&self, sentence: &str) -> String {
        wrap(sentence, self.width.unwrap_or(WIDTH), INDENT)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::compare::{Options, compare};
    use crate::report::markdown;
    use crate::results::fixtures::{arm, experiment, run, two_by_two, two_by_two_of};

    fn shown(width: Option<usize>) -> String {
        let comparison = compare(&[two_by_two()], &Options::default()).unwrap();
        (FORMAT.write)(&comparison, &Style { width, ..Style::default() }).unwrap()
    }

    #[test]
    fn the_verdict_that_a_sentence_begins_with_is_coloured_and_no_other_word() {
        for (sentence, shown) in [
            ("Better: batch is better.", "\x1b[32mBetter\x1b[0m: batch is better."),
            ("On these 90 test rows, worse: a.", "On these 90 test rows, \x1b[31mworse\x1b[0m: a."),
            (
                "On this one split, cannot\n  tell: a.",
                "On this one split, \x1b[2mcannot\n  tell\x1b[0m: a.",
            ),
            ("Best: a.", "Best: a."),
            ("On these 90 test rows, a was better; b.", "On these 90 test rows, a was better; b."),
        ] {
            assert_eq!(coloured(sentence), shown);
        }
    }

    #[test]
    fn colours_change_nothing_but_the_conclusions_that_tell_something() {
        let comparison = compare(&[two_by_two()], &Options::default()).unwrap();
        let write =
            |colour| (FORMAT.write)(&comparison, &Style { colour, ..Style::default() }).unwrap();
        let (plain, shown) = (write(false), write(true));
        let begun = COLOURS
            .iter()
            .fold(shown.clone(), |text, (_, colour)| text.replace(&format!("\x1b[{colour}m"), ""));
        assert_eq!(begun.replace("\x1b[0m", ""), plain);
        assert!(shown.contains("\n\x1b[32mBetter\x1b[0m: "), "{shown}");
        assert_eq!(
            shown.matches('\x1b').count(),
            2 * shown.lines().filter(|line| line.contains("\x1b[0m")).count()
        );
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
        let heading = text.lines().find(|line| line.contains("95 %")).unwrap();
        assert_eq!(heading, "norm   early_stopping  n  test_loss      95 % interval");
        let said = "no room for: test_accuracy, epochs, seconds, levels, p, Holm, better, n, \
                    seconds saved, test_loss regret (a file or a pipe gets all)";
        assert!(text.replace("\n  ", " ").contains(said), "{text}");
    }

    #[test]
    fn the_effects_fit_a_terminal_of_80_columns() {
        let text = shown(Some(80));
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(text.contains("no room for: "), "{text}");
    }

    #[test]
    fn where_no_terminal_shows_it_nothing_is_left_out() {
        let text = shown(None);
        assert!(text.contains("model.norm.kind*early_stopping"), "{text}");
        assert!(text.contains("Holm") && text.contains("seconds saved"), "{text}");
        assert!(!text.contains("no room for: "), "{text}");
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

    #[test]
    fn ranks_over_many_data_sets_are_not_cut_off_by_what_there_is_to_say_of_each() {
        let of_one = |number: u32| {
            let name = format!("set {number}");
            let mut experiment = two_by_two_of(6);
            experiment.plan.name.clone_from(&name);
            experiment.plan.comparable.clone_from(&name);
            experiment.path = name.clone().into();
            for run in &mut experiment.runs {
                run.record.data.insert("digest".to_owned(), name.clone().into());
            }
            experiment
        };
        let many: Vec<_> = (0..30).map(of_one).collect();
        let comparison = compare(&many, &Options::default()).unwrap();
        let text = (FORMAT.write)(&comparison, &Style::default()).unwrap();
        assert!(text.contains(" sentences more: --format json has them all\n"), "{text}");
        assert!(text.contains("\nOver 30 data sets (set 0, "), "{text}");
    }
}
