//! What the tests of the program share: running it, and looking at what it wrote.

pub mod bad;
pub mod broken;
pub mod page;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// The program: the one just built, or another that `BNES_BINARY` names, as `.ci/release` does.
pub fn bnes() -> std::ffi::OsString {
    std::env::var_os("BNES_BINARY").unwrap_or_else(|| env!("CARGO_BIN_EXE_bnes").into())
}

/// A folder of its own, with the program started inside of it.
pub struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(bnes());
        command.current_dir(self.dir.path()).args(args);
        command
    }

    pub fn bnes(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Runs and expects exit code 0; the standard output.
    pub fn succeeds(&self, args: &[&str]) -> String {
        let output = self.bnes(args);
        assert!(output.status.success(), "bnes {args:?}: {}", stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs and expects an exit code; the standard error.
    pub fn fails(&self, code: i32, args: &[&str]) -> String {
        let output = self.bnes(args);
        assert_eq!(output.status.code(), Some(code), "bnes {args:?}: {}", stderr(&output));
        stderr(&output)
    }

    /// Folders of trainings below `results/experiment`, by name.
    pub fn trainings(&self, experiment: &str) -> Vec<PathBuf> {
        let mut found: Vec<PathBuf> = fs::read_dir(self.path(experiment))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.join("run.json").is_file())
            .collect();
        found.sort();
        found
    }

    /// The one training whose folder begins with `prefix`.
    pub fn training(&self, experiment: &str, prefix: &str) -> PathBuf {
        let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
        let found: Vec<PathBuf> = self
            .trainings(experiment)
            .into_iter()
            .filter(|path| name(path).starts_with(prefix))
            .collect();
        assert_eq!(found.len(), 1, "{prefix}: {found:?}");
        found[0].clone()
    }
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// A curve without its clock columns.
pub fn curve(training: &Path) -> String {
    let text = fs::read_to_string(training.join("epochs.csv")).unwrap();
    let header: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    let keep = |line: &str| {
        let cells = line.split(',').zip(&header).filter(|(_, name)| !name.ends_with("_s"));
        cells.map(|(cell, _)| cell).collect::<Vec<_>>().join(",")
    };
    text.lines().map(keep).collect::<Vec<_>>().join("\n")
}

/// A column of a curve.
pub fn column(training: &Path, name: &str) -> Vec<f64> {
    let text = fs::read_to_string(training.join("epochs.csv")).unwrap();
    let mut lines = text.lines();
    let index = lines.next().unwrap().split(',').position(|column| column == name).unwrap();
    lines.map(|line| line.split(',').nth(index).unwrap().parse().unwrap()).collect()
}

/// Every weights file of a training with its bytes.
pub fn weights(training: &Path) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(training)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()))
        .filter(|(name, _)| name.starts_with("weights-"))
        .map(|(name, path)| (name, fs::read(path).unwrap()))
        .collect()
}

/// By folder, the curve and the weights.
pub type Bytes = BTreeMap<String, (String, BTreeMap<String, Vec<u8>>)>;

/// Curves and weights of all trainings of an experiment, by folder: what must not depend on how
/// the program was run.
pub fn bytes(place: &Place, experiment: &str) -> Bytes {
    place
        .trainings(experiment)
        .into_iter()
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, (curve(&path), weights(&path)))
        })
        .collect()
}
