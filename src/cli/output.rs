//! Standard output: how wide it is, and reports on it.

use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::exit::UsageError;
use crate::draw::Characters;

/// The width of a terminal that says nothing about itself.
pub(super) const WIDTH: usize = 100;

/// The narrowest that tables are fitted to.
const NARROWEST: usize = 40;

/// Columns of the terminal that shows standard output, by `COLUMNS` where that is set; none where
/// no terminal does, so that a file or a pipe gets every column of a table.
pub(super) fn columns() -> Option<usize> {
    let stdout = io::stdout();
    if !stdout.is_terminal() {
        return None;
    }
    let said = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let asked = || terminal_size::terminal_size_of(&stdout).map(|(width, _)| width.0.into());
    let columns = said
        .filter(|columns| *columns >= NARROWEST)
        .or_else(|| asked().filter(|columns| *columns > 0))
        .unwrap_or(WIDTH);
    Some(columns.max(NARROWEST))
}

/// Whether what goes to standard output may be coloured: a terminal shows it, and `NO_COLOR` is not set
/// (<https://no-color.org>).
pub(super) fn is_coloured() -> bool {
    let is_refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let is_plain = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    io::stdout().is_terminal() && !is_refused && !is_plain
}

/// What the locale has letters for.
pub(super) fn characters() -> Characters {
    let first = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    // Where nothing is said, UTF-8 is what a terminal of today has.
    let is_utf8 = first.is_none_or(|locale| {
        let locale = locale.to_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    });
    if is_utf8 { Characters::Unicode } else { Characters::Ascii }
}

/// Where a path leads, whether or not there is a file.
pub(super) fn place(path: &Path) -> PathBuf {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let named = || dir.canonicalize().ok().zip(path.file_name()).map(|(dir, name)| dir.join(name));
    path.canonicalize().ok().or_else(named).unwrap_or_else(|| path.to_owned())
}

/// Refuses to write a page over a file that is none.
///
/// # Errors
/// Where there is such a file.
pub(super) fn is_page(file: &Path, flag: &str) -> Result<(), UsageError> {
    const BEGINS: &[u8] = b"<!DOCTYPE html>";
    let mut first = Vec::new();
    let mut read = || std::fs::File::open(file)?.take(BEGINS.len() as u64).read_to_end(&mut first);
    if file.is_file() && read().is_ok() && !first.is_empty() && first != BEGINS {
        return Err(UsageError(format!(
            "{flag} names {}, which is no page: name another file",
            file.display()
        )));
    }
    Ok(())
}

/// Writes a report as it is.
pub(super) fn print(out: &mut dyn Write, text: &str) -> anyhow::Result<()> {
    out.write_all(text.as_bytes()).context("the report could not be written")
}
