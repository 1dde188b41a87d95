//! Where a config comes from, and what another one of the same name left in its place.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Component, Path, PathBuf, absolute};

use crate::config::ConfigFile;
use crate::results::{Plan, PlannedTraining};

/// Another experiment whose place this one takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced {
    /// Its config file; none of the built-in experiment.
    pub source: Option<PathBuf>,
    /// Its trainings that this config does not name.
    pub trainings: usize,
}

impl Replaced {
    /// What `plan` leaves of an `earlier` one of another file in the folder `dir`; none where it names all of its
    /// trainings.
    pub(super) fn find(earlier: &Plan, plan: &Plan, dir: &Path) -> Option<Self> {
        let named: HashSet<&str> = plan.trainings.iter().map(|one| one.dir.as_str()).collect();
        let is_named = |one: &&PlannedTraining| named.contains(one.dir.as_str());
        let trainings = earlier.trainings.iter().filter(|one| !is_named(one)).count();
        let source = earlier.source.as_ref().map(|source| plain(&dir.join(source)));
        (trainings > 0).then_some(Self { source, trainings })
    }
}

/// The path of a config from the folder `dir` of its experiment, whether that is there yet or not: the same
/// wherever both lie.
pub(super) fn source(config: &ConfigFile, dir: &Path) -> Option<String> {
    let file = real(config.path.as_deref()?);
    let dir = real(&dir.join("file"));
    let (file, mut dir) = (file.components(), dir.components());
    dir.next_back();
    let (mut file, mut dir) = (file.peekable(), dir.peekable());
    while file.next_if(|part| dir.peek() == Some(part)).is_some() {
        dir.next();
    }
    let up = dir.map(|_| OsStr::new(".."));
    let path: PathBuf = up.chain(file.map(Component::as_os_str)).collect();
    Some(path.to_string_lossy().into_owned())
}

/// An absolute path to a file without links among its folders, as far as these are there.
fn real(path: &Path) -> PathBuf {
    let path = absolute(path).unwrap_or_else(|_| path.to_owned());
    let real = path.ancestors().skip(1).find_map(|folder| {
        let rest = path.strip_prefix(folder).ok()?;
        Some(fs::canonicalize(folder).ok()?.join(rest))
    });
    plain(&real.unwrap_or(path))
}

/// A path without `.` and, where a folder stands before it, `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match (part, plain.components().next_back()) {
            (Component::CurDir, _) | (Component::ParentDir, Some(Component::RootDir)) => {}
            (Component::ParentDir, Some(Component::Normal(_))) => {
                plain.pop();
            }
            _ => plain.push(part),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source_of(config: &Path, dir: &Path) -> String {
        let (file_name, text) = (String::new(), String::new());
        source(&ConfigFile { file_name, path: Some(config.to_owned()), text }, dir).unwrap()
    }

    #[test]
    fn a_config_is_told_from_the_folder_of_its_experiment_however_both_are_written() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        fs::create_dir_all(at("a/b")).unwrap();
        let there = "../../a/e.toml";
        for (config, dir) in [
            ("a/e.toml", "results/e"),
            ("a/./b/../e.toml", "results/e"),
            ("a/e.toml", "a/../results/./e"),
            ("a/e.toml", "none/../results/e"),
        ] {
            assert_eq!(source_of(&at(config), &at(dir)), there, "{config} {dir}");
        }
        assert_eq!(source_of(&at("e.toml"), &at("e")), "../e.toml");
        fs::create_dir_all(at("results/e")).unwrap();
        assert_eq!(source_of(&at("a/e.toml"), &at("results/e")), there);
        assert_eq!(source_of(&at("results/e/e.toml"), &at("results/e")), "e.toml");
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_by_another_name_is_the_same_folder() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        fs::create_dir_all(at("deep/results")).unwrap();
        std::os::unix::fs::symlink(at("deep/results"), at("link")).unwrap();
        assert_eq!(source_of(&at("e.toml"), &at("link/e")), "../../../e.toml");
        assert_eq!(source_of(&at("e.toml"), &at("deep/results/e")), "../../../e.toml");
        assert_eq!(source_of(&at("link/../e.toml"), &at("deep/results/e")), "../../e.toml");
    }

    #[test]
    fn a_plain_path_leads_to_the_same_file() {
        for (path, short) in [
            ("out/exp/../../a/e.toml", "a/e.toml"),
            ("../../e.toml", "../../e.toml"),
            ("/../a", "/a"),
        ] {
            assert_eq!(plain(Path::new(path)), Path::new(short));
        }
    }
}
