//! Statistics that a norm uses outside of training, where they are not those of the weights evaluated.

use super::finding::{Findings, Level};
use crate::config::model::{NormSettings, RunningStatistics};
use crate::config::norm::READ_WITH;
use crate::config::{Arm, Settling};
use crate::runner::PreparedTraining;
use crate::text::counted;

/// What to write instead.
pub(super) const MEASURE: &str =
    "measure them before each evaluation: model.norm.statistics = \"recalibrate\"";

const MOMENTUM: &str = "model.norm.momentum";

/// Momentum from which on it is likely to be meant as Keras's, which weighs the old.
const LARGE_MOMENTUM: f64 = 0.5;

fn running(training: &PreparedTraining) -> Option<RunningStatistics> {
    training.config.model.norm_in_use()?.running_statistics()
}

fn steps(training: &PreparedTraining) -> usize {
    training.config.training.batch_size.steps(training.data.splits.train.len())
}

/// Averages over weights long gone, or over their own start.
pub(super) fn lag(training: &PreparedTraining, findings: &mut Findings) {
    let Some(statistics) = running(training) else { return };
    let message = match statistics {
        RunningStatistics::Cumulative => {
            "`cumulative` averages over all batches so far, most of which had weights long gone"
                .to_owned()
        }
        RunningStatistics::Ema { momentum } => {
            let (steps, epochs) = (steps(training), training.config.training.epochs);
            let Some(settling) = Settling::of(statistics, steps).filter(|s| !s.is_over(epochs))
            else {
                return;
            };
            format!(
                "the running statistics start from mean 0 and variance 1, which still weigh {:.0} % after {} of {} at a momentum of {momentum}: metrics are of that start as well",
                100.0 * settling.start_weight(epochs),
                counted(epochs, "epoch"),
                counted(steps, "step"),
            )
        }
        RunningStatistics::Recalibrate { .. } => return,
    };
    findings.of_training(Level::Warning, training, "model.norm.statistics", message, MEASURE);
}

/// A rule that may choose before the running statistics have settled.
pub(super) fn early_rule(training: &PreparedTraining, arm: &Arm, findings: &mut Findings) {
    let settling = running(training).and_then(|of| Settling::of(of, steps(training)));
    // Where they never settle, that is all there is to say.
    let is_over = |settling: &Settling| settling.is_over(training.config.training.epochs);
    let Some(settling) = settling.filter(is_over) else { return };
    if settling.outlasts(&arm.rule) {
        let message = format!(
            "the rule `{}` may choose before epoch {}, when the running statistics have settled: until then they lag behind the weights",
            arm.rule.kind(),
            settling.epoch()
        );
        findings.of_arm(Level::Warning, arm, "early_stopping.kind", message, MEASURE);
    }
}

/// A momentum that is large for what it is here, or a key that nothing reads.
pub(super) fn settings(training: &PreparedTraining, findings: &mut Findings) {
    let Some(statistics) = running(training) else { return };
    if let RunningStatistics::Ema { momentum } = statistics
        && momentum >= LARGE_MOMENTUM
    {
        let keras = decimal(1.0 - momentum);
        let message = format!(
            "`momentum` is the weight of the new batch: at {momentum} evaluations go by little more than the last one. Keras's {momentum} is {keras} here"
        );
        let as_keras = format!("{MOMENTUM} = {keras}");
        let help = if keras > 0.0 { as_keras.as_str() } else { MEASURE };
        findings.of_training(Level::Note, training, MOMENTUM, message, help);
    }
    let norm = training.config.model.norm_in_use();
    let by_momentum = norm.is_some_and(NormSettings::trains_by_momentum);
    for (key, help) in READ_WITH {
        let is_read = match statistics {
            _ if key == MOMENTUM && by_momentum => true,
            RunningStatistics::Ema { .. } => key == MOMENTUM,
            RunningStatistics::Cumulative => false,
            RunningStatistics::Recalibrate { .. } => key != MOMENTUM,
        };
        if !is_read && findings.experiment.is_written(key) {
            let message = format!("`{key}` makes no difference here");
            findings.of_training(Level::Note, training, key, message, help);
        }
    }
}

/// A difference of short decimals as one.
fn decimal(value: f64) -> f64 {
    (value * 1e12).round() / 1e12
}
