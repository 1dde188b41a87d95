//! The `bnes` command.

use std::process::ExitCode;

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    one_thread_per_product();
    bnes::cli::main()
}

/// Keeps candle's matrix products on the thread of their training, unless the user says otherwise.
///
/// They gain nothing from several threads at this size. candle takes the number from this variable
/// alone, and where it is not set reads the processor's description from the file system before every
/// product, which more than doubles the time.
#[allow(unsafe_code)]
fn one_thread_per_product() {
    const OF_CANDLE: &str = "RAYON_NUM_THREADS";
    if std::env::var_os(OF_CANDLE).is_none() {
        let threads = std::env::var_os(bnes::runner::THREADS_VARIABLE);
        // SAFETY: the process has no other thread yet that could read the environment.
        unsafe { std::env::set_var(OF_CANDLE, threads.unwrap_or_else(|| "1".into())) };
    }
}
