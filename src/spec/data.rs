//! `[data]`: which rows, what is predicted, how they are split.

use serde::{Deserialize, Deserializer, Serialize, de::Error};

use crate::check;
use crate::kinds::NotYetBuilt;

/// `[data]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSpec {
    /// A built-in set or a path relative to the config file.
    pub source: String,
    /// The column or columns to predict; default: the last column.
    #[serde(default)]
    pub target: Option<Target>,
    /// Inferred from the target where absent.
    #[serde(default)]
    pub task: Option<Task>,
    /// Centre and scale inputs (and regression targets) by the training split.
    #[serde(default = "yes")]
    pub standardize: bool,
    /// `[data.split]`.
    #[serde(default)]
    pub split: SplitSpec,
    #[serde(default, skip_serializing)]
    test_source: Option<NotYetBuilt>,
    #[serde(default, skip_serializing)]
    drop: Option<NotYetBuilt>,
    #[serde(default, skip_serializing)]
    categorical: Option<NotYetBuilt>,
    #[serde(default, skip_serializing)]
    missing: Option<NotYetBuilt>,
    #[serde(default, skip_serializing)]
    header: Option<NotYetBuilt>,
    #[serde(default, skip_serializing)]
    delimiter: Option<NotYetBuilt>,
    #[serde(default, skip_serializing)]
    binarize: Option<NotYetBuilt>,
}

impl DataSpec {
    /// The defaults for a source.
    #[must_use]
    pub fn new(source: &str) -> Self {
        Self {
            source: source.to_owned(),
            target: None,
            task: None,
            standardize: true,
            split: SplitSpec::default(),
            test_source: None,
            drop: None,
            categorical: None,
            missing: None,
            header: None,
            delimiter: None,
            binarize: None,
        }
    }
}

fn yes() -> bool {
    true
}

/// One column name or several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Target {
    /// One column.
    One(String),
    /// Several regression targets, at least one.
    Several(Vec<String>),
}

impl Target {
    /// The names, in the order given.
    #[must_use]
    pub fn names(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Several(names) => names,
        }
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;
        impl<'de> serde::de::Visitor<'de> for Names {
            type Value = Target;
            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("a column name or a list of them")
            }
            fn visit_str<E: Error>(self, name: &str) -> Result<Target, E> {
                Ok(Target::One(name.to_owned()))
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(
                self,
                mut seq: A,
            ) -> Result<Target, A::Error> {
                let mut names: Vec<String> = Vec::new();
                while let Some(name) = seq.next_element::<String>()? {
                    if names.contains(&name) {
                        return Err(A::Error::custom(format_args!("`{name}` is listed twice")));
                    }
                    names.push(name);
                }
                if names.is_empty() {
                    return Err(A::Error::custom("the list is empty: name at least one column"));
                }
                Ok(Target::Several(names))
            }
        }
        deserializer.deserialize_any(Names)
    }
}

/// What is learnt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// One of a number of classes.
    Classification,
    /// One or several real numbers.
    Regression,
}

/// `[data.split]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SplitSpec {
    /// Share of the rows for validation.
    #[serde(deserialize_with = "check::share")]
    pub validation: f64,
    /// Share of the rows for the test, unless the source brings its own.
    #[serde(deserialize_with = "check::share")]
    pub test: f64,
    /// Keep the classes' shares in every split.
    pub stratify: bool,
    /// Of the split alone.
    pub seed: SplitSeed,
    #[serde(skip_serializing)]
    column: Option<NotYetBuilt>,
}

impl Default for SplitSpec {
    fn default() -> Self {
        Self { validation: 0.2, test: 0.2, stratify: true, seed: SplitSeed::Fixed(0), column: None }
    }
}

/// Which random split is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SplitSeed {
    /// The same for all runs.
    Fixed(u64),
    /// `"seed"`: a new split with each seed.
    PerSeed,
}

impl Serialize for SplitSeed {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Fixed(seed) => seed.serialize(serializer),
            Self::PerSeed => "seed".serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for SplitSeed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl serde::de::Visitor<'_> for Number {
            type Value = SplitSeed;
            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("a whole number, or \"seed\" for a new split with each seed")
            }
            fn visit_u64<E: Error>(self, seed: u64) -> Result<SplitSeed, E> {
                Ok(SplitSeed::Fixed(seed))
            }
            fn visit_str<E: Error>(self, word: &str) -> Result<SplitSeed, E> {
                match word {
                    "seed" => Ok(SplitSeed::PerSeed),
                    _ => Err(E::invalid_value(serde::de::Unexpected::Str(word), &self)),
                }
            }
        }
        deserializer.deserialize_any(Number)
    }
}
