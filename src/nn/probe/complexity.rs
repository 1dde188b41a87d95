//! How complex a network is, by its weights alone.
//!
//! Norms are folded into the weights next to them first: before a batch norm weights can grow
//! without any effect (Ioffe & Szegedy 2015, 3.3). Biases and shifts do not count.

use super::chain::{Chain, Step};
use super::matrix::Matrix;
use crate::seed::Seed;

/// Steps of the power iteration at most; most matrices take a tenth of them.
const STEPS: usize = 100;

/// The power iteration ends where a step changes its result by less than this share.
const SETTLED: f64 = 1e-14;

/// The weights of every Linear, outputs x inputs, with the norms' gains in them; none where a norm
/// has no gain of its own, since it depends on the row.
pub fn folded(chain: &Chain) -> Option<Vec<Matrix>> {
    let mut folded: Vec<Matrix> = Vec::new();
    // Of a norm of the inputs or after an activation: they stretch what the next Linear gets.
    let mut gains: Option<Vec<f64>> = None;
    let mut after_linear = false;
    for step in &chain.steps {
        match step {
            Step::Linear { weights, .. } => {
                let mut weights = weights.clone();
                if let Some(gains) = gains.take() {
                    for row in weights.by_row_mut() {
                        row.iter_mut().zip(&gains).for_each(|(weight, gain)| *weight *= gain);
                    }
                }
                folded.push(weights);
            }
            Step::Norm(norm) if after_linear => {
                let rows = folded.last_mut().into_iter().flat_map(Matrix::by_row_mut);
                for (row, gain) in rows.zip(norm.gains()?) {
                    for weight in row {
                        *weight *= gain;
                    }
                }
            }
            Step::Norm(norm) => gains = Some(norm.gains()?),
            Step::Activation(_) => {}
        }
        after_linear = matches!(step, Step::Linear { .. });
    }
    Some(folded)
}

/// The root of the sum of all squared weights.
pub fn weight_norm(weights: &[Matrix]) -> f64 {
    weights.iter().map(|weights| squares(&weights.values)).sum::<f64>().sqrt()
}

/// The root of the sum, over all paths from an input to an output, of the products of the squared
/// weights along it (Neyshabur et al. 2015): ones passed forward through the squared weights.
pub fn path_norm(weights: &[Matrix]) -> f64 {
    let mut sums = vec![1.0; weights.first().map_or(0, |first| first.columns)];
    for weights in weights {
        sums = apply(&weights.squared(), &sums);
    }
    sums.iter().sum::<f64>().sqrt()
}

/// The product of the largest singular value of each Linear, by power iteration.
pub fn spectral_norm(weights: &[Matrix]) -> f64 {
    weights.iter().map(largest_singular_value).product()
}

/// The root of the summed squares of what lies between these weights and others of the same shapes.
pub fn distance(weights: &[Matrix], from: &[Matrix]) -> f64 {
    let pairs = weights.iter().zip(from);
    let squares = |(a, b): (&Matrix, &Matrix)| {
        a.values.iter().zip(&b.values).map(|(a, b)| (a - b) * (a - b)).sum::<f64>()
    };
    pairs.map(squares).sum::<f64>().sqrt()
}

fn largest_singular_value(weights: &Matrix) -> f64 {
    let transposed = weights.transposed();
    // Always the same start, and none that a structure in the weights would be at right angles to.
    let mut stream = Seed(0).stream("spectral_norm", 0);
    let mut direction: Vec<f64> = (0..weights.columns).map(|_| stream.normal()).collect();
    let mut value = 0.0;
    for _ in 0..STEPS {
        let length = squares(&direction).sqrt();
        for x in &mut direction {
            *x /= length;
        }
        let image = apply(weights, &direction);
        let before = std::mem::replace(&mut value, squares(&image).sqrt());
        if (value - before).abs() <= SETTLED * value {
            break;
        }
        direction = apply(&transposed, &image);
    }
    value
}

fn apply(matrix: &Matrix, vector: &[f64]) -> Vec<f64> {
    matrix.by_row().map(|row| row.iter().zip(vector).map(|(a, b)| a * b).sum()).collect()
}

fn squares(values: &[f64]) -> f64 {
    values.iter().map(|value| value * value).sum()
}
