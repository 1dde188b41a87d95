//! The arithmetic of a training step of an MLP, for bnes: the one place with `unsafe` code and with
//! instructions of a processor.
//!
//! It is a crate of its own so that a change elsewhere does not compile it again: each kernel is a struct
//! of its operands whose `run` is compiled here, once for every instruction set.
//!
//! **Layout.** Matrices are kept in panels of [`PANEL`] = 32 columns: a panel holds its 32 columns of
//! every row, row after row, `rows x 32` floats on 64-byte boundaries, and columns beyond the matrix's
//! width are zeros (in activations: anything, which no sum reads). Activations are rows of a batch x
//! units, weights are inputs x units (transposed against a `state_dict`). A panel of outputs needs all
//! panels of the inputs and one panel of weights, so a layer is computed panel by panel: while a panel
//! of outputs is in the first cache, batch statistics, norm, activation and what the backward pass
//! needs are done on it. No panel waits for another one of its layer, which is what the work is divided
//! by between threads. A norm of each row by itself is the exception: it takes some rows of all panels,
//! in a phase of its own between a layer's product and its activation ([`by_row`]).
//!
//! **Products.** All three products of a layer are one kernel ([`product`]): a tile of up to 12 rows
//! x 32 columns is summed in registers over the whole inner dimension, in its order; one column of
//! the left matrix is broadcast float by float against one row of the right panel.
//!
//! - outputs = inputs x weights: left the panels of inputs, right a panel of weights;
//! - gradient of the inputs = gradient of the outputs x weights turned around: the weights are turned
//!   into panels of the other kind just before (a 16th or less of the product's time), so that only
//!   one copy of them has to be kept and updated;
//! - gradient of the weights = inputs turned around x gradient of the outputs: the left matrix is
//!   read along its columns, which the panels make cheap, in runs of 512 rows. Each 32 x 32 block of
//!   the gradient is given to the optimizer while it is in the first cache, and never reaches memory.
//!
//! Where half of a register is enough for the last columns of a panel, a tile uses half of one, which
//! many processors do in half the time (100 columns take six registers and a half). Rows are divided
//! evenly over the tiles (32 rows are 11 + 11 + 10, not 12 + 12 + 8). An element's sum has the same
//! terms in the same order whatever tile, thread or batch it falls into, so results depend on neither;
//! they do depend on the instruction set, since a sum over lanes and rounding differ.
//!
//! **Instruction sets.** Kernels are written once, over the trait `Simd`. `Kernel::run`
//! compiles one for AVX-512, for AVX2 with FMA, and in plain Rust, and picks at run time. `BNES_ISA` =
//! `avx512`, `avx2` or `portable` picks a lesser one.
//!
//! **Subnormal numbers** are zeros wherever a kernel runs in a training: the helpers of a
//! [`ThreadPool`](threads::ThreadPool) always compute so, the thread that calls while it holds a
//! [`FlushToZero`](subnormal::FlushToZero).

#![allow(clippy::inline_always)] // or a kernel would be compiled without its instructions
#![allow(clippy::wildcard_imports)] // of intrinsics

use std::ops::Range;
#[cfg(target_arch = "x86_64")]
use std::sync::LazyLock;

pub mod activate;
mod autotune;
pub mod buffer;
pub mod by_row;
pub mod double;
pub mod gather;
pub mod loss;
pub mod normalise;
mod processor;
pub mod product;
mod simd;
pub mod subnormal;
pub mod threads;
pub mod update;
pub mod weight_norm;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

#[cfg(test)]
mod tests;

use simd::Simd;

pub use activate::Activation;
pub use simd::MAX_LANES;

/// Columns of a panel.
pub const PANEL: usize = 32;

/// Panels of this many columns.
#[must_use]
pub fn panels(columns: usize) -> usize {
    columns.div_ceil(PANEL)
}

/// Columns of a matrix of `columns` that fall into panel `index`.
#[must_use]
pub fn columns_of(columns: usize, index: usize) -> usize {
    PANEL.min(columns - index * PANEL)
}

/// Which ones these are.
#[must_use]
pub fn range_of(columns: usize, index: usize) -> Range<usize> {
    index * PANEL..index * PANEL + columns_of(columns, index)
}

/// A piece of arithmetic that is compiled for every instruction set.
trait Kernel: Sized {
    /// What it gives.
    type Output;

    /// Computes it; has to be `inline(always)`, and so has all that it calls.
    fn compute<S: Simd>(self, simd: S) -> Self::Output;

    /// Computes it with these instructions.
    ///
    /// # Panics
    /// Where this processor does not have them.
    fn run(self, isa: Isa) -> Self::Output {
        match isa {
            Isa::Portable => self.compute(portable::Portable),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => {
                assert!(has_avx2());
                // SAFETY: asked just now; the answer is kept in a static.
                unsafe { run_avx2(self) }
            }
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => {
                assert!(has_avx512());
                // SAFETY: asked just now; the answer is kept in a static.
                unsafe { run_avx512(self) }
            }
        }
    }
}

/// Gives kernels the `run` that other crates call. It is not generic, so that it is compiled here.
macro_rules! entry_points {
    ($($kernel:ident => $output:ty),+ $(,)?) => {$(
        impl $kernel<'_> {
            /// Computes it with these instructions.
            ///
            /// # Panics
            /// Where this processor does not have them.
            pub fn run(self, isa: $crate::Isa) -> $output {
                $crate::Kernel::run(self, isa)
            }
        }
    )+};
}
use entry_points;

/// Vector instructions of a processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isa {
    /// What the compiler takes as given.
    Portable,
    /// AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-512F with VL.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

/// The environment variable that picks a lesser instruction set than the best.
pub const ISA_VARIABLE: &str = "BNES_ISA";

impl Isa {
    /// All that this processor has, the best last.
    #[must_use]
    pub fn available() -> Vec<Self> {
        #[allow(unused_mut)] // on other processors
        let mut available = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            if has_avx2() {
                available.push(Self::Avx2);
            }
            if has_avx512() {
                available.push(Self::Avx512);
            }
        }
        available
    }

    /// The one that `BNES_ISA` names, else the best.
    ///
    /// # Errors
    /// Where it names one that this processor does not have.
    pub fn chosen() -> Result<Self, String> {
        let available = Self::available();
        let Some(wanted) = std::env::var_os(ISA_VARIABLE) else {
            return Ok(*available.last().unwrap_or(&Self::Portable));
        };
        let wanted = wanted.to_string_lossy();
        available.iter().find(|isa| isa.name() == wanted).copied().ok_or_else(|| {
            let names: Vec<&str> = available.iter().map(|isa| isa.name()).collect();
            format!("{ISA_VARIABLE}: this processor has no `{wanted}`; it has {}", names.join(", "))
        })
    }

    /// Its name in results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => "avx512",
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

/// Half registers are AVX2's, with the registers of AVX-512VL. One answer to four questions, since every
/// kernel asks.
#[cfg(target_arch = "x86_64")]
fn has_avx512() -> bool {
    static ANSWER: LazyLock<bool> = LazyLock::new(|| {
        has_avx2() && is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl")
    });
    *ANSWER
}

/// # Safety
/// The processor has to have AVX2 and FMA.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn run_avx2<K: Kernel>(kernel: K) -> K::Output {
    // SAFETY: the caller's promise.
    kernel.compute(unsafe { avx2::Avx2::new() })
}

/// # Safety
/// The processor has to have AVX-512F and VL, AVX2 and FMA.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl,avx2,fma")]
unsafe fn run_avx512<K: Kernel>(kernel: K) -> K::Output {
    // SAFETY: the caller's promise.
    kernel.compute(unsafe { avx512::Avx512::new() })
}
