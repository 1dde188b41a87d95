//! Text as a number, and what is wrong with text where a number should be.

use super::dressed::{Comma, Dressed};
use crate::data::error::{CellProblem, shortened};

/// What people write for a missing value; in lower case.
const MARKERS: [&str; 15] = [
    "-", "--", "---", ".", "?", "na", "n/a", "n.a.", "nan", "<na>", "#n/a", "#na", "null", "nil",
    "none",
];

/// A cell as a number that a 32-bit float can hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    Finite(f64),
    NotFinite,
    TooLarge,
    /// Text.
    None,
}

impl Number {
    /// Reads text as [`str::parse`] does.
    #[inline]
    pub fn parse(text: &[u8]) -> Self {
        match fast_float2::parse::<f64, _>(text) {
            Err(_) => Self::None,
            Ok(value) if !value.is_finite() && text.iter().any(u8::is_ascii_digit) => {
                Self::TooLarge
            }
            Ok(value) => Self::of(value),
        }
    }

    /// A number as it is.
    #[inline]
    pub fn of(value: f64) -> Self {
        #[allow(clippy::cast_possible_truncation)] // whether it fits is the question
        match (value as f32).is_finite() {
            true => Self::Finite(value),
            false if value.is_finite() => Self::TooLarge,
            false => Self::NotFinite,
        }
    }
}

/// Why a cell that should be a number is not one; `text` is the problem of plain text.
pub fn problem_of(cell: &[u8], text: fn(String) -> CellProblem) -> CellProblem {
    let short = shortened(cell);
    let dressed = || std::str::from_utf8(cell).ok().and_then(Dressed::parse);
    match Number::parse(cell) {
        Number::TooLarge => CellProblem::TooLarge(short),
        Number::NotFinite => CellProblem::NotFinite(short),
        _ if cell.contains(&0) => CellProblem::Nul,
        _ if std::str::from_utf8(cell).is_err() => CellProblem::NotUtf8,
        _ if is_marker(&short) => CellProblem::Marker(short),
        _ => match dressed() {
            Some(dressed) if dressed.comma == Comma::Either => CellProblem::Comma(short),
            Some(_) if is_decimal_comma(cell) => CellProblem::DecimalComma(short),
            Some(dressed) => CellProblem::Dressed(Box::new([short, dressed.bare(Comma::Decimal)])),
            None => text(short),
        },
    }
}

/// Whether a cell would be a number with a point for its comma.
pub fn is_decimal_comma(cell: &[u8]) -> bool {
    let points: Vec<u8> = cell.iter().map(|b| if *b == b',' { b'.' } else { *b }).collect();
    cell.contains(&b',') && matches!(Number::parse(&points), Number::Finite(_))
}

/// Whether a cell probably stands for a missing value.
pub fn is_marker(cell: &str) -> bool {
    MARKERS.contains(&cell.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn text_is_read_as_the_standard_library_reads_it(
            text in "[+-]?[0-9]{0,18}[.]?[0-9]{0,18}(e-?[0-9]{1,3})?|[+-]?(nan|inf|infinity)|[-+.e0-9 xX_dfinaINF]{0,6}",
        ) {
            let expected = match text.parse::<f64>() {
                Err(_) => Number::None,
                Ok(value) if value.abs() <= f64::from(f32::MAX) => Number::Finite(value),
                Ok(_) if text.contains(|c: char| c.is_ascii_digit()) => Number::TooLarge,
                Ok(_) => Number::NotFinite,
            };
            let read = Number::parse(text.as_bytes());
            prop_assert_eq!(read, expected, "{}", text);
            if let (Number::Finite(read), Number::Finite(expected)) = (read, expected) {
                prop_assert_eq!(read.to_bits(), expected.to_bits(), "{}", text);
            }
        }
    }

    #[test]
    fn a_number_that_32_bits_cannot_hold_is_too_large() {
        assert_eq!(Number::of(3.4e38), Number::Finite(3.4e38));
        assert_eq!(Number::of(-1e39), Number::TooLarge);
        assert_eq!(Number::of(f64::NAN), Number::NotFinite);
    }

    #[test]
    fn markers_are_known_whatever_their_case() {
        for cell in ["-", "N/A", "NaN", "NULL", "None", "#N/A"] {
            assert!(is_marker(cell), "{cell}");
        }
        for cell in ["", "a-b", "nano", "unknown", "0"] {
            assert!(!is_marker(cell), "{cell}");
        }
    }
}
