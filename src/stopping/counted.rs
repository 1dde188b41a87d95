//! `relative_to_first` and `increases`: a column against its own past.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::curve::{in_a_row, measured, one};
use super::{Monitored, Readable, Rule};
use crate::check;
use crate::history::History;

/// Settings of `relative_to_first`: a column is beyond a factor of its first value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Keys", into = "Keys")]
pub struct RelativeToFirst {
    /// The column.
    pub column: String,
    /// On which side of the product.
    pub side: Side,
    /// What the first measured value is multiplied by.
    pub factor: f64,
    /// Epochs in a row.
    pub count: usize,
}

/// On which side of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// v < limit
    Below,
    /// v > limit
    Above,
}

#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("oneOf" = [{ "required": ["below"] }, { "required": ["above"] }]))]
struct Keys {
    /// The column of `epochs.csv`.
    column: Readable,
    /// Ends training below this factor of the first value; exactly one of `below` and `above`.
    #[serde(
        default,
        deserialize_with = "check::optional_positive",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(schema_with = "check::schema::optional_positive")]
    below: Option<f64>,
    /// Ends training above this factor of the first value; exactly one of `below` and `above`.
    #[serde(
        default,
        deserialize_with = "check::optional_positive",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(schema_with = "check::schema::optional_positive")]
    above: Option<f64>,
    /// Epochs in a row.
    #[serde(default = "one", deserialize_with = "check::at_least_one")]
    #[schemars(schema_with = "check::schema::at_least_one")]
    count: usize,
}

impl TryFrom<Keys> for RelativeToFirst {
    type Error = &'static str;

    fn try_from(keys: Keys) -> Result<Self, Self::Error> {
        let (side, factor) = match (keys.below, keys.above) {
            (Some(factor), None) => (Side::Below, factor),
            (None, Some(factor)) => (Side::Above, factor),
            _ => return Err("`relative_to_first` takes exactly one of `below` and `above`"),
        };
        Ok(Self { column: keys.column.0, side, factor, count: keys.count })
    }
}

impl From<RelativeToFirst> for Keys {
    fn from(rule: RelativeToFirst) -> Self {
        let of = |side| (rule.side == side).then_some(rule.factor);
        Self {
            below: of(Side::Below),
            above: of(Side::Above),
            column: Readable(rule.column),
            count: rule.count,
        }
    }
}

impl RelativeToFirst {
    /// Epochs in a row, up to the last one, beyond the limit; an empty cell breaks the row.
    fn in_a_row(&self, history: &History) -> usize {
        let cells = history.column(&self.column).unwrap_or(&[]);
        let Some((_, first)) = measured(cells).next() else { return 0 };
        let limit = self.factor * first;
        in_a_row(cells.iter().map(|cell| {
            cell.is_some_and(|value| match self.side {
                Side::Below => value < limit,
                Side::Above => value > limit,
            })
        }))
    }
}

impl Rule for RelativeToFirst {
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
        // The first value of most columns is positive and then not beyond a factor of itself.
        let first_counts = match self.side {
            Side::Below => self.factor > 1.0,
            Side::Above => self.factor < 1.0,
        };
        self.count.saturating_add(usize::from(!first_counts))
    }

    fn postponed_by(&self) -> &'static str {
        "count"
    }

    fn state(&self, _: &Monitored, history: &History) -> String {
        format!(
            "{} beyond {} of its first {}/{}",
            self.column,
            self.factor,
            self.in_a_row(history),
            self.count
        )
    }
}

/// Settings of `increases`: a column rose from one epoch to the next so many times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Increases {
    /// The column.
    pub column: Readable,
    /// How many times.
    #[serde(deserialize_with = "check::at_least_one")]
    #[schemars(schema_with = "check::schema::at_least_one")]
    pub count: usize,
    /// Only those in a row, rather than all since the first epoch.
    #[serde(default)]
    pub consecutive: bool,
}

impl Increases {
    /// Increases that count, from one measured epoch to the next.
    fn seen(&self, history: &History) -> usize {
        let cells = history.column(&self.column.0).unwrap_or(&[]);
        let values: Vec<f64> = measured(cells).map(|(_, value)| value).collect();
        let rises = values.windows(2).map(|pair| pair[1] > pair[0]);
        if self.consecutive { in_a_row(rises) } else { rises.filter(|rises| *rises).count() }
    }
}

impl Rule for Increases {
    fn fires(&self, _: &Monitored, history: &History) -> bool {
        self.seen(history) >= self.count
    }

    fn columns(&self) -> Vec<&str> {
        vec![&self.column.0]
    }

    fn reads_monitored(&self) -> bool {
        false
    }

    fn earliest(&self) -> usize {
        self.count.saturating_add(1)
    }

    fn postponed_by(&self) -> &'static str {
        "count"
    }

    fn state(&self, _: &Monitored, history: &History) -> String {
        format!("{} increased {}/{}", self.column.0, self.seen(history), self.count)
    }
}
