//! Every source there is.

use super::input::Origin;
use super::source::Source;
use super::sources::{
    catboost, evals_result, fastai, generic, huggingface, keras, lightning, mlflow, optuna, ray,
    run_tables, sacred, sklearn, skorch, tensorboard, trackio, ultralytics, wandb, wandb_run,
    xgboost,
};

/// Every source; the first that takes a log has it, and the last takes any.
pub(super) static SOURCES: &[&dyn Source] = &[
    &run_tables::RunTables,
    &sacred::Sacred,
    &ray::Ray,
    &catboost::CatBoost,
    &huggingface::HuggingFace,
    &ultralytics::Ultralytics,
    &ultralytics::Yolov5,
    &tensorboard::TensorBoard,
    &wandb_run::WandbRun,
    &mlflow::Mlflow,
    &optuna::Optuna,
    &trackio::Trackio,
    &wandb::Wandb,
    &fastai::Fastai,
    &skorch::Skorch,
    &sklearn::Sklearn,
    &xgboost::Xgboost,
    &xgboost::LightGbm,
    &evals_result::EvalsResult,
    &keras::Keras,
    &lightning::Lightning,
    &generic::Json,
    &generic::Csv,
];

/// The source of a table with these columns.
pub(super) fn of_table(names: &[String], origin: &Origin) -> &'static dyn Source {
    let taken = SOURCES.iter().find(|source| source.takes_table(names, origin));
    *taken.unwrap_or(&(&generic::Csv as &dyn Source))
}
