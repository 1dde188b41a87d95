//! Products of matrices in panels.

use super::buffer::Buffer;
use super::{Kernel, PANEL, Simd, columns_of, entry_points, panels};

entry_points!(Product => (), Transpose => ());

/// One panel of a product: `out = left right`, or `start + left right` with `start` added to each
/// row.
pub struct Product<'a> {
    /// Panels of `rows x depth`.
    pub left: &'a [Buffer],
    /// `depth x PANEL`.
    pub right: &'a [f32],
    /// `PANEL` floats that every row's sums start from, in place of 0.
    pub start: Option<&'a [f32]>,
    /// `rows x PANEL`.
    pub out: &'a mut [f32],
    /// Rows of `left` and `out`.
    pub rows: usize,
    /// Terms of each sum.
    pub depth: usize,
    /// Columns of `out` that are wanted; the others up to the next register may be written, too.
    pub columns: usize,
}

impl Kernel for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn compute<S: Simd>(self, simd: S) {
        let Self { left, right, start, out, rows, depth, columns } = self;
        let left = &left[..panels(depth)];
        assert!(columns <= PANEL && right.len() >= depth * PANEL && out.len() >= rows * PANEL);
        assert!(left.iter().all(|panel| panel.len() >= rows * PANEL));
        assert!(start.is_none_or(|start| start.len() >= PANEL));
        let (vectors, half) = registers::<S>(columns);
        for vector in (0..vectors + usize::from(half)).step_by(S::WIDTH) {
            let place = Tile {
                left,
                right: right.as_ptr().wrapping_add(vector * S::LANES),
                start: start.map(|start| start.as_ptr().wrapping_add(vector * S::LANES)),
                out: out.as_mut_ptr().wrapping_add(vector * S::LANES),
                depth,
            };
            // SAFETY: the lengths were held against the shapes above; `vector` is a register of the
            // panel's row.
            unsafe {
                match vectors - vector {
                    0 => place.tiles::<S, 0, 1>(simd, rows),
                    1 if half && S::WIDTH == 2 => place.tiles::<S, 1, 1>(simd, rows),
                    2.. if S::WIDTH == 2 => place.tiles::<S, 2, 0>(simd, rows),
                    _ => place.tiles::<S, 1, 0>(simd, rows),
                }
            }
        }
    }
}

/// How many whole registers hold this many columns, and whether half a one holds the last of them.
#[inline(always)]
fn registers<S: Simd>(columns: usize) -> (usize, bool) {
    let (whole, rest) = (columns / S::LANES, columns % S::LANES);
    let half =
        rest > 0 && rest <= <S::Half as Simd>::LANES && 2 * <S::Half as Simd>::LANES == S::LANES;
    (whole + usize::from(rest > 0 && !half), half)
}

/// The length and the height of tile `index` of `count` that share `rows` evenly.
#[inline(always)]
fn share(rows: usize, count: usize, index: usize) -> (usize, usize) {
    let (height, longer) = (rows / count, rows % count);
    (index * height + index.min(longer), height + usize::from(index < longer))
}

/// Calls a function with the number of rows as its constant.
macro_rules! with_rows {
    ($rows:expr, $R:ident => $call:expr) => {
        match $rows {
            1 => {
                const $R: usize = 1;
                $call
            }
            2 => {
                const $R: usize = 2;
                $call
            }
            3 => {
                const $R: usize = 3;
                $call
            }
            4 => {
                const $R: usize = 4;
                $call
            }
            5 => {
                const $R: usize = 5;
                $call
            }
            6 => {
                const $R: usize = 6;
                $call
            }
            7 => {
                const $R: usize = 7;
                $call
            }
            8 => {
                const $R: usize = 8;
                $call
            }
            9 => {
                const $R: usize = 9;
                $call
            }
            10 => {
                const $R: usize = 10;
                $call
            }
            11 => {
                const $R: usize = 11;
                $call
            }
            _ => {
                const $R: usize = 12;
                $call
            }
        }
    };
}

/// Where the tiles of a panel are.
struct Tile<'a> {
    left: &'a [Buffer],
    right: *const f32,
    start: Option<*const f32>,
    out: *mut f32,
    depth: usize,
}

impl Tile<'_> {
    /// All rows of the columns of `N` registers and `H` halves.
    ///
    /// # Safety
    /// All places have to hold the shapes of [`Product`].
    #[inline(always)]
    unsafe fn tiles<S: Simd, const N: usize, const H: usize>(&self, simd: S, rows: usize) {
        let count = rows.div_ceil(S::ROWS);
        for index in 0..count {
            let (row, height) = share(rows, count, index);
            // SAFETY: the caller's promise; `row + height` is at most `rows`.
            with_rows!(height, R => unsafe { self.tile::<S, R, N, H>(simd, row) });
        }
    }

    /// # Safety
    /// As [`tiles`](Self::tiles), with `row + R` rows.
    #[inline(always)]
    unsafe fn tile<S: Simd, const R: usize, const N: usize, const H: usize>(
        &self,
        simd: S,
        row: usize,
    ) {
        if R > S::ROWS {
            return;
        }
        let mut sums = Sums::<S, R, N, H>::zeros(simd);
        if let Some(start) = self.start {
            // SAFETY: `start` holds a row of a panel.
            unsafe { sums.start_from(simd, start) };
        }
        for (index, panel) in self.left.iter().enumerate() {
            if let Some(next) = self.left.get(index + 1) {
                for r in 0..R {
                    let line = next.as_ptr().wrapping_add((row + r) * PANEL);
                    simd.prefetch(line);
                    simd.prefetch(line.wrapping_add(16));
                }
            }
            // SAFETY: rows `row` to `row + R` of this panel and as many rows of `right` as it has
            // columns of the depth.
            unsafe {
                let left = panel.as_ptr().add(row * PANEL);
                let right = self.right.add(index * PANEL * PANEL);
                let terms = columns_of(self.depth, index);
                sums.accumulate::<PANEL, 1>(simd, left, right, terms);
            }
        }
        // SAFETY: rows `row` to `row + R` of `out`.
        unsafe { sums.store(simd, self.out.add(row * PANEL)) };
    }
}

/// The sums of a tile: `R` rows of `N` registers and `H` (0 or 1) halves.
struct Sums<S: Simd, const R: usize, const N: usize, const H: usize> {
    whole: [[S::V; N]; R],
    halves: [[<S::Half as Simd>::V; H]; R],
}

impl<S: Simd, const R: usize, const N: usize, const H: usize> Sums<S, R, N, H> {
    #[inline(always)]
    fn zeros(simd: S) -> Self {
        Self { whole: [[simd.splat(0.0); N]; R], halves: [[simd.half().splat(0.0); H]; R] }
    }

    /// Each row becomes that at `start`.
    ///
    /// # Safety
    /// It has to be as long.
    #[inline(always)]
    unsafe fn start_from(&mut self, simd: S, start: *const f32) {
        for n in 0..N {
            // SAFETY: the caller's promise.
            let value = unsafe { simd.load(start.add(n * S::LANES)) };
            self.whole.iter_mut().for_each(|row| row[n] = value);
        }
        for h in 0..H {
            // SAFETY: the caller's promise.
            let value = unsafe { simd.half().load(start.add(N * S::LANES)) };
            self.halves.iter_mut().for_each(|row| row[h] = value);
        }
    }

    /// Adds `terms` products to each sum, in their order: `sums[r][n] += left[r ROW + t TERM] right[t
    /// PANEL + n]`.
    ///
    /// # Safety
    /// All of these places have to be readable.
    #[inline(always)]
    unsafe fn accumulate<const ROW: usize, const TERM: usize>(
        &mut self,
        simd: S,
        mut left: *const f32,
        mut right: *const f32,
        terms: usize,
    ) {
        for _ in 0..terms / S::UNROLL {
            for term in 0..S::UNROLL {
                // SAFETY: the caller's promise; so many terms are left.
                unsafe { self.term::<ROW>(simd, left.add(term * TERM), right.add(term * PANEL)) };
            }
            left = left.wrapping_add(S::UNROLL * TERM);
            right = right.wrapping_add(S::UNROLL * PANEL);
        }
        for _ in 0..terms % S::UNROLL {
            // SAFETY: the caller's promise.
            unsafe { self.term::<ROW>(simd, left, right) };
            left = left.wrapping_add(TERM);
            right = right.wrapping_add(PANEL);
        }
    }

    /// Adds a product to each sum.
    ///
    /// # Safety
    /// As [`accumulate`](Self::accumulate), of one term.
    #[inline(always)]
    unsafe fn term<const ROW: usize>(&mut self, simd: S, left: *const f32, right: *const f32) {
        let half = simd.half();
        let mut whole = [simd.splat(0.0); N];
        for (n, value) in whole.iter_mut().enumerate() {
            // SAFETY: the caller's promise.
            *value = unsafe { simd.load(right.add(n * S::LANES)) };
        }
        let mut halves = [half.splat(0.0); H];
        for value in &mut halves {
            // SAFETY: the caller's promise.
            *value = unsafe { half.load(right.add(N * S::LANES)) };
        }
        for r in 0..R {
            // SAFETY: the caller's promise.
            let factor = unsafe { *left.add(r * ROW) };
            for (sum, value) in self.whole[r].iter_mut().zip(&whole) {
                *sum = simd.mul_add(simd.splat(factor), *value, *sum);
            }
            for (sum, value) in self.halves[r].iter_mut().zip(&halves) {
                *sum = half.mul_add(half.splat(factor), *value, *sum);
            }
        }
    }

    /// Writes the rows of a panel from `out` on; the other half of a register becomes 0.
    ///
    /// # Safety
    /// All of them have to be writable.
    #[inline(always)]
    unsafe fn store(&self, simd: S, out: *mut f32) {
        let half = simd.half();
        for (r, (whole, halves)) in self.whole.iter().zip(&self.halves).enumerate() {
            // SAFETY: the caller's promise.
            unsafe {
                let row = out.add(r * PANEL);
                for (n, sum) in whole.iter().enumerate() {
                    simd.store(row.add(n * S::LANES), *sum);
                }
                for sum in halves {
                    let place = row.add(N * S::LANES);
                    half.store(place, *sum);
                    half.store(place.add(S::LANES / 2), half.splat(0.0));
                }
            }
        }
    }
}

/// Up to 32 rows of a panel of `left turned around x right`: the gradient of weights.
pub(crate) struct Block<'a> {
    /// A panel, `terms x PANEL`.
    pub left: &'a [f32],
    /// A panel, `terms x PANEL`.
    pub right: &'a [f32],
    /// Terms of each sum.
    pub terms: usize,
    /// Columns of `left` that are wanted: rows of the result.
    pub rows: usize,
    /// Columns of `right` that are wanted.
    pub columns: usize,
}

impl Block<'_> {
    /// Writes `rows x PANEL` sums; columns beyond the wanted ones may stay as they are.
    ///
    /// # Panics
    /// Where a panel is too short.
    #[inline(always)]
    pub fn sum<S: Simd>(&self, simd: S, out: &mut [f32; PANEL * PANEL]) {
        let Self { left, right, terms, rows, columns } = *self;
        assert!(rows <= PANEL && columns <= PANEL);
        assert!(left.len() >= terms * PANEL && right.len() >= terms * PANEL);
        let (vectors, half) = registers::<S>(columns);
        for vector in (0..vectors + usize::from(half)).step_by(S::WIDTH) {
            let right = right.as_ptr().wrapping_add(vector * S::LANES);
            let out = out.as_mut_ptr().wrapping_add(vector * S::LANES);
            let count = rows.div_ceil(S::ROWS);
            for index in 0..count {
                let (row, height) = share(rows, count, index);
                let left = left.as_ptr().wrapping_add(row);
                let out = out.wrapping_add(row * PANEL);
                // SAFETY: the lengths were held against the shapes above.
                with_rows!(height, R => unsafe {
                    match vectors - vector {
                        0 => block_tile::<S, R, 0, 1>(simd, left, right, terms, out),
                        1 if half && S::WIDTH == 2 => {
                            block_tile::<S, R, 1, 1>(simd, left, right, terms, out);
                        }
                        2.. if S::WIDTH == 2 => {
                            block_tile::<S, R, 2, 0>(simd, left, right, terms, out);
                        }
                        _ => block_tile::<S, R, 1, 0>(simd, left, right, terms, out),
                    }
                });
            }
        }
    }
}

/// # Safety
/// `terms` rows of panels have to be readable, and `R` rows of one writable.
#[inline(always)]
unsafe fn block_tile<S: Simd, const R: usize, const N: usize, const H: usize>(
    simd: S,
    left: *const f32,
    right: *const f32,
    terms: usize,
    out: *mut f32,
) {
    if R > S::ROWS {
        return;
    }
    let mut sums = Sums::<S, R, N, H>::zeros(simd);
    // SAFETY: the caller's promise.
    unsafe {
        sums.accumulate::<1, PANEL>(simd, left, right, terms);
        sums.store(simd, out);
    }
}

/// Transposes the rows of a layer's weights that belong to one panel of its inputs: `out[o][i] = weights[o / PANEL][row + i][o % PANEL]`.
pub struct Transpose<'a> {
    /// Panels of `inputs x outputs` by their number, with rows of zeros up to a whole number of
    /// [`MAX_LANES`](super::MAX_LANES).
    pub weights: &'a dyn Fn(usize) -> &'a [f32],
    /// The first row.
    pub row: usize,
    /// How many rows: at most `PANEL`.
    pub rows: usize,
    /// Columns of all panels together.
    pub outputs: usize,
    /// Whole panels of `outputs x PANEL`; beyond the matrix, whole registers become 0.
    pub out: &'a mut [f32],
}

impl Kernel for Transpose<'_> {
    type Output = ();

    #[inline(always)]
    fn compute<S: Simd>(self, simd: S) {
        let Self { weights, row, rows, outputs, out } = self;
        assert!(rows <= PANEL);
        // Whole registers: what lies beyond the matrix are zeros.
        let rows = rows.next_multiple_of(S::LANES);
        let out = out.chunks_exact_mut(PANEL * PANEL);
        for (panel, out) in (0..panels(outputs)).zip(out) {
            let weights = &weights(panel)[row * PANEL..(row + rows) * PANEL];
            let columns = columns_of(outputs, panel).next_multiple_of(S::LANES);
            for i in (0..rows).step_by(S::LANES) {
                for o in (0..columns).step_by(S::LANES) {
                    // SAFETY: rows i to i + LANES of `weights`, rows o to o + LANES of `out`, both
                    // below PANEL and inside of the slices.
                    unsafe {
                        let from = weights.as_ptr().add(i * PANEL + o);
                        let to = out.as_mut_ptr().add(o * PANEL + i);
                        simd.transpose(from, PANEL, to, PANEL);
                    }
                }
            }
        }
    }
}
