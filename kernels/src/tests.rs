//! Kernels against loops in double precision, on every instruction set.

mod functions;
mod losses;
mod products;
mod sums;

use super::PANEL;
use super::buffer::Buffer;

/// What stands where nothing may be written.
const UNTOUCHED: f32 = 12_345.0;

/// Normal floats, others for each name: by Box and Muller (1958) from `SplitMix64` (Steele et al. 2014).
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)] // kernels are of f32
fn normal(name: &str, len: usize) -> Vec<f32> {
    let mut state = name.bytes().fold(3_u64, |hash, byte| hash * 257 % 1_000_003 + u64::from(byte));
    let mut uniform = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut draw = || {
        let (u, v) = (1.0 - uniform(), uniform());
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    };
    (0..len).map(|_| draw() as f32).collect()
}

fn buffer(values: &[f32]) -> Buffer {
    let mut buffer = Buffer::zeros(values.len());
    buffer.copy_from_slice(values);
    buffer
}

/// Panels of a matrix given row by row; columns beyond it are `UNTOUCHED`, which no sum may notice.
fn panels_of(matrix: &[f32], rows: usize, width: usize) -> Vec<Buffer> {
    let panel = |index: usize| {
        let mut panel = Buffer::filled(rows * PANEL, UNTOUCHED);
        for row in 0..rows {
            let columns = index * PANEL..width.min((index + 1) * PANEL);
            panel[row * PANEL..][..columns.len()].copy_from_slice(&matrix[row * width..][columns]);
        }
        panel
    };
    (0..width.div_ceil(PANEL)).map(panel).collect()
}

/// The rounding of a sum of `terms` products whose absolute values add up to `magnitude` (Higham
/// 2002, equation 3.5), each product rounded at most once on its own.
#[allow(clippy::cast_precision_loss)] // a few terms
fn rounding(terms: usize, magnitude: f64) -> f64 {
    (terms as f64 + 2.0) * f64::from(f32::EPSILON) / 2.0 * magnitude + 1e-40
}

fn assert_within(what: &str, actual: f32, expected: f64, bound: f64) {
    let error = (f64::from(actual) - expected).abs();
    assert!(error <= bound, "{what}: {actual} instead of {expected} ({error:e} over {bound:e})");
}
