//! Holm's correction for several tests.

/// P-values adjusted for the size of their family, in the order given (Holm 1979).
///
/// The i-th smallest of m becomes the largest of `(m - j + 1) p_j` over `j <= i`, at most 1: if every
/// hypothesis below 0.05 is rejected, the chance of one false rejection or more is below 0.05.
#[must_use]
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    let mut adjusted = vec![0.0; p.len()];
    let mut largest: f64 = 0.0;
    for (rank, index) in order.into_iter().enumerate() {
        largest = largest.max((p.len() - rank) as f64 * p[index]).min(1.0);
        adjusted[index] = largest;
    }
    adjusted
}
