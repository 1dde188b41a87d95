//! What the names of columns say: which count, which split they are of, and which are the same under
//! another name.

use std::collections::HashSet;

use crate::stopping::{Split, is_spread, words};

/// Columns that count epochs, in the order in which they are looked for.
const EPOCHS: [&str; 9] = [
    "epoch",
    "epochs",
    "training_iteration",
    "iteration",
    "iterations",
    "iter",
    "round",
    "boosting_round",
    "current_epoch",
];

/// Columns that count what happens several times an epoch.
const STEPS: [&str; 8] = [
    "step",
    "_step",
    "global_step",
    "trainer/global_step",
    "steps",
    "num_steps",
    "timesteps_total",
    "batch",
];

/// Columns of clocks.
const CLOCKS: [&str; 16] = [
    "time",
    "_runtime",
    "_timestamp",
    "timestamp",
    "time_total_s",
    "time_this_iter_s",
    "time_since_restore",
    "passed_time",
    "remaining_time",
    "elapsed_s",
    "dur",
    "relative time (process)",
    "wall time",
    "train_runtime",
    "pid",
    "iterations_since_restore",
];

/// Endings of what Trainer measures of itself.
const OF_SPEED: [&str; 3] = ["_runtime", "_per_second", "_model_preparation_time"];

/// What a column counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counts {
    /// Epochs, or rounds of boosting.
    Epochs,
    /// Steps, of which an epoch has many.
    Steps,
    /// Rows: the index that pandas writes without a name.
    Rows,
}

/// What a column counts, if it does.
pub(super) fn counts(name: &str) -> Option<Counts> {
    let lower = name.to_lowercase();
    if EPOCHS.contains(&lower.as_str()) {
        Some(Counts::Epochs)
    } else if STEPS.contains(&lower.as_str()) {
        Some(Counts::Steps)
    } else {
        (name.is_empty() || lower == "unnamed: 0").then_some(Counts::Rows)
    }
}

/// How early a counter is preferred over another.
fn rank(name: &str) -> Option<usize> {
    let lower = name.to_lowercase();
    let known = EPOCHS.iter().chain(&STEPS).position(|known| *known == lower);
    known.or_else(|| counts(name).map(|_| EPOCHS.len() + STEPS.len()))
}

/// Of names, the one that counts best what rows are of.
pub(super) fn counter<'a>(names: impl Iterator<Item = (usize, &'a str)>) -> Option<usize> {
    let ranked = names.filter_map(|(index, name)| Some((rank(name)?, index)));
    ranked.min().map(|(_, index)| index)
}

/// Whether a column is a clock, or a speed, or the like, of which the last value counts.
pub(super) fn is_clock(name: &str) -> bool {
    let lower = name.to_lowercase();
    CLOCKS.contains(&lower.as_str()) || OF_SPEED.iter().any(|end| lower.ends_with(end))
}

/// Whether a column is what was measured of a training, no counter and no clock.
#[must_use]
pub fn is_measure(name: &str) -> bool {
    counts(name).is_none() && !is_clock(name)
}

/// Which split the name of a column tells of; none of a counter and a clock.
#[must_use]
pub fn split(name: &str) -> Option<Split> {
    if is_measure(name) { Split::of(name) } else { None }
}

/// Whether a column is a loss, or one of the measures that stand for one.
fn is_loss(name: &str) -> bool {
    let words = words(name);
    words.iter().any(|word| word == "loss" || (word.ends_with("loss") && word != "noloss"))
}

/// The columns that are a validation loss, by name; what `add_hparams` of torch writes besides is none.
pub(super) fn validation_losses<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let is_of_hparams = |name: &&str| name.split('/').any(|part| part == "hparam");
    let names = names.filter(|name| !is_of_hparams(name));
    let is_it =
        |name: &&str| split(name) == Some(Split::Validation) && is_loss(name) && !is_spread(name);
    names.filter(is_it).collect()
}

/// Columns with the names that `epochs.csv` has for them, by their places: where there is `val_accuracy`, a bare
/// `accuracy` is the training's; `train_loss` under another name, where one column alone can be it.
pub(super) fn aliases(names: &[&str]) -> Vec<(usize, String)> {
    let known: HashSet<&str> = names.iter().copied().collect();
    let has = |name: &str| known.contains(name);
    let alias = |(at, name): (usize, &&str)| {
        let train = format!("train_{name}");
        let bare = *name == "loss" || has(&format!("val_{name}"));
        if bare && counts(name).is_none() && !has(&train) {
            return Some((at, train));
        }
        let short = name.strip_suffix("_epoch")?;
        (short.starts_with("train_") && !has(short)).then(|| (at, short.to_owned()))
    };
    let mut aliases: Vec<(usize, String)> = names.iter().enumerate().filter_map(alias).collect();
    let train_loss = "train_loss";
    if !has(train_loss) && aliases.iter().all(|(_, alias)| alias != train_loss) {
        let is_it =
            |(_, name): &(usize, &&str)| split(name) == Some(Split::Training) && is_loss(name);
        let mut losses = names.iter().enumerate().filter(is_it);
        if let (Some((only, _)), None) = (losses.next(), losses.next()) {
            aliases.push((only, train_loss.to_owned()));
        }
    }
    aliases
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_validation_loss_is_known_by_the_words_of_its_name() {
        let names = [
            "valid_loss",
            "eval_loss",
            "val/loss",
            "validation/epoch_loss",
            "validation_0.logloss",
            "Loss/val",
            "valid_0's binary_logloss",
            "dev_loss",
            "valLoss",
        ];
        assert_eq!(validation_losses(names.into_iter()), names);
        let others =
            ["loss", "train_loss", "test_loss", "val_accuracy", "evaluated_loss_", "lossless"];
        assert_eq!(validation_losses(others.into_iter()), [""; 0]);
    }

    #[test]
    fn an_epoch_counts_before_a_step_and_a_step_before_an_index() {
        let best = |names: &[&str]| counter(names.iter().copied().enumerate());
        assert_eq!(best(&["", "step", "epoch"]), Some(2));
        assert_eq!(best(&["", "_step", "loss"]), Some(1));
        assert_eq!(best(&["Epoch", "iteration"]), Some(0));
        assert_eq!(best(&["", "loss"]), Some(0));
        assert_eq!(best(&["loss"]), None);
    }

    #[test]
    fn training_columns_are_also_called_as_ours() {
        let alias =
            |names: &[&str]| aliases(names).into_iter().map(|(_, alias)| alias).collect::<Vec<_>>();
        assert_eq!(
            alias(&["accuracy", "loss", "val_accuracy", "val_loss"]),
            ["train_accuracy", "train_loss"]
        );
        assert_eq!(alias(&["train_loss_epoch"]), ["train_loss"]);
        assert_eq!(alias(&["train/loss", "val/loss"]), ["train_loss"]);
        assert_eq!(alias(&["train/box_loss", "train/cls_loss"]), [""; 0]);
    }
}
