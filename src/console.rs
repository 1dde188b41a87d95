//! What people are told while results go to standard output.

use std::fmt::Display;
use std::io::Write;

/// Writes a line to standard error. Nobody may be listening any more: that costs no training.
pub fn eprintln(line: impl Display) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
