//! The `bnes` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    bnes::cli::main()
}
