//! What goes on inside of a network: `evaluation.inside`.

use super::chain::{Chain, Step};
use super::matrix::Matrix;
use super::norm::Mode;
use super::stop::{GoOn, Stop};
use super::{BLOCK, Cells, Probe, loss};

/// Steps along the gradient, from half the learning rate to four times it, each longer than the one
/// before by the same factor (Santurkar et al. 2018).
const STEPS: u8 = 8;

impl Probe<'_> {
    /// The {15, 50, 85}th percentiles of what comes into the activation of the first unit of the last
    /// hidden layer (Ioffe & Szegedy 2015, figure 1), as in training: in whole batches of its size,
    /// each by its own statistics.
    pub(super) fn preactivations(&self, chain: &Chain, go_on: GoOn) -> Result<Cells<3>, Stop> {
        let last = chain.steps.iter().rposition(|step| matches!(step, Step::Activation(_)));
        let up_to = Chain { steps: chain.steps[..last.unwrap_or(0)].to_vec() };
        let mut values = Vec::with_capacity(self.rows.len());
        for rows in self.rows.chunks_exact(self.training_batch) {
            let blocks = up_to.train(self.blocks(rows), self.isa, go_on)?;
            values.extend(blocks.iter().flat_map(Matrix::by_row).map(|row| row[0]));
        }
        values.sort_by(f64::total_cmp);
        let cell = |share| percentile(&values, share);
        Ok([("preact_p15", cell(0.15)), ("preact_p50", cell(0.5)), ("preact_p85", cell(0.85))])
    }

    /// The mean loss over whole batches of the training's size, each by its own statistics, and that
    /// of the same rows by the running ones. Neither weights classes nor drops units.
    #[allow(clippy::cast_precision_loss)] // rows are far below 2^53
    pub(super) fn modes(&self, chain: &Chain, go_on: GoOn) -> Result<Cells<2>, Stop> {
        let (mut in_training, mut in_evaluation, mut count) = (0.0, 0.0, 0);
        for rows in self.rows.chunks_exact(self.training_batch) {
            let outputs = chain.train(self.blocks(rows), self.isa, go_on)?;
            in_training += self.losses(&outputs, rows);
            let mut outputs = Vec::new();
            for block in self.blocks(rows) {
                outputs.push(chain.forward(block, Mode::Evaluation, self.isa, go_on)?.outputs);
            }
            in_evaluation += self.losses(&outputs, rows);
            count += rows.len();
        }
        let mean = |sum: f64| (count > 0).then(|| sum / count as f64);
        Ok([("loss_train_mode", mean(in_training)), ("loss_eval_mode", mean(in_evaluation))])
    }

    /// How far the running statistics are from those that the probe's rows have as one batch, each
    /// layer's taken behind norms that use the ones of their own rows: over all units of all norms,
    /// the root mean square of (running mean - mean) / sd, and of ln(running sd / sd). A standard
    /// deviation is what the norm divides by, eps in it and the variance unbiased.
    #[allow(clippy::cast_precision_loss)] // units are far below 2^53
    pub(super) fn drift(&self, chain: &Chain, go_on: GoOn) -> Result<Cells<2>, Stop> {
        let (mut of_mean, mut of_sd, mut units) = (0.0, 0.0, 0);
        let mut blocks = self.blocks(&self.rows);
        for step in &chain.steps {
            let Step::Norm(norm) = step else {
                step.train(&mut blocks, self.isa, go_on)?;
                continue;
            };
            go_on()?;
            let (batch, fixed) = norm.recalibrate(&Matrix::stacked(&blocks))?;
            for (running, exact) in fixed.iter().flat_map(|(a, b)| a.by_unit().zip(b.by_unit())) {
                of_mean += ((running.0 - exact.0) / exact.1).powi(2);
                of_sd += (running.1 / exact.1).ln().powi(2);
                units += 1;
            }
            blocks = batch.in_blocks(BLOCK);
        }
        // One row has no variance.
        let is_known = units > 0 && self.rows.len() > 1;
        let root = |sum: f64| is_known.then(|| (sum / f64::from(units)).sqrt());
        Ok([("drift_mean", root(of_mean)), ("drift_spread", root(of_sd))])
    }

    /// Along the gradient g of a batch in training mode, dropout off, and with steps eta around the
    /// learning rate: the range of the loss at x - eta g, the range of how far its gradient is from
    /// g, and the largest such distance over that walked (Santurkar et al. 2018).
    pub(super) fn landscape(&self, chain: &Chain, lr: f64, go_on: GoOn) -> Result<Cells<5>, Stop> {
        let rows = &self.rows[..self.training_batch];
        let (_, gradient) = self.in_training(chain, rows, go_on)?;
        let length = |vector: &[f64]| vector.iter().map(|v| v * v).sum::<f64>().sqrt();
        let of_gradient = length(&gradient);
        let (mut losses, mut distances) = (Range::default(), Range::default());
        let mut beta = Range::default();
        for step in 0..STEPS {
            let eta = 0.5 * lr * 8_f64.powf(f64::from(step) / f64::from(STEPS - 1));
            let (loss, there) = self.in_training(&chain.moved(&gradient, -eta), rows, go_on)?;
            let apart: Vec<f64> = there.iter().zip(&gradient).map(|(a, b)| a - b).collect();
            let distance = length(&apart);
            losses.take(loss);
            distances.take(distance);
            beta.take(distance / (eta * of_gradient));
        }
        // Without a gradient nothing was walked.
        let beta = (of_gradient > 0.0).then_some(beta.max);
        Ok([
            ("ls_min", Some(losses.min)),
            ("ls_max", Some(losses.max)),
            ("gp_min", Some(distances.min)),
            ("gp_max", Some(distances.max)),
            ("beta_eff", beta),
        ])
    }

    /// The mean training loss of these rows as one batch, and its gradient.
    #[allow(clippy::cast_precision_loss)] // rows are far below 2^53
    pub(super) fn in_training(
        &self,
        chain: &Chain,
        rows: &[u32],
        go_on: GoOn,
    ) -> Result<(f64, Vec<f64>), Stop> {
        let passed = chain.forward(self.inputs(rows), Mode::Training, self.isa, go_on)?;
        let targets = &self.network.data.targets;
        let weights = self.class_weights.as_deref();
        let (loss, delta) =
            loss::by_outputs(self.network.loss, &passed.outputs, targets, rows, weights);
        let mut gradient = vec![0.0; chain.parameters()];
        chain.back(&passed, delta, &mut gradient, None, self.isa)?;
        let rows = rows.len() as f64;
        for sum in &mut gradient {
            *sum /= rows;
        }
        Ok((loss / rows, gradient))
    }

    /// The unweighted losses of rows, added up; `outputs` are those of their blocks.
    fn losses(&self, outputs: &[Matrix], rows: &[u32]) -> f64 {
        let targets = &self.network.data.targets;
        let of_block =
            |(outputs, rows)| loss::by_outputs(self.network.loss, outputs, targets, rows, None).0;
        outputs.iter().zip(rows.chunks(BLOCK)).map(of_block).sum()
    }

    /// What the network takes of these rows, in blocks.
    fn blocks(&self, rows: &[u32]) -> Vec<Matrix> {
        rows.chunks(BLOCK).map(|rows| self.inputs(rows)).collect()
    }
}

/// The smallest and the largest of some numbers; NaN once one of them is.
struct Range {
    min: f64,
    max: f64,
}

impl Default for Range {
    fn default() -> Self {
        Self { min: f64::INFINITY, max: f64::NEG_INFINITY }
    }
}

impl Range {
    fn take(&mut self, value: f64) {
        if value.is_nan() || self.min.is_nan() {
            (self.min, self.max) = (f64::NAN, f64::NAN);
        } else {
            (self.min, self.max) = (self.min.min(value), self.max.max(value));
        }
    }
}

/// On the line between the two values around it, as numpy does; none of no values.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn percentile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share * (sorted.len().checked_sub(1)?) as f64;
    let below = sorted[place.floor() as usize];
    let above = sorted[place.ceil() as usize];
    Some(below + (above - below) * place.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_numpy() {
        let values = [-2.0, -1.0, 0.5, 3.0, 4.0, 10.0];
        // np.percentile(values, [15, 50, 85, 100])
        let expected = [-1.25, 1.75, 5.5, 10.0];
        for (share, expected) in [0.15, 0.5, 0.85, 1.0].into_iter().zip(expected) {
            let actual = percentile(&values, share).unwrap();
            assert!((actual - expected).abs() < 1e-14, "{share}: {actual}");
        }
        assert_eq!(percentile(&[7.0], 0.15), Some(7.0));
        assert_eq!(percentile(&[], 0.5), None);
    }

    #[test]
    fn a_range_with_a_nan_in_it_is_nan() {
        let mut range = Range::default();
        for value in [1.0, -3.0, 2.0] {
            range.take(value);
        }
        assert_eq!((range.min, range.max), (-3.0, 2.0));
        for value in [f64::NAN, 1.0] {
            range.take(value);
        }
        assert!(range.min.is_nan() && range.max.is_nan());
    }
}
