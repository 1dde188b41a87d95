//! Which row trains, validates and tests: drawn from the split's own stream of random numbers.
//!
//! Fractions are of the rows that the source has not given to the test itself, and totals are
//! exactly the rounded fractions. Where classes are kept apart, each class gives every split its
//! share, rounded up or down.

pub(super) mod given;
pub(super) mod repeats;
mod stratify;

use given::{Given, Part};

use super::dataset::Splits;
use super::doubt::Doubt;
use super::error::{nearest, shortened};
use super::table::looks::NumbersAsText;
use crate::config::data::SplitConfig;
use crate::seed::Seed;
use crate::text::counted;

/// Classes that a message names one by one.
const NAMED_CLASSES: usize = 10;

/// The rows of a source as far as splitting goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows<'a> {
    pub count: usize,
    /// The splits that came along.
    pub given: &'a Given,
    /// Labels and class names.
    pub classes: Option<(&'a [u32], &'a [String])>,
    /// What makes classes of numbers, where something does.
    pub as_numbers: Option<&'a NumbersAsText>,
}

/// Splits and what was done to get them.
#[derive(Debug, PartialEq)]
pub(super) struct Drawn {
    pub splits: Splits,
    pub stratified: bool,
    pub doubts: Vec<Doubt>,
}

/// Why splits cannot be had, and the key that asks for them; none: the source's own are at fault.
#[derive(Debug)]
pub(super) struct Undrawn {
    pub key: Option<&'static str>,
    pub problem: String,
}

/// Draws the splits, or says why they cannot be had.
pub(super) fn draw(rows: Rows, config: &SplitConfig, seed: Seed) -> Result<Drawn, Undrawn> {
    let of = |wanted: Part| -> Vec<u32> {
        let these = || numbered(rows.count).filter(|row| rows.given.part(*row as usize) == wanted);
        let mut all = Vec::with_capacity(these().count());
        all.extend(these());
        all
    };
    let pool = of(Part::Pool);
    let mut doubts = Vec::new();
    let mut parts = [of(Part::Train), of(Part::Validation), of(Part::Test)];
    let mut stratified = false;
    if !pool.is_empty() || parts[0].is_empty() {
        stratified = divide(rows, pool, config, seed, &mut parts, &mut doubts)?;
    }
    let [train, validation, test] = parts;
    let train_evaluated = evaluated(&train, validation.len(), seed);
    let splits = Splits { train, validation, test, train_evaluated };
    if let Some((labels, names)) = rows.classes {
        let key = match rows.given {
            Given::Nothing => "data.split",
            Given::TestFrom(_) => "data.test_source",
            Given::Parts(_) => "data.split.column",
        };
        doubts.extend(untrained(&splits, (labels, names), rows.as_numbers, key)?);
    }
    Ok(Drawn { splits, stratified, doubts })
}

/// Divides the rows of the pool among the splits; says whether by class.
fn divide(
    rows: Rows,
    pool: Vec<u32>,
    config: &SplitConfig,
    seed: Seed,
    parts: &mut [Vec<u32>; 3],
    doubts: &mut Vec<Doubt>,
) -> Result<bool, Undrawn> {
    if pool.is_empty() {
        let problem = "the source's own split has no training row: give it some".to_owned();
        return Err(Undrawn { key: None, problem });
    }
    let pool_rows = pool.len();
    let test_fraction = if rows.given.decides() { 0.0 } else { config.test };
    let test = rounded(test_fraction, pool_rows, "data.split.test")?;
    let validation = rounded(config.validation, pool_rows, "data.split.validation")?;
    let train = pool_rows.checked_sub(test + validation).filter(|rows| *rows > 0);
    let train =
        train.ok_or_else(|| none_to_train_on(config.validation, test_fraction, pool_rows))?;
    let totals = [train, validation, test];
    let groups = match rows.classes {
        Some((labels, names)) if config.stratify => {
            let groups = by_class(&pool, labels, names.len());
            let wanted = totals.iter().filter(|total| **total > 0).count();
            let small =
                groups.iter().zip(names).find(|(group, _)| (1..wanted).contains(&group.len()));
            match small {
                Some((group, name)) => {
                    let message = format!(
                        "class `{name}` has too few rows for {wanted} splits ({}): split without regard to classes",
                        group.len()
                    );
                    doubts.push(Doubt::note("not stratified", "data.split.stratify", message));
                    None
                }
                None => Some(groups),
            }
        }
        _ => None,
    };
    let stratified = groups.is_some();
    let groups = match groups {
        Some(groups) => {
            drop(pool);
            groups
        }
        None => vec![pool],
    };
    let sizes: Vec<usize> = groups.iter().map(Vec::len).collect();
    let shares = stratify::shares(&sizes, totals);
    let mut stream = seed.stream("split", 0);
    for (part, total) in parts.iter_mut().zip(totals) {
        part.reserve_exact(total);
    }
    for (mut group, share) in groups.into_iter().zip(&shares) {
        stream.shuffle(&mut group);
        let mut rest = group.as_slice();
        for (part, rows) in parts.iter_mut().zip(share) {
            let (these, others) = rest.split_at(*rows);
            part.extend_from_slice(these);
            rest = others;
        }
    }
    for part in parts {
        part.sort_unstable();
    }
    Ok(stratified)
}

/// Points at the larger of the fractions that are used.
fn none_to_train_on(validation: f64, test: f64, rows: usize) -> Undrawn {
    let fractions = [("data.split.validation", validation), ("data.split.test", test)];
    let used = fractions.iter().filter(|(_, fraction)| *fraction > 0.0);
    let used: Vec<String> = used.map(|(key, fraction)| format!("{key} = {fraction}")).collect();
    let problem = format!(
        "no row is left to train on with {} of {}: lower a share",
        used.join(" and "),
        counted(rows, "row")
    );
    Undrawn { key: Some(fractions[usize::from(test >= validation)].0), problem }
}

/// Rows are counted in 32 bits; the readers refuse more.
fn numbered(rows: usize) -> impl Iterator<Item = u32> {
    0..u32::try_from(rows).unwrap_or(u32::MAX)
}

fn rounded(fraction: f64, rows: usize, key: &'static str) -> Result<usize, Undrawn> {
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let total = (fraction * rows as f64).round() as usize;
    if total == 0 && fraction > 0.0 {
        let problem = format!(
            "{key} = {fraction} of {} leaves no row: raise it, or set it to 0",
            counted(rows, "row")
        );
        return Err(Undrawn { key: Some(key), problem });
    }
    Ok(total)
}

fn by_class(pool: &[u32], labels: &[u32], classes: usize) -> Vec<Vec<u32>> {
    let mut sizes = vec![0; classes];
    for row in pool {
        sizes[labels[*row as usize] as usize] += 1;
    }
    let mut groups: Vec<Vec<u32>> = sizes.into_iter().map(Vec::with_capacity).collect();
    for row in pool {
        groups[labels[*row as usize] as usize].push(*row);
    }
    groups
}

/// Rows of classes that no training row has, which cannot be right; refused where they are most of a
/// split.
fn untrained(
    splits: &Splits,
    (labels, names): (&[u32], &[String]),
    as_numbers: Option<&NumbersAsText>,
    key: &'static str,
) -> Result<Option<Doubt>, Undrawn> {
    let mut trained = vec![false; names.len()];
    for row in &splits.train {
        trained[labels[*row as usize] as usize] = true;
    }
    let is_untrained = |row: &&u32| !trained[labels[**row as usize] as usize];
    let (mut counts, mut are_most) = (Vec::new(), false);
    for (split, rows) in [("validation", &splits.validation), ("test", &splits.test)] {
        let count = rows.iter().filter(is_untrained).count();
        if count > 0 {
            counts.push(format!("{count} of {} {split} rows", rows.len()));
        }
        are_most |= 2 * count > rows.len();
    }
    if counts.is_empty() {
        return Ok(None);
    }
    let known = || names.iter().zip(&trained).filter(|(_, trained)| **trained).map(|(n, _)| &**n);
    // Of other digits it is another name.
    let has_digits = |name: &str| name.contains(|c: char| c.is_ascii_digit());
    let letters = |name: &str| -> Vec<char> {
        name.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect()
    };
    let absent = |(name, _): (&String, &bool)| {
        let may_be = |known: &&str| !has_digits(name) || letters(name) == letters(known);
        let meant = nearest(name, known().filter(may_be));
        let meant = meant.map_or_else(String::new, |known| {
            format!(" (did you mean `{}`?)", shortened(known.as_bytes()))
        });
        format!("`{}`{meant}", shortened(name.as_bytes()))
    };
    let mut absent: Vec<String> =
        names.iter().zip(&trained).filter(|(_, trained)| !**trained).map(absent).collect();
    if absent.len() > NAMED_CLASSES {
        let more = absent.len() - NAMED_CLASSES;
        absent.truncate(NAMED_CLASSES);
        absent.push(format!("{more} more"));
    }
    let message = format!(
        "{} are of classes that no training row has: {}",
        counts.join(" and "),
        absent.join(", ")
    );
    let advice = match as_numbers {
        Some(found) => found.advice(),
        None => "call the same class the same in every split, and give each class training rows"
            .to_owned(),
    };
    // Where all that train are of one class, that is the fault, and told as such.
    if are_most && trained.iter().filter(|trained| **trained).count() > 1 {
        return Err(Undrawn { key: Some(key), problem: format!("{message}; {advice}") });
    }
    Ok(Some(Doubt::warning("classes without a training row", key, message).advise(advice)))
}

/// A part of the training rows as large as the validation split, from a stream of its own.
fn evaluated(train: &[u32], rows: usize, seed: Seed) -> Vec<u32> {
    if rows == 0 || rows >= train.len() {
        return train.to_vec();
    }
    let mut part = train.to_vec();
    seed.stream("train_evaluated", 0).shuffle(&mut part);
    part.truncate(rows);
    part.shrink_to_fit();
    part.sort_unstable();
    part
}

#[cfg(test)]
#[allow(clippy::cast_precision_loss)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn config(validation: f64, test: f64) -> SplitConfig {
        let mut config = SplitConfig::default();
        (config.validation, config.test) = (validation, test);
        config
    }

    fn rows<'a>(count: usize, classes: Option<(&'a [u32], &'a [String])>) -> Rows<'a> {
        Rows { count, given: &Given::Nothing, classes, as_numbers: None }
    }

    fn names(classes: usize) -> Vec<String> {
        (0..classes).map(|class| class.to_string()).collect()
    }

    #[test]
    fn the_same_seed_draws_the_same_split_and_another_seed_another() {
        let rows = rows(100, None);
        let draw = |seed| draw(rows, &config(0.2, 0.2), Seed(seed)).unwrap();
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1).splits.test, draw(2).splits.test);
    }

    #[test]
    fn a_test_split_of_the_source_is_kept_and_the_rest_is_divided() {
        let rows = Rows { given: &Given::TestFrom(10), ..rows(12, None) };
        // The test fraction is not used, however large.
        let splits = draw(rows, &config(0.2, 0.9), Seed(0)).unwrap().splits;
        assert_eq!(splits.test, [10, 11]);
        assert_eq!((splits.train.len(), splits.validation.len()), (8, 2));
    }

    #[test]
    fn a_class_too_small_for_the_splits_gives_stratification_up_and_says_so() {
        let labels = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1];
        let names = names(2);
        let rows = rows(10, Some((&labels, &names)));
        let drawn = draw(rows, &config(0.2, 0.2), Seed(0)).unwrap();
        assert!(!drawn.stratified);
        assert!(drawn.doubts[0].message.contains("class `1` has too few rows for 3 splits (2)"));
        assert!(draw(rows, &config(0.2, 0.0), Seed(0)).unwrap().stratified);
    }

    #[test]
    fn fractions_that_leave_a_split_without_rows_are_refused() {
        let rows = rows(10, None);
        let why = |config: &SplitConfig| draw(rows, config, Seed(0)).unwrap_err().problem;
        assert!(why(&config(0.5, 0.5)).contains("no row is left to train on"));
        assert!(why(&config(0.9, 0.9)).contains("no row is left to train on"));
        assert!(why(&config(0.04, 0.2)).contains("split.validation"));
        let splits = draw(rows, &config(0.0, 0.0), Seed(0)).unwrap().splits;
        assert_eq!(splits.train.len(), 10);
        assert_eq!(splits.train_evaluated, splits.train);
    }

    proptest! {
        #[test]
        fn every_row_is_in_one_split_and_totals_are_the_rounded_fractions(
            count in 1_usize..400, validation in 0.0..0.6, test in 0.0..0.6,
            classes in 1_u32..6, seed: u64,
        ) {
            let mut stream = Seed(seed).stream("labels", 0);
            let labels: Vec<u32> =
                (0..count).map(|_| u32::try_from(stream.below(classes.into())).unwrap()).collect();
            let names = names(classes as usize);
            let rows = rows(count, Some((&labels, &names)));
            if let Ok(Drawn { splits, stratified, .. }) = draw(rows, &config(validation, test), Seed(seed)) {
                let mut all = [&splits.train[..], &splits.validation, &splits.test].concat();
                all.sort_unstable();
                prop_assert_eq!(all, numbered(count).collect::<Vec<u32>>());
                for (rows, fraction) in [(&splits.validation, validation), (&splits.test, test)] {
                    prop_assert_eq!(rows.len() as f64, (fraction * count as f64).round());
                    prop_assert!(rows.is_sorted());
                }
                prop_assert!(splits.train.is_sorted() && !splits.train.is_empty());
                prop_assert!(splits.train_evaluated.iter().all(|r| splits.train.contains(r)));
                let evaluated = splits.validation.len().min(splits.train.len());
                let evaluated = if evaluated == 0 { splits.train.len() } else { evaluated };
                prop_assert_eq!(splits.train_evaluated.len(), evaluated);
                if stratified {
                    for part in [&splits.train, &splits.validation, &splits.test] {
                        for class in 0..classes {
                            let of = |rows: &[u32]| rows.iter()
                                .filter(|r| labels[**r as usize] == class).count() as f64;
                            let all: Vec<u32> = numbered(count).collect();
                            let share = of(&all) * part.len() as f64 / count as f64;
                            // Two where a class was given its only training row.
                            let limit = if splits.train.len() * 2 > count { 1.0 } else { 2.0 };
                            prop_assert!((of(part) - share).abs() < limit);
                        }
                    }
                }
            }
        }
    }
}
