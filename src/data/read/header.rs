//! The names of columns, as the first line of a text gives them.

use std::collections::HashSet;

use super::records::Record;
use super::sniff::{self, Layout};
use crate::config::data::DataConfig;
use crate::data::error::{CellProblem, shortened};
use crate::data::table::number::Number;

/// The names in the first record, or `c1`, `c2`, … where it is a row. `below`: cells of the next record;
/// `is_known`: whether it is known which of them are wanted, so that others need no name.
pub(super) fn names(
    first: Record,
    below: Option<usize>,
    layout: Layout,
    config: &DataConfig,
    is_known: bool,
) -> Result<Vec<String>, String> {
    if layout.by_blanks && first.len() > 1 {
        return Err(numbers_in_cells(first, layout.delimiter));
    }
    if first.len() == 1 && !is_known {
        return Err(one_cell(first.cell(0), below.unwrap_or(0), layout.delimiter));
    }
    let counted = || (1..).map(|place| format!("c{place}"));
    let mut names: Vec<String> = if layout.header {
        let names: Result<_, CellProblem> = first.cells().map(name).collect();
        names.map_err(|problem| problem.to_string())?
    } else {
        counted().take(first.len()).collect()
    };
    check(&names, layout, config, is_known)?;
    for (name, stand_in) in names.iter_mut().zip(counted()).filter(|(name, _)| name.is_empty()) {
        *name = stand_in;
    }
    Ok(names)
}

/// Whether the names count the columns, as pandas writes where they have none, perhaps behind the empty name
/// of the column that counts the rows.
pub(super) fn counts_columns(first: Record) -> bool {
    let cells: Vec<&[u8]> = first.cells().map(<[u8]>::trim_ascii).collect();
    sniff::are_counted(&cells).is_some()
}

fn name(cell: &[u8]) -> Result<String, CellProblem> {
    if cell.contains(&0) {
        return Err(CellProblem::Nul);
    }
    std::str::from_utf8(cell.trim_ascii()).map(str::to_owned).map_err(|_| CellProblem::NotUtf8)
}

/// Why a first line of one cell begins no table.
fn one_cell(cell: &[u8], below: usize, delimiter: u8) -> String {
    let cell = cell.trim_ascii();
    let shown = shortened(cell);
    if below > 1 {
        return format!(
            "`{shown}` stands above lines of {below} cells: take this line out of the file if it is neither a row nor the names of the columns, else give it as many cells"
        );
    }
    let by_blanks = if cell.iter().any(u8::is_ascii_whitespace) {
        "; if blanks stand there, set data.delimiter = \" \""
    } else {
        "; if something else stands there, set data.delimiter"
    };
    match delimiter {
        b',' | b'\t' | b';' | b'|' => format!(
            "there is one column, `{shown}`: expected inputs and a target with `,`, tab, `;` or `|` between them{by_blanks}"
        ),
        other => format!(
            "there is one column, `{shown}`: expected inputs and a target with `{}` between them, as data.delimiter says",
            char::from(other)
        ),
    }
}

/// Why lines whose cells hold several numbers each are no rows of a table.
fn numbers_in_cells(first: Record, delimiter: u8) -> String {
    let (name, value) = match delimiter {
        b'\t' => ("a tab".to_owned(), "\\t".to_owned()),
        other => (format!("`{}`", char::from(other)), char::from(other).to_string()),
    };
    let cells = first.len();
    format!(
        "{name} makes {cells} columns, and cells hold several numbers with blanks between them, as in `{}`; if blanks stand between columns, set data.delimiter = \" \"; if they do not, set data.delimiter = \"{value}\"",
        first.cells().max_by_key(|cell| cell.len()).map(shortened).unwrap_or_default()
    )
}

/// What to do if tabs, of which each parts two cells, are meant to part them in runs.
pub(super) const RUNS_OF_TABS: &str =
    "if any run of tabs or blanks stands between two cells, set data.delimiter = \" \"";

/// Refuses names that cannot be told apart.
fn check(
    names: &[String],
    layout: Layout,
    config: &DataConfig,
    is_known: bool,
) -> Result<(), String> {
    let (inferred, drop) = (config.header.is_none(), &config.drop);
    let number = |name: &&String| matches!(Number::parse(name.as_bytes()), Number::Finite(_));
    if let Some(place) = names.iter().position(String::is_empty).filter(|_| !is_known) {
        let stand_in = format!("c{}", place + 1);
        if !drop.contains(&stand_in) || names.contains(&stand_in) {
            let why = if place + 1 == names.len() {
                "is empty, as where every line ends with a delimiter"
            } else {
                "only counts the rows"
            };
            let runs = match layout.delimiter {
                b'\t' if place > 0 => format!("; {RUNS_OF_TABS}"),
                _ => String::new(),
            };
            return Err(format!(
                "column {} of {} has no name: name it, or leave it out by data.drop = [\"{stand_in}\"] if it {why}{runs}",
                place + 1,
                names.len()
            ));
        }
    }
    let mut seen = HashSet::new();
    match names.iter().find(|name| !name.is_empty() && !seen.insert(name.as_str())) {
        Some(twice) if inferred && number(&twice) => Err(format!(
            "two columns are called `{}`: if the first line is a row, set data.header = false",
            shortened(twice.as_bytes())
        )),
        Some(twice) => Err(format!(
            "two columns are called `{}`: every column needs a name of its own",
            shortened(twice.as_bytes())
        )),
        None => Ok(()),
    }
}
