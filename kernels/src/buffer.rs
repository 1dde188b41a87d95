//! Floats on 64-byte boundaries.

use bytemuck::{Pod, Zeroable};

/// A cache line of floats.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
struct Line([f32; LINE]);

const LINE: usize = 16;

/// Floats that begin on a cache line.
#[derive(Debug, Clone, Default)]
pub struct Buffer {
    lines: Vec<Line>,
    len: usize,
}

impl Buffer {
    /// This many floats, all of the same value.
    #[must_use]
    pub fn filled(len: usize, value: f32) -> Self {
        Self { lines: vec![Line([value; LINE]); len.div_ceil(LINE)], len }
    }

    /// This many zeros.
    #[must_use]
    pub fn zeros(len: usize) -> Self {
        Self::filled(len, 0.0)
    }
}

impl std::ops::Deref for Buffer {
    type Target = [f32];

    #[inline]
    fn deref(&self) -> &[f32] {
        &bytemuck::cast_slice(&self.lines)[..self.len]
    }
}

impl std::ops::DerefMut for Buffer {
    #[inline]
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut bytemuck::cast_slice_mut(&mut self.lines)[..self.len]
    }
}
