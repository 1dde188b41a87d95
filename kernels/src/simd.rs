//! Vectors of floats: one trait, and an instruction set behind each implementation.

/// Floats of one processor register.
///
/// Everything is `inline(always)`, so that a kernel compiled for an instruction set (see
/// `Kernel::run`) has it throughout. A value of an implementing type is the proof
/// that the processor has the instructions.
pub(crate) trait Simd: Copy {
    /// A register.
    type V: Copy;

    /// Half a register of as many lanes, where that takes half the time on many processors; else a whole
    /// one.
    type Half: Simd;

    /// Floats of a register.
    const LANES: usize;
    /// Rows of the largest tile of a matrix product: with [`WIDTH`](Self::WIDTH) as many sums as
    /// the registers hold beside what is loaded.
    const ROWS: usize;
    /// Registers side by side in a tile of a matrix product.
    const WIDTH: usize;
    /// Terms per turn of a matrix product's innermost loop: of many turns, the branch predictor misses
    /// the last.
    const UNROLL: usize;

    /// The instructions for half a register.
    fn half(self) -> Self::Half;

    /// The same float in each lane.
    fn splat(self, value: f32) -> Self::V;

    /// `LANES` floats.
    ///
    /// # Safety
    /// They have to be readable from `from` on.
    unsafe fn load(self, from: *const f32) -> Self::V;

    /// Writes `LANES` floats.
    ///
    /// # Safety
    /// They have to be writable from `to` on.
    unsafe fn store(self, to: *mut f32, value: Self::V);

    /// a + b
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    /// a - b
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    /// a b
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    /// a / b
    fn div(self, a: Self::V, b: Self::V) -> Self::V;
    /// a b + c, rounded once.
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// c - a b, rounded once.
    fn mul_sub_from(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// The smaller; b where either is NaN.
    fn min(self, a: Self::V, b: Self::V) -> Self::V;
    /// The larger; b where either is NaN.
    fn max(self, a: Self::V, b: Self::V) -> Self::V;
    /// The root.
    fn sqrt(self, a: Self::V) -> Self::V;
    /// 1 / a for normal a above 0, to 2 units in the last place; below 1e-38 for infinity.
    fn fast_inverse(self, a: Self::V) -> Self::V;
    /// |a|
    fn abs(self, a: Self::V) -> Self::V;
    /// The magnitude of `a` with the sign of `sign`.
    fn copy_sign(self, a: Self::V, sign: Self::V) -> Self::V;
    /// The nearest whole number, ties to even.
    fn round(self, a: Self::V) -> Self::V;
    /// `yes` where a > b, else `no`.
    fn if_greater(self, a: Self::V, b: Self::V, yes: Self::V, no: Self::V) -> Self::V;
    /// a 2^n for whole `n` from -126 to 127.
    fn scale_by_power(self, a: Self::V, n: Self::V) -> Self::V;

    /// `LANES` bytes as floats.
    ///
    /// # Safety
    /// They have to be readable from `from` on.
    unsafe fn load_bytes(self, from: *const u8) -> Self::V;

    /// The sum of the lanes, pair by pair.
    fn sum(self, a: Self::V) -> f32;
    /// The largest lane; NaN where one is.
    fn largest(self, a: Self::V) -> f32;

    /// Turns `LANES` x `LANES` floats around their diagonal: `to[j * to_stride + i] =
    /// from[i * from_stride + j]`.
    ///
    /// # Safety
    /// All of these places have to be readable and writable.
    unsafe fn transpose(self, from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize);

    /// Asks for a cache line that is read soon.
    fn prefetch(self, address: *const f32);

    /// The first `LANES` floats of a slice.
    ///
    /// # Panics
    /// Where it has fewer.
    #[inline(always)]
    fn read(self, from: &[f32]) -> Self::V {
        assert!(from.len() >= Self::LANES);
        // SAFETY: there are that many.
        unsafe { self.load(from.as_ptr()) }
    }

    /// Writes the first `LANES` floats of a slice.
    ///
    /// # Panics
    /// Where it has fewer.
    #[inline(always)]
    fn write(self, to: &mut [f32], value: Self::V) {
        assert!(to.len() >= Self::LANES);
        // SAFETY: there are that many.
        unsafe { self.store(to.as_mut_ptr(), value) }
    }

    /// The sum of the lanes in double precision, in their order.
    #[inline(always)]
    fn total(self, a: Self::V) -> f64 {
        let mut lanes = [0.0_f32; MAX_LANES];
        self.write(&mut lanes, a);
        let mut sum = 0.0;
        for lane in &lanes[..Self::LANES] {
            sum += f64::from(*lane);
        }
        sum
    }
}

/// The most lanes of any instruction set.
pub const MAX_LANES: usize = 16;
