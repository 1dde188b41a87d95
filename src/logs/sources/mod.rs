//! A file per tool. `list` names them.

pub(super) mod catboost;
pub(super) mod evals_result;
pub(super) mod fastai;
pub(super) mod generic;
pub(super) mod huggingface;
pub(super) mod keras;
pub(super) mod lightning;
pub(super) mod mlflow;
pub(super) mod optuna;
pub(super) mod ray;
pub(super) mod run_tables;
pub(super) mod sacred;
pub(super) mod sklearn;
pub(super) mod skorch;
pub(super) mod tensorboard;
pub(super) mod trackio;
pub(super) mod ultralytics;
pub(super) mod wandb;
pub(super) mod wandb_run;
pub(super) mod xgboost;
