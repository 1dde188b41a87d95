//! Mean and standard deviation over the training rows, in a fixed order and in 64 bits.

use std::borrow::Cow;
use std::iter;

/// A number x becomes `(x - mean) / sd`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::data) struct Scale {
    pub mean: f64,
    /// The population's; 1 where nothing varies, so that it never divides by 0.
    pub sd: f64,
}

/// What one column looks like over some rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Column {
    pub scale: Scale,
    /// Whether all rows hold one value. The sd cannot tell: the mean of equal numbers is rounded.
    pub constant: bool,
    /// Rows that hold a number.
    pub count: usize,
}

impl Scale {
    /// Leaves numbers as they are.
    pub const NONE: Self = Self { mean: 0.0, sd: 1.0 };

    /// The number in units of this scale.
    pub fn apply(self, value: f64) -> f64 {
        (value - self.mean) / self.sd
    }

    fn of(mean: f64, variance: f64) -> Self {
        let sd = variance.sqrt();
        Self { mean, sd: if sd > 0.0 { sd } else { 1.0 } }
    }
}

/// What numbers range over, NaN passed over.
#[derive(Debug, Clone, Copy)]
pub struct Range {
    pub min: f64,
    pub max: f64,
    /// 0 where there are none.
    pub mean: f64,
    /// How many there are.
    pub count: usize,
}

impl Range {
    /// Of numbers that come in chunks.
    pub fn of<'a>(numbers: impl Iterator<Item = Cow<'a, [f64]>>) -> Self {
        let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
        let (mut sum, mut count) = (0.0, 0);
        let mut add = |number: f64| {
            // Nothing is less or more than NaN.
            min = if number < min { number } else { min };
            max = if number > max { number } else { max };
            sum += if number.is_nan() { 0.0 } else { number };
            count += usize::from(!number.is_nan());
        };
        for chunk in numbers {
            chunk.iter().for_each(|number| add(*number));
        }
        #[allow(clippy::cast_precision_loss)] // rows are counted in 32 bits
        let mean = sum / count.max(1) as f64;
        Self { min, max, mean, count }
    }
}

impl Column {
    /// The mean is taken in a first pass, squares in a second.
    pub fn of(numbers: &[f64]) -> Self {
        let Range { min, max, mean, count } = Range::of(iter::once(Cow::Borrowed(numbers)));
        if min >= max {
            // The value itself, not its mean, so that it becomes 0 to the last bit.
            return Self { scale: Scale { mean: min, sd: 1.0 }, constant: true, count };
        }
        let mut squares = 0.0;
        for number in numbers {
            let square = (number - mean) * (number - mean);
            squares += if number.is_nan() { 0.0 } else { square };
        }
        #[allow(clippy::cast_precision_loss)] // rows are counted in 32 bits
        let variance = squares / count.max(1) as f64;
        Self { scale: Scale::of(mean, variance), constant: false, count }
    }
}

/// Each column of a row-major table, over `rows`.
pub(super) fn columns(values: &[f64], width: usize, rows: &[u32]) -> Vec<Column> {
    let column =
        |at| -> Vec<f64> { rows.iter().map(|row| values[*row as usize * width + at]).collect() };
    (0..width).map(|at| Column::of(&column(at))).collect()
}

/// All pixels of `rows` together, as shares of the full scale. Bytes are counted first, which
/// makes the sums exact.
pub(super) fn pixels(bytes: &[u8], width: usize, rows: &[u32], full_scale: u8) -> Scale {
    let mut counts = [0_u64; 256];
    for row in rows {
        for byte in &bytes[*row as usize * width..][..width] {
            counts[usize::from(*byte)] += 1;
        }
    }
    let full = f64::from(full_scale);
    #[allow(clippy::cast_precision_loss)] // below 2^53 pixels
    let weighted = |of: &dyn Fn(f64) -> f64| -> f64 {
        counts
            .iter()
            .zip(0..=u8::MAX)
            .map(|(count, byte)| *count as f64 * of(f64::from(byte)))
            .sum()
    };
    let count = weighted(&|_| 1.0);
    let mean = weighted(&|byte| byte) / count;
    let variance = weighted(&|byte| (byte - mean) * (byte - mean)) / count;
    let scale = Scale::of(mean, variance);
    Scale { mean: scale.mean / full, sd: if variance > 0.0 { scale.sd / full } else { 1.0 } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_and_population_sd_are_taken_over_the_rows_named() {
        let values = [1.0, 10.0, 2.0, 20.0, 3.0, 99.0, 4.0, 20.0];
        let columns = columns(&values, 2, &[0, 1, 3]);
        assert_eq!(columns[0].scale.mean, 7.0 / 3.0);
        assert!((columns[0].scale.sd - (14.0_f64 / 9.0).sqrt()).abs() < 1e-15);
        assert_eq!(columns[1].scale.mean, 50.0 / 3.0);
        assert!(!columns[0].constant && !columns[1].constant);
    }

    #[test]
    fn a_constant_column_is_known_whatever_its_mean_rounds_to() {
        let values = vec![0.1; 1001];
        let rows: Vec<u32> = (0..1001).collect();
        let [column] = columns(&values, 1, &rows)[..] else { panic!("one column") };
        assert!(column.constant);
        assert_eq!(column.scale.apply(0.1), 0.0);
    }

    #[test]
    fn pixels_share_one_scale() {
        let scale = pixels(&[0, 16, 8, 8, 255, 255], 2, &[0, 1], 16);
        assert_eq!(scale.mean, 0.5);
        assert!((scale.sd - 0.125_f64.sqrt()).abs() < 1e-15);
        assert_eq!(pixels(&[7, 7], 2, &[0], 16), Scale { mean: 7.0 / 16.0, sd: 1.0 });
    }
}
