//! Trainings that run on another engine than one would think.

use super::finding::{Findings, Level};
use crate::nn::Lacking;
use crate::runner::PreparedTraining;

/// What bnes's own engine does not have to train with.
pub(super) fn stand_in(training: &PreparedTraining, lacking: Lacking, findings: &mut Findings) {
    findings.of_task(
        Level::Warning,
        training,
        "model.norm.kind",
        format!("{lacking}: candle's autograd stands in, which is slower"),
        "for seconds that compare, run every arm on it: BNES_ENGINE=graph",
    );
}
