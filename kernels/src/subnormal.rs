//! Subnormal numbers as zeros.
//!
//! Once a loss is near 0, the averages of its gradients fall below the smallest normal number, 1.2e-38. A
//! processor takes up to a hundred times as long over each such number, and none is of use to a training.

use std::marker::PhantomData;

/// As long as it lives, the thread that made it computes with zeros in place of subnormal numbers, those
/// that it reads (DAZ) and those that come out (FTZ); then as it did before. A thread begun meanwhile may
/// inherit that for good. On other processors than x86-64 and aarch64 it does nothing.
///
/// Rust takes for granted that this setting of the processor is never changed: it may compute a constant
/// while it compiles, or move a single operation across the change, and a subnormal is then kept or not. What
/// is between is calls of kernels, which are functions compiled by themselves and without subnormal constants.
#[must_use = "it ends where it is dropped"]
pub struct FlushToZero {
    before: Register,
    /// It is of one thread.
    thread: PhantomData<*const ()>,
}

impl FlushToZero {
    /// From here on.
    #[allow(clippy::new_without_default)] // it does something
    pub fn new() -> Self {
        let before = read();
        if before & FLUSH != FLUSH {
            write(before | FLUSH);
        }
        Self { before, thread: PhantomData }
    }
}

impl Drop for FlushToZero {
    fn drop(&mut self) {
        if self.before & FLUSH != FLUSH {
            write((read() & !FLUSH) | (self.before & FLUSH));
        }
    }
}

#[cfg(target_arch = "x86_64")]
use self::x86_64::{FLUSH, Register, read, write};

/// MXCSR, which every vector and scalar operation on floats obeys.
#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use std::arch::asm;

    pub type Register = u32;

    /// FTZ and DAZ.
    pub const FLUSH: Register = (1 << 15) | (1 << 6);

    pub fn read() -> Register {
        let mut value: Register = 0;
        // SAFETY: it stores four bytes where it is told to.
        unsafe { asm!("stmxcsr [{}]", in(reg) &raw mut value, options(nostack, preserves_flags)) };
        value
    }

    pub fn write(value: Register) {
        // SAFETY: `value` was read from the register, but for bits that every x86-64 processor has.
        unsafe { asm!("ldmxcsr [{}]", in(reg) &raw const value, options(nostack)) };
    }
}

#[cfg(target_arch = "aarch64")]
use self::aarch64::{FLUSH, Register, read, write};

/// FPCR, which every vector and scalar operation on floats obeys.
#[cfg(target_arch = "aarch64")]
mod aarch64 {
    use std::arch::asm;

    pub type Register = u64;

    /// FZ: of what is read and of what comes out.
    pub const FLUSH: Register = 1 << 24;

    pub fn read() -> Register {
        let value: Register;
        // SAFETY: it reads a register.
        unsafe { asm!("mrs {}, fpcr", out(reg) value, options(nostack, preserves_flags)) };
        value
    }

    pub fn write(value: Register) {
        // SAFETY: `value` was read from the register, but for a bit that every aarch64 processor has.
        unsafe { asm!("msr fpcr, {}", in(reg) value, options(nostack)) };
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
use self::other::{FLUSH, Register, read, write};

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod other {
    pub type Register = u32;

    pub const FLUSH: Register = 0;

    pub fn read() -> Register {
        0
    }

    pub fn write(_: Register) {}
}

#[cfg(all(test, any(target_arch = "x86_64", target_arch = "aarch64")))]
mod tests {
    use std::hint::black_box;

    use super::*;

    /// Both are kept from the compiler, which would halve and double them itself.
    fn halved(value: f32) -> f32 {
        black_box(black_box(value) / black_box(2.0))
    }

    fn doubled(value: f32) -> f32 {
        black_box(black_box(value) * black_box(2.0))
    }

    #[test]
    fn subnormals_are_zeros_as_long_as_it_lives_and_numbers_again_after() {
        let (least, subnormal) = (f32::MIN_POSITIVE, f32::from_bits(1 << 20));
        let is_as_ever = move || {
            assert!(halved(least) > 0.0);
            assert!(doubled(subnormal) > 0.0);
            assert!(black_box(1e-310_f64) * black_box(2.0) > 0.0);
        };
        is_as_ever();
        let (meanwhile, is_meanwhile) = std::sync::mpsc::channel();
        let other = std::thread::spawn(move || {
            is_meanwhile.recv().unwrap();
            is_as_ever();
        });
        {
            let _flush = FlushToZero::new();
            assert_eq!(halved(least), 0.0);
            assert_eq!(doubled(subnormal), 0.0);
            assert_eq!(black_box(1e-310_f64) * black_box(2.0), 0.0);
            // One within another changes nothing, nor does its end.
            drop(FlushToZero::new());
            assert_eq!(halved(least), 0.0);
            assert_eq!(doubled(least), 2.0 * f32::MIN_POSITIVE);
            meanwhile.send(()).unwrap();
            other.join().unwrap();
        }
        is_as_ever();
        let unwound = std::panic::catch_unwind(|| {
            let _flush = FlushToZero::new();
            panic!("within");
        });
        assert!(unwound.is_err());
        is_as_ever();
    }
}
