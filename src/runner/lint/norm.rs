//! What a norm's settings come to in a training.

use super::finding::{Findings, Level};
use crate::config::norm::Circumstances;
use crate::runner::PreparedTraining;
use crate::train::batches::ranges;

/// What the norm itself has to say.
pub(super) fn remarks(training: &PreparedTraining, findings: &mut Findings) {
    let config = &training.config;
    let Some(norm) = config.model.hidden_norm() else { return };
    let batches = ranges(training.data.splits.train.len(), config.training.batch_size);
    let circumstances = Circumstances {
        hidden: &config.model.hidden,
        batch: batches.iter().map(ExactSizeIterator::len).max().unwrap_or(0),
        steps: batches.len().saturating_mul(config.training.epochs),
        weight_decay: config.training.optimizer.weight_decay(),
    };
    for remark in norm.remarks(&circumstances) {
        let level = if remark.is_warning { Level::Warning } else { Level::Note };
        findings.of_training(level, training, remark.key, remark.message, remark.help);
    }
}
