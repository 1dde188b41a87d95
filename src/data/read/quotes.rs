//! Quotes that do not close, which the parser would take as they come.
//!
//! A cell is quoted where a quote is its first byte; within it, two quotes are one. What follows
//! the closing quote can only be blanks, a delimiter or the end of the line.

use std::io;

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

    /// The fault that reading ended with, if it did.
    pub fn of(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref().copied()
    }
}

/// The quotes of a record while its bytes pass.
pub(super) struct Quotes {
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

impl Quotes {
    /// Of a record that begins in this line.
    pub fn new(delimiter: u8, line: u64) -> Self {
        Self { delimiter, line, state: State::Start }
    }

    /// Takes the next bytes of the text; none at its end.
    pub fn pass(&mut self, bytes: &[u8]) -> Result<(), QuoteFault> {
        if let State::Quoted(line) = self.state
            && bytes.is_empty()
        {
            return Err(QuoteFault::NeverClosed { line });
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
