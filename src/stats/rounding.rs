//! When figures are equal: sums of the same numbers in another order differ in their last digits,
//! and that is no difference. All that asks for a sign, a tie or a limit of a sum asks here.

/// A sum this small, as a share of the sum of its terms' sizes, is 0.
const ROUNDING: f64 = 1e-12;

/// The sum of terms; 0 where they leave no more than rounding.
#[must_use]
pub fn sum(terms: &[f64]) -> f64 {
    let add = |of: fn(f64) -> f64| terms.iter().fold(0.0, |sum, term| sum + of(*term));
    let (sum, size) = (add(|term| term), add(f64::abs));
    // Infinite terms have no rounding.
    if sum.abs() < ROUNDING * size { 0.0 } else { sum }
}

/// The first minus the second; 0 where they are equal but for rounding.
#[must_use]
pub fn difference(a: f64, b: f64) -> f64 {
    sum(&[a, -b])
}

/// Whether two figures are equal but for rounding; infinite ones of one sign are.
#[must_use]
#[allow(clippy::float_cmp)] // what is the very same needs no difference, which infinities lack
pub fn are_equal(a: f64, b: f64) -> bool {
    a == b || difference(a, b) == 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rounding_leaves_is_nothing_and_what_differs_is_as_it_was() {
        assert_eq!(sum(&[0.1, 0.2, -0.3]), 0.0);
        assert_eq!(sum(&[0.1, 0.2, -0.3, 1e-9]), 0.1 + 0.2 - 0.3 + 1e-9);
        assert_eq!((sum(&[]), sum(&[0.0, -0.0])), (0.0, 0.0));
        assert!(are_equal(0.1 + 0.2, 0.3) && !are_equal(1.0, 1.0 + 1e-9));
        assert!(difference(1e-300, 2e-300) < 0.0, "small figures are figures");
    }

    #[test]
    fn infinities_are_equal_to_themselves_alone() {
        assert!(are_equal(f64::INFINITY, f64::INFINITY));
        assert!(!are_equal(f64::INFINITY, 1.0) && !are_equal(f64::NAN, f64::NAN));
        assert!(difference(1.0, f64::INFINITY) < 0.0);
    }
}
