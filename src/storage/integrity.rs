//! Whether every file of results holds the bytes that it was written with.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rayon::prelude::*;

use crate::results::layout::{RUN_FILE, run_file};
use crate::results::load::trainings;
use crate::results::tuning::tune_dir;
use crate::results::{LoadError, LoadedExperiment, TrainingRecord, archive, load, seal};

/// What a look at every file came to.
#[derive(Debug, Default)]
pub struct Integrity {
    /// Trainings looked at.
    pub trainings: usize,
    /// Files that have a checksum, those that are gone among them.
    pub files: usize,
    /// Trainings whose files have none, of an earlier version.
    pub unchecked: usize,
    /// The files that are gone or hold other bytes, by the folder that they lie in: each with what is wrong with it.
    pub damaged: BTreeMap<PathBuf, Vec<(String, io::Error)>>,
}

impl Integrity {
    /// Reads every file of the experiments at a path, those of trainings that no config names any more among them.
    ///
    /// Nothing is written, but the time of a damaged file is set to now: so the next `bnes run`, which takes what
    /// was not touched since it was finished for whole, looks at it closely.
    ///
    /// # Errors
    /// Where the path holds no results.
    pub fn of(path: &Path) -> Result<Self, LoadError> {
        let one = run_file(path).is_file() || !path.exists();
        let mut all = Self::default();
        for experiment in load(&[path.to_owned()])? {
            let LoadedExperiment { path, plan, .. } = &experiment;
            let folders = if one {
                plan.trainings.iter().map(|training| path.join(&training.dir)).collect()
            } else {
                all.add_config(&experiment);
                let of = |folder: &Path| {
                    let names = trainings(folder).into_iter();
                    names.map(|name| folder.join(name)).collect::<Vec<PathBuf>>()
                };
                [of(path), of(&tune_dir(path))].concat()
            };
            let looked_at: Vec<_> = folders.par_iter().map(|folder| look(folder)).collect();
            for (folder, found) in folders.into_iter().zip(looked_at) {
                if let Some(found) = found {
                    all.trainings += 1;
                    all.files += found.files;
                    all.unchecked += usize::from(found.is_unchecked);
                    all.add(folder, found.damaged);
                }
            }
        }
        Ok(all)
    }

    fn add_config(&mut self, LoadedExperiment { path, plan, .. }: &LoadedExperiment) {
        let check = |name: &str| {
            let bytes = fs::read(path.join(name));
            Some((name.to_owned(), bytes.and_then(|bytes| plan.files.check(name, &bytes)).err()?))
        };
        self.files += plan.files.names().count();
        self.add(path.clone(), plan.files.names().filter_map(check).collect());
    }

    fn add(&mut self, folder: PathBuf, damaged: Vec<(String, io::Error)>) {
        for (name, _) in &damaged {
            // What lies in an archive, or may not be touched, is looked at or said all the same.
            let file = File::options().write(true).open(folder.join(name));
            let _ = file.and_then(|file| file.set_modified(SystemTime::now()));
        }
        if !damaged.is_empty() {
            self.damaged.entry(folder).or_default().extend(damaged);
        }
    }
}

/// What a look at the files of a training came to.
struct Found {
    files: usize,
    is_unchecked: bool,
    damaged: Vec<(String, io::Error)>,
}

/// Looks at a training; none where there is no record of one.
fn look(training: &Path) -> Option<Found> {
    let record = match archive::read(&run_file(training)) {
        Ok(bytes) => seal::read::<TrainingRecord>(&bytes).map_err(io::Error::from),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => Err(error),
    };
    Some(match record {
        Ok(record) => Found {
            files: 1 + record.files.names().count(),
            is_unchecked: record.files.is_empty() && record.status.is_result(),
            damaged: record.damage(training),
        },
        Err(error) => {
            Found { files: 1, is_unchecked: false, damaged: vec![(RUN_FILE.to_owned(), error)] }
        }
    })
}
