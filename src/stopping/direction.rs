//! Whether larger or smaller values of a metric are better, by the words of its name.

use crate::history;

/// Words of metrics of which more is better, as frameworks spell them: Keras, torchmetrics, scikit-learn,
/// `XGBoost`, `LightGBM`, ultralytics, evaluate.
const LARGER: [&str; 58] = [
    "acc",
    "accuracy",
    "ap",
    "auc",
    "aucpr",
    "aupr",
    "auprc",
    "auroc",
    "bacc",
    "bleu",
    "chrf",
    "dice",
    "em",
    "exactmatch",
    "explainedvariance",
    "f1",
    "f1score",
    "fbeta",
    "fmeasure",
    "fscore",
    "hit",
    "hits",
    "iou",
    "jaccard",
    "kappa",
    "kendall",
    "map",
    "matthews",
    "mcc",
    "meteor",
    "miou",
    "mrr",
    "ndcg",
    "pearson",
    "pearsonr",
    "prauc",
    "prec",
    "precision",
    "psnr",
    "r2",
    "r2score",
    "recall",
    "return",
    "reward",
    "rocauc",
    "rouge",
    "sacrebleu",
    "sensitivity",
    "similarity",
    "spearman",
    "spearmanr",
    "specificity",
    "ssim",
    "tnr",
    "top1",
    "top5",
    "tpr",
    "youden",
];

/// Words of metrics of which less is better, whatever else is in the name.
const SMALLER: [&str; 45] = [
    "bce",
    "brier",
    "cer",
    "cost",
    "crossentropy",
    "crps",
    "deviance",
    "ece",
    "eer",
    "err",
    "errors",
    "fid",
    "fnr",
    "fpr",
    "hamming",
    "hinge",
    "huber",
    "kld",
    "kldivergence",
    "l1",
    "l2",
    "leibler",
    "logcosh",
    "losses",
    "lpips",
    "mae",
    "mape",
    "mase",
    "mse",
    "msle",
    "nll",
    "nloglik",
    "perplexity",
    "poisson",
    "ppl",
    "quantile",
    "rmse",
    "rmsle",
    "rse",
    "smape",
    "tweedie",
    "wape",
    "wer",
    "wmape",
    "xent",
];

/// Words that turn a name around, as in scikit-learn's `neg_mean_squared_error`, though not always.
const TURNED: [&str; 2] = ["neg", "negative"];

/// Words that are written in one with others: `logloss`, `merror`.
const SMALLER_AT_END: [&str; 2] = ["loss", "error"];

/// Pieces of a name that make one word at most: `m`, `Io` and `U`.
const JOINED: usize = 3;

/// Whether larger values of a column are better; none where its name does not tell.
///
/// The name of a run is no part of its metric: what follows the last ` - ` counts, as Weights & Biases
/// writes it, and of a path the last part that tells. Of the columns that this program records, those whose
/// name does not tell are better when smaller.
#[must_use]
pub fn larger_is_better(column: &str) -> Option<bool> {
    let metric = column.rsplit(" - ").next().unwrap_or(column);
    let told = metric.rsplit('/').find_map(by_words);
    told.or_else(|| history::is_ours(column).then_some(false))
}

fn by_words(name: &str) -> Option<bool> {
    let pieces = words(name);
    let words: Vec<String> =
        (1..=JOINED).flat_map(|count| pieces.windows(count).map(<[String]>::concat)).collect();
    let has = |known: &[&str]| {
        words.iter().any(|word| {
            // `acc1` is an accuracy, while the digit of `f1` is its own.
            let plain = word.trim_end_matches(|c: char| c.is_ascii_digit());
            known.contains(&word.as_str()) || known.contains(&plain)
        })
    };
    let ends = |end: &&str| pieces.iter().any(|piece| piece.ends_with(*end));
    if has(&TURNED) {
        None
    } else if has(&SMALLER) || SMALLER_AT_END.iter().any(ends) {
        Some(false)
    } else {
        has(&LARGER).then_some(true)
    }
}

/// What a name is made of, in lower case: cut at anything but letters and digits, before a capital after a
/// small letter or a digit, and before the last capital of several: `val`, `F1`, `AUC` and `Score`.
#[must_use]
pub fn words(name: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    for part in name.split(|c: char| !c.is_alphanumeric()) {
        let letters: Vec<char> = part.chars().collect();
        let mut piece = String::new();
        for (index, letter) in letters.iter().enumerate() {
            let before = index.checked_sub(1).map(|before| letters[before]);
            let is_after_small = before.is_some_and(|c| !c.is_uppercase());
            let begins_small = letters.get(index + 1).is_some_and(|c| c.is_lowercase());
            if letter.is_uppercase() && (is_after_small || begins_small) && !piece.is_empty() {
                pieces.push(std::mem::take(&mut piece));
            }
            piece.extend(letter.to_lowercase());
        }
        if !piece.is_empty() {
            pieces.push(piece);
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_is_better_where_a_word_of_the_name_says_so() {
        for larger in [
            "accuracy",
            "val_accuracy",
            "val_balanced_accuracy",
            "val_f1",
            "val_auc",
            "r2",
            "val_acc",
            "val_f1_score",
            "valid_accuracy_top5",
            "val/Accuracy",
            "val.AUROC",
            "acc1",
            "val_acc@5",
            "fbeta_2",
            "val_precision",
            "recall_at_5",
            "fmeasure",
            "val_sparse_categorical_accuracy",
            "metrics/mAP50(B)",
            "metrics/mAP50-95(B)",
            "metrics/mAP_0.5:0.95",
            "val_MulticlassAccuracy",
            "val_BinaryF1Score",
            "BinaryAUROC",
            "val_mean_io_u",
            "val_MeanIoU",
            "mIoU",
            "val/miou",
            "val_dice_coef",
            "val_aucpr",
            "valAcc",
            "AUCScore",
            "PRAUC",
            "valid-ndcg@5",
            "validset-0-auc",
            "test-map@3-",
            "R2Score",
            "CohenKappa",
            "MatthewsCorrCoef",
            "eval_rougeLsum",
            "eval_bleu",
            "PSNR",
            "MultiScaleSSIM",
            "loss-study - val_accuracy",
            "loss_study/val_acc",
            "accuracy/validation",
        ] {
            assert_eq!(larger_is_better(larger), Some(true), "{larger}");
        }
    }

    #[test]
    fn less_is_better_of_losses_errors_and_what_else_this_program_records() {
        for smaller in [
            "val_loss",
            "train_loss_eval",
            "val_mae",
            "val_rmse",
            "val_squared_error_percentage",
            "val/MeanSquaredError",
            "accuracy_loss",
            "error_acc",
            "Loss/train",
            "train/box_loss",
            "dice_loss",
            "valid-mlogloss",
            "merror",
            "test-mape",
            "rmsle",
            "val_ppl",
            "Perplexity",
            "nll",
            "binary_crossentropy",
            "val_cross_entropy",
            "top1_err",
            "valid_0_l2",
            "training's l1",
            "map-study - val_loss",
            "f1-study/val_mse",
        ] {
            assert_eq!(larger_is_better(smaller), Some(false), "{smaller}");
        }
        let ours = history::ON_DEMAND.iter().chain(&history::CLOSING);
        for ours in ours {
            assert_eq!(larger_is_better(ours), Some(false), "{ours}");
        }
    }

    #[test]
    fn a_name_without_such_a_word_tells_nothing() {
        for name in [
            "val_quality",
            "vacc",
            "accept",
            "f2x",
            "score",
            "gini",
            "mapping",
            "val_metric_1",
            "neg_mean_squared_error",
            "auc-study - val_quality",
            "",
        ] {
            assert_eq!(larger_is_better(name), None, "{name}");
        }
    }
}
