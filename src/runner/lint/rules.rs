//! Stopping rules that cannot do what they were written for.

use super::finding::{Findings, Level};
use crate::config::Arm;
use crate::config::training::Optimizer;
use crate::runner::PreparedTraining;
use crate::stopping::{Criterion, MinDeltaMode, Monitored};
use crate::text::counted;

/// Differences of this share of a value are below what a 32-bit float resolves.
const FLOAT_NOISE: f64 = 1e-7;

/// Rows of a validation split below which its loss says little.
const FEW_ROWS: usize = 30;

/// A rule on the validation split where that has few rows.
pub(super) fn few_rows(training: &PreparedTraining, arm: &Arm, findings: &mut Findings) {
    let rows = training.data.splits.validation.len();
    let reads_validation = arm.rule.columns().iter().any(|column| column.starts_with("val_"));
    if reads_validation && rows < FEW_ROWS {
        findings.of_arm(
            Level::Warning,
            arm,
            "data.split.validation",
            format!(
                "the validation split has {}: what the rule reads is mostly noise",
                counted(rows, "row")
            ),
            "raise `data.split.validation`, or let the rule wait longer",
        );
    }
}

/// The evidence asks whether a gradient is noise, and other optimizers do not step along it.
pub(super) fn evidence(training: &PreparedTraining, arm: &Arm, findings: &mut Findings) {
    let optimizer = &training.config.training.optimizer;
    let is_plain = matches!(optimizer, Optimizer::Sgd(sgd) if sgd.momentum == 0.0);
    if is_plain || !arm.rule.columns().contains(&"evidence") {
        return;
    }
    let with = match optimizer {
        Optimizer::Sgd(_) => "sgd with momentum",
        other => other.kind(),
    };
    findings.of_arm(
        Level::Warning,
        arm,
        "early_stopping.kind",
        format!("`evidence` was derived for plain sgd, and the optimizer is {with}"),
        "set `training.optimizer` to plain sgd, or take a rule on the validation loss",
    );
}

/// A monitored column whose direction or split is not what it should be.
pub(super) fn monitor(_: &PreparedTraining, arm: &Arm, findings: &mut Findings) {
    if arm.rule.is_none() {
        return;
    }
    let Monitored { column, maximize } = &arm.rule.monitored;
    let implied = Monitored::new(column).maximize;
    let known = column.starts_with("val_") || column.starts_with("train_");
    if known && implied != *maximize {
        let (mode, better) = if *maximize { ("max", "lower") } else { ("min", "higher") };
        findings.of_arm(
            Level::Warning,
            arm,
            "early_stopping.mode",
            format!("`mode` is \"{mode}\", and of `{column}` {better} is better"),
            &format!("set `mode` to \"{}\"", if implied { "max" } else { "min" }),
        );
    }
    if arm.rule.restore_best && column.starts_with("train_") {
        findings.of_arm(
            Level::Warning,
            arm,
            "early_stopping.monitor",
            format!("`{column}` keeps improving while the network overfits: the weights kept are chosen by the rows they were trained on"),
            "monitor a `val_` column",
        );
    }
}

/// A rule that cannot fire in time, or by a margin that is noise.
pub(super) fn criterion(training: &PreparedTraining, arm: &Arm, findings: &mut Findings) {
    let epochs = training.config.training.epochs;
    criterion_at(&arm.rule.criterion, "early_stopping", epochs, arm, findings);
}

fn criterion_at(
    criterion: &Criterion,
    key: &str,
    epochs: usize,
    arm: &Arm,
    findings: &mut Findings,
) {
    let rules = match criterion {
        Criterion::Any(any) => &any.rules,
        Criterion::All(all) => &all.rules,
        Criterion::None(_) => return,
        _ => &Vec::new(),
    };
    for (index, rule) in rules.iter().enumerate() {
        criterion_at(rule, &format!("{key}.rules.{index}"), epochs, arm, findings);
    }
    if rules.is_empty() {
        too_late(criterion, key, epochs, arm, findings);
    }
    if let Criterion::Patience(patience) = criterion {
        let delta = patience.min_delta;
        if delta > 0.0 && delta < FLOAT_NOISE {
            let of = match patience.min_delta_mode {
                MinDeltaMode::Absolute => "losses around 1 are",
                MinDeltaMode::Relative => "values are",
            };
            findings.of_arm(
                Level::Warning,
                arm,
                &format!("{key}.min_delta"),
                format!(
                    "`min_delta` is {delta:?}, below the noise of 32-bit floats: {of} computed to about {FLOAT_NOISE:?}"
                ),
                "take 0, or a change that matters, such as 1e-3",
            );
        }
    }
}

fn too_late(criterion: &Criterion, key: &str, epochs: usize, arm: &Arm, findings: &mut Findings) {
    let earliest = criterion.inner().earliest();
    let setting = criterion.inner().postponed_by();
    let key = format!("{key}.{setting}");
    let kind = criterion.kind();
    if earliest > epochs {
        findings.of_arm(
            Level::Warning,
            arm,
            &key,
            format!(
                "the rule `{kind}` can never fire: it would at epoch {earliest} at the earliest, and `training.epochs` is {epochs}"
            ),
            &format!("lower `{setting}` or raise `training.epochs`"),
        );
    } else if earliest == epochs && epochs > 1 {
        findings.of_arm(
            Level::Warning,
            arm,
            &key,
            format!(
                "the rule `{kind}` can save nothing: it fires at the last epoch at the earliest"
            ),
            &format!("lower `{setting}` or raise `training.epochs`"),
        );
    }
}
