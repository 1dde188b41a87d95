//! What every stopping rule has to say.

use super::direction::larger_is_better;
use super::monitored::Monitored;
use crate::history::History;
use crate::kinds::NoSettings;

/// What a criterion does.
pub trait Rule {
    /// Whether training ends after the last epoch of `history`.
    fn fires(&self, monitored: &Monitored, history: &History) -> bool;

    /// The columns it reads besides the monitored one.
    fn columns(&self) -> Vec<&str> {
        Vec::new()
    }

    /// Of the columns of a table, those besides the monitored one that it reads and of which it matters whether larger or
    /// smaller is better.
    fn directed<'a>(&'a self, _monitored: &str, _names: &[&'a str]) -> Vec<&'a str> {
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

    /// The column that is monitored in logs of its tool, where the table names none; `watched` are the columns that the
    /// tool watches by its log.
    fn column_of_its_tool<'a>(&self, _watched: &'a [String]) -> Option<&'a str> {
        None
    }

    /// Whether larger values of a column are better where the table does not say; none: it has to.
    fn maximizes_by_default(&self, column: &str) -> Option<bool> {
        larger_is_better(column)
    }

    /// Whether the weights of the best epoch are kept where the table does not say.
    fn restores_best_by_default(&self) -> bool {
        true
    }

    /// The first epoch (from 1) after which some curve makes it fire; `usize::MAX`: none does.
    fn earliest(&self) -> usize;

    /// The setting that puts off the earliest epoch, for advice.
    fn postponed_by(&self) -> &'static str;

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

    fn postponed_by(&self) -> &'static str {
        "kind"
    }

    fn state(&self, _: &Monitored, _: &History) -> String {
        String::new()
    }
}
