//! What a reader of one tool's logs has to say.

use std::path::{Path, PathBuf};

use super::error::LogError;
use super::input::Origin;
use super::json::Json;
use super::sqlite::Database;
use super::training::Draft;

/// The trainings in what was opened.
pub(super) type Drafts = Result<Vec<Draft>, LogError>;

/// The run and the metric of each column; none of one that all runs share.
pub(super) type SideBySide = Vec<Option<(String, String)>>;

/// Reads the logs of one tool. Each way in which it writes them is a function; what it does not write is left at
/// the default. The first source that takes a log has it.
pub(super) trait Source: Sync {
    /// How the tool is called in results.
    fn tool(&self) -> &'static str;

    /// Of a table by its columns: whether it holds a row per run, and how to get curves instead.
    fn refuses(&self, _names: &[String]) -> Option<&'static str> {
        None
    }

    /// Of a table by its columns: which runs stand side by side in it.
    fn side_by_side(&self, _names: &[String]) -> Option<SideBySide> {
        None
    }

    /// Whether a table, or JSON lines with these keys, is one of its logs.
    fn takes_table(&self, _names: &[String], _origin: &Origin) -> bool {
        false
    }

    /// What a table that it takes lacks: names, parameters, how it ended.
    fn finish(&self, _draft: &mut Draft, _origin: &Origin) {}

    /// A whole JSON text.
    fn json(&self, _json: &Json, _origin: &Origin) -> Option<Drafts> {
        None
    }

    /// JSON lines that are no rows of values, by the first of them.
    fn lines(&self, _first: &Json, _origin: &Origin) -> Option<Box<dyn Lines>> {
        None
    }

    /// Whether a line of a text that is neither a table nor JSON is of its log, and what it says.
    fn text(&self, _line: &str) -> Option<TextLine> {
        None
    }

    /// Whether a file that begins with these bytes is one of its own.
    fn takes_bytes(&self, _head: &[u8], _name: &str) -> bool {
        false
    }

    /// Such a file.
    fn bytes(&self, _bytes: &[u8], _origin: &Origin) -> Drafts {
        Ok(Vec::new())
    }

    /// A database of `SQLite`.
    fn database(&self, _database: &Database, _origin: &Origin) -> Option<Drafts> {
        None
    }

    /// What to read of a folder that is one training, or several, by the names of what is in it (folders end in
    /// `/`); it is not searched for anything else.
    fn folder(&self, _path: &Path, _names: &[String]) -> Option<Claim> {
        None
    }

    /// What the files of such a folder come to.
    fn of_folder(&self, _path: &Path, drafts: Vec<Draft>) -> Drafts {
        Ok(drafts)
    }
}

/// What of a folder is read.
pub(super) enum Claim {
    /// The first of these files that can be read.
    FirstOf(Vec<PathBuf>),
    /// All of these files.
    All(Vec<PathBuf>),
    /// It is read already.
    Read(Drafts),
}

/// A reader of JSON lines that is handed one after the other.
pub(super) trait Lines {
    fn line(&mut self, number: u64, json: &Json) -> Result<(), LogError>;
    fn finish(self: Box<Self>) -> Drafts;
}

/// A line of a text: a counter's value, and the metrics with theirs.
pub(super) struct TextLine {
    pub counter: (&'static str, f64),
    pub values: Vec<(String, f64)>,
}
