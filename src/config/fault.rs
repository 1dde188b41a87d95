//! What serde refuses, and the error that it becomes where it was written.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use super::error::{Basis, ConfigError, suggest};
use super::node::Origin;

/// Whole paths of the keys of a name, in all tables of a config.
pub(super) type Elsewhere = fn(&str) -> Vec<String>;

pub(super) fn no_other_table(_: &str) -> Vec<String> {
    Vec::new()
}

/// The keys on the way to what is being read.
pub(super) struct Path<'a> {
    pub around: Option<&'a Path<'a>>,
    pub name: &'a str,
    pub elsewhere: Elsewhere,
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.around {
            Some(around) if around.around.is_some() => write!(f, "{around}.{}", self.name),
            _ => f.write_str(self.name),
        }
    }
}

impl Path<'_> {
    fn is_root(&self) -> bool {
        self.around.is_none()
    }
}

/// What serde refuses: first without a place, then with that of the innermost part being read.
#[derive(Debug)]
pub(super) struct Fault(Box<State>);

#[derive(Debug)]
enum State {
    Raised(Cause),
    Placed(ConfigError),
}

#[derive(Debug)]
enum Cause {
    UnknownKey { name: String, known: &'static [&'static str] },
    UnknownVariant { name: String, known: &'static [&'static str] },
    Missing(&'static str),
    Unfit { found: String, expected: String },
    Other(String),
}

impl Fault {
    fn raised(cause: Cause) -> Self {
        Self(Box::new(State::Raised(cause)))
    }

    pub fn placed(self, origin: &Origin, path: &Path) -> Self {
        let State::Raised(cause) = *self.0 else { return self };
        Self(Box::new(State::Placed(cause.at(origin, path))))
    }

    pub fn into_error(self) -> ConfigError {
        match *self.0 {
            State::Placed(error) => error,
            State::Raised(cause) => ConfigError::new(format!("{cause:?}")),
        }
    }
}

impl Cause {
    /// `path` is that of the value, for an unknown key that of the table around it.
    fn at(self, origin: &Origin, path: &Path) -> ConfigError {
        let within = if path.is_root() { String::new() } else { format!(" in [{path}]") };
        let prefix = if path.is_root() { String::new() } else { format!("`{path}`: ") };
        match self {
            Self::UnknownKey { name, known } => {
                let error = ConfigError::at(origin, format!("unknown key `{name}`{within}"));
                let mut places = (path.elsewhere)(&name);
                // A key of the very table, by another program's name for it.
                let table = path.to_string();
                let own = |place: &String| {
                    place.rsplit_once('.').is_some_and(|(around, _)| around == table)
                };
                if places.iter().any(own) {
                    places.retain(own);
                }
                // The first words of a key of the very table are meant for that one.
                let begins = |key: &&str| {
                    key.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with('_'))
                };
                if known.iter().any(begins) {
                    places.clear();
                }
                if places.is_empty() {
                    return error.help(suggest(&name, known));
                }
                let places: Vec<String> = places.iter().map(|place| format!("`{place}`")).collect();
                error.help(format!("did you mean {}?", places.join(" or ")))
            }
            Self::UnknownVariant { name, known } => {
                ConfigError::at(origin, format!("{prefix}unknown value `{name}`"))
                    .help(suggest(&name, known))
            }
            Self::Missing(name) => {
                ConfigError::at(origin, format!("the key `{name}` is missing{within}"))
                    .on(Basis::Lacking(name))
            }
            Self::Unfit { found, expected } => {
                ConfigError::at(origin, format!("{prefix}expected {expected}, found {found}"))
            }
            Self::Other(message) => ConfigError::at(origin, format!("{prefix}{message}")),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match &*self.0 {
            State::Raised(cause) => write!(f, "{cause:?}"),
            State::Placed(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::raised(Cause::Other(message.to_string()))
    }

    fn unknown_field(name: &str, known: &'static [&'static str]) -> Self {
        Self::raised(Cause::UnknownKey { name: name.to_owned(), known })
    }

    fn unknown_variant(name: &str, known: &'static [&'static str]) -> Self {
        Self::raised(Cause::UnknownVariant { name: name.to_owned(), known })
    }

    fn missing_field(name: &'static str) -> Self {
        Self::raised(Cause::Missing(name))
    }

    fn invalid_type(found: Unexpected, expected: &dyn Expected) -> Self {
        Self::raised(Cause::Unfit { found: found_words(&found), expected: words(expected) })
    }

    fn invalid_value(found: Unexpected, expected: &dyn Expected) -> Self {
        let out_of_range = matches!(found, Unexpected::Signed(_) | Unexpected::Unsigned(_));
        let (found, expected) = (found_words(&found), words(expected));
        Self::raised(if out_of_range {
            Cause::Other(format!("{found} is out of range: expected {expected}"))
        } else {
            Cause::Unfit { found, expected }
        })
    }
}

/// What was found, as it is written.
fn found_words(found: &Unexpected) -> String {
    match found {
        Unexpected::Bool(value) => value.to_string(),
        Unexpected::Unsigned(value) => value.to_string(),
        Unexpected::Signed(value) => value.to_string(),
        Unexpected::Float(value) => format!("{value:?}"),
        Unexpected::Str(text) => format!("the string {text:?}"),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a table".to_owned(),
        other => other.to_string(),
    }
}

/// What was expected, in words rather than in names of Rust's types.
fn words(expected: &dyn Expected) -> String {
    let text = expected.to_string();
    match text.as_str() {
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" => "a whole number of at least 0".into(),
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number".into(),
        "f32" | "f64" => "a number".into(),
        "a boolean" => "true or false".into(),
        "a sequence" => "a list".into(),
        "a map" => "a table".into(),
        _ if text.starts_with("struct ") => "a table".into(),
        _ => text,
    }
}
