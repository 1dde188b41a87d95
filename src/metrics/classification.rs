//! Losses and metrics of classes.

use super::mean::mean;
use crate::config::training::Loss;

/// The loss, then accuracy, balanced accuracy, F1, for two classes the area under the ROC curve, and
/// of squared errors their percentage. `outputs` holds a row of `width` for each label.
pub(super) fn score(
    loss: Loss,
    outputs: &[f64],
    width: usize,
    labels: &[usize],
    classes: usize,
) -> (f64, Vec<Option<f64>>) {
    let rows = || outputs.chunks_exact(width).zip(labels.iter().copied());
    let loss_value = mean(rows().map(|(row, label)| row_loss(loss, row, label)));
    let mut counts = Counts::new(classes);
    for (row, label) in rows() {
        counts.add(label, answer(row));
    }
    let mut metrics =
        vec![Some(counts.accuracy()), Some(counts.balanced_accuracy()), Some(counts.f1())];
    if classes == 2 {
        let scores: Vec<f64> =
            rows().map(|(row, _)| if width == 1 { row[0] } else { row[1] - row[0] }).collect();
        metrics.push(area_under_roc(&scores, labels));
    }
    if loss == Loss::Mse {
        metrics.push(Some(100.0 * loss_value));
    }
    (loss_value, metrics)
}

/// The loss of one row of outputs.
pub(super) fn row_loss(loss: Loss, row: &[f64], label: usize) -> f64 {
    match loss {
        Loss::CrossEntropy => cross_entropy(row, label),
        Loss::Bce => binary_cross_entropy(row[0], label),
        Loss::Mse => mean(row.iter().enumerate().map(|(class, output)| {
            let wanted = if class == label { 1.0 } else { 0.0 };
            (output - wanted) * (output - wanted)
        })),
    }
}

/// The class that a row of outputs names; one logit names 1 where its probability is above one half.
pub(super) fn answer(row: &[f64]) -> usize {
    if row.len() == 1 { usize::from(row[0] > 0.0) } else { first_maximum(row) }
}

/// `-ln softmax(row)[label]`, with the largest logit taken out before the exponential.
fn cross_entropy(row: &[f64], label: usize) -> f64 {
    let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = row.iter().map(|logit| (logit - largest).exp()).sum();
    sum.ln() - (row[label] - largest)
}

/// `-ln` of the probability that a logit gives to the label, without overflow at either end.
fn binary_cross_entropy(logit: f64, label: usize) -> f64 {
    let target = if label == 1 { logit } else { 0.0 };
    logit.max(0.0) - target + (-logit.abs()).exp().ln_1p()
}

fn first_maximum(row: &[f64]) -> usize {
    let mut best = 0;
    for (class, output) in row.iter().enumerate() {
        if *output > row[best] {
            best = class;
        }
    }
    best
}

/// How often each class was there, was answered, and both.
struct Counts {
    there: Vec<u64>,
    answered: Vec<u64>,
    right: Vec<u64>,
}

#[allow(clippy::cast_precision_loss)] // rows are counted in 32 bits
impl Counts {
    fn new(classes: usize) -> Self {
        Self { there: vec![0; classes], answered: vec![0; classes], right: vec![0; classes] }
    }

    fn add(&mut self, label: usize, answer: usize) {
        self.there[label] += 1;
        self.answered[answer] += 1;
        self.right[label] += u64::from(label == answer);
    }

    fn accuracy(&self) -> f64 {
        self.right.iter().sum::<u64>() as f64 / self.there.iter().sum::<u64>() as f64
    }

    /// Mean recall of the classes that are there.
    fn balanced_accuracy(&self) -> f64 {
        let recalls: Vec<f64> = (self.there.iter().zip(&self.right))
            .filter(|(there, _)| **there > 0)
            .map(|(there, right)| *right as f64 / *there as f64)
            .collect();
        mean(recalls.into_iter())
    }

    /// Mean F1 of the classes that are there or were answered.
    fn f1(&self) -> f64 {
        let scores: Vec<f64> = (self.there.iter().zip(&self.answered).zip(&self.right))
            .filter(|((there, answered), _)| **there + **answered > 0)
            .map(|((there, answered), right)| 2.0 * *right as f64 / (there + answered) as f64)
            .collect();
        mean(scores.into_iter())
    }
}

/// The share of pairs of a row of class 1 and one of class 0 that the scores put in order, ties
/// counting half: the statistic of Mann and Whitney, by mean ranks. None where a class is absent.
#[allow(clippy::cast_precision_loss)] // rows are counted in 32 bits
fn area_under_roc(scores: &[f64], labels: &[usize]) -> Option<f64> {
    let positive = labels.iter().filter(|label| **label == 1).count() as f64;
    let negative = labels.len() as f64 - positive;
    if positive == 0.0 || negative == 0.0 {
        return None;
    }
    if scores.iter().any(|score| score.is_nan()) {
        return Some(f64::NAN);
    }
    let mut ranked: Vec<(f64, usize)> =
        scores.iter().copied().zip(labels.iter().copied()).collect();
    ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut rank_sum = 0.0;
    let mut before = 0;
    // `==`, unlike the order above, takes -0 and 0 for the tie that they are; they are neighbours.
    for ties in ranked.chunk_by(|a, b| a.0 == b.0) {
        let mean_rank = before as f64 + f64::midpoint(1.0, ties.len() as f64);
        rank_sum += mean_rank * ties.iter().filter(|(_, label)| *label == 1).count() as f64;
        before += ties.len();
    }
    Some((rank_sum - positive * (positive + 1.0) / 2.0) / (positive * negative))
}
