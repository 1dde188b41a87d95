//! Curves over the seeds of an arm: mean and interval, epoch by epoch.

use std::collections::{BTreeMap, HashMap};

use super::curves::CurveOf;
use super::options::CLOCK_SUFFIX;
use super::significance::CONFIDENCE;
use crate::config::Factors;
use crate::history::{EPOCH, EpochTable};
use crate::stats;

/// A column over the seeds of an arm.
#[derive(Debug, Clone, PartialEq)]
pub struct MeanCurve {
    /// The experiment.
    pub experiment: String,
    /// The arm's level of each factor.
    pub factors: Factors,
    /// The column.
    pub column: String,
    /// From the first epoch on.
    pub epochs: Vec<EpochMean>,
    /// The trainings that the arm read.
    pub trainings: usize,
    /// After which epoch its rule ended each that it ended, ascending.
    pub stops: Vec<usize>,
    /// The mean of the epochs that it keeps.
    pub best_epoch: Option<f64>,
}

/// A column at one epoch, over the seeds that still trained and have a finite value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EpochMean {
    /// How many these are.
    pub n: usize,
    /// None where there are none.
    pub mean: Option<f64>,
    /// Student's t interval of the mean; none below three seeds.
    pub ci95: Option<[f64; 2]>,
}

/// Mean and sum of squared distances from it, value by value (Welford 1962).
#[derive(Debug, Clone, Copy, Default)]
struct Moments {
    n: u32,
    mean: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, value: f64) {
        self.n += 1;
        let off = value - self.mean;
        self.mean += off / f64::from(self.n);
        self.squares += off * (value - self.mean);
    }
}

/// Means while curves come, one after the other.
#[derive(Debug, Default)]
pub struct MeanCurves {
    /// By experiment and arm.
    arms: Vec<ArmCurves>,
    places: HashMap<(String, String), usize>,
    /// The one column that is asked for; all where none is.
    only: Option<String>,
}

#[derive(Debug)]
struct ArmCurves {
    experiment: String,
    factors: Factors,
    columns: BTreeMap<String, Vec<Moments>>,
    trainings: usize,
    stops: Vec<usize>,
    best: Vec<f64>,
}

impl MeanCurves {
    /// For curves that will come, in whatever order: arms are in that of these. Of one column alone, where one is named.
    #[must_use]
    pub fn of(curves: &[CurveOf], only: Option<&str>) -> Self {
        let mut means = Self { only: only.map(str::to_owned), ..Self::default() };
        for curve in curves {
            means.place(curve);
        }
        means
    }

    /// The place of a curve's arm.
    fn place(&mut self, curve: &CurveOf) -> usize {
        let key = (
            curve.experiment.clone(),
            serde_json::Value::Object(curve.factors.clone()).to_string(),
        );
        let next = self.arms.len();
        let place = *self.places.entry(key).or_insert(next);
        if place == next {
            self.arms.push(ArmCurves {
                experiment: curve.experiment.clone(),
                factors: curve.factors.clone(),
                columns: BTreeMap::new(),
                trainings: 0,
                stops: Vec::new(),
                best: Vec::new(),
            });
        }
        place
    }

    /// Adds the epochs of a training that an arm read.
    pub fn push(&mut self, curve: &CurveOf, table: &EpochTable) {
        let place = self.place(curve);
        let arm = &mut self.arms[place];
        arm.trainings += 1;
        arm.stops.extend(curve.stop_epoch);
        #[allow(clippy::cast_precision_loss)] // epochs
        arm.best.extend(curve.best_epoch.map(|epoch| epoch as f64));
        let only = self.only.as_deref();
        let is_drawn = |name: &&String| {
            *name != EPOCH && !name.ends_with(CLOCK_SUFFIX) && only.is_none_or(|only| only == *name)
        };
        let names: Vec<(usize, &String)> =
            table.names().iter().enumerate().filter(|(_, name)| is_drawn(name)).collect();
        for epoch in 1..=curve.epochs.min(table.len()) {
            let row = table.row(epoch);
            for (at, name) in &names {
                let Some(value) = row[*at].filter(|value| value.is_finite()) else { continue };
                if !arm.columns.contains_key(*name) {
                    arm.columns.insert((*name).clone(), Vec::new());
                }
                let Some(column) = arm.columns.get_mut(*name) else { continue };
                if column.len() < epoch {
                    column.resize(epoch, Moments::default());
                }
                column[epoch - 1].add(value);
            }
        }
    }

    /// All of them.
    #[must_use]
    pub fn finish(self) -> Vec<MeanCurve> {
        let mut quantiles: HashMap<u32, f64> = HashMap::new();
        let mut curves = Vec::new();
        for mut arm in self.arms {
            arm.stops.sort_unstable();
            let best_epoch = stats::mean(&arm.best);
            for (column, moments) in arm.columns {
                let epochs = moments.into_iter().map(|of| summary(of, &mut quantiles)).collect();
                curves.push(MeanCurve {
                    experiment: arm.experiment.clone(),
                    factors: arm.factors.clone(),
                    column,
                    epochs,
                    trainings: arm.trainings,
                    stops: arm.stops.clone(),
                    best_epoch,
                });
            }
        }
        curves
    }
}

/// The half width of an interval of variance 1 is looked up once for each number of seeds.
fn summary(of: Moments, quantiles: &mut HashMap<u32, f64>) -> EpochMean {
    let Moments { n, mean, squares } = of;
    let n_seeds = n as usize;
    let half = *quantiles.entry(n).or_insert_with(|| {
        stats::interval_of_variance(0.0, 1.0, n_seeds, CONFIDENCE)
            .map_or(f64::NAN, |[_, high]| high)
    });
    let half = half * (squares / f64::from(n.saturating_sub(1)) / f64::from(n)).sqrt();
    EpochMean {
        n: n_seeds,
        mean: (n > 0).then_some(mean),
        ci95: half.is_finite().then_some([mean - half, mean + half]),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::cast_precision_loss)] // small whole numbers

    use serde_json::json;

    use super::*;
    use crate::results::fixtures::map;

    #[test]
    fn a_mean_is_over_the_seeds_that_still_train_with_the_interval_of_each_epoch() {
        let lengths = [4, 3, 3, 4];
        let mut means = MeanCurves::default();
        for (seed, epochs) in lengths.into_iter().enumerate() {
            let curve = CurveOf {
                experiment: "a".to_owned(),
                factors: map(json!({"model.norm.kind": "none"})),
                seed: seed as u64,
                training: "t".into(),
                files: crate::results::Files::default(),
                curves: None,
                epochs,
                stop_epoch: (epochs == 3).then_some(3),
                best_epoch: Some(2),
                has_diverged: false,
            };
            let mut table = EpochTable::new(["epoch", "val_loss"].map(str::to_owned).to_vec());
            for epoch in 1..=5 {
                let value = (seed as f64 + 1.0) / f64::from(epoch);
                table.push(&[Some(f64::from(epoch)), Some(value)]);
            }
            means.push(&curve, &table);
        }
        let curves = means.finish();
        assert_eq!(curves.len(), 1);
        let MeanCurve { epochs, trainings, stops, best_epoch, column, .. } = &curves[0];
        assert_eq!((*trainings, &stops[..], *best_epoch), (4, &[3, 3][..], Some(2.0)));
        assert_eq!(column, "val_loss");
        let n: Vec<usize> = epochs.iter().map(|epoch| epoch.n).collect();
        assert_eq!(n, [4, 4, 4, 2]);
        let expected = stats::t_interval(&[0.5, 1.0, 1.5, 2.0], 0.95).unwrap();
        let found = epochs[1].ci95.unwrap();
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?}");
        assert_eq!((epochs[3].mean, epochs[3].ci95), (Some(0.625), None));
    }
}
