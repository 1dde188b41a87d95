//! The records of delimited text, and in which line each begins.
//!
//! Cut by `csv_core`, the parser of the csv crate, which by itself does not tell the line of a record
//! behind empty lines or `\r\n`. A cell is quoted where a quote is its first byte; within it, two
//! quotes are one, and delimiters and line ends are text. A record ends with `\n`, `\r\n`, `\r` or the
//! text; empty lines are none.

use std::io::{self, BufRead};

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use memchr::{memchr_iter, memchr3};

use super::quotes::Quotes;

/// Bytes of cells after which a batch is full.
const BATCH: usize = 1 << 18;

/// Takes records off a text, one after the other.
pub(super) struct Records<R> {
    inner: R,
    core: Reader,
    delimiter: u8,
}

/// Some records.
#[derive(Default)]
pub(super) struct Batch {
    begins: Vec<Begin>,
    cells: Vec<u8>,
    /// Where each cell ends, from where the cells of its record begin.
    ends: Vec<usize>,
}

/// Where a record begins.
struct Begin {
    line: u64,
    cells: usize,
    ends: usize,
    /// Bytes between two cells.
    between: usize,
}

/// A record of at least one cell.
#[derive(Clone, Copy)]
pub(super) struct Record<'a> {
    /// The line in which it begins, counted from 1.
    pub line: u64,
    cells: &'a [u8],
    ends: &'a [usize],
    between: usize,
}

impl<R: BufRead> Records<R> {
    pub fn new(inner: R, delimiter: u8) -> Self {
        Self { inner, core: ReaderBuilder::new().delimiter(delimiter).build(), delimiter }
    }

    /// The next records, until a batch is full or the text ends; none behind its end.
    ///
    /// # Errors
    /// Those of the reader, and quotes that do not close; the records before the fault are lost.
    pub fn batch(&mut self) -> io::Result<Option<Batch>> {
        let mut batch = Batch::default();
        batch.cells.reserve(BATCH + BATCH / 4);
        while batch.cells.len() < BATCH && self.read(&mut batch)? {}
        Ok(Some(batch).filter(|batch| !batch.begins.is_empty()))
    }

    /// Reads a record; false at the end of the text.
    fn read(&mut self, batch: &mut Batch) -> io::Result<bool> {
        loop {
            let text = match self.inner.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                text => text?,
            };
            let line = self.core.line();
            let Some((cells, end)) = plain_line(text) else {
                return self.read_by_parser(batch, line);
            };
            // As the parser does it, but not byte by byte. The `\n` of `\r\n` ends an empty line.
            self.core.set_line(line + u64::from(end == b'\n'));
            let length = cells.len();
            if length > 0 {
                batch.push_plain(line, cells, self.delimiter);
            }
            self.inner.consume(length + 1);
            if length > 0 {
                return Ok(true);
            }
        }
    }

    fn read_by_parser(&mut self, batch: &mut Batch, line: u64) -> io::Result<bool> {
        let Batch { begins, cells, ends } = batch;
        let begin = Begin { line, cells: cells.len(), ends: ends.len(), between: 0 };
        let (mut written, mut count) = (begin.cells, begin.ends);
        let mut quotes = Quotes::new(self.delimiter, line);
        loop {
            let text = match self.inner.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                text => text?,
            };
            if cells.len() == written {
                cells.resize(written + (written - begin.cells).max(1 << 8), 0);
            }
            if ends.len() == count {
                ends.resize(count + (count - begin.ends).max(1 << 4), 0);
            }
            let room = (&mut cells[written..], &mut ends[count..]);
            let (result, read, more, ended) = self.core.read_record(text, room.0, room.1);
            if read > 0 || text.is_empty() {
                quotes.pass(&text[..read]).map_err(io::Error::other)?;
            }
            self.inner.consume(read);
            written += more;
            count += ended;
            let is_record = result == ReadRecordResult::Record;
            if is_record || result == ReadRecordResult::End {
                cells.truncate(written);
                ends.truncate(count);
                begins.extend(is_record.then_some(begin));
                return Ok(is_record);
            }
        }
    }
}

/// The line with which a text begins and the byte that ends it, where that is there and no quote before.
fn plain_line(text: &[u8]) -> Option<(&[u8], u8)> {
    let end = memchr3(b'\n', b'\r', b'"', text)?;
    (text[end] != b'"').then_some((&text[..end], text[end]))
}

impl Batch {
    fn push_plain(&mut self, line: u64, text: &[u8], delimiter: u8) {
        let (cells, ends) = (self.cells.len(), self.ends.len());
        self.begins.push(Begin { line, cells, ends, between: 1 });
        self.cells.extend_from_slice(text);
        self.ends.extend(memchr_iter(delimiter, text));
        self.ends.push(text.len());
    }

    /// The records, in order.
    pub fn records(&self) -> impl Iterator<Item = Record<'_>> {
        let next = self.begins.iter().skip(1).map(|begin| begin.ends);
        self.begins.iter().zip(next.chain([self.ends.len()])).map(|(begin, next)| Record {
            line: begin.line,
            cells: &self.cells[begin.cells..],
            ends: &self.ends[begin.ends..next],
            between: begin.between,
        })
    }
}

impl<'a> Record<'a> {
    /// Number of cells.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// One of them.
    #[inline]
    pub fn cell(&self, at: usize) -> &'a [u8] {
        let begin = if at == 0 { 0 } else { self.ends[at - 1] + self.between };
        &self.cells[begin..self.ends[at]]
    }

    /// All of them.
    pub fn cells(self) -> impl Iterator<Item = &'a [u8]> {
        (0..self.len()).map(move |at| self.cell(at))
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use proptest::prelude::*;

    use super::super::quotes::QuoteFault;
    use super::*;

    fn records(text: &[u8], at_once: usize) -> Vec<(u64, Vec<Vec<u8>>)> {
        let mut records = Records::new(BufReader::with_capacity(at_once, text), b',');
        let mut all = Vec::new();
        while let Some(batch) = records.batch().unwrap() {
            let cells = |record: Record| record.cells().map(<[u8]>::to_vec).collect();
            all.extend(batch.records().map(|record| (record.line, cells(record))));
        }
        all
    }

    #[test]
    fn a_record_knows_the_line_in_which_it_begins() {
        let text = b"a,b\n\n\"x\ny\",2\r\n\r\n3,4\r5,6\n7,8\r\n9,10";
        for at_once in 1..text.len() {
            let lines: Vec<u64> = records(text, at_once).iter().map(|record| record.0).collect();
            assert_eq!(lines, [1, 3, 6, 6, 7, 8]);
        }
    }

    #[test]
    fn a_record_may_be_longer_than_what_is_read_at_once() {
        let long = vec![b'7'; 100_000];
        let quoted = [b"\"", long.as_slice(), b"\"\"\""].concat();
        let many = b"1,".repeat(1000);
        let text = [long.as_slice(), b",1\n2,", &quoted, b"\n", &many].concat();
        let records = records(&text, 1 << 12);
        assert_eq!(records[0].1, [long.clone(), b"1".to_vec()]);
        assert_eq!(records[1].1, [b"2".to_vec(), [long.as_slice(), b"\""].concat()]);
        assert_eq!(records[2].1.len(), 1001);
    }

    /// The same whether the text comes whole or byte by byte.
    fn fault(text: &str) -> Option<QuoteFault> {
        let fault = |at_once| {
            let text = BufReader::with_capacity(at_once, text.as_bytes());
            let mut records = Records::new(text, b',');
            loop {
                match records.batch() {
                    Ok(Some(_)) => {}
                    Ok(None) => return None,
                    Err(error) => return QuoteFault::of(&error),
                }
            }
        };
        let whole = fault(1 << 12);
        assert_eq!(whole, fault(1), "{text}");
        whole
    }

    #[test]
    fn quotes_that_close_pass() {
        for text in [
            "",
            "a,b\n",
            "\"a\"",
            "\"a,\n\"\"b\"\"\",\"\"\r\n",
            "6\" nail,a \"b\"\n",
            "\"a\" \t,\"b\"\n",
            "x, \"a\" b\n",
            "\"\",\"\"\n\"\"\"\"\n",
        ] {
            assert_eq!(fault(text), None, "{text}");
        }
    }

    #[test]
    fn a_quote_that_is_never_closed_is_named_by_the_line_in_which_it_opens() {
        assert_eq!(fault("a\n1,\"x\n2\n"), Some(QuoteFault::NeverClosed { line: 2 }));
        assert_eq!(fault("a\n\"\n\n\",\"x\"\"\n2\n"), Some(QuoteFault::NeverClosed { line: 4 }));
    }

    #[test]
    fn text_behind_a_closing_quote_is_refused() {
        assert_eq!(fault("a\n\"x\ny\"z,1\n"), Some(QuoteFault::TextBehind { line: 2 }));
        assert_eq!(fault("\"x\" z\n"), Some(QuoteFault::TextBehind { line: 1 }));
        assert_eq!(fault("\"x\" \"z\"\n"), Some(QuoteFault::TextBehind { line: 1 }));
    }

    /// As the csv crate reads them.
    fn expected(text: &[u8]) -> Vec<Vec<Vec<u8>>> {
        let mut reader =
            csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text);
        let cells = |record: csv::ByteRecord| record.iter().map(<[u8]>::to_vec).collect();
        reader.byte_records().map(|record| cells(record.unwrap())).collect()
    }

    proptest! {
        #[test]
        fn records_are_those_of_the_csv_crate(
            cells in prop::collection::vec(
                "([0-9.-]{0,12}|\"([a,\n\r]|\"\"){0,9}\"|[ab .-]\"?)(,|\n|\r\n?)", 0..40),
            at_once in 1_usize..70,
        ) {
            let text = cells.concat();
            let read: Vec<_> =
                records(text.as_bytes(), at_once).into_iter().map(|(_, cells)| cells).collect();
            prop_assert_eq!(read, expected(text.as_bytes()), "{:?}", text);
        }
    }
}
