//! From rows to epochs: which rows make one, where another training begins, what a resume replaces.
//!
//! The log's own counter is held to. An epoch is a value of that counter, unless validations are measured more
//! often, or the counter is a fraction or counts steps: then it is the stretch up to a validation.

use std::collections::HashMap;

use super::error::LogError;
use super::names::{self, Counts, counts, is_clock, split};
use super::rows::Rows;
use crate::history::{EPOCH, EpochTable};
use crate::stopping::Split;

/// What a NaN is that finite values follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Nan {
    /// What the tool means by it: in tables an empty cell, elsewhere a value like any other.
    #[default]
    ByTool,
    /// Nothing was measured.
    Missing,
    /// The training diverged.
    Diverged,
}

/// The epochs of one training.
pub(super) struct Epochs {
    /// With `epoch`, by position from 1, in front.
    pub table: EpochTable,
    /// The log's own counter, where it is called `epoch`.
    pub own: Option<Vec<Option<f64>>>,
    pub notes: Vec<String>,
}

/// Cuts rows into trainings, and these into epochs.
pub(super) fn epochs(
    mut rows: Rows,
    nan_is_missing: bool,
    rows_are_epochs: bool,
    has_a_row_an_epoch: bool,
) -> Result<Vec<Epochs>, LogError> {
    summary_left_out(&mut rows);
    let with_values = with_values(&rows);
    let numeric = |index: &usize| rows.is_numeric(*index) && with_values[*index];
    let names = || rows.names().iter().map(String::as_str).enumerate();
    let counter = names::counter(names().filter(|(index, _)| numeric(index)));
    let counter = counter.filter(|_| !rows_are_epochs);
    let mut said = Vec::new();
    let parts = match counter {
        Some(counter) => parts(&rows, counter, has_a_row_an_epoch, &mut said),
        None => vec![Part { rows: (0..rows.len()).collect(), notes: Vec::new() }],
    };
    if parts.len() > 1 {
        said.push(format!(
            "{} trainings in one log: `{}` goes back to its start in {}{} {}",
            parts.len(),
            counter.map_or("", |counter| shown(&rows.names()[counter])),
            rows.counted(),
            if parts.len() > 2 { "s" } else { "" },
            parts[1..]
                .iter()
                .take(9)
                .map(|part| rows.line(part.rows[0]).to_string())
                .collect::<Vec<_>>()
                .join(", ")
        ));
    }
    let columns = Columns::of(&rows, with_values);
    // Every training has a table of its own, whose columns have names.
    if !rows
        .budget()
        .allows(parts.len().saturating_mul(OF_TRAINING + OF_COLUMN * columns.kept.len()))
    {
        return Err(rows.too_large());
    }
    let mut found = Vec::with_capacity(parts.len());
    for (index, mut part) in parts.into_iter().enumerate() {
        if index == 0 {
            part.notes.splice(0..0, said.drain(..));
        }
        found.push(shape(&rows, &columns, part, counter, nan_is_missing, rows_are_epochs)?);
    }
    Ok(found)
}

/// What a training takes beside its table, in values.
const OF_TRAINING: usize = 64;

/// What a column of a table takes beside its cells, in values.
const OF_COLUMN: usize = 6;

/// What the names and the cells of columns say.
struct Columns {
    /// Those that hold nothing but numbers.
    numeric: Vec<bool>,
    with_values: Vec<bool>,
    kinds: Vec<Option<Counts>>,
    splits: Vec<Option<Split>>,
    clocks: Vec<bool>,
    /// Those that count.
    counters: Vec<usize>,
    /// Those of the table, and where each is in it.
    kept: Vec<usize>,
    place: HashMap<usize, usize>,
    /// Of the table's columns, further names by their places.
    aliases: Vec<(usize, String)>,
}

impl Columns {
    fn of(rows: &Rows, with_values: Vec<bool>) -> Self {
        let names = rows.names();
        let numeric: Vec<bool> = (0..names.len()).map(|column| rows.is_numeric(column)).collect();
        let kept: Vec<usize> =
            (0..names.len()).filter(|column| numeric[*column] && names[*column] != EPOCH).collect();
        let of_table: Vec<&str> = kept.iter().map(|column| names[*column].as_str()).collect();
        let kinds: Vec<Option<Counts>> = names.iter().map(|name| counts(name)).collect();
        Self {
            counters: (0..names.len()).filter(|column| kinds[*column].is_some()).collect(),
            kinds,
            splits: names.iter().map(|name| split(name)).collect(),
            clocks: names.iter().map(|name| is_clock(name)).collect(),
            place: kept.iter().enumerate().map(|(at, column)| (*column, at)).collect(),
            aliases: names::aliases(&of_table),
            numeric,
            with_values,
            kept,
        }
    }
}

/// The name of a column for people.
pub(super) fn shown(name: &str) -> &str {
    if name.is_empty() { "(unnamed)" } else { name }
}

/// Which columns have a value at all.
fn with_values(rows: &Rows) -> Vec<bool> {
    let mut found = vec![false; rows.names().len()];
    for row in 0..rows.len() {
        for (column, _) in rows.row(row) {
            found[*column as usize] = true;
        }
    }
    found
}

/// Trainer's `train_loss` is one value for a whole training, beside the curve `loss`, which is then called so.
fn summary_left_out(rows: &mut Rows) {
    let (Some(loss), Some(summary)) = (rows.find("loss"), rows.find("train_loss")) else { return };
    let count = |column: usize| (0..rows.len()).filter(|r| rows.cell(*r, column).is_some()).count();
    if count(summary) <= 1 && count(loss) > 1 {
        rows.remove("train_loss");
    }
}

/// The rows of one training, in order.
struct Part {
    rows: Vec<usize>,
    notes: Vec<String>,
}

/// Where the counter goes back: to its start or before it, another training begins; into the middle, the
/// later rows replace those that they go over again, and of a tool that writes a row an epoch a second row of the
/// same epoch the first.
fn parts(rows: &Rows, counter: usize, once: bool, said: &mut Vec<String>) -> Vec<Part> {
    let name = shown(&rows.names()[counter]).to_owned();
    let own: Vec<Option<f64>> = (0..rows.len()).map(|row| rows.cell(row, counter)).collect();
    let mut order: Vec<usize> = (0..rows.len()).collect();
    let known: Vec<f64> = own.iter().flatten().copied().filter(|v| !v.is_nan()).collect();
    let falls = known.windows(2).all(|pair| pair[1] <= pair[0]);
    if falls && known.first() > known.last() {
        order.reverse();
        said.push(format!("`{name}` falls from row to row: read from the last row to the first"));
    }
    let mut parts: Vec<Part> = Vec::new();
    let mut part = Part { rows: Vec::new(), notes: Vec::new() };
    let (mut first, mut last): (Option<f64>, f64) = (None, f64::NEG_INFINITY);
    let mut waiting: Vec<usize> = Vec::new();
    for row in order {
        let Some(value) = own[row].filter(|value| !value.is_nan()) else {
            waiting.push(row);
            continue;
        };
        if first.is_some_and(|first| value < last && value <= first) {
            parts.push(std::mem::replace(&mut part, Part { rows: Vec::new(), notes: Vec::new() }));
            first = None;
        } else if value < last || (once && value == last) {
            let is_kept = |row: &usize| own[*row].is_none_or(|before| before < value);
            let end = part.rows.iter().rposition(is_kept).map_or(0, |at| at + 1);
            let how = if value < last {
                format!("goes back from {last} to {value}")
            } else {
                format!("is {value} once more")
            };
            part.notes.push(format!(
                "{} {}: `{name}` {how}, a resume: later rows replace {}",
                rows.counted(),
                rows.line(row),
                crate::text::counted(part.rows.len() - end, "earlier one")
            ));
            part.rows.truncate(end);
        }
        part.rows.append(&mut waiting);
        part.rows.push(row);
        first = first.or(Some(value));
        last = value;
    }
    part.rows.append(&mut waiting);
    parts.push(part);
    parts.retain(|part| !part.rows.is_empty());
    parts
}

/// Consecutive rows of the same counters that do not measure the same twice.
struct Point {
    rows: std::ops::Range<usize>,
    counter: Option<f64>,
    is_validated: bool,
    /// It holds test metrics.
    has_test: bool,
    /// It holds others.
    has_others: bool,
}

impl Point {
    /// Whether it holds nothing but test metrics.
    fn is_of_test(&self) -> bool {
        self.has_test && !self.has_others
    }
}

#[allow(clippy::too_many_lines)] // one path from rows to a table
fn shape(
    rows: &Rows,
    columns: &Columns,
    mut part: Part,
    counter: Option<usize>,
    nan_is_missing: bool,
    rows_are_epochs: bool,
) -> Result<Epochs, LogError> {
    let width = rows.names().len();
    let Columns { numeric, with_values, kinds, splits, clocks, counters, kept, place, aliases } =
        columns;

    // A NaN that finite values follow.
    let mut last_finite = vec![usize::MAX; width];
    for (at, row) in part.rows.iter().enumerate() {
        for (column, value) in rows.row(*row) {
            if value.is_finite() {
                last_finite[*column as usize] = at;
            }
        }
    }
    let is_finite_later =
        |column: usize, at: usize| last_finite[column] != usize::MAX && at < last_finite[column];
    let is_left_out = |column: u32, value: f64, at: usize| {
        let column = column as usize;
        !numeric[column] || (nan_is_missing && value.is_nan() && is_finite_later(column, at))
    };

    // Points.
    let mut points: Vec<Point> = Vec::new();
    let mut stamp = vec![usize::MAX; width];
    let mut counters_of_point: Vec<Option<f64>> = vec![None; width];
    for (at, row) in part.rows.iter().enumerate() {
        let cells = || {
            let cells = rows.row(*row).iter();
            cells.filter(|(column, value)| !is_left_out(*column, *value, at))
        };
        let own = counter.and_then(|counter| rows.cell(*row, counter));
        let current = points.len().wrapping_sub(1);
        let same = counter.is_some()
            && !points.is_empty()
            && cells().all(|(column, value)| {
                let column = *column as usize;
                match kinds[column] {
                    Some(Counts::Rows) if counter != Some(column) => true,
                    Some(_) => counters_of_point[column] == Some(*value),
                    None => clocks[column] || stamp[column] != current,
                }
            })
            && own.is_some();
        if !same {
            for column in counters {
                counters_of_point[*column] = None;
            }
            points.push(Point {
                rows: at..at,
                counter: own,
                is_validated: false,
                has_test: false,
                has_others: false,
            });
        }
        let current = points.len() - 1;
        let point = &mut points[current];
        point.rows.end = at + 1;
        for (column, value) in cells() {
            let column = *column as usize;
            if kinds[column].is_some() {
                counters_of_point[column] = Some(*value);
                continue;
            }
            stamp[column] = current;
            point.is_validated |= splits[column] == Some(Split::Validation);
            let is_of_test = splits[column] == Some(Split::Test);
            point.has_test |= is_of_test;
            point.has_others |= !is_of_test && !clocks[column];
        }
    }

    // Groups of points: the epochs.
    let mut groups: Vec<std::ops::Range<usize>> = Vec::new();
    let is_epoch_like = counter
        .is_some_and(|counter| matches!(kinds[counter], Some(Counts::Epochs | Counts::Rows)));
    let is_whole =
        points.iter().filter_map(|point| point.counter).all(|value| value.fract() == 0.0);
    let validations = points.iter().filter(|point| point.is_validated).count();
    if is_epoch_like && is_whole {
        let mut begin = 0;
        let mut several = 0;
        while begin < points.len() {
            // A row that names no epoch goes with the next that does.
            let named = (begin..points.len()).find(|at| points[*at].counter.is_some());
            let value = named.and_then(|at| points[at].counter);
            let end = named.map_or(points.len(), |named| {
                let other = |at: &usize| points[*at].counter != value;
                (named..points.len()).find(other).unwrap_or(points.len())
            });
            let validated: Vec<usize> =
                (begin..end).filter(|at| points[*at].is_validated).collect();
            if validated.len() > 1 {
                several = several.max(validated.len());
                let mut from = begin;
                for (index, at) in validated.iter().enumerate() {
                    let to = if index + 1 == validated.len() { end } else { at + 1 };
                    groups.push(from..to);
                    from = to;
                }
            } else if value.is_none() && !groups.is_empty() {
                // Rows at the end that name no epoch belong to the last one.
                if let Some(last) = groups.last_mut() {
                    last.end = end;
                }
            } else {
                groups.push(begin..end);
            }
            begin = end;
        }
        if several > 1 {
            part.notes.push(format!(
                "up to {several} validations an epoch: each counts as one, {} in all",
                groups.len()
            ));
        }
    } else if validations > 0 && validations < points.len() && !rows_are_epochs {
        let mut from = 0;
        for at in (0..points.len()).filter(|at| points[*at].is_validated) {
            groups.push(from..at + 1);
            from = at + 1;
        }
        let rest = points.len() - from;
        let is_of_test = points[from..].iter().all(Point::is_of_test);
        if let Some(last) = groups.last_mut().filter(|_| is_of_test) {
            last.end = points.len();
        } else if rest > 0 {
            part.notes.push(format!(
                "{} after the last validation left out",
                crate::text::counted(rest, "row")
            ));
        }
        part.notes.push(format!(
            "an epoch here is the stretch up to a validation: {validations} of them"
        ));
    } else {
        groups.extend((0..points.len()).map(|at| at..at + 1));
    }
    // What is measured once at the end, on the test rows, is no epoch.
    if groups.len() > 1
        && let Some(last) = groups.last().cloned()
        && points[last.clone()].iter().all(Point::is_of_test)
    {
        groups.pop();
        if let Some(before) = groups.last_mut() {
            before.end = last.end;
        }
    }

    // The table.
    if !rows.budget().allows(groups.len().saturating_mul(kept.len() + 1)) {
        return Err(rows.too_large());
    }
    let mut names = vec![EPOCH.to_owned()];
    names.extend(kept.iter().map(|column| rows.names()[*column].clone()));
    let own_column = rows.find(EPOCH).filter(|column| numeric[*column] && with_values[*column]);
    let mut own = own_column.map(|_| Vec::with_capacity(groups.len()));
    let mut table = EpochTable::new(names);
    table.reserve(groups.len());
    let mut averaged = false;
    let mut sums = vec![(0.0_f64, 0_u32); kept.len()];
    let mut epoch = 0.0;
    for group in &groups {
        epoch += 1.0;
        sums.fill((0.0, 0));
        let mut own_value = None;
        for at in points[group.clone()].iter().flat_map(|point| point.rows.clone()) {
            for (column, value) in rows.row(part.rows[at]) {
                if is_left_out(*column, *value, at) {
                    continue;
                }
                let column = *column as usize;
                if Some(column) == own_column {
                    own_value = Some(*value);
                    continue;
                }
                let Some(place) = place.get(&column) else { continue };
                let (sum, count) = &mut sums[*place];
                let is_last = kinds[column].is_some() || clocks[column];
                if is_last || *count == 0 {
                    (*sum, *count) = (*value, 1);
                } else {
                    *sum += *value;
                    *count += 1;
                    averaged = true;
                }
            }
        }
        let mut row = vec![Some(epoch)];
        row.extend(sums.iter().map(|(sum, count)| match count {
            0 => None,
            1 => Some(*sum),
            count => Some(*sum / f64::from(*count)),
        }));
        table.push(&row);
        if let Some(own) = &mut own {
            own.push(own_value);
        }
    }
    if averaged {
        part.notes.push("what is measured more often is averaged over the epoch".to_owned());
    }
    part.notes.extend(nan_notes(rows, &part.rows, &is_finite_later, numeric, nan_is_missing));
    for (place, alias) in aliases {
        table.also_called_at(place + 1, alias.clone());
    }
    Ok(Epochs { table, own, notes: part.notes })
}

/// What is said of each column with a NaN that finite values follow.
fn nan_notes(
    rows: &Rows,
    of_part: &[usize],
    is_finite_later: &impl Fn(usize, usize) -> bool,
    numeric: &[bool],
    is_missing: bool,
) -> Vec<String> {
    let mut first: HashMap<usize, usize> = HashMap::new();
    for (at, row) in of_part.iter().enumerate() {
        for (column, value) in rows.row(*row) {
            let column = *column as usize;
            if value.is_nan() && numeric[column] && is_finite_later(column, at) {
                first.entry(column).or_insert(*row);
            }
        }
    }
    let mut first: Vec<(usize, usize)> = first.into_iter().collect();
    first.sort_unstable();
    let (taken, other) = if is_missing {
        ("not measured", "--nan diverged takes it for a divergence")
    } else {
        ("diverged", "--nan missing takes it for not measured")
    };
    first
        .into_iter()
        .take(3)
        .map(|(column, row)| {
            format!(
                "`{}` is NaN in {} {} and finite later, taken as {taken}; {other}",
                shown(&rows.names()[column]),
                rows.counted(),
                rows.line(row)
            )
        })
        .collect()
}
