//! Files that appear whole or not at all.

use std::fs;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};

/// What unfinished files and folders begin with; readers pass over them.
pub(super) const PARTIAL: &str = ".partial-";

/// Writes beside the file and renames, so that no reader sees half of it, and what was there
/// before stays where the writing fails.
///
/// # Errors
/// Where the file cannot be written, or `content` fails.
pub fn write_whole(path: &Path, content: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let failed = || format!("cannot write {}", path.display());
    if path.is_dir() {
        anyhow::bail!("{}: there is a folder of this name", failed());
    }
    if path.exists() && !path.is_file() {
        // A pipe or /dev/null is written to, not replaced.
        let mut file = fs::OpenOptions::new().write(true).open(path).with_context(failed)?;
        return content(&mut file);
    }
    // Through a link, what it points to is replaced.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let dir = match target.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    let file = partial(0o666).tempfile_in(dir).with_context(failed)?;
    let mut buffered = BufWriter::new(file);
    content(&mut buffered)?;
    let file = buffered.into_inner().map_err(std::io::IntoInnerError::into_error);
    file.with_context(failed)?.persist(&target).with_context(failed)?;
    Ok(())
}

/// Temporary files are private by default; results are as readable as any new file or folder.
pub(super) fn partial(mode: u32) -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PARTIAL);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
    builder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_half_way_leaves_the_old_file_and_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.csv");
        write_whole(&path, |out| Ok(out.write_all(b"old")?)).unwrap();
        let failed = write_whole(&path, |out| {
            out.write_all(b"new")?;
            anyhow::bail!("half way")
        });
        assert!(failed.is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_in_its_place_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let message = write_whole(dir.path(), |_| Ok(())).unwrap_err().to_string();
        assert!(message.contains("there is a folder of this name"), "{message}");
    }
}
