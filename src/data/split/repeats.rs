//! Rows that stand in several splits.

use std::collections::HashSet;

use foldhash::fast::FixedState;

use crate::data::dataset::Splits;
use crate::data::doubt::Doubt;

/// A warning is due where more than this share of a split are training rows, too.
const NOTABLE: f64 = 0.05;

/// The same of tables without an input of many different values, where such rows come about by chance.
const NOTABLE_OF_FEW_VALUES: f64 = 0.5;

/// Validation and test rows that are training rows as well, word for word, inputs and target; `hashes`: of
/// each row; `has_few_values`: whether every input has few different values.
pub fn doubt(splits: &Splits, hashes: &[u64], has_few_values: impl Fn() -> bool) -> Option<Doubt> {
    let hash = |row: &u32| hashes[*row as usize];
    let trained: HashSet<u64, FixedState> = splits.train.iter().map(hash).collect();
    let count =
        |rows: &[u32]| (rows.iter().filter(|row| trained.contains(&hash(row))).count(), rows.len());
    let counts = [("validation", count(&splits.validation)), ("test", count(&splits.test))];
    #[allow(clippy::cast_precision_loss)] // rows are counted in 32 bits
    let are_more_than = |share: f64| {
        let is = |(_, (again, rows)): &(_, (usize, usize))| *again as f64 > share * *rows as f64;
        counts.iter().any(|count| count.1.0 > 1 && is(count))
    };
    if !are_more_than(NOTABLE) || has_few_values() && !are_more_than(NOTABLE_OF_FEW_VALUES) {
        return None;
    }
    let told = counts.iter().filter(|(_, (again, _))| *again > 0);
    let told: Vec<String> =
        told.map(|(split, (again, rows))| format!("{again} of {rows} {split} rows")).collect();
    let message = format!(
        "{} are also training rows, word for word, inputs and target: their metrics say less of new rows",
        told.join(" and ")
    );
    Some(
        Doubt::warning("rows in several splits", "data.source", message)
            .advise("keep each row once, or all copies of a row in one split by data.split.column"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(train: usize, hashes: &[u64]) -> [Option<String>; 2] {
        let rows = |from: usize, to: usize| (from..to).map(|n| u32::try_from(n).unwrap()).collect();
        let splits = Splits {
            train: rows(0, train),
            validation: Vec::new(),
            test: rows(train, hashes.len()),
            train_evaluated: Vec::new(),
        };
        let of = |has_few_values| doubt(&splits, hashes, || has_few_values).map(|d| d.message);
        let of_few_values = of(true);
        assert!(of_few_values.is_none() || of_few_values == of(false));
        [of(false), of_few_values]
    }

    #[test]
    fn rows_that_train_are_counted_where_they_are_more_than_a_few() {
        let hashes: Vec<u64> = (0..100).chain(0..3).chain(100..150).collect();
        let [told_of_many, told_of_few] = told(100, &hashes);
        assert!(told_of_many.unwrap().starts_with("3 of 53 test rows are also training rows"));
        assert_eq!(told_of_few, None);
        assert_eq!(told(100, &hashes[1..]), [None, None], "2 of 52");
        assert_eq!(told(4, &[1, 2, 3, 4, 4, 5]), [None, None], "one is a chance");
        assert_eq!(told(4, &[1, 2, 3, 4]), [None, None]);
        assert!(told(2, &[7, 7, 7, 7])[1].as_ref().unwrap().starts_with("2 of 2 test rows"));
    }
}
