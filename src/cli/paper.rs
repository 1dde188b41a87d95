//! `bnes compare --paper DIR`: what a paper takes of a comparison, as a folder of files.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::compared::means;
use super::exit::UsageError;
use super::output;
use super::report::origins;
use crate::compare::runs::each_run;
use crate::compare::{Comparison, Filter, Options, compare};
use crate::draw::Size;
use crate::report::paper::{bibliography, methods};
use crate::report::plot::{Asked, COLUMN, Plot, svg};
use crate::report::runs::Runs;
use crate::report::{Style, format};
use crate::results::LoadedExperiment;
use crate::storage::atomic::write_with;
use crate::text::hex;

/// The file that tells which others bnes wrote.
const MANIFEST: &str = "paper.json";

/// The width of a page, in millimetres.
const WIDTH: f64 = 170.0;

/// Which files bnes wrote, and what was in them.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Manifest {
    /// By name, the SHA-256 of each content that the file may have: where writing was cut off, an older one, too.
    files: BTreeMap<String, Vec<String>>,
}

/// The files of a comparison by their names.
///
/// # Errors
/// Where a curve cannot be read, or there is nothing to compare.
pub(super) fn files(
    experiments: &[LoadedExperiment],
    filters: &[Filter],
    options: &Options,
) -> Result<BTreeMap<String, String>> {
    // The same trainings give the same files.
    let mut comparison = compare(experiments, &Options { no_clocks: true, ..options.clone() })?;
    let curves = crate::compare::curves::curves(experiments, filters)?;
    comparison.curves = means(&curves, Some(COLUMN));
    let style = Style { medians: options.robust, ..Style::default() };
    let table = |name: &str| -> Result<String> {
        let format = format(name).context("a format that is built in")?;
        (format.write)(&comparison, &style)
    };
    let mut runs = Runs::default();
    each_run(experiments, filters, |run| runs.push(&run))?;
    let methods = methods(&comparison, &origins(experiments, filters)?);
    let mut files = BTreeMap::from([
        ("table.tex".to_owned(), table("latex")?),
        ("table.md".to_owned(), table("markdown")?),
        ("runs.csv".to_owned(), runs.finish()?),
        ("citation.bib".to_owned(), bibliography(&methods)),
        ("methods.md".to_owned(), methods),
    ]);
    let several = comparison.experiments.len() > 1;
    for (number, experiment) in (1..).zip(&comparison.experiments) {
        let one = Comparison { experiments: vec![experiment.clone()], ..comparison.clone() };
        // An experiment without validation rows has no such curve.
        let Ok(picture) = svg(Plot::Curves, &one, &Asked::default(), Size::paper(WIDTH)) else {
            continue;
        };
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let name: String = experiment.name.chars().map(plain).collect();
        let name =
            if several { format!("curves-{number}-{name}.svg") } else { "curves.svg".into() };
        files.insert(name, picture);
    }
    Ok(files)
}

/// Refuses what is no folder of its own, before anything is computed.
///
/// # Errors
/// Where `dir` is a file, or lies in results.
pub(super) fn check(dir: &Path, experiments: &[LoadedExperiment]) -> Result<(), UsageError> {
    let named = |what: &str| {
        UsageError(format!("--paper names {}, which {what}: name a folder", dir.display()))
    };
    if dir.exists() && !dir.is_dir() {
        return Err(named("is no folder"));
    }
    let place = output::place(dir);
    if experiments.iter().any(|one| place.starts_with(output::place(&one.path))) {
        return Err(named("lies in the results"));
    }
    Ok(())
}

/// Writes the files into a folder, each whole or not at all. What bnes wrote there before is replaced; a file
/// of one of these names that it did not write, or that was changed since, is not.
///
/// # Errors
/// Where there is such a file, or the folder cannot be written.
pub(super) fn write(dir: &Path, files: &BTreeMap<String, String>) -> Result<()> {
    let failed = || format!("cannot write {}", dir.display());
    fs::create_dir_all(dir).with_context(failed)?;
    let place = dir.join(MANIFEST);
    let before: Manifest = match fs::read(&place) {
        Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_default(),
        Err(_) => Manifest::default(),
    };
    let mut manifest = Manifest::default();
    for (name, content) in files {
        let new = hex(Sha256::digest(content));
        let mut may_be = vec![new.clone()];
        match fs::read(dir.join(name)) {
            Ok(bytes) => {
                let there = hex(Sha256::digest(bytes));
                let own = before.files.get(name).is_some_and(|own| own.contains(&there));
                if there != new && !own {
                    let told = format!(
                        "{} is not as `bnes compare --paper` wrote it, and stays: move it, or name another folder",
                        dir.join(name).display()
                    );
                    return Err(UsageError(told).into());
                }
                if there != new {
                    may_be.push(there);
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                return Err(error)
                    .with_context(|| format!("cannot write {}", dir.join(name).display()));
            }
        }
        manifest.files.insert(name.clone(), may_be);
    }
    // First, so that whatever is there if this is cut off is known to be ours.
    let text = serde_json::to_string_pretty(&manifest)? + "\n";
    write_with(&place, |file| Ok(file.write_all(text.as_bytes())?))?;
    for (name, content) in files {
        write_with(&dir.join(name), |file| Ok(file.write_all(content.as_bytes())?))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(parts: &[(&str, &str)]) -> BTreeMap<String, String> {
        parts.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn own_files_are_replaced_and_changed_or_foreign_ones_stay() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("new").join("paper");
        let read = |name: &str| fs::read_to_string(dir.join(name)).unwrap();
        write(&dir, &of(&[("a.md", "1"), ("b.md", "1")])).unwrap();
        fs::write(dir.join("mine.md"), "mine").unwrap();
        write(&dir, &of(&[("a.md", "2"), ("b.md", "1")])).unwrap();
        assert_eq!(
            (read("a.md"), read("b.md"), read("mine.md")),
            ("2".into(), "1".into(), "mine".into())
        );
        // Edited by hand: nothing is written at all.
        fs::write(dir.join("b.md"), "my words").unwrap();
        let error = write(&dir, &of(&[("a.md", "3"), ("b.md", "3")])).unwrap_err();
        assert!(
            error.is::<UsageError>() && error.to_string().contains("b.md is not as"),
            "{error}"
        );
        assert_eq!((read("a.md"), read("b.md")), ("2".into(), "my words".into()));
        let error = write(&dir, &of(&[("mine.md", "4")])).unwrap_err();
        assert!(error.to_string().contains("mine.md"), "{error}");
    }

    #[test]
    fn a_folder_that_was_written_half_is_written_whole_the_next_time() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &of(&[("a.md", "1"), ("b.md", "1")])).unwrap();
        let whole = fs::read(dir.path().join(MANIFEST)).unwrap();
        write(dir.path(), &of(&[("a.md", "2"), ("b.md", "2")])).unwrap();
        // As if killed between the two.
        fs::write(dir.path().join("b.md"), "1").unwrap();
        write(dir.path(), &of(&[("a.md", "3"), ("b.md", "3")])).unwrap();
        assert_eq!(fs::read_to_string(dir.path().join("b.md")).unwrap(), "3");
        write(dir.path(), &of(&[("a.md", "1"), ("b.md", "1")])).unwrap();
        write(dir.path(), &of(&[("a.md", "1"), ("b.md", "1")])).unwrap();
        assert_eq!(fs::read(dir.path().join(MANIFEST)).unwrap(), whole);
    }
}
