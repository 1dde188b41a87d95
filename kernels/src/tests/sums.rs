//! Sums over rows and over squares.

use super::{UNTOUCHED, assert_within, buffer, normal, rounding};
use crate::buffer::Buffer;
use crate::normalise::ColumnSums;
use crate::update::{Gradient, SquaredNorm, WeightGradient};
use crate::{Isa, PANEL};

#[test]
fn the_sums_of_columns_are_those_of_their_rows() {
    for rows in [1, 2, 3, 4, 5, 8, 31, 255, 256, 257, 260, 1000] {
        let panel = normal("panel", rows * PANEL);
        for isa in Isa::available() {
            let mut sums = [UNTOUCHED; PANEL + 1];
            ColumnSums { panel: &panel, sums: &mut sums }.run(isa);
            for (column, sum) in sums[..PANEL].iter().enumerate() {
                let values = panel.chunks_exact(PANEL).map(|row| f64::from(row[column]));
                let magnitude = values.clone().map(f64::abs).sum();
                let label = format!("{isa:?} {rows} rows, column {column}");
                assert_within(&label, *sum, values.sum(), rounding(rows, magnitude));
            }
            assert_eq!(sums[PANEL], UNTOUCHED);
        }
    }
}

#[test]
fn a_squared_norm_is_the_sum_of_the_squares() {
    for len in [0, PANEL, 5 * PANEL, 32 * PANEL, 33 * PANEL, 100 * PANEL] {
        let values = buffer(&normal("values", len));
        let expected: f64 = values.iter().map(|value| f64::from(*value).powi(2)).sum();
        for isa in Isa::available() {
            let actual = SquaredNorm(&values).run(isa);
            let error = (actual - expected).abs();
            assert!(error <= 1e-5 * expected, "{isa:?} {len}: {actual} instead of {expected}");
        }
    }
}

#[test]
fn a_gradient_over_any_number_of_rows_is_exact_to_1e_4_even_if_all_are_equal() {
    for rows in [1, 511, 512, 513, 1025, 200_000] {
        let inputs = [Buffer::filled(rows * PANEL, 0.1)];
        let outputs = vec![1.0; rows * PANEL];
        for isa in Isa::available() {
            let mut kept = [UNTOUCHED; 4 * PANEL];
            let gradient =
                Gradient { inputs: &inputs, depth: 3, outputs: &outputs, rows, columns: 1 };
            WeightGradient { gradient, kept: &mut kept }.run(isa);
            #[allow(clippy::cast_precision_loss)] // a few rows
            let expected = 0.1 * rows as f32;
            for row in 0..3 {
                let error = (kept[row * PANEL] - expected).abs();
                assert!(error <= 1e-4 * expected, "{isa:?} {rows}: {}", kept[row * PANEL]);
            }
            assert_eq!(kept[3 * PANEL], UNTOUCHED);
        }
    }
}
