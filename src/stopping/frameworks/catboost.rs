//! `catboost`: `CatBoost`'s overfitting detector, by its own settings and arithmetic (1.2).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check;
use crate::history::History;
use crate::stopping::curve::measured;
use crate::stopping::{Monitored, Rule};

/// What the increase of an iteration still counts for in the next.
const FORGET: f64 = 0.99;

/// The scale of the pseudo p-value.
const SCALE: f64 = 0.5;

/// What increases and decreases are at least.
const LEAST: f64 = 1e-10;

/// Settings of `catboost`, with its iterations as epochs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct CatBoost {
    /// The kind of its detector.
    pub od_type: OdType,
    /// Epochs since the best.
    #[serde(deserialize_with = "check::at_least_one")]
    #[schemars(schema_with = "check::schema::at_least_one")]
    pub od_wait: usize,
    /// Of `"IncToDec"`: training ends where the pseudo p-value is below this; 0 switches the detector off.
    #[serde(deserialize_with = "check::probability")]
    #[schemars(schema_with = "check::schema::probability")]
    pub od_pval: f64,
}

/// A kind of `CatBoost`'s detector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum OdType {
    /// So many iterations since the best, which `early_stopping_rounds` is as well.
    Iter,
    /// That, and a decrease since the best that is large beside the increases so far.
    IncToDec,
}

impl Default for CatBoost {
    fn default() -> Self {
        Self { od_type: OdType::Iter, od_wait: 20, od_pval: 0.0 }
    }
}

impl CatBoost {
    /// Epochs since the best value.
    fn wait(monitored: &Monitored, values: &[f64]) -> usize {
        let mut best: Option<(usize, f64)> = None;
        for (at, value) in values.iter().enumerate() {
            if best.is_none_or(|(_, best)| monitored.better(*value, best)) {
                best = Some((at, *value));
            }
        }
        best.map_or(0, |(at, _)| values.len() - 1 - at)
    }

    /// The pseudo p-value of a decrease: `exp(-1/2 decrease / increase)`, where the increase is the largest between
    /// any two epochs, forgotten by 1 % an epoch from its start on.
    fn p(monitored: &Monitored, values: &[f64]) -> f64 {
        let score = |value: &f64| if monitored.maximize { *value } else { -value };
        let (mut increase, mut highest, mut weight) = (0.0_f64, f64::NEG_INFINITY, 1.0);
        for score in values.iter().rev().map(score) {
            highest = highest.max(score);
            increase = increase.max(weight * (highest - score));
            weight *= FORGET;
        }
        let last = values.last().map_or(highest, score);
        let ratio = increase / (highest - last).max(LEAST);
        (-SCALE / ratio.max(LEAST)).exp()
    }

    fn values(monitored: &Monitored, history: &History) -> Vec<f64> {
        measured(monitored.values(history)).map(|(_, value)| value).collect()
    }
}

impl Rule for CatBoost {
    fn fires(&self, monitored: &Monitored, history: &History) -> bool {
        let values = Self::values(monitored, history);
        Self::wait(monitored, &values) >= self.od_wait
            && match self.od_type {
                OdType::Iter => true,
                OdType::IncToDec => Self::p(monitored, &values) < self.od_pval,
            }
    }

    fn restores_best_by_default(&self) -> bool {
        false
    }

    fn earliest(&self) -> usize {
        match self.od_type {
            OdType::IncToDec if self.od_pval == 0.0 => usize::MAX,
            _ => self.od_wait.saturating_add(1),
        }
    }

    fn postponed_by(&self) -> &'static str {
        "od_wait"
    }

    fn state(&self, monitored: &Monitored, history: &History) -> String {
        let values = Self::values(monitored, history);
        let wait = format!("od_wait {}/{}", Self::wait(monitored, &values), self.od_wait);
        match self.od_type {
            OdType::Iter => wait,
            OdType::IncToDec => format!("{wait}, p {:.2e}", Self::p(monitored, &values)),
        }
    }
}
