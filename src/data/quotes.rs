//! Quotes that do not close, found on the way to a reader that would take them as they come.
//!
//! A cell is quoted where a quote is its first byte; within it, two quotes are one. What follows
//! the closing quote can only be blanks, a delimiter or the end of the line.

use std::io::{self, Read};

/// What is wrong with the quotes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum QuoteFault {
    #[error(
        "the quote that opens in this line is never closed: close it, or put a cell that begins with a quote into quotes and double those that belong to it (`\"\"`)"
    )]
    NeverClosed { line: u64 },
    #[error(
        "text follows the closing quote of a cell that begins in this line: expected the delimiter or the end of the line; double the quotes that belong to the cell (`\"\"`)"
    )]
    TextBehind { line: u64 },
}

impl QuoteFault {
    /// Where the quote opened.
    pub fn line(self) -> u64 {
        let (Self::NeverClosed { line } | Self::TextBehind { line }) = self;
        line
    }

    /// The fault that a [`Quotes`] ended with, if it did.
    pub fn of(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref().copied()
    }
}

/// Passes a text on until its quotes are at fault.
pub(super) struct Quotes<R> {
    pub inner: R,
    delimiter: u8,
    line: u64,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before a cell.
    Start,
    Plain,
    /// In quotes that opened in this line.
    Quoted(u64),
    /// Right behind a quote that closes, or is the first of two.
    Closed(u64),
    /// Behind blanks that follow the closing quote.
    Behind(u64),
}

impl<R: Read> Quotes<R> {
    pub fn new(inner: R, delimiter: u8) -> Self {
        Self { inner, delimiter, line: 1, state: State::Start }
    }

    fn pass(&mut self, bytes: &[u8]) -> Result<(), QuoteFault> {
        if !bytes.contains(&b'"') && matches!(self.state, State::Start | State::Plain) {
            self.line += lines(bytes);
            self.state = bytes.last().map_or(self.state, |last| self.behind_plain(*last));
            return Ok(());
        }
        for byte in bytes {
            self.state = match (self.state, *byte) {
                (State::Start, b'"') => State::Quoted(self.line),
                (State::Quoted(line), b'"') => State::Closed(line),
                (State::Closed(line), b'"') => State::Quoted(line),
                (quoted @ State::Quoted(_), _) => quoted,
                (State::Start | State::Plain, byte) => self.behind_plain(byte),
                (State::Closed(line) | State::Behind(line), byte) => {
                    match self.behind_plain(byte) {
                        State::Start => State::Start,
                        _ if matches!(byte, b' ' | b'\t') => State::Behind(line),
                        _ => return Err(QuoteFault::TextBehind { line }),
                    }
                }
            };
            self.line += u64::from(*byte == b'\n');
        }
        Ok(())
    }

    fn behind_plain(&self, byte: u8) -> State {
        let ends = byte == self.delimiter || matches!(byte, b'\r' | b'\n');
        if ends { State::Start } else { State::Plain }
    }
}

/// How many lines end within the text; counted by bytes, of which a vector instruction takes many.
fn lines(text: &[u8]) -> u64 {
    let ends = |part: &[u8]| part.iter().map(|byte| u8::from(*byte == b'\n')).sum::<u8>();
    text.chunks(usize::from(u8::MAX)).map(|part| u64::from(ends(part))).sum()
}

impl<R: Read> Read for Quotes<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let passed = match self.state {
            State::Quoted(line) if read == 0 => Err(QuoteFault::NeverClosed { line }),
            _ => self.pass(&buffer[..read]),
        };
        passed.map(|()| read).map_err(io::Error::other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same whether the text comes whole or byte by byte.
    fn fault(text: &str) -> Option<QuoteFault> {
        struct Bytes<'a>(&'a [u8]);
        impl Read for Bytes<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let length = buffer.len().min(1);
                self.0.read(&mut buffer[..length])
            }
        }
        let of = |result: io::Result<u64>| result.err().as_ref().and_then(QuoteFault::of);
        let whole = of(io::copy(&mut Quotes::new(text.as_bytes(), b','), &mut io::sink()));
        let parts = of(io::copy(&mut Quotes::new(Bytes(text.as_bytes()), b','), &mut io::sink()));
        assert_eq!(whole, parts, "{text}");
        whole
    }

    #[test]
    fn lines_are_counted_however_many_there_are() {
        assert_eq!(lines(&[b'\n'; 1000]), 1000);
        assert_eq!(lines(b"a\nb\r\n\nc"), 3);
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
}
