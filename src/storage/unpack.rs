//! A training of an archive back into a folder of its own.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::Result;

use super::atomic::{partial_dir, place, write_unplaced};
use crate::results::archive::Archive;
use crate::results::layout::RUN_FILE;

/// The files of a training by name, `run.json` last.
///
/// # Errors
/// Where one cannot be read or does not match its checksum.
pub(super) fn contents<'a>(
    archive: &'a Archive,
    training: &str,
) -> io::Result<Vec<(&'a str, Vec<u8>)>> {
    let mut names = archive.files(training);
    names.sort_by_key(|name| *name == RUN_FILE);
    names.into_iter().map(|name| Ok((name, archive.file(training, name)?))).collect()
}

/// Puts files into the folder of a training, in one step, each written after those before it: none is newer than
/// `run.json`, by which it is known that nobody has touched them.
///
/// # Errors
/// Where one cannot be written.
pub(super) fn place_files(folder: &Path, training: &str, files: &[(&str, Vec<u8>)]) -> Result<()> {
    let partial = partial_dir(folder)?;
    for (name, bytes) in files {
        let path = partial.path().join(name);
        if let Some(within) = path.parent() {
            fs::create_dir_all(within)?;
        }
        write_unplaced(&path, bytes)?;
    }
    place(partial, &folder.join(training), || true)?;
    Ok(())
}

/// Puts a training that is in the archive alone into its folder, to be changed there.
///
/// # Errors
/// As [`contents`] and [`place_files`].
pub(super) fn unpack_training(folder: &Path, training: &str) -> Result<()> {
    match Archive::open(folder)? {
        Some(archive) if !folder.join(training).exists() && !archive.files(training).is_empty() => {
            place_files(folder, training, &contents(&archive, training)?)
        }
        _ => Ok(()),
    }
}
