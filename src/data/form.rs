//! What the four bytes of a cell stand for.
//!
//! A column holds codes of levels, or numbers. The numbers of a text have few digits, and a whole
//! number of 32 bits over a power of ten gives each of them back, bit for bit: both are exact in 64
//! bits, and division rounds as reading does. Numbers that do not fit are kept in 64 bits, or, where
//! they need not be exact, in 32 bits, off by at most 2^-24 of themselves (below 1e-38, of the largest
//! one of their band). Where those of a band lie
//! close together they are kept by their distance from the middle of these, off by at most 2^-24 of
//! that distance: 32-bit floats alone would lose the minutes of a time in seconds since 1970.

use super::decimal::{Decimal, POWERS};

/// The code of a cell that holds nothing.
pub(super) const MISSING: u32 = u32::MAX;

/// The whole number that stands for a cell that holds nothing.
pub(super) const NO_NUMBER: i32 = i32::MIN;

/// How the cells of a column are to be understood.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Form {
    /// Codes of levels, or [`MISSING`].
    Codes,
    /// Signed whole numbers over this power of ten, or [`NO_NUMBER`].
    Decimal { places: usize },
    /// 32-bit floats: distances from this number.
    Near { centre: f64 },
    /// The low halves of 64-bit floats, of which these are the high ones.
    Double { high: Vec<u32> },
}

impl Form {
    /// That of the next band at its beginning.
    pub fn next(&self) -> Self {
        match self {
            Self::Codes => Self::Codes,
            Self::Decimal { places } => Self::Decimal { places: *places },
            Self::Near { .. } | Self::Double { .. } => Self::Decimal { places: 0 },
        }
    }

    /// The number that a cell stands for, in a row of the band.
    pub fn number(&self, row: usize, cell: u32) -> f64 {
        match self {
            Self::Codes => f64::NAN,
            Self::Decimal { places } => decimal(cell, POWERS[*places]),
            Self::Near { centre } => centre + f64::from(f32::from_bits(cell)),
            Self::Double { high } => f64::from_bits(u64::from(high[row]) << 32 | u64::from(cell)),
        }
    }
}

/// The high and the low half of a number of 64 bits.
pub(super) fn halves(number: f64) -> (u32, u32) {
    let bits = number.to_bits();
    #[allow(clippy::cast_possible_truncation)] // that is a half
    let halves = ((bits >> 32) as u32, bits as u32);
    halves
}

/// How the cells of a band become numbers, a row at a time.
pub(super) struct Reading<'a> {
    forms: &'a [Form],
    /// Of each column: that of [`Form::Decimal`], or any.
    powers: Vec<f64>,
    /// The columns of other numbers.
    others: Vec<usize>,
}

impl<'a> Reading<'a> {
    pub fn new(forms: &'a [Form]) -> Self {
        let power = |form: &Form| match form {
            Form::Decimal { places } => POWERS[*places],
            _ => 1.0,
        };
        let is_other = |at: &usize| matches!(forms[*at], Form::Near { .. } | Form::Double { .. });
        let others = (0..forms.len()).filter(is_other).collect();
        Self { forms, powers: forms.iter().map(power).collect(), others }
    }

    pub fn read(&self, row: usize, cells: &[u32], numbers: &mut [f64]) {
        for ((number, cell), power) in numbers.iter_mut().zip(cells).zip(&self.powers) {
            *number = decimal(*cell, *power);
        }
        for at in &self.others {
            numbers[*at] = self.forms[*at].number(row, cells[*at]);
        }
    }
}

/// The number that a whole one over a power of ten stands for.
#[inline]
fn decimal(cell: u32, power: f64) -> f64 {
    let whole = cell.cast_signed();
    let number = f64::from(whole) / power;
    if whole == NO_NUMBER { f64::NAN } else { number }
}

/// The whole number of a decimal; none for -0 and for what does not fit.
#[inline]
pub(super) fn signed(number: Decimal) -> Option<i32> {
    let Decimal { negative, whole, .. } = number;
    if whole == 0 && negative {
        return None;
    }
    let whole = i32::try_from(whole).ok()?;
    Some(if negative { -whole } else { whole })
}

/// A whole number over a power of ten that is larger by so many places.
pub(super) fn widened(whole: i32, places: usize) -> Option<i32> {
    if whole == NO_NUMBER || whole == 0 {
        return Some(whole);
    }
    let factor = 10_i32.checked_pow(u32::try_from(places).ok()?)?;
    whole.checked_mul(factor).filter(|wide| *wide != NO_NUMBER)
}

/// The least power of ten over which whole numbers come back as these values, and these; none where
/// one does not.
pub(super) fn whole_numbers(values: &[f64]) -> Option<(usize, Vec<u32>)> {
    let of = |(places, power): (usize, &f64)| Some((places, all_digits(values, *power)?));
    POWERS.iter().enumerate().find_map(of)
}

/// The whole numbers that come back as these values; none where one does not.
fn all_digits(values: &[f64], power: f64) -> Option<Vec<u32>> {
    // The wrong power is mostly known by the first values.
    if !values.iter().take(16).all(|value| digits(*value, power).1) {
        return None;
    }
    let mut all = Vec::with_capacity(values.len());
    for block in values.chunks(64) {
        let mut all_come_back = true;
        all.extend(block.iter().map(|value| {
            let (digits, comes_back) = digits(*value, power);
            all_come_back &= comes_back;
            digits.cast_unsigned()
        }));
        if !all_come_back {
            return None;
        }
    }
    Some(all)
}

/// The nearest whole number, and whether it comes back as this value; -0 and what is large do not.
#[inline]
fn digits(value: f64, power: f64) -> (i32, bool) {
    // 1.5 * 2^52: the low 32 bits of a sum with it are those of the nearest whole number.
    const SHIFT: f64 = 6_755_399_441_055_744.0;
    #[allow(clippy::cast_possible_truncation)] // what does not fit does not come back
    let digits = (value * power + SHIFT).to_bits() as i32;
    let comes_back = (f64::from(digits) / power).to_bits() == value.to_bits();
    let missing = value.is_nan();
    (if missing { NO_NUMBER } else { digits }, missing || comes_back && digits != NO_NUMBER)
}

/// A number, and the distances from it as 32-bit floats; none where even the largest of these is so
/// small that they lose digits.
pub(super) fn near(values: &[f64]) -> Option<(f64, Vec<u32>)> {
    // What floats below the normal ones are off by is less than 2^-24 of this.
    const LEAST: f64 = 1e-30;
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let range = high - low;
    // Beside a number far off, the distances of all others would lose what tells these apart.
    let close = 2.0 * range <= low.abs().max(high.abs());
    let centre = if close { low + range / 2.0 } else { 0.0 };
    let largest = (high - centre).max(centre - low);
    if 0.0 < largest && largest < LEAST {
        return None;
    }
    #[allow(clippy::cast_possible_truncation)] // as the network computes
    let distance = |value: &f64| ((value - centre) as f32).to_bits();
    Some((centre, values.iter().map(distance).collect()))
}
