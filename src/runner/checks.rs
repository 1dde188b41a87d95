//! What a config asks of its data and cannot have.

use super::provenance;
use crate::config::data::Task;
use crate::config::model::Along;
use crate::config::{Arm, Config, ConfigError, Experiment};
use crate::data::Dataset;
use crate::history::{ON_DEMAND, TEST_PREFIX};
use crate::nn::probe;
use crate::text::quoted;
use crate::train;

/// Refuses a batch of one row where a norm takes the statistics of it.
pub fn batches(
    experiment: &Experiment,
    config: &Config,
    arms: &[Arm],
    data: &Dataset,
) -> Result<(), ConfigError> {
    let rows = data.splits.train.len();
    let batches = train::batches::ranges(rows, config.training.batch_size);
    let one = batches.iter().any(|batch| batch.len() == 1);
    let model = &config.model;
    let of_batch = model.norm_in_use().filter(|norm| norm.along() == Along::Batch);
    let Some(norm) = of_batch.filter(|_| one) else { return Ok(()) };
    let factors = arms.first().map(|arm| arm.factors.clone()).unwrap_or_default();
    let message = format!(
        "the training split of {rows} rows makes a batch of one, which {} for the norm `{}`",
        norm.of_one_row(),
        model.norm.kind()
    )
    .replace("of 1 rows", "of 1 row");
    let help = "give it more rows, or leave the norm out";
    Err(experiment.error_in_arm(&factors, "data.split", message, Some(help.to_owned())))
}

/// Refuses a norm of the inputs that can do nothing for as many as there are.
pub fn input_norm(
    experiment: &Experiment,
    config: &Config,
    arms: &[Arm],
    data: &Dataset,
) -> Result<(), ConfigError> {
    let norm = config.model.input_norm();
    let Some(unfit) = norm.and_then(|norm| norm.unfit(&[data.inputs.width()])) else {
        return Ok(());
    };
    let factors = arms.first().map(|arm| arm.factors.clone()).unwrap_or_default();
    let message =
        format!("the norm `{}` on the inputs: {}", config.model.norm.kind(), unfit.message);
    // How many inputs there are is not for the model to say.
    let is_of_norm = unfit.key.starts_with("model.norm.");
    let (key, help) = if is_of_norm {
        (unfit.key, unfit.help)
    } else {
        ("model.norm.at", "leave \"input\" out of `at`, or take another norm".to_owned())
    };
    Err(experiment.error_in_arm(&factors, key, message, Some(help)))
}

/// Refuses a rule that reads the validation split where that has no row.
pub fn validation(experiment: &Experiment, arm: &Arm, data: &Dataset) -> Result<(), ConfigError> {
    let columns = arm.rule.columns();
    let Some(column) = columns.iter().find(|column| column.starts_with("val_")) else {
        return Ok(());
    };
    if !data.splits.validation.is_empty() {
        return Ok(());
    }
    Err(experiment.error_where_varied(
        &arm.factors,
        "data.split.validation",
        format!(
            "the stopping rule `{}` needs `{column}`, and there is no validation row for it",
            arm.rule.kind()
        ),
        Some("raise the fraction, or take a rule that reads the training loss".to_owned()),
    ))
}

/// Refuses a rule whose columns this training will not record.
pub fn columns(
    experiment: &Experiment,
    config: &Config,
    arm: &Arm,
    recorded: &[String],
) -> Result<(), ConfigError> {
    for column in arm.rule.columns() {
        if recorded.iter().any(|name| name == column) {
            continue;
        }
        let monitored = column == arm.rule.monitored.column;
        let key = if monitored { "early_stopping.monitor" } else { "early_stopping.column" };
        let readable: Vec<&str> = recorded
            .iter()
            .map(String::as_str)
            .filter(|name| !name.starts_with(TEST_PREFIX) && !ON_DEMAND.contains(name))
            .chain(probe::columns_of(&config.model))
            .collect();
        return Err(experiment.error_in_arm(
            &arm.factors,
            key,
            match probe::lacking(column, &config.model) {
                Some(why) => format!("the rule reads the column `{column}`, and {why}"),
                None => format!(
                    "the rule reads the column `{column}`, which this training will not record"
                ),
            },
            Some(format!("the columns that a rule can read: {}", quoted(&readable))),
        ));
    }
    Ok(())
}

/// Refuses a rule for whose column nothing tells which values are better.
pub fn direction(experiment: &Experiment, arm: &Arm) -> Result<(), ConfigError> {
    // What trainings record by themselves tells its direction.
    let columns = arm.rule.columns();
    let Some(column) = arm.rule.undirected(&columns) else { return Ok(()) };
    let monitored = column == arm.rule.monitored.column;
    let key = if monitored { "early_stopping.monitor" } else { "early_stopping.column" };
    Err(experiment.error_in_arm(
        &arm.factors,
        key,
        format!("the name `{column}` does not tell whether larger or smaller values are better"),
        Some(
            "say it with `mode = \"max\"` or `mode = \"min\"`, or monitor another column"
                .to_owned(),
        ),
    ))
}

/// Refuses class weights where there are not classes.
pub fn class_weights(
    experiment: &Experiment,
    config: &Config,
    training: Task,
) -> Result<(), ConfigError> {
    if config.training.class_weights.is_none() || training != Task::Regression {
        return Ok(());
    }
    let message = "class weights need classes, and the target is numeric";
    let help = Some("leave training.class_weights out".to_owned());
    Err(experiment.error_at("training.class_weights", message.to_owned(), help))
}

/// Bytes that a training needs for each parameter at least: itself, its gradient, two moments.
pub const PARAMETER_BYTES: usize = 16;

/// Refuses a network that the memory of this machine cannot hold.
pub fn memory(experiment: &Experiment, arms: &[Arm], parameters: usize) -> Result<(), ConfigError> {
    let needed = parameters.saturating_mul(PARAMETER_BYTES);
    match provenance::memory_bytes() {
        Some(memory) if needed > memory => Err(experiment.error_in_arm(
            &arms[0].factors,
            "model.hidden",
            format!(
                "a network of {parameters} parameters takes at least {} GiB, and this machine has \
                 {}",
                needed >> 30,
                memory >> 30
            ),
            None,
        )),
        _ => Ok(()),
    }
}
