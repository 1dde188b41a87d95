//! A training as a log tells of it.

use std::path::PathBuf;

use serde_json::{Map, Value};

use super::rows::{NotANumber, Rows};
use crate::history::EpochTable;

/// How a training ended, as far as its log tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// All that was asked for was trained.
    Completed,
    /// A rule stopped it, or pruned it.
    Stopped,
    /// It was still running, or was killed, when the log was written.
    Interrupted,
    /// It failed.
    Failed,
}

/// A training as a log tells of it.
#[derive(Debug, Clone)]
pub struct Training {
    /// What its tool calls it; the name of the file or folder where it has no name.
    pub name: String,
    /// The tool that wrote the log.
    pub tool: &'static str,
    /// The file or folder.
    pub path: PathBuf,
    /// A row per epoch; `epoch` is the position from 1.
    pub table: EpochTable,
    /// The log's own column called `epoch`.
    pub own_epochs: Option<Vec<Option<f64>>>,
    /// Columns that hold something else than numbers, by their first such cell.
    pub not_numeric: Vec<NotANumber>,
    /// Hyperparameters.
    pub parameters: Map<String, Value>,
    /// How it ended; none where the log does not tell.
    pub ended: Option<Ended>,
    /// Tables of the stopping rules that were in force.
    pub declared: Vec<Map<String, Value>>,
    /// Columns of which the log says whether larger is better.
    pub directions: Vec<(String, bool)>,
    /// What the tool monitors where nothing is said.
    pub monitor: Option<String>,
    /// The columns by which the tool stops, where these are several.
    pub watched: Vec<String>,
    /// Columns that follow from others by the tool's own code, each with a sentence on how.
    pub derived: Vec<(String, String)>,
    /// What was noticed on the way, a sentence each.
    pub notes: Vec<String>,
}

/// The keys under which tools hold the seed.
pub const SEED_KEYS: [&str; 4] = ["seed", "random_seed", "random_state", "manual_seed"];

/// A whole number, which may stand as text.
#[must_use]
pub fn whole(value: &Value) -> Option<u64> {
    let of_float = |number: f64| {
        let is_whole = number >= 0.0 && number.fract() == 0.0 && number <= 9_007_199_254_740_992.0;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // checked
        is_whole.then_some(number as u64)
    };
    let of_text = |text: &str| text.parse().ok().or_else(|| of_float(text.parse().ok()?));
    let number = value.as_u64().or_else(|| of_float(value.as_f64()?));
    number.or_else(|| of_text(value.as_str()?.trim()))
}

impl Training {
    /// The file or folder in full, by which it is the same however it is written.
    #[must_use]
    pub fn full_path(&self) -> PathBuf {
        self.path.canonicalize().unwrap_or_else(|_| self.path.clone())
    }

    /// The parameter that holds the seed: its key and value.
    #[must_use]
    pub fn seed_entry(&self, asked: Option<&str>) -> Option<(&str, u64)> {
        let last = |key: &str| key.rsplit(['.', '/']).next().unwrap_or(key).to_lowercase();
        // The one at the top before those within, in the order of what is known.
        let rank = |key: &str| {
            if let Some(asked) = asked {
                return (key == asked).then_some((0, 0));
            }
            let known = SEED_KEYS.iter().position(|known| *known == last(key))?;
            Some((key.matches(['.', '/']).count(), known))
        };
        let entries = self.parameters.iter();
        let ranked = entries.filter_map(|(key, value)| Some((rank(key)?, key, whole(value)?)));
        let first = ranked.min_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.cmp(b.1)));
        first.map(|(_, key, seed)| (key.as_str(), seed))
    }

    /// The column by which the log counts epochs, with its values, where that is not simply from 0 or 1.
    #[must_use]
    pub fn counter(&self) -> Option<(String, Vec<Option<f64>>)> {
        let own = self.own_epochs.as_ref().map(|cells| (crate::history::EPOCH, cells.as_slice()));
        let other = || {
            let names = self.table.names().iter().skip(1).map(String::as_str);
            let name = super::names::counter(names.enumerate())? + 1;
            let name = self.table.names()[name].as_str();
            Some((name, self.table.column_of_its_own(name)?))
        };
        let (name, cells) = own.or_else(other)?;
        #[allow(clippy::cast_precision_loss)] // epochs are far below 2^53
        let counts_from = |first: usize| {
            cells.iter().enumerate().all(|(at, cell)| *cell == Some((at + first) as f64))
        };
        (!counts_from(0) && !counts_from(1)).then(|| (name.to_owned(), cells.to_vec()))
    }

    /// Calls the one column that stands for a validation loss so; says so.
    pub fn call_validation_loss(&mut self, name: &str) {
        let stand_ins = self.stand_ins();
        let [only] = stand_ins.as_slice() else { return };
        let only = only.clone();
        let cells = self.table.column(&only).unwrap_or_default().to_vec();
        self.table.add_column(name, cells);
        self.derived.push((name.to_owned(), format!("{name} is called `{only}`")));
    }

    /// The seed.
    #[must_use]
    pub fn seed(&self) -> Option<u64> {
        self.seed_entry(None).map(|(_, seed)| seed)
    }

    /// Whether it is known to have ended before its time.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.ended.is_some_and(|ended| ended != Ended::Completed)
    }

    /// The names of its columns in the log's own words.
    #[must_use]
    pub fn columns(&self) -> Vec<&str> {
        let own = self.own_epochs.as_ref().map(|_| crate::history::EPOCH);
        let names = self.table.names().iter().skip(1).map(String::as_str);
        own.into_iter().chain(names.filter(|name| self.how_derived(name).is_none())).collect()
    }

    /// How a column follows from others; none of one that the log holds.
    #[must_use]
    pub fn how_derived(&self, column: &str) -> Option<&str> {
        let found = self.derived.iter().find(|(name, _)| name == column);
        found.map(|(_, how)| how.as_str())
    }

    /// The columns that may stand for a validation loss: the one that the tool watches, else those named like one.
    #[must_use]
    pub fn stand_ins(&self) -> Vec<String> {
        match &self.monitor {
            Some(monitor) => vec![monitor.clone()],
            None => self.validation_losses().into_iter().map(str::to_owned).collect(),
        }
    }

    /// The columns that are a validation loss under whatever name: those with a value, where any has one.
    #[must_use]
    pub fn validation_losses(&self) -> Vec<&str> {
        let with_curve = |name: &&str| {
            let cells = self.table.column(name).unwrap_or_default();
            cells.iter().flatten().count() > 0
        };
        let all = super::names::validation_losses(self.table.names().iter().map(String::as_str));
        let measured: Vec<&str> = all.iter().copied().filter(with_curve).collect();
        if measured.is_empty() { all } else { measured }
    }
}

/// A column that follows from others: their sum, each times its weight.
pub(super) struct Derived {
    pub name: &'static str,
    /// What the sum is of, in words.
    pub of: String,
    pub terms: Vec<(String, f64)>,
    /// Whether larger is better, where the name does not tell.
    pub maximize: Option<bool>,
}

impl Derived {
    /// Adds the column to a table that has what it follows from and none of its name; says how it follows.
    pub fn add(&self, table: &mut EpochTable) -> Option<String> {
        if table.column(self.name).is_some() {
            return None;
        }
        let terms = self.terms.iter().map(|(name, weight)| Some((table.column(name)?, *weight)));
        let terms: Vec<(&[Option<f64>], f64)> = terms.collect::<Option<_>>()?;
        let sum = |epoch: usize| {
            terms.iter().map(|(cells, weight)| Some(weight * cells[epoch]?)).sum::<Option<f64>>()
        };
        let sums: Vec<Option<f64>> = (0..table.len()).map(sum).collect();
        table.add_column(self.name, sums);
        Some(format!("{} is {}", self.name, self.of))
    }
}

/// What a source makes of a log, before it is known what its epochs are.
pub(super) struct Draft {
    pub name: String,
    pub tool: &'static str,
    pub path: PathBuf,
    pub rows: Rows,
    /// In tables a NaN that finite values follow is an empty cell.
    pub nan_is_missing: bool,
    /// Each row is an epoch, however seldom something is measured.
    pub rows_are_epochs: bool,
    /// Its tool writes one row an epoch.
    pub has_a_row_an_epoch: bool,
    pub parameters: Map<String, Value>,
    pub ended: Option<Ended>,
    pub declared: Vec<Map<String, Value>>,
    pub directions: Vec<(String, bool)>,
    pub monitor: Option<String>,
    pub watched: Vec<String>,
    pub derived: Vec<Derived>,
    /// Epochs that were asked for.
    pub planned: Option<f64>,
    pub notes: Vec<String>,
}

impl Draft {
    pub fn new(name: &str, tool: &'static str, path: PathBuf, rows: Rows) -> Self {
        Self {
            name: name.to_owned(),
            tool,
            path,
            rows,
            nan_is_missing: false,
            rows_are_epochs: false,
            has_a_row_an_epoch: false,
            parameters: Map::new(),
            ended: None,
            declared: Vec::new(),
            directions: Vec::new(),
            monitor: None,
            watched: Vec::new(),
            derived: Vec::new(),
            planned: None,
            notes: Vec::new(),
        }
    }
}
