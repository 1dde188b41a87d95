//! A column of numbers while its source is kept: four bytes each, as the network will take them.
//!
//! The numbers of a text have few digits, and a whole number of 32 bits over a power of ten gives
//! each of them back, bit for bit: both are exact in 64 bits, and division rounds as reading does.
//! Numbers that do not fit are kept in 64 bits. In a column that goes on and on they are instead
//! kept in 32 bits, off by at most 2^-24 of themselves. Where the rows around lie close together they
//! are kept by their distance from the middle of these, off by at most 2^-24 of that distance: 32-bit
//! floats alone would lose the minutes of a time in seconds since 1970.

/// Rows that are kept alike.
pub(super) const CHUNK: usize = 1024;

/// Chunks of a column that are exact whatever they hold.
const EXACT: usize = 32;

/// Powers of ten that 64 bits hold exactly.
pub(super) const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// Stands for a cell that holds nothing.
const MISSING: i32 = i32::MIN;

/// NaN where a cell holds nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Numbers {
    chunks: Vec<Chunk>,
    /// The last rows, fewer than a chunk.
    rest: Vec<f64>,
}

#[derive(Debug, Clone, PartialEq)]
enum Chunk {
    /// Whole numbers over this power of ten.
    Decimal {
        digits: Box<[i32]>,
        places: usize,
    },
    Double(Box<[f64]>),
    /// Distances from a number.
    Near {
        centre: f64,
        distances: Box<[f32]>,
    },
    /// No longer needed.
    Gone,
}

impl Numbers {
    /// Takes the next row's number.
    pub fn push(&mut self, value: f64) {
        self.rest.push(value);
        if self.rest.len() == CHUNK {
            let chunk = self.packed();
            self.chunks.push(chunk);
            self.rest.clear();
        }
    }

    fn packed(&self) -> Chunk {
        let before = match self.chunks.last() {
            Some(Chunk::Decimal { places, .. }) => *places,
            _ => 0,
        };
        let decimal = (before..POWERS.len()).chain(0..before).find_map(|places| {
            let digits = all_digits(&self.rest, POWERS[places])?;
            Some(Chunk::Decimal { digits, places })
        });
        decimal.unwrap_or_else(|| match self.chunks.len() {
            EXACT.. => near(&self.rest),
            _ => Chunk::Double(self.rest.as_slice().into()),
        })
    }

    /// How many chunks hold all rows, the last one perhaps fewer than the others.
    pub fn chunks(&self) -> usize {
        self.chunks.len() + usize::from(!self.rest.is_empty())
    }

    /// The numbers of a chunk in place of what `out` held.
    pub fn unpack(&self, chunk: usize, out: &mut Vec<f64>) {
        out.clear();
        match self.chunks.get(chunk) {
            None => out.extend_from_slice(&self.rest),
            Some(Chunk::Decimal { digits, places }) => {
                let power = POWERS[*places];
                let value = |digits: &i32| {
                    let value = f64::from(*digits) / power;
                    if *digits == MISSING { f64::NAN } else { value }
                };
                out.extend(digits.iter().map(value));
            }
            Some(Chunk::Double(values)) => out.extend_from_slice(values),
            Some(Chunk::Near { centre, distances }) => {
                out.extend(distances.iter().map(|distance| centre + f64::from(*distance)));
            }
            Some(Chunk::Gone) => {}
        }
    }

    /// Gives the memory of a chunk back.
    pub fn forget(&mut self, chunk: usize) {
        if let Some(chunk) = self.chunks.get_mut(chunk) {
            *chunk = Chunk::Gone;
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = f64> {
        (0..self.chunks()).flat_map(|chunk| {
            let mut unpacked = Vec::with_capacity(CHUNK);
            self.unpack(chunk, &mut unpacked);
            unpacked
        })
    }
}

impl FromIterator<f64> for Numbers {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        let mut numbers = Self::default();
        values.into_iter().for_each(|value| numbers.push(value));
        numbers
    }
}

/// The whole numbers that come back as these values; none where one does not.
fn all_digits(values: &[f64], power: f64) -> Option<Box<[i32]>> {
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
            digits
        }));
        if !all_come_back {
            return None;
        }
    }
    Some(all.into())
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
    (if missing { MISSING } else { digits }, missing || comes_back && digits != MISSING)
}

fn near(values: &[f64]) -> Chunk {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let range = high - low;
    // Beside a number far off, the distances of all others would lose what tells these apart.
    let close = 2.0 * range <= low.abs().max(high.abs());
    let centre = if close { low + range / 2.0 } else { 0.0 };
    #[allow(clippy::cast_possible_truncation)] // as the network computes
    let distances = values.iter().map(|value| (value - centre) as f32).collect();
    Chunk::Near { centre, distances }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kept(values: &[f64]) -> Numbers {
        values.iter().copied().collect()
    }

    fn to_vec(numbers: &Numbers) -> Vec<f64> {
        numbers.iter().collect()
    }

    /// Bytes a number, as far as it lies in chunks.
    fn bytes(numbers: &Numbers) -> usize {
        let of = |chunk: &Chunk| match chunk {
            Chunk::Decimal { .. } | Chunk::Near { .. } => 4,
            Chunk::Double(_) => 8,
            Chunk::Gone => 0,
        };
        numbers.chunks.iter().map(of).max().unwrap_or(0)
    }

    fn bits(values: &[f64]) -> Vec<u64> {
        values.iter().map(|value| value.to_bits()).collect()
    }

    proptest! {
        #[test]
        fn numbers_of_up_to_nine_digits_come_back_in_four_bytes(
            places in 0_usize..15,
            digits in prop::collection::vec(-999_999_999_i32..=999_999_999, CHUNK..3 * CHUNK),
        ) {
            let read = |digits: &i32| format!("{digits}e-{places}").parse::<f64>().unwrap();
            let values: Vec<f64> = digits.iter().map(read).collect();
            let numbers = kept(&values);
            prop_assert_eq!(bits(&to_vec(&numbers)), bits(&values));
            prop_assert_eq!(bytes(&numbers), 4);
        }

        #[test]
        fn any_numbers_come_back(values in prop::collection::vec(any::<f32>(), CHUNK..3 * CHUNK)) {
            let values: Vec<f64> = values.iter().map(|value| f64::from(*value)).collect();
            for (back, value) in to_vec(&kept(&values)).iter().zip(&values) {
                prop_assert!(back.to_bits() == value.to_bits() || back.is_nan() && value.is_nan());
            }
        }
    }

    #[test]
    fn what_is_no_whole_number_over_a_power_of_ten_is_kept_wherever_it_stands() {
        let odd = [
            f64::NAN,
            -0.0,
            f64::from(i32::MIN),
            f64::from(i32::MIN) / 10.0,
            2_147_483_648.0,
            4_294_967_297.5,
            5e-324,
            f64::INFINITY,
        ];
        for (odd, at) in odd.iter().flat_map(|odd| [(*odd, 7), (*odd, 70), (*odd, 1000)]) {
            let mut values = vec![1.5; CHUNK];
            values[at] = odd;
            assert_eq!(bits(&to_vec(&kept(&values))), bits(&values), "{odd} at {at}");
        }
    }

    #[test]
    fn a_long_column_of_long_numbers_takes_four_bytes_and_keeps_small_differences() {
        #[allow(clippy::cast_precision_loss)] // small
        let value = |row: usize| 1.7e9 + (row as f64 * 0.1).sin();
        let values: Vec<f64> = (0..(EXACT + 4) * CHUNK).map(value).collect();
        let numbers = kept(&values);
        let is_near = |chunk: &Chunk| matches!(chunk, Chunk::Near { .. });
        assert!(numbers.chunks[EXACT..].iter().all(is_near));
        let back = to_vec(&numbers);
        let (exact, near) = values.split_at(EXACT * CHUNK);
        assert_eq!(bits(&back[..exact.len()]), bits(exact));
        assert!(back[exact.len()..].iter().zip(near).all(|(b, v)| (b - v).abs() <= 1e-7));
        let constant = vec![0.1 + 0.2; (EXACT + 4) * CHUNK];
        assert_eq!(to_vec(&kept(&constant)), constant);
    }

    #[test]
    fn a_number_far_off_does_not_blur_those_around_it() {
        #[allow(clippy::cast_precision_loss)] // small
        let value = |row: usize| (row as f64 * 0.1).sin() + 0.1 / 3.0;
        for far in [1e6, -1e30, 3e38] {
            let mut values: Vec<f64> = (0..(EXACT + 4) * CHUNK).map(value).collect();
            values[(EXACT + 1) * CHUNK + 7] = far;
            let numbers = kept(&values);
            assert!(matches!(numbers.chunks[EXACT + 1], Chunk::Near { .. }));
            for (back, value) in to_vec(&numbers).iter().zip(&values) {
                assert!((back - value).abs() <= value.abs() / f64::from(1 << 24), "{back} {value}");
            }
        }
    }

    #[test]
    fn what_is_forgotten_is_gone_and_nothing_else() {
        let mut numbers = kept(&vec![0.5; 2 * CHUNK + 1]);
        numbers.forget(0);
        numbers.forget(2);
        let mut out = Vec::new();
        let lengths = [0, 1, 2].map(|chunk| {
            numbers.unpack(chunk, &mut out);
            out.len()
        });
        assert_eq!(lengths, [0, CHUNK, 1]);
    }
}
