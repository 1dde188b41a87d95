//! Batch statistics of the columns of a panel, normalisation by them, and the way back.
//!
//! Every column is on its own, so a panel is done while it is in the first cache. Sums go over the
//! rows in runs of 256, four interleaved sums a run, whatever the batch's size.

use super::activate::{Activation, Function, SlopeFrom, with_function};
use super::{Kernel, PANEL, Simd, entry_points};

entry_points!(
    Affine => (),
    AffineActivate => (),
    AffineBack => (),
    Apply => (),
    ColumnSums => (),
    Fixed => (Row, Row),
    Measure => (),
    Normalise => (),
    NormaliseBack => (),
);

/// Rows that are summed before the sum joins the total, so that the rounding of a sum over a large
/// batch grows with the root of its rows' number, not with the number.
const RUN: usize = 256;

/// One number for each column of a panel.
pub type Row = [f32; PANEL];

/// How a batch norm treats a panel.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Keeps the division away from 0.
    pub eps: f32,
    /// sqrt(var) + eps in place of sqrt(var + eps).
    pub eps_outside: bool,
    /// Whether it divides at all; else it takes the mean out and no more.
    pub divides: bool,
}

impl Settings {
    /// What is divided by, and by how much the slope of its root differs from that of the variance:
    /// `s / sigma` where eps stands outside of the root (0 where sigma is 0 or NaN), else 1; 0 where nothing
    /// is divided.
    #[inline(always)]
    pub(super) fn spread<S: Simd>(self, simd: S, var: S::V) -> (S::V, S::V) {
        let eps = simd.splat(self.eps);
        if !self.divides {
            (simd.splat(1.0), simd.splat(0.0))
        } else if self.eps_outside {
            let (zero, sigma) = (simd.splat(0.0), simd.sqrt(var));
            let spread = simd.add(sigma, eps);
            (spread, simd.if_greater(sigma, zero, simd.div(spread, sigma), zero))
        } else {
            (simd.sqrt(simd.add(var, eps)), simd.splat(1.0))
        }
    }
}

/// What a panel's batch was like.
#[derive(Debug, Clone)]
pub struct Moments {
    /// Of each column.
    pub mean: Row,
    /// Biased: divided by the number of rows.
    pub var: Row,
    /// What each column was divided by, inverted.
    pub inverse: Row,
    /// The second number of [`Settings::spread`].
    correction: Row,
}

impl Default for Moments {
    fn default() -> Self {
        let zeros = [0.0; PANEL];
        Self { mean: zeros, var: zeros, inverse: zeros, correction: zeros }
    }
}

/// `x` becomes (x - mean) / spread, `out` the activation of `scale x + shift`.
pub struct Normalise<'a> {
    /// Of the norm.
    pub settings: Settings,
    /// `rows x PANEL`.
    pub x: &'a mut [f32],
    /// `rows x PANEL`.
    pub out: &'a mut [f32],
    /// Receives what the slope of the activation is worked out from; `rows x PANEL`.
    pub saved: Option<&'a mut [f32]>,
    /// Of each column; 1 and 0 where there are none.
    pub affine: Option<(&'a [f32], &'a [f32])>,
    /// After the norm; `Identity` where there is none.
    pub activation: Activation,
    /// Receives the statistics.
    pub moments: &'a mut Moments,
    /// Columns that are wanted.
    pub columns: usize,
}

/// Rows of a panel.
#[inline(always)]
pub(super) fn rows(panel: &[f32]) -> &[Row] {
    panel.as_chunks().0
}

#[inline(always)]
pub(super) fn rows_mut(panel: &mut [f32]) -> &mut [Row] {
    panel.as_chunks_mut().0
}

/// A column's numbers of four rows, for four sums.
#[inline(always)]
fn four<S: Simd>(simd: S, rows: &[Row; 4], column: usize) -> [S::V; 4] {
    [
        simd.read(&rows[0][column..]),
        simd.read(&rows[1][column..]),
        simd.read(&rows[2][column..]),
        simd.read(&rows[3][column..]),
    ]
}

#[inline(always)]
fn add_four<S: Simd>(simd: S, sums: [S::V; 4]) -> S::V {
    simd.add(simd.add(sums[0], sums[1]), simd.add(sums[2], sums[3]))
}

/// The sums over all rows of `LANES` columns.
#[inline(always)]
pub(super) fn sum<S: Simd>(simd: S, panel: &[Row], column: usize) -> S::V {
    let mut total = simd.splat(0.0);
    for run in panel.chunks(RUN) {
        let mut sums = [simd.splat(0.0); 4];
        let (fours, rest) = run.as_chunks::<4>();
        for rows in fours {
            let values = four(simd, rows, column);
            for i in 0..4 {
                sums[i] = simd.add(sums[i], values[i]);
            }
        }
        for (i, row) in rest.iter().enumerate() {
            sums[i] = simd.add(sums[i], simd.read(&row[column..]));
        }
        total = simd.add(total, add_four(simd, sums));
    }
    total
}

/// The sums of the squared distances from `mean`.
#[inline(always)]
fn sum_of_squares<S: Simd>(simd: S, panel: &[Row], column: usize, mean: S::V) -> S::V {
    let mut total = simd.splat(0.0);
    for run in panel.chunks(RUN) {
        let mut sums = [simd.splat(0.0); 4];
        let (fours, rest) = run.as_chunks::<4>();
        for rows in fours {
            let values = four(simd, rows, column);
            for i in 0..4 {
                let distance = simd.sub(values[i], mean);
                sums[i] = simd.mul_add(distance, distance, sums[i]);
            }
        }
        for (i, row) in rest.iter().enumerate() {
            let distance = simd.sub(simd.read(&row[column..]), mean);
            sums[i] = simd.mul_add(distance, distance, sums[i]);
        }
        total = simd.add(total, add_four(simd, sums));
    }
    total
}

impl Kernel for Normalise<'_> {
    type Output = ();

    #[inline(always)]
    fn compute<S: Simd>(self, simd: S) {
        let activation = self.activation;
        with_function!(activation, F => self.with::<S, F>(simd));
    }
}

impl Normalise<'_> {
    #[inline(always)]
    fn with<S: Simd, F: Function>(self, simd: S) {
        let Self { settings, x, out, saved, affine, moments, columns, .. } = self;
        let (x, out) = (rows_mut(x), rows_mut(out));
        let mut saved = saved.map(rows_mut);
        assert!(x.len() == out.len() && saved.as_ref().is_none_or(|saved| saved.len() == x.len()));
        for column in (0..columns.next_multiple_of(S::LANES)).step_by(S::LANES) {
            measure(simd, settings, x, column, moments);
            let affine = affine_of(simd, affine, column);
            apply::<S, F>(simd, x, out, saved.as_deref_mut(), affine, moments, column);
        }
    }
}

/// The statistics of `LANES` columns.
#[inline(always)]
fn measure<S: Simd>(simd: S, settings: Settings, x: &[Row], column: usize, moments: &mut Moments) {
    #[allow(clippy::cast_precision_loss)] // rows of a batch
    let share = simd.splat(1.0 / x.len() as f32);
    let mean = simd.mul(sum(simd, x, column), share);
    let var = if settings.divides {
        simd.mul(sum_of_squares(simd, x, column, mean), share)
    } else {
        simd.splat(0.0)
    };
    simd.write(&mut moments.mean[column..], mean);
    simd.write(&mut moments.var[column..], var);
    let (spread, correction) = settings.spread(simd, var);
    let inverse = simd.div(simd.splat(1.0), spread);
    simd.write(&mut moments.inverse[column..], inverse);
    simd.write(&mut moments.correction[column..], correction);
}

/// Normalises `LANES` columns by their statistics and takes them through scale, shift and activation.
#[inline(always)]
fn apply<S: Simd, F: Function>(
    simd: S,
    x: &mut [Row],
    out: &mut [Row],
    mut saved: Option<&mut [Row]>,
    (scale, shift): (S::V, S::V),
    moments: &Moments,
    column: usize,
) {
    let mean = simd.read(&moments.mean[column..]);
    let inverse = simd.read(&moments.inverse[column..]);
    for (index, (x, out)) in x.iter_mut().zip(out.iter_mut()).enumerate() {
        let x = &mut x[column..];
        let normalised = simd.mul(simd.sub(simd.read(x), mean), inverse);
        simd.write(x, normalised);
        let input = simd.mul_add(normalised, scale, shift);
        let y = F::value(simd, input);
        simd.write(&mut out[column..], y);
        if let Some(saved) = &mut saved {
            let value = if F::SLOPE_FROM == SlopeFrom::Input { input } else { y };
            simd.write(&mut saved[index][column..], value);
        }
    }
}

/// The first half of [`Normalise`]: the statistics of a batch.
pub struct Measure<'a> {
    /// Of the norm.
    pub settings: Settings,
    /// `rows x PANEL`.
    pub x: &'a [f32],
    /// Receives the statistics.
    pub moments: &'a mut Moments,
    /// Columns that are wanted.
    pub columns: usize,
}

impl Kernel for Measure<'_> {
    type Output = ();

    #[inline(always)]
    fn compute<S: Simd>(self, simd: S) {
        for column in (0..self.columns.next_multiple_of(S::LANES)).step_by(S::LANES) {
            measure(simd, self.settings, rows(self.x), column, self.moments);
        }
    }
}

/// The second half of [`Normalise`]: by statistics that are there already.
pub struct Apply<'a> {
    /// `rows x PANEL`.
    pub x: &'a mut [f32],
    /// `rows x PANEL`.
    pub out: &'a mut [f32],
    /// Receives what the slope of the activation is worked out from; `rows x PANEL`.
    pub saved: Option<&'a mut [f32]>,
    /// Of each column.
    pub affine: (&'a [f32], &'a [f32]),
    /// After the norm.
    pub activation: Activation,
    /// The statistics.
    pub moments: &'a Moments,
    /// Columns that are wanted.
    pub columns: usize,
}

impl Kernel for Apply<'_> {
    type Output = ();

    #[inline(always)]
    fn compute<S: Simd>(self, simd: S) {
        let activation = self.activation;
        with_function!(activation, F => self.with::<S, F>(simd));
    }
}

impl Apply<'_> {
    #[inline(always)]
    fn with<S: Simd, F: Function>(self, simd: S) {
        let Self { x, out, saved, affine, moments, columns, .. } = self;
        let (x, out) = (rows_mut(x), rows_mut(out));
        let mut saved = saved.map(rows_mut);
        assert!(x.len() == out.len() && saved.as_ref().is_none_or(|saved| saved.len() == x.len()));
        for column in (0..columns.next_multiple_of(S::LANES)).step_by(S::LANES) {
            let affine = affine_of(simd, Some(affine), column);
            apply::<S, F>(simd, x, out, saved.as_deref_mut(), affine, moments, column);
        }
    }
}

#[inline(always)]
fn affine_of<S: Simd>(simd: S, affine: Option<(&[f32], &[f32])>, column: usize) -> (S::V, S::V) {
    match affine {
        Some((scale, shift)) => (simd.read(&scale[column..]), simd.read(&shift[column..])),
        None => (simd.splat(1.0), simd.splat(0.0)),
    }
}

/// The gradients behind [`Normalise`], in place.
pub struct NormaliseBack<'a> {
    /// What [`Normalise`] left in `x`.
    pub normalised: &'a [f32],
    /// What the slope of the activation is worked out from; `rows x PANEL`.
    pub saved: &'a [f32],
    /// With respect to `out`, then to `x`.
    pub gradient: &'a mut [f32],
    /// Of each column.
    pub scale: Option<&'a [f32]>,
    /// After the norm.
    pub activation: Activation,
    /// Of this batch.
    pub moments: &'a Moments,
    /// Receives the gradient of the scale.
    pub scale_gradient: &'a mut [f32],
    /// Receives the gradient of the shift.
    pub shift_gradient: &'a mut [f32],
    /// Columns that are wanted.
    pub columns: usize,
}

impl Kernel for NormaliseBack<'_> {
    type Output = ();

    #[inline(always)]
    fn compute<S: Simd>(self, simd: S) {
        let activation = self.activation;
        with_function!(activation, F => self.with::<S, F>(simd));
    }
}

impl NormaliseBack<'_> {
    /// dx = (scale / s) (g - mean g - correction x^ mean(g x^))
    #[inline(always)]
    fn with<S: Simd, F: Function>(self, simd: S) {
        let Self { moments, scale, columns, .. } = self;
        let (normalised, saved) = (rows(self.normalised), rows(self.saved));
        let gradient = rows_mut(self.gradient);
        assert!(gradient.len() == normalised.len() && gradient.len() == saved.len());
        #[allow(clippy::cast_precision_loss)] // rows of a batch
        let share = simd.splat(1.0 / gradient.len() as f32);
        for column in (0..columns.next_multiple_of(S::LANES)).step_by(S::LANES) {
            let (mut of_shift, mut of_scale) = (simd.splat(0.0), simd.splat(0.0));
            let runs = gradient.chunks_mut(RUN).zip(normalised.chunks(RUN)).zip(saved.chunks(RUN));
            for ((gradient, normalised), saved) in runs {
                let mut shifts = [simd.splat(0.0); 4];
                let mut scales = [simd.splat(0.0); 4];
                let (fours, rest) = gradient.as_chunks_mut::<4>();
                let (fours_n, rest_n) = normalised.as_chunks::<4>();
                let (fours_s, rest_s) = saved.as_chunks::<4>();
                for ((gradient, normalised), saved) in fours.iter_mut().zip(fours_n).zip(fours_s) {
                    let g = four(simd, gradient, column);
                    let n = four(simd, normalised, column);
                    let s = four(simd, saved, column);
                    for i in 0..4 {
                        let g = F::times_slope(simd, s[i], g[i]);
                        simd.write(&mut gradient[i][column..], g);
                        shifts[i] = simd.add(shifts[i], g);
                        scales[i] = simd.mul_add(g, n[i], scales[i]);
                    }
                }
                for (i, gradient) in rest.iter_mut().enumerate() {
                    let saved = simd.read(&rest_s[i][column..]);
                    let g = F::times_slope(simd, saved, simd.read(&gradient[column..]));
                    simd.write(&mut gradient[column..], g);
                    shifts[i] = simd.add(shifts[i], g);
                    scales[i] = simd.mul_add(g, simd.read(&rest_n[i][column..]), scales[i]);
                }
                of_shift = simd.add(of_shift, add_four(simd, shifts));
                of_scale = simd.add(of_scale, add_four(simd, scales));
            }
            simd.write(&mut self.shift_gradient[column..], of_shift);
            simd.write(&mut self.scale_gradient[column..], of_scale);
            let mut factor = simd.read(&moments.inverse[column..]);
            if let Some(scale) = scale {
                factor = simd.mul(factor, simd.read(&scale[column..]));
            }
            let mean = simd.mul(of_shift, share);
            let correction = simd.read(&moments.correction[column..]);
            let slope = simd.mul(simd.mul(of_scale, share), correction);
            for (gradient, normalised) in gradient.iter_mut().zip(normalised) {
                let gradient = &mut gradient[column..];
                let rest = simd.sub(simd.read(gradient), mean);
                let rest = simd.mul_sub_from(simd.read(&normalised[column..]), slope, rest);
                simd.write(gradient, simd.mul(rest, factor));
            }
        }
    }
}

/// `out` becomes the activation of `scale x + shift`: what follows a norm that is done already.
pub struct AffineActivate<'a> {
    /// `rows x PANEL`.
    pub x: &'a [f32],
    /// `rows x PANEL`.
    pub out: &'a mut [f32],
    /// Receives what the slope of the activation is worked out from; `rows x PANEL`.
    pub saved: Option<&'a mut [f32]>,
    /// Of each column; 1 and 0 where there are none.
    pub affine: Option<(&'a [f32], &'a [f32])>,
    /// After the norm; `Identity` where there is none.
    pub activation: Activation,
    /// Columns that are wanted.
    pub columns: usize,
}

impl Kernel for AffineActivate<'_> {
    type Output = ();

    #[inline(always)]
    fn compute<S: Simd>(self, simd: S) {
        let activation = self.activation;
        with_function!(activation, F => self.with::<S, F>(simd));
    }
}

impl AffineActivate<'_> {
    #[inline(always)]
    fn with<S: Simd, F: Function>(self, simd: S) {
        let Self { x, out, saved, affine, columns, .. } = self;
        let (x, out) = (rows(x), rows_mut(out));
        let mut saved = saved.map(rows_mut);
        assert!(x.len() == out.len() && saved.as_ref().is_none_or(|saved| saved.len() == x.len()));
        for column in (0..columns.next_multiple_of(S::LANES)).step_by(S::LANES) {
            let (scale, shift) = affine_of(simd, affine, column);
            for (index, (x, out)) in x.iter().zip(out.iter_mut()).enumerate() {
                let input = simd.mul_add(simd.read(&x[column..]), scale, shift);
                let y = F::value(simd, input);
                simd.write(&mut out[column..], y);
                if let Some(saved) = &mut saved {
                    let value = if F::SLOPE_FROM == SlopeFrom::Input { input } else { y };
                    simd.write(&mut saved[index][column..], value);
                }
            }
        }
    }
}

/// The gradients of scale and shift alone.
pub struct AffineBack<'a> {
    /// What was scaled and shifted; `rows x PANEL`.
    pub normalised: &'a [f32],
    /// With respect to what came out of it; `rows x PANEL`.
    pub gradient: &'a [f32],
    /// Receives the gradient of the scale.
    pub scale_gradient: &'a mut [f32],
    /// Receives the gradient of the shift.
    pub shift_gradient: &'a mut [f32],
    /// Columns that are wanted.
    pub columns: usize,
}

impl Kernel for AffineBack<'_> {
    type Output = ();

    #[inline(always)]
    fn compute<S: Simd>(self, simd: S) {
        let (normalised, gradient) = (rows(self.normalised), rows(self.gradient));
        assert!(normalised.len() == gradient.len());
        for column in (0..self.columns.next_multiple_of(S::LANES)).step_by(S::LANES) {
            let of_scale = sum_of_products(simd, gradient, normalised, column);
            let of_shift = sum(simd, gradient, column);
            simd.write(&mut self.scale_gradient[column..], of_scale);
            simd.write(&mut self.shift_gradient[column..], of_shift);
        }
    }
}

/// The sums over all rows of the products of two panels, `LANES` columns of them.
#[inline(always)]
pub(super) fn sum_of_products<S: Simd>(simd: S, a: &[Row], b: &[Row], column: usize) -> S::V {
    let mut total = simd.splat(0.0);
    for (a, b) in a.chunks(RUN).zip(b.chunks(RUN)) {
        let mut sums = [simd.splat(0.0); 4];
        let ((fours_a, rest_a), (fours_b, rest_b)) = (a.as_chunks::<4>(), b.as_chunks::<4>());
        for (a, b) in fours_a.iter().zip(fours_b) {
            let (a, b) = (four(simd, a, column), four(simd, b, column));
            for i in 0..4 {
                sums[i] = simd.mul_add(a[i], b[i], sums[i]);
            }
        }
        for (i, (a, b)) in rest_a.iter().zip(rest_b).enumerate() {
            sums[i] = simd.mul_add(simd.read(&a[column..]), simd.read(&b[column..]), sums[i]);
        }
        total = simd.add(total, add_four(simd, sums));
    }
    total
}

/// The sums of a panel's columns: the gradient of a bias.
pub struct ColumnSums<'a> {
    /// `rows x PANEL`.
    pub panel: &'a [f32],
    /// `PANEL` sums.
    pub sums: &'a mut [f32],
}

impl Kernel for ColumnSums<'_> {
    type Output = ();

    #[inline(always)]
    fn compute<S: Simd>(self, simd: S) {
        for column in (0..PANEL).step_by(S::LANES) {
            let total = sum(simd, rows(self.panel), column);
            simd.write(&mut self.sums[column..], total);
        }
    }
}

/// What a batch norm with fixed statistics does, as a factor and an addend of each column.
pub struct Fixed<'a> {
    /// Of the norm.
    pub settings: Settings,
    /// Of each column.
    pub mean: &'a Row,
    /// Of each column.
    pub var: &'a Row,
    /// Of each column.
    pub scale: &'a [f32],
    /// Of each column.
    pub shift: &'a [f32],
}

impl Kernel for Fixed<'_> {
    type Output = (Row, Row);

    #[inline(always)]
    fn compute<S: Simd>(self, simd: S) -> (Row, Row) {
        let (mut factors, mut addends) = ([0.0; PANEL], [0.0; PANEL]);
        for column in (0..PANEL).step_by(S::LANES) {
            let (spread, _) = self.settings.spread(simd, simd.read(&self.var[column..]));
            let factor = simd.div(simd.read(&self.scale[column..]), spread);
            let moved = simd.mul(simd.read(&self.mean[column..]), factor);
            let addend = simd.sub(simd.read(&self.shift[column..]), moved);
            simd.write(&mut factors[column..], factor);
            simd.write(&mut addends[column..], addend);
        }
        (factors, addends)
    }
}

/// `x` becomes `scale x + shift`, column by column: a norm outside of training.
pub struct Affine<'a> {
    /// `rows x PANEL`.
    pub x: &'a mut [f32],
    /// Of each column.
    pub scale: &'a Row,
    /// Of each column.
    pub shift: &'a Row,
}

impl Kernel for Affine<'_> {
    type Output = ();

    #[inline(always)]
    fn compute<S: Simd>(self, simd: S) {
        for column in (0..PANEL).step_by(S::LANES) {
            let scale = simd.read(&self.scale[column..]);
            let shift = simd.read(&self.shift[column..]);
            for row in rows_mut(self.x) {
                let row = &mut row[column..];
                let y = simd.mul_add(simd.read(row), scale, shift);
                simd.write(row, y);
            }
        }
    }
}
