//! Predictions as CSV or as lines of JSON, and how good they are.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use crate::config::training::Loss;
use crate::data::TargetCoding;
use crate::kept::Measured;
use crate::metrics;

/// Predictions about to be written.
pub struct Predictions<'a> {
    /// What outputs stand for.
    pub target: &'a TargetCoding,
    /// What the network was trained by.
    pub loss: Loss,
    /// Of all rows, row by row.
    pub outputs: &'a [f32],
    /// Whether the probability of each class goes with it.
    pub with_probabilities: bool,
}

/// A row of predictions.
enum Row {
    /// An output was not a number.
    Undefined,
    Class(usize, Vec<f64>),
    Values(Vec<f64>),
}

impl Predictions<'_> {
    /// Rows that the network gives no number for.
    #[must_use]
    pub fn undefined(&self) -> usize {
        let rows = self.outputs.chunks_exact(self.width());
        rows.filter(|row| row.iter().any(|output| output.is_nan())).count()
    }

    /// A line of names, then a line for each row; nothing where the network gives no number.
    ///
    /// # Errors
    /// Where `out` cannot be written.
    pub fn csv(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut csv = ::csv::Writer::from_writer(out);
        let names = self.names();
        csv.write_record(&names)?;
        for row in self.rows() {
            match row {
                Row::Undefined => csv.write_record(names.iter().map(|_| ""))?,
                Row::Class(class, probabilities) => {
                    csv.write_field(self.class(class))?;
                    for probability in probabilities {
                        csv.write_field(short(probability))?;
                    }
                    csv.write_record(None::<&[u8]>)?;
                }
                Row::Values(values) => {
                    csv.write_record(values.iter().map(|value| format!("{value:?}")))?;
                }
            }
        }
        csv.flush()
    }

    /// A line with an object for each row.
    ///
    /// # Errors
    /// Where `out` cannot be written.
    pub fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        let names = self.target.names();
        for row in self.rows() {
            let mut object = Map::new();
            match row {
                Row::Undefined => {
                    object.extend(names.iter().map(|name| ((*name).to_owned(), Value::Null)));
                }
                Row::Class(class, probabilities) => {
                    object.insert(names[0].to_owned(), self.class(class).into());
                    if self.with_probabilities {
                        let classes = (0..).map(|class| self.class(class).to_owned());
                        let share = |share: &f64| short(*share).parse::<Value>();
                        let shares = probabilities.iter().map(|of| share(of).unwrap_or_default());
                        let shares: Map<String, Value> = classes.zip(shares).collect();
                        object.insert("probabilities".to_owned(), shares.into());
                    }
                }
                Row::Values(values) => object.extend(
                    names
                        .iter()
                        .zip(values)
                        .map(|(name, value)| ((*name).to_owned(), json!(value))),
                ),
            }
            writeln!(out, "{}", Value::Object(object))?;
        }
        Ok(())
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.target.names().into_iter().map(str::to_owned).collect();
        if let (TargetCoding::Classes { classes, .. }, true) =
            (self.target, self.with_probabilities)
        {
            names.extend(classes.iter().map(|class| format!("p_{class}")));
        }
        names
    }

    fn class(&self, class: usize) -> &str {
        match self.target {
            TargetCoding::Classes { classes, .. } => classes.get(class).map_or("", String::as_str),
            TargetCoding::Values { .. } => "",
        }
    }

    fn width(&self) -> usize {
        match (self.target, self.loss) {
            (_, Loss::Bce) => 1,
            (TargetCoding::Classes { classes, .. }, _) => classes.len(),
            (TargetCoding::Values { columns }, _) => columns.len(),
        }
    }

    fn rows(&self) -> impl Iterator<Item = Row> {
        self.outputs.chunks_exact(self.width()).map(|outputs| {
            if outputs.iter().any(|output| output.is_nan()) {
                return Row::Undefined;
            }
            let outputs: Vec<f64> = outputs.iter().map(|output| f64::from(*output)).collect();
            match self.target {
                TargetCoding::Classes { .. } => {
                    let probabilities = if self.with_probabilities {
                        metrics::probabilities(self.loss, &outputs)
                    } else {
                        Vec::new()
                    };
                    Row::Class(metrics::answer(&outputs), probabilities)
                }
                TargetCoding::Values { columns } => {
                    let values = outputs.iter().zip(columns);
                    Row::Values(values.map(|(output, of)| output * of.sd + of.mean).collect())
                }
            }
        })
    }
}

/// A probability with the digits that a network has.
fn short(probability: f64) -> String {
    #[allow(clippy::cast_possible_truncation)] // a network computes in 32 bits
    let probability = probability as f32;
    format!("{probability:?}")
}

/// The loss and the metrics, a line each, with all digits.
#[must_use]
pub fn metrics_lines(measured: &Measured) -> String {
    let width = measured.metrics.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let line = |(name, value): &(String, Option<f64>)| {
        let value = value.map_or_else(|| "undefined".to_owned(), |value| format!("{value:?}"));
        format!("{name:width$}  {value}\n")
    };
    measured.metrics.iter().map(line).collect()
}

/// The same for programs, `null` where undefined or not finite.
#[must_use]
pub fn metrics_json(measured: &Measured) -> String {
    let mut object = Map::new();
    object.insert("rows".to_owned(), measured.rows.into());
    object.extend(measured.metrics.iter().map(|(name, value)| (name.clone(), json!(value))));
    format!("{:#}\n", Value::Object(object))
}
