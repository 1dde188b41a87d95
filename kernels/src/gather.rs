//! Rows of the data into panels.
//!
//! The rows of a batch lie all over the data. While a panel is filled, the lines of the next one are
//! asked for, so that it does not wait for one row after another.

use super::{Kernel, MAX_LANES, PANEL, Simd, entry_points};

entry_points!(GatherBytes => (), GatherFloats => ());

/// Bytes of a cache line.
const LINE: usize = 64;

/// Rows whose next lines stay in the second cache until they are wanted.
const AHEAD: usize = 1024;

/// Asks for the lines from this one on that hold so many bytes.
#[inline(always)]
fn ask<S: Simd>(simd: S, from: *const u8, bytes: usize) {
    for at in (0..bytes).step_by(LINE) {
        simd.prefetch(from.wrapping_add(at).cast());
    }
    simd.prefetch(from.wrapping_add(bytes - 1).cast());
}

/// Copies columns of some rows of floats into a panel.
pub struct GatherFloats<'a> {
    /// Rows of `width` floats; each chunk but the last has two to the power of `log_rows` of them.
    pub chunks: &'a [Vec<f32>],
    /// See `chunks`.
    pub log_rows: u32,
    /// Floats of a row.
    pub width: usize,
    /// Which rows.
    pub rows: &'a [u32],
    /// The first column.
    pub from: usize,
    /// How many columns: at most `PANEL`.
    pub columns: usize,
    /// `rows x PANEL`; the other columns stay as they are.
    pub out: &'a mut [f32],
}

impl Kernel for GatherFloats<'_> {
    type Output = ();

    #[inline(always)]
    fn compute<S: Simd>(self, simd: S) {
        let Self { chunks, log_rows, width, rows, from, columns, out } = self;
        assert!(columns <= PANEL && from + columns <= width);
        let whole = columns - columns % S::LANES;
        let next = if rows.len() > AHEAD { 0 } else { PANEL.min(width - from - columns) };
        for (row, place) in rows.iter().zip(out.as_chunks_mut::<PANEL>().0) {
            let row = *row as usize;
            let (chunk, row) = (&chunks[row >> log_rows], row & ((1 << log_rows) - 1));
            let row = &chunk[row * width + from..][..columns];
            if next > 0 {
                ask(simd, row.as_ptr().wrapping_add(PANEL).cast(), next * size_of::<f32>());
            }
            for column in (0..whole).step_by(S::LANES) {
                simd.write(&mut place[column..], simd.read(&row[column..]));
            }
            place[whole..columns].copy_from_slice(&row[whole..]);
        }
    }
}

/// Copies columns of some rows of bytes into a panel, each byte b as `b scale + shift`.
pub struct GatherBytes<'a> {
    /// Rows of `width` bytes.
    pub bytes: &'a [u8],
    /// Bytes of a row.
    pub width: usize,
    /// Which rows.
    pub rows: &'a [u32],
    /// The first column.
    pub from: usize,
    /// How many columns: at most `PANEL`.
    pub columns: usize,
    /// Factor of a byte.
    pub scale: f32,
    /// Added after scaling.
    pub shift: f32,
    /// `rows x PANEL`; the other columns stay as they are.
    pub out: &'a mut [f32],
}

impl Kernel for GatherBytes<'_> {
    type Output = ();

    #[inline(always)]
    fn compute<S: Simd>(self, simd: S) {
        let Self { bytes, width, rows, from, columns, scale, shift, out } = self;
        assert!(columns <= PANEL && from + columns <= width);
        let whole = columns - columns % S::LANES;
        let (factor, addend) = (simd.splat(scale), simd.splat(shift));
        // A line holds two panels: of every second one, those of the next two.
        let even = from.is_multiple_of(LINE) && rows.len() <= AHEAD;
        let next = if even { LINE.min(width.saturating_sub(from + LINE)) } else { 0 };
        for (row, place) in rows.iter().zip(out.as_chunks_mut::<PANEL>().0) {
            let row = &bytes[*row as usize * width + from..][..columns];
            if next > 0 {
                ask(simd, row.as_ptr().wrapping_add(LINE), next);
            }
            for column in (0..whole).step_by(S::LANES) {
                // SAFETY: `column + LANES` is at most `whole`, within the row.
                let value = unsafe { simd.load_bytes(row.as_ptr().add(column)) };
                simd.write(&mut place[column..], simd.mul_add(value, factor, addend));
            }
            if whole < columns {
                let (mut rest, mut values) = ([0_u8; MAX_LANES], [0.0; MAX_LANES]);
                rest[..columns - whole].copy_from_slice(&row[whole..]);
                // SAFETY: no instructions have more lanes than `rest` has bytes.
                let value = unsafe { simd.load_bytes(rest.as_ptr()) };
                simd.write(&mut values, simd.mul_add(value, factor, addend));
                place[whole..columns].copy_from_slice(&values[..columns - whole]);
            }
        }
    }
}
