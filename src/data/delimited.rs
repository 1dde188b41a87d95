//! CSV, TSV and their kin, read once from end to end, row by row.

use std::io::{Chain, Cursor, Read};
use std::path::Path;

use csv::ByteRecord;

use super::columns::{self, Columns};
use super::error::{CellProblem, DataError, Place, counted};
use super::file::{self, Hashing};
use super::quotes::{QuoteFault, Quotes};
use super::sniff::{self, Layout};
use super::table::{Builder, Roles, Table};
use crate::spec::data::DataSpec;

/// The beginning, which was looked at for its layout, and the rest.
type Text<R> = Chain<Cursor<Vec<u8>>, Hashing<R>>;

/// A file being read.
struct Delimited<'a, R> {
    path: &'a Path,
    reader: csv::Reader<Quotes<Text<R>>>,
    names: Vec<String>,
    has_header: bool,
    /// The first row, where there is no header and it has been read for its width.
    first: Option<ByteRecord>,
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
        if head.starts_with(b"\xef\xbb\xbf") {
            head.drain(..3);
        }
        if head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) {
            let problem = "the text is UTF-16: save the file as UTF-8".to_owned();
            return Err(DataError::File { file: path.to_owned(), problem });
        }
        let layout = sniff::layout(&head, whole, path, spec);
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(layout.delimiter)
            .buffer_capacity(1 << 16)
            .from_reader(Quotes::new(Cursor::new(head).chain(reader), layout.delimiter));
        let (names, has_header) = (Vec::new(), layout.header);
        let mut file = Self { path, reader, names, has_header, first: None };
        file.read_names(layout, spec)?;
        Ok(file)
    }

    fn read_names(&mut self, layout: Layout, spec: &DataSpec) -> Result<(), DataError> {
        let mut record = ByteRecord::new();
        if !self.next(&mut record)? {
            return Err(DataError::File {
                file: self.path.to_owned(),
                problem: "the file is empty: expected a header line and a row for each example; name another file in data.source, or fill this one"
                    .to_owned(),
            });
        }
        let line = record.position().map_or(1, csv::Position::line);
        let wrong = |problem: String| DataError::Line {
            file: self.path.to_owned(),
            line,
            row: None,
            problem,
        };
        self.names = if layout.header {
            header(&record).map_err(|problem| wrong(problem.to_string()))?
        } else {
            columns::counted_names(record.len())
        };
        columns::check_names(&self.names, spec.header.is_none(), &spec.drop, layout.delimiter)
            .map_err(wrong)?;
        for (name, place) in self.names.iter_mut().zip(1..).filter(|(name, _)| name.is_empty()) {
            *name = format!("c{place}");
        }
        self.first = (!layout.header).then_some(record);
        Ok(())
    }

    fn next(&mut self, record: &mut ByteRecord) -> Result<bool, DataError> {
        if let Some(first) = self.first.take() {
            *record = first;
            return Ok(true);
        }
        self.reader.read_byte_record(record).map_err(|error| {
            let cause = match error.into_kind() {
                csv::ErrorKind::Io(cause) => cause,
                other => std::io::Error::other(format!("{other:?}")),
            };
            match QuoteFault::of(&cause) {
                Some(fault) => DataError::Line {
                    file: self.path.to_owned(),
                    line: fault.line(),
                    row: None,
                    problem: fault.to_string(),
                },
                None => DataError::reading(self.path, cause),
            }
        })
    }

    fn rows(&mut self, roles: &Roles, builder: &mut Builder) -> Result<(), DataError> {
        let mut record = ByteRecord::new();
        let mut place = Place { file: builder.file(), line: 0, row: 0 };
        while self.next(&mut record)? {
            place.line = record.position().map_or(0, csv::Position::line);
            place.row += 1;
            if record.len() != self.names.len() {
                return Err(self.ragged(place, &record));
            }
            builder.row(&record, roles, place)?;
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

    fn ragged(&self, place: Place, record: &ByteRecord) -> DataError {
        let first = if self.has_header { "the header" } else { "the first row" };
        let more_by_an_empty_one = record.len() == self.names.len() + 1
            && record.iter().next_back().is_some_and(|cell| cell.trim_ascii().is_empty());
        let advice = if more_by_an_empty_one {
            "the line ends with a delimiter: take it out of every line, or end the header with one, too"
        } else {
            "add or take out cells, or quote those that hold the delimiter"
        };
        let mut problem = format!(
            "{}, but {first} has {}: {advice}",
            counted(record.len(), "cell"),
            self.names.len()
        );
        if record.iter().any(|cell| cell.contains(&b'\n')) {
            problem.push_str("; a quote may have been closed too late");
        }
        let Place { line, row, .. } = place;
        DataError::Line { file: self.path.to_owned(), line, row: Some(row), problem }
    }

    fn digest(self) -> String {
        let (_, hashing) = self.reader.into_inner().inner.into_inner();
        file::hex(hashing.hash)
    }
}

fn header(record: &ByteRecord) -> Result<Vec<String>, CellProblem> {
    let name = |cell: &[u8]| {
        if cell.contains(&0) {
            return Err(CellProblem::Nul);
        }
        std::str::from_utf8(cell).map(str::to_owned).map_err(|_| CellProblem::NotUtf8)
    };
    record.iter().map(<[u8]>::trim_ascii).map(name).collect()
}

/// The last part of a path, for summaries.
pub(super) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
