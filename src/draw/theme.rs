//! Colours, dashes and sizes.

/// Okabe and Ito's colours, which people who see fewer colours can tell apart; the darkest on white first.
const COLOURS: [&str; 8] =
    ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#a08c00"];

/// A dash pattern of each, for print in black and white.
const DASHES: [&str; 8] = ["", "6 3", "2 2", "8 3 2 3", "4 2", "10 4", "1 3", "6 2 2 2 2 2"];

/// Of lines, text and marks that are about no series.
pub(super) const INK: &str = "#1a1a1a";

/// Of what is there to be looked through.
pub(super) const FAINT: &str = "#767676";

/// Of lines that guide the eye.
pub(super) const GRID: &str = "#d9d9d9";

/// The colour of a series.
#[must_use]
pub fn colour(series: usize) -> &'static str {
    COLOURS[series % COLOURS.len()]
}

/// Its dash pattern; empty of a line without.
#[must_use]
pub fn dash(series: usize) -> &'static str {
    DASHES[series % DASHES.len()]
}

/// Its class, by which a page gives it another colour.
pub(super) fn class(series: usize) -> String {
    format!("s{}", series % COLOURS.len())
}

/// How large a picture is, in units of its own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Size {
    /// From left to right.
    pub width: f64,
    /// Of the letters.
    pub font: f64,
    /// Width in millimetres, on paper; none on a page, which it then fills.
    pub millimetres: Option<f64>,
}

impl Size {
    /// For paper: so many millimetres wide, in points of 8.
    #[must_use]
    pub fn paper(millimetres: f64) -> Self {
        Self { width: millimetres * 72.0 / 25.4, font: 8.0, millimetres: Some(millimetres) }
    }

    /// For a page.
    #[must_use]
    pub fn page() -> Self {
        Self { width: 760.0, font: 12.0, millimetres: None }
    }

    /// How much room some text takes: advances of Helvetica, in thousandths of the size.
    #[must_use]
    pub fn text(&self, text: &str) -> f64 {
        text.chars().map(advance).sum::<f64>() * self.font
    }

    /// A text that fits, cut with an ellipsis where it would not.
    pub(super) fn cut(&self, text: &str, room: f64) -> String {
        if self.text(text) <= room {
            return text.to_owned();
        }
        let mut cut: String = text.to_owned();
        while !cut.is_empty() && self.text(&cut) + self.font > room {
            cut.pop();
        }
        format!("{}…", cut.trim_end())
    }
}

fn advance(letter: char) -> f64 {
    match letter {
        'i' | 'j' | 'l' | '\'' | '|' => 0.23,
        ' ' | '!' | ',' | '.' | '/' | ':' | ';' | 'I' | 'f' | 't' | '[' | ']' => 0.28,
        '(' | ')' | '-' | '{' | '}' | 'r' | '"' => 0.35,
        'c' | 'k' | 's' | 'v' | 'x' | 'y' | 'z' | 'J' => 0.5,
        'm' | 'M' | 'W' | '%' | '@' | '…' | '→' => 0.9,
        'w' | 'C' | 'D' | 'G' | 'H' | 'N' | 'O' | 'Q' | 'R' | 'U' => 0.73,
        'A' | 'B' | 'E' | 'K' | 'P' | 'S' | 'V' | 'X' | 'Y' => 0.67,
        _ => 0.56,
    }
}
