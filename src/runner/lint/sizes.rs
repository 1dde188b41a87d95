//! Rows, batches and splits: what the numbers come to.

use super::finding::{Findings, Level};
use crate::config::Experiment;
use crate::config::evaluation::Inside;
use crate::config::model::Along;
use crate::config::training::{BatchSize, Optimizer};
use crate::data::Targets;
use crate::runner::PreparedTraining;
use crate::text::counted;
use crate::train::batches::ranges;

/// Rows of a batch below which its mean and variance say little.
const SMALL_BATCH: usize = 4;

/// Share of the largest class above which accuracy flatters.
const DOMINANT: f64 = 0.8;

/// Batches too small for their norm, or that leave rows over.
pub(super) fn batches(training: &PreparedTraining, findings: &mut Findings) {
    let settings = &training.config.training;
    let rows = training.data.splits.train.len();
    let batches = ranges(rows, settings.batch_size);
    let smallest = batches.iter().map(ExactSizeIterator::len).min().unwrap_or(0);
    let model = &training.config.model;
    if model.norm_along() == Some(Along::Batch) && smallest < SMALL_BATCH {
        findings.of_training(
            Level::Warning,
            training,
            "training.batch_size",
            format!(
                "a batch of {}: the mean and variance that the norm `{}` takes of it are mostly noise",
                counted(smallest, "row"),
                model.norm.kind()
            ),
            "raise `training.batch_size`",
        );
    }
    match settings.batch_size {
        BatchSize::Rows(size) => {
            if matches!(settings.optimizer, Optimizer::Rprop(_)) && batches.len() > 1 {
                findings.of_training(
                    Level::Warning,
                    training,
                    "training.optimizer.kind",
                    format!(
                        "`rprop` goes by the sign of the gradient, which changes from batch to batch of {}",
                        counted(size, "row")
                    ),
                    "set training.batch_size = \"full\"",
                );
            }
            if let Some(message) =
                tail(rows, size, batches.last().map_or(0, ExactSizeIterator::len))
            {
                findings.of_training(Level::Note, training, "training.batch_size", message, "");
            }
        }
        BatchSize::Full => {}
    }
}

/// What becomes of the rows that do not fill a batch.
fn tail(rows: usize, size: usize, last: usize) -> Option<String> {
    let left = rows % size;
    if left == 0 {
        return None;
    }
    let all = format!("the {rows} training rows in batches of {size} leave {left}");
    Some(if rows < size {
        format!(
            "`training.batch_size` is {size}, and the training split has {}: an epoch is one batch",
            counted(rows, "row")
        )
    } else if last > size {
        format!("{all}: too few for a batch, they join the one before, which has {last}")
    } else {
        format!("{all}: they are the last batch")
    })
}

/// No test split.
pub(super) fn splits(training: &PreparedTraining, findings: &mut Findings) {
    let config = &training.config;
    if training.data.splits.test.is_empty() && config.evaluation.test {
        let asked = findings.experiment.is_written("evaluation.test");
        // A column that names the splits wins over the share.
        let by_column = config.data.split.column.is_some();
        let (level, key) = match (asked, by_column) {
            (true, _) => (Level::Warning, "evaluation.test"),
            (false, true) => (Level::Note, "data.split.column"),
            (false, false) => (Level::Note, "data.split.test"),
        };
        let compared = if training.data.splits.validation.is_empty() {
            "`train_loss`, which says nothing of new rows"
        } else if training.arms.iter().any(|arm| arm.rule.restore_best) {
            "`val_loss`, and the validation split chose weights among them"
        } else {
            "`val_loss`"
        };
        findings.of_training(
            level,
            training,
            key,
            format!("there is no test split, so no test metric: arms are compared by {compared}"),
            if by_column {
                "call some rows `test` in the split column"
            } else {
                "set data.split.test above 0, or give a test file"
            },
        );
    }
}

/// What is to be looked at inside of a network and is not there; that some arms lack it is no news.
pub(super) fn inside(_: &Experiment, trainings: &[PreparedTraining], findings: &mut Findings) {
    let mut asked: Vec<Inside> = Vec::new();
    for what in trainings.iter().flat_map(|training| &training.config.evaluation.inside) {
        if !asked.contains(what) {
            asked.push(*what);
        }
    }
    asked.retain(|what| trainings.iter().all(|of| what.lacking(&of.config.model).is_some()));
    for training in trainings {
        let inside = training.config.evaluation.inside.iter();
        for what in inside.filter(|what| asked.contains(what)) {
            let Some(why) = what.lacking(&training.config.model) else { continue };
            findings.of_training(
                Level::Warning,
                training,
                "evaluation.inside",
                format!("{why}, so `{}` has no columns", what.name()),
                "leave it out of `evaluation.inside`",
            );
        }
    }
}

/// Classes of which there is one, or hardly more.
pub(super) fn classes(training: &PreparedTraining, findings: &mut Findings) {
    let Targets::Classes { labels, names } = &training.data.targets else { return };
    let mut counts = vec![0_usize; names.len()];
    for label in training.data.splits.train.iter().filter_map(|row| labels.get(*row as usize)) {
        if let Some(count) = counts.get_mut(*label as usize) {
            *count += 1;
        }
    }
    if counts.iter().filter(|count| **count > 0).count() < 2 {
        findings.of_training(
            Level::Warning,
            training,
            "data.split",
            "all training rows are of one class: there is nothing to tell apart".to_owned(),
            "take another split: data.split.seed, data.split.stratify = true, or a split column that mixes the classes",
        );
        return;
    }
    let rows: usize = counts.iter().sum();
    let Some((largest, count)) = names.iter().zip(&counts).max_by_key(|(_, count)| **count) else {
        return;
    };
    #[allow(clippy::cast_precision_loss)] // rows are far below 2^53
    let share = *count as f64 / rows.max(1) as f64;
    if share > DOMINANT {
        findings.of_training(
            Level::Note,
            training,
            "data.target",
            format!(
                "{:.0} % of the training rows are of the class `{largest}`: always predicting it is right as often",
                100.0 * share
            ),
            "look at balanced_accuracy and f1 beside accuracy",
        );
    }
}
