//! What a norm's settings come to in a training.

use super::finding::{Findings, Level};
use super::statistics::MEASURE;
use crate::config::model::{Along, RunningStatistics};
use crate::config::norm::Circumstances;
use crate::runner::PreparedTraining;
use crate::text::counted;
use crate::train::batches::ranges;

/// What the norm itself has to say.
pub(super) fn remarks(training: &PreparedTraining, findings: &mut Findings) {
    let config = &training.config;
    let model = &config.model;
    let Some(norm) = model.norm_in_use() else { return };
    let batches = ranges(training.data.splits.train.len(), config.training.batch_size);
    let circumstances = Circumstances {
        hidden: model.hidden_norm().map_or(&[], |_| &model.hidden),
        inputs: model.input_norm().map(|_| training.data.inputs.width()),
        batch: batches.iter().map(ExactSizeIterator::len).max().unwrap_or(0),
        steps: batches.len().saturating_mul(config.training.epochs),
        may_stop: training.arms.iter().any(|arm| arm.rule.kind() != "none"),
        weight_decay: config.training.optimizer.weight_decay(),
    };
    for remark in norm.remarks(&circumstances) {
        let level = if remark.is_warning { Level::Warning } else { Level::Note };
        findings.of_training(level, training, remark.key, remark.message, remark.help);
    }
}

/// A norm on inputs of which some are levels, each a column of zeros and ones.
pub(super) fn levels(training: &PreparedTraining, findings: &mut Findings) {
    const AT: &str = "model.norm.at";
    let model = &training.config.model;
    let Some(norm) = model.input_norm() else { return };
    let columns = training.data.columns_of_levels().len();
    if columns == 0 {
        return;
    }
    let columns = counted(columns, "column");
    let kind = model.norm.kind();
    if norm.along() == Along::Row {
        let message = format!(
            "the norm `{kind}` takes statistics of whole rows, and {columns} of levels put zeros and ones into them: what becomes of a number depends on how many levels there are"
        );
        let help = "take a norm over the batch for the inputs, or leave \"input\" out of `at`";
        findings.of_training(Level::Warning, training, AT, message, help);
    }
    match norm.running_statistics() {
        Some(RunningStatistics::Ema { .. } | RunningStatistics::Cumulative) if norm.divides() => {
            let message = format!(
                "a level that few rows have is in no row of most batches, where it has the variance 0: with {columns} of levels, averages of such variances make evaluations divide by little more than `eps`"
            );
            findings.of_training(Level::Warning, training, AT, message, MEASURE);
        }
        Some(_) | None => {}
    }
}
