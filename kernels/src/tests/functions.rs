//! exp, erf, the activations and their slopes over all floats.

use statrs::function::erf::{erf, erfc};

use crate::activate::{self, Activate, Activation, Slope};
use crate::{Isa, Kernel, Simd};

/// One float in 9973 of all that there are, both signs, in whole registers; no NaN.
fn all_over() -> Vec<f32> {
    let mut floats: Vec<f32> =
        (0..=u32::MAX).step_by(9_973).map(f32::from_bits).filter(|x| !x.is_nan()).collect();
    floats.extend(special());
    floats.resize(floats.len().next_multiple_of(16), 1.0);
    floats
}

/// Zeros, the smallest floats, the edges of the ranges of exp, the ends.
fn special() -> Vec<f32> {
    let positive = [
        0.0,
        f32::from_bits(1),
        f32::MIN_POSITIVE,
        1e-20,
        0.625,
        1.0,
        16_777_216.5,
        86.9,
        87.0,
        87.1,
        88.0,
        88.1,
        88.8,
        103.0,
        f32::MAX,
        f32::INFINITY,
    ];
    positive.into_iter().flat_map(|x| [x, -x]).collect()
}

#[derive(Clone, Copy)]
enum Function {
    Exp,
    Erf,
}

/// A function of each float, in place.
struct Map<'a>(Function, &'a mut [f32]);

impl Kernel for Map<'_> {
    type Output = ();

    #[inline(always)]
    fn compute<S: Simd>(self, simd: S) {
        for values in self.1.chunks_exact_mut(S::LANES) {
            let x = simd.read(values);
            let y = match self.0 {
                Function::Exp => activate::exp(simd, x),
                Function::Erf => activate::erf(simd, x),
            };
            simd.write(values, y);
        }
    }
}

fn apply(isa: Isa, activation: Activation, points: &[f32]) -> Vec<f32> {
    let mut values = points.to_vec();
    Activate { activation, values: &mut values, saved: None }.run(isa);
    values
}

/// Half the distance between the floats around `value`, twice.
fn unit_in_the_last_place(value: f64) -> f64 {
    #[allow(clippy::cast_possible_truncation)] // the float next to it
    let float = (value.abs() as f32).max(f32::MIN_POSITIVE);
    f64::from(float.next_up()) - f64::from(float)
}

/// The largest error of `actual`, by its place.
fn worst(
    label: &str,
    points: &[f32],
    actual: &[f32],
    error: impl Fn(f64, f64) -> f64,
    allowed: f64,
) {
    for (x, y) in points.iter().zip(actual) {
        let error = error(f64::from(*x), f64::from(*y));
        assert!(error <= allowed, "{label} of {x:e} is {y:e}: an error of {error:e}");
    }
}

#[test]
fn exp_is_exact_to_two_units_in_the_last_place_and_held_within_its_range() {
    let points = all_over();
    for isa in Isa::available() {
        let mut values = points.clone();
        Map(Function::Exp, &mut values).run(isa);
        let error = |x: f64, y: f64| {
            let expected = x.clamp(-87.0, 88.0).exp();
            (y - expected).abs() / unit_in_the_last_place(expected)
        };
        worst(&format!("{isa:?} exp"), &points, &values, error, 2.0);
        let at = |x: f32| {
            let mut values = [x; 16];
            Map(Function::Exp, &mut values).run(isa);
            values[0]
        };
        for tiny in [0.0, -0.0, f32::from_bits(1), -f32::MIN_POSITIVE] {
            assert_eq!(at(tiny), 1.0, "{isa:?}");
        }
        assert!(at(f32::NAN).is_nan(), "{isa:?}");
    }
}

#[test]
fn erf_is_exact_to_3e_7_and_odd() {
    let points = all_over();
    for isa in Isa::available() {
        let map = |points: &[f32]| {
            let mut values = points.to_vec();
            Map(Function::Erf, &mut values).run(isa);
            values
        };
        let values = map(&points);
        worst(&format!("{isa:?} erf"), &points, &values, |x, y| (y - erf(x)).abs(), 3e-7);
        let turned: Vec<f32> = points.iter().map(|x| -x).collect();
        for (value, turned) in values.iter().zip(map(&turned)) {
            assert_eq!(value.to_bits(), (-turned).to_bits(), "{isa:?}");
        }
        assert_eq!(map(&[f32::INFINITY; 16])[0], 1.0);
        assert!(map(&[f32::NAN; 16])[0].is_nan());
    }
}

#[test]
fn tanh_is_exact_to_four_units_in_the_last_place_over_all_floats() {
    let points = all_over();
    for isa in Isa::available() {
        let values = apply(isa, Activation::Tanh, &points);
        let error = |x: f64, y: f64| (y - x.tanh()).abs() / unit_in_the_last_place(x.tanh());
        worst(&format!("{isa:?} tanh"), &points, &values, error, 4.0);
        let zeros = apply(isa, Activation::Tanh, &[-0.0; 16]);
        assert!(zeros[0] == 0.0 && zeros[0].is_sign_negative());
    }
}

#[test]
fn sigmoid_is_exact_to_four_units_in_the_last_place_but_for_a_tail_below_1e_38() {
    let points = all_over();
    for isa in Isa::available() {
        let values = apply(isa, Activation::Sigmoid, &points);
        let error = |x: f64, y: f64| {
            let expected = 1.0 / (1.0 + (-x).exp());
            let error = (y - expected).abs();
            if x < -87.0 { error / 1e-38 } else { error / unit_in_the_last_place(expected) }
        };
        worst(&format!("{isa:?} sigmoid"), &points, &values, error, 4.0);
    }
}

/// Value and slope in double precision; at a kink the slope of the left.
fn formula(activation: Activation, x: f64) -> (f64, f64) {
    let sigmoid = 1.0 / (1.0 + (-x).exp());
    let normal = 0.5 * erfc(-x * std::f64::consts::FRAC_1_SQRT_2);
    let density = (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt();
    let (scale, alpha) = (1.050_700_987_355_480_5, 1.673_263_242_354_377_2);
    let by_sign = |right: (f64, f64), left: (f64, f64)| if x > 0.0 { right } else { left };
    match activation {
        Activation::Identity => (x, 1.0),
        Activation::Relu => by_sign((x, 1.0), (0.0, 0.0)),
        Activation::LeakyRelu => by_sign((x, 1.0), (0.01 * x, 0.01)),
        Activation::Sigmoid => (sigmoid, sigmoid * (1.0 - sigmoid)),
        Activation::Tanh => (x.tanh(), 1.0 - x.tanh().powi(2)),
        Activation::Softsign => (x / (1.0 + x.abs()), (1.0 + x.abs()).powi(-2)),
        Activation::Gelu => (x * normal, normal + x * density),
        Activation::Silu => (x * sigmoid, sigmoid * (1.0 + x * (1.0 - sigmoid))),
        Activation::Elu => by_sign((x, 1.0), (x.exp_m1(), x.exp())),
        Activation::Selu => {
            by_sign((scale * x, scale), (scale * alpha * x.exp_m1(), scale * alpha * x.exp()))
        }
    }
}

#[test]
fn activations_and_slopes_are_exact_to_2e_6_up_to_1e38() {
    let mut points: Vec<f32> = all_over().into_iter().filter(|x| x.abs() <= 1e38).collect();
    points.resize(points.len().next_multiple_of(16), 1.0);
    for isa in Isa::available() {
        for activation in Activation::ALL {
            let label = format!("{isa:?} {activation:?}");
            let mut values = points.clone();
            let mut saved = vec![0.0; points.len()];
            Activate { activation, values: &mut values, saved: Some(&mut saved) }.run(isa);
            assert_eq!(values, apply(isa, activation, &points), "{label}");
            let of_value = |x: f64, y: f64| {
                let expected = formula(activation, x).0;
                (y - expected).abs() / expected.abs().max(1.0)
            };
            worst(&label, &points, &values, of_value, 2e-6);
            let mut slopes = vec![1.0; points.len()];
            Slope { activation, saved: &saved, gradient: &mut slopes }.run(isa);
            let of_slope = |x: f64, slope: f64| (slope - formula(activation, x).1).abs();
            worst(&format!("slope of {label}"), &points, &slopes, of_slope, 1e-6);
        }
    }
}

#[test]
fn what_is_not_a_number_stays_so_through_every_activation() {
    for isa in Isa::available() {
        for activation in Activation::ALL {
            let values = apply(isa, activation, &[f32::NAN; 16]);
            assert!(values.iter().all(|value| value.is_nan()), "{isa:?} {activation:?}");
        }
    }
}

/// `if_greater` of whole registers.
struct Choose<'a> {
    a: &'a [f32],
    b: &'a [f32],
    yes: &'a [f32],
    no: &'a [f32],
}

impl Kernel for Choose<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn compute<S: Simd>(self, simd: S) -> Vec<f32> {
        let mut chosen = vec![0.0; self.a.len()];
        for at in (0..self.a.len()).step_by(S::LANES) {
            let [a, b, yes, no] =
                [self.a, self.b, self.yes, self.no].map(|values| simd.read(&values[at..]));
            simd.write(&mut chosen[at..], simd.if_greater(a, b, yes, no));
        }
        chosen
    }
}

#[test]
fn a_choice_gives_every_bit_of_what_it_chooses() {
    let floats =
        [0.0, -0.0, 1.0, -1.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, f32::from_bits(1)];
    let all = |pick: fn(usize) -> usize| -> Vec<f32> {
        (0..floats.len().pow(4)).map(|index| floats[pick(index) % floats.len()]).collect()
    };
    let [a, b] = [all(|index| index), all(|index| index / 8)];
    let [yes, no] = [all(|index| index / 64), all(|index| index / 512)];
    for isa in Isa::available() {
        let chosen = Choose { a: &a, b: &b, yes: &yes, no: &no }.run(isa);
        for (index, chosen) in chosen.into_iter().enumerate() {
            let expected = if a[index] > b[index] { yes[index] } else { no[index] };
            assert_eq!(chosen.to_bits(), expected.to_bits(), "{isa:?} {} > {}", a[index], b[index]);
        }
    }
}
