//! libsvm's (svmlight's) sparse rows: a label, then `index:value` of what is not 0.
//!
//! Columns are called `x1`, `x2`, … after their indices, which count from 1 unless the file has an index 0; the label is
//! `y`, the last column.

use super::format::{Format, Input};
use crate::config::data::DataConfig;
use crate::data::doubt::Doubt;
use crate::data::error::{DataError, shortened};
use crate::data::table::builder::{Header, TableBuilder};
use crate::data::table::cell::Cell;
use crate::data::table::number::Number;

pub(super) const LIBSVM: Format = Format {
    names: &["libsvm"],
    endings: &["libsvm", "svm", "svmlight"],
    keys: &["data.drop"],
    read,
};

/// Cells that a table may have beyond those that the file has bytes for.
const ROOM: u64 = 4 << 20;

/// A row as it stands in the file.
struct Row<'a> {
    line: u64,
    label: &'a [u8],
    /// Ascending by index.
    values: Vec<(u32, f64)>,
}

/// What a row holds at an index that no row of the file gives.
fn elsewhere(name: &str) -> Option<f64> {
    name.strip_prefix('x')?.parse::<u32>().ok().map(|_| 0.0)
}

fn read(input: Input, _: &DataConfig, table: &mut TableBuilder) -> Result<(), DataError> {
    let Input { file, reader, .. } = input;
    let mut text = Vec::new();
    reader.read_to_end(&mut text).map_err(|cause| DataError::reading(file, cause))?;
    let mut rows = Vec::new();
    let mut has_qid = false;
    for (line, content) in (1..).zip(text.split(|byte| *byte == b'\n')) {
        let content = content.split(|byte| *byte == b'#').next().unwrap_or_default();
        let mut words = content.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let Some(label) = words.next() else { continue };
        let wrong = |problem| DataError::Line {
            file: file.to_owned(),
            line,
            row: Some(rows.len() + 1),
            problem,
        };
        if label.contains(&b',') {
            let problem = format!("`{}` names several labels: give one a row", shortened(label));
            return Err(wrong(problem));
        }
        let mut values: Vec<(u32, f64)> = Vec::new();
        for word in words {
            let Some(colon) = word.iter().position(|byte| *byte == b':') else {
                return Err(wrong(format!("`{}`: expected index:value", shortened(word))));
            };
            let (index, value) = (&word[..colon], &word[colon + 1..]);
            if index == b"qid" {
                has_qid = true;
                continue;
            }
            let index = std::str::from_utf8(index).ok().and_then(|index| index.parse::<u32>().ok());
            let value = match Number::parse(value) {
                Number::Finite(value) => Some(value),
                _ => None,
            };
            let (Some(index), Some(value)) = (index, value) else {
                let problem = format!(
                    "`{}`: expected a whole number, a colon and a finite number",
                    shortened(word)
                );
                return Err(wrong(problem));
            };
            values.push((index, value));
        }
        values.sort_by_key(|(index, _)| *index);
        if let Some(pair) = values.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(wrong(format!("the index {} is given twice", pair[0].0)));
        }
        rows.push(Row { line, label, values });
    }
    let whole =
        |problem: &str| DataError::File { file: file.to_owned(), problem: problem.to_owned() };
    let indices = || rows.iter().flat_map(|row| row.values.iter().map(|(index, _)| *index));
    let Some(largest) = indices().max() else {
        return Err(whole(
            "there is no row with a value: expected `label index:value index:value …`",
        ));
    };
    let first = u32::from(!indices().any(|index| index == 0));
    let width = u64::from(largest - first) + 1;
    if width * rows.len() as u64 > ROOM + text.len() as u64 {
        return Err(whole(&format!(
            "{} rows of {width} columns are too sparse to be held as a table: {} of its cells are given",
            rows.len(),
            indices().count()
        )));
    }
    let width = usize::try_from(width).unwrap_or(usize::MAX);
    let names = (first..=largest).map(|index| format!("x{index}")).chain(["y".to_owned()]);
    let header = Header { names: names.collect(), elsewhere: Some(elsewhere), ..Header::default() };
    table.begin(file, header)?;
    if has_qid {
        let message = "`qid:` groups rows for ranking: it is not read".to_owned();
        table.doubt(Doubt::note("column not read", "data.source", message));
    }
    let mut dense = vec![0.0; width];
    for row in &rows {
        dense.fill(0.0);
        for (index, value) in &row.values {
            dense[(index - first) as usize] = *value;
        }
        table.row(Some(row.line), |at| match dense.get(at) {
            Some(value) => Cell::Number(*value),
            None => Cell::Text(row.label),
        })?;
    }
    Ok(())
}
