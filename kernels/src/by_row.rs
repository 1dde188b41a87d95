//! Norms of each row by statistics of its own, over groups of neighbouring units.
//!
//! A row lies in all panels of its layer, so these kernels take some rows of every panel; no row waits for
//! another, which is what threads share. Where a group is whole panels, or all of a row, rows are read as
//! they lie. Else as many rows as a register has lanes are turned around at a time: then a register
//! holds one unit of each of them, sums over units are plain, and a group may begin and end at any unit. A row's
//! sums have the same terms in the same order whichever rows stand beside it.

use std::ops::Range;

use super::normalise::{Row, Settings, rows, rows_mut};
use super::{Isa, Kernel, MAX_LANES, PANEL, Simd, columns_of, panels};

/// Units that are summed before the sum joins the total, as rows are in [`normalise`](super::normalise).
const RUN: usize = 256;

/// How each row is treated.
#[derive(Debug, Clone, Copy)]
pub struct ByRow {
    /// Of the division.
    pub settings: Settings,
    /// Units of a row.
    pub units: usize,
    /// Groups that they are in, all as wide.
    pub groups: usize,
    /// Whether the mean is taken out.
    pub centres: bool,
}

impl ByRow {
    /// Floats that the way back needs of so many rows.
    #[must_use]
    pub fn kept(&self, rows: usize) -> usize {
        rows.next_multiple_of(MAX_LANES) * self.groups * 2
    }

    /// Floats to work in.
    #[must_use]
    pub fn scratch(&self) -> usize {
        2 * self.units.next_multiple_of(MAX_LANES) * MAX_LANES
    }

    /// The panels of each group, where none lies in two groups.
    fn panels(&self) -> Option<usize> {
        let width = self.units / self.groups;
        (self.groups == 1 || width.is_multiple_of(PANEL)).then(|| panels(width))
    }
}

/// Rows that are summed side by side: one sum waits for the one before it.
const SIDE_BY_SIDE: usize = 4;

/// As many ones as a register has lanes at most, then as many zeros.
const ONES_AND_ZEROS: [f32; 2 * MAX_LANES] = {
    let mut values = [0.0; 2 * MAX_LANES];
    let mut lane = 0;
    while lane < MAX_LANES {
        values[lane] = 1.0;
        lane += 1;
    }
    values
};

/// `value` in as many lanes, `other` in the rest.
#[inline(always)]
fn first<S: Simd>(simd: S, lanes: usize, value: S::V, other: S::V) -> S::V {
    if lanes == S::LANES {
        return value;
    }
    let ones = simd.read(&ONES_AND_ZEROS[MAX_LANES - lanes..]);
    simd.if_greater(ones, simd.splat(0.0), value, other)
}

/// `N` rows of a panel.
#[inline(always)]
fn some<const N: usize>(panel: &[f32], from: usize) -> &[Row; N] {
    &rows(panel)[from..].as_chunks().0[0]
}

/// Calls `visit` with each row of `block` that begins some of them, and whether these are [`SIDE_BY_SIDE`] or
/// one alone.
#[inline(always)]
fn side_by_side(block: Range<usize>, mut visit: impl FnMut(usize, bool)) {
    let mut from = block.start;
    while from < block.end {
        let several = block.end - from >= SIDE_BY_SIDE;
        visit(from, several);
        from += if several { SIDE_BY_SIDE } else { 1 };
    }
}

/// The sum of `term` over a group's units in each of `N` rows, into `sums`; `absent` are values whose term is 0.
#[inline(always)]
fn sum_rows<S: Simd, P: AsRef<[f32]>, const N: usize>(
    simd: S,
    panels: &[P],
    (of_group, units): (Range<usize>, usize),
    from: usize,
    absent: [S::V; N],
    term: impl Fn(usize, S::V, S::V) -> S::V,
    sums: &mut [f32],
) {
    let mut totals = [simd.splat(0.0); N];
    for panel in of_group {
        let some: &[Row; N] = some(panels[panel].as_ref(), from);
        for column in (0..PANEL).step_by(S::LANES) {
            let lanes = columns_of(units, panel).saturating_sub(column).min(S::LANES);
            for (i, total) in totals.iter_mut().enumerate() {
                let value = first(simd, lanes, simd.read(&some[i][column..]), absent[i]);
                *total = term(i, value, *total);
            }
        }
    }
    for (sum, total) in sums.iter_mut().zip(totals) {
        *sum = simd.sum(total);
    }
}

/// Rows `from..from + LANES` of all panels, as far as there are any, with a unit's numbers side by side.
#[inline(always)]
fn turn<S: Simd, P: AsRef<[f32]>>(
    simd: S,
    panels: &[P],
    units: usize,
    from: usize,
    out: &mut [f32],
) {
    let lanes = S::LANES;
    assert!(out.len() >= units.next_multiple_of(lanes) * lanes);
    let mut stage = [0.0; MAX_LANES * MAX_LANES];
    for column in (0..units).step_by(lanes) {
        let panel = panels[column / PANEL].as_ref();
        let start = from * PANEL + column % PANEL;
        let rows = lanes.min(panel.len() / PANEL - from);
        let to = &mut out[column * lanes..][..lanes * lanes];
        let (source, stride) = if rows == lanes {
            (&panel[start..start + (lanes - 1) * PANEL + lanes], PANEL)
        } else {
            for row in 0..rows {
                stage[row * lanes..][..lanes]
                    .copy_from_slice(&panel[start + row * PANEL..][..lanes]);
            }
            (&stage[..lanes * lanes], lanes)
        };
        // SAFETY: `source` ends with the last of `lanes` rows of as many floats, `to` is a square of them.
        unsafe { simd.transpose(source.as_ptr(), stride, to.as_mut_ptr(), lanes) };
    }
}

/// The other way round.
#[inline(always)]
fn turn_back<S: Simd>(
    simd: S,
    turned: &[f32],
    units: usize,
    from: usize,
    panels: &mut [&mut [f32]],
) {
    let lanes = S::LANES;
    assert!(turned.len() >= units.next_multiple_of(lanes) * lanes);
    let mut stage = [0.0; MAX_LANES * MAX_LANES];
    for column in (0..units).step_by(lanes) {
        let panel = &mut *panels[column / PANEL];
        let start = from * PANEL + column % PANEL;
        let rows = lanes.min(panel.len() / PANEL - from);
        let source = &turned[column * lanes..][..lanes * lanes];
        if rows == lanes {
            let to = &mut panel[start..start + (lanes - 1) * PANEL + lanes];
            // SAFETY: `to` ends with the last of `lanes` rows of as many floats, `source` is a square of them.
            unsafe { simd.transpose(source.as_ptr(), lanes, to.as_mut_ptr(), PANEL) };
            continue;
        }
        // SAFETY: both are squares of `lanes` x `lanes` floats or more.
        unsafe { simd.transpose(source.as_ptr(), lanes, stage.as_mut_ptr(), lanes) };
        for row in 0..rows {
            panel[start + row * PANEL..][..lanes].copy_from_slice(&stage[row * lanes..][..lanes]);
        }
    }
}

/// The sum of `term` over the units of a group.
#[inline(always)]
fn sum<S: Simd>(simd: S, values: &[f32], term: impl Fn(S::V, S::V) -> S::V) -> S::V {
    let mut total = simd.splat(0.0);
    for run in values.chunks(RUN * S::LANES) {
        let mut sums = [simd.splat(0.0); 4];
        let mut fours = run.chunks_exact(4 * S::LANES);
        for four in &mut fours {
            for (i, sum) in sums.iter_mut().enumerate() {
                *sum = term(simd.read(&four[i * S::LANES..]), *sum);
            }
        }
        for (value, sum) in fours.remainder().chunks_exact(S::LANES).zip(&mut sums) {
            *sum = term(simd.read(value), *sum);
        }
        let [a, b, c, d] = sums;
        total = simd.add(total, simd.add(simd.add(a, b), simd.add(c, d)));
    }
    total
}

/// Gives kernels of the rows of several panels the `run` that other crates call.
macro_rules! entry_points_of_rows {
    ($($kernel:ident),+) => {$(
        impl $kernel<'_, '_> {
            /// Computes it with these instructions.
            ///
            /// # Panics
            /// Where this processor does not have them.
            pub fn run(self, isa: Isa) {
                Kernel::run(self, isa);
            }
        }
    )+};
}
entry_points_of_rows!(NormaliseRows, NormaliseRowsBack);

/// `x` becomes (x - mean) / spread, group by group of each row.
pub struct NormaliseRows<'a, 'b> {
    /// How.
    pub by_row: ByRow,
    /// The same rows of every panel, `rows x PANEL` each.
    pub x: &'a mut [&'b mut [f32]],
    /// Receives what the way back needs: [`ByRow::kept`] floats; none where there is no way back.
    pub kept: Option<&'a mut [f32]>,
    /// [`ByRow::scratch`] floats.
    pub scratch: &'a mut [f32],
}

impl Kernel for NormaliseRows<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn compute<S: Simd>(self, simd: S) {
        let Self { by_row, x, mut kept, scratch } = self;
        let ByRow { settings, units, groups, centres } = by_row;
        let width = units / groups;
        #[allow(clippy::cast_precision_loss)] // units of a layer
        let share = simd.splat(1.0 / width as f32);
        if let Some(panels) = by_row.panels() {
            return by_row.as_they_lie(simd, x, kept, panels, share);
        }
        for from in (0..rows_of(&*x)).step_by(S::LANES) {
            turn(simd, &*x, units, from, scratch);
            for group in 0..groups {
                let values = &mut scratch[group * width * S::LANES..][..width * S::LANES];
                let mean = if centres {
                    simd.mul(sum(simd, values, |x, sum| simd.add(sum, x)), share)
                } else {
                    simd.splat(0.0)
                };
                let squares = sum(simd, values, |x, sum| {
                    let distance = simd.sub(x, mean);
                    simd.mul_add(distance, distance, sum)
                });
                let (spread, correction) = settings.spread(simd, simd.mul(squares, share));
                let inverse = simd.div(simd.splat(1.0), spread);
                for value in values.chunks_exact_mut(S::LANES) {
                    let distance = simd.sub(simd.read(value), mean);
                    simd.write(value, simd.mul(distance, inverse));
                }
                if let Some(kept) = &mut kept {
                    let kept = &mut kept[2 * (from * groups + group * S::LANES)..];
                    simd.write(kept, inverse);
                    simd.write(&mut kept[S::LANES..], correction);
                }
            }
            turn_back(simd, scratch, units, from, x);
        }
    }
}

impl ByRow {
    /// [`NormaliseRows`] without turning rows around.
    #[inline(always)]
    fn as_they_lie<S: Simd>(
        &self,
        simd: S,
        x: &mut [&mut [f32]],
        mut kept: Option<&mut [f32]>,
        panels: usize,
        share: S::V,
    ) {
        let Self { settings, units, groups, centres } = *self;
        let count = rows_of(&*x);
        for from in (0..count).step_by(S::LANES) {
            let block = from..count.min(from + S::LANES);
            for group in 0..groups {
                let of_group = (group * panels..(group + 1) * panels, units);
                let (mut sums, mut means) = ([0.0; MAX_LANES], [0.0; MAX_LANES]);
                if centres {
                    let add = |_, x, sum| simd.add(sum, x);
                    side_by_side(block.clone(), |row, several| {
                        let (place, sums) = (of_group.clone(), &mut sums[row - from..]);
                        let zero = simd.splat(0.0);
                        if several {
                            sum_rows(simd, x, place, row, [zero; SIDE_BY_SIDE], add, sums);
                        } else {
                            sum_rows(simd, x, place, row, [zero], add, sums);
                        }
                    });
                    simd.write(&mut means, simd.mul(simd.read(&sums), share));
                }
                side_by_side(block.clone(), |row, several| {
                    let (place, sums) = (of_group.clone(), &mut sums[row - from..]);
                    let mean = |i: usize| simd.splat(means[row - from + i]);
                    if several {
                        let means: [_; SIDE_BY_SIDE] = std::array::from_fn(mean);
                        let square = |i: usize, x, sum| {
                            let distance = simd.sub(x, means[i]);
                            simd.mul_add(distance, distance, sum)
                        };
                        sum_rows(simd, x, place, row, means, square, sums);
                    } else {
                        let means = [mean(0)];
                        let square = |_, x, sum| {
                            let distance = simd.sub(x, means[0]);
                            simd.mul_add(distance, distance, sum)
                        };
                        sum_rows(simd, x, place, row, means, square, sums);
                    }
                });
                let (spread, correction) = settings.spread(simd, simd.mul(simd.read(&sums), share));
                let inverse = simd.div(simd.splat(1.0), spread);
                let mut inverses = [0.0; MAX_LANES];
                simd.write(&mut inverses, inverse);
                for panel in of_group.0 {
                    let x = &mut rows_mut(x[panel])[block.clone()];
                    for ((row, mean), inverse) in x.iter_mut().zip(&means).zip(&inverses) {
                        let (mean, inverse) = (simd.splat(*mean), simd.splat(*inverse));
                        for column in (0..PANEL).step_by(S::LANES) {
                            let lanes =
                                columns_of(units, panel).saturating_sub(column).min(S::LANES);
                            let value = &mut row[column..];
                            let normalised = simd.mul(simd.sub(simd.read(value), mean), inverse);
                            simd.write(value, first(simd, lanes, normalised, simd.splat(0.0)));
                        }
                    }
                }
                if let Some(kept) = &mut kept {
                    let kept = &mut kept[2 * (from * groups + group * S::LANES)..];
                    simd.write(kept, inverse);
                    simd.write(&mut kept[S::LANES..], correction);
                }
            }
        }
    }
}

/// The gradients behind [`NormaliseRows`], in place:
/// dx = (h - mean h - correction x^ mean(h x^)) / s with h = scale g, the second term where the mean was taken out.
pub struct NormaliseRowsBack<'a, 'b> {
    /// How.
    pub by_row: ByRow,
    /// What [`NormaliseRows`] left in `x`.
    pub normalised: &'a [&'b [f32]],
    /// What it kept.
    pub kept: &'a [f32],
    /// Of each column of each panel; none where there is none.
    pub scale: Option<&'a [&'b [f32]]>,
    /// With respect to what was scaled, then to `x`; the same rows of every panel.
    pub gradient: &'a mut [&'b mut [f32]],
    /// [`ByRow::scratch`] floats.
    pub scratch: &'a mut [f32],
}

impl Kernel for NormaliseRowsBack<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn compute<S: Simd>(self, simd: S) {
        let Self { by_row, normalised, kept, scale, gradient, scratch } = self;
        let ByRow { units, groups, centres, .. } = by_row;
        let width = units / groups;
        #[allow(clippy::cast_precision_loss)] // units of a layer
        let share = simd.splat(1.0 / width as f32);
        if let Some(panels) = by_row.panels() {
            let back = Back { by_row, normalised, kept, scale, share };
            return back.as_they_lie(simd, gradient, panels);
        }
        let (turned, x) = scratch.split_at_mut(scratch.len() / 2);
        for from in (0..rows_of(&*gradient)).step_by(S::LANES) {
            turn(simd, &*gradient, units, from, turned);
            turn(simd, normalised, units, from, x);
            if let Some(scale) = scale {
                for (unit, value) in turned.chunks_exact_mut(S::LANES).take(units).enumerate() {
                    let factor = simd.splat(scale[unit / PANEL][unit % PANEL]);
                    simd.write(value, simd.mul(simd.read(value), factor));
                }
            }
            for group in 0..groups {
                let place = group * width * S::LANES..(group + 1) * width * S::LANES;
                let (h, x) = (&mut turned[place.clone()], &x[place]);
                let kept = &kept[2 * (from * groups + group * S::LANES)..];
                let (inverse, correction) = (simd.read(kept), simd.read(&kept[S::LANES..]));
                let mean = if centres {
                    simd.mul(sum(simd, h, |h, sum| simd.add(sum, h)), share)
                } else {
                    simd.splat(0.0)
                };
                let along = simd.mul(sum_of_products(simd, h, x), share);
                let slope = simd.mul(along, correction);
                for (h, x) in h.chunks_exact_mut(S::LANES).zip(x.chunks_exact(S::LANES)) {
                    let rest = simd.sub(simd.read(h), mean);
                    let rest = simd.mul_sub_from(simd.read(x), slope, rest);
                    simd.write(h, simd.mul(rest, inverse));
                }
            }
            turn_back(simd, turned, units, from, gradient);
        }
    }
}

/// What [`NormaliseRowsBack`] reads.
struct Back<'a, 'b, V> {
    by_row: ByRow,
    normalised: &'a [&'b [f32]],
    kept: &'a [f32],
    scale: Option<&'a [&'b [f32]]>,
    /// 1 / units of a group.
    share: V,
}

impl<V: Copy> Back<'_, '_, V> {
    /// [`NormaliseRowsBack`] without turning rows around.
    #[inline(always)]
    fn as_they_lie<S: Simd<V = V>>(&self, simd: S, gradient: &mut [&mut [f32]], panels: usize) {
        let ByRow { units, groups, centres, .. } = self.by_row;
        let count = rows_of(&*gradient);
        for from in (0..count).step_by(S::LANES) {
            let block = from..count.min(from + S::LANES);
            for group in 0..groups {
                let of_group = group * panels..(group + 1) * panels;
                let (mut sums, mut along) = ([0.0; MAX_LANES], [0.0; MAX_LANES]);
                side_by_side(block.clone(), |row, several| {
                    let place = of_group.clone();
                    let (sums, along) = (&mut sums[row - from..], &mut along[row - from..]);
                    if several {
                        self.sums::<S, SIDE_BY_SIDE>(simd, gradient, place, row, sums, along);
                    } else {
                        self.sums::<S, 1>(simd, gradient, place, row, sums, along);
                    }
                });
                let kept = &self.kept[2 * (from * groups + group * S::LANES)..];
                let (inverse, correction) = (simd.read(kept), simd.read(&kept[S::LANES..]));
                let mean =
                    if centres { simd.mul(simd.read(&sums), self.share) } else { simd.splat(0.0) };
                let slope = simd.mul(simd.mul(simd.read(&along), self.share), correction);
                let [mut means, mut slopes, mut inverses] = [[0.0; MAX_LANES]; 3];
                simd.write(&mut means, mean);
                simd.write(&mut slopes, slope);
                simd.write(&mut inverses, inverse);
                for panel in of_group {
                    let scale = self.scale(panel);
                    let gradients = &mut rows_mut(gradient[panel])[block.clone()];
                    let normalised = &rows(self.normalised[panel])[block.clone()];
                    for (i, (g, x)) in gradients.iter_mut().zip(normalised).enumerate() {
                        let (mean, slope) = (simd.splat(means[i]), simd.splat(slopes[i]));
                        let inverse = simd.splat(inverses[i]);
                        for column in (0..PANEL).step_by(S::LANES) {
                            let lanes =
                                columns_of(units, panel).saturating_sub(column).min(S::LANES);
                            let g = &mut g[column..];
                            let h = simd.mul(simd.read(g), simd.read(&scale[column..]));
                            let x = simd.read(&x[column..]);
                            let rest = simd.mul_sub_from(x, slope, simd.sub(h, mean));
                            let rest = simd.mul(rest, inverse);
                            simd.write(g, first(simd, lanes, rest, simd.splat(0.0)));
                        }
                    }
                }
            }
        }
    }

    /// The scale of a panel's units.
    #[inline(always)]
    fn scale(&self, panel: usize) -> &Row {
        self.scale.map_or(&[1.0; PANEL], |scale| &rows(scale[panel])[0])
    }

    /// Over a group's units in each of `N` rows, the sums of h and of h x^.
    #[inline(always)]
    fn sums<S: Simd<V = V>, const N: usize>(
        &self,
        simd: S,
        gradient: &[&mut [f32]],
        of_group: Range<usize>,
        from: usize,
        sums: &mut [f32],
        along: &mut [f32],
    ) {
        let zero = simd.splat(0.0);
        let (mut of_h, mut of_products) = ([zero; N], [zero; N]);
        for panel in of_group {
            let scale = self.scale(panel);
            let gradients: &[Row; N] = some(gradient[panel], from);
            let normalised: &[Row; N] = some(self.normalised[panel], from);
            for column in (0..PANEL).step_by(S::LANES) {
                let lanes =
                    columns_of(self.by_row.units, panel).saturating_sub(column).min(S::LANES);
                let scale = simd.read(&scale[column..]);
                for i in 0..N {
                    let h = simd.mul(simd.read(&gradients[i][column..]), scale);
                    let h = first(simd, lanes, h, zero);
                    let x = simd.read(&normalised[i][column..]);
                    of_h[i] = simd.add(of_h[i], h);
                    of_products[i] = simd.mul_add(h, x, of_products[i]);
                }
            }
        }
        for i in 0..N {
            sums[i] = simd.sum(of_h[i]);
            along[i] = simd.sum(of_products[i]);
        }
    }
}

/// Rows of the panels.
#[inline(always)]
fn rows_of<P: AsRef<[f32]>>(panels: &[P]) -> usize {
    panels.first().map_or(0, |panel| panel.as_ref().len() / PANEL)
}

/// The sum of the products of two groups' units.
#[inline(always)]
fn sum_of_products<S: Simd>(simd: S, a: &[f32], b: &[f32]) -> S::V {
    let mut total = simd.splat(0.0);
    for (a, b) in a.chunks(RUN * S::LANES).zip(b.chunks(RUN * S::LANES)) {
        let mut sums = [simd.splat(0.0); 4];
        let pairs = a.chunks_exact(S::LANES).zip(b.chunks_exact(S::LANES));
        for (i, (a, b)) in pairs.enumerate() {
            let sum = &mut sums[i % 4];
            *sum = simd.mul_add(simd.read(a), simd.read(b), *sum);
        }
        let [a, b, c, d] = sums;
        total = simd.add(total, simd.add(simd.add(a, b), simd.add(c, d)));
    }
    total
}
