//! What a data file holds and how it would be taken, for a terminal.

use super::number::figure;
use super::table::{Align, Table};
use super::wrap::{WIDTH, wrap};
use crate::data::{ColumnDescription, ColumnKind, ColumnRole, Description};

/// Classes that are listed one by one.
const CLASSES: usize = 30;
/// Room for the levels of a column.
const LEVELS: usize = 44;

/// Columns, classes, what there is to know and what a training makes of it or why there can be none, for
/// a terminal of this width; whole where there is none.
#[must_use]
pub fn description(
    description: &Description,
    outcome: &Result<String, String>,
    terminal: Option<usize>,
) -> String {
    let width = terminal.unwrap_or(WIDTH);
    let mut text = heading(description);
    text.push_str("\n\n");
    let mut table = columns(&description.columns);
    table.fit(terminal);
    text.push_str(&table.render());
    if !description.classes.is_empty() {
        text.push('\n');
        text.push_str(&classes(&description.classes));
    }
    let of_columns = description.columns.iter().filter_map(|column| {
        let note = column.note.as_ref()?;
        Some(format!("`{}`: {note}", shortened(&column.name, LEVELS)))
    });
    let doubts = description.doubts.iter().map(ToString::to_string);
    let error =
        outcome.as_ref().err().map(|error| format!("cannot be trained on as it is: {error}"));
    let mut notes = of_columns.chain(doubts).chain(error).peekable();
    if notes.peek().is_some() {
        text.push('\n');
    }
    for note in notes {
        text.push_str(&wrap(&note, width, "  "));
    }
    if let Ok(summary) = outcome {
        text.push('\n');
        text.push_str(&wrap(summary, width, "  "));
    }
    text
}

fn heading(description: &Description) -> String {
    let of_role = |role| description.columns.iter().filter(move |column| column.role == role);
    let counted = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let targets: Vec<String> =
        of_role(ColumnRole::Target).map(|c| format!("`{}`", shortened(&c.name, LEVELS))).collect();
    let task = match description.classes.len() {
        0 => "regression".to_owned(),
        1 => "classification, 1 class".to_owned(),
        classes => format!("classification, {classes} classes"),
    };
    format!(
        "{}: {}, {}, to predict: {} ({task})",
        description.name,
        counted(description.rows, "row"),
        counted(of_role(ColumnRole::Input).count(), "input column"),
        targets.join(", "),
    )
}

fn columns(columns: &[ColumnDescription]) -> Table {
    let column = |cell: &dyn Fn(&ColumnDescription) -> String| columns.iter().map(cell).collect();
    let mut table = Table::new();
    table.push("column", Align::Left, 0, column(&|c| shortened(&c.name, LEVELS)));
    table.push("role", Align::Left, 0, column(&|c| role(c.role).to_owned()));
    table.push("taken as", Align::Left, 0, column(&|c| taken_as(&c.kind)));
    let missing = |c: &ColumnDescription| match (&c.kind, c.missing) {
        (ColumnKind::NotRead | ColumnKind::Pixels { .. }, _) => String::new(),
        (_, missing) => missing.to_string(),
    };
    table.push("missing", Align::Right, 0, column(&missing));
    table.push("values", Align::Left, 1, column(&values));
    table
}

fn role(role: ColumnRole) -> &'static str {
    match role {
        ColumnRole::Input => "input",
        ColumnRole::Target => "target",
        ColumnRole::Split => "split",
        ColumnRole::Dropped => "dropped",
    }
}

fn taken_as(kind: &ColumnKind) -> String {
    match kind {
        ColumnKind::Number { .. } => "number".to_owned(),
        ColumnKind::Levels { levels } if levels.len() == 1 => "1 level".to_owned(),
        ColumnKind::Levels { levels } => format!("{} levels", levels.len()),
        ColumnKind::TooManyLevels => "too many levels".to_owned(),
        ColumnKind::Pixels { width, height, .. } => format!("{width} x {height} pixels"),
        ColumnKind::NotRead => "not read".to_owned(),
    }
}

fn values(column: &ColumnDescription) -> String {
    match &column.kind {
        ColumnKind::Number { min, max, mean } if mean.is_finite() => {
            format!("{} to {}, mean {}", number(*min), number(*max), figure(*mean, 4))
        }
        // The classes have a table of their own.
        ColumnKind::Levels { levels } if column.role != ColumnRole::Target => {
            let mut text = String::new();
            for (index, (level, rows)) in levels.iter().enumerate() {
                let next = format!("{} {rows}", shortened(level, LEVELS / 2));
                if text.chars().count() + next.chars().count() > LEVELS {
                    let more = levels.len() - index;
                    return format!("{text} and {more} more");
                }
                if !text.is_empty() {
                    text.push_str(", ");
                }
                text.push_str(&next);
            }
            text
        }
        ColumnKind::Pixels { full_scale, .. } => format!("0 to {full_scale}"),
        _ => String::new(),
    }
}

/// A cell as it may stand in the file.
fn number(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e9 { value.to_string() } else { figure(value, 4) }
}

fn classes(classes: &[(String, usize)]) -> String {
    let rows: usize = classes.iter().map(|(_, rows)| rows).sum();
    #[allow(clippy::cast_precision_loss)] // rows are far below 2^53
    let share = |n: usize| format!("{:.1} %", 100.0 * n as f64 / rows.max(1) as f64);
    let shown = &classes[..classes.len().min(CLASSES)];
    let column = |cell: &dyn Fn(&(String, usize)) -> String| shown.iter().map(cell).collect();
    let mut table = Table::new();
    table.push("class", Align::Left, 0, column(&|(name, _)| shortened(name, LEVELS)));
    table.push("rows", Align::Right, 0, column(&|(_, n)| n.to_string()));
    table.push("share", Align::Right, 0, column(&|(_, n)| share(*n)));
    let mut text = table.render();
    if shown.len() < classes.len() {
        let more = (classes.len() - shown.len()).to_string();
        text.extend(["and ", &more, " more\n"]);
    }
    text
}

/// A name from a file, fit for a line.
fn shortened(name: &str, length: usize) -> String {
    let mut escaped = String::new();
    for char in name.chars().take(length + 1) {
        // Quotes are as they stand in the cell; what would break the line is not.
        if matches!(char, '"' | '\'') {
            escaped.push(char);
        } else {
            escaped.extend(char.escape_debug());
        }
    }
    if escaped.chars().count() <= length {
        escaped
    } else {
        escaped.chars().take(length - 1).chain(['…']).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Doubt, Weight};

    fn column(name: &str, role: ColumnRole, kind: ColumnKind) -> ColumnDescription {
        ColumnDescription { name: name.to_owned(), role, kind, missing: 0, note: None }
    }

    #[test]
    fn names_keep_their_quotes_and_never_break_a_line() {
        assert_eq!(shortened("5\" o'clock\n", 20), "5\" o'clock\\n");
        assert_eq!(shortened("abcdef", 4), "abc…");
    }

    #[test]
    fn a_table_is_described_column_by_column() {
        let levels = |names: &[&str]| ColumnKind::Levels {
            levels: names.iter().map(|name| ((*name).to_owned(), 3)).collect(),
        };
        let number = ColumnKind::Number { min: 17.0, max: 90.0, mean: 38.581_646 };
        let mut age = column("age", ColumnRole::Input, number);
        age.missing = 12;
        let mut id = column("id", ColumnRole::Input, ColumnKind::TooManyLevels);
        id.note = Some("every row has a level of its own: left out".to_owned());
        let text = description(
            &Description {
                name: "adult.csv".to_owned(),
                rows: 32_561,
                columns: vec![
                    age,
                    column("sex", ColumnRole::Input, levels(&["Female", "Male"])),
                    column(
                        "workclass",
                        ColumnRole::Input,
                        levels(&["Federal-gov", "Local-gov", "Never-worked", "Private"]),
                    ),
                    id,
                    column("zip", ColumnRole::Dropped, ColumnKind::NotRead),
                    column("income", ColumnRole::Target, levels(&["<=50K", ">50K"])),
                ],
                classes: vec![("<=50K".to_owned(), 24_720), (">50K".to_owned(), 7841)],
                doubts: vec![Doubt {
                    kind: "rows without a target",
                    weight: Weight::Note,
                    key: "data.target",
                    message: "3 rows without a target are left out".to_owned(),
                    advice: String::new(),
                }],
            },
            &Ok(
                "adult.csv: 32561 rows, 14 inputs, 2 classes; train 19537, validation 6512, test 6512 (stratified, split seed 0)"
                    .to_owned(),
            ),
            Some(100),
        );
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        insta::assert_snapshot!(text);
    }
}
