//! Weights that a training kept, as a command line names them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use super::exit::UsageError;
use super::output::place;
use crate::compare::label::names_level;
use crate::compare::{Filter, label};
use crate::kept::KeptNetwork;
use crate::results::layout::{epoch_of_weights, run_file};
use crate::results::{ArmRecord, TrainingRecord, archive};

/// Which weights.
#[derive(Debug, Clone, clap::Args)]
pub struct KeptArgs {
    /// A training's directory, or a weights file in it
    #[arg(value_name = "RUN|WEIGHTS")]
    pub path: PathBuf,
    /// Of a training that several arms read, the one whose weights are meant, such as
    /// `early_stopping=patience`
    #[arg(long = "where", value_name = "KEY=VALUE", value_parser = super::compared::filter)]
    pub filters: Vec<Filter>,
}

impl KeptArgs {
    /// Reads the weights.
    ///
    /// # Errors
    /// Where there are none, several arms keep different ones and none is named, or a file is damaged.
    pub(super) fn read(&self) -> Result<KeptNetwork> {
        KeptNetwork::read(&self.file()?)
    }

    fn file(&self) -> Result<PathBuf> {
        let path = &self.path;
        let usage = |message: String| Err(UsageError(message).into());
        if archive::is_file(path) {
            let name = path.file_name().and_then(|name| name.to_str());
            if name.is_none_or(|name| epoch_of_weights(name).is_none()) {
                return usage(format!(
                    "{}: expected a training's directory, or a file weights-EPOCH.safetensors in it",
                    path.display()
                ));
            }
            if !self.filters.is_empty() {
                return usage(
                    "--where chooses among the weights of a training, and a file was given"
                        .to_owned(),
                );
            }
            return Ok(path.clone());
        }
        if !archive::is_file(&run_file(path)) {
            return usage(no_training(path));
        }
        let record = TrainingRecord::read(path).with_context(|| {
            format!("{}: damaged, or of another version", run_file(path).display())
        })?;
        let asked = |arm: &&ArmRecord| self.filters.iter().all(|filter| is_at(arm, filter));
        let arms: Vec<&ArmRecord> = record.arms.iter().filter(asked).collect();
        let mut files: Vec<&str> = arms.iter().filter_map(|arm| arm.weights.as_deref()).collect();
        files.sort_unstable();
        files.dedup();
        match files[..] {
            [file] => Ok(path.join(file)),
            [] if arms.is_empty() => usage(format!(
                "{}: no arm is at {}; there are {}",
                path.display(),
                listed_filters(&self.filters),
                listed(&record.arms.iter().collect::<Vec<_>>())
            )),
            [] => {
                usage(format!("{}: no epoch was finite, so no weights were kept", path.display()))
            }
            _ => usage(format!(
                "{}: its arms keep different weights, {}: choose one by --where, or name its file",
                path.display(),
                listed(&arms)
            )),
        }
    }
}

/// Refuses to write over the rows to predict or a file of the training.
pub(super) fn check_output(
    flag: &str,
    file: &Path,
    kept: &KeptNetwork,
    data: Option<&str>,
) -> Result<(), UsageError> {
    let training = kept.file.parent().unwrap_or(Path::new(""));
    let file_place = place(file);
    let what = if data.is_some_and(|data| file_place == place(Path::new(data))) {
        "which holds the rows to predict"
    } else if file.is_file() && file_place.starts_with(place(&training.join("."))) {
        "which is a file of the results"
    } else {
        return Ok(());
    };
    Err(UsageError(format!("{flag} names {}, {what}: name another file", file.display())))
}

/// Why a path is no training; names those below it.
fn no_training(path: &Path) -> String {
    let mut below = archive::packed_trainings(path);
    if let Ok(entries) = std::fs::read_dir(path) {
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        below.extend(names.filter(|name| run_file(&path.join(name)).is_file()));
    }
    below.sort_unstable();
    below.dedup();
    match below.first() {
        Some(first) => format!(
            "{}: holds {} trainings: name one, such as {}",
            path.display(),
            below.len(),
            path.join(first).display()
        ),
        None => format!(
            "{}: expected a training's directory, such as results/NAME/TRAINING, or a file weights-EPOCH.safetensors in it",
            path.display()
        ),
    }
}

fn is_at(arm: &ArmRecord, filter: &Filter) -> bool {
    arm.factors.get(&filter.key).is_some_and(|level| names_level(&filter.level, level))
}

fn listed(arms: &[&ArmRecord]) -> String {
    let arm = |arm: &&ArmRecord| {
        let levels: Vec<String> =
            arm.factors.iter().map(|(key, level)| level_of(key, level)).collect();
        format!("{} ({})", levels.join(" "), arm.weights.as_deref().unwrap_or("no weights"))
    };
    arms.iter().map(arm).collect::<Vec<_>>().join(", ")
}

fn listed_filters(filters: &[Filter]) -> String {
    let levels = filters.iter().map(|filter| level_of(&filter.key, &filter.level));
    levels.collect::<Vec<_>>().join(" ")
}

fn level_of(key: &str, level: &Value) -> String {
    format!("{key}={}", label::text(level))
}
