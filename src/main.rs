//! The `bnes` command.

use std::process::ExitCode;

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    #[cfg(feature = "mimalloc")]
    give_memory_back();
    one_thread_per_product();
    bnes::cli::main()
}

/// Has the allocator give freed memory back after 10 milliseconds instead of a second: within that a
/// table is encoded, and its source and itself would both be held to the end. At once would save
/// another hundredth of a large table and cost a sixth of the time to read it.
#[cfg(feature = "mimalloc")]
#[allow(unsafe_code)]
fn give_memory_back() {
    // SAFETY: it sets a number in the allocator's table of options, and no other thread reads it yet.
    unsafe { mi_option_set(PURGE_DELAY, 10) }
}

/// The number of an option of mimalloc 3.
#[cfg(feature = "mimalloc")]
const PURGE_DELAY: std::ffi::c_int = 15;

// SAFETY: the signature is that of mimalloc's header, whose library this feature links.
#[cfg(feature = "mimalloc")]
#[allow(unsafe_code)]
unsafe extern "C" {
    fn mi_option_set(option: std::ffi::c_int, value: std::ffi::c_long);
}

/// Keeps candle's matrix products on the thread of their training, unless the user says otherwise.
///
/// They gain nothing from several threads at this size. candle takes the number from this variable alone, and where it is not set reads the processor's
/// description from the file system before every product, which more than doubles the time.
#[allow(unsafe_code)]
fn one_thread_per_product() {
    const OF_CANDLE: &str = "RAYON_NUM_THREADS";
    if std::env::var_os(OF_CANDLE).is_none() {
        let threads = std::env::var_os(bnes::launch::THREADS_VARIABLE);
        // SAFETY: the process has no other thread yet that could read the environment.
        unsafe { std::env::set_var(OF_CANDLE, threads.unwrap_or_else(|| "1".into())) };
    }
}

#[cfg(all(test, feature = "mimalloc"))]
mod tests {
    #[test]
    #[allow(unsafe_code)]
    fn the_option_set_is_the_one_whose_default_is_a_second() {
        unsafe extern "C" {
            fn mi_option_get(option: std::ffi::c_int) -> std::ffi::c_long;
        }
        // SAFETY: it reads a number.
        assert_eq!(unsafe { mi_option_get(super::PURGE_DELAY) }, 1000);
    }
}
