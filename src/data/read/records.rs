//! The records of delimited text, and in which line each begins.
//!
//! A record ends with `\n`, `\r\n`, `\r` or the text; empty lines are none, nor
//! are those of blanks that part no cells. Where the delimiter is a blank, any run of blanks stands between two cells, and those at either end of a line between none.

use std::io::{self, BufRead};

use memchr::{memchr_iter, memchr3};

use super::cutter::{Cutter, is_empty_line};

/// Bytes of cells after which a batch is full.
const BATCH: usize = 1 << 18;

/// Takes records off a text, one after the other.
pub(super) struct Records<R> {
    inner: R,
    delimiter: u8,
    /// The line at hand, from 1.
    line: u64,
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
        Self { inner, delimiter, line: 1 }
    }

    /// The next records, until a batch is full or the text ends; none behind its end.
    ///
    /// # Errors
    /// Those of the reader, and quotes that do not close; the records of the batch are lost.
    pub fn batch(&mut self) -> io::Result<Option<Batch>> {
        let mut batch = Batch::default();
        batch.cells.reserve(BATCH + BATCH / 4);
        while batch.cells.len() < BATCH && self.read(&mut batch)? {}
        Ok(Some(batch).filter(|batch| !batch.begins.is_empty()))
    }

    /// The first so many records, or those before the end of the text or a fault.
    pub fn first(mut self, count: usize) -> Batch {
        let mut batch = Batch::default();
        while batch.begins.len() < count && matches!(self.read(&mut batch), Ok(true)) {}
        batch
    }

    /// Reads a record; false at the end of the text.
    fn read(&mut self, batch: &mut Batch) -> io::Result<bool> {
        loop {
            let text = match self.inner.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                text => text?,
            };
            if text.is_empty() {
                return Ok(false);
            }
            let records = batch.begins.len();
            match plain_line(text).filter(|_| self.delimiter != b' ') {
                Some((cells, end)) => {
                    let length = cells.len();
                    if !is_empty_line(cells, self.delimiter) {
                        batch.push_plain(self.line, cells, self.delimiter);
                    }
                    // The `\n` of `\r\n` ends an empty line.
                    self.line += u64::from(end == b'\n');
                    self.inner.consume(length + 1);
                }
                None => self.cut(batch)?,
            }
            if batch.begins.len() > records {
                return Ok(true);
            }
        }
    }

    /// Cuts the line that is next, if it is not empty, and those that quotes join to it. A record with a
    /// fault leaves nothing in the batch.
    fn cut(&mut self, batch: &mut Batch) -> io::Result<()> {
        let begin =
            Begin { line: self.line, cells: batch.cells.len(), ends: batch.ends.len(), between: 0 };
        self.pass(batch).inspect_err(|_| {
            batch.cells.truncate(begin.cells);
            batch.ends.truncate(begin.ends);
        })?;
        if batch.ends.len() > begin.ends {
            batch.begins.push(begin);
        }
        Ok(())
    }

    fn pass(&mut self, batch: &mut Batch) -> io::Result<()> {
        let mut cutter = Cutter::new(self.delimiter, self.line, &mut batch.cells, &mut batch.ends);
        loop {
            let text = match self.inner.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                text => text?,
            };
            let passed =
                if text.is_empty() { cutter.end().map(|()| Some(0)) } else { cutter.pass(text) };
            let passed = passed.map_err(io::Error::other)?;
            let length = text.len();
            self.inner.consume(passed.unwrap_or(length));
            if passed.is_some() {
                break;
            }
        }
        self.line = cutter.line;
        Ok(())
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

    use super::super::cutter::QuoteFault;
    use super::*;

    fn records(text: &[u8], at_once: usize) -> Vec<(u64, Vec<Vec<u8>>)> {
        parted(text, at_once, b',')
    }

    fn parted(text: &[u8], at_once: usize, delimiter: u8) -> Vec<(u64, Vec<Vec<u8>>)> {
        let mut records = Records::new(BufReader::with_capacity(at_once, text), delimiter);
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
            "x, \"a\" , \"b\"\n",
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
        assert_eq!(fault("x, \"a\" b\n"), Some(QuoteFault::TextBehind { line: 1 }));
    }

    #[test]
    fn a_quote_behind_blanks_opens_a_cell() {
        let text = b" \"a\", \"b,\n c \" ,\t\"\"\"d\"\n1, 2\" ,\"\"\n";
        let cells =
            |cells: &[&str]| cells.iter().map(|c| c.as_bytes().to_vec()).collect::<Vec<_>>();
        for at_once in 1..text.len() {
            let records = records(text, at_once);
            assert_eq!(records[0], (1, cells(&["a", "b,\n c ", "\"d"])));
            assert_eq!(records[1], (3, cells(&["1", "2\" ", ""])));
        }
    }

    #[test]
    fn a_run_of_blanks_is_one_delimiter_where_that_is_a_blank() {
        let cells = ["1 2.5 x", "  1   2.5\tx  ", "\"1\"  2.5 \"x\"", " 1 2.5 x\t"];
        for end in ["\n", "\r\n", "\n\n", "\n  \n"] {
            let text = cells.map(|line| line.to_owned() + end).concat();
            for at_once in [1, 7, 100] {
                let records = parted(text.as_bytes(), at_once, b' ');
                assert_eq!(records.len(), cells.len(), "{text:?}");
                for (_, cells) in records {
                    assert_eq!(cells, [b"1".to_vec(), b"2.5".to_vec(), b"x".to_vec()], "{text:?}");
                }
            }
        }
        assert_eq!(parted(b"a  \"\" \"b c\"", 3, b' ')[0].1, [&b"a"[..], b"", b"b c"]);
    }

    #[test]
    fn lines_of_blanks_that_part_no_cells_are_empty() {
        let text = "  \na,b\n \t \n\"1\",2\r\n\t\r\n 3, \n   ";
        for at_once in 1..text.len() {
            let records = parted(text.as_bytes(), at_once, b',');
            let lines: Vec<u64> = records.iter().map(|(line, _)| *line).collect();
            assert_eq!(lines, [2, 4, 6], "{at_once}");
            assert!(records.iter().all(|(_, cells)| cells.len() == 2), "{at_once}");
        }
        let cells: Vec<usize> =
            parted(b"a\tb\n\t\n  \n", 3, b'\t').iter().map(|(_, cells)| cells.len()).collect();
        assert_eq!(cells, [2, 2], "tabs part empty cells");
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
                "([0-9.-]{0,12}|\"([a,\n\r]|\"\"){0,9}\"|[ab.-]\"?)(,|\n|\r\n?)", 0..40),
            at_once in 1_usize..70,
        ) {
            let text = cells.concat();
            let read: Vec<_> =
                records(text.as_bytes(), at_once).into_iter().map(|(_, cells)| cells).collect();
            prop_assert_eq!(read, expected(text.as_bytes()), "{:?}", text);
        }
    }
}
