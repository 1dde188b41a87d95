//! Trainings that run on another engine than one would think.

use super::finding::{Findings, Level};
use crate::nn::Lacking;
use crate::runner::PreparedTraining;

/// Trainings with what bnes's own engine lacks for each, which is said once however many lack the same.
pub(super) fn stand_ins<'a>(
    trainings: impl Iterator<Item = (&'a PreparedTraining, Lacking)>,
    findings: &mut Findings,
) {
    let mut known: Vec<Lacking> = Vec::new();
    for (training, lacking) in trainings {
        if known.contains(&lacking) {
            continue;
        }
        known.push(lacking);
        findings.of_training(
            Level::Warning,
            training,
            "model.norm.kind",
            format!("{lacking}: candle's autograd stands in, which is slower"),
            "for seconds that compare, run every arm on it: BNES_ENGINE=graph",
        );
    }
}
