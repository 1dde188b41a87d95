//! Folders: which files in them are logs, and which folders are one training as a whole.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::{Fault, LogError};
use super::input::Input;
use super::list::SOURCES;
use super::read::read;
use super::source::{Claim, Drafts};
use super::text_table::looks_like_a_log;
use super::training::Draft;

/// Folders below folders, at most.
const DEEPEST: usize = 24;

/// Folders in which nobody keeps logs.
const PASSED_OVER: [&str; 6] =
    ["node_modules", "__pycache__", "site-packages", "artifacts", "target", "venv"];

/// Endings of the names of files that may be logs.
const ENDINGS: [&str; 11] = [
    ".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".log", ".db", ".sqlite", ".sqlite3", ".wandb",
    ".txt",
];

/// What is found below a folder.
#[derive(Default)]
pub(super) struct Search {
    pub drafts: Vec<Draft>,
    pub problems: Vec<LogError>,
    /// Folders with results of this program.
    pub ours: Vec<PathBuf>,
}

impl Search {
    /// Searches a folder; links are not followed.
    pub fn folder(&mut self, path: &Path, depth: usize) -> Result<(), LogError> {
        let entries = fs::read_dir(path).map_err(|error| LogError::unreadable(path, &error))?;
        let (mut files, mut folders) = (Vec::new(), Vec::new());
        for entry in entries.flatten() {
            let Ok(name) = entry.file_name().into_string() else { continue };
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(name),
                // What is asked for by name may be a link.
                Ok(kind) if kind.is_file() || depth == 0 => files.push(name),
                _ => {}
            }
        }
        files.sort_unstable();
        folders.sort_unstable();
        let is_ours = |name: &str| files.iter().any(|file| file == name);
        if is_ours("experiment.json") || (is_ours("run.json") && is_ours("epochs.csv")) {
            self.ours.push(path.to_owned());
            return Ok(());
        }
        let names: Vec<String> =
            files.iter().cloned().chain(folders.iter().map(|name| format!("{name}/"))).collect();
        let claim = SOURCES.iter().find_map(|source| Some((source, source.folder(path, &names)?)));
        if let Some((source, claim)) = claim {
            match claimed(claim).and_then(|drafts| source.of_folder(path, drafts)) {
                Ok(drafts) => self.drafts.extend(drafts),
                Err(error) => self.problems.push(error),
            }
            return Ok(());
        }
        for name in files {
            self.file(&path.join(name));
        }
        for name in folders {
            let is_hidden = name.starts_with('.') || PASSED_OVER.contains(&name.as_str());
            if !is_hidden
                && depth < DEEPEST
                && let Err(error) = self.folder(&path.join(name), depth + 1)
            {
                self.problems.push(error);
            }
        }
        Ok(())
    }

    /// A file in a folder: what is no log is passed over.
    fn file(&mut self, path: &Path) {
        let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase());
        let name = name.unwrap_or_default();
        let plain = name.strip_suffix(".gz").unwrap_or(&name);
        if !ENDINGS.iter().any(|ending| plain.ends_with(ending)) && !plain.contains("tfevents") {
            return;
        }
        match Input::open(path).and_then(read) {
            Ok(drafts) => {
                let is_json = is_named(plain, "json");
                let is_log = |draft: &Draft| {
                    // A single object is a summary, or settings.
                    if is_json && draft.rows.len() < 2 {
                        return false;
                    }
                    looks_like_a_log(draft.rows.names()) || !matches!(draft.tool, "csv" | "json")
                };
                self.drafts.extend(drafts.into_iter().filter(is_log));
            }
            // Of what may be anything, only what is sure to be a log is said to be damaged.
            Err(error) => match error.fault {
                Fault::NotALog => {}
                Fault::Damaged if is_named(plain, "json") || is_named(plain, "txt") => {}
                _ => self.problems.push(error),
            },
        }
    }
}

fn claimed(claim: Claim) -> Drafts {
    let of_file = |path: &PathBuf| Input::open(path).and_then(read);
    match claim {
        Claim::Read(drafts) => drafts,
        Claim::All(files) => {
            let read: Result<Vec<Vec<Draft>>, LogError> = files.iter().map(of_file).collect();
            Ok(read?.into_iter().flatten().collect())
        }
        Claim::FirstOf(files) => {
            let mut first: Option<LogError> = None;
            for file in &files {
                match (of_file(file), first) {
                    (Ok(mut drafts), problem) => {
                        // What was to be read in its place.
                        let note = problem.map(|error| format!("{error}: left out"));
                        for draft in &mut drafts {
                            draft.notes.extend(note.clone());
                        }
                        return Ok(drafts);
                    }
                    (Err(error), problem) => first = Some(problem.unwrap_or(error)),
                }
            }
            first.map_or_else(|| Ok(Vec::new()), Err)
        }
    }
}

fn is_named(name: &str, ending: &str) -> bool {
    Path::new(name).extension().is_some_and(|own| own.eq_ignore_ascii_case(ending))
}
