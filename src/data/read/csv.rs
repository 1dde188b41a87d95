//! CSV, TSV and their kin.

use std::io::{self, BufReader, Cursor, Read};
use std::path::Path;
use std::sync::mpsc::{self, Receiver};
use std::thread;

use super::cutter::QuoteFault;
use super::format::{Format, Input};
use super::header::{self, RUNS_OF_TABS};
use super::records::{Batch, Record, Records};
use super::sniff::{self, Layout};
use crate::config::data::DataConfig;
use crate::data::doubt::Doubt;
use crate::data::error::{DataError, shortened};
use crate::data::table::builder::{Header, TableBuilder};
use crate::data::table::cell::Cell;
use crate::text::counted;

pub(super) const CSV: Format = Format {
    names: &["CSV", "TSV"],
    endings: &["csv", "tsv", "tab", "txt", "data", "test"],
    keys: &[
        "data.header",
        "data.delimiter",
        "data.test_source",
        "data.drop",
        "data.categorical",
        "data.split.column",
    ],
    read,
};

/// Batches that may wait to be taken.
const WAITING: usize = 4;

fn read(input: Input, config: &DataConfig, table: &mut TableBuilder) -> Result<(), DataError> {
    let Input { file, reader, .. } = input;
    let failed = |cause| DataError::reading(file, cause);
    let (mut head, whole) = sniff::read_head(reader).map_err(failed)?;
    // Some programs put one before another's.
    while head.starts_with(b"\xef\xbb\xbf") {
        head.drain(..3);
    }
    if head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) {
        let problem = "the text is UTF-16: save the file as UTF-8".to_owned();
        return Err(DataError::File { file: file.to_owned(), problem });
    }
    let layout = sniff::layout(&head, whole, file, config);
    let text = BufReader::with_capacity(1 << 16, Cursor::new(head).chain(reader));
    let mut records = Records::new(text, layout.delimiter);
    let (sender, batches) = mpsc::sync_channel(WAITING);
    // What is read is hashed and cut while the cells before it are taken.
    thread::scope(|scope| {
        scope.spawn(move || {
            while let Some(batch) = records.batch().transpose() {
                let is_last = batch.is_err();
                if sender.send(batch).is_err() || is_last {
                    return;
                }
            }
        });
        take(batches, layout, file, config, table)
    })
}

fn take(
    batches: Receiver<io::Result<Batch>>,
    layout: Layout,
    file: &Path,
    config: &DataConfig,
    table: &mut TableBuilder,
) -> Result<(), DataError> {
    let (mut columns, mut rows) = (0, 0);
    for batch in batches {
        let batch = batch.map_err(|cause| unread(file, cause))?;
        let mut records = batch.records().peekable();
        if columns == 0
            && let Some(first) = records.peek()
        {
            columns = first.len();
            let below = batch.records().nth(1).map(|record| record.len());
            begin(*first, below, layout, file, config, table)?;
            records.next_if(|_| layout.header);
        }
        for record in records {
            let line = record.line;
            rows += 1;
            if record.len() != columns {
                let problem = ragged(record, columns, layout);
                let (file, row) = (file.to_owned(), Some(rows));
                return Err(DataError::Line { file, line, row, problem });
            }
            table.row(Some(line), |at| Cell::Text(record.cell(at)))?;
        }
    }
    let problem = match (columns, rows) {
        (0, _) => {
            "the file is empty: expected a header line and a row for each example; name another file in data.source, or fill this one"
        }
        (_, 0) => {
            "there is a header and no row below it: add the rows, or set data.header = false if the line is one"
        }
        _ => return Ok(()),
    };
    Err(DataError::File { file: file.to_owned(), problem: problem.to_owned() })
}

/// Begins the table by the first record; `below`: cells of the next one.
fn begin(
    first: Record,
    below: Option<usize>,
    layout: Layout,
    file: &Path,
    config: &DataConfig,
    table: &mut TableBuilder,
) -> Result<(), DataError> {
    let names = header::names(first, below, layout, config, table.is_known());
    let names = names.map_err(|problem| DataError::Line {
        file: file.to_owned(),
        line: first.line,
        row: None,
        problem,
    })?;
    table.begin(file, Header { names, delimiter: Some(layout.delimiter), ..Header::default() })?;
    if layout.delimiter == b' ' && config.delimiter.is_none() {
        let message = "any run of blanks or tabs is taken for one delimiter, as it parts every line alike (data.delimiter if another does)";
        table.doubt(Doubt::note("parted by blanks", "data.delimiter", message.to_owned()));
    }
    if !layout.header {
        let hint =
            if config.header.is_none() { " (data.header = true if there is one)" } else { "" };
        let message = format!(
            "there is no header line: the columns are called `c1` to `c{}`{hint}",
            first.len()
        );
        table.doubt(Doubt::note("no header", "data.header", message));
    } else if config.header.is_none() && header::counts_columns(first) {
        let message = format!(
            "the first line, which ends with `{}`, is taken for names of columns, as pandas counts them",
            shortened(first.cell(first.len() - 1))
        );
        let doubt = Doubt::warning("header of numbers", "data.header", message);
        table.doubt(doubt.advise(
            "if it is a row, set data.header = false; if it is none, set data.header = true",
        ));
    }
    Ok(())
}

/// Why the text could not be read on.
fn unread(file: &Path, cause: io::Error) -> DataError {
    match QuoteFault::of(&cause) {
        Some(fault) => DataError::Line {
            file: file.to_owned(),
            line: fault.line(),
            row: None,
            problem: fault.to_string(),
        },
        None => DataError::reading(file, cause),
    }
}

/// What is wrong with a row of too few or too many cells.
fn ragged(row: Record, expected: usize, layout: Layout) -> String {
    let first = if layout.header { "the header" } else { "the first row" };
    let cells = row.len();
    let more_by_an_empty_one = cells == expected + 1 && row.cell(cells - 1).trim_ascii().is_empty();
    let advice = if more_by_an_empty_one {
        "the line ends with a delimiter: take it out of every line, or end the header with one, too"
    } else {
        "add or take out cells, or quote those that hold the delimiter"
    };
    let mut problem = format!("{}, but {first} has {expected}: {advice}", counted(cells, "cell"));
    if row.cells().any(|cell| cell.contains(&b'\n')) {
        problem.push_str("; a quote may have been closed too late");
    }
    if layout.delimiter == b'\t' && (cells < expected || row.cells().any(<[u8]>::is_empty)) {
        problem = format!("{problem}; {RUNS_OF_TABS}");
    }
    problem
}
