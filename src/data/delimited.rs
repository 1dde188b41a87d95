//! CSV, TSV and their kin, read once from end to end, row by row.

use std::io::{self, Chain, Cursor, Read};
use std::path::Path;

use super::columns::{self, Columns};
use super::error::{CellProblem, DataError, Place, counted};
use super::file::{self, Hashing};
use super::quotes::{QuoteFault, Quotes};
use super::rows::{Row, Rows};
use super::sniff::{self, Layout};
use super::table::{Builder, Roles, Table};
use crate::spec::data::DataSpec;

/// The beginning, which was looked at for its layout, and the rest.
type Text<R> = Chain<Cursor<Vec<u8>>, Hashing<R>>;

/// A file being read.
struct Delimited<'a, R> {
    path: &'a Path,
    text: Rows<Quotes<Text<R>>>,
    names: Vec<String>,
    has_header: bool,
}

/// Reads a file, and the rows of a test file behind it.
pub(super) fn read_files(
    path: &Path,
    test: Option<&Path>,
    spec: &DataSpec,
) -> Result<Table, DataError> {
    let mut builder = read(file::open(path)?.reader, path, spec)?;
    if let Some(test) = test {
        let mut file = Delimited::open(file::open(test)?.reader, test, spec)?;
        let (roles, new) = builder
            .columns
            .roles_in(&file.names)
            .map_err(|problem| DataError::File { file: test.to_owned(), problem })?;
        builder.begin_test(test, &new);
        file.rows(&roles.into(), &mut builder)?;
        builder.end_file(file.digest());
    }
    builder.finish()
}

/// Reads a table that needs no file.
pub(super) fn read_built_in(text: &[u8], name: &Path, spec: &DataSpec) -> Result<Table, DataError> {
    read(text, name, spec)?.finish()
}

fn read(reader: impl Read, path: &Path, spec: &DataSpec) -> Result<Builder, DataError> {
    let mut file = Delimited::open(reader, path, spec)?;
    let columns = Columns::new(file.names.clone(), spec, &file_name(path))?;
    let roles = columns.roles.clone().into();
    let mut builder = Builder::new(columns, spec, path);
    if !file.has_header {
        builder.note(format!(
            "there is no header line: the columns are called `c1` to `c{}`{}",
            file.names.len(),
            if spec.header.is_none() { " (data.header = true if there is one)" } else { "" }
        ));
    }
    file.rows(&roles, &mut builder)?;
    builder.end_file(file.digest());
    Ok(builder)
}

impl<'a, R: Read> Delimited<'a, R> {
    fn open(reader: R, path: &'a Path, spec: &DataSpec) -> Result<Self, DataError> {
        let failed = |cause| DataError::reading(path, cause);
        let mut reader = Hashing::new(reader);
        let (mut head, whole) = sniff::read_head(&mut reader).map_err(failed)?;
        // Some programs put one before another's.
        while head.starts_with(b"\xef\xbb\xbf") {
            head.drain(..3);
        }
        if head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) {
            let problem = "the text is UTF-16: save the file as UTF-8".to_owned();
            return Err(DataError::File { file: path.to_owned(), problem });
        }
        let layout = sniff::layout(&head, whole, path, spec);
        let quotes = Quotes::new(Cursor::new(head).chain(reader), layout.delimiter);
        let text = Rows::new(quotes, layout.delimiter);
        let (names, has_header) = (Vec::new(), layout.header);
        let mut file = Self { path, text, names, has_header };
        file.read_names(layout, spec)?;
        Ok(file)
    }

    fn read_names(&mut self, layout: Layout, spec: &DataSpec) -> Result<(), DataError> {
        let file = self.path.to_owned();
        let Some(first) = self.text.next().map_err(|cause| unread(&file, cause))? else {
            let problem = "the file is empty: expected a header line and a row for each example; name another file in data.source, or fill this one".to_owned();
            return Err(DataError::File { file, problem });
        };
        let line = first.line;
        let wrong = |problem: String| DataError::Line { file, line, row: None, problem };
        let names = if layout.header {
            header(&first).map_err(|problem| problem.to_string())
        } else {
            Ok(columns::counted_names(first.len()))
        };
        let checked = names.and_then(|names| {
            let inferred = spec.header.is_none();
            columns::check_names(&names, inferred, &spec.drop, layout.delimiter)?;
            Ok(names)
        });
        self.names = checked.map_err(wrong)?;
        for (name, place) in self.names.iter_mut().zip(1..).filter(|(name, _)| name.is_empty()) {
            *name = format!("c{place}");
        }
        if !layout.header {
            self.text.again();
        }
        Ok(())
    }

    fn rows(&mut self, roles: &Roles, builder: &mut Builder) -> Result<(), DataError> {
        let mut place = Place { file: builder.file(), line: 0, row: 0 };
        while let Some(row) = self.text.next().map_err(|cause| unread(self.path, cause))? {
            place.line = row.line;
            place.row += 1;
            if row.len() != self.names.len() {
                let (expected, has_header) = (self.names.len(), self.has_header);
                let problem = ragged(&row, expected, has_header);
                let (file, row) = (self.path.to_owned(), Some(place.row));
                return Err(DataError::Line { file, line: place.line, row, problem });
            }
            builder.row(&row, roles, place)?;
        }
        if place.row == 0 {
            return Err(DataError::File {
                file: self.path.to_owned(),
                problem: "there is a header and no row below it: add the rows, or set data.header = false if the line is one"
                    .to_owned(),
            });
        }
        Ok(())
    }

    fn digest(self) -> String {
        let (_, hashing) = self.text.inner.inner.into_inner();
        file::hex(hashing.hash)
    }
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
fn ragged(row: &Row<'_>, expected: usize, has_header: bool) -> String {
    let first = if has_header { "the header" } else { "the first row" };
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
    problem
}

fn header(row: &Row<'_>) -> Result<Vec<String>, CellProblem> {
    let name = |cell: &[u8]| {
        if cell.contains(&0) {
            return Err(CellProblem::Nul);
        }
        std::str::from_utf8(cell).map(str::to_owned).map_err(|_| CellProblem::NotUtf8)
    };
    row.cells().map(<[u8]>::trim_ascii).map(name).collect()
}

/// The last part of a path, for summaries.
pub(super) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
