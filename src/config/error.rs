//! What is wrong with a config, shown in the text it was written in.

use std::fmt;
use std::ops::Range;

use super::node::{Origin, Source};
use super::snippet::{Position, snippet};
use crate::names::nearest;

/// A fault of a config: what, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError(Box<Parts>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Parts {
    message: String,
    origin: Option<Origin>,
    notes: Vec<(&'static str, String)>,
    basis: Basis,
}

/// What has to be right for a fault to be one, so that nothing is named that only follows from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Basis {
    /// Nothing: it is wrong by itself.
    Own,
    /// That no key of this name was meant.
    Lacking(&'static str),
    /// The other keys that it is looked at with.
    Together,
    /// The whole matrix: two levels or arms are equal.
    Levels,
}

impl ConfigError {
    /// A fault of no particular place.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            message: message.into(),
            origin: None,
            notes: Vec::new(),
            basis: Basis::Own,
        }))
    }

    /// A fault in a text.
    #[must_use]
    pub fn at(origin: &Origin, message: impl Into<String>) -> Self {
        let mut error = Self::new(message);
        error.0.origin = Some(origin.clone());
        error
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.0.notes.push(("help", help.into()));
        self
    }

    /// Says what else matters.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.0.notes.push(("note", note.into()));
        self
    }

    /// Says what it goes by.
    pub(super) fn on(mut self, basis: Basis) -> Self {
        self.0.basis = basis;
        self
    }

    pub(super) fn basis(&self) -> Basis {
        self.0.basis
    }

    /// What to do and what else matters, each a line of its own.
    #[must_use]
    pub fn notes(&self) -> &[(&'static str, String)] {
        &self.0.notes
    }

    /// What is wrong, in one line.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where it is wrong.
    #[must_use]
    pub fn origin(&self) -> Option<&Origin> {
        self.0.origin.as_ref()
    }

    /// Line and column, both from 1, columns in characters; the start of a text that as a whole
    /// lacks something.
    #[must_use]
    pub fn position(&self) -> Option<(usize, usize)> {
        self.position_of(|range| range.start)
    }

    /// Line and column behind the last character, as [`ConfigError::position`].
    #[must_use]
    pub fn end(&self) -> Option<(usize, usize)> {
        self.position_of(|range| range.end)
    }

    fn position_of(&self, at: impl Fn(&Range<usize>) -> usize) -> Option<(usize, usize)> {
        let origin = self.origin()?;
        let position = Position::of(&origin.source.text, origin.range.as_ref().map_or(0, at));
        Some((position.line, position.column))
    }
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Parts { message, origin, notes, .. } = &*self.0;
        f.write_str(message)?;
        let mut gutter = 1;
        if let Some(Origin { source, range }) = origin {
            match range {
                None => write!(f, "\n{:gutter$}--> {}:1:1", "", source.name)?,
                Some(range) => {
                    let position = Position::of(&source.text, range.start);
                    gutter = position.line.to_string().len();
                    let place = place(source, &position);
                    write!(f, "\n{:gutter$}--> {place}\n", "")?;
                    snippet(f, &source.text, range, &position)?;
                }
            }
        }
        for (name, note) in notes {
            write!(f, "\n{:gutter$} = {name}: {note}", "")?;
        }
        Ok(())
    }
}

/// Longest part of a command line that is repeated before its column.
const COMMAND_LINE_SHOWN: usize = 80;

fn place(source: &Source, position: &Position) -> String {
    let Source { name, text, command_line } = source;
    if *command_line
        && text.chars().count() <= COMMAND_LINE_SHOWN
        && !text.contains(char::is_control)
    {
        format!("{name} {text}:{}", position.column)
    } else {
        format!("{name}:{}:{}", position.line, position.column)
    }
}

/// Names after which a list of all of them helps nobody.
const LISTED: usize = 48;

/// `did you mean ...? There are: ...`, with each name once and the nearest first.
#[must_use]
pub fn suggest(name: &str, known: &[&str]) -> String {
    let near = nearest(name, known);
    let mut names: Vec<&str> = Vec::new();
    for known in near.iter().chain(known) {
        if !names.contains(known) {
            names.push(known);
        }
    }
    let near = near.map(|near| format!("did you mean `{near}`?"));
    let all = (names.len() <= LISTED && !names.is_empty())
        .then(|| format!("There are: {}", crate::text::quoted(&names)));
    match (near, all) {
        (Some(near), Some(all)) => format!("{near} {all}"),
        (near, all) => near.or(all).unwrap_or_else(|| "there are none".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn shown(text: &str, part: &str) -> String {
        let source =
            Arc::new(Source { name: "a.toml".into(), text: text.into(), command_line: false });
        let start = text.find(part).unwrap();
        ConfigError::at(&Origin::new(&source, start..start + part.len()), "no").to_string()
    }

    #[test]
    fn the_offending_text_is_underlined() {
        assert_eq!(
            shown("a = 1\nbad = 2 # x\n", "bad"),
            "no\n --> a.toml:2:1\n  |\n2 | bad = 2 # x\n  | ^^^"
        );
        assert_eq!(shown("é\tbad", "bad"), "no\n --> a.toml:1:3\n  |\n1 | é    bad\n  |      ^^^");
    }

    #[test]
    fn long_lines_are_cut_around_the_fault() {
        let text = format!("{}bad{}", "x".repeat(500), "y".repeat(500));
        let shown = shown(&text, "bad");
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines[1], " --> a.toml:1:501");
        assert!(lines[3].chars().count() < 120, "{shown}");
        let column = lines[4].find('^').unwrap();
        let at: String = lines[3].chars().skip(column).take(3).collect();
        assert_eq!(at, "bad");
        assert!(lines[3].contains('…') && lines[3].ends_with('…'));
    }

    #[test]
    fn near_names_are_suggested_and_far_ones_not() {
        assert_eq!(suggest("q", &["a", "b", "a"]), "There are: `a`, `b`");
        let known = ["alpha", "patience"];
        let near = "did you mean `patience`? There are: `patience`, `alpha`";
        assert_eq!(suggest("patiance", &known), near);
    }
}
