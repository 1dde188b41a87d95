//! What the columns of a table make one wonder about: cells that look as if they held nothing, numbers
//! that are written as text, codes that are written as numbers, names of splits, names of rows.

use std::collections::BTreeMap;

use serde_json::json;

use super::column::{Column, FEW_VALUES, Values};
use super::counters;
use super::level::Level;
use super::looks::NumbersAsText;
use super::number::is_marker;
use crate::config::data::{DataConfig, Task};
use crate::data::doubt::{Doubt, with};
use crate::data::error::{listed_shortly, shortened};
use crate::data::split::given::Part;
use crate::text::counted;

/// So few different numbers lose nothing as levels.
const FEWEST_NUMBERS: usize = 2;

/// Groups of levels that are named one by one.
const SHOWN_GROUPS: usize = 3;

/// Doubts about inputs by the cells of all rows, whatever the split.
pub fn of_cells(columns: &[Column], names: &[String], config: &DataConfig) -> Vec<Doubt> {
    let of = |told: &dyn Fn(&Column) -> Option<String>| {
        let told =
            columns.iter().zip(names).filter_map(|(column, name)| Some((name, told(column)?)));
        let (columns, told): (Vec<String>, Vec<String>) =
            told.map(|(name, told)| (name.clone(), format!("`{}` ({told})", shown(name)))).unzip();
        (!columns.is_empty()).then(|| (columns, told.join(", ")))
    };
    let categorical = |columns: &[String]| with("data.categorical", &config.categorical, columns);
    let as_text = of(&|column| {
        let levels = match &column.values {
            Values::Levels { levels, .. } => counted(levels.len(), "level"),
            _ => "too many levels".to_owned(),
        };
        numbers_as_text(column).map(|found| format!("{}; {levels}", found.told()))
    });
    let found: Vec<NumbersAsText> = columns.iter().filter_map(numbers_as_text).collect();
    let hardest = found.iter().find(|found| !found.has_one_unit()).or(found.first());
    let remedy = hardest.map_or("", NumbersAsText::remedy);
    let as_text = as_text.map(|(columns, told)| {
        let message = format!(
            "numbers with more than digits in their cells, which makes levels of them: {told}"
        );
        Doubt::warning("numbers as text", "data.categorical", message)
            .advise(format!("{remedy}; if they are names, set {}", categorical(&columns)))
    });
    let is_number = |column: &Column| matches!(column.values, Values::Numbers { .. });
    let codes = of(&|column| {
        let cell = column.looks.leading_zeros.as_ref().filter(|_| is_number(column))?;
        Some(format!("`{}`", shown(cell)))
    });
    let codes = codes.map(|(columns, told)| {
        let message = format!(
            "taken as numbers, with zeros before their digits as codes have and measurements have not: {told}"
        );
        Doubt::warning("codes as numbers", "data.categorical", message)
            .advise(format!("if they are codes, set {}", categorical(&columns)))
    });
    let grouped = of(&|column| {
        let cell = column.looks.grouped_points().filter(|_| is_number(column))?;
        Some(format!("`{}`", shown(cell)))
    });
    let grouped = grouped.map(|(_, told)| grouped_points(&told));
    let alike = of(&|column| match &column.values {
        Values::Levels { levels, .. } => alike(levels),
        _ => None,
    });
    let alike = alike.map(|(_, told)| {
        let message = format!("levels that differ in case or blanks alone: {told}");
        Doubt::warning("levels alike", "data.source", message)
            .advise("write the same level the same")
    });
    [as_text, codes, grouped, alike].into_iter().flatten().collect()
}

/// The same about targets; `task`: as the config has it.
pub fn of_targets(columns: &[Column], names: &[String], task: Option<Task>) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    for (column, name) in columns.iter().zip(names) {
        let name = shown(name);
        if let Some(cell) = column.looks.grouped_points() {
            doubts.push(grouped_points(&format!("`{name}` (`{cell}`)")));
        }
        match &column.values {
            Values::Levels { levels, .. } => {
                if let Some(found) = numbers_as_text(column).filter(|_| task.is_none()) {
                    let message = format!(
                        "the target `{name}` holds numbers with more than digits in their cells, which makes {} classes of them: {}",
                        levels.len(),
                        found.told()
                    );
                    let doubt = Doubt::warning("numbers as classes", "data.task", message);
                    doubts.push(doubt.advise(format!(
                        "{}; if they are names of classes, set data.task = \"classification\"",
                        found.remedy()
                    )));
                }
                if let Some(alike) = alike(levels) {
                    let message =
                        format!("classes of `{name}` that differ in case or blanks alone: {alike}");
                    let doubt = Doubt::warning("classes alike", "data.target", message);
                    doubts.push(doubt.advise("write the same class the same"));
                }
            }
            Values::Numbers { .. } | Values::TooManyLevels => {}
        }
    }
    doubts
}

/// What makes classes of the numbers of a target, where that is one.
pub fn numbers_as_classes(targets: &[Column]) -> Option<NumbersAsText> {
    let [target] = targets else { return None };
    numbers_as_text(target)
}

/// What makes levels of numbers, where they are more than names of two groups.
fn numbers_as_text(column: &Column) -> Option<NumbersAsText> {
    match &column.values {
        Values::Levels { categorical: true, .. } | Values::Numbers { .. } => None,
        Values::Levels { levels, .. } if levels.len() <= FEWEST_NUMBERS => None,
        Values::Levels { .. } | Values::TooManyLevels => column.looks.numbers_as_text(),
    }
}

fn grouped_points(columns: &str) -> Doubt {
    let message = format!(
        "every point has three digits behind it and no number without one is above 999, as where points stand between thousands, and they are taken for decimal points: {columns}"
    );
    Doubt::warning("points between thousands", "data.source", message)
        .advise("if they stand between thousands, take them out of the file")
}

fn shown(name: &str) -> String {
    shortened(name.as_bytes())
}

/// Levels of which only case and blanks differ, where there are any.
fn alike(levels: &[Level]) -> Option<String> {
    let mut groups: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for level in levels.iter().filter(|level| level.is_text()) {
        let words: Vec<&str> = level.name.split_whitespace().collect();
        groups.entry(words.join(" ").to_lowercase()).or_default().push(&level.name);
    }
    let groups: Vec<String> = (groups.values())
        .filter(|group| group.len() > 1)
        .map(|group| {
            let names: Vec<String> =
                group.iter().map(|name| format!("`{}`", shown(name))).collect();
            names.join(" and ")
        })
        .collect();
    let more = groups.len().saturating_sub(SHOWN_GROUPS);
    let more = if more > 0 { format!(", {more} more") } else { String::new() };
    let shown = &groups[..groups.len().min(SHOWN_GROUPS)];
    (!groups.is_empty()).then(|| shown.join(", ") + &more)
}

/// Doubts about the inputs, numeric or not by what the training rows hold; `counts`: how often each level
/// occurs in these.
pub fn of_inputs(
    columns: &[Column],
    names: &[String],
    counts: &[Vec<usize>],
    config: &DataConfig,
) -> Vec<Doubt> {
    let (mut numbers, mut markers, mut marked) = (Vec::new(), Vec::new(), Vec::new());
    let mut numeric = Vec::new();
    for ((column, name), counts) in columns.iter().zip(names).zip(counts) {
        let Values::Levels { levels, categorical, .. } = &column.values else { continue };
        let counts = &counts[..levels.len()];
        let held = || levels.iter().zip(counts).filter(|(_, count)| **count > 0);
        let text: Vec<&Level> = held().map(|(level, _)| level).filter(|l| l.is_text()).collect();
        let text_cells: usize = held().filter(|(l, _)| l.is_text()).map(|(_, count)| count).sum();
        let present: usize = counts.iter().sum();
        let has_words = !categorical && column.looks.numbers_as_text().is_none();
        if let Some(first) = text.first().filter(|_| has_words && 2 * text_cells < present) {
            numbers.push(format!("`{name}` (`{}`)", shortened(first.name.as_bytes())));
            numeric.push(name.clone());
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
        let message = format!(
            "taken as levels for the text among their cells, most of which are numbers: {}",
            numbers.join(", ")
        );
        Doubt::warning("numbers as levels", "data.categorical", message).advise(format!(
            "correct the text or add it to data.missing; if they are levels, set {}",
            with("data.categorical", &config.categorical, &numeric)
        ))
    });
    let markers = (!markers.is_empty()).then(|| {
        let message =
            format!("{} in {} taken as a level", listed_shortly(&markers), listed_shortly(&marked));
        Doubt::note("words for missing cells", "data.missing", message).advise(format!(
            "if such cells are missing values, set {}",
            with("data.missing", &config.missing, &markers)
        ))
    });
    let splits = columns.iter().zip(names).filter(|(column, _)| names_splits(column));
    let splits = splits.map(|(_, name)| {
        let message = format!("`{name}` is an input and its cells are called as splits are");
        Doubt::warning("words for splits", "data.split.column", message).advise(format!(
            "if they say which row is in which, set data.split.column = {}",
            json!(name)
        ))
    });
    let of_rows: Vec<String> = (columns.iter().zip(counts).zip(names))
        .filter(|((column, counts), name)| {
            let is_text = names_rows(column, counts) && column.looks.numbers_as_text().is_none();
            is_text || column.counts_rows || is_identifier(column, name)
        })
        .map(|(_, name)| name.clone())
        .collect();
    let of_rows = (!of_rows.is_empty()).then(|| {
        let message = format!(
            "most rows have a value of their own, as where names or counters of rows stand, which tell nothing of other rows: {}",
            listed_shortly(&of_rows)
        );
        Doubt::warning("identifiers", "data.drop", message)
            .advise(format!("leave out by {}", with("data.drop", &config.drop, &of_rows)))
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
    known > FEW_VALUES && 2 * known > counts.iter().sum()
}

/// Whether numbers are identifiers by the name of their column.
fn is_identifier(column: &Column, name: &str) -> bool {
    match &column.values {
        Values::Numbers { numbers, .. } => counters::name_rows(name, numbers),
        _ => false,
    }
}

/// A doubt about classes that look as if they were none; `None` is a class like any other.
pub fn of_classes(names: &[String], missing: &[String]) -> Option<Doubt> {
    let is_doubtful = |name: &&String| is_marker(name) && name.to_lowercase() != "none";
    let markers: Vec<String> = names.iter().filter(is_doubtful).cloned().collect();
    (!markers.is_empty()).then(|| {
        let message = format!("{} taken as a class", listed_shortly(&markers));
        Doubt::warning("words for missing classes", "data.missing", message).advise(format!(
            "if such rows have no target, set {}",
            with("data.missing", missing, &markers)
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_called_none_is_no_doubt_and_one_called_nan_is() {
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(of_classes(&names(&["None", "x"]), &[]), None);
        assert_eq!(
            of_classes(&names(&["nan", "x"]), &names(&["", "NA"])).unwrap().to_string(),
            "warning: `nan` taken as a class; if such rows have no target, set data.missing = [\"\", \"NA\", \"nan\"]"
        );
    }
}
