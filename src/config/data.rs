//! `[data]`: which rows, what is predicted, how they are split.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de::Error};

use crate::check;
use crate::check::written_as;
use crate::seed::Seed;

/// `[data]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// A built-in set or a path relative to the config file.
    pub source: String,
    /// A file with the same columns, all of whose rows are the test split.
    #[serde(default)]
    pub test_source: Option<String>,
    /// The column or columns to predict; default: the last column.
    #[serde(default)]
    pub target: Option<Target>,
    /// Inferred from the target where absent.
    #[serde(default)]
    pub task: Option<Task>,
    /// Columns that are not read.
    #[serde(default, deserialize_with = "different")]
    #[schemars(schema_with = "check::schema::different")]
    pub drop: Vec<String>,
    /// Columns whose cells are levels whatever they look like.
    #[serde(default, deserialize_with = "different")]
    #[schemars(schema_with = "check::schema::different")]
    pub categorical: Vec<String>,
    /// Missing cells.
    #[serde(default = "missing", deserialize_with = "different")]
    #[schemars(schema_with = "check::schema::different")]
    pub missing: Vec<String>,
    /// Whether the first line of a table names its columns; inferred where absent.
    #[serde(default)]
    pub header: Option<bool>,
    /// What stands between the cells of a table; inferred where absent.
    #[serde(default, deserialize_with = "delimiter")]
    #[schemars(schema_with = "delimiter_schema")]
    pub delimiter: Option<char>,
    /// Images: pixels above this share of the full scale are 1, the others 0.
    #[serde(default, deserialize_with = "check::optional_share")]
    #[schemars(schema_with = "check::schema::optional_share")]
    pub binarize: Option<f64>,
    /// What a compressed file may unpack into; default: 64 MiB and 20 times its size.
    #[serde(default, deserialize_with = "check::optional_count")]
    #[schemars(schema_with = "check::schema::at_least_one")]
    pub max_unpacked_mib: Option<usize>,
    /// Centre and scale inputs (and regression targets) by the training split.
    #[serde(default = "yes")]
    pub standardize: bool,
    /// Which rows are for training, validation and test.
    #[serde(default)]
    pub split: SplitConfig,
}

impl DataConfig {
    /// The defaults for a source.
    #[must_use]
    pub fn new(source: &str) -> Self {
        Self {
            source: source.to_owned(),
            test_source: None,
            target: None,
            task: None,
            drop: Vec::new(),
            categorical: Vec::new(),
            missing: missing(),
            header: None,
            delimiter: None,
            binarize: None,
            max_unpacked_mib: None,
            standardize: true,
            split: SplitConfig::default(),
        }
    }

    /// The seed of the split of the rows, for a training of this seed.
    #[must_use]
    pub fn split_seed(&self, seed: Seed) -> Seed {
        match self.split.seed {
            SplitSeed::Fixed(seed) => Seed(seed),
            SplitSeed::PerSeed => seed,
        }
    }

    /// The part that decides what is read, the rest at its defaults: sources opened with equal
    /// parts are the same.
    #[must_use]
    pub fn reading(&self) -> Self {
        let split = SplitConfig { column: self.split.column.clone(), ..SplitConfig::default() };
        Self { binarize: None, standardize: true, split, ..self.clone() }
    }
}

fn missing() -> Vec<String> {
    ["", "NA", "?"].map(str::to_owned).to_vec()
}

/// Names or cells, each once.
fn different<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    match names.iter().enumerate().find(|(place, name)| names[..*place].contains(name)) {
        Some((_, twice)) => Err(D::Error::custom(format_args!("`{twice}` is listed twice"))),
        None => Ok(names),
    }
}

/// One character that takes one byte and can stand between cells.
fn delimiter<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<char>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) if c.is_ascii() && !c.is_alphanumeric() && !"\"\n\r\0.-+".contains(c) => {
            Ok(Some(c))
        }
        _ => Err(D::Error::custom(format_args!(
            "{text:?} cannot separate cells: expected one character, such as \",\", \";\", \"|\" or \"\\t\" for a tab"
        ))),
    }
}

fn delimiter_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "expected": "one character, such as \",\", \";\", \"|\", \"\\t\" for a tab or \" \" for blanks",
        "type": "string",
        "minLength": 1,
        "maxLength": 1
    })
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

written_as!(Target: "a column name or a list of them", {
    "anyOf": [
        { "type": "string" },
        { "type": "array", "items": { "type": "string" }, "minItems": 1, "uniqueItems": true }
    ]
});

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// One of a number of classes.
    Classification,
    /// One or several real numbers.
    Regression,
}

/// `[data.split]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SplitConfig {
    /// Share of the rows for validation.
    #[serde(deserialize_with = "check::share")]
    #[schemars(schema_with = "check::schema::share")]
    pub validation: f64,
    /// Share of the rows for the test, unless the source brings its own.
    #[serde(deserialize_with = "check::share")]
    #[schemars(schema_with = "check::schema::share")]
    pub test: f64,
    /// Keep the classes' shares in every split.
    pub stratify: bool,
    /// Of the split alone: `"seed"` draws a new one for each seed, shared by its arms, a number the same rows for all.
    pub seed: SplitSeed,
    /// A column that says `train`, `valid` (`validation`, `val`) or `test`.
    pub column: Option<String>,
}

impl Default for SplitConfig {
    fn default() -> Self {
        Self { validation: 0.2, test: 0.2, stratify: true, seed: SplitSeed::PerSeed, column: None }
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

written_as!(SplitSeed: "a whole number, or \"seed\" for a new split with each seed", {
    "anyOf": [{ "type": "integer", "minimum": 0 }, { "const": "seed" }]
});

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
