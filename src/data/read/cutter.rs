//! Cuts a record into its cells, byte by byte: one that may hold quotes, or runs of blanks.
//!
//! A cell is quoted where a quote is its first byte, blanks aside; within it, two quotes are one. What
//! follows the closing quote can only be blanks, a delimiter or the end of the line.

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

/// A record while its bytes pass.
pub(super) struct Cutter<'b> {
    delimiter: u8,
    /// The line at hand.
    pub line: u64,
    state: State,
    /// Whether a byte has passed that is neither a line end nor a blank that parts no cells.
    begun: bool,
    /// What the cells hold, one behind the other, behind those of records before.
    cells: &'b mut Vec<u8>,
    /// Where each cell ends, from where the cells of the record begin.
    ends: &'b mut Vec<usize>,
    begin: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before a cell, or between blanks before one.
    Start,
    Plain,
    /// In quotes that opened in this line.
    Quoted(u64),
    /// Right behind a quote that closes, or is the first of two.
    Closed(u64),
    /// Behind blanks that follow the closing quote.
    Behind(u64),
}

/// Whether a line holds nothing but blanks that part no cells.
#[inline]
pub(super) fn is_empty_line(line: &[u8], delimiter: u8) -> bool {
    line.iter().all(|byte| is_blank(*byte) && *byte != delimiter)
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

impl<'b> Cutter<'b> {
    /// Of a record that begins in this line; its cells go behind those that are there.
    pub fn new(delimiter: u8, line: u64, cells: &'b mut Vec<u8>, ends: &'b mut Vec<usize>) -> Self {
        let begin = cells.len();
        Self { delimiter, line, state: State::Start, begun: false, cells, ends, begin }
    }

    /// Takes the next bytes of the text; returns how many belong to the record where it ends among
    /// them.
    pub fn pass(&mut self, text: &[u8]) -> Result<Option<usize>, QuoteFault> {
        let by_blanks = self.delimiter == b' ';
        for (at, byte) in text.iter().copied().enumerate() {
            let ends_line = matches!(byte, b'\r' | b'\n');
            let ends_cell = byte == self.delimiter || by_blanks && is_blank(byte);
            self.begun |= ends_cell || !ends_line && !is_blank(byte);
            self.state = match self.state {
                State::Quoted(line) if byte == b'"' => State::Closed(line),
                State::Closed(line) if byte == b'"' => self.push(byte, State::Quoted(line)),
                State::Quoted(line) => self.push(byte, State::Quoted(line)),
                _ if ends_line => {
                    self.line += u64::from(byte == b'\n');
                    self.end_line();
                    return Ok(Some(at + 1));
                }
                State::Start if by_blanks && ends_cell => State::Start,
                _ if ends_cell => self.end_cell(),
                State::Start if is_blank(byte) => State::Start,
                State::Start if byte == b'"' => State::Quoted(self.line),
                State::Start | State::Plain => self.push(byte, State::Plain),
                State::Closed(line) | State::Behind(line) if is_blank(byte) => State::Behind(line),
                State::Closed(line) | State::Behind(line) => {
                    return Err(QuoteFault::TextBehind { line });
                }
            };
            self.line += u64::from(byte == b'\n');
        }
        Ok(None)
    }

    /// Takes the end of the text.
    pub fn end(&mut self) -> Result<(), QuoteFault> {
        if let State::Quoted(line) = self.state {
            return Err(QuoteFault::NeverClosed { line });
        }
        self.end_line();
        Ok(())
    }

    fn push(&mut self, byte: u8, state: State) -> State {
        self.cells.push(byte);
        state
    }

    fn end_cell(&mut self) -> State {
        self.ends.push(self.cells.len() - self.begin);
        State::Start
    }

    /// Ends the last cell, unless the line is empty or ends with blanks that part cells.
    fn end_line(&mut self) {
        let is_between = self.state == State::Start && self.delimiter == b' ';
        if self.begun && !is_between {
            self.end_cell();
        }
    }
}
