//! Event files for TensorBoard beside the results of a training.

use std::fs;
use std::path::Path;
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result};

use super::atomic::write_if_changed;
use crate::results::layout::{EPOCHS_FILE, epochs_file};
use crate::results::tensorboard::{EVENTS_FILE, event_files};
use crate::results::{TrainingRecord, epochs_csv};

/// Writes the event files of a finished training anew from its record and its epochs, each whole, and removes
/// those of arms that no longer read it.
///
/// # Errors
/// Where the epochs cannot be read, or a file cannot be written.
pub fn write_events(training: &Path, experiment: &str, record: &TrainingRecord) -> Result<()> {
    if !training.is_dir() {
        // In the archive, with those that it had.
        return Ok(());
    }
    let file = epochs_file(training);
    let name = file.display().to_string();
    let text = record.text(training, EPOCHS_FILE);
    let text = text.with_context(|| format!("cannot read {name}"))?;
    let table = epochs_csv::read(&text, &name)?;
    // When it ended; results hold no clock.
    let changed = fs::metadata(&file).and_then(|data| data.modified()).ok();
    let ended = changed.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let ended_s = ended.map_or(0.0, |since| since.as_secs_f64());
    let files = event_files(experiment, record, &table, ended_s);
    for entry in fs::read_dir(training).into_iter().flatten().flatten() {
        let stale = entry.path().join(EVENTS_FILE);
        let is_one = |path: &Path| files.iter().any(|(own, _)| training.join(own) == path);
        if stale.is_file() && !is_one(&stale) {
            let _ = fs::remove_file(&stale);
            // Only if nothing else is there.
            let _ = fs::remove_dir(entry.path());
        }
    }
    for (path, bytes) in files {
        let path = training.join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)
                .with_context(|| format!("cannot create {}", folder.display()))?;
        }
        write_if_changed(&path, |out| Ok(out.write_all(&bytes)?))?;
    }
    Ok(())
}
