//! A line of a text with a part of it underlined.

use std::fmt;
use std::ops::Range;

/// Where a byte of a text stands.
pub(super) struct Position {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// The bytes of the line, without its end.
    bytes: Range<usize>,
}

impl Position {
    /// The position of a byte; one beyond the text is at its end.
    pub fn of(text: &str, offset: usize) -> Self {
        let offset = floor(text, offset);
        let start = text[..offset].rfind('\n').map_or(0, |newline| newline + 1);
        let end = text[start..].find('\n').map_or(text.len(), |newline| start + newline);
        let end = if text[start..end].ends_with('\r') { end - 1 } else { end };
        Self {
            line: text[..start].matches('\n').count() + 1,
            column: text[start..offset].chars().count() + 1,
            bytes: start..end,
        }
    }
}

/// The last boundary between characters up to `offset`.
fn floor(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

/// Characters of a line that are shown.
const WIDTH: usize = 100;
/// Characters that are kept before a fault in a long line.
const BEFORE: usize = 30;

/// Writes the line of `position` with `range` underlined, without a last line end.
pub(super) fn snippet(
    f: &mut fmt::Formatter,
    text: &str,
    range: &Range<usize>,
    position: &Position,
) -> fmt::Result {
    let line = &text[position.bytes.clone()];
    let start = position.column - 1;
    let end = floor(text, range.end).clamp(position.bytes.start, position.bytes.end);
    let marked = text[position.bytes.start..end].chars().count().saturating_sub(start).max(1);

    let length = line.chars().count();
    let cut = if length <= WIDTH { 0 } else { start.saturating_sub(BEFORE).min(length - WIDTH) };
    let shown = line.chars().skip(cut).take(WIDTH);

    let mut drawn = String::new();
    let mut marks = String::new();
    if cut > 0 {
        drawn.push('…');
        marks.push(' ');
    }
    let mut columns = cut;
    for character in shown {
        let mark = if (start..start + marked).contains(&columns) { '^' } else { ' ' };
        match character {
            // A terminal moves on a tab by an amount that depends on what is left of it.
            '\t' => {
                drawn.push_str("    ");
                marks.extend([mark; 4]);
            }
            character => {
                drawn.push(if character.is_control() { '\u{fffd}' } else { character });
                marks.push(mark);
            }
        }
        columns += 1;
    }
    if columns < length {
        drawn.push('…');
    }
    if start >= columns {
        marks.extend(std::iter::repeat_n(' ', start - columns));
        marks.push('^');
    }
    let number = position.line;
    let gutter = number.to_string().len();
    write!(
        f,
        "{:gutter$} |\n{number} | {}\n{:gutter$} | {}",
        "",
        drawn.trim_end(),
        "",
        marks.trim_end()
    )
}
