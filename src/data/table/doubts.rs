//! What a column of levels makes one wonder about: cells that look as if they held nothing, numbers
//! that became names for the sake of a few words among them, names of splits, names of rows.

use super::column::{Column, Values};
use super::level::Level;
use super::number::is_marker;
use crate::data::error::{listed_shortly, shortened};
use crate::data::split::given::Part;

/// So few levels are groups even of very few rows.
const FEW_LEVELS: usize = 20;

/// Notes on the columns, numeric or not by what the training rows hold; `counts`: how often each level
/// occurs in these; `missing` is the list in force.
pub fn of_inputs(
    columns: &[Column],
    names: &[String],
    counts: &[Vec<usize>],
    missing: &[String],
) -> Vec<String> {
    let (mut numbers, mut markers, mut marked) = (Vec::new(), Vec::new(), Vec::new());
    for ((column, name), counts) in columns.iter().zip(names).zip(counts) {
        let Values::Levels { levels, categorical, .. } = &column.values else { continue };
        let counts = &counts[..levels.len()];
        let held = || levels.iter().zip(counts).filter(|(_, count)| **count > 0);
        let text: Vec<&Level> = held().map(|(level, _)| level).filter(|l| l.is_text()).collect();
        let text_cells: usize = held().filter(|(l, _)| l.is_text()).map(|(_, count)| count).sum();
        let present: usize = counts.iter().sum();
        if let Some(first) = text.first().filter(|_| !categorical && 2 * text_cells < present) {
            numbers.push(format!("`{name}` (`{}`)", shortened(first.name.as_bytes())));
        }
        for level in levels.iter().filter(|level| is_marker(&level.name)) {
            if !markers.contains(&level.name) {
                markers.push(level.name.clone());
            }
            if !marked.contains(name) {
                marked.push(name.clone());
            }
        }
    }
    let numbers = (!numbers.is_empty()).then(|| {
        format!(
            "taken as levels for the text among their cells, most of which are numbers: {}; name them in data.categorical if they are levels, else correct the text or add it to data.missing",
            numbers.join(", ")
        )
    });
    let markers = (!markers.is_empty()).then(|| {
        format!(
            "{} in {} taken as a level: if such cells are missing values, set {}",
            listed_shortly(&markers),
            listed_shortly(&marked),
            with_missing(missing, &markers)
        )
    });
    let splits = columns.iter().zip(names).filter(|(column, _)| names_splits(column));
    let splits = splits.map(|(_, name)| {
        format!(
            "`{name}` is an input and its cells are called as splits are: if they say which row is in which, set data.split.column = {name:?}"
        )
    });
    let of_rows: Vec<String> = (columns.iter().zip(counts).zip(names))
        .filter(|((column, counts), _)| names_rows(column, counts))
        .map(|(_, name)| name.clone())
        .collect();
    let of_rows = (!of_rows.is_empty()).then(|| {
        format!(
            "most training rows have a level of their own, as names have, which tells nothing of other rows: {}; leave out by data.drop, or group the levels",
            listed_shortly(&of_rows)
        )
    });
    splits.chain(numbers).chain(markers).chain(of_rows).collect()
}

/// Whether all cells of a column are words for splits, `train` and another.
fn names_splits(column: &Column) -> bool {
    let Values::Levels { levels, categorical: false, .. } = &column.values else { return false };
    let parts: Option<Vec<Part>> =
        levels.iter().map(|level| Part::named(level.name.as_bytes())).collect();
    parts.is_some_and(|parts| {
        parts.contains(&Part::Train) && parts.iter().any(|part| *part != Part::Train)
    })
}

/// Whether levels tell training rows apart rather than group them.
fn names_rows(column: &Column, counts: &[usize]) -> bool {
    let Values::Levels { levels, categorical: false, .. } = &column.values else { return false };
    let counts = &counts[..levels.len()];
    let known = counts.iter().filter(|count| **count > 0).count();
    known > FEW_LEVELS && 2 * known > counts.iter().sum()
}

/// A note on classes that look as if they were none; `None` is a class like any other.
pub fn of_classes(names: &[String], missing: &[String]) -> Option<String> {
    let is_doubtful = |name: &&String| is_marker(name) && name.to_lowercase() != "none";
    let markers: Vec<String> = names.iter().filter(is_doubtful).cloned().collect();
    (!markers.is_empty()).then(|| {
        format!(
            "{} taken as a class: if such rows have no target, set {}",
            listed_shortly(&markers),
            with_missing(missing, &markers)
        )
    })
}

fn with_missing(missing: &[String], markers: &[String]) -> String {
    let words: Vec<String> =
        missing.iter().chain(markers).map(|word| format!("{word:?}")).collect();
    format!("data.missing = [{}]", words.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_called_none_is_no_doubt_and_one_called_nan_is() {
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(of_classes(&names(&["None", "x"]), &[]), None);
        assert_eq!(
            of_classes(&names(&["nan", "x"]), &names(&["", "NA"])).unwrap(),
            "`nan` taken as a class: if such rows have no target, set data.missing = [\"\", \"NA\", \"nan\"]"
        );
    }
}
