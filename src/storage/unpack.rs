//! A training of an archive back into a folder of its own.

use std::fs;
use std::path::Path;

use anyhow::Result;

use super::atomic::{partial_dir, place, write_unplaced};
use crate::results::archive::Archive;

/// Puts a training of an archive into its folder, in one step.
///
/// # Errors
/// Where a file does not match its checksum or cannot be written.
pub(super) fn unpack_one(folder: &Path, archive: &Archive, training: &str) -> Result<()> {
    let partial = partial_dir(folder)?;
    for file in archive.files(training) {
        let path = partial.path().join(file);
        if let Some(within) = path.parent() {
            fs::create_dir_all(within)?;
        }
        write_unplaced(&path, &archive.file(training, file)?)?;
    }
    place(partial, &folder.join(training), || true)?;
    Ok(())
}

/// Puts a training that is in the archive alone into its folder, to be changed there.
///
/// # Errors
/// As [`unpack_one`].
pub(super) fn unpack_training(folder: &Path, training: &str) -> Result<()> {
    match Archive::open(folder)? {
        Some(archive) if !folder.join(training).exists() && !archive.files(training).is_empty() => {
            unpack_one(folder, &archive, training)
        }
        _ => Ok(()),
    }
}
