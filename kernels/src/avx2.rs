//! AVX2 with FMA: 8 floats a register, 16 registers.

use std::arch::x86_64::*;

use super::simd::Simd;

/// Proof that the processor has AVX2 and FMA.
#[derive(Clone, Copy)]
pub struct Avx2(());

impl Avx2 {
    /// # Safety
    /// The processor has to have AVX2 and FMA.
    #[inline(always)]
    pub unsafe fn new() -> Self {
        Self(())
    }
}

/// Implements operations by an intrinsic each.
macro_rules! operations {
    ($($name:ident($($operand:ident),+) => $intrinsic:expr;)+) => {
        $(#[inline(always)]
        fn $name(self, $($operand: __m256),+) -> __m256 {
            // SAFETY: `self` proves that the processor has the instruction.
            unsafe { $intrinsic }
        })+
    };
}

impl Simd for Avx2 {
    type V = __m256;
    type Half = Self;

    const LANES: usize = 8;
    const ROWS: usize = 6;
    const WIDTH: usize = 2;
    const UNROLL: usize = 4;

    operations! {
        add(a, b) => _mm256_add_ps(a, b);
        sub(a, b) => _mm256_sub_ps(a, b);
        mul(a, b) => _mm256_mul_ps(a, b);
        div(a, b) => _mm256_div_ps(a, b);
        mul_add(a, b, c) => _mm256_fmadd_ps(a, b, c);
        mul_sub_from(a, b, c) => _mm256_fnmadd_ps(a, b, c);
        min(a, b) => _mm256_min_ps(a, b);
        max(a, b) => _mm256_max_ps(a, b);
        sqrt(a) => _mm256_sqrt_ps(a);
        // The estimate of AVX2 has 12 bits: two steps of Newton's are no faster than this.
        fast_inverse(a) => _mm256_div_ps(_mm256_set1_ps(1.0), a);
        abs(a) => _mm256_andnot_ps(_mm256_set1_ps(-0.0), a);
        round(a) => _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a);
        scale_by_power(a, n) => {
            let exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
            _mm256_mul_ps(a, _mm256_castsi256_ps(_mm256_slli_epi32::<23>(exponent)))
        };
        copy_sign(a, sign) => {
            let mask = _mm256_set1_ps(-0.0);
            _mm256_or_ps(_mm256_andnot_ps(mask, a), _mm256_and_ps(mask, sign))
        };
        // Bit by bit: of a blend with 0, the compiler makes a load under a mask, at a quarter of the speed.
        if_greater(a, b, yes, no) => {
            let mask = _mm256_cmp_ps::<_CMP_GT_OQ>(a, b);
            _mm256_or_ps(_mm256_and_ps(mask, yes), _mm256_andnot_ps(mask, no))
        };
    }

    #[inline(always)]
    fn half(self) -> Self {
        self
    }

    #[inline(always)]
    fn splat(self, value: f32) -> __m256 {
        // SAFETY: `self` proves that the processor has the instruction.
        unsafe { _mm256_set1_ps(value) }
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> __m256 {
        // SAFETY: the caller's promise, and `self`.
        unsafe { _mm256_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, value: __m256) {
        // SAFETY: the caller's promise, and `self`.
        unsafe { _mm256_storeu_ps(to, value) }
    }

    #[inline(always)]
    unsafe fn load_bytes(self, from: *const u8) -> __m256 {
        // SAFETY: the caller's promise, and `self`.
        unsafe { _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(from.cast()))) }
    }

    #[inline(always)]
    fn sum(self, a: __m256) -> f32 {
        // SAFETY: `self` proves that the processor has the instructions.
        unsafe {
            let four = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
            let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps::<1>(two, two)))
        }
    }

    #[inline(always)]
    fn largest(self, a: __m256) -> f32 {
        // SAFETY: `self` proves that the processor has the instructions.
        unsafe {
            if _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_UNORD_Q>(a, a)) != 0 {
                return f32::NAN;
            }
            let four = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
            let two = _mm_max_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_max_ss(two, _mm_shuffle_ps::<1>(two, two)))
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
            let mut rows = [_mm256_setzero_ps(); 8];
            for (i, row) in rows.iter_mut().enumerate() {
                *row = _mm256_loadu_ps(from.add(i * from_stride));
            }
            // fours[4 g + c]: column c of each 128 bits, for the rows 4 g to 4 g + 3.
            let mut fours = [_mm256_setzero_ps(); 8];
            for g in 0..2 {
                let low01 = _mm256_unpacklo_ps(rows[4 * g], rows[4 * g + 1]);
                let high01 = _mm256_unpackhi_ps(rows[4 * g], rows[4 * g + 1]);
                let low23 = _mm256_unpacklo_ps(rows[4 * g + 2], rows[4 * g + 3]);
                let high23 = _mm256_unpackhi_ps(rows[4 * g + 2], rows[4 * g + 3]);
                fours[4 * g] = _mm256_shuffle_ps::<0x44>(low01, low23);
                fours[4 * g + 1] = _mm256_shuffle_ps::<0xee>(low01, low23);
                fours[4 * g + 2] = _mm256_shuffle_ps::<0x44>(high01, high23);
                fours[4 * g + 3] = _mm256_shuffle_ps::<0xee>(high01, high23);
            }
            for c in 0..4 {
                let low = _mm256_permute2f128_ps::<0x20>(fours[c], fours[4 + c]);
                let high = _mm256_permute2f128_ps::<0x31>(fours[c], fours[4 + c]);
                _mm256_storeu_ps(to.add(c * to_stride), low);
                _mm256_storeu_ps(to.add((4 + c) * to_stride), high);
            }
        }
    }

    #[inline(always)]
    fn prefetch(self, address: *const f32) {
        // SAFETY: a prefetch reads nothing that the program sees, and faults nowhere.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
    }
}
