//! Rows, batches and splits: what the numbers come to.

use super::{Findings, Level, Task};
use crate::data::Targets;
use crate::spec::model::Norm;
use crate::spec::training::{BatchSize, Optimizer};
use crate::text::counted;
use crate::train::batches::ranges;

/// Rows of a batch below which its mean and variance say little.
const SMALL_BATCH: usize = 4;

/// Share of the largest class above which accuracy flatters.
const DOMINANT: f64 = 0.8;

pub(super) fn lint(task: &Task, findings: &mut Findings) {
    batches(task, findings);
    splits(task, findings);
    inside(task, findings);
    classes(task, findings);
}

fn batches(task: &Task, findings: &mut Findings) {
    let training = &task.trajectory.training;
    let rows = task.data.splits.train.len();
    let batches = ranges(rows, training.batch_size);
    let smallest = batches.iter().map(ExactSizeIterator::len).min().unwrap_or(0);
    let has_norm = matches!(task.trajectory.model.norm, Norm::Batch(_))
        && !task.trajectory.model.hidden.is_empty();
    if has_norm && smallest < SMALL_BATCH {
        findings.of_task(
            Level::Warning,
            task,
            "training.batch_size",
            format!("a batch of {}: the mean and variance that the norm `batch` takes of it are mostly noise", counted(smallest, "row")),
            "raise `training.batch_size`",
        );
    }
    match training.batch_size {
        BatchSize::Rows(size) => {
            if matches!(training.optimizer, Optimizer::Rprop(_)) && batches.len() > 1 {
                findings.of_task(
                    Level::Warning,
                    task,
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
                findings.of_task(Level::Note, task, "training.batch_size", message, "");
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

fn splits(task: &Task, findings: &mut Findings) {
    let trajectory = &task.trajectory;
    if task.data.splits.test.is_empty() && trajectory.evaluation.test {
        let asked = findings.experiment.is_written("evaluation.test");
        // A column that names the splits wins over the share.
        let by_column = trajectory.data.split.column.is_some();
        let (level, key) = match (asked, by_column) {
            (true, _) => (Level::Warning, "evaluation.test"),
            (false, true) => (Level::Note, "data.split.column"),
            (false, false) => (Level::Note, "data.split.test"),
        };
        let compared = if task.data.splits.validation.is_empty() {
            "`train_loss`, which says nothing of new rows"
        } else if task.arms.iter().any(|arm| arm.rule.restore_best) {
            "`val_loss`, and the validation split chose weights among them"
        } else {
            "`val_loss`"
        };
        findings.of_task(
            level,
            task,
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
fn inside(task: &Task, findings: &mut Findings) {
    let trajectories = || findings.experiment.trainings.iter().map(|planned| &planned.trajectory);
    let lacking: Vec<_> = (task.trajectory.evaluation.inside.iter())
        .filter(|what| trajectories().all(|of| what.lacking(&of.model).is_some()))
        .filter_map(|what| Some((what.name(), what.lacking(&task.trajectory.model)?)))
        .collect();
    for (name, why) in lacking {
        findings.of_task(
            Level::Warning,
            task,
            "evaluation.inside",
            format!("{why}, so `{name}` has no columns"),
            "leave it out of `evaluation.inside`",
        );
    }
}

fn classes(task: &Task, findings: &mut Findings) {
    let Targets::Classes { labels, names } = &task.data.targets else { return };
    let mut counts = vec![0_usize; names.len()];
    for label in task.data.splits.train.iter().filter_map(|row| labels.get(*row as usize)) {
        if let Some(count) = counts.get_mut(*label as usize) {
            *count += 1;
        }
    }
    if counts.iter().filter(|count| **count > 0).count() < 2 {
        findings.of_task(
            Level::Warning,
            task,
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
        findings.of_task(
            Level::Note,
            task,
            "data.target",
            format!(
                "{:.0} % of the training rows are of the class `{largest}`: always saying so is as often right",
                100.0 * share
            ),
            "look at balanced_accuracy and f1 beside accuracy",
        );
    }
}
