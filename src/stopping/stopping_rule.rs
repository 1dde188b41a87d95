//! `[early_stopping]` as a whole: what it is written as, and how it reads a curve.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::{Criterion, Mode, Monitored, Readable, larger_is_better};
use crate::history::{EpochTable, History, ON_DEMAND};
use crate::kinds::as_table;
use crate::kinds::{NoSettings, SharedKeys};

/// `[early_stopping]`: a criterion, the column it watches, and which weights are kept.
#[derive(Debug, Clone, PartialEq)]
pub struct StoppingRule {
    /// When training ends.
    pub criterion: Criterion,
    /// The column that chooses the best epoch, and that most criteria watch.
    pub monitored: Monitored,
    /// Whether neither the table nor the column's name tells which direction is better, so that the one
    /// in `monitored` is a guess and the rule has to be refused.
    pub is_undirected: bool,
    /// Keep the weights of the best epoch rather than those of the last.
    pub restore_best: bool,
}

impl Default for StoppingRule {
    fn default() -> Self {
        Self::new(Criterion::None(NoSettings {}))
    }
}

/// How a rule left a training.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopStatus {
    /// All epochs were read.
    Completed,
    /// The rule fired.
    Stopped,
    /// A loss or the monitored value was NaN or infinite.
    Diverged,
}

/// Where a rule stops on a curve, and what is best up to there.
#[derive(Debug, Clone, PartialEq)]
pub struct StopPoint {
    /// How the rule left the training.
    pub status: StopStatus,
    /// Epochs read: up to the one at which it ended.
    pub epochs: usize,
    /// The best epoch among those, and its monitored value.
    pub best: Option<(usize, f64)>,
}

#[derive(Default, JsonSchema)]
struct Shared {
    /// The column of `epochs.csv` that chooses the best epoch, and that most rules watch; any but the test's. By
    /// default `val_loss`, for `sklearn` `val_accuracy`.
    monitor: Option<Readable>,
    /// Which direction is better; `auto` goes by the words of the column's name.
    mode: Option<Mode>,
    /// Keep the weights of the best epoch rather than those of the last; by default true but for `none` and for
    /// frameworks that do not.
    restore_best: Option<bool>,
}

as_table!(StoppingRule: Criterion, Shared);

impl SharedKeys for Shared {
    const KEYS: &'static [&'static str] = &["monitor", "mode", "restore_best"];

    fn take<'de, A: serde::de::MapAccess<'de>>(
        &mut self,
        key: &str,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match key {
            "monitor" => self.monitor = Some(map.next_value()?),
            "mode" => self.mode = Some(map.next_value()?),
            _ => self.restore_best = Some(map.next_value()?),
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for StoppingRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (criterion, shared) = Criterion::deserialize_with::<Shared, D>(deserializer)?;
        let mut rule = Self::new(criterion);
        let column = shared.monitor.map_or(rule.monitored.column, |monitor| monitor.0);
        let maximize = match shared.mode {
            Some(mode) => mode.is_larger_better(&column),
            None => rule.criterion.inner().maximizes_by_default(&column),
        };
        rule.is_undirected = maximize.is_none();
        rule.monitored = Monitored { column, maximize: maximize.unwrap_or(false) };
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
        let maximize = rule.maximizes_by_default(column);
        let monitored =
            Monitored { column: column.to_owned(), maximize: maximize.unwrap_or(false) };
        let restore_best = rule.restores_best_by_default();
        Self { criterion, monitored, is_undirected: maximize.is_none(), restore_best }
    }

    /// Where it watches whatever its tool does, these are the columns, which a log of that tool tells of.
    pub fn watch(&mut self, columns: &[String]) {
        if let Criterion::LightGbm(rule) = &mut self.criterion {
            rule.watch(columns);
        }
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

    /// Of the columns of a table, one of which it matters whether larger or smaller values are better, and neither the
    /// rule's table nor its name tells.
    #[must_use]
    pub fn undirected<'a>(&'a self, names: &[&'a str]) -> Option<&'a str> {
        let monitored = self.is_undirected.then_some(self.monitored.column.as_str());
        let own = || {
            let of_it = self.criterion.inner().directed(&self.monitored.column, names);
            of_it.into_iter().find(|column| larger_is_better(column).is_none())
        };
        monitored.or_else(own)
    }

    /// Of the columns, those that are measured only because a rule reads them.
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
    pub fn check(&self, history: &History) -> Option<StopStatus> {
        let last = history.epochs().checked_sub(1)?;
        let not_finite = ["train_loss", "val_loss", self.monitored.column.as_str()]
            .iter()
            .filter_map(|name| history.column(name)?[last])
            .any(|value| !value.is_finite());
        if not_finite {
            Some(StopStatus::Diverged)
        } else {
            self.criterion.inner().fires(&self.monitored, history).then_some(StopStatus::Stopped)
        }
    }

    /// Reads a curve from its first epoch: the same question as in training, epoch by epoch.
    #[must_use]
    pub fn read(&self, table: &EpochTable) -> StopPoint {
        let end = (1..=table.len())
            .find_map(|epochs| Some((epochs, self.check(&table.history(epochs))?)));
        let (epochs, status) = end.unwrap_or((table.len(), StopStatus::Completed));
        let best = self.monitored.best(&table.history(epochs));
        StopPoint { status, epochs, best }
    }

    /// Where the rule stands after the last epoch of `history`, for a progress line.
    #[must_use]
    pub fn state(&self, history: &History) -> String {
        self.criterion.inner().state(&self.monitored, history)
    }
}
