//! Which metrics a comparison is about.

/// The metric that the verdict is about, where it was recorded.
pub const PRIMARY: &str = "test_loss";

/// The metric that the verdict is about where there is no test split.
pub(super) const FALLBACK: &str = "val_loss";

/// The metrics that contrasts are made of, beside the primary one: with all, most of a report would
/// be figures that nobody asked for, and `--metric` asks for any.
pub(super) const CONTRASTED: [&str; 15] = [
    PRIMARY,
    FALLBACK,
    "test_accuracy",
    "test_balanced_accuracy",
    "test_f1",
    "test_auc",
    "test_r2",
    "test_mae",
    "test_rmse",
    "val_accuracy",
    "val_r2",
    "val_rmse",
    "epochs",
    "elapsed_s",
    "cpu_s",
];
