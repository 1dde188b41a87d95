//! Plain Rust for any processor: 8 floats that the compiler puts into whatever registers there are.

use super::simd::Simd;

/// Plain Rust.
#[derive(Clone, Copy)]
pub struct Portable;

const LANES: usize = 8;

/// Implements operations lane by lane.
macro_rules! operations {
    ($($name:ident($($operand:ident),+) => $value:expr;)+) => {
        $(#[inline(always)]
        fn $name(self, $($operand: [f32; LANES]),+) -> [f32; LANES] {
            let mut result = [0.0; LANES];
            for lane in 0..LANES {
                $(let $operand = $operand[lane];)+
                result[lane] = $value;
            }
            result
        })+
    };
}

impl Simd for Portable {
    type V = [f32; LANES];
    type Half = Self;

    const LANES: usize = LANES;
    const ROWS: usize = 4;
    const WIDTH: usize = 1;
    const UNROLL: usize = 4;

    operations! {
        add(a, b) => a + b;
        sub(a, b) => a - b;
        mul(a, b) => a * b;
        div(a, b) => a / b;
        // Rounded twice: without an instruction for it, rounding once is a call of a function.
        mul_add(a, b, c) => a * b + c;
        mul_sub_from(a, b, c) => c - a * b;
        min(a, b) => if a < b { a } else { b };
        max(a, b) => if a > b { a } else { b };
        sqrt(a) => a.sqrt();
        fast_inverse(a) => 1.0 / a;
        abs(a) => a.abs();
        copy_sign(a, sign) => a.copysign(sign);
        round(a) => {
            // Adding 1.5 * 2^23 leaves no bits behind the point.
            const SHIFT: f32 = 12_582_912.0;
            if a.abs() < 4_194_304.0 { (a + SHIFT) - SHIFT } else { a }
        };
        scale_by_power(a, n) => {
            #[allow(clippy::cast_possible_truncation)] // a whole number from -126 to 127
            let exponent = n as i32 + 127;
            a * f32::from_bits(exponent.cast_unsigned() << 23)
        };
        if_greater(a, b, yes, no) => if a > b { yes } else { no };
    }

    #[inline(always)]
    fn half(self) -> Self {
        self
    }

    #[inline(always)]
    fn splat(self, value: f32) -> [f32; LANES] {
        [value; LANES]
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> [f32; LANES] {
        // SAFETY: the caller's promise; floats are aligned as they are.
        unsafe { from.cast::<[f32; LANES]>().read() }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, value: [f32; LANES]) {
        // SAFETY: the caller's promise; floats are aligned as they are.
        unsafe { to.cast::<[f32; LANES]>().write(value) }
    }

    #[inline(always)]
    unsafe fn load_bytes(self, from: *const u8) -> [f32; LANES] {
        // SAFETY: the caller's promise; bytes are aligned as they are.
        unsafe { from.cast::<[u8; LANES]>().read() }.map(f32::from)
    }

    #[inline(always)]
    fn sum(self, a: [f32; LANES]) -> f32 {
        let pair = |lane: usize| (a[lane] + a[lane + 4]) + (a[lane + 2] + a[lane + 6]);
        pair(0) + pair(1)
    }

    #[inline(always)]
    fn largest(self, a: [f32; LANES]) -> f32 {
        let larger = |a: f32, b: f32| if a > b || a.is_nan() { a } else { b };
        a.into_iter().fold(f32::NEG_INFINITY, |largest, value| larger(value, largest))
    }

    #[inline(always)]
    unsafe fn transpose(
        self,
        from: *const f32,
        from_stride: usize,
        to: *mut f32,
        to_stride: usize,
    ) {
        for i in 0..LANES {
            for j in 0..LANES {
                // SAFETY: the caller's promise.
                unsafe { *to.add(j * to_stride + i) = *from.add(i * from_stride + j) };
            }
        }
    }

    #[inline(always)]
    fn prefetch(self, _: *const f32) {}
}
