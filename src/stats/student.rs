//! Student's t: interval, test and effect size of paired differences (Student 1908).

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::{PAIRS_FOR_INTERVAL, mean, sd};

/// Mean and standard error.
fn mean_and_error(values: &[f64]) -> Option<(f64, f64)> {
    Some((mean(values)?, sd(values)? / (values.len() as f64).sqrt()))
}

fn student(values: &[f64]) -> Option<StudentsT> {
    StudentsT::new(0.0, 1.0, values.len().checked_sub(1)? as f64).ok()
}

/// The central interval that covers the mean in `level` of all samples from a normal
/// distribution; `None` below three values.
#[must_use]
pub fn t_interval(values: &[f64], level: f64) -> Option<[f64; 2]> {
    if values.len() < PAIRS_FOR_INTERVAL {
        return None;
    }
    let (centre, error) = mean_and_error(values)?;
    let half = student(values)?.inverse_cdf(f64::midpoint(1.0, level)) * error;
    Some([centre - half, centre + half])
}

/// How much wider one quantile of Student's t is than another.
#[must_use]
pub fn t_quantile_ratio(p: f64, other: f64, degrees: f64) -> Option<f64> {
    let student = StudentsT::new(0.0, 1.0, degrees).ok()?;
    Some(student.inverse_cdf(p) / student.inverse_cdf(other))
}

/// The mean over its standard error; `None` below two values or where all are equal.
#[must_use]
pub fn t_statistic(differences: &[f64]) -> Option<f64> {
    let (centre, error) = mean_and_error(differences)?;
    (error > 0.0).then(|| centre / error)
}

/// The two-sided p-value of the paired t test; `None` below two differences. Differences that are
/// all equal give 1 where they are 0, else 0.
#[must_use]
pub fn t_test_p(differences: &[f64]) -> Option<f64> {
    let (centre, error) = mean_and_error(differences)?;
    if error == 0.0 {
        return Some(if centre == 0.0 { 1.0 } else { 0.0 });
    }
    Some(2.0 * student(differences)?.cdf(-(centre / error).abs()))
}

/// Cohen's `d_z`: the mean difference in standard deviations of the differences; `None` below two
/// differences or where all are equal.
#[must_use]
pub fn effect_size(differences: &[f64]) -> Option<f64> {
    let spread = sd(differences).filter(|spread| *spread > 0.0)?;
    Some(mean(differences)? / spread)
}
