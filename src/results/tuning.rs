//! What `experiment.json` holds of `[tune]`: what was tried, what came of it, what was chosen.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::Factors;
use crate::stats;

/// The folder of the tuning's trainings, in the experiment's directory.
pub const TUNE: &str = "tune";

/// The folder of the tuning's trainings.
#[must_use]
pub fn tune_dir(experiment: &Path) -> PathBuf {
    experiment.join(TUNE)
}

/// The tuning of an experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TuningRecord {
    /// Of its trainings, which are none of the experiment's.
    pub seeds: Vec<u64>,
    /// Each arm, those that differ only in their rule as one.
    pub arms: Vec<TunedArm>,
}

/// What was chosen for an arm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TunedArm {
    /// Its level of each factor that is not about the rule.
    pub factors: Factors,
    /// The value of each tuned key; none while its tuning is not at its end.
    pub chosen: Option<Factors>,
    /// The keys for which the value chosen is the smallest or the largest that was tried.
    pub on_edge: Vec<String>,
    /// In the order of the config, then those that were added.
    pub tried: Vec<Tried>,
}

/// A value of each tuned key, and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// By key.
    pub values: Factors,
    /// The key beyond whose edge it was added, because the best so far lay there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub added: Option<String>,
    /// Mean of the figures below that are there.
    pub mean: Option<f64>,
    /// Of each seed's training the `val_loss` of the weights that its arms keep; none where it diverged or is
    /// not done.
    #[serde(alias = "best_val_loss")]
    pub val_loss: Vec<Option<f64>>,
    /// Trainings that diverged.
    pub diverged: usize,
    /// Their folders, by seed.
    pub trainings: Vec<String>,
}

impl TuningRecord {
    /// Every training with its seed.
    pub fn trainings(&self) -> impl Iterator<Item = (&str, u64)> {
        let tried = self.arms.iter().flat_map(|arm| &arm.tried);
        tried.flat_map(|tried| {
            tried.trainings.iter().map(String::as_str).zip(self.seeds.iter().copied())
        })
    }

    /// Whether a value was chosen for every arm.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.arms.iter().all(|arm| arm.chosen.is_some())
    }

    /// Whether a key is tuned.
    #[must_use]
    pub fn names(&self, key: &str) -> bool {
        let mut tried = self.arms.iter().flat_map(|arm| &arm.tried);
        tried.any(|tried| tried.values.contains_key(key))
    }
}

impl TunedArm {
    /// By key, the list of values that were added to the grid.
    #[must_use]
    pub fn added(&self) -> Factors {
        let mut added = Factors::new();
        for tried in &self.tried {
            if let Some(key) = &tried.added
                && let Some(value) = tried.values.get(key)
                && let Value::Array(values) =
                    added.entry(key.clone()).or_insert_with(|| Value::Array(Vec::new()))
            {
                values.push(value.clone());
            }
        }
        added
    }

    /// What came of the value chosen.
    #[must_use]
    pub fn best(&self) -> Option<&Tried> {
        let chosen = self.chosen.as_ref()?;
        self.tried.iter().find(|tried| tried.values == *chosen)
    }

    /// The place of the best: fewest trainings diverged, then the lowest mean, then the first.
    #[must_use]
    pub fn place_of_best(&self) -> Option<usize> {
        let mean = |tried: &Tried| tried.mean.unwrap_or(f64::INFINITY);
        let is_better = |tried: &Tried, best: &Tried| match tried.diverged.cmp(&best.diverged) {
            Ordering::Equal => stats::difference(mean(tried), mean(best)) < 0.0,
            diverged => diverged.is_lt(),
        };
        let mut best: Option<usize> = None;
        for (place, tried) in self.tried.iter().enumerate() {
            if best.is_none_or(|best| is_better(tried, &self.tried[best])) {
                best = Some(place);
            }
        }
        best
    }

    /// The first value of the list that is no worse than the best by more than one standard error: the
    /// difference to the best, seed by seed, is within it (Breiman et al. 1984, 3.4.3). A list begins with the
    /// simplest value, so luck among values alike does not choose. What was added beyond an edge is chosen
    /// for being best alone.
    #[must_use]
    pub fn simplest_like(&self, best: usize) -> usize {
        let of_best = &self.tried[best];
        let is_alike = |tried: &Tried| {
            let pairs = tried.val_loss.iter().zip(&of_best.val_loss);
            let differences: Option<Vec<f64>> = pairs.map(|(a, b)| Some((*a)? - (*b)?)).collect();
            let Some(differences) = differences else { return false };
            #[allow(clippy::cast_precision_loss)] // a few seeds
            let root = (differences.len() as f64).sqrt();
            let error = stats::sd(&differences).map(|sd| sd / root);
            let excess = stats::mean(&differences);
            excess.zip(error).is_some_and(|(excess, error)| excess <= error)
        };
        if of_best.added.is_some() || of_best.diverged > 0 {
            return best;
        }
        let alike = |tried: &Tried| tried.diverged == 0 && is_alike(tried);
        self.tried[..best].iter().position(alike).unwrap_or(best)
    }

    /// Where the value at a place lies on the edge of the numbers tried for a key, the next one
    /// beyond, log-spaced as the edge is; `Err`: on an edge beyond which there is none. A value with
    /// which all diverged is the best of nothing, and no edge.
    ///
    /// # Errors
    /// See above.
    pub fn beyond(&self, place: usize, key: &str) -> Result<Option<f64>, OnEdge> {
        let number = |tried: &Tried| tried.values.get(key).and_then(Value::as_f64);
        let tried = &self.tried[place];
        let (Some(best), Some(_)) = (number(tried), tried.mean) else { return Ok(None) };
        let mut tried: Vec<f64> = self.tried.iter().filter_map(number).collect();
        tried.sort_unstable_by(f64::total_cmp);
        tried.dedup();
        let [first, .., last] = tried[..] else { return Ok(None) };
        let inner = match best {
            // None at all is the least there is.
            value if value <= 0.0 => return Ok(None),
            value if value <= first => tried[1],
            value if value >= last => tried[tried.len() - 2],
            _ => return Ok(None),
        };
        let ratio = if inner > 0.0 { best / inner } else { TEN };
        let next = rounded(best * ratio);
        let is_new = next > 0.0 && next.is_finite() && !tried.contains(&next);
        if is_new { Ok(Some(next)) } else { Err(OnEdge) }
    }
}

/// The step away from zero, which has no ratio to its neighbour.
const TEN: f64 = 10.0;

/// On an edge beyond which there is nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OnEdge;

/// To six digits: 1.0 rather than 1.0000000000000002.
fn rounded(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn arm(tried: &[(Value, Option<f64>, usize)]) -> TunedArm {
        let tried = tried.iter().map(|(value, mean, diverged)| Tried {
            values: Factors::from_iter([("lr".to_owned(), value.clone())]),
            added: None,
            mean: *mean,
            val_loss: vec![*mean],
            diverged: *diverged,
            trainings: vec!["t".to_owned()],
        });
        TunedArm {
            factors: Factors::new(),
            chosen: None,
            on_edge: Vec::new(),
            tried: tried.collect(),
        }
    }

    #[test]
    fn the_lowest_mean_is_best_the_first_of_equals_and_none_that_diverged() {
        let best = |tried: &[(Value, Option<f64>, usize)]| arm(tried).place_of_best();
        let three = [(json!(1), Some(0.5), 0), (json!(2), Some(0.2), 0), (json!(3), Some(0.2), 0)];
        assert_eq!(best(&three), Some(1));
        let summed = [(json!(1), Some(0.1 + 0.2), 0), (json!(2), Some(0.3), 0)];
        assert_eq!(best(&summed), Some(0), "the same but for rounding");
        assert_eq!(best(&[(json!(1), Some(0.1), 1), (json!(2), Some(0.9), 0)]), Some(1));
        assert_eq!(best(&[(json!(1), None, 2), (json!(2), Some(0.9), 1)]), Some(1));
        assert_eq!(best(&[(json!(1), None, 2), (json!(2), None, 2)]), Some(0));
        assert_eq!(best(&[]), None);
    }

    #[test]
    fn the_first_value_within_one_standard_error_of_the_best_is_chosen() {
        let of = |losses: &[&[f64]]| {
            let mut arm = arm(&vec![(json!(1), None, 0); losses.len()]);
            for (tried, losses) in arm.tried.iter_mut().zip(losses) {
                tried.val_loss = losses.iter().copied().map(Some).collect();
                tried.mean = stats::mean(losses);
            }
            let best = arm.place_of_best().unwrap();
            (best, arm.simplest_like(best))
        };
        let best: &[f64] = &[0.10, 0.20, 0.12, 0.15];
        assert_eq!(of(&[&[0.5, 0.6, 0.5, 0.6], &[0.11, 0.19, 0.14, 0.14], best]), (2, 1));
        assert_eq!(
            of(&[&[0.12, 0.22, 0.14, 0.17], best]),
            (1, 1),
            "worse in each seed by the same"
        );
        assert_eq!(of(&[best, &[0.11, 0.19, 0.14, 0.14]]), (0, 0));
    }

    #[test]
    fn a_grid_goes_on_beyond_its_edge_as_it_is_spaced_there() {
        let beyond = |values: &[Value], place| {
            let tried: Vec<_> = values.iter().map(|v| (v.clone(), Some(0.0), 0)).collect();
            arm(&tried).beyond(place, "lr")
        };
        let rates = [json!(1e-3), json!(1e-1), json!(1e-2)];
        assert_eq!(beyond(&rates, 0), Ok(Some(1e-4)));
        assert_eq!(beyond(&rates, 1), Ok(Some(1.0)));
        assert_eq!(beyond(&rates, 2), Ok(None));
        assert_eq!(beyond(&[json!(16), json!(64)], 1), Ok(Some(256.0)));
        // Below zero there is nothing, and away from it no ratio to go by.
        assert_eq!(beyond(&[json!(0.0), json!(0.5)], 0), Ok(None));
        assert_eq!(beyond(&[json!(0.0), json!(0.5)], 1), Ok(Some(5.0)));
        assert_eq!(beyond(&[json!(1e308), json!(1.0)], 0), Err(OnEdge));
        assert_eq!(beyond(&[json!(0.5)], 0), Ok(None));
        assert_eq!(beyond(&[json!("relu"), json!("tanh")], 0), Ok(None));
        let diverged = [(json!(1.0), None, 2), (json!(10.0), None, 2)];
        assert_eq!(arm(&diverged).beyond(0, "lr"), Ok(None));
    }
}
