//! Mean and standard deviation over the training rows, in a fixed order and in 64 bits.

/// Centre and spread: a number x becomes `(x - mean) / sd`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
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

/// Each column of a row-major table, over `rows`.
pub(super) fn columns<T: Copy + Into<f64>>(
    values: &[T],
    width: usize,
    rows: &[u32],
) -> Vec<Column> {
    let of = |at: usize| rows.iter().map(move |row| values[*row as usize * width + at].into());
    (0..width).map(|at| column(&of(at).collect::<Vec<f64>>())).collect()
}

/// A column of numbers: its mean in the first pass, squares in the second.
pub(super) fn column(values: &[f64]) -> Column {
    let (mut low, mut high, mut sum) = (f64::INFINITY, f64::NEG_INFINITY, 0.0);
    for value in values {
        sum += value;
        low = low.min(*value);
        high = high.max(*value);
    }
    let constant = low >= high;
    if constant {
        // The value itself, not its mean, so that it becomes 0 to the last bit.
        let mean = if low.is_finite() { low } else { 0.0 };
        return Column { scale: Scale { mean, sd: 1.0 }, constant };
    }
    #[allow(clippy::cast_precision_loss)] // rows are counted in 32 bits
    let count = values.len() as f64;
    let mean = sum / count;
    let mut squares = 0.0;
    for value in values {
        squares += (value - mean) * (value - mean);
    }
    Column { scale: Scale::of(mean, squares / count), constant }
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
        let values = [1.0_f32, 10.0, 2.0, 20.0, 3.0, 99.0, 4.0, 20.0];
        let columns = columns(&values, 2, &[0, 1, 3]);
        assert_eq!(columns[0].scale.mean, 7.0 / 3.0);
        assert!((columns[0].scale.sd - (14.0_f64 / 9.0).sqrt()).abs() < 1e-15);
        assert_eq!(columns[1].scale.mean, 50.0 / 3.0);
        assert!(!columns[0].constant && !columns[1].constant);
    }

    #[test]
    fn a_constant_column_is_known_whatever_its_mean_rounds_to() {
        let values = vec![0.1_f32; 1001];
        let rows: Vec<u32> = (0..1001).collect();
        let [column] = columns(&values, 1, &rows)[..] else { panic!("one column") };
        assert!(column.constant);
        assert_eq!(column.scale.apply(0.1_f32.into()), 0.0);
    }

    #[test]
    fn pixels_share_one_scale() {
        let scale = pixels(&[0, 16, 8, 8, 255, 255], 2, &[0, 1], 16);
        assert_eq!(scale.mean, 0.5);
        assert!((scale.sd - 0.125_f64.sqrt()).abs() < 1e-15);
        assert_eq!(pixels(&[7, 7], 2, &[0], 16), Scale { mean: 7.0 / 16.0, sd: 1.0 });
    }
}
