//! A comparison as CSV: arms by metric.
//!
//! Readers that guess a column's type from its first rows are kept from guessing wrong: a float
//! always looks like one, and a column in which no cell applies is left out.

use std::io;

use anyhow::Result;
use serde_json::Value;

use super::format::{Format, Style};
use crate::compare::{Comparison, MetricSummary, label};
use crate::config::Factors;

/// A row per arm and metric.
pub const FORMAT: Format = Format {
    name: "csv",
    help: "A row per arm and metric",
    with_clocks: false,
    with_medians: false,
    with_curves: false,
    with_gates: false,
    write,
};

fn write(comparison: &Comparison, _: &Style) -> Result<String> {
    Ok(arms(comparison)?)
}

/// A figure of a metric.
type Figure = fn(&MetricSummary) -> Option<f64>;

/// A row per arm and metric. References, contrasts, what stopping saved and gates are other tables, which
/// JSON holds.
fn arms(comparison: &Comparison) -> Result<String, csv::Error> {
    let levels = comparison.arms.iter().map(|arm| &arm.factors);
    let columns = FactorColumns::of(levels);
    let figures: [(&str, Figure); 5] = [
        ("mean", |metric| metric.mean),
        ("sd", |metric| metric.sd),
        ("median", |metric| metric.median),
        ("ci_low", |metric| metric.ci95.map(|[low, _]| low)),
        ("ci_high", |metric| metric.ci95.map(|[_, high]| high)),
    ];
    let metrics = || comparison.arms.iter().flat_map(|arm| &arm.metrics.0);
    let figures: Vec<_> = figures
        .iter()
        .filter(|(_, figure)| metrics().any(|(_, metric)| figure(metric).is_some()))
        .collect();

    let mut table = csv::Writer::from_writer(Vec::new());
    let mut header = vec!["experiment".to_owned()];
    header.extend(columns.names());
    header.extend(["n", "diverged", "metric"].map(str::to_owned));
    header.extend(figures.iter().map(|(name, _)| (*name).to_owned()));
    table.write_record(&header)?;
    for arm in &comparison.arms {
        for (name, metric) in &arm.metrics.0 {
            let mut row = vec![arm.experiment.clone()];
            row.extend(columns.cells(&arm.factors));
            row.extend([arm.n.to_string(), arm.diverged.to_string(), name.clone()]);
            row.extend(
                figures.iter().map(|(_, figure)| figure(metric).map_or_else(String::new, float)),
            );
            table.write_record(&row)?;
        }
    }
    let bytes = table.into_inner().map_err(csv::IntoInnerError::into_error)?;
    String::from_utf8(bytes).map_err(|error| io::Error::other(error).into())
}

/// The shortest text that reads back as the same number, with a point or an exponent.
pub(super) fn float(value: f64) -> String {
    format!("{value:?}")
}

/// One column per factor of any experiment, in the order in which they first occur.
pub(super) struct FactorColumns {
    /// The key, and whether its levels are numbers of which one has a fraction.
    columns: Vec<(String, bool)>,
}

impl FactorColumns {
    pub fn of<'a>(arms: impl Iterator<Item = &'a Factors>) -> Self {
        let mut found: Vec<(String, Vec<&Value>)> = Vec::new();
        for (key, level) in arms.flatten() {
            match found.iter_mut().find(|(known, _)| known == key) {
                Some((_, levels)) => levels.push(level),
                None => found.push((key.clone(), vec![level])),
            }
        }
        let is_float = |levels: &[&Value]| {
            levels.iter().all(|level| level.is_number() || level.is_null())
                && levels.iter().any(|level| level.is_f64())
        };
        let columns = found.into_iter().map(|(key, levels)| (key, is_float(&levels)));
        Self { columns: columns.collect() }
    }

    pub fn names(&self) -> impl Iterator<Item = String> {
        self.columns.iter().map(|(key, _)| key.clone())
    }

    pub fn cells(&self, factors: &Factors) -> impl Iterator<Item = String> {
        self.columns.iter().map(|(key, is_float)| match factors.get(key) {
            None | Some(Value::Null) => String::new(),
            Some(level) if *is_float => level.as_f64().map_or_else(String::new, float),
            Some(level) => label::text(level),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::{Options, compare};
    use crate::results::fixtures::two_by_two;

    #[test]
    fn arms_and_metrics_are_rows() {
        let options = Options { no_clocks: true, ..Options::default() };
        let text = arms(&compare(&[two_by_two()], &options).unwrap()).unwrap();
        insta::assert_snapshot!(text);
    }

    #[test]
    fn a_column_without_a_figure_is_left_out_and_a_float_looks_like_one() {
        let mut experiment = two_by_two();
        experiment.runs.retain(|run| run.seed == 0);
        let text = arms(&compare(&[experiment], &Options::default()).unwrap()).unwrap();
        let mut lines = text.lines();
        let header = lines.next().unwrap();
        assert!(header.ends_with("n,diverged,metric,mean,median"), "{header}");
        assert!(text.contains(",1,0,epochs,100.0,100.0\n"), "{text}");
        assert!(lines.all(|line| line.split(',').count() == header.split(',').count()));
    }
}
