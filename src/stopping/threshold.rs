//! `threshold`: a column is beyond a limit for a number of epochs in a row.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de::Error};

use super::{Monitored, Readable, Rule};
use crate::check;
use crate::history::History;

/// Settings of `threshold`: a column, one limit, a count.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    /// The column that is compared.
    pub column: String,
    /// On which side of what.
    pub limit: Limit,
    /// Epochs in a row.
    pub count: usize,
}

/// On which side of what a value has to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Limit {
    /// v < limit
    Below(f64),
    /// v <= limit
    AtMost(f64),
    /// v > limit
    Above(f64),
    /// v >= limit
    AtLeast(f64),
}

impl Limit {
    fn holds(self, value: f64) -> bool {
        match self {
            Self::Below(limit) => value < limit,
            Self::AtMost(limit) => value <= limit,
            Self::Above(limit) => value > limit,
            Self::AtLeast(limit) => value >= limit,
        }
    }
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(extend("oneOf" = [
    { "required": ["below"] },
    { "required": ["at_most"] },
    { "required": ["above"] },
    { "required": ["at_least"] }
]))]
struct Keys {
    /// The column of `epochs.csv`.
    column: Readable,
    /// Ends training below this; exactly one of the four limits.
    #[serde(
        default,
        deserialize_with = "check::optional_finite",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(schema_with = "check::schema::optional_finite")]
    below: Option<f64>,
    /// Ends training at this or below; exactly one of the four limits.
    #[serde(
        default,
        deserialize_with = "check::optional_finite",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(schema_with = "check::schema::optional_finite")]
    at_most: Option<f64>,
    /// Ends training above this; exactly one of the four limits.
    #[serde(
        default,
        deserialize_with = "check::optional_finite",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(schema_with = "check::schema::optional_finite")]
    above: Option<f64>,
    /// Ends training at this or above; exactly one of the four limits.
    #[serde(
        default,
        deserialize_with = "check::optional_finite",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(schema_with = "check::schema::optional_finite")]
    at_least: Option<f64>,
    /// Epochs in a row.
    #[serde(default = "one", deserialize_with = "check::at_least_one")]
    #[schemars(schema_with = "check::schema::at_least_one")]
    count: usize,
}

fn one() -> usize {
    1
}

impl JsonSchema for Threshold {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Threshold".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Keys::json_schema(generator)
    }
}

impl<'de> Deserialize<'de> for Threshold {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let keys = Keys::deserialize(deserializer)?;
        let limits: Vec<Limit> = [
            keys.below.map(Limit::Below),
            keys.at_most.map(Limit::AtMost),
            keys.above.map(Limit::Above),
            keys.at_least.map(Limit::AtLeast),
        ]
        .into_iter()
        .flatten()
        .collect();
        let [limit] = limits[..] else {
            return Err(D::Error::custom(format_args!(
                "`threshold` takes exactly one of `below`, `at_most`, `above`, `at_least`; there \
                 {} {}",
                if limits.len() == 1 { "is" } else { "are" },
                limits.len()
            )));
        };
        Ok(Self { column: keys.column.0, limit, count: keys.count })
    }
}

impl Serialize for Threshold {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut keys = Keys {
            column: Readable(self.column.clone()),
            below: None,
            at_most: None,
            above: None,
            at_least: None,
            count: self.count,
        };
        match self.limit {
            Limit::Below(limit) => keys.below = Some(limit),
            Limit::AtMost(limit) => keys.at_most = Some(limit),
            Limit::Above(limit) => keys.above = Some(limit),
            Limit::AtLeast(limit) => keys.at_least = Some(limit),
        }
        keys.serialize(serializer)
    }
}

impl Threshold {
    /// Epochs in a row, up to the last one, at which the limit held; an empty cell breaks the row.
    fn in_a_row(&self, history: &History) -> usize {
        let cells = history.column(&self.column).unwrap_or(&[]);
        cells.iter().rev().take_while(|cell| cell.is_some_and(|v| self.limit.holds(v))).count()
    }
}

impl Rule for Threshold {
    fn fires(&self, _: &Monitored, history: &History) -> bool {
        self.in_a_row(history) >= self.count
    }

    fn columns(&self) -> Vec<&str> {
        vec![&self.column]
    }

    fn reads_monitored(&self) -> bool {
        false
    }

    fn earliest(&self) -> usize {
        self.count
    }

    fn postponed_by(&self) -> &'static str {
        "count"
    }

    fn state(&self, _: &Monitored, history: &History) -> String {
        format!("{} beyond its threshold {}/{}", self.column, self.in_a_row(history), self.count)
    }
}
