//! `bnes run --again DIR`: an experiment by the config that lies with its results.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};

use super::exit::UsageError;
use crate::config::{Experiment, Overrides};
use crate::results::Plan;
use crate::results::layout::{EXPERIMENT_FILE, experiment_file, is_plain_name, run_file};
use crate::results::load::experiment_folders;
use crate::text::counted;

/// The experiment of a folder as it was last run, with what the command line changes of it beyond; it is called as the
/// folder is.
///
/// # Errors
/// Where the folder is no experiment's, or this bnes refuses its config.
pub(super) fn experiment(dir: &Path, set: &[String], seeds: Option<u64>) -> Result<Experiment> {
    let file = experiment_file(dir);
    if !file.is_file() {
        return Err(no_experiment(dir).into());
    }
    let plan = Plan::read(dir)
        .map_err(|fault| anyhow!("{fault}: give the config itself with --config"))?;
    if !is_plain_name(&plan.config) {
        let told =
            format!("{} names no config: give the config itself with --config", file.display());
        return Err(UsageError(told).into());
    }
    let config = dir.join(&plan.config);
    let text = fs::read_to_string(&config).with_context(|| {
        format!("cannot read the config of the experiment, {}", config.display())
    })?;
    let overrides = Overrides {
        set: plan.overrides.set.iter().chain(set).cloned().collect(),
        seeds: seeds.or(plan.overrides.seeds),
    };
    // The paths in it start from where it came from.
    let source = plan.source.map(|source| dir.join(source));
    let base = source.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    let mut experiment = Experiment::parse(&config.display().to_string(), &text, base, &overrides)?;
    experiment.config.path = source;
    (_, experiment.name) = place(dir)?;
    Ok(experiment)
}

/// The results directory that the folder of an experiment lies in, and its name there.
///
/// # Errors
/// Where it has none.
pub(super) fn place(dir: &Path) -> Result<(PathBuf, String)> {
    let name = |dir: &Path| Some(dir.file_name()?.to_str()?.to_owned());
    let parent = |dir: &Path| match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    if let Some(name) = name(dir) {
        return Ok((parent(dir), name));
    }
    // `.` and `..` have no name of their own.
    let full = dir.canonicalize().with_context(|| format!("--again: {}", dir.display()))?;
    let name = name(&full).with_context(|| format!("--again: {} has no name", full.display()))?;
    Ok((parent(&full), name))
}

fn no_experiment(dir: &Path) -> UsageError {
    let shown = dir.display();
    let help = if !dir.exists() {
        "there is no such folder".to_owned()
    } else if run_file(dir).is_file() {
        "it is a training's: name the folder of its experiment, the one above".to_owned()
    } else {
        let below = experiment_folders(dir).unwrap_or_default();
        match below.first() {
            None => format!("it has no {EXPERIMENT_FILE}"),
            Some(first) => {
                let count = counted(below.len(), "experiment");
                format!("it holds {count}: name one, such as {}", first.display())
            }
        }
    };
    UsageError(format!("--again takes the folder of an experiment, and {shown} is none: {help}"))
}
