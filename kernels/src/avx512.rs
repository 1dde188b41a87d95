//! AVX-512F with VL: 16 floats a register, 32 registers.

use std::arch::x86_64::*;

use super::avx2::Avx2;
use super::simd::Simd;

/// Proof that the processor has AVX-512F and VL, AVX2 and FMA.
#[derive(Clone, Copy)]
pub struct Avx512(());

impl Avx512 {
    /// # Safety
    /// The processor has to have AVX-512F and VL, AVX2 and FMA.
    #[inline(always)]
    pub unsafe fn new() -> Self {
        Self(())
    }
}

/// Implements operations by an intrinsic each.
macro_rules! operations {
    ($($name:ident($($operand:ident),+) => $intrinsic:expr;)+) => {
        $(#[inline(always)]
        fn $name(self, $($operand: __m512),+) -> __m512 {
            // SAFETY: `self` proves that the processor has the instruction.
            unsafe { $intrinsic }
        })+
    };
}

impl Simd for Avx512 {
    type V = __m512;
    type Half = Avx2;

    const LANES: usize = 16;
    const ROWS: usize = 12;
    const WIDTH: usize = 2;
    // With more, the compiler runs out of registers for the largest tile.
    const UNROLL: usize = 1;

    operations! {
        add(a, b) => _mm512_add_ps(a, b);
        sub(a, b) => _mm512_sub_ps(a, b);
        mul(a, b) => _mm512_mul_ps(a, b);
        div(a, b) => _mm512_div_ps(a, b);
        mul_add(a, b, c) => _mm512_fmadd_ps(a, b, c);
        mul_sub_from(a, b, c) => _mm512_fnmadd_ps(a, b, c);
        min(a, b) => _mm512_min_ps(a, b);
        max(a, b) => _mm512_max_ps(a, b);
        sqrt(a) => _mm512_sqrt_ps(a);
        fast_inverse(a) => {
            // A step of Newton's from an estimate with 14 bits, which turns infinity into no number.
            let a = _mm512_min_ps(_mm512_set1_ps(f32::MAX), a);
            let estimate = _mm512_rcp14_ps(a);
            let error = _mm512_fnmadd_ps(a, estimate, _mm512_set1_ps(1.0));
            _mm512_fmadd_ps(error, estimate, estimate)
        };
        abs(a) => _mm512_abs_ps(a);
        round(a) => _mm512_roundscale_ps::<0>(a);
        scale_by_power(a, n) => _mm512_scalef_ps(a, n);
        copy_sign(a, sign) => {
            // Bit by bit: of `a` where the mask is 0, of `sign` where it is 1.
            let mask = _mm512_set1_epi32(i32::MIN);
            _mm512_castsi512_ps(_mm512_ternarylogic_epi32::<0b1101_1000>(
                _mm512_castps_si512(a),
                _mm512_castps_si512(sign),
                mask,
            ))
        };
        if_greater(a, b, yes, no) => {
            _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_GT_OQ>(a, b), no, yes)
        };
    }

    #[inline(always)]
    fn half(self) -> Avx2 {
        // SAFETY: `self` proves that the processor has AVX2 and FMA.
        unsafe { Avx2::new() }
    }

    #[inline(always)]
    fn splat(self, value: f32) -> __m512 {
        // SAFETY: `self` proves that the processor has the instruction.
        unsafe { _mm512_set1_ps(value) }
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> __m512 {
        // SAFETY: the caller's promise, and `self`.
        unsafe { _mm512_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, value: __m512) {
        // SAFETY: the caller's promise, and `self`.
        unsafe { _mm512_storeu_ps(to, value) }
    }

    #[inline(always)]
    unsafe fn load_bytes(self, from: *const u8) -> __m512 {
        // SAFETY: the caller's promise, and `self`.
        unsafe { _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(from.cast()))) }
    }

    #[inline(always)]
    fn sum(self, a: __m512) -> f32 {
        // SAFETY: `self` proves that the processor has the instruction.
        unsafe { _mm512_reduce_add_ps(a) }
    }

    #[inline(always)]
    fn largest(self, a: __m512) -> f32 {
        // SAFETY: `self` proves that the processor has the instructions.
        unsafe {
            match _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(a, a) {
                0 => _mm512_reduce_max_ps(a),
                _ => f32::NAN,
            }
        }
    }

    #[inline(always)]
    unsafe fn transpose(
        self,
        from: *const f32,
        from_stride: usize,
        to: *mut f32,
        to_stride: usize,
    ) {
        // SAFETY: the caller's promise, and `self`.
        unsafe {
            let mut rows = [_mm512_setzero_ps(); 16];
            for (i, row) in rows.iter_mut().enumerate() {
                *row = _mm512_loadu_ps(from.add(i * from_stride));
            }
            // Pairs of rows, then fours of rows within each 128 bits.
            let mut pairs = [_mm512_setzero_ps(); 16];
            for i in 0..8 {
                pairs[2 * i] = _mm512_unpacklo_ps(rows[2 * i], rows[2 * i + 1]);
                pairs[2 * i + 1] = _mm512_unpackhi_ps(rows[2 * i], rows[2 * i + 1]);
            }
            // fours[4 g + c]: column c of each 128 bits, for the rows 4 g to 4 g + 3.
            let mut fours = [_mm512_setzero_ps(); 16];
            for g in 0..4 {
                for half in 0..2 {
                    let a = _mm512_castps_pd(pairs[4 * g + half]);
                    let b = _mm512_castps_pd(pairs[4 * g + 2 + half]);
                    fours[4 * g + 2 * half] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b));
                    fours[4 * g + 2 * half + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
                }
            }
            // Then the 128 bits themselves: 4 x 4 of them.
            for c in 0..4 {
                let low01 = _mm512_shuffle_f32x4::<0x88>(fours[c], fours[4 + c]);
                let high01 = _mm512_shuffle_f32x4::<0xdd>(fours[c], fours[4 + c]);
                let low23 = _mm512_shuffle_f32x4::<0x88>(fours[8 + c], fours[12 + c]);
                let high23 = _mm512_shuffle_f32x4::<0xdd>(fours[8 + c], fours[12 + c]);
                let columns = [
                    _mm512_shuffle_f32x4::<0x88>(low01, low23),
                    _mm512_shuffle_f32x4::<0x88>(high01, high23),
                    _mm512_shuffle_f32x4::<0xdd>(low01, low23),
                    _mm512_shuffle_f32x4::<0xdd>(high01, high23),
                ];
                for (lane, column) in columns.into_iter().enumerate() {
                    _mm512_storeu_ps(to.add((4 * lane + c) * to_stride), column);
                }
            }
        }
    }

    #[inline(always)]
    fn prefetch(self, address: *const f32) {
        // SAFETY: a prefetch reads nothing that the program sees, and faults nowhere.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
    }
}
