//! Why there are no trainings in what was opened.

use std::path::Path;

/// What a file is, or is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It cannot be opened.
    Unreadable,
    /// Nothing in it looks like a training.
    NotALog,
    /// It is a log, but not whole, or not as its tool writes it.
    Damaged,
    /// It tells of runs, but not how they went epoch by epoch.
    NoCurves,
}

/// Why there are no trainings in what was opened, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct LogError {
    /// What kind of fault it is.
    pub fault: Fault,
    /// The file, with the line or the offset where there is one.
    pub place: String,
    /// What is wrong, what was expected, what to do.
    pub problem: String,
}

impl LogError {
    /// At a file as a whole.
    pub(super) fn at(fault: Fault, file: &str, problem: impl Into<String>) -> Self {
        Self { fault, place: file.to_owned(), problem: problem.into() }
    }

    /// In a damaged file, at a line, from 1.
    pub(super) fn at_line(file: &str, line: u64, problem: impl Into<String>) -> Self {
        Self { fault: Fault::Damaged, place: format!("{file}:{line}"), problem: problem.into() }
    }

    /// In a damaged file, at an offset in bytes.
    pub(super) fn at_byte(file: &str, offset: usize, problem: impl Into<String>) -> Self {
        let place = format!("{file}: byte {offset}");
        Self { fault: Fault::Damaged, place, problem: problem.into() }
    }

    /// What the system said of a path.
    pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> Self {
        Self::at(Fault::Unreadable, &path.display().to_string(), error.to_string())
    }
}
