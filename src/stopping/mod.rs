//! Stopping rules: pure functions of the epochs recorded so far.
//!
//! A rule is its own configuration: parsed, printed, compared and asked. It keeps no state, so
//! live stopping and replay are one code and there is nothing of it to checkpoint.
//!
//! To add a rule, write its file with a settings struct that implements [`Rule`], and add one
//! line to the list of [`Criterion`].

#![allow(clippy::cast_precision_loss)] // epochs are far below 2^53

mod counted;
mod curve;
mod direction;
mod flat;
mod frameworks;
mod monitored;
mod named;
mod overfit;
mod patience;
mod prechelt;
mod rule;
mod smoothed;
mod split;
mod stopping_rule;
mod threshold;
mod time_budget;

pub use counted::{Increases, RelativeToFirst, Side};
pub use direction::{larger_is_better, words};
pub use flat::{Change, RelativeChange, Slope};
pub use frameworks::{
    CatBoost, FITNESS, Fastai, HuggingFace, Keras, LightGbm, Lightning, OdType, Sklearn, Skorch,
    ThresholdMode, Ultralytics, Xgboost,
};
pub use monitored::{Mode, Monitored, Readable};
pub use named::{Complexity, Evidence, GradientDisparity, GradientNorm, Measure};
pub use overfit::{Correlation, Divergence, Gap};
pub use patience::{MinDeltaMode, Patience};
pub use prechelt::{GeneralizationLoss, ProgressQuotient, SuccessiveIncreases, TrainingProgress};
pub use rule::Rule;
pub use smoothed::{ExponentialAverage, MovingAverage};
pub use split::{Split, is_spread, metric};
pub use stopping_rule::{StopPoint, StopStatus, StoppingRule};
pub use threshold::{Limit, Threshold};
pub use time_budget::TimeBudget;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de::Error};

use crate::history::History;
use crate::kinds;
use crate::kinds::NoSettings;
use crate::kinds::as_table;

kinds! {
    /// When a training ends.
    pub enum Criterion: "stopping rule", default None, each a Rule;
    /// Never: all epochs are trained
    "none" => None(NoSettings),
    /// After a number of epochs without improvement (Keras's `EarlyStopping`)
    "patience" => Patience(Patience),
    /// Where the curve is too far above its best (Prechelt's GL)
    "generalization_loss" => GeneralizationLoss(GeneralizationLoss),
    /// Where that is too much for the progress still made (Prechelt's PQ)
    "progress_quotient" => ProgressQuotient(ProgressQuotient),
    /// After strips in a row that ended higher (Prechelt's UP)
    "successive_increases" => SuccessiveIncreases(SuccessiveIncreases),
    /// Where the training loss makes no progress (PROBEN1's P)
    "training_progress" => TrainingProgress(TrainingProgress),
    /// Patience on a moving average
    "moving_average" => MovingAverage(MovingAverage),
    /// Patience on an exponential average
    "exponential_average" => ExponentialAverage(ExponentialAverage),
    /// Where the curve is worse than its best by a factor
    "divergence" => Divergence(Divergence),
    /// Where validation and training loss are too far apart
    "gap" => Gap(Gap),
    /// Where validation and training loss no longer move together
    "correlation" => Correlation(Correlation),
    /// Where two windows in a row have nearly the same mean
    "relative_change" => RelativeChange(RelativeChange),
    /// Where the line through the last values no longer improves
    "slope" => Slope(Slope),
    /// Where a column hardly changes from epoch to epoch
    "change" => Change(Change),
    /// Once a column is beyond a limit
    "threshold" => Threshold(Threshold),
    /// Once a column is beyond a factor of its first value
    "relative_to_first" => RelativeToFirst(RelativeToFirst),
    /// Once a column has increased so many times
    "increases" => Increases(Increases),
    /// Once the gradient is no more than noise (Mahsereci et al. 2017)
    "evidence" => Evidence(Evidence),
    /// Once the gradient is small
    "gradient_norm" => GradientNorm(GradientNorm),
    /// Once the gradients of batches part (Forouzesh & Thiran 2021)
    "gradient_disparity" => GradientDisparity(GradientDisparity),
    /// Once the network has grown
    "complexity" => Complexity(Complexity),
    /// Once a training took long enough
    "time_budget" => TimeBudget(TimeBudget),
    /// As Keras's `EarlyStopping`
    "keras" => Keras(Keras),
    /// As Lightning's `EarlyStopping`
    "lightning" => Lightning(Lightning),
    /// As scikit-learn's `MLPClassifier` and `MLPRegressor`
    "sklearn" => Sklearn(Sklearn),
    /// As skorch's `EarlyStopping`
    "skorch" => Skorch(Skorch),
    /// As `XGBoost`'s `EarlyStopping`
    "xgboost" => Xgboost(Xgboost),
    /// As the `EarlyStoppingCallback` of Hugging Face's transformers
    "huggingface" => HuggingFace(HuggingFace),
    /// As `LightGBM`'s `early_stopping`
    "lightgbm" => LightGbm(LightGbm),
    /// As `CatBoost`'s overfitting detector of type `Iter`
    "catboost" => CatBoost(CatBoost),
    /// As the `EarlyStopping` of ultralytics
    "ultralytics" => Ultralytics(Ultralytics),
    /// As fastai's `EarlyStoppingCallback`
    "fastai" => Fastai(Fastai),
    /// When one of several rules fires
    "any" => Any(Any),
    /// When several rules fire at the same epoch
    "all" => All(All),
    later [] with keys []
}

as_table!(Criterion: Criterion, ());

/// Settings of `any` and of `all`, where every criterion has to hold after the same epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Combined<const ALL: bool> {
    /// At least one criterion; `monitor` and `mode` are those of the table around.
    #[serde(deserialize_with = "some_rules")]
    #[schemars(schema_with = "rules_schema")]
    pub rules: Vec<Criterion>,
}

/// One of several criteria is enough.
pub type Any = Combined<false>;

/// Every criterion has to hold.
pub type All = Combined<true>;

fn rules_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "expected": "a list of at least one rule, each a table with a `kind`",
        "type": "array",
        "items": { "$ref": "#/$defs/rule" },
        "minItems": 1
    })
}

fn some_rules<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Criterion>, D::Error> {
    let rules = Vec::<Criterion>::deserialize(deserializer)?;
    if rules.is_empty() {
        return Err(D::Error::custom("the list is empty: expected at least one rule"));
    }
    Ok(rules)
}

impl<const ALL: bool> Combined<ALL> {
    fn inner(&self) -> impl Iterator<Item = &dyn Rule> {
        self.rules.iter().map(Criterion::inner)
    }
}

impl<const ALL: bool> Rule for Combined<ALL> {
    fn fires(&self, monitored: &Monitored, history: &History) -> bool {
        let fires = |rule: &dyn Rule| rule.fires(monitored, history);
        if ALL { self.inner().all(fires) } else { self.inner().any(fires) }
    }

    fn columns(&self) -> Vec<&str> {
        self.inner().flat_map(Rule::columns).collect()
    }

    fn directed<'a>(&'a self, monitored: &str, names: &[&'a str]) -> Vec<&'a str> {
        self.inner().flat_map(|rule| rule.directed(monitored, names)).collect()
    }

    fn reads_monitored(&self) -> bool {
        self.inner().any(Rule::reads_monitored)
    }

    fn earliest(&self) -> usize {
        let earliest = self.inner().map(Rule::earliest);
        let of_all = if ALL { earliest.max() } else { earliest.min() };
        of_all.unwrap_or(usize::MAX)
    }

    fn postponed_by(&self) -> &'static str {
        "count"
    }

    fn state(&self, monitored: &Monitored, history: &History) -> String {
        let states: Vec<String> = self.inner().map(|rule| rule.state(monitored, history)).collect();
        states.join(", ")
    }
}

#[cfg(test)]
mod tests;
