//! Trainings that run on another engine than one would think.

use super::{Findings, Level, Task};
use crate::nn::Lacking;

/// `lacks` says what bnes's own engine does not have to train a task with.
pub(super) fn lint(
    tasks: &[&Task],
    lacks: &dyn Fn(&Task) -> Option<Lacking>,
    findings: &mut Findings,
) {
    for (task, lacking) in tasks.iter().filter_map(|task| Some((task, lacks(task)?))) {
        findings.of_task(
            Level::Warning,
            task,
            "model.norm.kind",
            format!("{lacking}: candle's autograd stands in, which is slower"),
            "for seconds that compare, run every arm on it: BNES_ENGINE=graph",
        );
    }
}
