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
pub(super) fn columns(values: &[f64], width: usize, rows: &[u32]) -> Vec<Column> {
    let row = |row: &u32| &values[*row as usize * width..][..width];
    let mut moments = Moments::new(width);
    for at in rows {
        moments.add(row(at));
    }
    moments.begin_squares();
    for at in rows {
        moments.add_squares(row(at));
    }
    (0..width).map(|at| moments.column(at)).collect()
}

/// Columns of numbers in two passes over their rows: the mean in the first, squares in the second.
/// NaN is passed over.
#[derive(Debug)]
pub(super) struct Moments {
    count: Vec<f64>,
    low: Vec<f64>,
    high: Vec<f64>,
    sum: Vec<f64>,
    mean: Vec<f64>,
    squares: Vec<f64>,
}

impl Moments {
    /// Of so many columns, before any row.
    pub fn new(width: usize) -> Self {
        let zeros = || vec![0.0; width];
        let (low, high) = (vec![f64::INFINITY; width], vec![f64::NEG_INFINITY; width]);
        Self { count: zeros(), low, high, sum: zeros(), mean: zeros(), squares: zeros() }
    }

    /// Takes a row in the first pass.
    pub fn add(&mut self, row: &[f64]) {
        let Self { count, low, high, sum, .. } = self;
        let columns = count.iter_mut().zip(low).zip(high).zip(sum).zip(row);
        for ((((count, low), high), sum), value) in columns {
            // Nothing is less or more than NaN.
            *low = if value < low { *value } else { *low };
            *high = if value > high { *value } else { *high };
            *sum += if value.is_nan() { 0.0 } else { *value };
            *count += if value.is_nan() { 0.0 } else { 1.0 };
        }
    }

    /// Ends the first pass.
    pub fn begin_squares(&mut self) {
        for ((mean, sum), count) in self.mean.iter_mut().zip(&self.sum).zip(&self.count) {
            *mean = sum / count;
        }
    }

    /// Takes a row in the second pass.
    pub fn add_squares(&mut self, row: &[f64]) {
        for ((squares, mean), value) in self.squares.iter_mut().zip(&self.mean).zip(row) {
            let square = (value - mean) * (value - mean);
            *squares += if value.is_nan() { 0.0 } else { square };
        }
    }

    /// How many numbers a column has.
    pub fn count(&self, at: usize) -> usize {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // rows, counted
        let count = self.count[at] as usize;
        count
    }

    /// A column, after both passes.
    pub fn column(&self, at: usize) -> Column {
        let constant = self.low[at] >= self.high[at];
        if constant {
            // The value itself, not its mean, so that it becomes 0 to the last bit.
            let mean = if self.low[at].is_finite() { self.low[at] } else { 0.0 };
            return Column { scale: Scale { mean, sd: 1.0 }, constant };
        }
        Column { scale: Scale::of(self.mean[at], self.squares[at] / self.count[at]), constant }
    }
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
