//! What is wrong with a config, and what was noticed in it, for editors and other programs.

use serde::Serialize;
use serde_json::{Value, json};

use crate::config::{ConfigError, ConfigErrors};
use crate::runner::PrepareError;
use crate::runner::lint::{Finding, Level};

/// An error, a warning or a note with its place; lines and columns count from 1, columns in characters.
#[derive(Serialize)]
struct Diagnostic<'a> {
    level: &'static str,
    message: &'a str,
    /// What to do.
    help: Option<&'a str>,
    /// What else matters, such as the cell of the matrix.
    notes: Vec<&'a str>,
    /// The config as the command line names it, or `--set`; none where it has no place in a text.
    file: Option<&'a str>,
    line: Option<usize>,
    column: Option<usize>,
    /// The first character behind it.
    end_line: Option<usize>,
    end_column: Option<usize>,
    /// All of it as a terminal shows it.
    text: String,
}

impl<'a> Diagnostic<'a> {
    fn new(level: &'static str, about: &'a ConfigError, text: String) -> Self {
        let of = |name: &'static str| {
            let notes = about.notes().iter().filter(move |(known, _)| *known == name);
            notes.map(|(_, note)| note.as_str())
        };
        let (position, end) = (about.position(), about.end());
        Self {
            level,
            message: about.message(),
            help: of("help").next(),
            notes: of("note").collect(),
            file: about.origin().map(|origin| origin.source.name.as_str()),
            line: position.map(|(line, _)| line),
            column: position.map(|(_, column)| column),
            end_line: end.map(|(line, _)| line),
            end_column: end.map(|(_, column)| column),
            text,
        }
    }
}

/// What was noticed.
pub(super) fn findings(findings: &[Finding]) -> Value {
    let all: Vec<Diagnostic> = findings
        .iter()
        .map(|finding| {
            let level = match finding.level {
                Level::Warning => "warning",
                Level::Note => "note",
            };
            Diagnostic::new(level, &finding.about, finding.to_string())
        })
        .collect();
    json!(all)
}

/// Why there is nothing to look over.
pub(super) fn errors(error: &anyhow::Error) -> Value {
    let diagnostic = |error| Diagnostic::new("error", error, format!("error: {error}"));
    if let Some(errors) = error.downcast_ref::<ConfigErrors>() {
        return json!(errors.all().iter().map(diagnostic).collect::<Vec<_>>());
    }
    let of_data = error.downcast_ref().and_then(|error: &PrepareError| match error {
        PrepareError::Config(error) => Some(error),
        PrepareError::Data(_) => None,
    });
    match of_data.or_else(|| error.downcast_ref::<ConfigError>()) {
        Some(error) => json!([diagnostic(error)]),
        None => json!([diagnostic(&ConfigError::new(format!("{error:#}")))]),
    }
}
