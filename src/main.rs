//! The `bnes` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    one_thread_per_product();
    bnes::cli::main()
}

/// Keeps each matrix product on the thread of its training, unless the user says otherwise.
///
/// Trainings run side by side, and a network of this size gains nothing from several threads. candle
/// takes the number from this variable alone, and where it is not set reads the processor's
/// description from the file system before every product, which more than doubles the time.
#[allow(unsafe_code)]
fn one_thread_per_product() {
    if std::env::var_os(bnes::launch::THREADS_VARIABLE).is_none() {
        // SAFETY: the process has no other thread yet that could read the environment.
        unsafe { std::env::set_var(bnes::launch::THREADS_VARIABLE, "1") };
    }
}
