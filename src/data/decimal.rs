//! Cells as numbers.

use super::words::{ONES, TOPS};

/// Powers of ten that 64 bits hold exactly.
pub(super) const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// A cell as a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Number {
    Finite(f64),
    NotFinite,
    TooLarge,
    None,
}

/// A number as it is written: at most 15 digits, of which `places` stand behind the point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decimal {
    pub negative: bool,
    /// All digits.
    pub whole: u64,
    pub places: usize,
}

/// Reads a cell as a number that a 32-bit float can hold.
pub(super) fn number(cell: &[u8]) -> Number {
    if let Some(decimal) = Decimal::read(cell) {
        return Number::Finite(decimal.value());
    }
    let Some(value) = std::str::from_utf8(cell).ok().and_then(|text| text.parse::<f64>().ok())
    else {
        return Number::None;
    };
    #[allow(clippy::cast_possible_truncation)] // that is the question
    let fits = (value as f32).is_finite();
    match (fits, cell.iter().any(u8::is_ascii_digit)) {
        (true, _) => Number::Finite(value),
        (false, true) => Number::TooLarge,
        (false, false) => Number::NotFinite,
    }
}

impl Decimal {
    /// Reads a cell of at most 15 digits without an exponent, as most are.
    #[inline(always)]
    #[allow(clippy::inline_always)] // 6 % off the loading of a table
    pub fn read(cell: &[u8]) -> Option<Self> {
        let negative = cell.first() == Some(&b'-');
        // No branch, which every other cell of a column around 0 would take.
        let unsigned = &cell[usize::from(negative)..];
        let Part { digits, point } = match unsigned.len() {
            1 => Part::read(unsigned).filter(|part| part.point.is_none())?,
            2..=8 => Part::read(unsigned)?,
            9..=16 => long(unsigned)?,
            _ => return None,
        };
        Some(Self { negative, whole: digits, places: point.unwrap_or(0) })
    }

    /// The nearest number. Whole numbers and powers of ten of this size are exact in 64 bits, so that
    /// one division rounds as reading does (Clinger 1990).
    #[inline]
    pub fn value(self) -> f64 {
        // Signed, since that takes one instruction.
        #[allow(clippy::cast_precision_loss)] // below 2^53
        let value = self.whole.cast_signed() as f64 / POWERS[self.places];
        f64::from_bits(value.to_bits() | u64::from(self.negative) << 63)
    }
}

/// Digits and perhaps a point.
struct Part {
    digits: u64,
    /// How many digits stand behind it.
    point: Option<usize>,
}

impl Part {
    /// Reads one to eight bytes; all at once, since cells differ in length and a loop over their
    /// bytes is guessed wrong at every other's end.
    #[inline]
    fn read(cell: &[u8]) -> Option<Self> {
        const ZEROS: u64 = b'0' as u64 * ONES;
        // The first byte lowest, the last one highest, `0` before the first.
        let before = 8 * (8 - cell.len());
        let mut text = if let [.., b4, b5, b6, b7] = *cell {
            let last = u64::from(u32::from_le_bytes([b4, b5, b6, b7])) << 32;
            let first = u32::from_le_bytes([cell[0], cell[1], cell[2], cell[3]]);
            last | u64::from(first) << before
        } else {
            cell.iter().fold(0, |text, byte| text >> 8 | u64::from(*byte) << 56)
        };
        text |= ZEROS & ((1 << before) - 1);
        let points = text ^ (u64::from(b'.') * ONES);
        let found = points.wrapping_sub(ONES) & !points & TOPS;
        let mut point = None;
        if found != 0 {
            let at = found.trailing_zeros() / 8;
            point = Some(7 - at as usize);
            let below = (1 << (8 * at)) - 1;
            let upto = below << 8 | 0xff;
            text = text & !upto | (text & below) << 8 | u64::from(b'0');
        }
        let digits = text.wrapping_sub(ZEROS);
        // A byte above `9` runs over when the distance from `9` to 0x7f is added, one below `0` did
        // just now.
        if (text.wrapping_add((0x7f - u64::from(b'9')) * ONES) | digits | text) & TOPS != 0 {
            return None;
        }
        // Neighbours become numbers of two digits, those of four, those of eight.
        let pairs = (digits * 10 + (digits >> 8)) & 0x00ff_00ff_00ff_00ff;
        let fours = (pairs * 100 + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
        Some(Self { digits: (fours * 10_000 + (fours >> 32)) & 0xffff_ffff, point })
    }
}

/// Reads 9 to 16 bytes of at most 15 digits.
fn long(cell: &[u8]) -> Option<Part> {
    let (head, tail) = cell.split_at(cell.len() - 8);
    let (head, tail) = (Part::read(head)?, Part::read(tail)?);
    let (shift, point) = match (head.point, tail.point) {
        (Some(_), Some(_)) => return None,
        (Some(point), None) => (100_000_000, Some(point + 8)),
        (None, Some(point)) => (10_000_000, Some(point)),
        (None, None) if cell.len() > 15 => return None,
        (None, None) => (100_000_000, None),
    };
    Some(Part { digits: head.digits * shift + tail.digits, point })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cell_is_read_as_the_nearest_number(
            cell in "[+-]?[0-9]{0,18}[.]?[0-9]{0,18}(e-?[0-9]{1,2})?|-?[0-9]{0,5}[.]?[0-9]{0,5}",
        ) {
            let expected = cell.parse::<f64>().ok().filter(|value| value.abs() < 3e38);
            let read = match number(cell.as_bytes()) {
                Number::Finite(value) => Some(value.to_bits()),
                _ => None,
            };
            prop_assert_eq!(read, expected.map(f64::to_bits), "{}", cell);
        }
    }

    #[test]
    fn every_other_byte_in_a_cell_makes_it_no_decimal() {
        for length in 1..=17 {
            for at in 0..length {
                for byte in 0..=255_u8 {
                    let mut cell = vec![b'7'; length];
                    cell[at] = byte;
                    let text = std::str::from_utf8(&cell).ok();
                    let expected = text.and_then(|text| text.parse::<f64>().ok());
                    let read = Decimal::read(&cell).map(Decimal::value);
                    assert!(read.is_none() || read == expected, "{cell:?}: {read:?}");
                    let is_decimal = byte.is_ascii_digit() || byte == b'.' && length > 1;
                    assert!(read.is_some() || !is_decimal || length > 15, "{cell:?}");
                }
            }
        }
    }
}
