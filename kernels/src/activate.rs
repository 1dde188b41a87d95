//! Activations, their slopes, and the functions that they are made of.

use super::{Kernel, Simd, entry_points};

entry_points!(Activate => (), Multiply => (), Slope => ());

/// What is applied to the outputs of a layer; Goodfellow et al. 2016, 6.3, and `PyTorch`'s docs have the
/// definitions, `leaky_relu` with a slope of 0.01, `elu` with an alpha of 1, `gelu` by the error function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // the field's names
pub enum Activation {
    Identity,
    Relu,
    LeakyRelu,
    Sigmoid,
    Tanh,
    Softsign,
    Gelu,
    Silu,
    Elu,
    Selu,
}

impl Activation {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Identity,
        Self::Relu,
        Self::LeakyRelu,
        Self::Sigmoid,
        Self::Tanh,
        Self::Softsign,
        Self::Gelu,
        Self::Silu,
        Self::Elu,
        Self::Selu,
    ];
}

/// Puts the [`Function`] of an [`Activation`] in for a type.
macro_rules! with_function {
    ($activation:expr, $F:ident => $call:expr) => {{
        use $crate::activate::{self, Activation};
        match $activation {
            Activation::Identity => {
                type $F = activate::Identity;
                $call
            }
            Activation::Relu => {
                type $F = activate::Relu;
                $call
            }
            Activation::LeakyRelu => {
                type $F = activate::LeakyRelu;
                $call
            }
            Activation::Sigmoid => {
                type $F = activate::Sigmoid;
                $call
            }
            Activation::Tanh => {
                type $F = activate::Tanh;
                $call
            }
            Activation::Softsign => {
                type $F = activate::Softsign;
                $call
            }
            Activation::Gelu => {
                type $F = activate::Gelu;
                $call
            }
            Activation::Silu => {
                type $F = activate::Silu;
                $call
            }
            Activation::Elu => {
                type $F = activate::Elu;
                $call
            }
            Activation::Selu => {
                type $F = activate::Selu;
                $call
            }
        }
    }};
}
pub(super) use with_function;

/// exp x, to 2 units in the last place; x is held between -87 and 88.
#[inline(always)]
pub(crate) fn exp<S: Simd>(simd: S, x: S::V) -> S::V {
    // A NaN passes: it is the second operand of both.
    let x = simd.max(simd.splat(-87.0), x);
    let x = simd.min(simd.splat(88.0), x);
    let n = simd.round(simd.mul(x, simd.splat(std::f32::consts::LOG2_E)));
    // ln 2 in two parts, the first with few bits (Cody & Waite 1980).
    let r = simd.mul_sub_from(n, simd.splat(0.693_359_4), x);
    let r = simd.mul_sub_from(n, simd.splat(-2.121_944_4e-4), r);
    let p = polynomial(
        simd,
        r,
        [1.987_569_1e-4, 1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 5e-1],
    );
    let p = simd.mul_add(p, simd.mul(r, r), simd.add(r, simd.splat(1.0)));
    simd.scale_by_power(p, n)
}

/// The polynomial of these coefficients, the highest power first.
#[inline(always)]
fn polynomial<S: Simd, const N: usize>(simd: S, x: S::V, coefficients: [f32; N]) -> S::V {
    let mut sum = simd.splat(coefficients[0]);
    for coefficient in &coefficients[1..] {
        sum = simd.mul_add(sum, x, simd.splat(*coefficient));
    }
    sum
}

#[inline(always)]
fn sigmoid<S: Simd>(simd: S, x: S::V) -> S::V {
    let one = simd.splat(1.0);
    let e = exp(simd, simd.sub(simd.splat(0.0), x));
    simd.div(one, simd.add(one, e))
}

#[inline(always)]
fn tanh<S: Simd>(simd: S, x: S::V) -> S::V {
    let one = simd.splat(1.0);
    let magnitude = simd.abs(x);
    let e = exp(simd, simd.mul(magnitude, simd.splat(-2.0)));
    let large = simd.div(simd.sub(one, e), simd.add(one, e));
    // Near 0 the difference loses digits; the odd series does not.
    let square = simd.mul(x, x);
    let p = polynomial(
        simd,
        square,
        [-5.704_989e-3, 2.063_909e-2, -5.373_971_6e-2, 1.333_144_2e-1, -3.333_328e-1],
    );
    let small = simd.mul_add(simd.mul(p, square), magnitude, magnitude);
    let value = simd.if_greater(magnitude, simd.splat(0.625), large, small);
    simd.copy_sign(value, x)
}

/// The error function, to 2e-7 (Abramowitz & Stegun 7.1.26 beyond 1, its series below).
#[inline(always)]
pub(crate) fn erf<S: Simd>(simd: S, x: S::V) -> S::V {
    let one = simd.splat(1.0);
    let magnitude = simd.abs(x);
    let square = simd.mul(x, x);
    let t = simd.div(one, simd.mul_add(simd.splat(0.327_591_1), magnitude, one));
    let p = polynomial(
        simd,
        t,
        [1.061_405_4, -1.453_152, 1.421_413_7, -0.284_496_74, 0.254_829_6, 0.0],
    );
    let tail = simd.mul(p, exp(simd, simd.sub(simd.splat(0.0), square)));
    let large = simd.sub(one, tail);
    let p = polynomial(
        simd,
        square,
        [
            7.853_861_3e-5,
            -8.010_194e-4,
            5.188_327_7e-3,
            -2.685_381_2e-2,
            1.128_358_5e-1,
            -3.761_262_6e-1,
            std::f32::consts::FRAC_2_SQRT_PI,
        ],
    );
    let small = simd.mul(p, magnitude);
    simd.copy_sign(simd.if_greater(magnitude, one, large, small), x)
}

/// Whether a slope is worked out from what went into an activation or from what came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlopeFrom {
    /// What went in.
    Input,
    /// What came out.
    Output,
}

/// An activation and its slope.
pub(crate) trait Function {
    /// What `slope` is given.
    const SLOPE_FROM: SlopeFrom;

    /// The value.
    fn value<S: Simd>(simd: S, x: S::V) -> S::V;

    /// The derivative, times `g`.
    fn times_slope<S: Simd>(simd: S, saved: S::V, g: S::V) -> S::V;
}

/// Defines a [`Function`].
macro_rules! function {
    ($name:ident, $from:ident, |$simd:ident, $x:ident| $value:expr, |$saved:ident, $g:ident| $slope:expr) => {
        /// The activation of this name.
        pub(super) struct $name;

        impl Function for $name {
            const SLOPE_FROM: SlopeFrom = SlopeFrom::$from;

            #[inline(always)]
            fn value<S: Simd>($simd: S, $x: S::V) -> S::V {
                let _ = $simd;
                $value
            }

            #[inline(always)]
            fn times_slope<S: Simd>($simd: S, $saved: S::V, $g: S::V) -> S::V {
                let _ = ($simd, $saved);
                $slope
            }
        }
    };
}

const LEAK: f32 = 0.01;
// Klambauer et al. 2017, equation 14.
const SELU_ALPHA: f32 = 1.673_263_2;
const SELU_SCALE: f32 = 1.050_701;

function!(Identity, Output, |simd, x| x, |y, g| g);
// The larger of 0 and x in this order: a NaN stays one, and the loss shows it.
function!(Relu, Output, |simd, x| simd.max(simd.splat(0.0), x), |y, g| simd.if_greater(
    y,
    simd.splat(0.0),
    g,
    simd.splat(0.0)
));
function!(
    LeakyRelu,
    Output,
    |simd, x| simd.if_greater(x, simd.splat(0.0), x, simd.mul(x, simd.splat(LEAK))),
    |y, g| simd.if_greater(y, simd.splat(0.0), g, simd.mul(g, simd.splat(LEAK)))
);
function!(Sigmoid, Output, |simd, x| sigmoid(simd, x), |y, g| simd
    .mul(g, simd.mul_sub_from(y, y, y)));
function!(Tanh, Output, |simd, x| tanh(simd, x), |y, g| {
    simd.mul(g, simd.mul_sub_from(y, y, simd.splat(1.0)))
});
function!(
    Softsign,
    Output,
    |simd, x| simd.div(x, simd.add(simd.abs(x), simd.splat(1.0))),
    |y, g| {
        // 1 / (1 + |x|)^2 = (1 - |y|)^2
        let root = simd.sub(simd.splat(1.0), simd.abs(y));
        simd.mul(g, simd.mul(root, root))
    }
);
function!(Gelu, Input, |simd, x| simd.mul(x, normal_distribution(simd, x)), |x, g| {
    // Beyond, the slope is 0 or 1, and the least that `exp` gives times x no longer is nothing.
    let x = simd.min(simd.splat(20.0), simd.max(simd.splat(-20.0), x));
    let half_square = simd.mul(simd.mul(x, x), simd.splat(-0.5));
    // 1 / sqrt(2 pi)
    let density = simd.mul(exp(simd, half_square), simd.splat(0.398_942_3));
    simd.mul(g, simd.mul_add(x, density, normal_distribution(simd, x)))
});
/// A smaller x has the sigmoid of this one: times x it would no longer be nothing.
const SILU_END: f32 = -88.0;

function!(
    Silu,
    Input,
    |simd, x| {
        let x = simd.max(simd.splat(SILU_END), x);
        simd.mul(x, sigmoid(simd, x))
    },
    |x, g| {
        let x = simd.max(simd.splat(SILU_END), x);
        let s = sigmoid(simd, x);
        let rest = simd.sub(simd.splat(1.0), s);
        simd.mul(g, simd.mul(s, simd.mul_add(x, rest, simd.splat(1.0))))
    }
);
function!(
    Elu,
    Output,
    |simd, x| {
        let below = simd.sub(exp(simd, x), simd.splat(1.0));
        simd.if_greater(x, simd.splat(0.0), x, below)
    },
    |y, g| {
        let below = simd.mul(g, simd.add(y, simd.splat(1.0)));
        simd.if_greater(y, simd.splat(0.0), g, below)
    }
);
function!(
    Selu,
    Output,
    |simd, x| {
        let below = simd.mul(simd.splat(SELU_ALPHA), simd.sub(exp(simd, x), simd.splat(1.0)));
        simd.mul(simd.splat(SELU_SCALE), simd.if_greater(x, simd.splat(0.0), x, below))
    },
    |y, g| {
        let above = simd.splat(SELU_SCALE);
        let below = simd.add(y, simd.splat(SELU_SCALE * SELU_ALPHA));
        simd.mul(g, simd.if_greater(y, simd.splat(0.0), above, below))
    }
);

#[inline(always)]
fn normal_distribution<S: Simd>(simd: S, x: S::V) -> S::V {
    let scaled = erf(simd, simd.mul(x, simd.splat(std::f32::consts::FRAC_1_SQRT_2)));
    simd.mul(simd.add(scaled, simd.splat(1.0)), simd.splat(0.5))
}

/// What the slope of an activation is worked out from.
#[must_use]
pub fn slope_from(activation: Activation) -> SlopeFrom {
    with_function!(activation, F => F::SLOPE_FROM)
}

/// Applies an activation in place; `saved`, where given, receives what its slope is worked out from.
pub struct Activate<'a> {
    /// Which.
    pub activation: Activation,
    /// Its input, then its output.
    pub values: &'a mut [f32],
    /// As long as `values`.
    pub saved: Option<&'a mut [f32]>,
}

impl Kernel for Activate<'_> {
    type Output = ();

    #[inline(always)]
    fn compute<S: Simd>(self, simd: S) {
        with_function!(self.activation, F => match self.saved {
            Some(saved) => activate_and_save::<S, F>(simd, self.values, saved),
            None => activate::<S, F>(simd, self.values),
        });
    }
}

#[inline(always)]
fn activate<S: Simd, F: Function>(simd: S, values: &mut [f32]) {
    for value in values.chunks_exact_mut(S::LANES) {
        let y = F::value(simd, simd.read(value));
        simd.write(value, y);
    }
}

#[inline(always)]
fn activate_and_save<S: Simd, F: Function>(simd: S, values: &mut [f32], saved: &mut [f32]) {
    for (value, saved) in values.chunks_exact_mut(S::LANES).zip(saved.chunks_exact_mut(S::LANES)) {
        let x = simd.read(value);
        let y = F::value(simd, x);
        simd.write(value, y);
        simd.write(saved, if F::SLOPE_FROM == SlopeFrom::Input { x } else { y });
    }
}

/// Multiplies gradients by an activation's slopes.
pub struct Slope<'a> {
    /// Which.
    pub activation: Activation,
    /// What the slopes are worked out from.
    pub saved: &'a [f32],
    /// With respect to the output, then to the input.
    pub gradient: &'a mut [f32],
}

impl Kernel for Slope<'_> {
    type Output = ();

    #[inline(always)]
    fn compute<S: Simd>(self, simd: S) {
        with_function!(self.activation, F => slope::<S, F>(simd, self.saved, self.gradient));
    }
}

#[inline(always)]
fn slope<S: Simd, F: Function>(simd: S, saved: &[f32], gradient: &mut [f32]) {
    for (saved, g) in saved.chunks_exact(S::LANES).zip(gradient.chunks_exact_mut(S::LANES)) {
        let product = F::times_slope(simd, simd.read(saved), simd.read(g));
        simd.write(g, product);
    }
}

/// Multiplies values by others: a dropout's mask.
pub struct Multiply<'a> {
    /// Multiplied in place.
    pub values: &'a mut [f32],
    /// As many.
    pub factors: &'a [f32],
}

impl Kernel for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn compute<S: Simd>(self, simd: S) {
        let factors = self.factors.chunks_exact(S::LANES);
        for (value, factor) in self.values.chunks_exact_mut(S::LANES).zip(factors) {
            let product = simd.mul(simd.read(value), simd.read(factor));
            simd.write(value, product);
        }
    }
}
