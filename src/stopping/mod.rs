//! Stopping rules: pure functions of the epochs recorded so far.
//!
//! A rule is its own configuration: parsed, printed, compared and asked. It keeps no state, so
//! live stopping and replay are one code and there is nothing of it to checkpoint.
//!
//! To add a rule, write its file with a settings struct that implements [`Rule`], and add one
//! line to the list of [`Criterion`].

#![allow(clippy::cast_precision_loss)] // epochs are far below 2^53

mod combined;
mod counted;
mod curve;
mod flat;
mod frameworks;
mod named;
mod overfit;
mod patience;
mod prechelt;
mod smoothed;
mod threshold;
mod time_budget;

use serde::{Deserialize, Deserializer, Serialize, de::Error};

pub use combined::{All, Any, Combined};
pub use counted::{Increases, RelativeToFirst, Side};
pub use flat::{Change, RelativeChange, Slope};
pub use frameworks::{HuggingFace, Keras, Lightning, Sklearn, Skorch, ThresholdMode, Xgboost};
pub use named::{Complexity, Evidence, GradientDisparity, GradientNorm, Measure};
pub use overfit::{Correlation, Divergence, Gap};
pub use patience::{MinDeltaMode, Patience};
pub use prechelt::{GeneralizationLoss, ProgressQuotient, SuccessiveIncreases, TrainingProgress};
pub use smoothed::{ExponentialAverage, MovingAverage};
pub use threshold::{Limit, Threshold};
pub use time_budget::TimeBudget;

use crate::history::{EpochTable, History, ON_DEMAND, TEST_PREFIX};
use crate::kinds;
use crate::kinds::{NoSettings, SharedKeys};

/// What a criterion does.
pub trait Rule {
    /// Whether training ends after the last epoch of `history`.
    fn fires(&self, monitored: &Monitored, history: &History) -> bool;

    /// The columns it reads besides the monitored one.
    fn columns(&self) -> Vec<&str> {
        Vec::new()
    }

    /// Whether it reads the monitored column.
    fn reads_monitored(&self) -> bool {
        true
    }

    /// The column that is monitored where the table names none.
    fn default_column(&self) -> &'static str {
        "val_loss"
    }

    /// Whether larger values of a column are better where the table does not say.
    fn maximizes_by_default(&self, column: &str) -> bool {
        larger_is_better(column)
    }

    /// Whether the weights of the best epoch are kept where the table does not say.
    fn restores_best_by_default(&self) -> bool {
        true
    }

    /// The first epoch (from 1) after which some curve makes it fire; `usize::MAX`: none does.
    fn earliest(&self) -> usize {
        1
    }

    /// The setting that puts off the earliest epoch, for advice.
    fn postponed_by(&self) -> &'static str {
        "count"
    }

    /// Where it stands after the last epoch of `history`, for a progress line: `patience 3/10`.
    fn state(&self, monitored: &Monitored, history: &History) -> String;
}

impl Rule for NoSettings {
    fn fires(&self, _: &Monitored, _: &History) -> bool {
        false
    }

    fn reads_monitored(&self) -> bool {
        false
    }

    fn restores_best_by_default(&self) -> bool {
        false
    }

    fn earliest(&self) -> usize {
        usize::MAX
    }

    fn state(&self, _: &Monitored, _: &History) -> String {
        String::new()
    }
}

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
    /// When one of several rules fires
    "any" => Any(Any),
    /// When several rules fire at the same epoch
    "all" => All(All),
    later [] with keys []
}

/// `[early_stopping]`: a criterion, the column it watches, and which weights are kept.
#[derive(Debug, Clone, PartialEq)]
pub struct StoppingRule {
    /// When training ends.
    pub criterion: Criterion,
    /// The column that chooses the best epoch, and that most criteria watch.
    pub monitored: Monitored,
    /// Keep the weights of the best epoch rather than those of the last.
    pub restore_best: bool,
}

impl Default for StoppingRule {
    fn default() -> Self {
        Self::new(Criterion::None(NoSettings {}))
    }
}

/// A column and the direction in which it is better.
#[derive(Debug, Clone, PartialEq)]
pub struct Monitored {
    /// The column's name.
    pub column: String,
    /// Whether larger is better.
    pub maximize: bool,
}

impl Monitored {
    /// A column in the direction that its name implies.
    #[must_use]
    pub fn new(column: &str) -> Self {
        Self { column: column.to_owned(), maximize: larger_is_better(column) }
    }

    /// Whether `value` is strictly better than `reference`.
    #[must_use]
    pub fn better(&self, value: f64, reference: f64) -> bool {
        if self.maximize { value > reference } else { value < reference }
    }

    /// Whether `value` is better than `reference` by more than `delta`, in the form of Keras.
    #[must_use]
    pub fn better_by(&self, value: f64, reference: f64, delta: f64) -> bool {
        // `reference - value > delta` rounds differently and moves stops on a plateau.
        if self.maximize { value > reference + delta } else { value < reference - delta }
    }

    /// The recorded values, empty cells included; an empty slice where there is no such column.
    #[must_use]
    pub fn values<'a>(&self, history: &History<'a>) -> &'a [Option<f64>] {
        history.column(&self.column).unwrap_or(&[])
    }

    /// The first epoch (from 1) with the strictly best finite value, and that value.
    #[must_use]
    pub fn best(&self, history: &History) -> Option<(usize, f64)> {
        let mut best: Option<(usize, f64)> = None;
        for (index, value) in self.values(history).iter().enumerate() {
            if let Some(value) = value.filter(|v| v.is_finite())
                && best.is_none_or(|(_, b)| self.better(value, b))
            {
                best = Some((index + 1, value));
            }
        }
        best
    }
}

/// Whether larger values of a metric column are better: accuracies, f1, auc and r2.
#[must_use]
pub fn larger_is_better(column: &str) -> bool {
    ["accuracy", "auc", "f1", "r2"].iter().any(|name| {
        column == *name || column.strip_suffix(name).is_some_and(|rest| rest.ends_with('_'))
    })
}

/// How an arm's reading of a training ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// All epochs were read.
    Completed,
    /// The rule fired.
    Stopped,
    /// A loss or the monitored value was NaN or infinite.
    Diverged,
}

/// What a rule makes of a recorded curve.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// How it ended.
    pub ending: Ending,
    /// Epochs read: up to the one at which it ended.
    pub epochs: usize,
    /// The best epoch among those, and its monitored value.
    pub best: Option<(usize, f64)>,
}

/// The mode of `monitor`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// By the column's name.
    Auto,
    /// Smaller is better.
    Min,
    /// Larger is better.
    Max,
}

impl Mode {
    /// The direction for a column.
    #[must_use]
    pub fn of(self, column: &str) -> Monitored {
        match self {
            Self::Auto => Monitored::new(column),
            Self::Min => Monitored { column: column.to_owned(), maximize: false },
            Self::Max => Monitored { column: column.to_owned(), maximize: true },
        }
    }
}

#[derive(Default)]
struct Shared {
    monitor: Option<String>,
    mode: Option<Mode>,
    restore_best: Option<bool>,
}

impl SharedKeys for Shared {
    const KEYS: &'static [&'static str] = &["monitor", "mode", "restore_best"];

    fn take<'de, A: serde::de::MapAccess<'de>>(
        &mut self,
        key: &str,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match key {
            "monitor" => self.monitor = Some(map.next_value::<Readable>()?.0),
            "mode" => self.mode = Some(map.next_value()?),
            _ => self.restore_best = Some(map.next_value()?),
        }
        Ok(())
    }
}

/// A column that a rule may read: any but the test's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Readable(pub String);

impl<'de> Deserialize<'de> for Readable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        if name.starts_with(TEST_PREFIX) {
            return Err(D::Error::custom(format_args!(
                "`{name}` is a test column, which no rule may read: use a column of the validation \
                 or the training split"
            )));
        }
        Ok(Self(name))
    }
}

impl<'de> Deserialize<'de> for StoppingRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (criterion, shared) = Criterion::deserialize_with::<Shared, D>(deserializer)?;
        let mut rule = Self::new(criterion);
        if let Some(column) = shared.monitor {
            rule.monitored.maximize = rule.criterion.inner().maximizes_by_default(&column);
            rule.monitored.column = column;
        }
        if let Some(mode) = shared.mode {
            rule.monitored = mode.of(&rule.monitored.column);
        }
        rule.restore_best = shared.restore_best.unwrap_or(rule.restore_best);
        Ok(rule)
    }
}

impl Serialize for StoppingRule {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Table<'a> {
            #[serde(flatten)]
            criterion: &'a Criterion,
            monitor: &'a str,
            mode: Mode,
            restore_best: bool,
        }
        Table {
            criterion: &self.criterion,
            monitor: &self.monitored.column,
            mode: if self.monitored.maximize { Mode::Max } else { Mode::Min },
            restore_best: self.restore_best,
        }
        .serialize(serializer)
    }
}

impl StoppingRule {
    /// A criterion with its own defaults: mostly `val_loss`, and the best weights are kept.
    #[must_use]
    pub fn new(criterion: Criterion) -> Self {
        let rule = criterion.inner();
        let column = rule.default_column();
        let monitored =
            Monitored { column: column.to_owned(), maximize: rule.maximizes_by_default(column) };
        let restore_best = rule.restores_best_by_default();
        Self { criterion, monitored, restore_best }
    }

    /// The name of the rule's kind.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.criterion.kind()
    }

    /// Whether this is `none`, which reads a training to its last epoch.
    #[must_use]
    pub fn is_none(&self) -> bool {
        matches!(self.criterion, Criterion::None(_))
    }

    /// Every column that has to be recorded for this rule.
    #[must_use]
    pub fn columns(&self) -> Vec<&str> {
        let rule = self.criterion.inner();
        let mut columns = rule.columns();
        if (rule.reads_monitored() || self.restore_best)
            && !columns.contains(&self.monitored.column.as_str())
        {
            columns.push(&self.monitored.column);
        }
        columns
    }

    /// Of these, the columns that are measured only because a rule reads them.
    #[must_use]
    pub fn columns_on_demand(&self) -> Vec<&str> {
        let mut columns = self.columns();
        columns.retain(|column| ON_DEMAND.contains(column));
        columns
    }

    /// How training ends after the last epoch of `history`; `None`: it goes on.
    ///
    /// A loss or monitored value that is NaN or infinite ends it before the criterion is asked.
    #[must_use]
    pub fn check(&self, history: &History) -> Option<Ending> {
        let last = history.epochs().checked_sub(1)?;
        let not_finite = ["train_loss", "val_loss", self.monitored.column.as_str()]
            .iter()
            .filter_map(|name| history.column(name)?[last])
            .any(|value| !value.is_finite());
        if not_finite {
            Some(Ending::Diverged)
        } else {
            self.criterion.inner().fires(&self.monitored, history).then_some(Ending::Stopped)
        }
    }

    /// Reads a curve from its first epoch: the same question as in training, epoch by epoch.
    #[must_use]
    pub fn read(&self, table: &EpochTable) -> Reading {
        let end = (1..=table.len())
            .find_map(|epochs| Some((epochs, self.check(&table.history(epochs))?)));
        let (epochs, ending) = end.unwrap_or((table.len(), Ending::Completed));
        let best = self.monitored.best(&table.history(epochs));
        Reading { ending, epochs, best }
    }

    /// Where the rule stands after the last epoch of `history`, for a progress line.
    #[must_use]
    pub fn state(&self, history: &History) -> String {
        self.criterion.inner().state(&self.monitored, history)
    }
}

#[cfg(test)]
mod tests;
