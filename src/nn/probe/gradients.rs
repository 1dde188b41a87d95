//! What the gradients of single rows and of batches tell.

/// Gradients added up over rows.
#[derive(Debug, Clone)]
pub struct Sums {
    /// Rows so far.
    pub rows: usize,
    /// Of each parameter's gradient.
    pub of_gradients: Vec<f64>,
    /// Of its squares, where they are wanted.
    pub of_squares: Option<Vec<f64>>,
}

/// Keeps the division away from 0 where a gradient is the same in every row (Mahsereci et al. 2017).
const EPS: f64 = 1e-5;

#[allow(clippy::cast_precision_loss)] // rows and parameters are far below 2^53
impl Sums {
    /// Of no row.
    pub fn new(parameters: usize, squares: bool) -> Self {
        let zeros = || vec![0.0; parameters];
        Self { rows: 0, of_gradients: zeros(), of_squares: squares.then(zeros) }
    }

    /// The mean gradient.
    pub fn mean(&self) -> Vec<f64> {
        self.of_gradients.iter().map(|sum| sum / self.rows as f64).collect()
    }

    /// The length of the mean gradient.
    pub fn norm(&self) -> f64 {
        self.mean().iter().map(|mean| mean * mean).sum::<f64>().sqrt()
    }

    /// 1 - (n / D) sum of g^2 / (s^2 + eps) over the D parameters, g the mean and s^2 the variance
    /// of the rows' gradients: above 0 where the mean is no longer than noise would make it
    /// (Mahsereci et al. 2017, equation 7). None below two rows, which have no variance.
    pub fn evidence(&self) -> Option<f64> {
        let squares = self.of_squares.as_ref().filter(|_| self.rows > 1)?;
        let rows = self.rows as f64;
        let ratio = |(mean, squares): (f64, &f64)| {
            let var = (squares - rows * mean * mean) / (rows - 1.0);
            // Rounding can bring a variance of 0 below it.
            mean * mean / (var.max(0.0) + EPS)
        };
        let sum: f64 = self.mean().into_iter().zip(squares).map(ratio).sum();
        Some(1.0 - rows / squares.len() as f64 * sum)
    }
}

/// The mean distance between the gradients of two batches (Forouzesh & Thiran 2021); none where
/// there is but one.
#[allow(clippy::cast_precision_loss)] // a few batches
pub fn disparity(gradients: &[Vec<f64>]) -> Option<f64> {
    let distance =
        |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
    let mut distances = Vec::new();
    for (index, a) in gradients.iter().enumerate() {
        distances.extend(gradients[index + 1..].iter().map(|b| distance(a, b)));
    }
    let pairs = distances.len();
    (pairs > 0).then(|| distances.iter().sum::<f64>() / pairs as f64)
}
