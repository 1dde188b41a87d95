//! Training losses on candle's autograd, each a mean over the rows of a batch.

use candle_core::{D, Result, Tensor};

use crate::config::training::Loss;

/// The mean loss of a batch, a scalar.
///
/// `outputs` are rows x outputs, before any softmax or sigmoid. `targets` are the class of each row
/// (`[rows]`, u32) where the task is classification, else rows x outputs. `weights` holds what a
/// row of each class counts; the sum is still divided by the number of rows, so that the mean over
/// an epoch does not depend on which rows shared a batch.
///
/// # Errors
/// Where the device fails.
pub fn mean_loss(
    loss: Loss,
    outputs: &Tensor,
    targets: &Target,
    weights: Option<&Tensor>,
) -> Result<Tensor> {
    let (losses, classes) = match (loss, targets) {
        (Loss::CrossEntropy, Target::Classes(classes)) => {
            (cross_entropy(outputs, classes)?, classes)
        }
        // A sigmoid is a softmax over the logit and 0, and stable for any logit in that form.
        (Loss::Bce, Target::Classes(classes)) => {
            let both = Tensor::cat(&[&outputs.zeros_like()?, outputs], D::Minus1)?;
            (cross_entropy(&both, classes)?, classes)
        }
        (Loss::Mse, Target::Classes(classes)) => {
            let width = outputs.dim(D::Minus1)?;
            let one_hot = Tensor::eye(width, outputs.dtype(), outputs.device())?;
            ((outputs - one_hot.index_select(classes, 0)?)?.sqr()?, classes)
        }
        (Loss::Mse, Target::Values(values)) => return (outputs - values)?.sqr()?.mean_all(),
        (Loss::CrossEntropy | Loss::Bce, Target::Values(_)) => {
            candle_core::bail!("cross-entropy needs classes")
        }
    };
    match weights {
        None => losses.mean_all(),
        Some(weights) => {
            let of_rows = weights.index_select(classes, 0)?.unsqueeze(1)?;
            losses.broadcast_mul(&of_rows)?.mean_all()
        }
    }
}

/// What a batch should come out as.
pub enum Target {
    /// The class of each row, `[rows]`, u32.
    Classes(Tensor),
    /// rows x outputs.
    Values(Tensor),
}

/// -log softmax of the class of each row, rows x 1.
fn cross_entropy(logits: &Tensor, classes: &Tensor) -> Result<Tensor> {
    // The largest logit only shifts; without it in the graph its derivatives need not cancel.
    let shifted = logits.broadcast_sub(&logits.max_keepdim(D::Minus1)?.detach())?;
    let log_sum = shifted.exp()?.sum_keepdim(D::Minus1)?.log()?;
    let of_class = shifted.gather(&classes.unsqueeze(1)?, D::Minus1)?;
    log_sum - of_class
}
