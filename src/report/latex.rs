//! A document's tables for a paper: LaTeX with `booktabs`.

use std::fmt::Write as _;

use super::comparison::document;
use super::document::{Block, Document, Section};
use super::format::Format;
use super::gates::GateLine;
use super::table::{Align, Column, Table};

/// For a paper.
pub const FORMAT: Format = Format {
    name: "latex",
    help: "Tables for a paper, with booktabs",
    with_clocks: false,
    with_medians: false,
    with_curves: false,
    with_gates: true,
    write: |comparison, style| Ok(latex(document(comparison, style.medians, None))),
};

/// Tables with the heading they stand under as caption; what is concluded stands above as comments, since a
/// paper says it in its own words.
fn latex(document: Document) -> String {
    let mut text = String::from("% needs \\usepackage{booktabs}\n");
    for sentence in document.conclusions.iter().chain(&document.warnings) {
        text.extend(["% ", &sentence.replace(['\n', '\r'], " "), "\n"]);
    }
    let (gates, more) = &document.gates;
    for GateLine { outcome, sentence } in gates {
        text.extend(["% gate ", outcome, ": ", &sentence.replace(['\n', '\r'], " "), "\n"]);
    }
    if !more.is_empty() {
        text.extend(["% ", more, "\n"]);
    }
    for part in document.sections {
        section(&mut text, part, "");
    }
    text
}

fn section(text: &mut String, part: Section, above: &str) {
    let caption = match above {
        "" => part.heading.clone(),
        above => format!("{above}: {}", part.heading),
    };
    let caption = match &part.lead {
        Some(lead) => format!("{caption}. {lead}"),
        None => caption,
    };
    let mut notes: Vec<String> = Vec::new();
    let mut tables: Vec<Table> = Vec::new();
    for block in part.blocks {
        match block {
            Block::Table(table) => tables.push(table),
            Block::Note(note) | Block::Line(note) => notes.push(note),
        }
    }
    for of in tables {
        table(text, of, &caption, &notes);
    }
    for part in part.subsections {
        section(text, part, &part_name(&caption));
    }
}

/// The name of an experiment, without what stands behind it in brackets.
fn part_name(caption: &str) -> String {
    caption.split(" (").next().unwrap_or(caption).to_owned()
}

fn table(text: &mut String, mut table: Table, caption: &str, notes: &[String]) {
    if table.is_empty() {
        return;
    }
    table.shorten();
    let columns: String = table
        .columns
        .iter()
        .map(|column| if column.align == Align::Left { 'l' } else { 'r' })
        .collect();
    let row = |cell: &dyn Fn(&Column) -> String| -> String {
        let cells: Vec<String> = table.columns.iter().map(cell).collect();
        format!("{} \\\\\n", cells.join(" & "))
    };
    text.push_str("\n\\begin{table}\n  \\centering\n");
    let _ = writeln!(text, "  \\caption{{{}}}", escaped(caption));
    let _ = write!(text, "  \\begin{{tabular}}{{{columns}}}\n    \\toprule\n    ");
    text.push_str(&row(&|column| escaped(&column.heading.text)));
    text.push_str("    \\midrule\n");
    for at in 0..table.rows() {
        text.push_str("    ");
        text.push_str(&row(&|column| escaped(column.cell(at))));
    }
    text.push_str("    \\bottomrule\n  \\end{tabular}\n");
    let more = Some(&table.more).filter(|more| !more.is_empty());
    for note in notes.iter().chain(more) {
        let _ = writeln!(text, "  \\par\\footnotesize {}", escaped(note));
    }
    text.push_str("\\end{table}\n");
}

/// Text that LaTeX prints as it is.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        if let Some(behind) = rest.strip_prefix("->") {
            escaped.push_str("$\\rightarrow$");
            rest = behind;
            continue;
        }
        match letter {
            '\\' => escaped.push_str("\\textbackslash{}"),
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => escaped.extend(['\\', letter]),
            '~' => escaped.push_str("\\textasciitilde{}"),
            '^' => escaped.push_str("\\textasciicircum{}"),
            '<' => escaped.push_str("$<$"),
            '>' => escaped.push_str("$>$"),
            '|' => escaped.push_str("$|$"),
            '±' => escaped.push_str("$\\pm$"),
            '*' => escaped.push_str("$\\times$"),
            '"' => escaped.push_str("\\textquotedbl{}"),
            letter if letter.is_control() => escaped.push(' '),
            letter => escaped.push(letter),
        }
        rest = &rest[letter.len_utf8()..];
    }
    // A minus is no hyphen.
    match escaped.strip_prefix('-') {
        Some(number) if number.starts_with(|c: char| c.is_ascii_digit()) => format!("$-${number}"),
        _ => escaped,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::{Options, compare};
    use crate::report::format::Style;
    use crate::results::fixtures::two_by_two;

    #[test]
    fn text_prints_as_it_is() {
        assert_eq!(
            escaped("50 % of a_b & {c} \\d"),
            "50 \\% of a\\_b \\& \\{c\\} \\textbackslash{}d"
        );
        assert_eq!(escaped("none -> batch | x<1"), "none $\\rightarrow$ batch $|$ x$<$1");
        assert_eq!((escaped("-0.5"), escaped("a-b")), ("$-$0.5".to_owned(), "a-b".to_owned()));
    }

    #[test]
    fn tables_of_arms_and_effects_have_as_many_cells_in_every_row() {
        let comparison = compare(&[two_by_two()], &Options::default()).unwrap();
        let text = (FORMAT.write)(&comparison, &Style::default()).unwrap();
        assert_eq!(text.matches("\\begin{table}").count(), 3, "{text}");
        assert_eq!(text.matches("\\toprule").count(), text.matches("\\bottomrule").count());
        for of in text.split("\\begin{tabular}{").skip(1) {
            let columns = of.split('}').next().unwrap().len();
            let rows = of.lines().filter(|line| line.ends_with("\\\\"));
            for row in rows.take_while(|row| !row.contains("\\end")) {
                assert_eq!(row.matches(" & ").count() + 1, columns, "{row}");
            }
        }
        assert!(text.contains("% Better: batch norm"), "{text}");
    }
}
