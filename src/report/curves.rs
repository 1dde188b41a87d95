//! Every curve of a comparison in one long CSV table.

use std::io::{self, Write};

use super::csv::{FactorColumns, float};
use crate::compare::CLOCK_SUFFIX;
use crate::compare::curves::CurveOf;
use crate::history::{EpochTable, TEST_PREFIX};

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
    use crate::results::fixtures::map;

    #[test]
    fn a_curve_is_long_and_ends_where_the_arm_stopped_reading() {
        let curve = CurveOf {
            experiment: "a,b".to_owned(),
            factors: map(json!({"training.optimizer.lr": 1, "model.norm.kind": "none"})),
            seed: 3,
            training: "t".into(),
            files: crate::results::Files::default(),
            curves: None,
            epochs: 1,
            stop_epoch: None,
            best_epoch: None,
            has_diverged: false,
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
