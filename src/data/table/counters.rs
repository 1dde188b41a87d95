//! Columns of whole numbers that tell rows apart and say nothing else: counters and identifiers.

use std::borrow::Cow;

use super::numbers::Numbers;

/// Fewer rows may be in order by chance, or by their meaning.
const FEWEST_ROWS: usize = 21;

/// What columns of identifiers are called, in lower case.
const NAMES: [&str; 6] = ["id", "index", "idx", "row", "rowid", "unnamed: 0"];

/// Whether whole numbers count the first so many rows, which are those of one file: all are different, and
/// they are in order or without a gap but for cells that are missing, which are fewer than half.
pub fn count_rows(numbers: &Numbers, rows: usize) -> bool {
    if rows < FEWEST_ROWS {
        return false;
    }
    let first = || numbers.chunks().flat_map(Cow::into_owned).take(rows);
    let all = || first().filter(|number| !number.is_nan());
    let (mut rises, mut falls) = (true, true);
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    let (mut before, mut present) = (None, 0);
    for number in all() {
        if number.fract() != 0.0 {
            return false;
        }
        if let Some(before) = before {
            rises &= before < number;
            falls &= before > number;
        }
        before = Some(number);
        present += 1;
        (low, high) = (low.min(number), high.max(number));
    }
    if present < FEWEST_ROWS || 2 * present <= rows {
        return false;
    }
    #[allow(clippy::cast_precision_loss)] // rows are counted in 32 bits
    let has_no_gap = high - low < rows as f64;
    let mut seen = vec![false; if has_no_gap { rows } else { 0 }];
    let mut are_different = all().map(|number| {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // from 0 to the count
        let place = (number - low) as usize;
        seen.get_mut(place).is_some_and(|seen| !std::mem::replace(seen, true))
    });
    rises || falls || has_no_gap && are_different.all(|is| is)
}

/// Whether a column of this name, whose numbers are as different as this, holds identifiers.
pub fn name_rows(name: &str, numbers: &Numbers) -> bool {
    let is_id = || {
        let lower = name.trim().to_lowercase();
        let part = |part: &str| ["_id", "-id", " id", ".id"].iter().any(|end| part.ends_with(end));
        let camel = name.strip_suffix("Id").or_else(|| name.strip_suffix("ID"));
        let is_camel = camel.is_some_and(|stem| stem.ends_with(char::is_lowercase));
        NAMES.contains(&lower.as_str()) || part(&lower) || is_camel
    };
    if !is_id() {
        return false;
    }
    let mut all: Vec<f64> = numbers.chunks().flat_map(Cow::into_owned).collect();
    all.retain(|number| !number.is_nan());
    if all.len() < FEWEST_ROWS || all.iter().any(|number| number.fract() != 0.0) {
        return false;
    }
    let present = all.len();
    all.sort_unstable_by(f64::total_cmp);
    all.dedup();
    2 * all.len() > present
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(of: impl IntoIterator<Item = f64>) -> (Numbers, usize) {
        let (mut numbers, mut rows) = (Numbers::new(1 << 15), 0);
        for number in of {
            numbers.push(number);
            rows += 1;
        }
        (numbers, rows)
    }

    fn count(of: impl IntoIterator<Item = f64>) -> bool {
        let (numbers, rows) = numbers(of);
        count_rows(&numbers, rows)
    }

    #[test]
    fn numbers_in_order_or_without_a_gap_count_the_rows() {
        for rows in [21_u32, 5000, 100_000] {
            let all = || (0..rows).map(f64::from);
            assert!(count(all()) && count(all().map(|n| -n)), "{rows}");
            assert!(count(all().map(|n| 1e6 + 3.0 * n)), "in order");
            assert!(count(all().map(|n| (n * 7919.0) % f64::from(rows) + 1.0)), "shuffled");
            assert!(!count(all().map(|n| n / 2.0)), "fractions");
            assert!(!count(all().map(|n| (n / 2.0).floor())), "twice each");
            assert!(!count(all().map(|n| (n * n) % f64::from(rows))), "some several times");
        }
        assert!(!count((0..20).map(f64::from)), "too few to tell");
        let without = |each: u32, of: f64| if of % f64::from(each) == 2.0 { f64::NAN } else { of };
        for each in [3, 50] {
            let shuffled = |n| f64::from(n) * 7919.0 % 100.0 + 1.0;
            assert!(count((0..100).map(|n| without(each, f64::from(n)))), "in order");
            assert!(count((0..100).map(|n| without(each, shuffled(n)))), "shuffled");
            assert!(!count((0..100).map(|n| without(each, f64::from(n / 2)))), "twice each");
        }
        let few = (0..100).map(|n| if n % 4 == 0 { f64::from(n) } else { f64::NAN });
        assert!(!count(few), "most are missing");
    }

    #[test]
    fn numbers_called_identifiers_are_if_most_are_different() {
        let (ids, _) = numbers((0..100).map(|n| f64::from(n * n % 90_001 + 842_302)));
        for name in ["id", "ID", "Unnamed: 0", "customer_id", "PassengerId", "customerID"] {
            assert!(name_rows(name, &ids), "{name}");
        }
        for name in ["paid", "GRID", "humidity", "y", "area"] {
            assert!(!name_rows(name, &ids), "{name}");
        }
        let (groups, _) = numbers((0..100).map(|n| f64::from(n % 50)));
        assert!(!name_rows("id", &groups));
    }
}
