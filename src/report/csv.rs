//! A comparison as CSV: arms by metric, and every curve in one long table.
//!
//! Readers that guess a column's type from its first rows are kept from guessing wrong: a float
//! always looks like one, and a column in which no cell applies is left out.

use std::io::{self, Write};

use serde_json::Value;

use crate::compare::curves::CurveOf;
use crate::compare::{CLOCK_SUFFIX, Comparison, MetricSummary, label};
use crate::history::{EpochTable, TEST_PREFIX};
use crate::spec::Factors;

/// A figure of a metric.
type Figure = fn(&MetricSummary) -> Option<f64>;

/// A row per arm and metric. References, contrasts and what stopping saved are other tables, which
/// JSON holds.
///
/// # Errors
/// Where the text cannot be put together.
pub fn arms(comparison: &Comparison) -> Result<String, csv::Error> {
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
struct FactorColumns {
    /// The key, and whether its levels are numbers of which one has a fraction.
    columns: Vec<(String, bool)>,
}

impl FactorColumns {
    fn of<'a>(arms: impl Iterator<Item = &'a Factors>) -> Self {
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

    fn names(&self) -> impl Iterator<Item = String> {
        self.columns.iter().map(|(key, _)| key.clone())
    }

    fn cells(&self, factors: &Factors) -> impl Iterator<Item = String> {
        self.columns.iter().map(|(key, is_float)| match factors.get(key) {
            None | Some(Value::Null) => String::new(),
            Some(level) if *is_float => level.as_f64().map_or_else(String::new, float),
            Some(level) => label::text(level),
        })
    }
}

/// Where every curve goes, one row per epoch and quantity.
pub struct Curves<W: Write> {
    table: csv::Writer<W>,
    columns: FactorColumns,
    clocks: bool,
}

impl<W: Write> Curves<W> {
    /// A table with its header; `curves` are all that will come, those of clocks where asked for.
    ///
    /// # Errors
    /// Where `out` cannot be written.
    pub fn new(curves: &[CurveOf], clocks: bool, out: W) -> Result<Self, csv::Error> {
        let columns = FactorColumns::of(curves.iter().map(|curve| &curve.factors));
        let mut table = csv::Writer::from_writer(out);
        let mut header = vec!["experiment".to_owned()];
        header.extend(columns.names());
        header.extend(["seed", "epoch", "split", "metric", "value"].map(str::to_owned));
        table.write_record(&header)?;
        Ok(Self { table, columns, clocks })
    }

    /// The epochs of `epochs` that an arm read, column by column within each. Empty cells have no
    /// row.
    ///
    /// # Errors
    /// Where the table cannot be written.
    pub fn push(&mut self, curve: &CurveOf, epochs: &EpochTable) -> Result<(), csv::Error> {
        let factors: Vec<String> = self.columns.cells(&curve.factors).collect();
        let seed = curve.seed.to_string();
        for epoch in 1..=curve.epochs.min(epochs.len()) {
            let number = epoch.to_string();
            for (name, value) in epochs.names().iter().zip(epochs.row(epoch)) {
                let left_out = name == "epoch" || !self.clocks && name.ends_with(CLOCK_SUFFIX);
                let Some(value) = value.filter(|_| !left_out) else { continue };
                let (split, metric) = split_of(name);
                let first = std::iter::once(curve.experiment.as_str());
                let row = first.chain(factors.iter().map(String::as_str));
                let value = float(value);
                self.table.write_record(row.chain([&seed, &number, split, metric, &value]))?;
            }
        }
        Ok(())
    }

    /// Writes what is still held back.
    ///
    /// # Errors
    /// Where `out` cannot be written.
    pub fn finish(mut self) -> io::Result<()> {
        self.table.flush()
    }
}

/// The split that a column of `epochs.csv` measures, empty where it measures none, and what of it.
fn split_of(column: &str) -> (&'static str, &str) {
    match column {
        // As met in the batches, while the weights moved.
        "train_loss" => return ("train", "loss"),
        "train_loss_eval" => return ("train_eval", "loss"),
        _ => {}
    }
    // All other figures of the training split are taken in evaluation mode, after the epoch.
    [("train_", "train_eval"), ("val_", "validation"), (TEST_PREFIX, "test")]
        .into_iter()
        .find_map(|(prefix, split)| Some((split, column.strip_prefix(prefix)?)))
        .unwrap_or(("", column))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::compare::{Options, compare};
    use crate::results::fixtures::{map, two_by_two};

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

    #[test]
    fn a_curve_is_long_and_ends_where_the_arm_stopped_reading() {
        let curve = CurveOf {
            experiment: "a,b".to_owned(),
            factors: map(json!({"training.optimizer.lr": 1, "model.norm.kind": "none"})),
            seed: 3,
            training: "t".into(),
            epochs: 1,
        };
        let other = CurveOf {
            factors: map(json!({"training.optimizer.lr": 0.5, "model.norm.kind": "batch"})),
            ..curve.clone()
        };
        let names = [
            "epoch",
            "train_loss",
            "val_loss",
            "train_loss_eval",
            "train_accuracy",
            "lr",
            "elapsed_s",
        ];
        let mut table = EpochTable::new(names.map(str::to_owned).to_vec());
        table.push(&[Some(1.0), Some(2.0), None, Some(f64::NAN), Some(1.0), Some(1e-3), Some(0.1)]);
        table.push(&[Some(2.0), Some(1.0), None, Some(1.0), Some(1.0), Some(1e-3), Some(0.1)]);
        let mut out = Vec::new();
        let mut curves = Curves::new(&[curve.clone(), other], false, &mut out).unwrap();
        curves.push(&curve, &table).unwrap();
        curves.finish().unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "experiment,training.optimizer.lr,model.norm.kind,seed,epoch,split,metric,value\n\
             \"a,b\",1.0,none,3,1,train,loss,2.0\n\
             \"a,b\",1.0,none,3,1,train_eval,loss,NaN\n\
             \"a,b\",1.0,none,3,1,train_eval,accuracy,1.0\n\
             \"a,b\",1.0,none,3,1,,lr,0.001\n"
        );
    }
}
