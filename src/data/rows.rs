//! Rows of delimited text, cut into cells.
//!
//! A cell is quoted where a quote is its first byte; within it, two quotes are one, and delimiters
//! and line ends are text. A row ends with `\n`, `\r\n`, `\r` or the text; empty lines are no rows.

use std::io::{self, ErrorKind, Read};

use memchr::{memchr, memchr_iter, memchr3};

use super::words::{ONES, TOPS};

/// Bytes that are read at once; a row that is longer is held as a whole.
const READ: usize = 1 << 17;

/// Takes rows off a text, one after the other.
pub(super) struct Rows<R> {
    pub inner: R,
    delimiter: u8,
    /// What was read. Of it, `from..to` is not yet taken.
    text: Vec<u8>,
    from: usize,
    to: usize,
    /// Where the first quote from `from` on stands, `to` if there is none.
    quote: usize,
    /// Whether all has been read.
    ended: bool,
    /// The line at `from`, counted from 1.
    line: u64,
    /// `from`, `quote` and `line` before the row that was last taken.
    taken: (usize, usize, u64),
    /// Where each of its cells ends.
    ends: Ends,
    /// Its cells one after the other, if quotes have been taken away.
    unquoted: Vec<u8>,
}

/// A row of at least one cell.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    /// The line in which it begins, counted from 1.
    pub line: u64,
    text: &'a [u8],
    ends: &'a [usize],
    /// Bytes between two cells.
    between: usize,
}

impl<R: Read> Rows<R> {
    pub fn new(inner: R, delimiter: u8) -> Self {
        let (text, ends, unquoted) = (vec![0; READ], Ends::default(), Vec::new());
        let (from, to, quote, ended, line) = (0, 0, 0, false, 1);
        let taken = (from, quote, line);
        Self { inner, delimiter, text, from, to, quote, ended, line, taken, ends, unquoted }
    }

    /// The next row; none at the end of the text.
    ///
    /// # Errors
    /// Those of the reader.
    #[allow(clippy::should_implement_trait)] // a row is lent
    pub fn next(&mut self) -> io::Result<Option<Row<'_>>> {
        let (length, is_plain) = loop {
            while self.from < self.to && matches!(self.text[self.from], b'\r' | b'\n') {
                self.line += u64::from(self.text[self.from] == b'\n');
                self.from += 1;
            }
            if self.ended && self.from == self.to {
                return Ok(None);
            }
            if let Some(length) = self.cut_plain() {
                break (length, true);
            }
            if self.quote < self.to
                && let Some(length) = self.cut_quoted()
            {
                break (length, false);
            }
            self.read()?;
        };
        self.taken = (self.from, self.quote, self.line);
        let text = &self.text[self.from..][..length];
        self.from += length;
        let (text, between) = if is_plain {
            (text, 1)
        } else {
            self.line += memchr_iter(b'\n', text).count() as u64;
            self.quote = self.from + first(b'"', &self.text[self.from..self.to]);
            (&*self.unquoted, 0)
        };
        let ends = &self.ends.all[..self.ends.count];
        Ok(Some(Row { line: self.taken.2, text, ends, between }))
    }

    /// The length of a row without quotes.
    fn cut_plain(&mut self) -> Option<usize> {
        let text = &self.text[self.from..self.quote];
        let ends = &mut self.ends;
        ends.count = 0;
        let delimiters = u64::from(self.delimiter) * ONES;
        let (words, rest) = text.as_chunks::<8>();
        for (word, at) in words.iter().zip((0..).step_by(8)) {
            let word = u64::from_le_bytes(*word);
            let cells = zeros(word ^ delimiters);
            if controls(word) & !cells == 0 {
                ends.push(at, cells);
            } else if let Some(end) = ends.push_to_line_end(at, &text[at..at + 8], self.delimiter) {
                return Some(end);
            }
        }
        let at = text.len() - rest.len();
        let end = ends.push_to_line_end(at, rest, self.delimiter);
        let is_last = self.ended && self.quote == self.to;
        if end.is_none() && is_last {
            ends.one(text.len());
            return Some(text.len());
        }
        end
    }

    /// The length of a row in which there are quotes, which are taken away.
    fn cut_quoted(&mut self) -> Option<usize> {
        let text = &self.text[self.from..self.to];
        self.ends.count = 0;
        self.unquoted.clear();
        let mut at = 0;
        loop {
            if text.get(at) == Some(&b'"') {
                at += 1;
                loop {
                    let quoted = &text[at..];
                    let length = first(b'"', quoted);
                    self.unquoted.extend_from_slice(&quoted[..length]);
                    at += length + 1;
                    match text.get(at) {
                        Some(b'"') => self.unquoted.push(b'"'),
                        None if !self.ended => return None,
                        _ => break,
                    }
                    at += 1;
                }
            }
            let rest = text.get(at..).unwrap_or_default();
            let length = match memchr3(self.delimiter, b'\n', b'\r', rest) {
                Some(length) => length,
                None if self.ended => rest.len(),
                None => return None,
            };
            self.unquoted.extend_from_slice(&rest[..length]);
            self.ends.one(self.unquoted.len());
            if rest.get(length) != Some(&self.delimiter) {
                return Some(text.len() - rest.len() + length);
            }
            at += length + 1;
        }
    }

    /// Reads as much again as is held of the row that was begun, so that a long one is not looked
    /// through over and over.
    fn read(&mut self) -> io::Result<()> {
        self.text.copy_within(self.from..self.to, 0);
        self.to -= self.from;
        self.quote -= self.from;
        self.from = 0;
        let enough = 2 * self.to;
        if enough > self.text.len() {
            self.text.resize(enough, 0);
        }
        loop {
            let read = match self.inner.read(&mut self.text[self.to..]) {
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if self.quote == self.to {
                self.quote += first(b'"', &self.text[self.to..][..read]);
            }
            self.to += read;
            self.ended = read == 0;
            if self.ended || self.to >= enough {
                return Ok(());
            }
        }
    }

    /// Has the row that was last taken come once more.
    pub fn again(&mut self) {
        (self.from, self.quote, self.line) = self.taken;
    }
}

/// The top bit of each byte that is 0.
fn zeros(word: u64) -> u64 {
    !(((word & !TOPS) + !TOPS) | word) & TOPS
}

/// The top bit of each byte up to `\r`, as line ends are and little else.
fn controls(word: u64) -> u64 {
    ((0x80 + u64::from(b'\r')) * ONES - (word & !TOPS)) & !word & TOPS
}

/// Where cells end, of which there are `count`; what lies behind is room.
#[derive(Default)]
struct Ends {
    all: Vec<usize>,
    count: usize,
}

impl Ends {
    /// Takes the places of top bits in eight bytes that begin at `at`. Mostly there is one or none,
    /// and which of the two it is cannot be guessed.
    #[inline]
    fn push(&mut self, at: usize, mut tops: u64) {
        if self.all.len() < self.count + 8 {
            self.all.resize(2 * self.count + 8, 0);
        }
        loop {
            self.all[self.count] = at + tops.trailing_zeros() as usize / 8;
            self.count += usize::from(tops != 0);
            tops &= tops.wrapping_sub(1);
            if tops == 0 {
                return;
            }
        }
    }

    fn one(&mut self, end: usize) {
        self.push(end, TOPS & 0xff);
    }

    /// Takes cells of a text that begins at `at`, up to the end of a line, which is returned.
    fn push_to_line_end(&mut self, at: usize, text: &[u8], delimiter: u8) -> Option<usize> {
        for (byte, at) in text.iter().zip(at..) {
            let ends_line = matches!(byte, b'\n' | b'\r');
            if ends_line || *byte == delimiter {
                self.one(at);
            }
            if ends_line {
                return Some(at);
            }
        }
        None
    }
}

/// Where the byte first stands; behind the text if nowhere.
fn first(byte: u8, text: &[u8]) -> usize {
    memchr(byte, text).unwrap_or(text.len())
}

impl<'a> Row<'a> {
    /// Number of cells.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// One of them.
    #[inline]
    pub fn cell(&self, at: usize) -> &'a [u8] {
        let begin = if at == 0 { 0 } else { self.ends[at - 1] + self.between };
        &self.text[begin..self.ends[at]]
    }

    /// All of them.
    #[inline]
    pub fn cells(&self) -> impl Iterator<Item = &'a [u8]> {
        let Self { text, between, .. } = *self;
        self.ends.iter().scan(0, move |begin, end| {
            let cell = &text[*begin..*end];
            *begin = end + between;
            Some(cell)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Gives a few bytes at a time.
    struct Few<'a> {
        text: &'a [u8],
        at_most: usize,
    }

    impl Read for Few<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = buffer.len().min(self.at_most);
            self.text.read(&mut buffer[..length])
        }
    }

    type Cells = Vec<Vec<u8>>;

    fn rows(text: &[u8], delimiter: u8, at_most: usize) -> Vec<(u64, Cells)> {
        let mut rows = Rows::new(Few { text, at_most }, delimiter);
        let mut all = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            let cells: Cells = row.cells().map(<[u8]>::to_vec).collect();
            assert!(cells.iter().enumerate().all(|(at, cell)| row.cell(at) == cell));
            all.push((row.line, cells));
            if all.len().is_multiple_of(3) {
                let line = rows.taken.2;
                rows.again();
                let again = rows.next().unwrap().unwrap();
                assert_eq!(again.line, line);
                assert!(again.cells().eq(all.last().unwrap().1.iter().map(Vec::as_slice)));
            }
        }
        all
    }

    /// As the csv crate reads them.
    fn expected(text: &[u8], delimiter: u8) -> Vec<Cells> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .from_reader(text);
        let cells = |record: csv::ByteRecord| record.iter().map(<[u8]>::to_vec).collect();
        reader.byte_records().map(|record| cells(record.unwrap())).collect()
    }

    proptest! {
        #[test]
        fn rows_are_cut_as_the_csv_crate_cuts_them(
            text in "([0-9]{0,12}|\"([a,\n\r]|\"\"){0,9}\"|[ab\" .\u{e9}-]{0,9}|[\t;\u{0}])([,;\n]|\r|\r\n|,){0,40}",
            parts in prop::collection::vec("([0-9.-]{0,12}|\"([a;,\n\r]|\"\"){0,9}\"|[ab .-]\"?)([,;\n]|\r\n?)", 0..40),
            delimiter in prop::sample::select(vec![b',', b';', b'\t', b'0']),
            at_most in 1_usize..70,
        ) {
            let text = parts.concat() + &text;
            let read = rows(text.as_bytes(), delimiter, at_most);
            let cells: Vec<Cells> = read.into_iter().map(|(_, cells)| cells).collect();
            prop_assert_eq!(cells, expected(text.as_bytes(), delimiter), "{:?}", text);
        }
    }

    #[test]
    fn a_row_knows_its_line() {
        let text = b"a,b\n\n\"x\ny\",2\r\n\r\n3,4\r5,6";
        let lines: Vec<u64> = rows(text, b',', 5).iter().map(|row| row.0).collect();
        assert_eq!(lines, [1, 3, 6, 6]);
    }

    #[test]
    fn a_row_may_be_longer_than_what_is_read_at_once() {
        let long = vec![b'7'; 3 * READ + 5];
        let quoted = [b"\"", long.as_slice(), b"\"\"\""].concat();
        let text = [long.as_slice(), b",1\n2,", &quoted, b"\n3,", &long].concat();
        let cells = |row: usize| rows(&text, b',', READ)[row].1.clone();
        assert_eq!(cells(0), [long.clone(), b"1".to_vec()]);
        assert_eq!(cells(1), [b"2".to_vec(), [long.as_slice(), b"\""].concat()]);
        assert_eq!(cells(2), [b"3".to_vec(), long]);
    }
}
