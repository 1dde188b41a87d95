//! `keras`, `lightning`, `sklearn`, `skorch`, `xgboost`, `huggingface`, `lightgbm`, `catboost`, `ultralytics`,
//! `fastai`: the early stopping of other frameworks, each with its own settings, defaults, direction and arithmetic.
//!
//! They differ in what an improvement is held against (the last value accepted as one, or the best
//! of all), in whether an exact tie with the margin counts, and in the form in which the margin is
//! subtracted, which rounds differently. The letter of each is from its source: Keras 3.15,
//! Lightning 2.6, scikit-learn 1.9, skorch 1.4, `XGBoost` 3.2, transformers 5.23,
//! `LightGBM` 4.7, `CatBoost` 1.2, ultralytics 8.4, fastai 2.8.

mod catboost;
mod fastai;
mod framework;
mod huggingface;
mod keras;
mod lightgbm;
mod lightning;
mod sklearn;
mod skorch;
mod ultralytics;
mod xgboost;

use super::{Monitored, Rule};
use crate::history::History;
use framework::Framework;

pub use catboost::{CatBoost, OdType};
pub use fastai::Fastai;
pub use huggingface::HuggingFace;
pub use keras::Keras;
pub use lightgbm::LightGbm;
pub use lightning::Lightning;
pub use sklearn::Sklearn;
pub use skorch::{Skorch, ThresholdMode};
pub use ultralytics::{FITNESS, Ultralytics};
pub use xgboost::Xgboost;

/// Each framework as a rule.
macro_rules! rules {
    ($($name:ident),+) => {$(
        impl Rule for $name {
            fn fires(&self, monitored: &Monitored, history: &History) -> bool {
                let cells = monitored.values(history);
                let count = self.count(monitored, cells);
                let last = cells.last().copied().flatten();
                last.is_some_and(|value| self.ends_at(monitored, value))
                    || (!count.spared && count.wait >= self.limit())
                    || (last.is_some() && self.ends_when_spared())
            }

            fn default_column(&self) -> &'static str {
                self.monitors()
            }

            fn column_of_its_tool<'a>(&self, _: &'a [String]) -> Option<&'a str> {
                self.monitors_in_its_logs()
            }

            fn maximizes_by_default(&self, column: &str) -> Option<bool> {
                self.maximizes(column)
            }

            fn restores_best_by_default(&self) -> bool {
                self.restores()
            }

            fn earliest(&self) -> usize {
                self.first()
            }

            fn postponed_by(&self) -> &'static str {
                self.setting()
            }

            fn state(&self, monitored: &Monitored, history: &History) -> String {
                let wait = self.count(monitored, monitored.values(history)).wait;
                format!("{} {wait}/{}", self.setting(), self.limit())
            }
        }
    )+};
}

rules!(Keras, Lightning, Sklearn, Skorch, Xgboost, HuggingFace, Ultralytics, Fastai);
