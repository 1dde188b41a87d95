//! Loss and metrics of numbers.

use super::mean::mean;

/// The loss, then R2, mean absolute error, root mean squared error and mean squared error in percent,
/// each a plain mean over the targets; the last is of use between 0 and 1 alone. `outputs` holds a row of as many numbers as there are means for each of `rows`.
pub(super) fn score(
    outputs: &[f64],
    targets: &[f32],
    rows: &[u32],
    means: &[f64],
    sds: &[f64],
) -> (f64, Vec<Option<f64>>) {
    let width = means.len();
    let pairs = || {
        outputs
            .chunks_exact(width)
            .zip(rows.iter().map(|row| &targets[*row as usize * width..][..width]))
    };
    let loss = mean(pairs().map(|(output, target)| row_loss(output, target)));
    let each: Vec<Errors> = (means.iter().zip(sds).enumerate())
        .map(|(at, (mean, sd))| {
            let own = |value: f64| value * sd + mean;
            Errors::of(pairs().map(|(o, t)| (own(o[at]), own(f64::from(t[at])))))
        })
        .collect();
    let r2: Option<Vec<f64>> = each.iter().map(|errors| errors.r2).collect();
    let metrics = vec![
        r2.map(|r2| mean(r2.into_iter())),
        Some(mean(each.iter().map(|errors| errors.absolute))),
        Some(mean(each.iter().map(|errors| errors.squared.sqrt()))),
        Some(100.0 * mean(each.iter().map(|errors| errors.squared))),
    ];
    (loss, metrics)
}

/// The loss of one row of outputs: the mean squared error over its targets, in standardised units.
pub(super) fn row_loss(outputs: &[f64], targets: &[f32]) -> f64 {
    mean(outputs.iter().zip(targets).map(|(o, t)| (o - f64::from(*t)) * (o - f64::from(*t))))
}

/// The absolute error of one row of outputs: a mean over its targets, each in its own units.
pub(super) fn row_absolute_error(outputs: &[f64], targets: &[f32], sds: &[f64]) -> f64 {
    let errors = outputs.iter().zip(targets).zip(sds);
    mean(errors.map(|((o, t), sd)| (o - f64::from(*t)).abs() * sd))
}

/// Of one target, in its own units.
struct Errors {
    /// None where the target does not vary.
    r2: Option<f64>,
    /// Mean absolute error.
    absolute: f64,
    /// Mean squared error.
    squared: f64,
}

impl Errors {
    fn of(pairs: impl ExactSizeIterator<Item = (f64, f64)> + Clone) -> Self {
        let absolute = mean(pairs.clone().map(|(output, target)| (output - target).abs()));
        let squared = mean(pairs.clone().map(|(output, target)| (output - target).powi(2)));
        let targets = pairs.map(|(_, target)| target);
        let (low, high) = targets
            .clone()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), t| (low.min(t), high.max(t)));
        let centre = mean(targets.clone());
        let variance = mean(targets.map(|target| (target - centre).powi(2)));
        Self { r2: (low < high).then(|| 1.0 - squared / variance), absolute, squared }
    }
}
