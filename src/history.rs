//! What a training recorded, epoch by epoch, and the part of it that a stopping rule may see.

/// A row per epoch, a column per recorded quantity; `None` is an empty cell.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EpochTable {
    names: Vec<String>,
    columns: Vec<Vec<Option<f64>>>,
    /// Further names of columns, by their places.
    aliases: Vec<(String, usize)>,
}

/// The columns that no rule may read begin with this.
pub const TEST_PREFIX: &str = "test_";

/// The column that numbers the epochs.
pub const EPOCH: &str = "epoch";

/// The seconds of a training so far.
pub const ELAPSED: &str = "elapsed_s";

/// The processor seconds of a training so far, of the threads that are its own.
pub const CPU: &str = "cpu_s";

/// The columns at the end of every row: how far a training is, not how good.
pub const CLOSING: [&str; 5] = ["lr", "step", "samples_seen", ELAPSED, CPU];

/// The columns that a training measures only where a rule reads them or `evaluation.inside` asks for
/// them: of gradients, of the network's complexity, and of its inside.
pub const ON_DEMAND: [&str; 19] = [
    "evidence",
    "grad_norm",
    "grad_disparity",
    "weight_norm",
    "path_norm",
    "spectral_norm",
    "distance_from_init",
    "preact_p15",
    "preact_p50",
    "preact_p85",
    "loss_train_mode",
    "loss_eval_mode",
    "drift_mean",
    "drift_spread",
    "ls_min",
    "ls_max",
    "gp_min",
    "gp_max",
    "beta_eff",
];

/// The columns of whole numbers.
pub const COUNTS: [&str; 3] = [EPOCH, "step", "samples_seen"];

/// Whether a column is one that a training may record, test columns aside; `loss` and `accuracy` are
/// what Keras calls the training's.
#[must_use]
pub fn is_ours(column: &str) -> bool {
    let metric = ["train_", "val_"].iter().find_map(|split| column.strip_prefix(split));
    METRICS.contains(&metric.unwrap_or(column))
        || CLOSING.contains(&column)
        || ON_DEMAND.contains(&column)
}

/// What follows the split in the name of a column.
const METRICS: [&str; 10] = [
    "loss",
    "loss_eval",
    "accuracy",
    "balanced_accuracy",
    "f1",
    "auc",
    "squared_error_percentage",
    "r2",
    "mae",
    "rmse",
];

/// Whether a column is a property of the weights at the end of an epoch.
#[must_use]
pub fn is_metric(column: &str) -> bool {
    column != EPOCH && !CLOSING.contains(&column)
}

impl EpochTable {
    /// An empty table with these columns.
    #[must_use]
    pub fn new(names: Vec<String>) -> Self {
        let columns = vec![Vec::new(); names.len()];
        Self { names, columns, aliases: Vec::new() }
    }

    /// The names of the columns, in the order of the file.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Gives a column a second name, under which it is read too but not listed. A column of that
    /// name keeps it, and a test column has its own name alone.
    pub fn also_called(&mut self, name: &str, alias: String) {
        if let Some(index) = self.names.iter().position(|n| n == name)
            && !name.starts_with(TEST_PREFIX)
        {
            self.aliases.push((alias, index));
        }
    }

    /// Gives the column at a place a second name.
    ///
    /// # Panics
    /// Where there is no such place.
    pub fn also_called_at(&mut self, place: usize, alias: String) {
        if !self.names[place].starts_with(TEST_PREFIX) {
            self.aliases.push((alias, place));
        }
    }

    /// Leaves out a column that has no value in any epoch.
    pub fn leave_out_if_empty(&mut self, name: &str) {
        let is_empty = |index: &usize| self.columns[*index].iter().all(Option::is_none);
        if let Some(index) = self.names.iter().position(|n| n == name).filter(is_empty) {
            self.names.remove(index);
            self.columns.remove(index);
            self.aliases.retain(|(_, at)| *at != index);
            for (_, at) in self.aliases.iter_mut().filter(|(_, at)| *at > index) {
                *at -= 1;
            }
        }
    }

    /// Number of epochs recorded.
    #[must_use]
    pub fn len(&self) -> usize {
        self.columns.first().map_or(0, Vec::len)
    }

    /// Whether no epoch was recorded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes room for as many epochs as will come.
    pub fn reserve(&mut self, epochs: usize) {
        self.columns.iter_mut().for_each(|column| column.reserve_exact(epochs));
    }

    /// Adds an epoch; `row` has one cell per column, in the columns' order.
    ///
    /// # Panics
    /// Where `row` has another length than there are columns.
    pub fn push(&mut self, row: &[Option<f64>]) {
        assert_eq!(row.len(), self.names.len(), "a row has one cell per column");
        for (column, cell) in self.columns.iter_mut().zip(row) {
            column.push(*cell);
        }
    }

    /// A column by name, test columns included.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&[Option<f64>]> {
        let index = self.names.iter().position(|n| n == name);
        let alias = || self.aliases.iter().find(|(alias, _)| alias == name).map(|(_, i)| *i);
        Some(&self.columns[index.or_else(alias)?])
    }

    /// A column by the name under which it is listed.
    #[must_use]
    pub fn column_of_its_own(&self, name: &str) -> Option<&[Option<f64>]> {
        Some(&self.columns[self.names.iter().position(|n| n == name)?])
    }

    /// Adds a column, with a cell for every epoch.
    ///
    /// # Panics
    /// Where there are more cells or fewer.
    pub fn add_column(&mut self, name: &str, cells: Vec<Option<f64>>) {
        assert_eq!(cells.len(), self.len(), "a column has one cell per epoch");
        self.names.push(name.to_owned());
        self.columns.push(cells);
    }

    /// A cell; epochs count from 1.
    #[must_use]
    pub fn cell(&self, name: &str, epoch: usize) -> Option<f64> {
        *self.column(name)?.get(epoch.checked_sub(1)?)?
    }

    /// The row of an epoch, in the columns' order; epochs count from 1.
    #[must_use]
    pub fn row(&self, epoch: usize) -> Vec<Option<f64>> {
        self.columns
            .iter()
            .map(|column| epoch.checked_sub(1).and_then(|i| *column.get(i)?))
            .collect()
    }

    /// The first `epochs` epochs as a rule sees them.
    #[must_use]
    pub fn history(&self, epochs: usize) -> History<'_> {
        History { table: self, epochs: epochs.min(self.len()) }
    }
}

/// The epochs recorded so far, without the test columns: all that a stopping rule is given.
#[derive(Debug, Clone, Copy)]
pub struct History<'a> {
    table: &'a EpochTable,
    epochs: usize,
}

impl<'a> History<'a> {
    /// Number of epochs.
    #[must_use]
    pub fn epochs(&self) -> usize {
        self.epochs
    }

    /// The recorded cells of a column, `None` where there is no such column or it is the test's.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&'a [Option<f64>]> {
        if name.starts_with(TEST_PREFIX) {
            return None;
        }
        self.table.column(name).map(|cells| &cells[..self.epochs])
    }

    /// The names of the columns, without those of the test.
    pub fn names(&self) -> impl Iterator<Item = &'a str> {
        self.table.names.iter().map(String::as_str).filter(|name| !name.starts_with(TEST_PREFIX))
    }

    /// The same history up to an earlier epoch.
    #[must_use]
    pub fn up_to(&self, epochs: usize) -> Self {
        Self { table: self.table, epochs: epochs.min(self.epochs) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_cannot_read_a_test_column() {
        let mut table = EpochTable::new(vec!["val_loss".into(), "test_loss".into()]);
        table.push(&[Some(1.0), Some(2.0)]);
        let history = table.history(1);
        assert_eq!(history.column("val_loss"), Some(&[Some(1.0)][..]));
        assert_eq!(history.column("test_loss"), None);
        assert_eq!(table.cell("test_loss", 1), Some(2.0));
    }

    #[test]
    fn a_column_is_left_out_that_never_had_a_value_and_names_stay_with_the_others() {
        let names = ["train_loss", CPU, "val_loss"].map(str::to_owned);
        let mut table = EpochTable::new(names.to_vec());
        table.also_called("val_loss", "loss".to_owned());
        table.push(&[Some(1.0), None, Some(3.0)]);
        let mut known = table.clone();
        table.leave_out_if_empty(CPU);
        assert_eq!(table.names(), ["train_loss", "val_loss"]);
        assert_eq!(table.column(CPU), None);
        assert_eq!(table.cell("loss", 1), Some(3.0));
        known.push(&[Some(1.0), Some(0.5), Some(3.0)]);
        known.leave_out_if_empty(CPU);
        assert_eq!(known.column(CPU), Some(&[None, Some(0.5)][..]));
    }

    #[test]
    fn a_history_ends_at_its_epoch() {
        let mut table = EpochTable::new(vec!["val_loss".into()]);
        for value in [3.0, 2.0, 1.0] {
            table.push(&[Some(value)]);
        }
        assert_eq!(table.history(2).column("val_loss").map(<[_]>::len), Some(2));
        assert_eq!(table.history(9).epochs(), 3);
    }
}
